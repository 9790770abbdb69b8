"""A review for people and for programs. Texts from a draft are shown without what could steer a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tenure_server.cli.output import print_line
from tenure_signing.draft_files import Draft, Requirement
from tenure_signing.public_keys import shown_key
from tenure_signing.tuf_differences import Change, ChangeKind
from tenure_signing.tuf_review import Review, RoleReview


def print_review(review: Review) -> None:
    """Everything the draft changes, and whose signatures it has."""
    for line in review_lines(review):
        print_line(line)


def review_lines(review: Review) -> Iterable[str]:
    """The review for people, one line each."""
    yield f"purpose     {shown(review.purpose)}"
    yield f"code        {review.code}"
    yield f"made        {review.made_at:%Y-%m-%d %H:%M} UTC"
    yield f"first root  sha256 {review.first_root_sha256}"
    for role in review.roles:
        yield ""
        yield from _role_lines(role, review.names)
    if review.product_settings is not None:
        yield ""
        yield "settings of the new product (kept by the server, not signed)"
        yield from (f"  {shown(name)}: {shown(value)}" for name, value in review.product_settings.items())
    if review.names:
        yield ""
        yield "names are the word of whoever made the draft, or of the server; the key ids are what is signed"
    yield ""
    for requirement in review.requirements:
        yield from requirement_lines(requirement, review.names)
    for warning in review.warnings:
        yield f"WARNING  {shown(warning)}"


def requirement_lines(requirement: Requirement, names: Mapping[str, str]) -> Iterable[str]:
    """How many signatures a role has, and whose are missing."""
    state = "complete" if requirement.is_met else "INCOMPLETE"
    count = f"{len(requirement.signed)} of {requirement.threshold}"
    yield f"signatures  {requirement.role}: {count} as {requirement.asked_by} asks, {state}"
    if requirement.signed:
        yield f"  signed by     {_people(requirement.signed, names)}"
    if requirement.unsigned and not requirement.is_met:
        yield f"  may yet sign  {_people(requirement.unsigned, names)}"


def print_signatures(draft: Draft, names: Mapping[str, str]) -> None:
    """The draft's code, and whose signatures it has."""
    print_line(f"code        {draft.code}")
    for requirement in draft.requirements():
        for line in requirement_lines(requirement, names):
            print_line(line)


def review_json(review: Review) -> dict[str, Any]:
    """The review for programs."""
    return {
        "purpose": review.purpose,
        "code": review.code,
        "made_at": review.made_at.isoformat(),
        "first_root_sha256": review.first_root_sha256,
        "complete": review.is_complete,
        "roles": [
            {
                "role": role.role,
                "version_before": role.version_before,
                "version": role.version,
                "expires_before": _instant(role.expires_before),
                "expires": _instant(role.expires),
                "unchanged": list(role.unchanged),
                "changes": [_change_json(change) for change in role.changes],
            }
            for role in review.roles
        ],
        "signatures": requirements_json(review.requirements),
        "warnings": list(review.warnings),
        "product_settings": dict(review.product_settings) if review.product_settings is not None else None,
        "names": dict(review.names),
    }


def requirements_json(requirements: Iterable[Requirement]) -> list[dict[str, object]]:
    return [
        {
            "role": each.role,
            "asked_by": each.asked_by,
            "threshold": each.threshold,
            "signed": list(each.signed),
            "unsigned": list(each.unsigned),
            "met": each.is_met,
        }
        for each in requirements
    ]


def shown(value: object) -> str:
    """A value on one line: texts as they are but for what cannot be printed, anything else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text)


def _role_lines(role: RoleReview, names: Mapping[str, str]) -> Iterable[str]:
    if role.version_before is None:
        yield f"{shown(role.role)}  new, version {role.version}, expires {role.expires:%Y-%m-%d}"
    else:
        was = f" (was {role.expires_before:%Y-%m-%d})" if role.expires_before is not None else ""
        yield (
            f"{shown(role.role)}  version {role.version_before} to {role.version}, expires {role.expires:%Y-%m-%d}{was}"
        )
    for change in role.changes:
        yield from _change_lines(change, names)
    if not role.changes:
        yield "  nothing else changes"
    if role.unchanged:
        yield f"  signs anew, as they were, {len(role.unchanged)} published files:"
        yield from (f"      {shown(path)}" for path in role.unchanged)


def _change_lines(change: Change, names: Mapping[str, str]) -> Iterable[str]:
    subject, before, after = shown(change.subject), change.before, change.after
    match change.kind:
        case ChangeKind.KEY_ADDED:
            yield f"  + key of {subject}: {_person_in_full(after, names)}"
        case ChangeKind.KEY_REMOVED:
            yield f"  - key of {subject}: {_person_in_full(before, names)}"
        case ChangeKind.THRESHOLD:
            yield f"  ! {subject} is signed by {shown(after)}" + (f", was {shown(before)}" if before else "")
        case ChangeKind.PRODUCT_ADDED:
            yield f"  + product {subject}"
        case ChangeKind.PRODUCT_RETIRED:
            yield f"  - product {subject}: nobody is trusted with it any more"
        case ChangeKind.BUILD_ADDED:
            yield f"  + file {subject}"
            yield from _fact_lines(after)
        case ChangeKind.BUILD_REMOVED:
            yield f"  - file {subject}"
            yield from _fact_lines(before)
        case ChangeKind.BUILD_MOVED:
            yield f"  ! file {shown(before['path'])} moves to {subject}"
            yield from _fact_lines(after)
        case ChangeKind.WITHDRAWN:
            yield f"  ! file {subject} is withdrawn: {shown(after['withdrawn'])}"
        case ChangeKind.PROMOTED:
            path = " to ".join(shown(each) for each in (*after["promoted_from"], after["channel"]))
            yield f"  ! file {subject} is promoted: from {path}; nothing else about it changes"
        case ChangeKind.LICENCE_KEY_ADDED:
            yield f"  + licence public key {subject}: {shown(after)}"
        case ChangeKind.LICENCE_KEY_RETIRED:
            yield f"  ! licence public key {subject} is retired: {shown(after)}"
        case ChangeKind.LICENCE_KEY_REMOVED:
            yield f"  - licence public key {subject}: nothing it ever signed is believed"
        case ChangeKind.FILE:
            yield f"  ! file {subject} of the trust folder: {shown(after)}"
        case ChangeKind.BUILD_CHANGED | ChangeKind.OTHER:
            yield f"  ! {subject}"
            yield f"      was      {shown(before)}"
            yield f"      becomes  {shown(after)}"


def _fact_lines(facts: Mapping[str, Any]) -> Iterable[str]:
    yield from (f"      {shown(name)}: {shown(value)}" for name, value in facts.items())


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind.value,
        "role": change.role,
        "subject": change.subject,
        "before": change.before,
        "after": change.after,
    }


def _person(keyid: str, names: Mapping[str, str]) -> str:
    return shown(shown_key(keyid, names))


def _person_in_full(keyid: str, names: Mapping[str, str]) -> str:
    """With the whole key id: a beginning can be imitated, and the name is the drafter's word."""
    return f"{shown(names[keyid])}, key id {shown(keyid)}" if names.get(keyid) else shown(keyid)


def _people(keyids: Iterable[str], names: Mapping[str, str]) -> str:
    return ", ".join(_person(keyid, names) for keyid in keyids)


def _instant(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant is not None else None
