"""The board of drafts: what is taken, what is refused, and that no signature is kept that is worth nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from starlette.testclient import TestClient

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.app import create_app
from tenure_server.domain.api_tokens import Scope
from tenure_server.domain.trust_drafts import MAX_OPEN_DRAFTS, DraftState
from tenure_server.errors import Conflict, InvalidRequest, NotFound, Refusal
from tenure_server.use_cases.api_tokens import TokenWish
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.draft_board import DraftBoard
from tenure_signing.draft_files import Draft, signed_by, to_json
from tenure_signing.draft_signatures import RoleSignature, new_signatures, signatures_of
from tenure_signing.trust_changes import Changes
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH
from tenure_signing.tuf_verified import verified_repository
from tests.server.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """One key signs root, another one targets; both are at hand."""
    world = World(tmp_path, MemoryDatabase())
    world.add_product()
    return world


@pytest.fixture
def board(world: World) -> DraftBoard:
    return world.installation.draft_board


def changes(world: World, purpose: str = "a test") -> Changes:
    with world.database.reading() as records:
        repository = read_repository(records)
        keys = records.signed_files.trusted_target(LICENCE_KEYS_PATH)
    assert keys is not None
    verified = verified_repository(repository, {LICENCE_KEYS_PATH: keys}, repository.roots[0], world.now())
    return Changes(verified, world.now(), purpose, {})


def renewal(world: World, purpose: str = "a test") -> Draft:
    return changes(world, purpose).renewed(["root", "targets"])


def refused(code: str, caught: pytest.ExceptionInfo[Refusal]) -> None:
    assert caught.value.code == code, caught.value


def test_signatures_of_several_people_come_together_in_any_order(world: World, board: DraftBoard) -> None:
    draft = renewal(world)
    assert [each.is_met for each in board.push(draft, who="ada").requirements] == [False, False, False]
    for signer in (world.targets, world.root):
        signed, _ = signed_by(draft, signer)
        entry = board.sign(draft.code, new_signatures(draft, signed), who="bo")
    assert entry.is_complete
    assert entry.state is DraftState.OPEN
    assert board.submit(draft.code, who="ada", is_at_the_server=False).is_new
    assert not board.submit(draft.code, who="ada", is_at_the_server=False).is_new
    with world.database.reading() as records:
        actions = [event.action for event in records.audit.newest(subject=draft.code)]
    assert actions == ["trust.submit", "trust.sign", "trust.sign", "trust.push"]


def test_the_same_signature_again_changes_nothing_and_is_not_written_down(world: World, board: DraftBoard) -> None:
    draft = renewal(world)
    signed, _ = signed_by(draft, world.root)
    board.push(draft, who="ada")
    for _ in range(2):
        board.push(signed, who="ada")
        board.sign(draft.code, signatures_of(signed), who="ada")
    with world.database.reading() as records:
        assert [event.action for event in records.audit.newest(subject=draft.code)] == ["trust.sign", "trust.push"]


def genuine(world: World, draft: Draft) -> RoleSignature:
    signed, _ = signed_by(draft, world.root)
    return next(each for each in signatures_of(signed) if each.role == "root")


@pytest.mark.parametrize("fault", ["swapped role", "no role of it", "another draft", "flipped bit", "stranger", "junk"])
def test_a_signature_that_is_worth_nothing_is_not_kept(world: World, board: DraftBoard, fault: str) -> None:
    draft = renewal(world)
    board.push(draft, who="ada")
    good = genuine(world, draft)
    stranger = CryptoSigner.generate_ed25519()
    bad = {
        "swapped role": replace(good, role="targets"),
        "no role of it": replace(good, role="cad"),
        "another draft": _other(world),
        "flipped bit": replace(good, signature=f"{int(good.signature[:2], 16) ^ 1:02x}{good.signature[2:]}"),
        "stranger": RoleSignature("root", stranger.public_key.keyid, good.signature),
        "junk": replace(good, signature="00"),
    }[fault]
    with pytest.raises(InvalidRequest) as caught:
        board.sign(draft.code, [bad], who="eve")
    refused("signature_refused", caught)
    with pytest.raises(InvalidRequest) as caught:  # good ones do not carry a bad one in
        board.sign(draft.code, [*signatures_of(signed_by(draft, world.targets)[0]), bad], who="eve")
    assert signatures_of(board.fetch(draft.code)) == ()


def _other(world: World) -> RoleSignature:
    later = replace(changes(world), now=world.now().replace(year=world.now().year + 1))
    return genuine(world, later.renewed(["root"]))


def test_a_pushed_file_with_a_bad_signature_is_refused_whole(world: World, board: DraftBoard) -> None:
    signed, _ = signed_by(renewal(world), world.root)
    bad = replace(signed, roles={**signed.roles, "root": signed.roles["root"].replace(b'"sig":"', b'"sig":"00')})
    with pytest.raises(InvalidRequest) as caught:
        board.push(bad, who="eve")
    refused("signature_refused", caught)
    with pytest.raises(NotFound):
        board.fetch(bad.code)


def test_what_cannot_be_published_does_not_hang_there(world: World, board: DraftBoard) -> None:
    late, other = renewal(world, "late"), renewal(world, "other")
    for signer in (world.root, world.targets):
        other, _ = signed_by(other, signer)
    board.push(other, who="ada")
    board.push(late, who="ada")
    board.submit(other.code, who="ada", is_at_the_server=False)
    for action in (
        lambda: board.push(renewal_of_before(late), who="ada"),
        lambda: board.sign(late.code, [genuine(world, late)], who="ada"),
        lambda: board.submit(late.code, who="ada", is_at_the_server=False),
    ):
        with pytest.raises(Conflict) as caught:
            action()
        refused("stale_draft", caught)
    assert {entry.state for entry in board.entries()} == {DraftState.STALE, DraftState.SUBMITTED}


def renewal_of_before(draft: Draft) -> Draft:
    return replace(draft, purpose="pushed too late")


def test_the_board_is_not_filled_up(world: World, board: DraftBoard) -> None:
    for number in range(MAX_OPEN_DRAFTS):
        board.push(renewal(world, f"number {number}"), who="ada")
    with pytest.raises(Conflict) as caught:
        board.push(renewal(world, "one more"), who="ada")
    refused("board_full", caught)


def test_a_draft_that_somebody_broke_in_the_database_hides_no_other(world: World, board: DraftBoard) -> None:
    broken, whole = renewal(world, "broken"), renewal(world, "whole")
    for draft in (broken, whole):
        board.push(draft, who="ada")
    with world.database.writing() as records:
        records.trust_drafts.set_document(broken.code, b"{}")
    assert {entry.purpose: entry.state for entry in board.entries()} == {
        "broken": DraftState.STALE,
        "whole": DraftState.OPEN,
    }
    with pytest.raises(InvalidRequest) as caught:
        board.fetch(broken.code)
    refused("invalid_draft", caught)
    board.cancel(broken.code, reason="broken", who="ops", may_cancel_all=True)


def test_a_purpose_is_one_line_that_can_be_listed(world: World, board: DraftBoard) -> None:
    for hostile in ("a\0b", "a\nb", "\x1b[2J"):
        with pytest.raises(InvalidRequest) as caught:
            board.push(renewal(world, hostile), who="eve")
        refused("invalid_draft", caught)


def test_names_are_kept_when_a_draft_is_published_and_a_draft_renames_nobody(world: World, board: DraftBoard) -> None:
    keyid = world.root.public_key.keyid
    for name, kept in (("Ada", "Ada"), ("Eve", "Ada")):
        named: Mapping[str, str] = {keyid: name, "f" * 64: "nobody's key", "e" * 64: "\x1b[2J"}
        draft = replace(renewal(world, name), names=named)
        for signer in (world.root, world.targets):
            draft, _ = signed_by(draft, signer)
        board.push(draft, who="ada")
        board.submit(draft.code, who="ada", is_at_the_server=False)
        assert board.key_holders() == {keyid: kept}
    assert world.installation.name_key_holder(keyid, "Ada, token 2", who="ops")
    assert not world.installation.name_key_holder(keyid, "Ada, token 2", who="ops")
    assert board.key_holders() == {keyid: "Ada, token 2"}
    for wrong, name in (("f" * 64, "Ada"), (keyid, ""), (keyid, "a\nb"), (keyid, "x" * 101)):
        with pytest.raises(Refusal):
            world.installation.name_key_holder(wrong, name, who="ops")


# Over HTTP


@pytest.fixture
def client(world: World) -> TestClient:
    return TestClient(create_app(world.installation), follow_redirects=False)


def bearer(world: World, *scopes: Scope) -> dict[str, str]:
    wish = TokenWish("ada", frozenset(scopes), datetime(2027, 1, 1, tzinfo=UTC))
    created = world.installation.create_token(wish, who="ops")
    return {"Authorization": f"Bearer {created.secret}"}


def test_a_stranger_and_a_token_for_something_else_see_no_draft(world: World, client: TestClient) -> None:
    code = renewal(world).code
    sales = bearer(world, Scope.SALES, Scope.SUPPORT)
    for method, path in (
        ("GET", "/v1/trust/drafts"),
        ("GET", "/v1/trust/key-holders"),
        ("GET", f"/v1/trust/drafts/{code}"),
        ("POST", "/v1/trust/push"),
        ("POST", f"/v1/trust/drafts/{code}/signatures"),
        ("POST", f"/v1/trust/drafts/{code}/submit"),
        ("POST", f"/v1/trust/drafts/{code}/cancel"),
    ):
        assert client.request(method, path).status_code == 401
        answer = client.request(method, path, headers=sales)
        assert (answer.status_code, answer.json()["code"]) == (403, "token_scope")


def test_a_draft_goes_over_the_wire_byte_for_byte(world: World, client: TestClient) -> None:
    trust, draft = bearer(world, Scope.TRUST), renewal(world)
    pushed = client.post(
        "/v1/trust/push", content=to_json(draft), headers={**trust, "Content-Type": "application/json"}
    )
    assert pushed.status_code == 200, pushed.text
    assert pushed.json()["code"] == draft.code
    fetched = client.get(f"/v1/trust/drafts/{draft.code}", headers=trust)
    assert fetched.content == to_json(draft)
    assert fetched.headers["cache-control"] == "no-store"
    body = {"signatures": [{"role": "root", "key_id": "0" * 64, "signature": "00"}]}
    refusal = client.post(f"/v1/trust/drafts/{draft.code}/signatures", json=body, headers=trust)
    assert (refusal.status_code, refusal.json()["code"]) == (400, "signature_refused")


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"{}", "invalid_draft"), (b"nonsense", "invalid_draft"), (b"[" * 100_000, "invalid_draft")],
    ids=["an empty object", "no JSON", "deep nesting"],
)
def test_what_is_no_draft_is_refused(world: World, client: TestClient, body: bytes, code: str) -> None:
    headers = {**bearer(world, Scope.TRUST), "Content-Type": "application/json"}
    answer = client.post("/v1/trust/push", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    as_text = client.post("/v1/trust/push", content=body, headers=headers | {"Content-Type": "text/plain"})
    assert as_text.json()["code"] == "invalid_request"


def test_only_a_whole_code_is_an_address(world: World, client: TestClient) -> None:
    trust = bearer(world, Scope.TRUST)
    for code in ("0", "../token", "0000-0000", renewal(world).code.upper()):
        assert client.get(f"/v1/trust/drafts/{code}", headers=trust).status_code in (400, 404)
    missing = client.get(f"/v1/trust/drafts/{renewal(world).code}", headers=trust)
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_draft")
