"""The addresses of the customer's page. Every one asks the use cases that the API asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tenure_server.domain.licences import Licence
from tenure_server.errors import AuthenticationRequired, DatabaseUnavailable, InvalidRequest, NotFound, TenureError
from tenure_server.http.downloads import redirect_to
from tenure_server.http.languages import wanted_languages
from tenure_server.http.problems import Answerable, incident_of, problem_of
from tenure_server.portal import wording
from tenure_server.portal.forms import read_form, require_own_page
from tenure_server.portal.machine_pages import MachinePages, machine_routes, told
from tenure_server.portal.pages import HEADERS, Pages
from tenure_server.portal.release_view import release_page
from tenure_server.portal.reminder_pages import ReminderPages, reminder_routes
from tenure_server.portal.request_pages import RequestPages, RequestSteps, request_routes
from tenure_server.portal.session import COOKIE, Sessions
from tenure_server.portal.support_view import support_view, timeline_words
from tenure_server.use_cases.download import Download
from tenure_server.use_cases.feed_tokens import FeedTokens
from tenure_server.use_cases.identify_licence import IdentifyLicence
from tenure_server.use_cases.licence_status import ShowLicence
from tenure_server.use_cases.list_releases import ListReleases
from tenure_server.use_cases.ports import Clock, Database
from tenure_server.use_cases.reminder_choice import ReminderChoice
from tenure_server.use_cases.seats import ListSeats, ReleaseSeat
from tenure_server.use_cases.upgrades import UpgradeOffers
from tenure_signing.errors import InvalidName, InvalidVersion
from tenure_signing.languages import Language, parse_language
from tenure_signing.licence_key import normalise_pasted
from tenure_signing.names import parse_file_name, parse_product
from tenure_signing.problem_numbers import ProblemNumber
from tenure_signing.versions import Version, parse_version

HOME = "/portal"

_STATIC = {"X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=86400"}


class NotSignedIn(AuthenticationRequired):
    """The request has no session, or one that is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """``renewal_url`` is where the vendor takes orders; None where customers are to ask the vendor."""

    database: Database
    identify_licence: IdentifyLicence
    show_licence: ShowLicence
    list_releases: ListReleases
    upgrade_offers: UpgradeOffers
    download: Download
    feed_tokens: FeedTokens
    list_seats: ListSeats
    release_seat: ReleaseSeat
    sessions: Sessions
    pages: Pages
    public_url: str
    renewal_url: str | None

    @property
    def machines(self) -> MachinePages:
        policy = self.show_licence.policy
        return MachinePages(
            self.list_seats, self.release_seat, self.pages, self.public_url, policy.day_of, self.licence
        )

    def home(self, request: Request) -> Response:
        """The licence's page; the sign-in page for those who are not signed in."""
        licence = self.licence(request)
        standing = self.show_licence(licence)
        product = self.show_licence.catalogue.current().product(licence.product).product
        today = self.show_licence.policy.day_of(self.show_licence.clock())
        support = support_view(standing, today)
        listed = self.list_releases(licence, languages=_languages(request))
        releases = release_page(
            listed,
            standing,
            product.channels,
            self.pages.vendor,
            upgrades=self.upgrade_offers(licence),
            notes_language=product.notes_language,
            titles_of=self._titles,
        )
        token = self.feed_tokens.token_of(licence.licence_id)
        return self.pages.render(
            "licence.html",
            product=product,
            licence=licence,
            support=support,
            timeline_words=timeline_words(support.timeline, today) if support.timeline else "",
            machines=self.machines.view(licence),
            seat_told=told(request),
            page=releases,
            renewal_url=self.renewal_url,
            velopack_address=f"{self.public_url}/feeds/{token}/velopack/{licence.product}",
        )

    def older(self, request: Request) -> Response:
        """The releases below a version, page by page."""
        licence = self.licence(request)
        before = _version(request.query_params.get("before", ""))
        product = self.show_licence.catalogue.current().product(licence.product).product
        standing = self.show_licence(licence)
        listed = self.list_releases(licence, languages=_languages(request))
        page = release_page(
            listed,
            standing,
            product.channels,
            self.pages.vendor,
            upgrades=self.upgrade_offers(licence),
            before=before,
            notes_language=product.notes_language,
            titles_of=self._titles,
        )
        return self.pages.render(
            "older.html",
            product=product,
            licence=licence,
            page=page,
            before=str(before),
            renewal_url=self.renewal_url,
        )

    def _titles(self, numbers: Collection[ProblemNumber]) -> Mapping[ProblemNumber, str]:
        """What problems are called; nothing while the database is away, and the page shows their numbers."""
        try:
            with self.database.reading() as records:
                return records.problems.titles(numbers)
        except DatabaseUnavailable:
            return {}

    async def sign_in(self, request: Request) -> Response:
        """Nothing of a key that is refused is kept, and none is ever shown again."""
        require_own_page(request, self.public_url)
        form = await read_form(request)
        return await run_in_threadpool(self._signed_in, normalise_pasted(form.get("key", "")))

    def _signed_in(self, key: str) -> Response:
        try:
            if not key:
                raise AuthenticationRequired("A licence key is required.", code="licence_key_missing")
            licence = self.identify_licence.by_key(key)
        except AuthenticationRequired as error:
            return self._sign_in_page(HTTPStatus.UNAUTHORIZED, problem=wording.key_problem(error))
        response = _see_other()
        self.sessions.start(response, licence.licence_id)
        return response

    async def sign_out(self, request: Request) -> Response:
        require_own_page(request, self.public_url)
        response = _see_other()
        self.sessions.end(response)
        return response

    def download_file(self, request: Request) -> Response:
        """302 to the store, for the licence that is signed in."""
        licence = self.licence(request)
        path = request.path_params
        try:
            product, file_name = parse_product(path["product"]), parse_file_name(path["file"])
        except InvalidName as error:
            raise NotFound("There is no such file.", code="unknown_file") from error
        return redirect_to(self.download(licence, product, _version(path["version"]), file_name))

    def stylesheet(self, _: Request) -> Response:
        return Response(self.pages.stylesheet, headers=_STATIC, media_type="text/css; charset=utf-8")

    def icon(self, _: Request) -> Response:
        return Response(self.pages.icon, headers=_STATIC, media_type="image/svg+xml")

    def lost(self, request: Request) -> Response:
        """An address below the page that leads nowhere; those that only take forms lead home."""
        rest = request.path_params["rest"]
        if rest in ("", "session", "session/end") or rest.startswith("machines/"):
            return _see_other()
        raise NotFound("There is no such page. The link may be old or incomplete.", code="not_found")

    def answering(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """The same, with every error as a page for people."""

        async def answer_with_pages(request: Request) -> Response:
            try:
                return await answer(request)
            except NotSignedIn as error:
                return self._not_signed_in(request, error)
            except TenureError as error:
                return self.pages.error(self._for_people(problem_of(error)))
            except HTTPException as error:
                phrase = HTTPStatus(error.status_code).phrase
                return self.pages.error(Answerable(error.status_code, "http_error", f"{phrase}."))
            except Exception as error:
                return self.pages.error(incident_of(error))

        return answer_with_pages

    def licence(self, request: Request) -> Licence:
        """The licence that is signed in, as it is now. Raises ``NotSignedIn``."""
        licence_id = self.sessions.licence_id(request)
        if licence_id is not None:
            with self.database.reading() as records:
                licence = records.licences.get(licence_id)
            if licence is not None:
                return licence
        code = "session_over" if COOKIE in request.cookies else "not_signed_in"
        raise NotSignedIn("Nobody is signed in.", code=code)

    def _not_signed_in(self, request: Request, error: NotSignedIn) -> Response:
        """The sign-in page; it is no error to come here for the first time."""
        notice = None
        if error.code == "session_over":
            notice = "You have been signed out. Paste your licence key to come back."
        elif request.url.path != HOME:
            notice = "Paste your licence key first."
        status = HTTPStatus.OK if request.url.path == HOME else HTTPStatus.UNAUTHORIZED
        response = self._sign_in_page(status, notice=notice)
        if error.code == "session_over":
            self.sessions.end(response)
        return response

    def _sign_in_page(self, status: HTTPStatus, *, notice: str | None = None, problem: str | None = None) -> Response:
        return self.pages.render("sign_in.html", status, notice=notice, problem=problem)

    def _for_people(self, problem: Answerable) -> Answerable:
        """Without a hint that would lead from this page to this page."""
        leads_here = problem.hint is not None and problem.hint.endswith(f"{self.public_url}{HOME}")
        return replace(problem, hint=None) if leads_here else problem


def _in_thread(answer: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
    async def answer_in_thread(request: Request) -> Response:
        return await run_in_threadpool(answer, request)

    return answer_in_thread


def _see_other() -> Response:
    return RedirectResponse(HOME, HTTPStatus.SEE_OTHER, headers=dict(HEADERS))


def _languages(request: Request) -> Sequence[Language]:
    """Of the notes: ``lang`` in the address, else what the browser says."""
    try:
        lang = parse_language(request.query_params["lang"]) if "lang" in request.query_params else None
    except InvalidName:
        lang = None
    return wanted_languages(request, lang)


def _version(text: str) -> Version:
    try:
        return parse_version(text)
    except InvalidVersion as error:
        raise InvalidRequest("The address holds no version.", code="invalid_version") from error


def portal_routes(
    *,
    database: Database,
    identify_licence: IdentifyLicence,
    show_licence: ShowLicence,
    list_releases: ListReleases,
    upgrade_offers: UpgradeOffers,
    download: Download,
    feed_tokens: FeedTokens,
    list_seats: ListSeats,
    release_seat: ReleaseSeat,
    public_url: str,
    vendor_name: str,
    renewal_url: str | None,
    session_secret: bytes,
    session_clock: Clock,
    reminder_choice: ReminderChoice,
    request_steps: RequestSteps,
    zone: tzinfo,
) -> list[Route]:
    """``public_url`` has no slash at its end. ``session_clock`` is the real one. ``session_secret`` is of this use
    alone: replacing it signs everybody out."""
    portal = Portal(
        database=database,
        identify_licence=identify_licence,
        show_licence=show_licence,
        list_releases=list_releases,
        upgrade_offers=upgrade_offers,
        download=download,
        feed_tokens=feed_tokens,
        list_seats=list_seats,
        release_seat=release_seat,
        sessions=Sessions(session_secret, session_clock, is_https=urlsplit(public_url).scheme == "https"),
        pages=Pages(vendor_name),
        public_url=public_url,
        renewal_url=renewal_url,
    )
    answering = portal.answering
    requests = RequestPages(
        licence_of=portal.licence, steps=request_steps, zone=zone, pages=portal.pages, public_url=public_url
    )
    reminders = ReminderPages(reminder_choice, portal.pages)
    return [
        *reminder_routes(reminders, lambda answer: answering(_in_thread(answer))),
        *request_routes(requests, answering, _in_thread),
        *machine_routes(portal.machines, answering),
        Route(HOME, answering(_in_thread(portal.home)), methods=["GET"]),
        Route("/portal/releases", answering(_in_thread(portal.older)), methods=["GET"]),
        Route("/portal/session", answering(portal.sign_in), methods=["POST"]),
        Route("/portal/session/end", answering(portal.sign_out), methods=["POST"]),
        Route(
            "/portal/downloads/{product}/{version}/{file}", answering(_in_thread(portal.download_file)), methods=["GET"]
        ),
        Route("/portal/portal.css", answering(_in_thread(portal.stylesheet)), methods=["GET"]),
        Route("/portal/icon.svg", answering(_in_thread(portal.icon)), methods=["GET"]),
        Route("/portal/{rest:path}", answering(_in_thread(portal.lost)), methods=["GET"]),
    ]
