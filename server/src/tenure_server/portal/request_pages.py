"""The customer's support requests: what was asked for this licence, asking, answering. Whoever is signed in with a
licence sees the requests of that licence, and of no other."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tenure_server.domain.licences import Licence
from tenure_server.domain.support_messages import MessageKind, SupportMessage
from tenure_server.domain.support_requests import (
    MAX_SUBJECT_CHARACTERS,
    Category,
    Priority,
    RequestChannel,
    RequestContact,
    RequestFilter,
    RequestStatus,
    SupportRequest,
)
from tenure_server.domain.support_terms import TermsBasis
from tenure_server.errors import InvalidRequest, NotFound, UnprocessableRepeat
from tenure_server.portal import wording
from tenure_server.portal.forms import read_form, require_own_page
from tenure_server.portal.pages import HEADERS, Pages
from tenure_server.use_cases.once import Once
from tenure_server.use_cases.support_queue import ListRequests, ShownRequest, ShowRequest
from tenure_server.use_cases.support_requests import ChangeRequest, NewRequest, OpenRequest, RequestChanges
from tenure_server.use_cases.support_threads import HearCustomer

HOME = "/portal/requests"
MAX_TEXT_CHARACTERS = 20_000
LISTED = 200
"""Of a licence, the newest; nobody scrolls further."""

CUSTOMER = "customer"
"""Who holds the licence key, in the audit trail."""

_CATEGORIES: Mapping[Category, str] = {
    Category.INSTALLATION_HELP: "Help with the installation",
    Category.REGISTRATION: "Registration",
    Category.LICENSING: "Licences and users",
    Category.KEY_CODE: "The licence key",
    Category.BUG_REPORT: "Something does not work",
    Category.FEATURE_REQUEST: "An idea or a wish",
    Category.CONSULTING: "Consulting (our sales team answers)",
}
_PRIORITIES: Mapping[Priority, str] = {
    Priority.NORMAL: "Normal",
    Priority.LOW: "Not urgent",
    Priority.HIGH: "Urgent: work is held up",
    Priority.URGENT: "Very urgent: work stands still",
}
_STATUSES: Mapping[RequestStatus, tuple[str, str]] = {
    RequestStatus.NEW: ("Received", ""),
    RequestStatus.OPEN: ("In work", ""),
    RequestStatus.WAITING_FOR_CUSTOMER: ("Your answer is needed", "paused"),
    RequestStatus.REFERRED_TO_SALES: ("With our sales team", ""),
    RequestStatus.RESOLVED: ("Solved", "included"),
    RequestStatus.CLOSED: ("Closed", "included"),
}
_FIELDS = ("category", "priority", "subject", "text", "version", "name", "email")


@dataclass(frozen=True, slots=True)
class SaidMessage:
    who: str
    is_ours: bool
    at: str
    body: str


@dataclass(frozen=True, slots=True)
class RequestView:
    number: str
    subject: str
    category: str
    status: str
    tone: str
    opened_on: date
    is_over: bool
    terms: str = ""
    messages: tuple[SaidMessage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSteps:
    """What customers do themselves."""

    list_requests: ListRequests
    show_request: ShowRequest
    open_request: OpenRequest
    change_request: ChangeRequest
    hear_customer: HearCustomer


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPages:
    """``licence_of`` is who is signed in; it raises what the pages answer where nobody is. ``zone`` is the vendor's."""

    licence_of: Callable[[Request], Licence]
    steps: RequestSteps
    zone: tzinfo
    pages: Pages
    public_url: str

    def listed(self, request: Request) -> Response:
        licence = self.licence_of(request)
        wanted = RequestFilter(licence_id=licence.licence_id)
        found = sorted(
            self.steps.list_requests.requests(wanted, limit=LISTED),
            key=lambda one: (one.opened_at, one.number),
            reverse=True,
        )
        return self.pages.render(
            "requests.html", licence=licence, terms=self._terms(licence), requests=[self._view(one) for one in found]
        )

    def new(self, request: Request) -> Response:
        return self._form(self.licence_of(request), dict.fromkeys(_FIELDS, ""))

    async def open(self, request: Request) -> Response:
        """Ask: once for each form, however often its button is pressed."""
        require_own_page(request, self.public_url)
        form = await read_form(request)
        return await run_in_threadpool(self._opened, request, form)

    def _opened(self, request: Request, form: Mapping[str, str]) -> Response:
        licence = self.licence_of(request)
        given = {name: form.get(name, "").strip() for name in _FIELDS}
        try:
            new = _new_request(licence, given)
            opened = self.steps.open_request(new, who=CUSTOMER, once=_once(licence, "open", form, given))
        except (InvalidRequest, UnprocessableRepeat) as error:
            return self._form(licence, given, problem=f"{error}", once=_kept_once(error, form))
        return _see_other(f"{HOME}/{opened.number}")

    def show(self, request: Request) -> Response:
        licence = self.licence_of(request)
        return self._thread(licence, self._own(licence, request))

    async def answer(self, request: Request) -> Response:
        """Write again, or say that it is solved."""
        require_own_page(request, self.public_url)
        form = await read_form(request)
        return await run_in_threadpool(self._answered, request, form)

    def _answered(self, request: Request, form: Mapping[str, str]) -> Response:
        licence = self.licence_of(request)
        shown = self._own(licence, request)
        text, number = form.get("text", "").strip(), shown.request.number
        try:
            if text or "solved" not in form:
                body = _text(text)
                once = _once(licence, f"answer {number}", form, {"text": text})
                self.steps.hear_customer(number, body, who=CUSTOMER, once=once)
            if "solved" in form and not shown.request.is_over:
                self.steps.change_request(number, RequestChanges(status=RequestStatus.RESOLVED), who=CUSTOMER)
        except (InvalidRequest, UnprocessableRepeat) as error:
            return self._thread(licence, shown, given=text, problem=f"{error}")
        return _see_other(f"{HOME}/{number}")

    def _own(self, licence: Licence, request: Request) -> ShownRequest:
        """Raises ``NotFound`` for what is not of this licence, as for what is not there."""
        shown = self.steps.show_request(request.path_params["number"])
        if shown.request.licence_id != licence.licence_id:
            raise NotFound("There is no such request for this licence.", code="unknown_request")
        return shown

    def _thread(
        self, licence: Licence, shown: ShownRequest, *, given: str = "", problem: str | None = None
    ) -> Response:
        return self.pages.render(
            "request.html",
            HTTPStatus.OK if problem is None else HTTPStatus.BAD_REQUEST,
            licence=licence,
            request=self._view(shown.request, tuple(self._said(one) for one in shown.thread if one.kind in _SHOWN)),
            once=secrets.token_urlsafe(16),
            given_text=given,
            problem=problem,
            most_text=MAX_TEXT_CHARACTERS,
        )

    def _said(self, message: SupportMessage) -> SaidMessage:
        is_ours = message.kind is MessageKind.REPLY
        who = self.pages.vendor if is_ours else message.who
        return SaidMessage(who, is_ours, self._instant(message.at), message.body)

    def _form(
        self, licence: Licence, given: Mapping[str, str], *, problem: str | None = None, once: str | None = None
    ) -> Response:
        return self.pages.render(
            "request_new.html",
            HTTPStatus.OK if problem is None else HTTPStatus.BAD_REQUEST,
            licence=licence,
            terms=self._terms(licence),
            categories=tuple(_CATEGORIES.items()),
            priorities=tuple(_PRIORITIES.items()),
            most_subject=MAX_SUBJECT_CHARACTERS,
            most_text=MAX_TEXT_CHARACTERS,
            given=given,
            problem=problem,
            once=once or secrets.token_urlsafe(16),
        )

    def _view(self, request: SupportRequest, messages: tuple[SaidMessage, ...] = ()) -> RequestView:
        status, tone = _STATUSES[request.status]
        return RequestView(
            number=request.number,
            subject=request.subject,
            category=_CATEGORIES[request.category],
            status=status,
            tone=tone,
            opened_on=request.opened_on,
            is_over=request.is_over,
            terms=f"You have an answer by {self._instant(request.due_at)}." if request.due_at is not None else "",
            messages=messages,
        )

    def _instant(self, at: datetime) -> str:
        local = at.astimezone(self.zone)
        return f"{wording.day(local.date())}, {local:%H:%M}"

    def _terms(self, licence: Licence) -> str:
        """What the licence's owner may expect of a request made today."""
        terms = self.steps.open_request.terms_today(licence)
        match terms.basis:
            case TermsBasis.SUPPORT_PERIOD | TermsBasis.QUOTATION if terms.response_hours is not None:
                urgent = f", within {terms.priority_hours} if it is urgent" if terms.priority_hours is not None else ""
                return f"You have an answer within {terms.response_hours} working hours{urgent}."
            case TermsBasis.LICENCE_SUSPENDED | TermsBasis.LICENCE_REVOKED:
                return "This licence is not in force, so no answer is promised."
        return "No support period covers today, so no answer is promised by a certain time."


