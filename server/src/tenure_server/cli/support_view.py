"""How support requests look at a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, tzinfo

from tenure_server.cli.output import plural, print_facts, print_line, print_table
from tenure_server.domain.outgoing_mail import MailState, OutgoingMail
from tenure_server.domain.support_messages import MessageKind, SupportMessage
from tenure_server.domain.support_requests import RequestContact, SupportRequest
from tenure_server.domain.support_terms import SupportTerms, TermsBasis
from tenure_server.use_cases.support_glance import Caller, LicenceGlance, SmpStanding, SmpState
from tenure_server.use_cases.support_queue import QueueLine, ShownRequest
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.versions import Version

_KINDS = {MessageKind.CUSTOMER: "customer", MessageKind.REPLY: "reply", MessageKind.NOTE: "NOTE, internal"}


def print_queue(lines: Sequence[QueueLine], zone: tzinfo) -> None:
    """Short words, so that a line fits a terminal."""
    rows = [
        (
            line.request.number,
            due_text(line.request, line.is_overdue, zone),
            priority_text(line.request),
            line.customer.name,
            _short_smp(line.glance.smp) if line.glance is not None else "no licence",
            line.request.installed_version or "?",
            _short_newest(line.glance) if line.glance is not None else "",
            _status_text(line.request),
            f"{_spaced(line.request.category)}: {line.request.subject}",
        )
        for line in lines
    ]
    columns = (
        "REQUEST", "DUE", "PRIORITY", "CUSTOMER", "SMP", "HAS", "COVERED (NEWEST)", "STATUS", "ABOUT",
    )  # fmt: skip
    print_table(columns, rows, nothing="No request waits: the queue is empty.")


def _short_smp(smp: SmpStanding) -> str:
    match smp.state:
        case SmpState.IN_SMP:
            return f"{smp.plan_years}y until {smp.day}"
        case SmpState.LAPSED:
            return f"LAPSED {smp.day}"
        case SmpState.BEGINS_LATER:
            return f"{smp.plan_years}y from {smp.day}"
        case SmpState.NEVER:
            return "never"


def _short_newest(glance: LicenceGlance) -> str:
    if glance.newest is None:
        return "-"
    covered = str(glance.newest_covered or "none")
    return covered if glance.newest_covered == glance.newest else f"{covered} ({glance.newest})"


def _status_text(request: SupportRequest) -> str:
    return _spaced(request.status) + (f", {request.assignee}" if request.assignee is not None else "")


def _spaced(word: str) -> str:
    return word.replace("_", " ")


def print_request(shown: ShownRequest, zone: tzinfo) -> None:
    request, line = shown.request, shown.line
    facts: dict[str, object | None] = {
        "request": request.number,
        "subject": request.subject,
        "status": f"{_spaced(request.status)}, revision {request.revision}",
        "due": due_text(request, line.is_overdue, zone),
        "priority": priority_text(request),
        "category": _spaced(request.category),
        "customer": f"{line.customer.name} ({request.customer_id})",
        "contact": contact_text(request.contact),
        "terms": terms_text(request.terms) + f"; taken on {request.opened_on}",
        **(_glance_facts(request.installed_version, line.glance) if line.glance is not None else {}),
        "assignee": request.assignee,
        "opened": f"{moment(request.opened_at, zone)} by {request.channel}",
        "answered": moment(request.answered_at, zone) if request.answered_at is not None else None,
        "id": request.request_id,
    }
    if line.glance is None:
        facts["installed"] = request.installed_version
    print_facts({name: fact for name, fact in facts.items() if fact is not None})
    for message in shown.thread:
        print_line()
        mail = shown.mails.get(message.message_id)
        head = f"{_KINDS[message.kind]}  {moment(message.at, zone)}  {message.who}{mail_text(message, mail)}"
        print_facts({"--": head})
        print_facts({"  ": message.body})


def print_callers(callers: Sequence[Caller], zone: tzinfo) -> None:
    if not callers:
        print_line("Nobody is found by these words.")
    for number, caller in enumerate(callers):
        if number:
            print_line()
        facts: dict[str, object | None] = {
            "customer": f"{caller.customer.name} ({caller.customer.customer_id})",
            "e-mail": caller.customer.email,
        }
        if caller.glance is not None:
            facts |= _glance_facts(caller.glance.seen_version, caller.glance)
        else:
            facts["licence"] = "none"
        facts["requests"] = "\n".join(_request_text(one, zone) for one in caller.requests) or "none open"
        print_facts({name: fact for name, fact in facts.items() if fact is not None})


def _request_text(request: SupportRequest, zone: tzinfo) -> str:
    due = f", due {moment(request.due_at, zone)}" if request.due_at is not None else ""
    return f"{request.number}  {_spaced(request.status)}, {priority_text(request)}{due}: {request.subject}"


def _glance_facts(installed: str | None, glance: LicenceGlance) -> dict[str, object | None]:
    licence = glance.licence
    seats = plural(licence.seats, "seat")
    status = "" if licence.status is LicenceStatus.ACTIVE else f", {licence.status.upper()}"
    free = glance.free_support_until
    return {
        "licence": f"{licence.licence_id}  {licence.product} {licence.edition}, {seats}{status}",
        "SMP today": smp_text(glance.smp),
        "free support": f"until {free}, inclusive" if free is not None else None,
        "installed": versions_text(installed, glance),
    }


def smp_text(smp: SmpStanding) -> str:
    match smp.state:
        case SmpState.IN_SMP:
            renewed = f", renewed until {smp.last_paid_day}" if smp.last_paid_day != smp.day else ""
            return f"in SMP until {smp.day}, {plan_text(smp.plan_years)}{renewed}"
        case SmpState.LAPSED:
            return f"LAPSED {smp.day}"
        case SmpState.BEGINS_LATER:
            return f"not yet, from {smp.day}, {plan_text(smp.plan_years)}"
        case SmpState.NEVER:
            return "never had SMP"


def plan_text(years: int | None) -> str:
    return {1: "one-year plan", 2: "two-year plan"}.get(years or 0, "")


def versions_text(installed: str | None, glance: LicenceGlance | None) -> str:
    """``4.1, covered 4.2, newest 5.0``."""
    told = [installed or "unknown"]
    if glance is not None and glance.newest is not None:
        if glance.newest_covered == glance.newest:
            told.append(f"newest {glance.newest}, covered")
        else:
            told.append(f"covered {glance.newest_covered or 'none'}, newest {glance.newest}")
    return ", ".join(told)


def due_text(request: SupportRequest, is_overdue: bool, zone: tzinfo) -> str:
    if request.due_at is None:
        return "-"
    return ("OVERDUE " if is_overdue else "") + moment(request.due_at, zone)


def priority_text(request: SupportRequest) -> str:
    return f"{request.priority}{' incident' if request.is_priority_incident else ''}"


def terms_text(terms: SupportTerms) -> str:
    hours = f"answered within {plural(terms.response_hours or 0, 'working hour')}"
    match terms.basis:
        case TermsBasis.SUPPORT_PERIOD:
            plan = f"SMP, {plan_text(terms.plan_years)} until {terms.until}"
            return f"{plan}: {hours}, incidents within {terms.priority_hours}"
        case TermsBasis.QUOTATION:
            return f"free support as quoted until {terms.until}: {hours}"
        case TermsBasis.NONE:
            return "none: no SMP and no free support on that day"
        case TermsBasis.LICENCE_SUSPENDED:
            return "none: the licence was suspended"
        case TermsBasis.LICENCE_REVOKED:
            return "none: the licence was revoked"


def contact_text(contact: RequestContact) -> str:
    return ", ".join(text for text in (contact.name, contact.email, contact.phone) if text)


def mail_text(message: SupportMessage, mail: OutgoingMail | None) -> str:
    if message.kind is not MessageKind.REPLY:
        return ""
    if message.mailed_to is None:
        return ", not by mail"
    match mail.state if mail is not None else None:
        case MailState.QUEUED:
            return f", mail to {message.mailed_to} NOT SENT YET"
        case MailState.REFUSED:
            return f", mail to {message.mailed_to} REFUSED: {mail.problem if mail is not None else ''}"
        case _:
            return f", mailed to {message.mailed_to}"


def moment(at: datetime, zone: tzinfo) -> str:
    """In the vendor's time zone, to the minute."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def request_json(request: SupportRequest) -> dict[str, object]:
    terms, contact = request.terms, request.contact
    return {
        "request_id": request.request_id,
        "number": request.number,
        "customer_id": request.customer_id,
        "licence_id": request.licence_id,
        "product": request.product,
        "contact": {"name": contact.name, "email": contact.email, "phone": contact.phone},
        "channel": request.channel.value,
        "category": request.category.value,
        "priority": request.priority.value,
        "is_priority_incident": request.is_priority_incident,
        "subject": request.subject,
        "status": request.status.value,
        "assignee": request.assignee,
        "installed_version": request.installed_version,
        "opened_at": _instant(request.opened_at),
        "opened_on": request.opened_on.isoformat(),
        "terms": {
            "basis": terms.basis.value,
            "plan_years": terms.plan_years,
            "until": _day(terms.until),
            "response_hours": terms.response_hours,
            "priority_hours": terms.priority_hours,
        },
        "due_at": _instant(request.due_at),
        "first_due_at": _instant(request.first_due_at),
        "answered_at": _instant(request.answered_at),
        "ended_at": _instant(request.ended_at),
        "revision": request.revision,
    }


