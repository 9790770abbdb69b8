"""Publishing from a laptop or a build server: over HTTP, into the embedded store and into a real S3 server."""

from __future__ import annotations

import errno
import hashlib
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from tenure_server.adapters.local_store import LocalStore
from tenure_server.adapters.publishing_server import HttpPublishingServer
from tenure_server.domain.api_tokens import Scope
from tenure_server.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    Refusal,
    ServerUnavailable,
    TokenRequired,
)
from tenure_server.use_cases import publish as publish_module
from tenure_server.use_cases.download import store_key
from tenure_server.use_cases.publish import FileToPublish, PublishRequest
from tenure_server.use_cases.upload_builds import UploadBuilds
from tenure_signing.errors import ImmutableRelease, PublishingError
from tenure_signing.key_sources import new_key, tuf_signer
from tenure_signing.names import FileName, Platform, ProductName
from tenure_signing.releases import Build, Rollout, Withdrawal
from tenure_signing.tuf_drafts import first_product_role, sign, with_release, with_withdrawal
from tenure_signing.tuf_verified import verified_server
from tenure_signing.versions import Version
from tests.end_to_end.remote_publisher import BETA, PART_BYTES, Bench, ProcessKilled, running_bench
from tests.server.world import CAD, CAM, LITE, PRO, WINDOWS
from tests.services.swift import S3Server

SEVERAL_PARTS = secrets.token_bytes(1024) * (2 * 5 * 1024) + b"and a little more"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with running_bench(tmp_path) as bench:
        yield bench


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.swift)])
def any_bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    server: S3Server | None = request.getfixturevalue("s3_server") if request.param == "s3" else None
    with running_bench(tmp_path, server) as bench:
        yield bench


def code_of(caught: pytest.ExceptionInfo[Refusal]) -> str:
    return caught.value.code


# --- The way it is meant


def test_builds_of_several_parts_are_published_and_the_audit_trail_names_the_token(any_bench: Bench) -> None:
    token, progress = any_bench.token(), list[int]()
    request = any_bench.request(body=SEVERAL_PARTS, notes="# First", share_basis_points=1_000)
    published = any_bench.publish(request, any_bench.server(token.secret), progress=progress)
    assert published.is_new
    release = any_bench.published()["1.0"]
    assert release == published.release
    build = release.builds[0]
    assert (build.length, build.sha256) == (len(SEVERAL_PARTS), hashlib.sha256(SEVERAL_PARTS).hexdigest())
    assert any_bench.stored(build) == SEVERAL_PARTS
    assert sum(progress) == len(SEVERAL_PARTS)
    with any_bench.world.database.reading() as records:
        event = records.audit.newest(subject="cad 1.0")[0]
        assert records.notes.get(CAD, Version("1.0")) == "# First"
        assert records.rollouts.of_product(CAD) == {Version("1.0"): Rollout(1_000)}
    assert event.who == token.token.who
    assert token.secret not in repr(event)


def test_the_same_command_again_uploads_nothing_and_signs_nothing(any_bench: Bench) -> None:
    request = any_bench.request()
    any_bench.publish(request)
    server = any_bench.killable()
    prepared = any_bench.publishing(server).prepare(request, is_unattended=True)
    assert not prepared.is_new
    assert prepared.bytes_to_upload == 0
    again = any_bench.publish(request, server, signers=[])
    assert not again.is_new
    assert {"send_part", "complete", "publish"}.isdisjoint(server.calls)


def test_a_look_changes_nothing(any_bench: Bench) -> None:
    prepared = any_bench.publishing().prepare(any_bench.request(body=SEVERAL_PARTS), is_unattended=True)
    assert prepared.is_new
    assert prepared.bytes_to_upload == len(SEVERAL_PARTS)
    assert any_bench.published() == {}
    assert any_bench.stored_keys() == []
    with any_bench.world.database.reading() as records:
        assert records.uploads.get(store_key(prepared.release.builds[0])) is None
        assert records.audit.newest(action="release") == ()


def test_a_build_for_another_platform_follows_with_the_facts_that_were_signed(bench: Bench) -> None:
    bench.publish(bench.request(released_on=date(2026, 11, 1), notes="First"))
    path = bench.world.directory / "laptop" / "cad-1.0.msi"
    path.write_bytes(b"for Windows")
    later = PublishRequest(CAD, Version("1.0"), (FileToPublish(path, FileName(path.name), WINDOWS),))
    bench.publish(later)
    release = bench.published()["1.0"]
    assert release.released_on == date(2026, 11, 1)
    assert len(release.builds) == 2


