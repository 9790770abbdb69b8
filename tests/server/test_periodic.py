"""What is done again and again beside the requests goes on after failures, and is said once."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from tenure_server.adapters.key_folder import LOOK_SECONDS, CurrentKey, NotInitialised
from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.domain.signer_life import SignerMode
from tenure_server.errors import DatabaseUnavailable
from tenure_server.periodic import PeriodicTask, online_tasks, running
from tenure_server.use_cases.signer_beat import SignerBeat
from tenure_signing.key_sources import new_key, write_unencrypted
from tests.server.world import World


class Work:
    """Fails as it is told, one time after the other; then goes well."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.is_done = threading.Event()
        self.runs = 0

    def __call__(self) -> None:
        self.runs += 1
        if self.failures:
            raise self.failures.pop(0)
        self.is_done.set()


def test_a_task_that_fails_is_done_again_and_its_failure_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tenure_server.periodic")
    away = DatabaseUnavailable("the database is away")
    work, other = Work(away, away, ZeroDivisionError(), away), Work()
    with running([PeriodicTask("work", 0.001, work), PeriodicTask("do the other", 0.001, other)]):
        assert work.is_done.wait(30)
        assert other.is_done.wait(30)
    messages = [record.message for record in caplog.records]
    assert [message for message in messages if "work" in message] == [
        "could not work: the database is away",
        "could work again",
    ]


def test_a_task_may_be_done_before_the_first_request_and_after_the_last_one() -> None:
    first, last = Work(DatabaseUnavailable("away")), Work()
    with running([PeriodicTask("a", 3600, first, at_start=True), PeriodicTask("b", 3600, last, at_end=True)]):
        assert (first.runs, last.runs) == (1, 0)
    assert (first.runs, last.runs) == (1, 1)


def test_a_signer_tells_what_keeps_it_from_signing_until_it_no_longer_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, MemoryDatabase())
    signing, *_, beat, _ = online_tasks(world.reopened(), SignerMode.EMBEDDED)
    assert isinstance(beat.run, SignerBeat)

    def problems() -> list[str | None]:
        beat.run()
        with world.database.reading() as records:
            return [life.problem for life in records.signer_lives.all()]

    assert problems() == []
    with monkeypatch.context() as broken:
        broken.setattr(MemoryDatabase, "reading", _away)
        with pytest.raises(DatabaseUnavailable):
            signing.run()
    assert problems() == ["the database is away"]
    signing.run()
    assert problems() == [None]


def _away(_: MemoryDatabase) -> None:
    raise DatabaseUnavailable("the database is away")


def test_a_key_that_is_replaced_is_used_within_a_second_and_a_damaged_one_never(tmp_path: Path) -> None:
    path, following = tmp_path / "certificate.pem", tmp_path / "next.pem"
    with pytest.raises(NotInitialised):
        CurrentKey(path)
    old, new, now = new_key(), new_key(), [0.0]
    write_unencrypted(path, old)
    write_unencrypted(following, new)
    current = CurrentKey(path, monotonic=lambda: now[0])
    following.replace(path)
    assert current.key() == old
    now[0] += LOOK_SECONDS
    assert current.key() == new
    for damage in (lambda: path.write_text("damaged"), path.unlink):
        damage()
        now[0] += LOOK_SECONDS
        assert current.key() == new
