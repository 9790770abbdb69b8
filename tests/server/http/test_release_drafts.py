"""``/v1/publishing/release-drafts``: what is refused, and how. What it is for is shown end to end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.app import create_app
from tenure_server.domain.api_tokens import Scope
from tenure_server.use_cases.api_tokens import TokenWish
from tests.server.use_cases.test_release_drafts import Team
from tests.server.world import CAD, CAM, WHO, World

PREFIX = "/v1/publishing/release-drafts"


@dataclass
class Desk:
    team: Team
    client: TestClient

    def secret(self, person: str | None = None, scope: Scope = Scope.PUBLISH, product: Any = CAD) -> str:
        expires = self.team.world.now() + timedelta(days=9)
        wish = TokenWish("desk", frozenset({scope}), expires, product, person=person)
        return self.team.world.installation.create_token(wish, who=WHO).secret

    def post(self, path: str, body: Any, token: str | None = None) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {token or self.secret('Ben')}"}
        answer = self.client.post(f"{PREFIX}/{path}", json=body, headers=headers)
        return answer.status_code, answer.json()

    def get(self, path: str, token: str | None = None) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {token or self.secret('Ben')}"}
        answer = self.client.get(f"/v1/publishing/{path}", headers=headers)
        return answer.status_code, answer.json()

    def body(self, **changes: Any) -> dict[str, Any]:
        role = self.team.publication().role
        assert role is not None
        return {"action": "publish", "product": "cad", "version": "1.0", "role": role.decode(), **changes}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    world = World(tmp_path, MemoryDatabase())
    world.add_product()
    world.add_product(CAM)
    with TestClient(create_app(world.installation)) as client:
        yield Desk(Team(world), client)


def test_a_draft_is_made_listed_shown_and_published(desk: Desk) -> None:
    desk.team.ask_approvals(1)
    status, made = desk.post("make", desk.body(), desk.secret("Aminah"))
    assert (status, made["standing"]) == (200, "0 of 1 signatures, 0 of 1 approvals")
    _, listed = desk.get("release-drafts")
    assert [(each["id"], each["role"]) for each in listed["drafts"]] == [(made["id"], None)]
    _, shown = desk.get(f"release-drafts/{made['id']}")
    assert (made["role"], {**shown, "role": None}) == (None, made)
    for reader in (desk.secret(scope=Scope.READ, product=None), desk.secret(scope=Scope.ADMIN, product=None)):
        assert desk.get("release-drafts?product=cad&over=true", reader)[1]["drafts"] == listed["drafts"]
    status, approved = desk.post(f"{made['id']}/approval", {"code": made["code"]})
    assert (status, approved["approved_by"]) == (200, ["Ben"])
    status, cancelled = desk.post(f"{made['id']}/cancel", {"reason": "not yet"})
    assert (status, cancelled["state"], cancelled["reason"], cancelled["role"]) == (200, "cancelled", "not yet", None)


def test_nobody_without_a_token_of_the_product_sees_or_changes_a_draft(desk: Desk) -> None:
    _, made = desk.post("make", desk.body())
    foreign = desk.secret("Dina", product=CAM)
    paths = (f"{made['id']}/approval", f"{made['id']}/signatures", f"{made['id']}/cancel", f"{made['id']}/rebuild")
    bodies = (
        {"code": made["code"]},
        {"code": made["code"], "signatures": {"k": "00"}},
        {"reason": "x"},
        {**desk.body(), "code": made["code"]},
    )
    for path, body in zip(paths, bodies, strict=True):
        status, answer = desk.post(path, body, foreign)
        assert (path, status, answer["code"]) == (path, 403, "token_product")
        assert desk.client.post(f"{PREFIX}/{path}", json=body).status_code == 401
    assert desk.get(f"release-drafts/{made['id']}", foreign)[1]["code"] == "token_product"
    assert desk.get("release-drafts?product=cad", foreign)[1]["code"] == "token_product"
    assert desk.get("release-drafts", foreign)[1]["drafts"] == []
    assert desk.post("make", desk.body(), desk.secret(scope=Scope.READ, product=None))[1]["code"] == "token_scope"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"role": "no metadata"}, 400, "unpublishable_role"),
        ({"role": '{"signatures": [], "signed": {"_type": "targets", "version": 1.5}}'}, 400, "unpublishable_role"),
        ({"role": None}, 400, "draft_shape"),
        ({"version": None}, 400, "draft_shape"),
        ({"version": "2.0"}, 400, "not_one_release"),
        ({"action": "promote"}, 404, "unknown_release"),
        ({"action": "resume"}, 400, "draft_shape"),
        ({"action": "resume", "role": None}, 404, "unknown_release"),
        ({"action": "lower_approvals", "role": None, "version": None}, 400, "approvals"),
        ({"action": "lower_approvals", "role": None, "version": None, "lower_to": 0}, 409, "cannot_be_done"),
        ({"action": "everything"}, 400, "invalid_request"),
        ({"product": "nothing"}, 403, "token_product"),
        ({"publish_at": "2026-12-01T09:00"}, 400, "invalid_request"),
        ({"publish_at": "2026-12-01T09:00+08:00"}, 400, "release_day"),
        ({"notes": "not signed"}, 400, "notes_mismatch"),
        ({"more": 1}, 400, "invalid_request"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(
    desk: Desk, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = desk.post("make", desk.body(**changes))
    assert (answer[0], answer[1]["code"]) == (status, code), answer
    assert desk.get("release-drafts")[1]["drafts"] == []


def test_signatures_that_are_none_are_refused(desk: Desk) -> None:
    _, made = desk.post("make", desk.body())
    keyid = desk.team.world.engineer.public_key.keyid
    for signatures, code in (
        ({keyid: "00"}, "bad_signature"),
        ({"x": "00" * 64}, "bad_signature"),
        ({}, "invalid_request"),
        ({keyid: "zz"}, "invalid_request"),
        ({f"{n}": "00" for n in range(21)}, "invalid_request"),
    ):
        body = {"code": made["code"], "signatures": signatures}
        assert desk.post(f"{made['id']}/signatures", body)[1]["code"] == code
    assert desk.post("nothing/approval", {"code": "x"})[1]["code"] == "unknown_draft"
    assert desk.post(f"{made['id']}/approval", {"code": "x"})[1]["code"] == "draft_changed"


def test_the_release_day_of_an_instant_is_the_vendors(desk: Desk) -> None:
    assert desk.get("release-day?at=2026-12-01T23:30:00-04:00")[1]["release_day"] == "2026-12-02"
    assert desk.get("release-day?at=tomorrow")[0] == 400