# --- Kills


@pytest.mark.parametrize(
    "dies",
    ["before upload", "after upload", "before send_part", "after send_part", "before complete", "after complete",
     "before publish", "after publish"],
)  # fmt: skip
def test_a_publisher_killed_at_any_step_goes_on_where_it_was(any_bench: Bench, dies: str) -> None:
    request = any_bench.request(body=SEVERAL_PARTS)
    with pytest.raises(ProcessKilled):
        any_bench.publish(request, any_bench.killable(dies=dies))
    assert set(any_bench.published()) == ({"1.0"} if dies == "after publish" else set())
    server = any_bench.killable()
    any_bench.publish(request, server)
    release = any_bench.published()["1.0"]
    assert any_bench.stored(release.builds[0]) == SEVERAL_PARTS
    if dies in ("before complete", "after complete", "before publish", "after publish"):
        assert "send_part" not in server.calls
    if dies == "after publish":
        assert "publish" not in server.calls
    assert any_bench.metadata().targets(CAD).version == 2


def test_a_server_killed_between_putting_together_and_reading_back_goes_on(
    any_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = any_bench.request(body=SEVERAL_PARTS)
    has_hash = UploadBuilds._has_hash

    def dies(*_: object) -> bool:
        raise RuntimeError("killed")

    monkeypatch.setattr(UploadBuilds, "_has_hash", dies)
    with pytest.raises(ServerUnavailable):
        any_bench.publish(request)
    monkeypatch.setattr(UploadBuilds, "_has_hash", has_hash)
    server = any_bench.killable()
    any_bench.publish(request, server)
    assert "send_part" not in server.calls
    assert any_bench.stored(any_bench.published()["1.0"].builds[0]) == SEVERAL_PARTS


def test_a_server_killed_while_it_publishes_has_published_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = bench.request(notes="# First")
    with monkeypatch.context() as patch:

        def dies(*_: object) -> None:
            raise RuntimeError("killed")

        patch.setattr("tenure_server.use_cases.publish_signed.audit_publication", dies)
        with pytest.raises(ServerUnavailable):
            bench.publish(request)
    assert bench.published() == {}
    assert bench.publish(request).is_new
    assert publish_module.audit_publication is not dies


def test_a_store_that_lost_an_unfinished_upload_gets_it_again(any_bench: Bench) -> None:
    request = any_bench.request(body=SEVERAL_PARTS)
    with pytest.raises(ProcessKilled):
        any_bench.publish(request, any_bench.killable(dies="before complete"))
    build = any_bench.publishing().prepare(request, is_unattended=True).release.builds[0]
    with any_bench.world.database.reading() as records:
        upload = records.uploads.get(store_key(build))
    assert upload is not None
    any_bench.world.installation.upload_store.abort_upload(upload.key, upload.upload_id or "")
    any_bench.publish(request)
    assert any_bench.stored(build) == SEVERAL_PARTS


def test_an_upload_is_completed_by_one_and_nobody_writes_to_it_meanwhile(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = bench.request(body=SEVERAL_PARTS)
    build = bench.publishing().prepare(request, is_unattended=True).release.builds[0]
    links = bench.server().upload(CAD, Version("1.0"), build).links
    with pytest.raises(ProcessKilled):
        bench.publish(request, bench.killable(dies="before complete"))
    second, put_stream = bench.server(), LocalStore.put_stream
    seen: list[object] = []

    def meanwhile(*arguments: Any, **more: Any) -> object:
        seen.append(httpx.put(links[0].url, content=b"x" * links[0].length).status_code)
        with pytest.raises(Conflict) as caught:
            second.complete(CAD, Version("1.0"), build)
        seen.append(code_of(caught))
        return put_stream(*arguments, **more)

    monkeypatch.setattr(LocalStore, "put_stream", meanwhile)
    bench.publish(request)
    assert seen == [404, "upload_busy"]
    assert bench.stored(build) == SEVERAL_PARTS


def test_a_full_disk_while_completing_loses_no_part(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    request = bench.request(body=SEVERAL_PARTS)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tenure_server.adapters.local_store._write_all", full)
        with pytest.raises(ServerUnavailable):
            bench.publish(request)
    server = bench.killable()
    bench.publish(request, server)
    assert "send_part" not in server.calls


# --- Enemies


def test_an_upload_that_was_tampered_with_is_refused_and_leaves_nothing(any_bench: Bench) -> None:
    request = any_bench.request(body=SEVERAL_PARTS)
    with pytest.raises(Conflict) as caught:
        any_bench.publish(request, any_bench.killable(tampers=True))
    assert code_of(caught) == "build_mismatch"
    assert any_bench.stored_keys() == []
    assert any_bench.published() == {}
    any_bench.publish(request)
    assert any_bench.stored(any_bench.published()["1.0"].builds[0]) == SEVERAL_PARTS


def test_a_stolen_token_without_the_key_publishes_nothing(bench: Bench) -> None:
    thief = tuf_signer(new_key())
    online = bench.world.installation.keys.online_signers
    for signers in ([thief], [online.snapshot], [online.timestamp], [bench.world.targets], []):
        with pytest.raises(Forbidden) as caught:
            bench.publish(bench.request(), signers=signers)
        assert code_of(caught) == "signatures_missing"
    assert bench.published() == {}
    with bench.world.database.reading() as records:
        assert records.audit.newest(action="release") == ()


def test_a_stolen_token_cannot_harm_a_published_build(any_bench: Bench) -> None:
    """Its place in the store is known from the metadata; announcing another length does not open it again."""
    any_bench.publish(any_bench.request(body=SEVERAL_PARTS))
    any_bench.world.publish("2.0", date(2026, 11, 1), editions=(PRO,))  # on the server itself, without an upload
    server = any_bench.server()
    for version, release in any_bench.published().items():
        for build in release.builds:
            kept = any_bench.stored(build)
            for length in (1, build.length - 1, build.length + 1, PART_BYTES * 2):
                forged = replace(build, length=length)
                for attempt in (server.upload, server.complete):
                    with pytest.raises(Conflict) as caught:
                        attempt(CAD, Version(version), forged)
                    assert code_of(caught) == "build_mismatch"
            assert server.upload(CAD, Version(version), build).is_stored
            assert any_bench.stored(build) == kept


def test_an_upload_that_was_begun_before_the_build_was_published_cannot_replace_it(any_bench: Bench) -> None:
    request = any_bench.request(body=SEVERAL_PARTS)
    build = any_bench.publishing().prepare(request, is_unattended=True).release.builds[0]
    thief = any_bench.server()
    forged = thief.upload(CAD, Version("1.0"), build)
    world = any_bench.world
    world.installation.publish(
        request, signers=[world.engineer], online=world.installation.keys.online_signers, who="on the server"
    )
    for link in forged.links:
        try:
            thief.send_part(link, b"x" * link.length)
        except (ServerUnavailable, Refusal):
            continue
    thief.complete(CAD, Version("1.0"), build)
    assert any_bench.stored(build) == SEVERAL_PARTS


def test_a_token_for_something_else_is_refused_before_anything_is_uploaded(bench: Bench) -> None:
    expired = bench.token(expires_at=bench.world.now() + timedelta(seconds=1)).secret
    revoked = bench.token()
    bench.world.installation.revoke_token(revoked.token.token_id, reason="stolen", who="Bo")
    cases: list[tuple[str, type[Refusal], str]] = [
        ("tenure_aaaaaaaaaaaa_" + "a" * 32, TokenRequired, "unknown_token"),
        (revoked.secret, TokenRequired, "token_revoked"),
        (bench.token(scopes=frozenset({Scope.READ}), product=None).secret, Forbidden, "token_scope"),
        (bench.token(product=CAM).secret, Forbidden, "token_product"),
        (bench.token(channel=BETA).secret, Forbidden, "token_channel"),
        (expired, TokenRequired, "token_expired"),
    ]
    for token, kind, code in cases:
        if token == expired:
            bench.world.today += timedelta(days=1)
        with pytest.raises(kind) as caught:
            bench.publish(bench.request(), bench.server(token))
        assert code_of(caught) == code
        assert token not in str(caught.value)
    assert bench.stored_keys() == []
    assert bench.published() == {}


def test_a_channel_is_checked_in_what_was_signed_not_in_what_was_said(bench: Bench) -> None:
    request = bench.request()
    bench.publishing().prepare(request, is_unattended=True)
    publishing = bench.publishing(bench.server())
    prepared = publishing.prepare(request, is_unattended=True)
    beta_only = bench.server(bench.token(channel=BETA).secret)
    with pytest.raises(Forbidden) as caught:
        replace(publishing, server=beta_only)(prepared, signers=[bench.world.engineer])
    assert code_of(caught) == "token_channel"
    assert bench.published() == {}


def test_a_signed_release_whose_build_was_never_uploaded_is_refused(bench: Bench) -> None:
    release = bench.publishing().prepare(bench.request(), is_unattended=True).release
    role = sign(CAD, with_release(bench.metadata().bytes_of(CAD), release, bench.world.now()), bench.world.engineer)
    with pytest.raises(Conflict) as caught:
        bench.server().publish(CAD, Version("1.0"), role, None, None)
    assert code_of(caught) == "build_missing"


def test_changed_bytes_and_facts_of_a_published_version_are_refused_on_both_sides(bench: Bench) -> None:
    bench.publish(bench.request())
    with pytest.raises(ImmutableRelease):
        bench.publish(bench.request(body=b"other bytes"))
    with pytest.raises(ImmutableRelease):
        bench.publish(bench.request(released_on=date(2020, 1, 1)))
    other = bench.request("9.0", body=b"other bytes")
    with pytest.raises(ProcessKilled):
        bench.publish(other, bench.killable(dies="before publish"))
    metadata = bench.metadata()
    engineer, now = bench.world.engineer, bench.world.now()
    old = bench.published()["1.0"]
    moved = replace(old, released_on=date(2020, 1, 1))
    for forged in (
        with_release(_emptied(metadata.bytes_of(CAD), bench), moved, now),
        with_withdrawal(metadata.bytes_of(CAD), CAD, Version("1.0"), Withdrawal("by a thief"), now),
    ):
        with pytest.raises((Conflict, InvalidRequest)) as caught:
            bench.server().publish(CAD, Version("1.0"), sign(CAD, forged, engineer), None, None)
        assert code_of(caught) in ("published_meanwhile", "not_one_release", "immutable_release")
    assert bench.published() == {"1.0": old}


def _emptied(role: bytes, bench: Bench) -> bytes:
    """A role of the first version, with nothing in it."""
    return first_product_role(CAD, bench.world.now())


def test_a_role_that_is_no_role_is_refused_in_a_sentence(bench: Bench) -> None:
    for role in (b"{}", b"", b"null", b'{"signed": 1}', bench.metadata().bytes_of("targets")):
        with pytest.raises(Refusal) as caught:
            bench.server().publish(CAD, Version("1.0"), role, None, None)
        assert code_of(caught) in ("unpublishable_role", "not_one_release")


def test_notes_are_those_that_were_signed(bench: Bench) -> None:
    request = bench.request(notes="# First")
    with pytest.raises(ProcessKilled):
        bench.publish(request, bench.killable(dies="before publish"))
    release = bench.publishing().prepare(request, is_unattended=True).release
    role = sign(CAD, with_release(bench.metadata().bytes_of(CAD), release, bench.world.now()), bench.world.engineer)
    for notes in (None, "# Other"):
        with pytest.raises(InvalidRequest) as caught:
            bench.server().publish(CAD, Version("1.0"), role, notes, None)
        assert code_of(caught) == "notes_mismatch"
    assert bench.server().publish(CAD, Version("1.0"), role, "# First", None)
    assert not bench.server().publish(CAD, Version("1.0"), role, "# First", None)


def test_two_publishers_of_one_product_do_not_lose_each_others_releases(bench: Bench) -> None:
    requests = [bench.request(f"{number}.0", body=f"build {number}".encode()) for number in range(1, 4)]
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(bench.publish, request) for request in requests]:
            done.result()
    assert set(bench.published()) == {"1.0", "2.0", "3.0"}


def test_a_role_made_before_somebody_else_published_is_a_clear_conflict(bench: Bench) -> None:
    request = bench.request()
    with pytest.raises(ProcessKilled):
        bench.publish(request, bench.killable(dies="before publish"))
    release = bench.publishing().prepare(request, is_unattended=True).release
    role = sign(CAD, with_release(bench.metadata().bytes_of(CAD), release, bench.world.now()), bench.world.engineer)
    bench.publish(bench.request("2.0", body=b"another"))
    with pytest.raises(Conflict) as caught:
        bench.server().publish(CAD, Version("1.0"), role, None, None)
    assert code_of(caught) == "published_meanwhile"
    assert "again" in (caught.value.hint or "")
    bench.publish(request)
    assert set(bench.published()) == {"1.0", "2.0"}


# --- A server that was broken into


def test_metadata_of_another_root_is_not_built_on(bench: Bench, tmp_path: Path) -> None:
    with running_bench(tmp_path / "other") as other:
        publishing = replace(bench.publishing(), metadata=lambda: _verified_by(bench, other))
        with pytest.raises(PublishingError, match="not to be trusted"):
            publishing.prepare(bench.request(), is_unattended=True)


def _verified_by(bench: Bench, other: Bench) -> Any:
    return verified_server(other.address, bench.world.root_json, bench.world.now()).repository


def test_the_server_does_not_choose_what_is_signed_while_nobody_looks(bench: Bench) -> None:
    publishing = bench.publishing()
    for request in (bench.request(editions=None), bench.request(channel=None)):
        with pytest.raises(InvalidRequest) as caught:
            publishing.prepare(request, is_unattended=True)
        assert code_of(caught) == "facts_missing"
        assert publishing.prepare(request, is_unattended=False).is_new
    ahead = replace(publishing, clock=lambda: bench.world.now() + timedelta(days=3))
    with pytest.raises(InvalidRequest) as caught:
        ahead.prepare(bench.request(), is_unattended=True)
    assert code_of(caught) == "day_unclear"
    assert ahead.prepare(bench.request(released_on=date(2026, 11, 23)), is_unattended=True).is_new


def test_facts_that_the_product_does_not_have_are_refused(bench: Bench) -> None:
    for facts, code in (
        ({"editions": frozenset({"max"})}, "unknown_edition"),
        ({"channel": "nightly"}, "unknown_channel"),
    ):
        with pytest.raises(InvalidRequest) as caught:
            bench.publish(bench.request(**facts))
        assert code_of(caught) == code
    with pytest.raises((NotFound, Forbidden)):
        bench.publish(bench.request(product=ProductName("cod")))


# --- Path tricks and malformed requests


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"product": "../cad"}, "body.product"),
        ({"product": "root"}, "body.product"),
        ({"product": 7}, "body.product"),
        ({"version": "1.0/../../etc"}, "body.version"),
        ({"version": "01.0.0.0+x"}, "body.version"),
        ({"version": "v1.0"}, "body.version"),
        ({"build": {"file_name": "../../etc/passwd"}}, "body.build.file_name"),
        ({"build": {"file_name": "a/b"}}, "body.build.file_name"),
        ({"build": {"file_name": "NUL.zip"}}, "body.build.file_name"),
        ({"build": {"file_name": ""}}, "body.build.file_name"),
        ({"build": {"platform": "beos-ppc"}}, "body.build.platform"),
        ({"build": {"length": 0}}, "body.build.length"),
        ({"build": {"length": -1}}, "body.build.length"),
        ({"build": {"length": 1.5}}, "body.build.length"),
        ({"build": {"length": "5"}}, "body.build.length"),
        ({"build": {"length": 2**60}}, "body.build.length"),
        ({"build": {"sha256": "../" * 21 + "a"}}, "body.build.sha256"),
        ({"build": {"sha256": "A" * 64}}, "body.build.sha256"),
        ({"build": {"sha256": "a" * 64 + "\n"}}, "body.build.sha256"),
        ({"build": {"sha1": "a"}}, "body.build.sha1"),
        ({"build": {"upload_id": "x"}}, "body.build"),
        ({"key": "builds/cad"}, "body"),
    ],
)
def test_no_name_leaves_its_place(bench: Bench, change: dict[str, Any], where: str) -> None:
    build = {"file_name": "a.zip", "platform": "linux-x86_64", "length": 5, "sha256": "a" * 64}
    plain: dict[str, Any] = {"product": "cad", "version": "1.0"}
    body = plain | change | {"build": build | change.get("build", {})}
    for path in ("uploads", "uploads/complete"):
        answer = ask(bench, path, body)
        assert answer.status_code == 400, answer.text
        assert [fault["where"] for fault in answer.json()["errors"]] == [where]
    assert bench.stored_keys() == []


