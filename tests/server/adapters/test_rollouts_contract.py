"""Rollouts come back as they were set, in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from threading import Barrier, Thread

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text

from tenure_server.adapters.database import SqlDatabase, upgrade_schema
from tenure_server.adapters.database.migrate import MIGRATIONS
from tenure_server.domain.install_reports import DayCount, FailureLimit, InstallReport, Outcome, OutcomeCounts
from tenure_server.errors import Conflict, DatabaseUnavailable, NotFound
from tenure_server.use_cases.ports import Database
from tenure_signing.entitlement import Pin, Turn, UpdateRules
from tenure_signing.names import ChannelName, ProductName
from tenure_signing.releases import MAX_RAMP, Ramp, Rollout
from tenure_signing.versions import Version
from tests.server.adapters.sample_records import CAD, NOON, digest_of, plain_licence, store

V = Version("4.1")


@pytest.mark.parametrize(
    "rollout",
    [
        Rollout(0, ramp=Ramp(10_000, NOON, NOON + timedelta(hours=72))),
        Rollout(250, is_halted=True, ramp=Ramp(250, NOON, NOON + timedelta(microseconds=1))),
        Rollout(0, ramp=Ramp(1, datetime(1, 1, 1, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC) + MAX_RAMP)),
        Rollout(9_999),
    ],
    ids=["usual", "halted", "long ago", "none"],
)
def test_a_ramp_comes_back_as_it_was_set(database: Database, rollout: Rollout) -> None:
    store(database)
    with database.writing() as records:
        records.rollouts.set(CAD, V, Rollout(1, ramp=Ramp(2, NOON, NOON + timedelta(hours=1))))
        records.rollouts.set(CAD, V, rollout)
    with database.reading() as records:
        assert records.rollouts.of_product(CAD) == {V: rollout}


def test_the_time_zone_a_ramp_was_set_in_does_not_matter(database: Database) -> None:
    store(database)
    begin = NOON.astimezone(timezone(timedelta(hours=8)))
    with database.writing() as records:
        records.rollouts.set(CAD, V, Rollout(0, ramp=Ramp(10_000, begin, begin + timedelta(hours=72))))
    with database.reading() as records:
        kept = records.rollouts.of_product(CAD)[V]
    assert kept.at(NOON + timedelta(hours=36)) == Rollout(5_000)


def test_a_halt_and_a_change_of_share_at_once_both_hold(database: Database) -> None:
    """Who takes the publication lock first, then reads, sees what the other one did."""
    store(database)
    together = Barrier(2)

    def change(*, halt: bool) -> None:
        together.wait()
        with database.writing() as records:
            records.signed_files.lock()
            now = records.rollouts.of_product(CAD).get(V, Rollout())
            after = Rollout(now.share_basis_points, is_halted=True) if halt else Rollout(500, is_halted=now.is_halted)
            records.rollouts.set(CAD, V, after)

    threads = [Thread(target=change, kwargs={"halt": halt}) for halt in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as records:
        assert records.rollouts.of_product(CAD) == {V: Rollout(500, is_halted=True)}


@pytest.mark.parametrize(
    "rules",
    [
        UpdateRules(frozenset({ChannelName("stable"), ChannelName("beta")}), Pin(2, 0), Turn.LATE),
        UpdateRules(frozenset(), Pin(0), Turn.EARLY),
        UpdateRules(pin=Pin(10**6, 10**6)),
    ],
    ids=["all", "empty", "only a pin"],
)
def test_update_rules_of_a_licence_come_back_as_they_were_set(database: Database, rules: UpdateRules) -> None:
    licence = plain_licence()
    store(database, licence)
    with database.writing() as records:
        records.licences.set_update_rules(licence.licence_id, rules)
    with database.reading() as records:
        assert records.licences.get(licence.licence_id) == replace(licence, updates=rules)
    with database.writing() as records:
        records.licences.set_update_rules(licence.licence_id, UpdateRules())
    with database.reading() as records:
        assert records.licences.get(licence.licence_id) == licence


def test_a_licence_can_be_added_with_its_update_rules(database: Database) -> None:
    licence = replace(plain_licence(), updates=UpdateRules(frozenset({ChannelName("stable")}), Pin(4), Turn.EARLY))
    store(database, licence)
    with database.reading() as records:
        assert records.licences.search() == (licence,)


def test_there_are_no_update_rules_of_a_licence_that_is_not_there(database: Database) -> None:
    store(database)
    with pytest.raises(NotFound), database.writing() as records:
        records.licences.set_update_rules("nobody", UpdateRules())


# --- What installs report


def report(install: str = "a", outcome: Outcome = Outcome.INSTALLED, **facts: object) -> InstallReport:
    usual = InstallReport(
        product=CAD,
        version=V,
        from_version=Version("4.0"),
        outcome=outcome,
        install=digest_of(install),
        licence_id="L-1",
        most_installs=3,
        detail_code="disk-full",
        reported_at=NOON,
        day=NOON.date(),
    )
    return replace(usual, **facts)  # type: ignore[arg-type]


def add(database: Database, *reports: InstallReport) -> None:
    with database.writing() as records:
        records.install_reports.add(reports)


def test_reports_are_counted_and_the_last_of_each_install_holds(database: Database) -> None:
    store(database)
    later = NOON + timedelta(seconds=1)
    add(database, report("a", Outcome.FAILED), report("b"), report("a", Outcome.FAILED, version=Version("9")))
    add(database, report("a", reported_at=later), report("b", Outcome.ROLLED_BACK, version=Version("4.1.0")))
    add(database, report("a", Outcome.FAILED, reported_at=NOON - timedelta(days=1), day=date(2026, 11, 22)))
    with database.reading() as records:
        reports = records.install_reports
        assert reports.counts(CAD, Version("4.1.0")) == OutcomeCounts(installed=1, rolled_back=1)
        assert reports.counts(CAD, V, since=NOON) == OutcomeCounts(installed=1)
        assert reports.counts(CAD, V, since=later) == OutcomeCounts()
        assert reports.by_day(CAD, V) == (
            DayCount(date(2026, 11, 22), Outcome.FAILED, 1),
            DayCount(date(2026, 11, 23), Outcome.FAILED, 1),
            DayCount(date(2026, 11, 23), Outcome.INSTALLED, 2),
            DayCount(date(2026, 11, 23), Outcome.ROLLED_BACK, 1),
        )


def test_a_licence_counts_for_so_many_installs_and_no_more(database: Database) -> None:
    store(database)
    add(database, *(report(name, Outcome.FAILED) for name in "abcdef"))
    add(database, report("a"), report("x", licence_id="L-2"))
    with database.reading() as records:
        assert records.install_reports.counts(CAD, V).total == 4
        (day, other) = records.install_reports.by_day(CAD, V)
        assert (day.reports, other.reports) == (6, 2)


def test_there_is_a_limit_of_the_version_or_else_of_the_product(database: Database) -> None:
    store(database)
    of_product, of_version = FailureLimit(500, 50), FailureLimit(0, 1)
    with database.writing() as records:
        assert records.install_reports.limit(CAD, V) is None
        records.install_reports.set_limit(CAD, None, FailureLimit(10_000, 1_000_000))
        records.install_reports.set_limit(CAD, None, of_product)
        records.install_reports.set_limit(CAD, Version("4.1.0"), of_version)
    with database.writing() as records:
        assert records.install_reports.limit(CAD, V) == of_version
        assert records.install_reports.limit(CAD, Version("5.0")) == of_product
        assert records.install_reports.own_limit(CAD, Version("5.0")) is None
        records.install_reports.set_limit(CAD, V, None)
        records.install_reports.set_limit(CAD, V, None)
    with database.reading() as records:
        assert records.install_reports.limit(CAD, V) == of_product
    with pytest.raises(NotFound), database.writing() as records:
        records.install_reports.set_limit(ProductName("cod"), None, of_product)


def test_two_batches_at_once_are_both_counted(database: Database) -> None:
    """Those that collide are written again by the next attempt."""
    store(database)
    add(database, report("z"))
    together = Barrier(2)

    def write(names: str) -> None:
        together.wait()
        while True:
            try:
                add(database, *(report(name, most_installs=100) for name in names))
                return
            except (Conflict, DatabaseUnavailable):
                continue

    threads = [Thread(target=write, args=(names,)) for names in ("abcdefgh", "hgfedcba")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as records:
        assert records.install_reports.counts(CAD, V) == OutcomeCounts(installed=9)
        assert records.install_reports.by_day(CAD, V) == (DayCount(NOON.date(), Outcome.INSTALLED, 17),)


# --- What was there before


def test_rollouts_and_licences_from_before_are_kept_by_the_upgrade(database_url: str) -> None:
    older = create_engine(database_url)
    with older.begin() as connection:
        schema_before(connection)
        connection.execute(
            text(
                "INSERT INTO product (name, title, editions, channels, service_packs, lapse_policy)"
                """ VALUES ('cad', 'CAD', '["pro"]', '["stable"]', 'period', 'closed')"""
            )
        )
        connection.execute(
            text(
                "INSERT INTO rollout (product, version, share_basis_points, is_halted) VALUES ('cad', '4.1', 250, true)"
            )
        )
    older.dispose()
    upgrade_schema(database_url)
    database = SqlDatabase(database_url)
    database.check()
    with database.reading() as records:
        assert records.rollouts.of_product(CAD) == {V: Rollout(250, is_halted=True)}
        assert records.install_reports.counts(CAD, V) == OutcomeCounts()
    database.close()


def schema_before(connection: Connection) -> None:
    """As it was before rollouts could grow: the first migration alone, in an empty database."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")
