"""The board of drafts of another Tenure server. Nothing that it says is believed: whoever signs verifies it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tenure_server.adapters.server_connection import ServerConnection, strange_answer
from tenure_server.domain.trust_drafts import DraftState, parse_code
from tenure_server.use_cases.ports_board import BoardEntry, SubmittedOnBoard
from tenure_signing.draft_files import MAX_DRAFT_BYTES, Draft, Requirement, from_json, to_json
from tenure_signing.draft_signatures import RoleSignature

SUBMIT_SECONDS = 600  # a real client tries the result before it is published


class HttpDraftBoard:
    """The board at a URL. Raises ``InvalidRequest`` for one that would be told the token in the clear."""

    def __init__(self, url: str, token: str) -> None:
        self._connection = ServerConnection(url, token)

    def __repr__(self) -> str:
        return f"HttpDraftBoard({self._connection.url!r})"

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def entries(self) -> tuple[BoardEntry, ...]:
        drafts = self._connection.get("/v1/trust/drafts").get("drafts")
        if not isinstance(drafts, list):
            raise strange_answer()
        return tuple(_entry(each) for each in drafts)

    def fetch(self, code: str) -> Draft:
        """Raises ``InvalidDraft`` for a draft that contradicts itself."""
        path = f"/v1/trust/drafts/{parse_code(code)}"
        return from_json(self._connection.get_bytes(path, max_bytes=MAX_DRAFT_BYTES))

    def push(self, draft: Draft) -> BoardEntry:
        return _entry(self._connection.post("/v1/trust/push", to_json(draft)))

    def sign(self, code: str, signatures: Iterable[RoleSignature]) -> BoardEntry:
        listed = [{"role": each.role, "key_id": each.keyid, "signature": each.signature} for each in signatures]
        return _entry(self._connection.post(f"/v1/trust/drafts/{parse_code(code)}/signatures", {"signatures": listed}))

    def submit(self, code: str) -> SubmittedOnBoard:
        answer = self._connection.post(f"/v1/trust/drafts/{parse_code(code)}/submit", b"", SUBMIT_SECONDS)
        try:
            return SubmittedOnBoard(
                is_new=answer["is_new"] is True,
                roles=tuple(str(role) for role in answer["roles"]),
                taken_up=tuple(str(name) for name in answer["taken_up"]),
            )
        except (KeyError, TypeError) as error:
            raise strange_answer() from error

    def cancel(self, code: str, reason: str) -> BoardEntry:
        return _entry(self._connection.post(f"/v1/trust/drafts/{parse_code(code)}/cancel", {"reason": reason}))

    def key_holders(self) -> Mapping[str, str]:
        try:
            listed = self._connection.get("/v1/trust/key-holders")["key_holders"]
            return {str(each["key_id"]): str(each["name"]) for each in listed}
        except (KeyError, TypeError) as error:
            raise strange_answer() from error


def _entry(answer: Mapping[str, Any]) -> BoardEntry:
    try:
        return BoardEntry(
            code=parse_code(answer["code"]),
            purpose=str(answer["purpose"]),
            state=DraftState(answer["state"]),
            roles=tuple(str(role) for role in answer["roles"]),
            pushed_by=str(answer["pushed_by"]),
            pushed_at=_instant(answer["pushed_at"]),
            expires_at=_instant(answer["expires_at"]),
            requirements=tuple(_requirement(each) for each in answer["signatures"]),
            closed_by=answer["closed_by"],
            closed_at=_instant(answer["closed_at"]) if answer["closed_at"] is not None else None,
            reason=answer["reason"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise strange_answer() from error


def _requirement(answer: Mapping[str, Any]) -> Requirement:
    return Requirement(
        role=str(answer["role"]),
        asked_by=str(answer["asked_by"]),
        threshold=int(answer["threshold"]),
        signed=tuple(str(keyid) for keyid in answer["signed"]),
        unsigned=tuple(str(keyid) for keyid in answer["unsigned"]),
    )


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant
