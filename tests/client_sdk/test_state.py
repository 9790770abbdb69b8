"""The state directory: damage, kills and several processes at once never leave a client that cannot go on."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from filelock import FileLock

from tenure_client import Source, UpdateStatus
from tenure_client.errors import AnotherUpdateRuns, StateError, TenureClientError
from tenure_client.lock import exclusive
from tests.client_sdk.loopback import Reply, Request
from tests.client_sdk.vendor import Site, body_of

STATE_FILES = (
    "install-id",
    "certificate",
    "contact.json",
    "metadata/timestamp.json",
    "metadata/snapshot.json",
    "metadata/targets.json",
    "metadata/cad.json",
    "metadata/root_history/1.root.json",
    "trusted/licence-keys.json",
)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def overwritten(path: Path) -> None:
    path.write_bytes(b"\x00\xff{[" * 100)


def nested(path: Path) -> None:
    path.write_bytes(b"[" * 50_000)


def removed(path: Path) -> None:
    path.unlink()


def made_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [truncated, emptied, overwritten, nested, removed, made_a_folder])
@pytest.mark.parametrize("name", STATE_FILES)
def test_damage_to_any_kept_file_is_mended_by_the_next_check(
    site: Site, state: Path, name: str, damage: Callable[[Path], None]
) -> None:
    client = site.client(state)
    client.check()
    damage(state / name)
    with_damage = client.check()
    assert (with_damage.source, with_damage.status) == (Source.SERVER, UpdateStatus.UPDATE_AVAILABLE)
    assert client.kept_answer().offer is not None
    assert client.check().source is Source.SERVER


@pytest.mark.parametrize("damage", [truncated, overwritten, nested, removed, made_a_folder])
@pytest.mark.parametrize("name", STATE_FILES)
def test_damage_found_while_offline_is_no_crash(
    site: Site, state: Path, name: str, damage: Callable[[Path], None]
) -> None:
    client = site.client(state)
    client.check()
    damage(state / name)
    site.on_server = lambda request: Reply(503)
    with suppress(TenureClientError):
        assert client.check().source is Source.KEPT


def test_a_lost_state_is_made_anew(site: Site, state: Path) -> None:
    site.client(state).check()
    shutil.rmtree(state)
    assert site.client(state).check().source is Source.SERVER


def test_what_a_killed_run_left_is_tidied_away(site: Site, state: Path) -> None:
    client = site.client(state)
    client.check()
    leftovers = [state / ".draft-abc", state / "metadata" / "tmpabc", state / "trusted" / ".draft-x"]
    for path in leftovers:
        path.write_bytes(b"half")
    client.check()
    assert not any(path.exists() for path in leftovers)


def test_a_product_named_like_a_draft_keeps_its_metadata(site: Site, state: Path) -> None:
    site.client(state).check()
    (state / "metadata" / "tmp.json").write_bytes(b"kept")
    site.client(state).check()
    assert (state / "metadata" / "tmp.json").exists()


def test_a_file_in_place_of_the_state_directory_is_named(site: Site, state: Path) -> None:
    state.write_bytes(b"")
    with pytest.raises(StateError, match="state"):
        site.client(state).check()


@pytest.mark.parametrize("lost", ["snapshot.json", "targets.json", "cad.json", "timestamp.json"])
def test_a_kill_between_two_metadata_files_loses_nothing(site: Site, state: Path, tmp_path: Path, lost: str) -> None:
    """The files are written one after the other, so a kill leaves a newer one beside an older one."""
    client = site.client(state)
    client.check()
    older = (state / "metadata" / lost).read_bytes()
    site.vendor.publish("2.7.0", "2026-11-01")
    client.check()
    (state / "metadata" / lost).write_bytes(older)
    assert client.kept_answer().offer is not None
    offer = client.check().offer
    assert offer is not None
    assert str(offer.version) == "2.7.0"


# Processes

PROGRAM = """
import sys
from datetime import datetime
from pathlib import Path
from tenure_client import Client

