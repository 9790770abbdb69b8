"""Reporters are told that their problem is fixed, once, on the release day. Any number of processes may run this at
once.

A notice was left for each reporter by the transaction that published the release. Here it is worded, from what is true
at that moment, and put into the queue of outgoing mail, in one transaction; from there it is sent however long the mail
server is down. What has become untrue meanwhile (withdrawn, opened again, anonymised) is dropped. A reporter with a
support request is answered in its thread.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from tenure_server.domain.customers import Customer
from tenure_server.domain.events import EventType
from tenure_server.domain.licences import Licence
from tenure_server.domain.outgoing_mail import OutgoingMail
from tenure_server.domain.problem_news import LicenceNews, ProblemNews
from tenure_server.domain.problems import Notice, NoticeState, Problem, Reporter
from tenure_server.domain.smp import Ordering
from tenure_server.domain.support_messages import MessageKind, SupportMessage
from tenure_server.domain.support_requests import SupportRequest
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.catalogue import Catalogue, CatalogueSource, PublishedProduct
from tenure_server.use_cases.customers import language_of
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.ports_mail import Mailer
from tenure_server.use_cases.ports_problems import WordNews
from tenure_server.use_cases.released_problems import announce_problem
from tenure_server.use_cases.reminder_facts import priced_term
from tenure_server.use_cases.support_summary import renewal_offer
from tenure_server.use_cases.vendor import VendorPolicy
from tenure_signing.coverage import Covered, NotCovered, RefusalReason
from tenure_signing.releases import Release
from tenure_signing.update_choice import Withheld, download_decision
from tenure_signing.versions import Version

PAGE = 100
_SUPPORT_WOULD_COVER = frozenset(
    {RefusalReason.NEVER_SUPPORTED, RefusalReason.AFTER_SUPPORT, RefusalReason.BETWEEN_PERIODS}
)
TELLING = "releases"
"""Who tells, in the audit trail and in the threads of support requests."""


@dataclass(frozen=True, slots=True)
class NewsOf:
    """What a fix means for a reporter: read from the licence and the catalogue, in no language yet. ``public_url`` has
    no slash at its end."""

    policy: VendorPolicy
    vendor: str
    public_url: str

    def __call__(
        self, name: str, problem: Problem, release: Release, licence: Licence | None, published: PublishedProduct,
        today: date,
    ) -> ProblemNews:  # fmt: skip
        return ProblemNews(
            vendor=self.vendor,
            name=name,
            number=problem.number,
            title=problem.title,
            product=published.product.title,
            version=release.version,
            released_on=release.released_on,
            licence=self._licence(licence, release, published, today) if licence is not None else None,
            renewal_url=self.policy.renewal_url,
            portal_url=f"{self.public_url}/portal",
        )

    def _licence(self, licence: Licence, release: Release, published: PublishedProduct, today: date) -> LicenceNews:
        product = published.product
        decision = download_decision(licence.entitlement(product.service_packs), release, published.on(today))
        standing = decision.reason if isinstance(decision, (Covered, NotCovered)) else decision
        news = LicenceNews(licence.licence_id, licence.edition, licence.seats, standing, licence.last_paid_day)
        if not isinstance(decision, NotCovered):
            return news
        if decision.reason not in _SUPPORT_WOULD_COVER:
            return replace(news, price=decision.price)
        offer = renewal_offer(licence, product, self.policy, today)
        terms = tuple(
            priced_term(option, licence, self.policy)
            for option in offer.options
            if offer.window.can_be_ordered and release.released_on in option.period
        )
        is_fresh = offer.window.ordering in (Ordering.FIRST_TERM, Ordering.LAPSED_GAP)
        return replace(news, terms=terms, only_today=bool(terms) and is_fresh)


@dataclass(frozen=True, slots=True)
class _Addressee:
    name: str
    email: str | None


@dataclass(frozen=True, slots=True)
class TellReporters:
    """``mailer`` is None where no mail server is set: then notices wait. ``language`` is that of customers of whom none
    is known."""

    database: Database
    catalogue: CatalogueSource
    clock: Clock
    policy: VendorPolicy
    news_of: NewsOf
    word: WordNews
    mailer: Mailer | None
    language: str

    def __call__(self) -> int:
        """Queue the mails that are due; how many they were."""
        if self.mailer is None:
            return 0
        today, told = self.policy.day_of(self.clock()), 0
        after: tuple[str, str] | None = None
        while True:
            with self.database.reading() as records:
                page = records.problem_notices.due(today, limit=PAGE, after=after)
            if not page:
                return told
            catalogue = self.catalogue.current()
            for notice, reporter in page:
                told += self._told(notice, reporter, catalogue, today, self.mailer)
                after = (notice.reporter_id, str(notice.version))

    def _told(self, found: Notice, reporter: Reporter, catalogue: Catalogue, today: date, mailer: Mailer) -> bool:
        now = self.clock()
        with self.database.writing() as records:
            notice = records.problem_notices.locked(found.reporter_id, found.version)
            if notice is None or notice.state is not NoticeState.WAITING:
                return False
            problem = records.problems.get(notice.problem_id)
            assert problem is not None
            published = catalogue.products.get(problem.product)
            release = _visible(published, notice.version, today)
            if published is None or release is None:
                return False  # the catalogue is a moment behind, or the product cannot be read now
            request = self._request(records, reporter)
            customer = records.customers.get(reporter.customer_id) if reporter.customer_id is not None else None
            addressee = _addressee(reporter, request, customer)
            untruth = _untruth(problem, notice, release, customer, addressee)
            if untruth is not None:
                dropped = replace(notice, state=NoticeState.DROPPED, ended_at=now, drop_reason=untruth)
                records.problem_notices.change(dropped)
                audited(
                    records, now, TELLING, "problem.drop_notice", problem.number,
                    reporter=reporter.reporter_id, version=str(notice.version), reason=untruth,
                )  # fmt: skip
                return False
            licence_id = request.licence_id if request is not None else reporter.licence_id
            licence = records.licences.get(licence_id) if licence_id is not None else None
            news = self.news_of(addressee.name, problem, release, licence, published, today)
            if news.licence is not None and news.licence.standing is Withheld.HALTED:
                return False  # nobody can have it just now: told when it goes on
            self._queue(records, notice, reporter, request, customer, addressee, news, mailer, now)
            records.problem_notices.change(replace(notice, state=NoticeState.TOLD, ended_at=now))
            self._note(records, problem, notice, reporter, news, now)
        return True

    def _request(self, records: Records, reporter: Reporter) -> SupportRequest | None:
        return records.support_requests.locked(reporter.request_id) if reporter.request_id is not None else None

    def _queue(
        self, records: Records, notice: Notice, reporter: Reporter, request: SupportRequest | None,
        customer: Customer | None, addressee: _Addressee, news: ProblemNews, mailer: Mailer, now: datetime,
    ) -> None:  # fmt: skip
        assert addressee.email is not None
        key, language = notice.mail_key, language_of(customer, self.language)
        if request is None:
            # dropped with whatever else waits for the customer, should the customer be anonymised meanwhile
            about = reporter.customer_id or notice.problem_id
            records.outgoing_mails.queue(OutgoingMail.of(key, about, self.word(news, language, addressee.email), now))
            return
        thread = records.support_messages.of_request(request.request_id)
        worded = self.word(news, language, addressee.email, request=request, thread=thread)
        records.support_messages.add(
            SupportMessage(
                key, request.request_id, MessageKind.REPLY, worded.text.strip("\n"), now, TELLING,
                mailer.message_id(key), addressee.email,
            )
        )  # fmt: skip
        changed = replace(request, revision=request.revision + 1, changed_at=now)
        records.support_requests.change(changed)
        records.outgoing_mails.queue(OutgoingMail.of(key, request.request_id, worded, now))

    def _note(
        self, records: Records, problem: Problem, notice: Notice, reporter: Reporter, news: ProblemNews, now: datetime
    ) -> None:
        facts: dict[str, object] = {
            "reporter": reporter.reporter_id,
            "request": reporter.request_id,
            "licence": news.licence.licence_id if news.licence is not None else None,
            "version": str(notice.version),
            "covered": news.licence.is_covered if news.licence is not None else None,
            "reason": news.licence.standing.value if news.licence is not None else None,
        }
        audited(records, now, TELLING, "problem.tell", problem.number, **facts)
        announce_problem(records, now, EventType.PROBLEM_REPORTER_TOLD, problem, customer=reporter.customer_id, **facts)


def _visible(published: PublishedProduct | None, version: Version, today: date) -> Release | None:
    releases = published.on(today).releases if published is not None else ()
    return next((release for release in releases if release.version == version), None)


def _addressee(reporter: Reporter, request: SupportRequest | None, customer: Customer | None) -> _Addressee:
    if request is not None:
        return _Addressee(request.contact.name, request.contact.email)
    if customer is None:
        return _Addressee("", None)
    contact = next((each for each in customer.contacts if each.contact_id == reporter.contact_id), None)
    if contact is not None and contact.email is not None:
        return _Addressee(contact.name, contact.email)
    return _Addressee(customer.name, customer.email)


def _untruth(
    problem: Problem, notice: Notice, release: Release, customer: Customer | None, addressee: _Addressee
) -> str | None:
    """Why nobody is to be told any more, or None."""
    if release.withdrawal is not None:
        return f"{release.version} was withdrawn"
    if problem.fix is None or problem.fix.version != notice.version:
        return "the problem was opened again"
    if customer is not None and customer.anonymised_at is not None:
        return "the customer was anonymised"
    return "there is no address" if addressee.email is None else None