def line_json(line: QueueLine) -> dict[str, object]:
    glance = glance_json(line.glance) if line.glance is not None else None
    return request_json(line.request) | {
        "customer": line.customer.name, "is_overdue": line.is_overdue, "licence": glance,
    }  # fmt: skip


def shown_json(shown: ShownRequest) -> dict[str, object]:
    thread = [_message_json(message, shown.mails.get(message.message_id)) for message in shown.thread]
    return line_json(shown.line) | {"thread": thread}


def caller_json(caller: Caller) -> dict[str, object]:
    return {
        "customer_id": caller.customer.customer_id,
        "customer": caller.customer.name,
        "email": caller.customer.email,
        "licence": glance_json(caller.glance) if caller.glance is not None else None,
        "requests": [request_json(request) for request in caller.requests],
    }


def glance_json(glance: LicenceGlance) -> dict[str, object]:
    licence, smp = glance.licence, glance.smp
    return {
        "licence_id": licence.licence_id,
        "product": licence.product,
        "edition": licence.edition,
        "seats": licence.seats,
        "status": licence.status.value,
        "smp": smp.state.value,
        "smp_day": _day(smp.day),
        "plan_years": smp.plan_years,
        "last_paid_day": _day(smp.last_paid_day),
        "free_support_until": _day(glance.free_support_until),
        "seen_version": glance.seen_version,
        "newest_covered": _version(glance.newest_covered),
        "newest": _version(glance.newest),
    }


def _message_json(message: SupportMessage, mail: OutgoingMail | None) -> dict[str, object]:
    return {
        "message_id": message.message_id,
        "kind": message.kind.value,
        "at": _instant(message.at),
        "who": message.who,
        "body": message.body,
        "mailed_to": message.mailed_to,
        "mail": mail.state.value if mail is not None else None,
        "mail_problem": mail.problem if mail is not None else None,
    }


def _instant(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at is not None else None


def _day(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None


def _version(version: Version | None) -> str | None:
    return str(version) if version is not None else None
