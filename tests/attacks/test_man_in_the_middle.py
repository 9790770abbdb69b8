"""Somebody sits on the wire without any key: nothing can be added, altered or taken back, only withheld for a while."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tenure_client.answers import KeptReason
from tenure_client.errors import (
    FileMismatch,
    MetadataExpired,
    ServerContradictsSignedFacts,
    TenureClientError,
    UntrustedMetadata,
)
from tests.attacks.stage import Stage, file_name, running_stage
from tests.client_sdk.loopback import Reply, Request, running_loopback
from tests.server.world import body_of


def test_without_an_attacker_the_update_arrives(calm_stage: Stage) -> None:
    copy = calm_stage.new_copy()
    assert copy.update() == "1.1"
    assert copy.leftovers() == []
    assert set(copy.kept_metadata().values()) <= calm_stage.genuine


# What was true once


def test_a_rollback_to_recorded_answers_is_refused(stage: Stage) -> None:
    stage.known_copy()
    old = dict(stage.wire.recording)
    stage.publish("1.2")
    copy = stage.known_copy()
    stage.wire.play(old)
    with copy.refuses(UntrustedMetadata, "timestamp"):
        copy.check()
    with copy.refuses(UntrustedMetadata, "timestamp"):
        copy.get("1.2")
    stage.wire.clear()
    assert copy.update() == "1.2"


def test_a_frozen_copy_learns_of_nothing_until_the_timestamp_expires(stage: Stage) -> None:
    copy = stage.known_copy("1.1")
    assert copy.offered() is None
    frozen = dict(stage.wire.recording)
    stage.publish("1.2")
    stage.wire.play(frozen)
    assert copy.offered() is None  # what freezing can do, for as long as the timestamp lives
    stage.days_later(3)
    answer = copy.check()
    assert answer.kept_reason is KeptReason.METADATA_EXPIRED
    assert answer.as_of == stage.world.now() - timedelta(days=3)
    with copy.refuses(MetadataExpired):
        copy.get("1.2")
    newcomer = stage.new_copy()
    with newcomer.refuses(MetadataExpired):
        newcomer.check()
    stage.wire.clear()
    assert copy.update() == newcomer.update() == "1.2"


def test_frozen_metadata_under_fresh_answers_is_a_contradiction(stage: Stage) -> None:
    copy = stage.known_copy()
    frozen = {path: reply for path, reply in stage.wire.recording.items() if path.startswith("/metadata/")}
    stage.publish("1.2")
    stage.wire.tamper = lambda request, reply: frozen.get(
        request.path, Reply(404) if request.path.startswith("/metadata/") else reply
    )
    with copy.refuses(ServerContradictsSignedFacts, "1.2"):
        copy.check()
    stage.wire.clear()
    assert copy.update() == "1.2"


@pytest.mark.parametrize("role", ["snapshot", "targets", "cad"])
@pytest.mark.parametrize("is_newcomer", [False, True], ids=["known", "newcomer"])
def test_old_and_new_metadata_do_not_mix(stage: Stage, role: str, is_newcomer: bool) -> None:
    copy = stage.new_copy() if is_newcomer else stage.known_copy()
    old = stage.repository().bytes_of(role)
    stage.world.add_product("cam")  # type: ignore[arg-type]
    stage.publish("1.2")
    stage.wire.replace(f".{role}.json", lambda reply: replace(reply, body=old))
    with copy.refuses(UntrustedMetadata):
        copy.check()
    stage.wire.clear()
    assert copy.update() == "1.2"


# Somebody else's


def test_another_vendors_server_is_refused_before_it_sees_the_key(calm_stage: Stage, tmp_path: Path) -> None:
    stage = calm_stage
    copy, newcomer = stage.known_copy(), stage.new_copy()
    with running_stage(tmp_path) as other:
        asked: list[Request] = []

        def elsewhere(request: Request, _: Reply) -> Reply:
            asked.append(request)
            return other.wire.serve(request)

        stage.wire.tamper = elsewhere
        for victim in (copy, newcomer):
            with victim.refuses(UntrustedMetadata):
                victim.check()
        assert asked
        assert not [request for request in asked if "authorization" in request.headers]
    stage.wire.clear()
    assert copy.update() == newcomer.update() == "1.1"


def test_a_redirect_to_a_stranger_carries_neither_key_nor_certificate(calm_stage: Stage) -> None:
    stage, copy = calm_stage, calm_stage.known_copy()
    with running_loopback(lambda _: Reply(200, b"{}")) as stranger:
        for kind in ("/v1/", "/metadata/", "/downloads/"):
            stage.wire.replace(kind, lambda _: Reply(307, headers={"Location": f"{stranger.url}/v1/update-check"}))
            with copy.refuses(TenureClientError):
                copy.check() if kind != "/downloads/" else copy.get("1.1")
        assert len(stranger.requests) == 3
        for request in stranger.requests:
            assert not {"authorization", "cookie", "tenure-certificate"} & set(request.headers)
            assert copy.stage.licence_key not in f"{request.path} {request.headers}"
    stage.wire.clear()
    assert copy.update() == "1.1"


# Builds


def corrupted(body: bytes) -> bytes:
    return body[:700] + bytes((body[700] ^ 1,)) + body[701:]


@pytest.mark.parametrize(
    "change",
    [
        corrupted,
        lambda body: body[:-1],
        lambda body: body + b"\0",
        lambda body: b"",
        lambda body: body_of(file_name("1.0")),
        lambda body: body_of("cad-1.1-windows-x86_64.zip"),
    ],
    ids=["one bit", "cut", "longer", "empty", "older build", "another platform's"],
)
def test_a_build_that_is_not_the_signed_one_never_arrives(calm_stage: Stage, change: Callable[[bytes], bytes]) -> None:
    stage, copy = calm_stage, calm_stage.known_copy()
    stage.wire.replace("/store/", lambda reply: replace(reply, body=change(reply.body)))
    with copy.refuses(FileMismatch):
        copy.get("1.1")
    stage.wire.clear()
    assert copy.update() == "1.1"


def test_a_store_that_redirects_to_an_other_build_delivers_nothing(calm_stage: Stage) -> None:
    stage, copy = calm_stage, calm_stage.known_copy()
    copy.get("1.1")
    elsewhere = stage.new_copy("0.9")
    elsewhere.check()
    elsewhere.get("1.0")
    links = [request.path for request in stage.wire.loopback.requests if request.path.startswith("/store/")]
    stage.wire.replace("/downloads/cad/1.1/", lambda _: Reply(302, headers={"Location": links[-1]}))
    victim = stage.known_copy()
    with victim.refuses(FileMismatch):
        victim.get("1.1")
    stage.wire.clear()
    assert victim.update() == "1.1"


# Answers


def test_a_moved_release_day_is_noticed(calm_stage: Stage) -> None:
    stage, copy = calm_stage, calm_stage.known_copy()

    def a_day_earlier(reply: Reply) -> Reply:
        answer = json.loads(reply.body)
        answer["offer"]["released_on"] = "2026-11-17"
        return replace(reply, body=json.dumps(answer).encode())

    stage.wire.replace("/v1/update-check", a_day_earlier)
    with copy.refuses(ServerContradictsSignedFacts, "2026-11-17"):
        copy.check()
    stage.wire.clear()
    assert copy.update() == "1.1"


def test_a_downgrade_needs_a_signed_withdrawal(calm_stage: Stage) -> None:
    """An honest answer to a copy of 0.9, shown to one of 1.1."""
    stage = calm_stage
    stage.known_copy("0.9")
    offer = json.loads(stage.wire.recording["/v1/update-check"].body)["offer"]
    copy = stage.known_copy("1.1")

    def older(reply: Reply) -> Reply:
        answer = json.loads(reply.body)
        answer |= {"status": "installed_withdrawn", "offer": offer | {"downgrade": True}}
        answer["installed"]["withdrawn"] = {"reason": "so they say", "replacement": None}
        return replace(reply, body=json.dumps(answer).encode())

    stage.wire.replace("/v1/update-check", older)
    with copy.refuses(ServerContradictsSignedFacts, "withdrawn"):
        copy.check()
    stage.wire.clear()
    assert copy.offered() is None


def test_a_client_that_was_given_the_wrong_root_trusts_nothing_until_it_has_the_right_one(
    calm_stage: Stage, tmp_path: Path
) -> None:
    with running_stage(tmp_path) as other:
        copy = calm_stage.new_copy()
        with pytest.raises(UntrustedMetadata):
            copy.client(root=other.world.root_json).check()
    assert copy.arrived() == {}
    assert not (copy.state / "licence-key").exists()
    assert copy.update() == "1.1"