def ask(bench: Bench, path: str, body: object, **headers: str) -> httpx.Response:
    given = {"Authorization": f"Bearer {bench.token().secret}"} | headers
    return httpx.post(f"{bench.address}/v1/publishing/{path}", json=body, headers=given, timeout=30)


def test_a_body_that_is_no_json_or_from_a_form_is_refused(bench: Bench) -> None:
    secret = bench.token().secret
    url = f"{bench.address}/v1/publishing/drafts"
    for content, media_type in (
        (b"{", "application/json"),
        (b"{}", "text/plain"),
        (b"a=b", "application/x-www-form-urlencoded"),
    ):
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": media_type}
        answer = httpx.post(url, content=content, headers=headers)
        assert answer.status_code == 400
        assert answer.json()["code"] == "invalid_request"
    assert httpx.post(url, content=b"x" * 20_000_000).status_code == 413
    assert httpx.get(url).status_code == 405


def test_no_management_address_answers_without_a_token(bench: Bench) -> None:
    for path in ("drafts", "uploads", "uploads/complete", "publish"):
        answer = httpx.post(f"{bench.address}/v1/publishing/{path}", json={})
        assert answer.status_code == 401
        assert answer.json()["code"] == "token_missing"


def test_a_link_takes_exactly_its_part_and_nothing_else(bench: Bench) -> None:
    body = b"the build"
    build = bench.publishing().prepare(bench.request(body=body), is_unattended=True).release.builds[0]
    link = bench.server().upload(CAD, Version("1.0"), build).links[0]
    url = httpx.URL(link.url)
    bad = [
        url.copy_set_param("length", "10"),
        url.copy_set_param("expires", str(int(url.params["expires"]) + 1)),
        url.copy_set_param("signature", "0" * 64),
        url.copy_set_param("signature", "é"),
        url.copy_with(path=url.path[:-1] + "2"),
        url.copy_with(path="/uploads/" + "0" * 32 + "/1"),
        url.copy_with(path="/uploads/..%2f..%2fetc/1"),
    ]
    for other in bad:
        assert httpx.put(other, content=body).status_code in (403, 404)
    for content in (b"", body[:-1], body + b"x", body * 1000):
        answer = httpx.put(url, content=content)
        assert (answer.status_code, answer.json()["code"]) == (400, "part_length")
    folder = bench.world.directory / "store" / ".uploads"
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["key"]
    assert httpx.put(url, content=body).status_code == 204
    bench.world.today += timedelta(days=1)
    assert httpx.put(url, content=body).json()["code"] == "link_expired"


