"""Release drafts on another Tenure server, over HTTPS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, urlencode

from tenure_server.adapters.publishing_server import READ_BACK_SECONDS
from tenure_server.adapters.server_connection import ServerConnection, strange_answer
from tenure_server.domain.release_drafts import (
    Approval,
    DraftAction,
    DraftStanding,
    DraftState,
    DraftWish,
    ReleaseDraft,
)
from tenure_signing.languages import Language
from tenure_signing.names import ProductName, parse_product
from tenure_signing.versions import parse_version

_PREFIX = "/v1/publishing"
_DRAFTS = f"{_PREFIX}/release-drafts"
MAX_DRAFT_BYTES = 16 * 1024 * 1024  # a product's role and the notes


@dataclass(frozen=True, slots=True)
class HttpReleaseDraftsServer:
    """Raises the server's refusals as ours, and ``ServerUnavailable``."""

    server: ServerConnection

    def release_day(self, at: datetime) -> date:
        answer = self.server.get(f"{_PREFIX}/release-day?" + urlencode({"at": at.isoformat()}))
        try:
            return date.fromisoformat(answer["release_day"])
        except (KeyError, TypeError, ValueError) as error:
            raise strange_answer() from error

    def list(self, product: ProductName | None, *, over: bool = False) -> tuple[DraftStanding, ...]:
        asked = {"over": "true" if over else "false", **({"product": product} if product is not None else {})}
        answer = self.server.get(f"{_DRAFTS}?{urlencode(asked)}")
        drafts = answer.get("drafts")
        if not isinstance(drafts, list):
            raise strange_answer()
        return tuple(map(_standing, drafts))

    def one(self, draft_id: str) -> DraftStanding:
        return _standing(self.server.get(f"{_DRAFTS}/{quote(draft_id, safe='')}", max_bytes=MAX_DRAFT_BYTES))

    def make(self, wish: DraftWish) -> DraftStanding:
        return self._change("make", _wish(wish))

    def sign(self, draft_id: str, code: str, signatures: Mapping[str, str]) -> DraftStanding:
        return self._change(f"{draft_id}/signatures", {"code": code, "signatures": dict(signatures)})

    def approve(self, draft_id: str, code: str) -> DraftStanding:
        return self._change(f"{draft_id}/approval", {"code": code})

    def rebuild(self, draft_id: str, code: str, wish: DraftWish) -> DraftStanding:
        return self._change(f"{draft_id}/rebuild", {**_wish(wish), "code": code})

    def cancel(self, draft_id: str, *, reason: str) -> DraftStanding:
        return self._change(f"{draft_id}/cancel", {"reason": reason})

    def _change(self, path: str, body: dict[str, Any]) -> DraftStanding:
        return _standing(self.server.post(f"{_DRAFTS}/{path}", body, READ_BACK_SECONDS))


def _wish(wish: DraftWish) -> dict[str, Any]:
    return {
        "action": wish.action.value,
        "product": wish.product,
        "version": str(wish.version) if wish.version is not None else None,
        "role": wish.role.decode() if wish.role is not None else None,
        "notes": wish.notes,
        "translations": dict(wish.translations),
        "share_basis_points": wish.share_basis_points,
        "lower_to": wish.lower_to,
        "publish_at": wish.publish_at.isoformat() if wish.publish_at is not None else None,
        "day_is_stated": wish.day_is_stated,
        "although_needed": wish.although_needed,
    }


def _standing(answer: Any) -> DraftStanding:
    """What the server says of a draft. It is believed only for what is shown; what is signed is looked at itself."""
    try:
        made_at = datetime.fromisoformat(answer["made_at"])
        publish_at, released_on, version, role = (
            answer[name] for name in ("publish_at", "released_on", "version", "role")
        )
        draft = ReleaseDraft(
            draft_id=str(answer["id"]),
            action=DraftAction(answer["action"]),
            product=parse_product(answer["product"]),
            version=parse_version(version) if version is not None else None,
            payload_sha256=str(answer["payload_sha256"]),
            made_at=made_at,
            makers=tuple(map(str, answer["makers"])),
            channel=answer["channel"],
            role=role.encode() if role is not None else b"",
            signatures=tuple(sorted((str(k), str(v)) for k, v in answer["signatures"].items())),
            approvals=tuple(Approval(str(person), made_at) for person in answer["approved_by"]),
            notes=answer["notes"],
            translations=tuple(sorted((Language(k), str(v)) for k, v in answer["translations"].items())),
            share_basis_points=answer["share_basis_points"],
            lower_to=answer["lower_to"],
            publish_at=datetime.fromisoformat(publish_at) if publish_at is not None else None,
            day_is_stated=answer["day_is_stated"] is True,
            state=DraftState(answer["state"]),
            reason=answer["reason"],
        )
        return DraftStanding(
            draft,
            problem=answer["stale"],
            threshold=int(answer["threshold"]),
            signed=tuple(map(str, answer["signed"])),
            may_sign=tuple(map(str, answer["may_sign"])),
            approvals_needed=int(answer["approvals_needed"]),
            released_on=date.fromisoformat(released_on) if released_on is not None else None,
            builds=tuple(map(str, answer["builds"])),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise strange_answer() from error