_SHOWN = frozenset({MessageKind.CUSTOMER, MessageKind.REPLY})
"""Notes are for operators."""


def _new_request(licence: Licence, given: Mapping[str, str]) -> NewRequest:
    """Raises ``InvalidRequest``."""
    try:
        category = Category(given["category"])
    except ValueError as error:
        raise InvalidRequest("Choose what it is about.", code="invalid_category") from error
    try:
        priority = Priority(given["priority"] or Priority.NORMAL)
    except ValueError as error:
        raise InvalidRequest("Choose how urgent it is.", code="invalid_priority") from error
    if not given["email"]:
        raise InvalidRequest("Your e-mail address is needed for the answer.", code="invalid_email")
    return NewRequest(
        category=category,
        priority=priority,
        subject=given["subject"],
        body=_text(given["text"]),
        channel=RequestChannel.PORTAL,
        licence_id=licence.licence_id,
        contact=RequestContact(given["name"], given["email"]),
        installed_version=given["version"] or None,
    )


def _text(text: str) -> str:
    if not text:
        raise InvalidRequest("There is nothing in the message yet.", code="message_missing")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise InvalidRequest(f"A message has at most {MAX_TEXT_CHARACTERS:,} characters.", code="message_too_long")
    return text


def _once(licence: Licence, what: str, form: Mapping[str, str], given: Mapping[str, str]) -> Once | None:
    key = form.get("once", "")
    return Once.of(f"portal {licence.licence_id}", key, {"operation": what, **given}) if key else None


def _kept_once(error: Exception, form: Mapping[str, str]) -> str | None:
    """A form that was refused may be sent again as itself; one that was sent as another needs a new name."""
    return None if isinstance(error, UnprocessableRepeat) else form.get("once") or None


def _see_other(path: str) -> Response:
    return RedirectResponse(path, HTTPStatus.SEE_OTHER, headers=dict(HEADERS))


Answering = Callable[[Callable[[Request], Awaitable[Response]]], Callable[[Request], Awaitable[Response]]]
InThread = Callable[[Callable[[Request], Response]], Callable[[Request], Awaitable[Response]]]


def request_routes(pages: RequestPages, answering: Answering, in_thread: InThread) -> list[Route]:
    """``answering`` puts errors on pages."""
    return [
        Route(HOME, answering(in_thread(pages.listed)), methods=["GET"]),
        Route(HOME, answering(pages.open), methods=["POST"]),
        Route(f"{HOME}/new", answering(in_thread(pages.new)), methods=["GET"]),
        Route(HOME + "/{number}", answering(in_thread(pages.show)), methods=["GET"]),
        Route(HOME + "/{number}", answering(pages.answer), methods=["POST"]),
    ]
