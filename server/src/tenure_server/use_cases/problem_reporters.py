"""Who reported a problem, and by what right. RULES.md: a bug report opened in a support period can become a problem
record; any other one only by an operator's word, which the audit trail keeps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from tenure_server.domain.events import EventType
from tenure_server.domain.licences import Licence
from tenure_server.domain.problems import Problem, Reporter
from tenure_server.domain.support_requests import Category
from tenure_server.domain.support_terms import TermsBasis
from tenure_server.errors import Conflict, InvalidRequest, NotFound
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.change_licence import licence_of, required_reason
from tenure_server.use_cases.identifiers import new_reporter_id
from tenure_server.use_cases.ports import Records
from tenure_server.use_cases.released_problems import announce_problem, leave_notice
from tenure_server.use_cases.support_requests import request_of, terms_of
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.names import ProductName


@dataclass(frozen=True, slots=True)
class Report:
    """A report by a support request, or of a licence without one. ``contact_id``: who is told, of the customer's
    contacts. ``exception``: why it is taken although it was not opened in a support period."""

    request: str | None = None  # its number or id
    licence_id: str | None = None
    contact_id: str | None = None
    exception: str | None = None


def reporter_of(
    records: Records, problem_id: str, report: Report, now: datetime, policy: VendorPolicy
) -> tuple[Reporter, ProductName | None]:
    """The reporter, and the product that the report is about.

    Raises ``InvalidRequest`` (``report_unclear``, ``not_a_bug_report``, ``reason_missing``), ``NotFound``
    (``unknown_request``, ``unknown_licence``, ``unknown_contact``) and ``Conflict`` (``not_in_support``).
    """
    if (report.request is None) == (report.licence_id is None):
        raise InvalidRequest("A report is a support request's or a licence's.", code="report_unclear")
    exception = required_reason(report.exception) if report.exception is not None else None
    if report.request is not None:
        if report.contact_id is not None:
            raise InvalidRequest("A request's own contact is told.", code="report_unclear")
        return _by_request(records, problem_id, report.request, exception, now)
    assert report.licence_id is not None
    licence, today = licence_of(records, report.licence_id), policy.day_of(now)
    basis = terms_of(records, licence, today, policy.response_rules).basis
    if basis is not TermsBasis.SUPPORT_PERIOD and exception is None:
        raise _not_in_support("This licence", basis, licence, today)
    if report.contact_id is not None:
        customer = records.customers.get(licence.customer_id)
        known = {contact.contact_id for contact in customer.contacts} if customer is not None else set()
        if report.contact_id not in known:
            raise NotFound("The customer has no such contact.", code="unknown_contact")
    reporter = Reporter(
        new_reporter_id(), problem_id, licence.customer_id, licence.licence_id, None, report.contact_id, today, now,
        None if basis is TermsBasis.SUPPORT_PERIOD else exception,
    )  # fmt: skip
    return reporter, licence.product


def add_reporter(
    records: Records, problem: Problem, reporter: Reporter, at: datetime, who: str, *, is_copy: bool = False
) -> None:
    """Nothing happens if the same one is known. Whoever comes when it is fixed already is to be told as well.

    ``is_copy``: of a duplicate's reporter, with an id of its own here. The problem is locked.
    """
    if is_copy:
        reporter = replace(reporter, reporter_id=new_reporter_id(), problem_id=problem.problem_id)
    if any(reporter.is_same_as(known) for known in records.problems.reporters(problem.problem_id)):
        return
    records.problems.add_reporter(reporter)
    facts = {"reporter": reporter.reporter_id, "licence": reporter.licence_id, "request": reporter.request_id}
    exception = {"exception": reporter.exception} if reporter.exception is not None else {}
    audited(records, at, who, "problem.add_reporter", problem.number, **facts, **exception)
    announce_problem(
        records, at, EventType.PROBLEM_REPORTER_ADDED, problem,
        by_right=reporter.exception is None, customer=reporter.customer_id, **facts,
    )  # fmt: skip
    if problem.fix is not None:
        leave_notice(records, problem, reporter, at)


def _by_request(
    records: Records, problem_id: str, said: str, exception: str | None, now: datetime
) -> tuple[Reporter, ProductName | None]:
    request = request_of(records, said)
    if request.category is not Category.BUG_REPORT:
        raise InvalidRequest(
            f"{request.number} is no bug report: it is filed under {request.category.replace('_', ' ')}.",
            code="not_a_bug_report",
            hint=f"tenure support change {request.number} --category bug_report files it as one",
        )
    basis = request.terms.basis
    if basis is not TermsBasis.SUPPORT_PERIOD and exception is None:
        licence = records.licences.get(request.licence_id) if request.licence_id is not None else None
        raise _not_in_support(request.number, basis, licence, request.opened_on)
    reporter = Reporter(
        new_reporter_id(), problem_id, request.customer_id, request.licence_id, request.request_id, None,
        request.opened_on, now, None if basis is TermsBasis.SUPPORT_PERIOD else exception,
    )  # fmt: skip
    return reporter, request.product


def _not_in_support(what: str, basis: TermsBasis, licence: Licence | None, day: date) -> Conflict:
    return Conflict(
        f"{what} cannot become a problem record by right of SMP: {_why(basis, licence, day)}.",
        code="not_in_support",
        hint="--exception REASON takes it all the same, and the audit trail keeps who said so and why",
    )


def _why(basis: TermsBasis, licence: Licence | None, day: date) -> str:
    match basis:
        case TermsBasis.LICENCE_SUSPENDED:
            return "the licence is suspended"
        case TermsBasis.LICENCE_REVOKED:
            return "the licence is revoked"
        case TermsBasis.QUOTATION:
            return f"on {day} there was only the free support of the quotation, which is no support period"
        case _:
            pass
    if licence is None:
        return "it names no licence"
    if licence.last_paid_day is None:
        return "no support was ever bought"
    if day > licence.last_paid_day:
        return f"on {day} support was over, since {licence.last_paid_day}"
    return f"{day} lies in no support period"