def test_s3_itself_refuses_a_part_of_another_length(tmp_path: Path, s3_server: S3Server) -> None:
    with running_bench(tmp_path, s3_server) as bench:
        build = bench.publishing().prepare(bench.request(), is_unattended=True).release.builds[0]
        link = bench.server().upload(CAD, Version("1.0"), build).links[0]
        assert httpx.put(link.url, content=b"x" * (build.length + 1)).status_code == 403
        assert httpx.put(link.url + "&partNumber=2", content=b"x" * build.length).status_code == 403


def test_a_build_larger_than_five_gibibytes_has_parts_enough(bench: Bench) -> None:
    uploads = bench.world.installation.upload_builds
    for length in (6 * 1024**3, 200 * 1024**3, 1024**4):
        lengths = uploads._part_lengths(length, None)
        assert sum(lengths.values()) == length
        assert len(lengths) <= 10_000
        assert max(lengths.values()) <= 5 * 1024**3
        assert min(list(lengths.values())[:-1]) >= PART_BYTES


def test_a_gigantic_announcement_costs_nothing_but_a_row(bench: Bench) -> None:
    build = Build("cad/1.0/a.zip", FileName("a.zip"), Platform("any", "any"), 1024**4, "a" * 64)
    state = bench.server().upload(CAD, Version("1.0"), build)
    assert state.missing == state.parts
    assert len(state.links) == 100


def test_a_token_never_crosses_a_network_in_the_clear(bench: Bench) -> None:
    token = bench.token().secret
    with pytest.raises(InvalidRequest) as caught:
        HttpPublishingServer("http://updates.example.com", token)
    assert code_of(caught) == "insecure_server"
    for url in ("updates.example.com", "ftp://example.com", "https://example.com?x=1"):
        with pytest.raises(InvalidRequest):
            HttpPublishingServer(url, token)
    assert token not in repr(HttpPublishingServer(bench.address, token))


def test_an_unused_edition_is_no_part_of_it(bench: Bench) -> None:
    bench.publish(bench.request(editions=frozenset({LITE})))
    assert bench.published()["1.0"].editions == {LITE}
