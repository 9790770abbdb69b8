"""What a mirror needs, in which order, and what leaves it when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tenure_server.domain.mirrors import GRACE, MirroredFile, MirrorState, Stage, plan_mirror

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BUILD = MirroredFile(Stage.TARGETS_FILES, 0, f"downloads/cad/1.0/{'a' * 64}.cad.zip", 9, "a" * 64, "builds/…")
PRODUCT = MirroredFile(Stage.PRODUCTS, 3, "metadata/3.cad.json", 5, "b" * 64)
TARGETS = MirroredFile(Stage.TARGETS, 2, "metadata/2.targets.json", 5, "c" * 64)
SNAPSHOT = MirroredFile(Stage.SNAPSHOT, 7, "metadata/7.snapshot.json", 5, "d" * 64)
ROOT_1 = MirroredFile(Stage.ROOT, 1, "metadata/1.root.json", 5, "e" * 64)
ROOT_2 = MirroredFile(Stage.ROOT, 2, "metadata/2.root.json", 5, "f" * 64)
TIMESTAMP = MirroredFile(Stage.TIMESTAMP, 9, "metadata/timestamp.json", 5, "0" * 64)
WANTED = [TIMESTAMP, ROOT_2, ROOT_1, SNAPSHOT, TARGETS, PRODUCT, BUILD]
NOTHING = frozenset[str]()


def there(*files: MirroredFile) -> dict[str, int]:
    return {file.key: file.length for file in files}


def verified(*files: MirroredFile) -> MirrorState:
    return MirrorState({file.key: file.sha256 for file in files})


def test_what_a_file_refers_to_is_sent_before_it_and_the_timestamp_last() -> None:
    plan = plan_mirror(WANTED, NOTHING, {}, MirrorState(), NOW)
    assert plan.send == (BUILD, PRODUCT, TARGETS, SNAPSHOT, ROOT_1, ROOT_2, TIMESTAMP)
    assert plan.bytes_to_send == 39


def test_what_is_there_and_was_read_back_is_not_touched_again() -> None:
    plan = plan_mirror(WANTED, NOTHING, there(*WANTED), verified(*WANTED), NOW)
    assert not plan.changes_anything
    assert plan.check == ()


def test_what_a_killed_run_left_is_read_back_before_it_is_believed() -> None:
    plan = plan_mirror(WANTED, NOTHING, there(*WANTED), verified(*WANTED[1:]), NOW)
    assert (plan.check, plan.send) == ((TIMESTAMP,), ())


def test_on_request_everything_is_read_back() -> None:
    plan = plan_mirror(WANTED, NOTHING, there(*WANTED), verified(*WANTED), NOW, trust_nothing=True)
    assert set(plan.check) == set(WANTED)


def test_another_length_or_another_timestamp_is_sent() -> None:
    present = there(*WANTED) | {BUILD.key: 8}
    state = MirrorState({**verified(*WANTED).verified, TIMESTAMP.key: "9" * 64})
    assert plan_mirror(WANTED, NOTHING, present, state, NOW).send == (BUILD, TIMESTAMP)


def test_superseded_metadata_stays_for_the_grace_and_roots_stay_for_ever() -> None:
    old = {"metadata/6.snapshot.json": 5, "metadata/2.cad.json": 5, "metadata/3.root.json": 5}
    present = there(*WANTED) | old
    first = plan_mirror(WANTED, NOTHING, present, verified(*WANTED), NOW)
    assert first.remove == ()
    assert set(first.later) == {"metadata/6.snapshot.json", "metadata/2.cad.json"}
    state = MirrorState(verified(*WANTED).verified, first.later)
    just_before = plan_mirror(WANTED, NOTHING, present, state, NOW + GRACE - timedelta(seconds=1))
    assert just_before.remove == ()
    after = plan_mirror(WANTED, NOTHING, present, state, NOW + GRACE)
    assert set(after.remove) == set(first.later)
    assert dict(after.later) == {}


def test_a_withdrawn_build_has_no_grace() -> None:
    plan = plan_mirror([TIMESTAMP], frozenset({BUILD.key}), there(TIMESTAMP, BUILD), verified(TIMESTAMP), NOW)
    assert plan.remove == (BUILD.key,)


def test_files_that_are_not_of_the_mirror_are_left_alone() -> None:
    others = {"index.html": 3, "downloads/readme.txt": 4, "metadata/notes.json": 2, "tenure-mirror.json": 9}
    plan = plan_mirror([TIMESTAMP], NOTHING, there(TIMESTAMP) | others, verified(TIMESTAMP), NOW)
    assert (plan.remove, dict(plan.later)) == ((), {})


def test_a_clock_that_was_ahead_does_not_keep_files_for_ever() -> None:
    state = MirrorState(verified(TIMESTAMP).verified, {"metadata/6.snapshot.json": NOW + timedelta(days=999)})
    plan = plan_mirror([TIMESTAMP], NOTHING, there(TIMESTAMP) | {"metadata/6.snapshot.json": 5}, state, NOW)
    assert plan.later == {"metadata/6.snapshot.json": NOW}


def test_the_state_is_read_as_it_was_written() -> None:
    state = MirrorState({"a": "b"}, {"c": NOW}, is_public=False)
    assert MirrorState.from_json(state.to_json()) == state


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"schema": 2}',
        b"\xff",
        b"[" * 100_000,
        b'{"schema":1,"verified":[],"public":1}',
        b'{"schema":1,"public":true,"verified":{},"unneeded_since":{"a":"2026-11-23T12:00:00"}}',
    ],
)
def test_a_state_that_somebody_damaged_is_no_state(data: bytes) -> None:
    assert MirrorState.from_json(data) == MirrorState()