root, url, state, key, now, folder = sys.argv[1:]
client = Client.open(
    root=Path(root).read_bytes(), server_url=url, product="cad", version="2.4.1", state_directory=state,
    licence_key=Path(key).read_text(), platform="linux-x86_64", clock=lambda: datetime.fromisoformat(now),
    lock_timeout_seconds=30,
)
print(client.download_release("2.6.0", folder, on_progress=lambda done, total: print(done, flush=True)), flush=True)
"""


def started(site: Site, state: Path, folder: Path, tmp_path: Path) -> subprocess.Popen[str]:
    """A process of its own that downloads 2.6.0."""
    (tmp_path / "root.json").write_bytes(site.vendor.root)
    (tmp_path / "key").write_text(site.vendor.licence_key())
    paths = (tmp_path / "root.json", site.server.url, state, tmp_path / "key", site.vendor.now.isoformat(), folder)
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), *map(str, paths)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system knows no SIGKILL")
def test_a_killed_download_completes_when_it_is_run_again(
    site: Site, state: Path, folder: Path, tmp_path: Path
) -> None:
    site.on_store = lambda request, body: (
        Reply(200, body, cut_after=150_000, drip_seconds=None)
        if "range" not in request.headers
        else Reply(206, body[150_000:], {"Content-Range": "bytes 150000-199999/200000"}, drip_seconds=0.01)
    )
    with started(site, state, folder, tmp_path) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) <= 150_000:
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert [path.suffix for path in folder.iterdir()] == [".part"]
    site.on_store = lambda request, body: None
    site.store.requests.clear()
    path = site.client(state).download_release("2.6.0", folder)
    assert path.read_bytes() == body_of("2.6.0")
    assert int(site.store.requests[0].headers["range"].removeprefix("bytes=").removesuffix("-")) >= 150_000


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system knows no SIGKILL")
@pytest.mark.parametrize("kill_at", range(8))
def test_a_kill_at_any_request_leaves_a_state_that_goes_on(
    site: Site, state: Path, folder: Path, tmp_path: Path, kill_at: int
) -> None:
    reached, let_go = threading.Event(), threading.Event()

    def hold(request: Request) -> Reply | None:
        if len(site.server.requests) > kill_at:
            reached.set()
            let_go.wait(20)
        return None

    site.on_server = hold
    with started(site, state, folder, tmp_path) as process:
        assert reached.wait(20)
        process.send_signal(signal.SIGKILL)
        process.wait()
    let_go.set()
    site.on_server = lambda request: None
    assert site.client(state).check().status is UpdateStatus.UPDATE_AVAILABLE
    assert site.client(state).download_release("2.6.0", folder).read_bytes() == body_of("2.6.0")


def test_several_processes_take_turns(site: Site, state: Path, folder: Path, tmp_path: Path) -> None:
    processes = [started(site, state, folder, tmp_path) for _ in range(3)]
    for process in processes:
        with process:
            output = process.communicate(timeout=60)[0]
            assert output.splitlines()[-1] == str(folder / "cad-2.6.0-linux-x86_64.bin")
            assert process.returncode == 0
    assert len(site.store.requests) == 1


def test_who_waits_too_long_is_told_that_another_update_runs(site: Site, state: Path) -> None:
    client = site.client(state, lock_timeout_seconds=0.05)
    client.check()
    with FileLock(state / "lock"), pytest.raises(AnotherUpdateRuns) as refusal:
        client.check()
    assert refusal.value.hint is not None
    assert client.check()


def test_threads_take_turns_too(site: Site, state: Path) -> None:
    client = site.client(state)
    answers: list[UpdateStatus] = []
    threads = [threading.Thread(target=lambda: answers.append(client.check().status)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [UpdateStatus.UPDATE_AVAILABLE] * 4


def test_a_state_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    with pytest.raises(StateError), exclusive(tmp_path / "file" / "state", 1):
        pass
