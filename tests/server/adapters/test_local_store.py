"""What is particular to the embedded store: its files, and what may be planted among them."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from tenure_server.adapters.local_store import LocalStore
from tenure_server.adapters.signed_links import LinkSigner
from tenure_server.errors import Forbidden, InvalidKey, NotFound, ObjectNotFound, StoreUnavailable

LINK_KEY = b"the key that signs links, 32 bytes."
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def store_in(directory: Path, *, base_url: str | Callable[[], str] = "https://updates.example.com") -> LocalStore:
    return LocalStore(directory / "store", base_url=base_url, link_key=LINK_KEY, clock=lambda: NOW)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return store_in(tmp_path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def put(store: LocalStore, tmp_path: Path) -> Callable[[str, bytes], None]:
    def put(key: str, body: bytes) -> None:
        source = tmp_path / "source"
        source.write_bytes(body)
        store.put_file(key, source)

    return put


def get(store: LocalStore, key: str) -> bytes:
    return b"".join(store.read(key))


Put = Callable[[str, bytes], None]


def test_objects_are_files_named_by_their_key_that_only_the_server_can_read(put: Put, root: Path) -> None:
    old_mask = os.umask(0)
    try:
        put("demo/2.0/demo.zip", b"the build")
    finally:
        os.umask(old_mask)
    assert (root / "demo/2.0/demo.zip").read_bytes() == b"the build"
    for path in (root, *root.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_file_is_on_the_disk_before_it_has_its_name(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    put("demo/first", b"makes the folders")
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace

    def recorded_fsync(descriptor: int) -> None:
        calls.append("fsync of a folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "fsync of a file")
        fsync(descriptor)

    def recorded_replace(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        calls.append("rename")
        replace(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    put("demo/second", b"x")
    assert calls == ["fsync of a file", "rename", "fsync of a folder"]


def test_a_folder_that_is_a_link_leads_nowhere(store: LocalStore, put: Put, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("not ours")
    put("demo/kept", b"x")
    (root / "demo/away").symlink_to(outside)
    (root / "gone").symlink_to(tmp_path / "nothing-there")
    for key in ("demo/away/file", "demo/away/new", "gone/new"):
        assert store.stat(key) is None
        with pytest.raises(ObjectNotFound):
            get(store, key)
        with pytest.raises(InvalidKey):
            put(key, b"overwritten")
        store.delete(key)
    assert list(store.keys()) == ["demo/kept"]
    assert [path.name for path in outside.iterdir()] == ["file"]
    assert (outside / "file").read_text() == "not ours"
    assert not (tmp_path / "nothing-there").exists()


def test_an_object_that_is_a_link_is_no_object_and_is_replaced_itself(
    store: LocalStore, put: Put, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("not ours")
    (root / "demo").symlink_to(tmp_path / "secret")
    assert store.stat("demo") is None
    assert list(store.keys()) == []
    with pytest.raises(ObjectNotFound):
        get(store, "demo")
    query = LinkSigner(LINK_KEY).link("demo", expires=int(NOW.timestamp()) + 60, file_name="demo").rpartition("=")
    with pytest.raises(NotFound):
        store.open_signed("demo", expires=str(int(NOW.timestamp()) + 60), name="demo", signature=query[2])
    store.delete("demo")
    assert (root / "demo").is_symlink()
    put("demo", b"ours")
    assert get(store, "demo") == b"ours"
    assert (tmp_path / "secret").read_text() == "not ours"


def test_a_pipe_among_the_objects_blocks_nobody(store: LocalStore, root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert store.stat("pipe") is None
    assert list(store.keys()) == []
    with pytest.raises(ObjectNotFound):
        get(store, "pipe")


def test_files_with_names_that_are_no_keys_are_not_listed(store: LocalStore, put: Put, root: Path) -> None:
    put("demo", b"x")
    for name in ("a b", "é", ".hidden", "line\nfeed"):
        (root / name).write_text("x")
    (root / ".git").mkdir()
    (root / ".git/config").write_text("x")
    os.close(os.open(os.fsencode(root) + b"/\xff", os.O_CREAT, 0o600))
    assert list(store.keys()) == ["demo"]


def test_a_key_cannot_be_the_folder_of_another(store: LocalStore, put: Put) -> None:
    put("demo/2.0", b"an object")
    with pytest.raises(InvalidKey, match=r"'demo/2\.0/demo\.zip' cannot be stored"):
        put("demo/2.0/demo.zip", b"x")
    with pytest.raises(InvalidKey, match="'demo' cannot be stored"):
        put("demo", b"x")
    assert list(store.keys()) == ["demo/2.0"]
    store.delete("demo/2.0")
    put("demo", b"now it can")
    assert list(store.keys()) == ["demo"]


def test_deleting_removes_the_folders_it_leaves_empty_and_no_others(store: LocalStore, put: Put, root: Path) -> None:
    put("demo/1.0/linux/a", b"x")
    put("demo/2.0/a", b"x")
    store.delete("demo/1.0/linux/a")
    assert [path.name for path in (root / "demo").iterdir()] == ["2.0"]
    store.delete("demo/2.0/a")
    assert sorted(path.name for path in root.iterdir()) == [".incoming"]


def test_what_killed_writers_left_is_never_listed_and_goes_after_a_day(store: LocalStore, put: Put, root: Path) -> None:
    put("demo", b"x")
    young, old = root / ".incoming/young", root / ".incoming/old"
    young.write_text("an upload under way")
    old.write_text("left by a killed writer")
    yesterday = time.time() - 86_400 - 60
    os.utime(old, (yesterday, yesterday))
    assert list(store.keys()) == ["demo"]
    put("demo", b"y")
    assert young.exists()
    assert not old.exists()


def test_a_missing_folder_for_writers_is_made_again(store: LocalStore, put: Put, root: Path) -> None:
    put("demo", b"x")
    (root / ".incoming").rmdir()
    put("demo", b"y")
    assert get(store, "demo") == b"y"


def test_an_object_that_shrinks_while_it_is_read_is_an_error(store: LocalStore, put: Put, root: Path) -> None:
    put("demo", bytes(3_000_000))
    pieces = store.read("demo")
    next(pieces)
    os.truncate(root / "demo", 1_500_000)
    with pytest.raises(StoreUnavailable, match="shorter"):
        list(pieces)


def test_an_object_that_is_replaced_while_it_is_read_is_read_as_it_was(store: LocalStore, put: Put) -> None:
    put("demo", b"a" * 3_000_000)
    pieces = store.read("demo")
    first = next(pieces)
    put("demo", b"b" * 10)
    assert first + b"".join(pieces) == b"a" * 3_000_000


def test_a_full_disk_is_reported_and_keeps_the_old_object(
    store: LocalStore, put: Put, root: Path, tmp_path: Path
) -> None:
    put("demo", b"the old object")
    (tmp_path / "source").write_bytes(bytes(3_000_000))
    script = """
