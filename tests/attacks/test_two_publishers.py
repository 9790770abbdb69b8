"""Two engineers publish at once, each in a process of their own: both succeed or one is told, and nothing is torn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tenure_server.adapters.database import SqlDatabase
from tenure_server.installation import Installation
from tenure_server.use_cases.publish import FileToPublish, PublishRequest
from tenure_signing.errors import ImmutableRelease
from tenure_signing.names import FileName
from tenure_signing.release_record import releases_of
from tenure_signing.tuf_preflight import preflight
from tenure_signing.versions import Version
from tests.attacks.stage import Stage, file_name
from tests.server.world import CAD, LINUX, WHO, body_of


@contextmanager
def another_process(stage: Stage) -> Iterator[Installation]:
    """The same installation with connections of its own."""
    database = SqlDatabase(f"sqlite:///{stage.database_file}")
    installation = stage.world.reopened()
    vars(installation)["database"] = database
    try:
        yield installation
    finally:
        database.close()


def publish(stage: Stage, version: str, body: bytes) -> None:
    source = stage.directory / threading.current_thread().name / file_name(version)
    source.parent.mkdir(exist_ok=True)
    source.write_bytes(body)
    file = FileToPublish(source, FileName(source.name), LINUX)
    with another_process(stage) as installation:
        installation.publish(
            PublishRequest(CAD, Version(version), (file,)),
            signers=[stage.world.engineer],
            online=installation.keys.online_signers,
            who=WHO,
        )


def withdraw(stage: Stage, version: str) -> None:
    with another_process(stage) as installation:
        installation.withdraw(
            CAD,
            Version(version),
            reason="it loses drawings",
            replacement=None,
            signers=[stage.world.engineer],
            online=installation.keys.online_signers,
            who=WHO,
        )


def at_once(*deeds: Callable[[], object]) -> list[Exception]:
    """What went wrong."""
    start, wrong = threading.Barrier(len(deeds)), list[Exception]()

    def run(deed: Callable[[], object]) -> None:
        start.wait()
        try:
            deed()
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(deed,), name=f"engineer-{n}") for n, deed in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def versions(stage: Stage) -> set[str]:
    repository = stage.repository()
    preflight(None, repository, stage.world.now())
    return {str(release.version) for release in releases_of(CAD, repository.targets(CAD).targets)}


def test_different_releases_are_all_published(stage: Stage) -> None:
    copy = stage.known_copy()
    new = [f"1.{number}" for number in range(2, 6)]
    assert at_once(*(lambda v=v: publish(stage, v, body_of(file_name(v))) for v in new)) == []
    stage.settle()
    assert versions(stage) == {"1.0", "1.1", *new}
    assert copy.update() == "1.5"
    for version in new:
        assert stage.known_copy().get(version).read_bytes() == body_of(file_name(version))


def test_of_two_builds_of_one_release_the_first_stays_and_the_second_is_told(stage: Stage) -> None:
    copy = stage.known_copy()
    bodies = [b"one engineer's build", b"the other engineer's build"]
    wrong = at_once(*(lambda b=b: publish(stage, "1.2", b) for b in bodies))
    assert [type(error) for error in wrong] == [ImmutableRelease]
    stage.settle()
    assert copy.get("1.2").read_bytes() in bodies
    before = copy.arrived()
    for body in bodies:
        if body not in before.values():
            with pytest.raises(ImmutableRelease):
                publish(stage, "1.2", body)
    assert stage.known_copy().get("1.2").read_bytes() in before.values()


def test_the_same_build_published_twice_is_one_release(stage: Stage) -> None:
    body = body_of(file_name("1.2"))
    assert at_once(*[lambda: publish(stage, "1.2", body)] * 3) == []
    stage.settle()
    assert versions(stage) == {"1.0", "1.1", "1.2"}
    assert stage.new_copy().update() == "1.2"


def test_publishing_and_withdrawing_do_not_undo_each_other(stage: Stage) -> None:
    copy = stage.known_copy("1.1")
    body = body_of(file_name("1.2"))
    assert at_once(lambda: publish(stage, "1.2", body), lambda: withdraw(stage, "1.1")) == []
    stage.settle()
    answer = copy.check()
    assert answer.installed.withdrawal is not None
    assert copy.update() == "1.2"


def test_copies_that_look_while_it_is_published_see_before_or_after(stage: Stage) -> None:
    copies, body = [stage.new_copy() for _ in range(4)], body_of(file_name("1.2"))
    seen: list[str | None] = []

    def look() -> None:
        seen.extend(copy.offered() for copy in copies)

    assert at_once(look, lambda: publish(stage, "1.2", body)) == []
    assert seen in [["1.1"] * before + ["1.2"] * (4 - before) for before in range(5)]
    stage.settle()
    assert [copy.update() for copy in copies] == ["1.2"] * 4
