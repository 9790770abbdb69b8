"""``tenure audit``: who did what, when, to which thing."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, time
from enum import StrEnum
from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, CommandContext, context_of, parsed_or_none
from tenure_server.cli.output import print_facts, print_json, print_line, print_table, say
from tenure_server.domain.audit_chain import AuditEvent, AuditHead
from tenure_server.errors import Conflict
from tenure_server.use_cases.verify_audit import VerifyAudit, all_records
from tenure_signing.days import parse_day

_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})", re.ASCII)


class ExportFormat(StrEnum):
    JSONL = "jsonl"


def register(app: typer.Typer) -> None:
    app.command("audit")(audit)


def audit(
    ctx: typer.Context,
    subject: Annotated[str | None, typer.Option("--subject", help="Only of this licence, release, token …")] = None,
    who: Annotated[str | None, typer.Option("--who", help="Only by this person or token.")] = None,
    action: Annotated[str | None, typer.Option("--action", help="Such as licence.revoked, or all of licence.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="YYYY-MM-DD, inclusive.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most so many, the newest.")] = 100,
    export: Annotated[
        ExportFormat | None, typer.Option("--export", help="All of it, oldest first, with the chain's digests.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Check that nothing was removed or changed.")] = False,
    noted: Annotated[
        str | None, typer.Option("--noted", help="NUMBER:DIGEST of an event, as --verify showed it once.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the audit trail, newest first; export it; verify it."""
    context = context_of(ctx)
    has_filter = any(option is not None for option in (subject, who, action, since))
    if verify or noted is not None:
        if has_filter or export is not None:
            raise typer.BadParameter("--verify looks at the whole trail")
        _verify(context, parsed_or_none("--noted", noted, _head), as_json)
    elif export is not None:
        if has_filter:
            raise typer.BadParameter("--export writes the whole trail, so that it can be verified")
        _export(context)
    else:
        day = parsed_or_none("--since", since, parse_day)
        beginning = datetime.combine(day, time(), context.installation.policy.zone) if day is not None else None
        with context.installation.database.reading() as records:
            events = records.audit.newest(subject=subject, who=who, action=action, since=beginning, limit=limit)
        _show(events, as_json)


def _show(events: tuple[AuditEvent, ...], as_json: bool) -> None:
    if as_json:
        print_json([_json(event) for event in events])
        return
    rows = [
        (f"{event.at:%Y-%m-%d %H:%M:%S}", event.who, event.action, event.subject, _details(event)) for event in events
    ]
    print_table(("WHEN (UTC)", "WHO", "WHAT", "TO", "DETAILS"), rows, nothing="There is no such event.")


def _export(context: CommandContext) -> None:
    """One JSON object a line, oldest first. ``domain/audit_chain.py`` says what the digest is over."""
    with context.installation.database.reading() as records:
        for record in all_records(records):
            line = {"number": record.number, **_json(record.event), "digest": record.digest}
            sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")


def _verify(context: CommandContext, noted: AuditHead | None, as_json: bool) -> None:
    finding = VerifyAudit(context.installation.database)(noted=noted)
    if as_json:
        print_json(
            {
                "is_sound": finding.broken is None,
                "events": finding.reached.number,
                "digest": finding.reached.digest,
                "problem": finding.broken.problem if finding.broken is not None else None,
            }
        )
    if finding.broken is not None:
        raise Conflict(
            f"The audit trail is broken: {finding.broken.problem}",
            code="audit_broken",
            hint=f"the events up to {finding.reached.number} are sound; compare with an export or a backup",
        )
    if not as_json:
        print_line("The audit trail is as it was written.")
        print_facts({"events": finding.reached.number, "newest": f"{finding.reached.number}:{finding.reached.digest}"})
        say("Write the newest event down elsewhere: --noted compares with it later.")


def _json(event: AuditEvent) -> dict[str, object]:
    return {
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "who": event.who,
        "action": event.action,
        "subject": event.subject,
        "details": dict(event.details),
    }


def _details(event: AuditEvent) -> str:
    return ", ".join(f"{name}: {_text(value)}" for name, value in event.details.items() if value is not None)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _head(text: str) -> AuditHead:
    parts = _HEAD.fullmatch(text)
    if parts is None:
        raise ValueError("is written NUMBER:DIGEST")
    return AuditHead(int(parts[1]), parts[2])
