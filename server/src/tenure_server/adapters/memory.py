"""All records in memory: a real database for one process, without durability. The contract suite holds it to that."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from itertools import islice, pairwise
from typing import Self

from tenure_server.adapters.memory_outbox import MemoryOutbox
from tenure_server.adapters.memory_outgoing_mail import MemoryOutgoingMails
from tenure_server.adapters.memory_problems import MemoryProblemNotices, MemoryProblems, ProblemTables
from tenure_server.adapters.memory_release_drafts import MemoryApprovalRules, MemoryReleaseDrafts
from tenure_server.adapters.memory_reminders import MemoryReminders
from tenure_server.adapters.memory_reports import MemoryReports
from tenure_server.adapters.memory_sales import (
    MemoryCustomers,
    MemoryNumbers,
    MemoryOnceKeys,
    MemoryOrders,
    MemoryPaymentNotices,
    MemoryQuotes,
    MemoryReleasePrices,
    SalesTables,
    order_words,
)
from tenure_server.adapters.memory_seats import MemorySeats
from tenure_server.adapters.memory_signer import (
    MemoryExpiryNotices,
    MemoryPublicationRequests,
    MemorySignerLives,
    SignerTables,
)
from tenure_server.adapters.memory_support import MemorySupportMessages, MemorySupportRequests, SupportTables
from tenure_server.adapters.memory_trust import MemoryKeyHolders, MemoryTrustDrafts
from tenure_server.adapters.memory_webhooks import MemoryWebhooks
from tenure_server.adapters.metadata_files import role_and_version
from tenure_server.domain.api_tokens import ApiToken
from tenure_server.domain.audit_chain import AuditEvent, AuditHead, AuditRecord, next_record
from tenure_server.domain.events import NumberedEvent
from tenure_server.domain.install_reports import DayCount, FailureLimit, InstallReport, Outcome, OutcomeCounts
from tenure_server.domain.licence_facts import FoundKey, LicenceFacts
from tenure_server.domain.licences import IssuedKey, Licence, OrderLine, PaidPeriod
from tenure_server.domain.outgoing_mail import OutgoingMail
from tenure_server.domain.paging import Place
from tenure_server.domain.products import Product
from tenure_server.domain.release_drafts import ReleaseDraft
from tenure_server.domain.reminders import Reminder
from tenure_server.domain.search_words import fits, wanted_words
from tenure_server.domain.seats import ProductSeatRules, Seat
from tenure_server.domain.support_requests import SupportRequest
from tenure_server.domain.webhooks import Attempt, Delivery, WebhookEndpoint
from tenure_server.errors import Conflict, NotFound
from tenure_server.use_cases.ports import BuildUpload, Records
from tenure_server.use_cases.ports_trust import StoredDraft
from tenure_signing.entitlement import Grant, LicenceStatus, SupportPeriod, UpdateRules
from tenure_signing.languages import Language
from tenure_signing.names import ProductName
from tenure_signing.releases import Rollout
from tenure_signing.tuf_roles import ROOT, TIMESTAMP
from tenure_signing.versions import Version


@dataclass
class _Tables:
    """Their values are immutable, so a copy of the containers is a copy of everything."""

    counter: list[int] = field(default_factory=lambda: [0])
    products: dict[ProductName, Product] = field(default_factory=dict)
    licences: dict[str, Licence] = field(default_factory=dict)
    sales: SalesTables = field(default_factory=SalesTables)
    feed_tokens: dict[str, str] = field(default_factory=dict)  # digest to licence id
    files: dict[str, bytes] = field(default_factory=dict)
    trusted: dict[str, bytes] = field(default_factory=dict)
    rollouts: dict[tuple[ProductName, Version], Rollout] = field(default_factory=dict)
    notes: dict[tuple[ProductName, Version], str] = field(default_factory=dict)
    translated_notes: dict[tuple[ProductName, Version, Language], str] = field(default_factory=dict)
    audit: list[AuditRecord] = field(default_factory=list)
    events: list[NumberedEvent] = field(default_factory=list)
    reminders: dict[tuple[str, date, int], Reminder] = field(default_factory=dict)
    reminder_opt_outs: dict[str, datetime] = field(default_factory=dict)
    outgoing_mails: dict[str, OutgoingMail] = field(default_factory=dict)
    webhooks: dict[str, WebhookEndpoint] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    attempts: list[tuple[str, Attempt]] = field(default_factory=list)
    tokens: dict[str, ApiToken] = field(default_factory=dict)
    uploads: dict[str, BuildUpload] = field(default_factory=dict)
    reports: dict[tuple[str, Version, str], InstallReport] = field(default_factory=dict)
    report_days: dict[tuple[str, Version, date, Outcome], int] = field(default_factory=dict)
    limits: dict[tuple[str, Version | None], FailureLimit] = field(default_factory=dict)
    trust_drafts: dict[str, StoredDraft] = field(default_factory=dict)
    key_holders: dict[str, str] = field(default_factory=dict)
    release_drafts: dict[str, ReleaseDraft] = field(default_factory=dict)
    approvals: dict[ProductName, int] = field(default_factory=dict)

    signer: SignerTables = field(default_factory=SignerTables)
    problems: ProblemTables = field(default_factory=ProblemTables)
    seats: dict[tuple[str, str], Seat] = field(default_factory=dict)  # by licence id and machine
    seat_rules: dict[ProductName, ProductSeatRules] = field(default_factory=dict)
    support: SupportTables = field(default_factory=SupportTables)

    def copy(self) -> Self:
        return type(self)(**{f.name: getattr(self, f.name).copy() for f in fields(self)})


class MemoryDatabase:
    """One writer at a time; readers see the last committed state."""

    def __init__(self) -> None:
        self._tables = _Tables()
        self._commits = 0
        self._writing = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Records]:
        yield _MemoryRecords(self._tables.copy())

    def reading_published(self) -> AbstractContextManager[Records]:
        return self.reading()

    @property
    def as_of(self) -> None:
        """Never a copy."""
        return None

    @contextmanager
    def writing(self) -> Iterator[Records]:
        with self._writing:
            tables = self._tables.copy()
            yield _MemoryRecords(tables)
            self._tables = tables
            self._commits += 1

    def copy(self) -> MemoryDatabase:
        """Another database with what is in this one now."""
        other = MemoryDatabase()
        other._tables = self._tables.copy()
        return other

    def check(self) -> None:
        """Memory always answers."""

    @property
    def quick(self) -> MemoryDatabase:
        return self

    @property
    def is_inline(self) -> bool:
        return True

    def version(self) -> int:
        return self._commits

    def publication_counter(self) -> int:
        return self._tables.counter[0]

    def licence_key(self, digest: str) -> FoundKey | None:
        found = _Licences(self._tables).by_key_digest(digest)
        if found is None:
            return None
        key = next(key for key in found.keys if key.digest == digest)
        return FoundKey(key.issued_at, LicenceFacts.of(found))

    def licence_keys(self, digests: Sequence[str]) -> Mapping[str, FoundKey]:
        found = ((digest, self.licence_key(digest)) for digest in digests)
        return {digest: key for digest, key in found if key is not None}

    def licence_of_feed_token(self, digest: str) -> LicenceFacts | None:
        found = _Licences(self._tables).by_feed_token_digest(digest)
        return LicenceFacts.of(found) if found is not None else None


class _MemoryRecords:
    def __init__(self, tables: _Tables) -> None:
        self._tables = tables
        self.products = _Products(tables)
        self.licences = _Licences(tables)
        self.customers = MemoryCustomers(tables.sales, tables)
        self.once_keys = MemoryOnceKeys(tables.sales)
        self.orders = MemoryOrders(tables.sales)
        self.numbers = MemoryNumbers(tables.sales)
        self.quotes = MemoryQuotes(tables.sales)
        self.release_prices = MemoryReleasePrices(tables.sales)
        self.payment_notices = MemoryPaymentNotices(tables.sales)
        self.signed_files = _SignedFiles(tables)
        self.rollouts = _Rollouts(tables)
        self.notes = _Notes(tables)
        self.audit = _AuditTrail(tables)
        self.outbox = MemoryOutbox(tables.events)
        self.tokens = _Tokens(tables)
        self.reminders = MemoryReminders(tables.reminders, tables.reminder_opt_outs, self._all_licences)
        self.reports = MemoryReports(
            self._all_licences,
            tables.reminders,
            tables.reminder_opt_outs,
            tables.reports.values(),
            tables.sales.orders.values(),
        )
        self.outgoing_mails = MemoryOutgoingMails(tables.outgoing_mails)
        self.webhooks = MemoryWebhooks(tables.webhooks, tables.deliveries, tables.attempts)
        self.uploads = _Uploads(tables)
        self.install_reports = _InstallReports(tables)
        self.trust_drafts = MemoryTrustDrafts(tables.trust_drafts)
        self.key_holders = MemoryKeyHolders(tables.key_holders)
        self.release_drafts = MemoryReleaseDrafts(tables.release_drafts)
        self.approval_rules = MemoryApprovalRules(tables.approvals, _Table(tables).require_product)
        self.publication_requests = MemoryPublicationRequests(tables.signer)
        self.signer_lives = MemorySignerLives(tables.signer)
        self.expiry_notices = MemoryExpiryNotices(tables.signer)
        self.seats = MemorySeats(tables.seats, tables.licences, tables.seat_rules, _Table(tables).require_product)
        self.support_requests = MemorySupportRequests(tables.support, self._words_around, tables.reports.values())
        self.support_messages = MemorySupportMessages(tables.support)
        self.problems = MemoryProblems(tables.problems)
        self.problem_notices = MemoryProblemNotices(tables.problems)

    def _words_around(self, request: SupportRequest) -> frozenset[str]:
        """What callers say of the request's customer and of its licence."""
        sales = self._tables.sales
        words = sales.customers[request.customer_id].search_words()
        licence = self._tables.licences.get(request.licence_id or "")
        if licence is None:
            return words
        return words | licence.search_words() | order_words(sales, licence.licence_id)

    def publication_counter(self) -> int:
        return self._tables.counter[0]

    def _all_licences(self) -> Iterator[Licence]:
        found = (self.licences.get(licence_id) for licence_id in tuple(self._tables.licences))
        return (licence for licence in found if licence is not None)


