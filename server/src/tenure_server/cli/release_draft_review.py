"""A release draft for people and for programs. Texts of others are shown without what could steer a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from tenure_server.cli.trust_review import review_json, review_lines, shown
from tenure_server.domain.release_drafts import DraftAction, DraftStanding
from tenure_server.domain.rollouts import show_share
from tenure_server.use_cases.release_drafts_remotely import ReviewedDraft


def draft_lines(standing: DraftStanding) -> Iterator[tuple[str, str]]:
    """What is known of a draft, name by name."""
    draft = standing.draft
    if draft.channel is not None:
        yield "channel", draft.channel
    if standing.released_on is not None:
        yield "release day", str(standing.released_on)
    if draft.publish_at is not None:
        yield "not before", _minute(draft.publish_at)
    if draft.share_basis_points is not None:
        yield "rollout", show_share(draft.share_basis_points)
    if draft.lower_to is not None:
        yield "approvals", f"{draft.lower_to} from then on"
    yield "made by", f"{', '.join(draft.makers)}, {_minute(draft.made_at)}"
    if standing.threshold:
        yield "signed by", ", ".join(standing.signed) or "nobody yet"
    if standing.may_sign and len(standing.signed) < standing.threshold:
        yield "may yet sign", ", ".join(standing.may_sign)
    if standing.approvals_needed or draft.approvals:
        approved = ", ".join(draft.approved_by) or "nobody yet"
        yield "approved by", f"{approved} ({len(draft.approved_by)} of {standing.approvals_needed})"
    if not draft.state.is_over:
        yield "code", draft.code


def reviewed_lines(reviewed: ReviewedDraft) -> Iterator[str]:
    """Everything that whoever signs or approves has to know, one line each."""
    draft = reviewed.draft
    yield f"{draft.action.value.replace('_', ' ')} {shown(draft.subject)}: {shown(reviewed.standing.words)}"
    facts = dict(draft_lines(reviewed.standing))
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        yield f"  {name:<{width}}  {shown(value)}"
    match draft.action:
        case DraftAction.RESUME:
            yield "takes the halted release up again, to everyone whom its rollout reaches; no file changes"
        case DraftAction.LOWER_APPROVALS:
            yield f"from then on drafts of {shown(draft.product)} take {draft.lower_to} approvals"
        case _:
            pass
    if draft.notes is not None:
        yield "notes"
        yield from (f"  {shown(line)}" for line in draft.notes.splitlines())
    for language, text in draft.translations:
        yield f"notes in {shown(language)}"
        yield from (f"  {shown(line)}" for line in text.splitlines())
    if reviewed.review is not None:
        yield ""
        yield "what is signed, measured at the published metadata that was verified on this machine"
        skipped = ("purpose", "code", "made")
        yield from (line for line in review_lines(reviewed.review) if not line.startswith(skipped))


def draft_json(standing: DraftStanding) -> dict[str, Any]:
    """The draft for programs."""
    draft = standing.draft
    return {
        "id": draft.draft_id,
        "action": draft.action.value,
        "product": draft.product,
        "version": str(draft.version) if draft.version is not None else None,
        "channel": draft.channel,
        "state": draft.state.value,
        "standing": standing.words,
        "stale": standing.problem,
        "code": draft.code,
        "made_at": draft.made_at.isoformat(),
        "makers": list(draft.makers),
        "released_on": standing.released_on.isoformat() if standing.released_on is not None else None,
        "publish_at": draft.publish_at.isoformat() if draft.publish_at is not None else None,
        "share_basis_points": draft.share_basis_points,
        "lower_to": draft.lower_to,
        "builds": list(standing.builds),
        "threshold": standing.threshold,
        "signed": list(standing.signed),
        "may_sign": list(standing.may_sign),
        "approvals_needed": standing.approvals_needed,
        "approved_by": list(draft.approved_by),
    }


def review_json_of(reviewed: ReviewedDraft) -> Mapping[str, Any]:
    """The review for programs."""
    return {
        **draft_json(reviewed.standing),
        "notes": reviewed.draft.notes,
        "translations": {str(language): text for language, text in reviewed.draft.translations},
        "changes": review_json(reviewed.review) if reviewed.review is not None else None,
    }


def _minute(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
