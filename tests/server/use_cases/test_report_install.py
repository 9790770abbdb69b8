"""Installs report how it went; a rollout that fails too often halts itself."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tenure_server.domain.install_reports import FailureLimit, InstallReport, Outcome, OutcomeCounts
from tenure_server.domain.licences import Licence
from tenure_server.errors import DatabaseUnavailable, Forbidden, NotFound
from tenure_server.use_cases.report_install import AUTOMATIC, PendingReports
from tenure_signing.names import ProductName
from tenure_signing.releases import Rollout
from tenure_signing.versions import Version
from tests.server.world import CAD, TODAY, WHO, World

NEW = Version("4.1")
INSTALLED, FAILED, ROLLED_BACK = Outcome.INSTALLED, Outcome.FAILED, Outcome.ROLLED_BACK


@pytest.fixture
def world(world: World) -> World:
    world.publish("4.1", TODAY)
    return world


@pytest.fixture
def licences(world: World) -> list[Licence]:
    return [world.issue(date(2026, 6, 1), customer=f"Customer {number}").licence for number in range(6)]


def report(world: World, licence: Licence, outcome: Outcome, install: str = "install-1", version: str = "4.1") -> None:
    world.installation.report_install(licence, CAD, Version(version), outcome, install, from_version=Version("4.0"))


def written(world: World) -> int:
    return world.installation.write_reports()


def counts(world: World) -> OutcomeCounts:
    return world.installation.show_rollout(CAD, NEW).counts


def is_halted(world: World) -> bool:
    return world.installation.show_rollout(CAD, NEW).rollout.is_halted


def test_reports_are_counted_by_install_and_by_day(world: World, licences: list[Licence]) -> None:
    report(world, licences[0], FAILED)
    report(world, licences[0], INSTALLED)  # tried again
    report(world, licences[0], INSTALLED, "install-2")
    report(world, licences[1], ROLLED_BACK)
    assert written(world) == 4
    world.today = TODAY + timedelta(days=1)
    report(world, licences[1], INSTALLED)
    assert written(world) == 1
    standing = world.installation.show_rollout(CAD, NEW)
    assert standing.counts == OutcomeCounts(installed=3)
    assert [(each.day.day, each.outcome.value, each.reports) for each in standing.days] == [
        (23, "failed", 1),
        (23, "installed", 2),
        (23, "rolled_back", 1),
        (24, "installed", 1),
    ]


def test_nothing_is_written_before_its_time(world: World, licences: list[Licence]) -> None:
    report(world, licences[0], FAILED)
    assert counts(world) == OutcomeCounts()
    assert (written(world), written(world)) == (1, 0)
    assert counts(world) == OutcomeCounts(failed=1)


def test_a_rollout_halts_itself_past_the_failure_share_of_the_product(world: World, licences: list[Licence]) -> None:
    world.installation.change_rollout.limit_failures(CAD, None, FailureLimit(2_000, 5), who=WHO)
    for licence in licences[:4]:
        report(world, licence, INSTALLED)
    report(world, licences[4], FAILED)
    written(world)
    assert not is_halted(world)  # exactly 20 %
    report(world, licences[3], ROLLED_BACK)
    written(world)
    assert is_halted(world)
    with world.database.reading() as records:
        (event, *_) = records.audit.newest(subject="cad 4.1")
    assert (event.who, event.action) == (AUTOMATIC, "rollout.halt")
    assert event.details["reason"] == "2 of 5 installs failed or rolled back, more than 20 %"
    assert event.details["before"] == {"share_basis_points": 10_000, "halted": False, "ramp": None}


def test_a_limit_of_the_release_comes_before_that_of_the_product(world: World, licences: list[Licence]) -> None:
    change = world.installation.change_rollout
    change.limit_failures(CAD, None, FailureLimit(0, 1), who=WHO)
    change.limit_failures(CAD, Version("4.1.0"), FailureLimit(5_000, 2), who=WHO)
    report(world, licences[0], FAILED)
    written(world)
    assert not is_halted(world)
    change.limit_failures(CAD, NEW, None, who=WHO)
    report(world, licences[1], FAILED)
    written(world)
    assert is_halted(world)


def test_without_a_limit_nothing_halts_itself(world: World, licences: list[Licence]) -> None:
    for licence in licences:
        report(world, licence, FAILED)
    written(world)
    assert not is_halted(world)


def test_after_resuming_only_new_reports_count_towards_the_limit(world: World, licences: list[Licence]) -> None:
    change = world.installation.change_rollout
    change.limit_failures(CAD, None, FailureLimit(1_000, 2), who=WHO)
    for licence in licences[:2]:
        report(world, licence, FAILED)
    written(world)
    world.today = TODAY + timedelta(days=1)
    change.resume(CAD, NEW, signers=[world.engineer], who=WHO)
    world.today = TODAY + timedelta(days=2)
    report(world, licences[2], FAILED)
    written(world)
    assert not is_halted(world)
    report(world, licences[3], FAILED)
    written(world)
    assert is_halted(world)


def test_who_invents_installs_weighs_no_more_than_a_licence_may(world: World, licences: list[Licence]) -> None:
    world.installation.change_rollout.limit_failures(CAD, None, FailureLimit(1_000, 20), who=WHO)
    for number in range(500):
        report(world, licences[0], FAILED, f"invented-{number}")
    written(world)
    assert counts(world) == OutcomeCounts(failed=8)
    assert not is_halted(world)


def test_a_ramp_ends_where_it_had_come_to(world: World, licences: list[Licence]) -> None:
    change = world.installation.change_rollout
    change.set_share(CAD, NEW, 2_500, who=WHO)
    change.limit_failures(CAD, None, FailureLimit(0, 1), who=WHO)
    report(world, licences[0], FAILED)
    written(world)
    assert world.installation.show_rollout(CAD, NEW).rollout == Rollout(2_500, is_halted=True)


def test_reports_of_other_products_and_unknown_releases_are_refused(world: World, licences: list[Licence]) -> None:
    with pytest.raises(NotFound):
        report(world, licences[0], FAILED, version="9.9")
    world.add_product(ProductName("cam"))
    world.installation = world.reopened()
    with pytest.raises(Forbidden):
        world.installation.report_install(licences[0], ProductName("cam"), NEW, FAILED, "install-1")
    assert written(world) == 0


def test_reports_wait_while_the_database_is_away(
    world: World, licences: list[Licence], monkeypatch: pytest.MonkeyPatch
) -> None:
    report(world, licences[0], FAILED)

    def away() -> None:
        raise DatabaseUnavailable("The database does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(world.database, "writing", away)
        with pytest.raises(DatabaseUnavailable):
            written(world)
    report(world, licences[1], INSTALLED)
    assert written(world) == 2
    assert counts(world) == OutcomeCounts(installed=1, failed=1)


def test_no_more_reports_wait_than_there_is_room_for(world: World, licences: list[Licence]) -> None:
    pending = PendingReports(most=2)
    one = InstallReport(CAD, NEW, None, FAILED, "0" * 64, "L-1", 8, None, world.now(), TODAY)
    pending.add(one)
    pending.add(one)
    with pytest.raises(DatabaseUnavailable):
        pending.add(one)
    taken = pending.take()
    pending.add(one)
    pending.put_back(taken)
    assert len(pending) == 2


def test_limits_are_audited_with_before_and_after(world: World) -> None:
    change = world.installation.change_rollout
    for limit in (FailureLimit(500, 50), FailureLimit(500, 50), None):
        change.limit_failures(CAD, None, limit, who=WHO)
    with world.database.reading() as records:
        events = [e for e in records.audit.newest(subject="cad") if e.action == "rollout.failure_limit"]
    assert [event.details for event in events] == [
        {"before": {"max_failure_basis_points": 500, "min_installs": 50}, "after": None},
        {"before": None, "after": {"max_failure_basis_points": 500, "min_installs": 50}},
    ]
    with pytest.raises(NotFound):
        change.limit_failures(ProductName("cod"), None, None, who=WHO)
