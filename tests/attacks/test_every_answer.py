"""Each answer that an update needs is replaced by each kind of poison: the client ends in time, with nothing or all."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import pytest

from tenure_client.configuration import TransferLimits
from tenure_client.errors import InvalidServerAnswer, TenureClientError, UnsafeRedirect
from tests.attacks.stage import InstalledCopy, Stage, file_name
from tests.client_sdk.loopback import Reply
from tests.server.world import body_of

Poison = Callable[[Reply], Reply]

HURRIED = TransferLimits(
    timeout_seconds=2, rate_window_seconds=0.05, attempts=1, pause_seconds=0.01, settle_seconds=0.01
)

ANSWERS = {
    "next root": "/metadata/2.root.json",
    "timestamp": "/metadata/timestamp.json",
    "snapshot": ".snapshot.json",
    "targets": ".targets.json",
    "releases": ".cad.json",
    "public keys": "/downloads/_trust/",
    "update check": "/v1/update-check",
    "link": "/downloads/cad/",
    "build": "/store/",
}


def to(address: str) -> Poison:
    return lambda _: Reply(302, headers={"Location": address})


def bomb(reply: Reply) -> Reply:
    """What was asked for and 64 MiB of white space, compressed."""
    return Reply(200, gzip.compress(reply.body + b" " * 67_108_864, 1), {"Content-Encoding": "gzip"})


POISONS: dict[str, Poison] = {
    "endless": lambda _: Reply(200, is_endless=True),
    "drip": lambda reply: Reply(200, reply.body or b"x" * 500, drip_seconds=0.02),
    "cut off": lambda reply: Reply(200, reply.body or b"x" * 500, cut_after=100),
    "empty": lambda _: Reply(200),
    "deep": lambda _: Reply(200, b"[" * 200_000),
    "no unicode": lambda _: Reply(200, b'{"signed":"\xff\xfe"}'),
    "gzip": lambda reply: Reply(200, gzip.compress(reply.body), {"Content-Encoding": "gzip"}),
    "a wrong length": lambda reply: Reply(200, reply.body, {"Content-Length": "999999999999"}, cut_after=100),
    "an odd length": lambda reply: Reply(200, reply.body[:50], {"Content-Length": "-1"}, cut_after=50),
    "huge header": lambda reply: replace(reply, headers={"X-Big": "x" * 70_000}),
    "many headers": lambda reply: replace(reply, headers={f"X-{n}": "x" for n in range(200)}),
    "file": to("file:///etc/passwd"),
    "user name": to("http://user:password@127.0.0.1/"),
    "itself": to(""),
    "refused": lambda _: Reply(403),
    "gone": lambda _: Reply(410, b"{}", {"Content-Type": "application/problem+json"}),
    "informational": lambda _: Reply(103),
    "not modified": lambda _: Reply(304),
    "partial": lambda reply: Reply(206, reply.body[:10], {"Content-Range": "bytes 0-9/10"}),
}


def refusal_of(copy: InstalledCopy) -> TenureClientError | None:
    try:
        copy.update()
    except TenureClientError as error:
        return error
    return None


@pytest.mark.parametrize("poison", POISONS)
def test_no_poisoned_answer_does_harm(calm_stage: Stage, poison: str) -> None:
    stage = calm_stage
    for path in ANSWERS.values():
        copy = stage.new_copy()
        copy.limits = HURRIED
        stage.wire.replace(path, POISONS[poison])
        error = refusal_of(copy)
        assert stage.licence_key not in f"{error} {error!r}"
        if error is None:  # some poison is none in some places: 403 for the next root says that there is none
            assert copy.arrived() == {file_name("1.1"): body_of(file_name("1.1"))}
        else:
            assert file_name("1.1") not in copy.arrived()
        assert copy.leftovers() == []
        assert set(copy.kept_metadata().values()) <= stage.genuine
        stage.wire.clear()
        assert copy.update() == "1.1"


@pytest.mark.parametrize("path", [ANSWERS["timestamp"], ANSWERS["releases"], ANSWERS["update check"], ANSWERS["build"]])
def test_a_compressed_bomb_is_never_unpacked(calm_stage: Stage, path: str) -> None:
    stage, copy = calm_stage, calm_stage.new_copy()
    packed = bomb(Reply(200, b"{}"))
    stage.wire.replace(path, lambda _: packed)
    tracemalloc.start()
    try:
        with copy.refuses(TenureClientError):
            copy.update()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32 * 1024 * 1024
    stage.wire.clear()
    assert copy.update() == "1.1"


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "//[", "http://"]
)
@pytest.mark.parametrize("path", [ANSWERS["update check"], ANSWERS["link"]])
def test_a_redirect_to_what_is_not_the_web_says_so(calm_stage: Stage, path: str, address: str) -> None:
    stage, copy = calm_stage, calm_stage.known_copy()
    stage.wire.replace(path, to(address))
    with copy.refuses(UnsafeRedirect):
        copy.update()
    stage.wire.clear()
    assert copy.update() == "1.1"


def test_an_oversized_certificate_is_refused_and_not_kept(calm_stage: Stage) -> None:
    stage, copy = calm_stage, calm_stage.new_copy()

    def swollen(reply: Reply) -> Reply:
        answer = json.loads(reply.body)
        answer["certificate"] += "A" * 500_000
        return replace(reply, body=json.dumps(answer).encode())

    stage.wire.replace("/v1/update-check", swollen)
    with copy.refuses(TenureClientError):
        copy.check()
    assert not (copy.state / "certificate").exists()
    stage.wire.clear()
    assert copy.update() == "1.1"


def test_a_kept_certificate_that_somebody_swelled_is_fetched_anew(calm_stage: Stage) -> None:
    copy = calm_stage.known_copy()
    kept = copy.state / "certificate"
    kept.write_bytes(kept.read_bytes().strip() + b"A" * 500_000)
    assert copy.update() == "1.1"
    assert kept.stat().st_size < 10_000


def test_an_answer_of_many_megabytes_is_cut_off(calm_stage: Stage) -> None:
    stage, copy = calm_stage, calm_stage.known_copy()
    stage.wire.replace("/v1/update-check", lambda reply: replace(reply, body=reply.body + b" " * 8_000_000))
    with copy.refuses(InvalidServerAnswer, "larger"):
        copy.check()
    stage.wire.replace("/metadata/", lambda reply: replace(reply, body=reply.body + b" " * 8_000_000))
    newcomer = stage.new_copy()  # who knows the metadata already asks only whether it changed
    with newcomer.refuses(InvalidServerAnswer, "exceeding"):
        newcomer.check()
    stage.wire.clear()
    assert copy.update() == "1.1"