import datetime, pathlib, resource, sys
from tenure_server.adapters.local_store import LocalStore
from tenure_server.errors import StoreUnavailable

resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
directory = pathlib.Path(sys.argv[1])
now = datetime.datetime.now(datetime.UTC)
store = LocalStore(directory / "store", base_url="", link_key=b"k" * 32, clock=lambda: now)
try:
    store.put_file("demo", directory / "source")
except StoreUnavailable as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True)
    assert "could not store an object: File too large" in result.stdout
    assert get(store, "demo") == b"the old object"
    assert list((root / ".incoming").iterdir()) == []


def test_writers_and_deleters_at_once_never_break_each_other(store: LocalStore, tmp_path: Path) -> None:
    bodies = [bytes([letter]) * 200_000 for letter in b"abc"]
    failures: list[BaseException] = []

    def repeat(action: Callable[[], object]) -> None:
        try:
            for _ in range(60):
                action()
        except BaseException as error:
            failures.append(error)

    def read() -> None:
        with suppress(ObjectNotFound):
            assert get(store, "demo/2.0/file") in bodies

    actions: list[Callable[[], object]] = [read, lambda: store.delete("demo/2.0/file"), lambda: list(store.keys())]
    for number, body in enumerate(bodies):
        source = tmp_path / f"source-{number}"
        source.write_bytes(body)
        actions.append(partial(store.put_file, "demo/2.0/file", source))
    threads = [threading.Thread(target=repeat, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_directory_that_cannot_be_made_is_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    with pytest.raises(StoreUnavailable, match="could not make the directory") as caught:
        store_in(tmp_path)
    assert caught.value.hint


def test_a_directory_that_may_not_be_written_fails_the_check(store: LocalStore, root: Path) -> None:
    script = """
import datetime, os, pathlib, sys
from tenure_server.adapters.local_store import LocalStore
from tenure_server.errors import StoreUnavailable

now = datetime.datetime.now(datetime.UTC)
store = LocalStore(pathlib.Path(sys.argv[1]), base_url="", link_key=b"k" * 32, clock=lambda: now)
if os.geteuid() == 0:
    os.seteuid(65534)  # root may write anywhere; nobody may not
try:
    store.check()
except StoreUnavailable as error:
    print(error)
"""
    store.check()
    root.chmod(0o500)
    try:
        result = subprocess.run([sys.executable, "-c", script, root], capture_output=True, text=True, check=True)
    finally:
        root.chmod(0o700)
    assert "Permission denied" in result.stdout


def test_links_follow_the_address_that_customers_reach(tmp_path: Path) -> None:
    address = "https://one.example.com"
    store = store_in(tmp_path, base_url=lambda: address)
    start = "/store/demo/a.zip?expires=1795435260&name=a.zip&signature="
    assert store.signed_url("demo/a.zip", file_name="a.zip", seconds=60).startswith("https://one.example.com" + start)
    address = "https://two.example.com/updates/"
    url = store.signed_url("demo/a.zip", file_name="a.zip", seconds=60)
    assert url.startswith("https://two.example.com/updates" + start)


def test_a_link_signed_with_another_key_is_not_ours(store: LocalStore, put: Put) -> None:
    put("demo", b"x")
    expires = int(NOW.timestamp()) + 60
    signature = LinkSigner(b"x" * 32).link("demo", expires=expires, file_name="demo").rpartition("=")[2]
    with pytest.raises(Forbidden) as caught:
        store.open_signed("demo", expires=str(expires), name="demo", signature=signature)
    assert caught.value.code == "link_invalid"
    assert signature not in str(caught.value)


def test_a_short_key_for_links_is_refused_and_no_key_is_ever_shown(store: LocalStore) -> None:
    with pytest.raises(ValueError, match="31 bytes") as caught:
        LinkSigner(b"a-secret-that-must-not-be-shown")
    assert "secret" not in str(caught.value)
    assert LINK_KEY.decode() not in repr(store) + repr(LinkSigner(LINK_KEY))
