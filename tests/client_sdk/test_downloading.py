"""Downloads: resumed, bounded, verified, there as a whole or not at all; and who sees the licence key."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tenure_client import Client
from tenure_client.errors import (
    DowngradeRefused,
    DownloadInterrupted,
    FileMismatch,
    InvalidServerAnswer,
    LicenceRejected,
    NoBuildForThisMachine,
    NotCovered,
    NotFoundOnServer,
    ReleaseWithdrawn,
    RequestRefused,
    StateError,
    TransferTooSlow,
    UnknownRelease,
    UnsafeRedirect,
)
from tenure_client.part_file import PartFile
from tenure_client.trusted_download import part_file
from tenure_signing.coverage import RefusalReason
from tenure_signing.versions import Version
from tests.client_sdk.loopback import Reply, Request, running_loopback
from tests.client_sdk.vendor import Site, body_of, problem, ranged

BODY = body_of("2.6.0")


def downloaded(site: Site, state: Path, folder: Path, version: str = "2.6.0") -> Path:
    return site.client(state).download_release(version, folder)


def ranges_asked(site: Site) -> list[str | None]:
    return [request.headers.get("range") for request in site.store.requests]


def test_the_offered_release_arrives_whole_with_progress(site: Site, state: Path, folder: Path) -> None:
    client = site.client(state)
    offer = client.check().offer
    assert offer is not None
    seen: list[tuple[int, int]] = []
    path = client.download(offer, folder, on_progress=lambda done, total: seen.append((done, total)))
    assert path == folder / "cad-2.6.0-linux-x86_64.bin"
    assert path.read_bytes() == BODY
    assert seen == sorted(seen)
    assert seen[-1] == (len(BODY), len(BODY))
    assert list(folder.iterdir()) == [path]


def test_the_licence_key_never_reaches_the_store(site: Site, state: Path, folder: Path) -> None:
    downloaded(site, state, folder)
    asked = [request for request in site.server.requests if request.path.startswith("/downloads/cad/")]
    assert asked[0].headers["authorization"] == f"License {site.vendor.licence_key()}"
    assert site.store.requests
    for request in site.store.requests:
        assert "authorization" not in request.headers
        assert not any(name.startswith("tenure-") for name in request.headers)


def test_the_licence_key_is_not_sent_for_public_metadata(site: Site, state: Path, folder: Path) -> None:
    downloaded(site, state, folder)
    for request in site.server.requests:
        if request.path.startswith(("/metadata/", "/downloads/_trust/")):
            assert "authorization" not in request.headers


def test_the_licence_key_is_not_sent_to_another_part_of_the_same_host(site: Site, state: Path, folder: Path) -> None:
    def embedded_store(request: Request) -> Reply | None:
        path = urlsplit(request.path).path
        if path.startswith("/store/"):
            return ranged(request, site.vendor.bodies[path.removeprefix("/store/")])
        if path.startswith("/downloads/cad/"):
            return Reply(302, headers={"Location": "/store/cad/2.6.0/cad-2.6.0-linux-x86_64.bin?signature=x"})
        return None

    site.on_server = embedded_store
    downloaded(site, state, folder)
    assert "authorization" not in site.server.requests[-1].headers


@pytest.mark.parametrize("length", [1, 4_095, 65_536, 100_000, len(BODY) - 1])
def test_a_download_broken_off_anywhere_goes_on_where_it_stopped(
    site: Site, state: Path, folder: Path, length: int
) -> None:
    site.on_store = lambda request, body: Reply(200, body, cut_after=length) if "range" not in request.headers else None
    assert downloaded(site, state, folder).read_bytes() == BODY
    assert ranges_asked(site)[-1] == f"bytes={length}-"


def test_a_later_call_goes_on_with_what_an_earlier_one_got(site: Site, state: Path, folder: Path) -> None:
    site.on_store = lambda request, body: (
        Reply(200, body, cut_after=120_000) if "range" not in request.headers else Reply(503)
    )
    with pytest.raises(DownloadInterrupted, match="120000 of 200000"):
        downloaded(site, state, folder)
    site.on_store = lambda request, body: None
    site.store.requests.clear()
    assert downloaded(site, state, folder).read_bytes() == BODY
    assert ranges_asked(site) == ["bytes=120000-"]


def test_a_cancelled_download_goes_on_later(site: Site, state: Path, folder: Path) -> None:
    class Cancelled(Exception):
        pass

    def cancel(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        site.client(state).download_release("2.6.0", folder, on_progress=cancel)
    assert downloaded(site, state, folder).read_bytes() == BODY
    assert ranges_asked(site)[-1] is not None


def test_a_store_without_ranges_starts_over(site: Site, state: Path, folder: Path) -> None:
    replies = iter([Reply(200, BODY, cut_after=50_000), Reply(200, BODY)])
    site.on_store = lambda request, body: next(replies)
    assert downloaded(site, state, folder).read_bytes() == BODY


@pytest.mark.parametrize("kept", [b"damaged" * 10_000, BODY + b"more", b"\0" * len(BODY)], ids=["part", "long", "full"])
def test_a_damaged_part_is_fetched_anew(site: Site, state: Path, folder: Path, kept: bytes) -> None:
    release = site.vendor.releases().releases[-1]
    folder.mkdir()
    part_file(release.builds[0], folder).write_bytes(kept)
    assert downloaded(site, state, folder).read_bytes() == BODY


def test_a_range_that_cannot_be_served_starts_over(site: Site, state: Path, folder: Path) -> None:
    release = site.vendor.releases().releases[-1]
    folder.mkdir()
    part_file(release.builds[0], folder).write_bytes(BODY[:1_000])
    site.on_store = lambda request, body: Reply(416) if "range" in request.headers else None
    assert downloaded(site, state, folder).read_bytes() == BODY


def test_another_range_than_asked_for_is_refused(site: Site, state: Path, folder: Path) -> None:
    release = site.vendor.releases().releases[-1]
    folder.mkdir()
    part_file(release.builds[0], folder).write_bytes(BODY[:1_000])
    site.on_store = lambda request, body: Reply(206, body[7:], {"Content-Range": f"bytes 7-199999/{len(body)}"})
    with pytest.raises(InvalidServerAnswer):
        downloaded(site, state, folder)


def test_a_file_that_is_there_already_is_not_fetched_again(site: Site, state: Path, folder: Path) -> None:
    downloaded(site, state, folder)
    fetched = len(site.store.requests)
    assert downloaded(site, state, folder).read_bytes() == BODY
    assert len(site.store.requests) == fetched


def test_a_changed_file_is_replaced(site: Site, state: Path, folder: Path) -> None:
    downloaded(site, state, folder).write_bytes(b"infected")
    assert downloaded(site, state, folder).read_bytes() == BODY


def test_an_empty_build_is_a_build(site: Site, state: Path, folder: Path) -> None:
    site.vendor.publish("2.6.1", "2026-11-01", body=b"")
    assert downloaded(site, state, folder, "2.6.1").read_bytes() == b""


@pytest.mark.parametrize(
    ("reply", "refusal"),
    [
        (lambda body: Reply(200, b"\0" * len(body)), FileMismatch),
        (lambda body: Reply(200, body[:-1] + b"!"), FileMismatch),
        (lambda body: Reply(200, body_of("2.5.0")), FileMismatch),
        (lambda body: Reply(200, body + b"more"), FileMismatch),
        (lambda body: Reply(200, body[:-1]), FileMismatch),
        (lambda body: Reply(200, is_endless=True), FileMismatch),
        (lambda body: Reply(204), InvalidServerAnswer),
        (lambda body: Reply(403), RequestRefused),
        (lambda body: Reply(200, body, drip_seconds=0.02), TransferTooSlow),
        (lambda body: Reply(200, body, cut_after=0), DownloadInterrupted),
        (lambda body: Reply(500), DownloadInterrupted),
    ],
    ids=["zeros", "one bit", "swapped", "longer", "shorter", "endless", "none", "403", "drip", "cut", "500"],
)
def test_nothing_but_the_signed_file_is_ever_there(
    site: Site, state: Path, folder: Path, reply: Callable[[bytes], Reply], refusal: type[Exception]
) -> None:
    site.on_store = lambda request, body: reply(body)
    with pytest.raises(refusal) as raised:
        downloaded(site, state, folder)
    assert "signature" not in str(raised.value)
    left = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert "cad-2.6.0-linux-x86_64.bin" not in left
    if refusal is FileMismatch:
        assert left == {}
    assert all(size <= len(BODY) for size in left.values())


def test_a_failed_download_leaves_an_older_file_of_the_name_alone(site: Site, state: Path, folder: Path) -> None:
    folder.mkdir()
    older = folder / "cad-2.6.0-linux-x86_64.bin"
    older.write_bytes(b"what was here")
    site.on_store = lambda request, body: Reply(200, b"\0" * len(body))
    with pytest.raises(FileMismatch):
        downloaded(site, state, folder)
    assert older.read_bytes() == b"what was here"


@pytest.mark.parametrize(
    ("location", "refusal"),
    [
        ("ftp://127.0.0.1/x", UnsafeRedirect),
        ("file:///etc/passwd", UnsafeRedirect),
        ("http://user:secret@127.0.0.1/x", UnsafeRedirect),
        ("http://127.0.0.1:port/x", UnsafeRedirect),
        ("http://127.0.0.1\\@evil.example/", UnsafeRedirect),
        ("/downloads/loop", UnsafeRedirect),
    ],
)
def test_an_unsafe_redirect_is_not_followed(
    site: Site, state: Path, folder: Path, location: str, refusal: type[Exception]
) -> None:
    site.on_server = lambda request: (
        Reply(302, headers={"Location": location})
        if request.path.startswith(("/downloads/cad/", "/downloads/loop"))
        else None
    )
    with pytest.raises(refusal) as raised:
        downloaded(site, state, folder)
    assert "secret" not in str(raised.value)


def test_another_server_behind_a_redirect_gets_neither_key_nor_certificate(site: Site, state: Path) -> None:
    with running_loopback(lambda request: Reply(404)) as elsewhere:
        site.on_server = lambda request: (
            Reply(307, headers={"Location": f"{elsewhere.url}{request.path}"})
            if request.path.startswith("/v1/")
            else None
        )
        with pytest.raises(RequestRefused):
            site.client(state).check()
        assert elsewhere.requests
        for request in elsewhere.requests:
            assert set(request.headers) <= {"host", "accept-encoding", "user-agent"}


# What the server refuses


@pytest.mark.parametrize(
    ("status", "code", "refusal"),
    [
        (401, "unknown_licence", LicenceRejected),
        (403, "after_support", NotCovered),
        (403, "halted", RequestRefused),
        (404, "unknown_release", NotFoundOnServer),
        (410, "withdrawn", ReleaseWithdrawn),
        (400, "bad", RequestRefused),
    ],
)
def test_a_refusal_says_in_the_servers_words_what_it_means(
    site: Site, state: Path, folder: Path, status: int, code: str, refusal: type[Exception]
) -> None:
    site.on_server = lambda request: (
        problem(status, code, "Words\x1b[2J of the vendor.") if request.path.startswith("/downloads/cad/") else None
    )
    with pytest.raises(refusal, match=r"Words \[2J of the vendor\.") as raised:
        downloaded(site, state, folder)
    if isinstance(raised.value, NotCovered):
        assert raised.value.reason is RefusalReason.AFTER_SUPPORT
    assert list(folder.iterdir()) in ([], [part_file(site.vendor.releases().releases[-1].builds[0], folder)])


def test_a_store_cannot_speak_for_the_server(site: Site, state: Path, folder: Path) -> None:
    site.on_store = lambda request, body: problem(401, "unknown_licence")
    with pytest.raises(RequestRefused, match="store refused the link"):
        downloaded(site, state, folder)


# Which releases


def test_an_older_covered_release_is_had_when_a_downgrade_is_asked_for(site: Site, state: Path, folder: Path) -> None:
    client = site.client(state, version="2.6.0")
    with pytest.raises(DowngradeRefused):
        client.download_release("2.5.0", folder)
    assert site.server.requests == []
    assert client.download_release("2.5.0", folder, allow_downgrade=True).read_bytes() == body_of("2.5.0")


def test_a_downgrade_that_is_offered_still_has_to_be_asked_for(site: Site, state: Path, folder: Path) -> None:
    site.vendor.withdraw("2.6.0")
    client = site.client(state, version="2.6.0")
    offer = client.check().offer
    assert offer is not None
    with pytest.raises(DowngradeRefused):
        client.download(offer, folder)
    assert client.download(offer, folder, allow_downgrade=True).read_bytes() == body_of("2.5.0")


def test_a_release_after_support_is_refused_even_when_the_server_would_hand_it_out(
    site: Site, state: Path, folder: Path
) -> None:
    site.vendor.now = site.vendor.now.replace(year=2027, month=4, day=1)
    site.vendor.take(site.vendor.repository)
    site.vendor.publish("2.7.0", "2027-04-01")
    site.is_gate_open = True
    with pytest.raises(NotCovered) as refusal:
        downloaded(site, state, folder, "2.7.0")
    assert refusal.value.reason is RefusalReason.AFTER_SUPPORT
    assert site.store.requests == []


def test_a_withdrawn_release_is_refused_even_when_the_server_would_hand_it_out(
    site: Site, state: Path, folder: Path
) -> None:
    site.vendor.withdraw("2.6.0", "2.5.0")
    site.is_gate_open = True
    with pytest.raises(ReleaseWithdrawn, match="It lost work") as refusal:
        downloaded(site, state, folder)
    assert refusal.value.replacement == Version("2.5.0")
    assert site.store.requests == []


def test_a_release_dated_ahead_is_refused(site: Site, state: Path, folder: Path) -> None:
    site.vendor.publish("2.7.0", "2026-11-25")
    site.is_gate_open = True
    with pytest.raises(UnknownRelease, match="dated in the future"):
        downloaded(site, state, folder, "2.7.0")


def test_a_release_nobody_signed_is_refused(site: Site, state: Path, folder: Path) -> None:
    with pytest.raises(UnknownRelease, match="never signed"):
        downloaded(site, state, folder, "9.9")


def test_a_release_without_a_build_for_this_machine_says_what_it_has(site: Site, state: Path, folder: Path) -> None:
    site.vendor.publish("2.8.0", "2026-11-01", platform="windows-x86_64")
    with pytest.raises(NoBuildForThisMachine) as refusal:
        downloaded(site, state, folder, "2.8.0")
    assert refusal.value.hint == "it has windows-x86_64"


def test_a_file_can_be_chosen_by_name(site: Site, state: Path, folder: Path) -> None:
    client = site.client(state)
    assert client.download_release("2.6.0", folder, file_name="cad-2.6.0-linux-x86_64.bin").exists()
    with pytest.raises(NoBuildForThisMachine):
        client.download_release("2.6.0", folder, file_name="cad.exe")


def test_a_renewal_since_the_last_check_counts(site: Site, state: Path, folder: Path) -> None:
    site.client(state).check()
    site.vendor.publish("4.0.0", "2026-11-20", open_release=True)
    assert downloaded(site, state, folder, "4.0.0").exists()


# The disk


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="the system knows no O_NOFOLLOW")
def test_a_link_laid_in_the_way_is_not_followed(site: Site, state: Path, folder: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    folder.mkdir()
    part_file(site.vendor.releases().releases[-1].builds[0], folder).symlink_to(victim)
    with pytest.raises(StateError):
        downloaded(site, state, folder)
    assert victim.read_bytes() == b"precious"


def test_a_folder_in_the_way_is_named(site: Site, state: Path, folder: Path) -> None:
    (folder / "cad-2.6.0-linux-x86_64.bin").mkdir(parents=True)
    with pytest.raises(StateError, match="is a folder"):
        downloaded(site, state, folder)


def test_a_downloaded_file_can_be_verified_later_and_offline(site: Site, state: Path, folder: Path) -> None:
    client: Client = site.client(state)
    path = downloaded(site, state, folder)
    site.on_server = lambda request: Reply(503)
    assert client.verify_file(path, "2.6.0").path == "cad/2.6.0/cad-2.6.0-linux-x86_64.bin"
    with pytest.raises(FileMismatch):
        client.verify_file(path, "2.5.0")
    path.write_bytes(BODY[:-1] + b"!")
    with pytest.raises(FileMismatch):
        client.verify_file(path, "2.6.0")


def test_a_part_is_hashed_as_it_grows_also_after_it_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "part"
    path.write_bytes(b"abc")
    with PartFile(path) as part:
        part.append(b"def")
        assert part.sha256() == hashlib.sha256(b"abcdef").hexdigest()
        part.append(b"ghi")
        assert part.sha256() == hashlib.sha256(b"abcdefghi").hexdigest()
        part.cut(4)
        assert part.sha256() == hashlib.sha256(b"abcd").hexdigest()
        part.cut(0)
        for _ in range(100):
            part.append(b"0123456789" * 1000)
        assert part.sha256() == hashlib.sha256(b"0123456789" * 100_000).hexdigest()
        part.keep()
    assert path.read_bytes() == b"0123456789" * 100_000