@dataclass
class _Table:
    tables: _Tables

    def _published(self) -> int:
        self.tables.counter[0] += 1
        return self.tables.counter[0]

    def require_product(self, name: ProductName) -> None:
        if name not in self.tables.products:
            raise NotFound("There is no such product.", code="unknown_product")


class _Products(_Table):
    def get(self, name: ProductName) -> Product | None:
        return self.tables.products.get(name)

    def all(self) -> tuple[Product, ...]:
        return tuple(product for _, product in sorted(self.tables.products.items()))

    def add(self, product: Product) -> None:
        if product.name in self.tables.products:
            raise Conflict(f"There is a product {product.name} already.", code="product_exists")
        self.tables.products[product.name] = product
        self._published()

    def set_notes_language(self, name: ProductName, language: Language) -> None:
        self.require_product(name)
        self.tables.products[name] = replace(self.tables.products[name], notes_language=language)
        self._published()


class _Licences(_Table):
    def get(self, licence_id: str) -> Licence | None:
        licence = self.tables.licences.get(licence_id)
        return self._as_read(licence) if licence is not None else None

    def by_key_digest(self, digest: str) -> Licence | None:
        return next((self._as_read(one) for one in self.tables.licences.values() if _has_key(one, digest)), None)

    def by_feed_token_digest(self, digest: str) -> Licence | None:
        return self.get(self.tables.feed_tokens.get(digest, ""))

    def search(self, text: str = "", *, limit: int = 100, after: Place | None = None) -> tuple[Licence, ...]:
        words = wanted_words(text)
        if limit < 1 or (text and not words):
            return ()
        found = [one for one in self.tables.licences.values() if fits(words, self._words(one))]
        if after is not None:
            found = [one for one in found if (one.created_at, one.licence_id) < (after.at, after.id)]
        return self._newest_first(found)[:limit]

    def of_customer(self, customer_id: str) -> tuple[Licence, ...]:
        return self._newest_first(one for one in self.tables.licences.values() if one.customer_id == customer_id)

    def _newest_first(self, licences: Iterable[Licence]) -> tuple[Licence, ...]:
        in_order = sorted(licences, key=lambda one: (one.created_at, one.licence_id), reverse=True)
        return tuple(map(self._as_read, in_order))

    def _words(self, licence: Licence) -> frozenset[str]:
        customer = self.tables.sales.customers[licence.customer_id]
        own = licence.search_words() | order_words(self.tables.sales, licence.licence_id)
        return own | customer.search_words()

    def _as_read(self, licence: Licence) -> Licence:
        customer = self.tables.sales.customers[licence.customer_id]
        return replace(licence, customer=customer.name, email=customer.email)

    def add(self, licence: Licence, *, feed_token_digest: str) -> None:
        self.require_product(licence.product)
        if licence.customer_id not in self.tables.sales.customers:
            raise NotFound("There is no such customer.", code="unknown_customer")
        taken = licence.licence_id in self.tables.licences or feed_token_digest in self.tables.feed_tokens
        if taken or len({key.digest for key in licence.keys}) < len(licence.keys):
            raise Conflict("There is such a licence already.", code="licence_exists")
        if any(self.by_key_digest(key.digest) is not None for key in licence.keys):
            raise Conflict("There is such a licence already.", code="licence_exists")
        periods = sorted(licence.periods, key=lambda paid: paid.period)
        for earlier, later in pairwise(paid.period for paid in periods):
            _require_apart(earlier, later)
        self.tables.licences[licence.licence_id] = replace(
            licence, periods=tuple(periods), keys=_in_order(licence.keys)
        )
        self.tables.feed_tokens[feed_token_digest] = licence.licence_id

    def add_period(self, licence_id: str, period: PaidPeriod) -> None:
        licence = self._licence(licence_id)
        for old in licence.support_periods:
            _require_apart(old, period.period)
        periods = sorted((*licence.periods, period), key=lambda paid: paid.period)
        self.tables.licences[licence_id] = replace(licence, periods=tuple(periods))

    def end_period(self, licence_id: str, period: SupportPeriod, ends_on: date | None) -> None:
        licence = self._licence(licence_id)
        periods = []
        for paid in licence.periods:
            if paid.period != period:
                periods.append(paid)
            elif ends_on is not None:
                shorter = SupportPeriod(period.starts_on, min(period.ends_on, ends_on))
                periods.append(replace(paid, period=shorter))
        self.tables.licences[licence_id] = replace(licence, periods=tuple(periods))

    def add_lines(self, licence_id: str, lines: Sequence[OrderLine]) -> None:
        licence = self._licence(licence_id)
        self.tables.licences[licence_id] = replace(licence, lines=(*licence.lines, *lines))

    def remove_lines(self, licence_id: str, order: str) -> None:
        licence = self._licence(licence_id)
        left = tuple(line for line in licence.lines if line.order != order)
        self.tables.licences[licence_id] = replace(licence, lines=left)

    def add_grant(self, licence_id: str, grant: Grant, order: str | None = None) -> None:
        licence = self._licence(licence_id)
        if grant not in licence.grants:
            self.tables.licences[licence_id] = replace(licence, grants=(*licence.grants, grant))
            if order is not None:
                self.tables.sales.bought_grants[licence_id, order] = grant

    def remove_grant(self, licence_id: str, order: str) -> bool:
        licence = self._licence(licence_id)
        brought = self.tables.sales.bought_grants.pop((licence_id, order), None)
        left = tuple(grant for grant in licence.grants if grant != brought)
        self.tables.licences[licence_id] = replace(licence, grants=left)
        return brought is not None

    def add_key(self, licence_id: str, key: IssuedKey) -> None:
        licence = self._licence(licence_id)
        if self.by_key_digest(key.digest) is not None:
            raise Conflict("There is such a licence key already.", code="licence_exists")
        self.tables.licences[licence_id] = replace(licence, keys=_in_order((*licence.keys, key)))

    def set_customer(self, licence_id: str, customer_id: str) -> None:
        self.tables.licences[licence_id] = replace(self._licence(licence_id), customer_id=customer_id)

    def set_status(self, licence_id: str, status: LicenceStatus, reason: str | None) -> None:
        licence = self._licence(licence_id)
        self.tables.licences[licence_id] = replace(licence, status=status, status_reason=reason)

    def set_update_rules(self, licence_id: str, rules: UpdateRules) -> None:
        licence = self._licence(licence_id)
        self.tables.licences[licence_id] = replace(licence, updates=rules)

    def _licence(self, licence_id: str) -> Licence:
        if licence_id not in self.tables.licences:
            raise NotFound("There is no such licence.", code="unknown_licence")
        return self.tables.licences[licence_id]


def _in_order(keys: Iterable[IssuedKey]) -> tuple[IssuedKey, ...]:
    return tuple(sorted(keys, key=lambda key: (key.issued_at, key.digest)))


def _require_apart(one: SupportPeriod, other: SupportPeriod) -> None:
    if one.starts_on <= other.ends_on and other.starts_on <= one.ends_on:
        raise Conflict("The period overlaps one that is there already.", code="periods_overlap")


def _has_key(licence: Licence, digest: str) -> bool:
    return any(key.digest == digest for key in licence.keys)


class _SignedFiles(_Table):
    def current(self) -> Mapping[str, bytes]:
        newest: dict[str, tuple[int, bytes]] = {}
        for name, data in self.tables.files.items():
            role, version = role_and_version(name)
            newest[role] = max(newest.get(role, (-1, b"")), (version or 0, data))
        return {role: data for role, (_, data) in newest.items()}

    def roots(self) -> tuple[bytes, ...]:
        named = ((role_and_version(name), data) for name, data in self.tables.files.items())
        return tuple(
            data for (_, data) in sorted((named_as[1] or 0, data) for named_as, data in named if named_as[0] == ROOT)
        )

    def file(self, name: str) -> bytes | None:
        return self.tables.files.get(name)

    def trusted_target(self, path: str) -> bytes | None:
        return self.tables.trusted.get(path)

    def publish(self, files: Mapping[str, bytes], *, trusted_targets: Mapping[str, bytes] | None = None) -> int:
        for name, data in files.items():
            role, _ = role_and_version(name)
            if role != TIMESTAMP and self.tables.files.get(name, data) != data:
                raise Conflict(f"{name} was published with other bytes.", code="published_meanwhile")
        self.tables.files.update(files)
        self.tables.trusted.update(trusted_targets or {})
        return self._published()

    def lock(self) -> None:
        """There is one writer at a time anyway."""


class _Rollouts(_Table):
    def of_product(self, name: ProductName) -> Mapping[Version, Rollout]:
        return {version: rollout for (product, version), rollout in self.tables.rollouts.items() if product == name}

    def set(self, name: ProductName, version: Version, rollout: Rollout) -> None:
        self.require_product(name)
        self.tables.rollouts[name, version] = rollout
        self._published()


class _InstallReports(_Table):
    def add(self, reports: Sequence[InstallReport]) -> None:
        for report in reports:
            self._keep(report)
            count = (report.product, report.version, report.day, report.outcome)
            self.tables.report_days[count] = self.tables.report_days.get(count, 0) + 1

    def counts(self, product: ProductName, version: Version, *, since: datetime | None = None) -> OutcomeCounts:
        found = (
            report.outcome
            for key, report in self.tables.reports.items()
            if key[:2] == (product, version) and (since is None or report.reported_at > since)
        )
        return OutcomeCounts(**Counter(outcome.value for outcome in found))

    def by_day(self, product: ProductName, version: Version) -> tuple[DayCount, ...]:
        found = ((key[2:], count) for key, count in self.tables.report_days.items() if key[:2] == (product, version))
        return tuple(DayCount(*what, count) for what, count in sorted(found))

    def limit(self, product: ProductName, version: Version) -> FailureLimit | None:
        return self.own_limit(product, version) or self.own_limit(product, None)

    def own_limit(self, product: ProductName, version: Version | None) -> FailureLimit | None:
        return self.tables.limits.get((product, version))

    def set_limit(self, product: ProductName, version: Version | None, limit: FailureLimit | None) -> None:
        self.require_product(product)
        if limit is not None:
            self.tables.limits[product, version] = limit
        else:
            self.tables.limits.pop((product, version), None)

    def _keep(self, report: InstallReport) -> None:
        known = self.tables.reports.get(report.key)
        of_licence = (
            one
            for one in self.tables.reports.values()
            if (one.product, one.version, one.licence_id) == (report.product, report.version, report.licence_id)
        )
        if known is None and sum(1 for _ in of_licence) >= report.most_installs:
            return
        if known is None or known.reported_at <= report.reported_at:
            self.tables.reports[report.key] = report


class _Notes(_Table):
    def get(self, name: ProductName, version: Version) -> str | None:
        return self.tables.notes.get((name, version))

    def of_product(self, name: ProductName) -> Mapping[Version, str]:
        return {version: notes for (product, version), notes in self.tables.notes.items() if product == name}

    def put(self, name: ProductName, version: Version, markdown: str) -> None:
        self.require_product(name)
        self.tables.notes[name, version] = markdown
        self._published()

    def translations(self, name: ProductName) -> Mapping[Version, Mapping[Language, str]]:
        found: dict[Version, dict[Language, str]] = {}
        for (product, version, language), markdown in self.tables.translated_notes.items():
            if product == name:
                found.setdefault(version, {})[language] = markdown
        return found

    def put_translation(self, name: ProductName, version: Version, language: Language, markdown: str) -> None:
        self.require_product(name)
        self.tables.translated_notes[name, version, language] = markdown
        self._published()


class _AuditTrail(_Table):
    def append(self, event: AuditEvent) -> None:
        self.tables.audit.append(next_record(self.head(), event))

    def newest(
        self,
        *,
        subject: str | None = None,
        who: str | None = None,
        action: str | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> tuple[AuditEvent, ...]:
        found = (
            record.event
            for record in reversed(self.tables.audit)
            if subject in (None, record.event.subject)
            and who in (None, record.event.who)
            and (action is None or f"{record.event.action}.".startswith(f"{action}."))
            and (since is None or record.event.at >= since)
        )
        return tuple(islice(found, max(limit, 0)))

    def following(self, number: int, *, limit: int) -> tuple[AuditRecord, ...]:
        return tuple(self.tables.audit[max(number, 0) :][: max(limit, 0)])

    def head(self) -> AuditHead:
        return (
            AuditHead(self.tables.audit[-1].number, self.tables.audit[-1].digest) if self.tables.audit else AuditHead()
        )


class _Tokens(_Table):
    def get(self, token_id: str) -> ApiToken | None:
        return self.tables.tokens.get(token_id)

    def all(self) -> tuple[ApiToken, ...]:
        return tuple(sorted(self.tables.tokens.values(), key=lambda one: (one.created_at, one.token_id), reverse=True))

    def add(self, token: ApiToken) -> None:
        if token.token_id in self.tables.tokens or token.digest in {one.digest for one in self.all()}:
            raise Conflict("There is such a token already.", code="token_exists")
        self.tables.tokens[token.token_id] = token

    def revoke(self, token_id: str, at: datetime) -> None:
        token = self.get(token_id)
        if token is None:
            raise NotFound("There is no such token.", code="unknown_token")
        if token.revoked_at is None:
            self.tables.tokens[token_id] = replace(token, revoked_at=at)

    def note_use(self, token_id: str, at: datetime) -> None:
        token = self.get(token_id)
        if token is not None and (token.last_used_at is None or token.last_used_at < at):
            self.tables.tokens[token_id] = replace(token, last_used_at=at)


class _Uploads(_Table):
    def get(self, key: str) -> BuildUpload | None:
        return self.tables.uploads.get(key)

    def begin(self, upload: BuildUpload) -> BuildUpload:
        return self.tables.uploads.setdefault(upload.key, upload)

    def verified(self, upload: BuildUpload, at: datetime) -> None:
        self.tables.uploads[upload.key] = replace(upload, upload_id=None, verified_at=at)

    def remove(self, upload: BuildUpload) -> bool:
        known = self.tables.uploads.get(upload.key)
        if known is None or known.upload_id != upload.upload_id:
            return False
        del self.tables.uploads[upload.key]
        return True
