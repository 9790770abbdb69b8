"""The board: drafts of ceremonies hang there while people sign them on their own machines. docs/ceremonies.

Nobody has to trust it. It keeps what was pushed, puts signatures together that verify, and says whose are missing;
signers check everything themselves, and submitting checks a draft as if it came in a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from tenure_server.domain.trust_drafts import (
    DRAFT_LIFETIME,
    MAX_BOARD_BYTES,
    MAX_OPEN_DRAFTS,
    MAX_SHOWN_DRAFTS,
    DraftState,
)
from tenure_server.errors import Conflict, Forbidden, InvalidRequest, NotFound
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.change_licence import required_reason
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.ports_board import BoardEntry, SubmittedOnBoard
from tenure_server.use_cases.ports_trust import StoredDraft
from tenure_server.use_cases.submit_draft import SubmitsDrafts
from tenure_signing.draft_files import Draft, Requirement, from_json, merged, to_json
from tenure_signing.draft_signatures import (
    RoleSignature,
    new_signatures,
    outdated_roles,
    require_genuine_signatures,
    with_signatures,
)
from tenure_signing.errors import ImmutableRelease, SigningError
from tenure_signing.tuf_repository import Repository

THE_SERVER = "the server"


@dataclass(frozen=True, slots=True)
class DraftBoard:
    """``who`` is who asks, for the audit trail: every change is written there in its own transaction."""

    database: Database
    signing_clock: Clock
    submit_draft: SubmitsDrafts

    def entries(self) -> tuple[BoardEntry, ...]:
        """Open and closed drafts, newest first."""
        now = self.signing_clock()
        with self.database.reading() as records:
            published = read_repository(records)
            return tuple(_entry(stored, published, now) for stored in records.trust_drafts.newest(MAX_SHOWN_DRAFTS))

    def fetch(self, code: str) -> Draft:
        """The draft with the signatures it has. Raises ``NotFound`` (``unknown_draft``), ``Conflict``
        (``draft_closed``). A stale one can be looked at."""
        with _refused(), self.database.reading() as records:
            return _draft_of(_open(records, code, self.signing_clock()))

    def push(self, draft: Draft, *, who: str) -> BoardEntry:
        """Hang the draft up, or add its signatures to those of the same draft that hangs there.

        Raises ``Conflict`` (``stale_draft``, ``foreign_draft``, ``draft_closed``, ``board_full``,
        ``licence_keys_unusable``), ``InvalidRequest`` (``signature_refused``, ``product_settings``, ``invalid_draft``).
        """
        now = self.signing_clock()
        if not draft.purpose.isprintable():
            raise InvalidRequest("The purpose of a draft is one printable line here.", code="invalid_draft")
        with _refused(), self.database.writing() as records:
            _take_down_expired(records, now)
            published = read_repository(records)
            self.submit_draft.require_submittable(published, draft)
            with _bad_signatures():
                require_genuine_signatures(draft)
            if records.trust_drafts.get(draft.code) is None:
                _add(records, draft, now, who)
            else:
                hung = _draft_of(_open(records, draft.code, now, for_change=True))
                _keep(records, hung, replace(merged(hung, [draft]), names=hung.names), now, who)
            return _entry(_open(records, draft.code, now), published, now)

    def sign(self, code: str, signatures: Iterable[RoleSignature], *, who: str) -> BoardEntry:
        """Add signatures to the draft. Those it has already change nothing.

        Raises ``NotFound`` (``unknown_draft``), ``Conflict`` (``draft_closed``, ``stale_draft``), ``InvalidRequest``
        (``signature_refused``) for one that does not verify or that nobody asked for.
        """
        now = self.signing_clock()
        with _refused(), self.database.writing() as records:
            published = read_repository(records)
            draft = _draft_of(_open(records, code, now, for_change=True))
            self.submit_draft.require_submittable(published, draft)
            with _bad_signatures():
                after = with_signatures(draft, signatures)
            _keep(records, draft, after, now, who)
            return _entry(_open(records, code, now), published, now)

    def submit(self, code: str, *, who: str, is_at_the_server: bool) -> SubmittedOnBoard:
        """Publish the draft, as ``SubmitDraft`` does; one that was published before is confirmed.

        Raises what that does, and as ``fetch``; ``Conflict`` (``submit_at_the_server``) for one that changes the
        server's own keys: whoever makes sure that it has the new ones is there.
        """
        with self.database.reading() as records:
            stored = records.trust_drafts.get(code)
        if stored is not None and stored.state is DraftState.SUBMITTED:
            return SubmittedOnBoard(False, stored.roles, self.submit_draft.complete())
        draft = self.fetch(code)
        if not is_at_the_server and self.submit_draft.changes_own_keys(draft):
            raise Conflict(
                "The draft changes the server's own keys.",
                code="submit_at_the_server",
                hint=f"on the server: tenure trust submit {code[:9]}",
            )
        with _refused():
            submitted = self.submit_draft(draft, who=who)
        return SubmittedOnBoard(submitted.is_new, tuple(draft.roles), submitted.taken_up)

    def cancel(self, code: str, *, reason: str, who: str, may_cancel_all: bool) -> BoardEntry:
        """Take the draft down for good. What pushed it may do so, and whoever may cancel all.

        Raises ``NotFound`` (``unknown_draft``), ``Conflict`` (``draft_closed``), ``Forbidden`` (``not_your_draft``),
        ``InvalidRequest`` (``reason_missing``).
        """
        reason = required_reason(reason)
        now = self.signing_clock()
        with self.database.writing() as records:
            stored = _open(records, code, now, for_change=True)
            if not may_cancel_all and stored.pushed_by != who:
                raise Forbidden(
                    f"The draft was pushed by {stored.pushed_by}.",
                    code="not_your_draft",
                    hint="a token with the scope admin, or the operator on the server, cancels any",
                )
            records.trust_drafts.close(code, DraftState.CANCELLED, at=now, by=who, reason=reason)
            audited(records, now, who, "trust.cancel", code, purpose=stored.purpose, reason=reason)
            closed = records.trust_drafts.get(code)
            assert closed is not None
            return _entry(closed, read_repository(records), now)

    def key_holders(self) -> Mapping[str, str]:
        """Whose key is whose, by key id."""
        with self.database.reading() as records:
            return records.key_holders.all()


def _add(records: Records, draft: Draft, now: datetime, who: str) -> None:
    hung, document = records.trust_drafts.open(), to_json(draft)
    taken = sum(len(each.document or b"") for each in hung)
    if len(hung) >= MAX_OPEN_DRAFTS or taken + len(document) > MAX_BOARD_BYTES:
        raise Conflict(
            f"The board is full: {len(hung)} drafts are open.",
            code="board_full",
            hint="cancel those that nobody will sign",
        )
    roles = tuple(draft.roles)
    stored = StoredDraft(draft.code, draft.purpose, roles, who, now, now + DRAFT_LIFETIME, document)
    records.trust_drafts.add(stored)
    signed = {each.role: list(each.signed) for each in draft.requirements() if each.signed}
    audited(records, now, who, "trust.push", draft.code, purpose=draft.purpose, roles=list(roles), signed=signed)


def _keep(records: Records, before: Draft, after: Draft, now: datetime, who: str) -> None:
    """The draft with its new signatures, if there are any."""
    news = new_signatures(before, after)
    if not news:
        return
    records.trust_drafts.set_document(before.code, to_json(after))
    signed: dict[str, list[str]] = {}
    for each in news:
        signed.setdefault(each.role, []).append(each.keyid)
    audited(records, now, who, "trust.sign", before.code, purpose=before.purpose, signed=signed)


def _take_down_expired(records: Records, now: datetime) -> None:
    for stored in records.trust_drafts.open():
        if now >= stored.expires_at:
            records.trust_drafts.close(stored.code, DraftState.EXPIRED, at=now, by=THE_SERVER)
            audited(records, now, THE_SERVER, "trust.expire", stored.code, purpose=stored.purpose)


def _open(records: Records, code: str, now: datetime, *, for_change: bool = False) -> StoredDraft:
    stored = records.trust_drafts.get(code, for_change=for_change)
    if stored is None:
        raise NotFound("There is no such draft.", code="unknown_draft", hint="tenure trust drafts lists them")
    state = DraftState.EXPIRED if stored.state is DraftState.OPEN and now >= stored.expires_at else stored.state
    if state is not DraftState.OPEN:
        raise Conflict(f"The draft is {state}.", code="draft_closed", hint="if it is still wanted, make it again")
    return stored


def _draft_of(stored: StoredDraft) -> Draft:
    assert stored.document is not None
    return from_json(stored.document)


def _entry(stored: StoredDraft, published: Repository, now: datetime) -> BoardEntry:
    state, requirements = stored.state, tuple[Requirement, ...]()
    if state is DraftState.OPEN and now >= stored.expires_at:
        state = DraftState.EXPIRED
    elif state is DraftState.OPEN:
        try:
            draft = _draft_of(stored)
            requirements = draft.requirements()
            is_stale = bool(outdated_roles(draft, published))
        except SigningError:  # somebody wrote to the database: the others can still be listed, and this one cancelled
            is_stale = True
        state = DraftState.STALE if is_stale else state
    return BoardEntry(
        code=stored.code,
        purpose=stored.purpose,
        state=state,
        roles=stored.roles,
        pushed_by=stored.pushed_by,
        pushed_at=stored.pushed_at,
        expires_at=stored.expires_at,
        requirements=requirements,
        closed_by=stored.closed_by,
        closed_at=stored.closed_at,
        reason=stored.reason,
    )


@contextmanager
def _bad_signatures() -> Iterator[None]:
    try:
        yield
    except SigningError as error:
        raise InvalidRequest(f"{_sentence(error)}.", code="signature_refused", hint="nothing was kept") from error


@contextmanager
def _refused() -> Iterator[None]:
    """What is wrong with a draft, as refusals. The messages name keys by id and hold no secret."""
    try:
        yield
    except ImmutableRelease as error:
        raise Conflict(f"{_sentence(error)}.", code="immutable_release") from error
    except SigningError as error:
        raise InvalidRequest(f"{_sentence(error)}.", code="invalid_draft") from error


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class OwnBoard:
    """The board of this installation for one person at its terminal, who may cancel any draft."""

    board: DraftBoard
    who: str

    def entries(self) -> tuple[BoardEntry, ...]:
        return self.board.entries()

    def fetch(self, code: str) -> Draft:
        return self.board.fetch(code)

    def push(self, draft: Draft) -> BoardEntry:
        return self.board.push(draft, who=self.who)

    def sign(self, code: str, signatures: Iterable[RoleSignature]) -> BoardEntry:
        return self.board.sign(code, signatures, who=self.who)

    def submit(self, code: str) -> SubmittedOnBoard:
        return self.board.submit(code, who=self.who, is_at_the_server=True)

    def cancel(self, code: str, reason: str) -> BoardEntry:
        return self.board.cancel(code, reason=reason, who=self.who, may_cancel_all=True)

    def key_holders(self) -> Mapping[str, str]:
        return self.board.key_holders()
