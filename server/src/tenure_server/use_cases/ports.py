"""What the use cases ask of the world. Each protocol says what happens when nothing is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from tenure_server.domain.api_tokens import ApiToken
from tenure_server.domain.audit_chain import AuditEvent as AuditEvent
from tenure_server.domain.audit_chain import AuditHead, AuditRecord
from tenure_server.domain.install_reports import DayCount, FailureLimit, InstallReport, OutcomeCounts
from tenure_server.domain.licence_facts import FoundKey, LicenceFacts
from tenure_server.domain.licences import IssuedKey, Licence, OrderLine, PaidPeriod
from tenure_server.domain.paging import Place
from tenure_server.domain.products import Product
from tenure_server.use_cases.ports_customers import Customers, OnceKeys
from tenure_server.use_cases.ports_events import Outbox
from tenure_server.use_cases.ports_mail import OutgoingMails
from tenure_server.use_cases.ports_orders import Numbers, Orders, PaymentNotices, Quotes, ReleasePrices
from tenure_server.use_cases.ports_problems import ProblemNotices, Problems
from tenure_server.use_cases.ports_release_drafts import ApprovalRules, ReleaseDrafts
from tenure_server.use_cases.ports_reminders import Reminders
from tenure_server.use_cases.ports_reports import ReportData
from tenure_server.use_cases.ports_seats import Seats
from tenure_server.use_cases.ports_signer import ExpiryNotices, PublicationRequests, SignerLives
from tenure_server.use_cases.ports_support import SupportMessages, SupportRequests
from tenure_server.use_cases.ports_trust import KeyHolders, TrustDrafts
from tenure_server.use_cases.ports_webhooks import Webhooks
from tenure_signing.entitlement import Grant, LicenceStatus, SupportPeriod, UpdateRules
from tenure_signing.languages import Language
from tenure_signing.names import ProductName
from tenure_signing.releases import Rollout
from tenure_signing.versions import Version

Progress = Callable[[int], None]
"""Called with the number of bytes done since the last call: negative when a part has to be sent again. One call at a
time, not always from the same thread."""


class Clock(Protocol):
    """The present instant, aware, in UTC."""

    def __call__(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the store says about an object."""

    key: str
    length: int  # bytes
    received_sha256: str | None = None  # after a put: of the bytes that the store says it received, if it can say so


class ObjectStore(Protocol):
    """Where builds lie. Keys are ``/``-separated segments of 1 to 255 of ``[A-Za-z0-9._-]``, none beginning with a dot,
    at most 1000 characters in all; any other key raises ``InvalidKey`` before the store is asked. No key may be the
    folder of another one.

    Every method raises ``StoreUnavailable`` when the store does not answer.
    """

    def put_file(self, key: str, source: Path, *, progress: Progress | None = None) -> StoredObject:
        """Store the file's bytes under the key: all of them or nothing, replacing what was there. Raises ``OSError``
        when the file cannot be read."""
        ...

    def stat(self, key: str) -> StoredObject | None:
        """What is stored under the key, or None."""
        ...

    def read(self, key: str) -> Iterator[bytes]:
        """The object's bytes in pieces. Raises ``ObjectNotFound`` before the first piece."""
        ...

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens if there is none."""
        ...

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys of complete objects that begin with the prefix, in order."""
        ...

    def signed_url(self, key: str, *, file_name: str, seconds: int) -> str:
        """A URL that anyone can GET for that many seconds (1 to 604 800); saved under the file name. Not every store
        answers HEAD there. Raises ``ValueError`` for another time."""
        ...

    def check(self) -> None:
        """Raise ``StoreUnavailable`` unless the store can be read and written."""
        ...


class UploadStore(Protocol):
    """How builds come into the store from elsewhere: in numbered parts, each sent straight to it with its own link.

    An upload shows no object until it is completed. Every method raises ``StoreUnavailable`` as the store's own do.
    """

    def begin_upload(self, key: str) -> str:
        """Begin; returns the upload's id, ASCII."""
        ...

    def part_url(self, key: str, upload_id: str, number: int, *, length: int, seconds: int) -> str:
        """A URL to which anyone can PUT a part of exactly that many bytes, again and again, for so many seconds.
        Numbers begin with 1."""
        ...

    def list_parts(self, key: str, upload_id: str) -> Mapping[int, int] | None:
        """The lengths in bytes of the parts that are there, by number; None if there is no such upload any more."""
        ...

    def complete_upload(self, key: str, upload_id: str) -> None:
        """Make one object of the parts, in the order of their numbers; from then on nobody can send another one.
        Raises ``ObjectNotFound`` if there is no such upload any more."""
        ...

    def abort_upload(self, key: str, upload_id: str) -> None:
        """Forget the parts; nothing happens if there are none."""
        ...


class Products(Protocol):
    def get(self, name: ProductName) -> Product | None: ...

    def all(self) -> tuple[Product, ...]:
        """Every product, by name."""
        ...

    def add(self, product: Product) -> None:
        """Raises ``Conflict`` (code ``product_exists``) if there is one of this name."""
        ...

    def set_notes_language(self, name: ProductName, language: Language) -> None:
        """Raises ``NotFound`` (code ``unknown_product``)."""
        ...


class Licences(Protocol):
    """A licence is read and added whole; each change to one is a method of its own."""

    def get(self, licence_id: str) -> Licence | None: ...

    def by_key_digest(self, digest: str) -> Licence | None: ...

    def by_feed_token_digest(self, digest: str) -> Licence | None: ...

    def search(self, text: str = "", *, limit: int = 100, after: Place | None = None) -> tuple[Licence, ...]:
        """Licences of which every word of the text begins a word (``domain/search_words.py``): of the id, the customer,
        the e-mail, the product, an order's number, or the hint of a key; newest first, after the place."""
        ...

    def of_customer(self, customer_id: str) -> tuple[Licence, ...]:
        """Newest first."""
        ...

    def add(self, licence: Licence, *, feed_token_digest: str) -> None:
        """The customer's name and e-mail are not the licence's to say: it belongs to ``customer_id``.

        Raises ``Conflict`` (code ``licence_exists``) if the id or one of the keys is taken, and ``NotFound``
        (``unknown_product``, ``unknown_customer``).
        """
        ...

    def add_period(self, licence_id: str, period: PaidPeriod) -> None:
        """Raises ``Conflict`` (code ``periods_overlap``) if it overlaps a stored one, also under concurrency."""
        ...

    def end_period(self, licence_id: str, period: SupportPeriod, ends_on: date | None) -> None:
        """The stored period ends on that earlier day; with None it never was. Nothing happens if it is not stored."""
        ...

    def add_lines(self, licence_id: str, lines: Sequence[OrderLine]) -> None: ...

    def remove_lines(self, licence_id: str, order: str) -> None:
        """Those that the order of this number brought."""
        ...

    def add_grant(self, licence_id: str, grant: Grant, order: str | None = None) -> None:
        """``order`` is the number of the one that brought it. Nothing happens if the licence holds the same grant
        already."""
        ...

    def remove_grant(self, licence_id: str, order: str) -> bool:
        """The one that the order of this number brought. Whether there was one."""
        ...

    def add_key(self, licence_id: str, key: IssuedKey) -> None: ...

    def set_customer(self, licence_id: str, customer_id: str) -> None: ...

    def set_status(self, licence_id: str, status: LicenceStatus, reason: str | None) -> None: ...

    def set_update_rules(self, licence_id: str, rules: UpdateRules) -> None: ...


class SignedFiles(Protocol):
    """The published TUF metadata, as exact bytes, and the trusted targets that lie beside it."""

    def current(self) -> Mapping[str, bytes]:
        """The newest version of every role, by role name; empty before ``tenure init``."""
        ...

    def roots(self) -> tuple[bytes, ...]:
        """Every root ever published, in order."""
        ...

    def file(self, name: str) -> bytes | None:
        """A metadata file by the name clients ask for: ``timestamp.json``, ``3.snapshot.json``, ``1.root.json``."""
        ...

    def trusted_target(self, path: str) -> bytes | None:
        """The bytes of a small target such as ``_trust/licence-keys.json``."""
        ...

    def publish(self, files: Mapping[str, bytes], *, trusted_targets: Mapping[str, bytes] | None = None) -> int:
        """Store new metadata files by file name and move the publication counter; returns the new counter.

        Raises ``Conflict`` (code ``published_meanwhile``) if one of the versioned files exists with other bytes.
        """
        ...

    def lock(self) -> None:
        """Wait for, then hold until the end of the transaction, the right to publish."""
        ...


class Rollouts(Protocol):
    def of_product(self, name: ProductName) -> Mapping[Version, Rollout]: ...

    def set(self, name: ProductName, version: Version, rollout: Rollout) -> None:
        """Also moves the publication counter, so that every process sees it."""
        ...


class Notes(Protocol):
    """Release notes as UTF-8 Markdown; their SHA-256 is in the signed release record."""

    def get(self, name: ProductName, version: Version) -> str | None: ...

    def of_product(self, name: ProductName) -> Mapping[Version, str]: ...

    def put(self, name: ProductName, version: Version, markdown: str) -> None: ...

    def translations(self, name: ProductName) -> Mapping[Version, Mapping[Language, str]]:
        """Of a product's notes, by version and language."""
        ...

    def put_translation(self, name: ProductName, version: Version, language: Language, markdown: str) -> None: ...


class Tokens(Protocol):
    """API tokens; they are never removed, so that the audit trail can be read."""

    def get(self, token_id: str) -> ApiToken | None: ...

    def all(self) -> tuple[ApiToken, ...]:
        """Every token, newest first."""
        ...

    def add(self, token: ApiToken) -> None:
        """Raises ``Conflict`` (code ``token_exists``) if the id or the digest is taken."""
        ...

    def revoke(self, token_id: str, at: datetime) -> None:
        """Nothing happens if it is revoked already. Raises ``NotFound`` (``unknown_token``)."""
        ...

    def note_use(self, token_id: str, at: datetime) -> None:
        """Nothing happens if a later use is known, or there is no such token."""
        ...


@dataclass(frozen=True, slots=True)
class BuildUpload:
    """What is known of a build's way into the store. ``verified_at``: the server read it back, and it was right."""

    key: str
    upload_id: str | None  # None once it is verified
    length: int  # bytes
    part_bytes: int
    begun_at: datetime
    verified_at: datetime | None = None


class Uploads(Protocol):
    """Uploads by store key."""

    def get(self, key: str) -> BuildUpload | None: ...

    def begin(self, upload: BuildUpload) -> BuildUpload:
        """Keep it, unless there is one of this key; returns the one that is kept."""
        ...

    def verified(self, upload: BuildUpload, at: datetime) -> None:
        """Keep that the object is right, whether or not its upload is known."""
        ...

    def remove(self, upload: BuildUpload) -> bool:
        """Whether it was still the one known of its key, which is now forgotten. If so, nobody else can begin or
        verify one of this key until the transaction ends."""
        ...


class AuditTrail(Protocol):
    """Appended to, never changed. Events are chained in the order of their transactions' ends."""

    def append(self, event: AuditEvent) -> None: ...

    def newest(
        self,
        *,
        subject: str | None = None,
        who: str | None = None,
        action: str | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> tuple[AuditEvent, ...]:
        """Events, newest first. ``action`` is a whole one (``licence.revoked``) or what stands before its dot;
        ``since`` is inclusive."""
        ...

    def following(self, number: int, *, limit: int) -> tuple[AuditRecord, ...]:
        """The events after that number, oldest first."""
        ...

    def head(self) -> AuditHead:
        """Where the trail ends; number 0 of an empty one."""
        ...


class InstallReports(Protocol):
    """What installs reported of releases, and the limits at which rollouts halt themselves."""

    def add(self, reports: Sequence[InstallReport]) -> None:
        """Count them all, and keep the last outcome of each install; installs beyond what their licence may count are
        left out."""
        ...

    def counts(self, product: ProductName, version: Version, *, since: datetime | None = None) -> OutcomeCounts:
        """Distinct installs by their last outcome; only those that reported after ``since``."""
        ...

    def by_day(self, product: ProductName, version: Version) -> tuple[DayCount, ...]:
        """Reports by day, oldest first, and outcome."""
        ...

    def limit(self, product: ProductName, version: Version) -> FailureLimit | None:
        """The version's own limit, else the product's."""
        ...

    def own_limit(self, product: ProductName, version: Version | None) -> FailureLimit | None:
        """As it was set for the version, or with None for the product."""
        ...

    def set_limit(self, product: ProductName, version: Version | None, limit: FailureLimit | None) -> None:
        """None removes it. Raises ``NotFound`` (``unknown_product``)."""
        ...


class Records(Protocol):
    """Everything in the database, inside one transaction."""

    @property
    def products(self) -> Products: ...
    @property
    def licences(self) -> Licences: ...
    @property
    def customers(self) -> Customers: ...
    @property
    def once_keys(self) -> OnceKeys: ...
    @property
    def orders(self) -> Orders: ...
    @property
    def release_prices(self) -> ReleasePrices: ...
    @property
    def numbers(self) -> Numbers: ...
    @property
    def quotes(self) -> Quotes: ...
    @property
    def payment_notices(self) -> PaymentNotices: ...
    @property
    def signed_files(self) -> SignedFiles: ...
    @property
    def rollouts(self) -> Rollouts: ...
    @property
    def notes(self) -> Notes: ...
    @property
    def tokens(self) -> Tokens: ...
    @property
    def uploads(self) -> Uploads: ...
    @property
    def install_reports(self) -> InstallReports: ...
    @property
    def trust_drafts(self) -> TrustDrafts: ...
    @property
    def key_holders(self) -> KeyHolders: ...
    @property
    def release_drafts(self) -> ReleaseDrafts: ...
    @property
    def approval_rules(self) -> ApprovalRules: ...
    @property
    def publication_requests(self) -> PublicationRequests: ...
    @property
    def signer_lives(self) -> SignerLives: ...
    @property
    def expiry_notices(self) -> ExpiryNotices: ...
    @property
    def seats(self) -> Seats: ...
    @property
    def support_requests(self) -> SupportRequests: ...
    @property
    def support_messages(self) -> SupportMessages: ...
    @property
    def problems(self) -> Problems: ...
    @property
    def problem_notices(self) -> ProblemNotices: ...
    @property
    def audit(self) -> AuditTrail: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def webhooks(self) -> Webhooks: ...
    @property
    def reminders(self) -> Reminders: ...
    @property
    def outgoing_mails(self) -> OutgoingMails: ...
    @property
    def reports(self) -> ReportData: ...

    def publication_counter(self) -> int:
        """Moves with every publication, product, rollout and notes change; cheap to read."""
        ...


class QuickReads(Protocol):
    """Reads for every request: short enough for an event loop where ``is_inline`` says so. Safe to use from several
    threads. Every method raises ``DatabaseUnavailable``."""

    @property
    def is_inline(self) -> bool:
        """Whether a read takes well under a millisecond and waits for no network."""
        ...

    def version(self) -> int:
        """Moves with every commit: of this process at once, of another one within half a second."""
        ...

    def publication_counter(self) -> int: ...

    def licence_key(self, digest: str) -> FoundKey | None:
        """The key with this digest and the facts of its licence."""
        ...

    def licence_keys(self, digests: Sequence[str]) -> Mapping[str, FoundKey]:
        """The same of several keys at once, by digest; those that are not found are left out."""
        ...

    def licence_of_feed_token(self, digest: str) -> LicenceFacts | None: ...


class Database(Protocol):
    """Every method raises ``DatabaseUnavailable`` when the database does not answer."""

    def reading(self) -> AbstractContextManager[Records]:
        """A consistent view; nothing is written."""
        ...

    def reading_published(self) -> AbstractContextManager[Records]:
        """A view for who asks only for what is published: products, signed files, rollouts, notes and the counter. It
        may be of a copy while the database is away."""
        ...

    @property
    def as_of(self) -> datetime | None:
        """While the database is away and a copy stands in: of when the copy is. None as long as all is well."""
        ...

    def writing(self) -> AbstractContextManager[Records]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        ...

    @property
    def quick(self) -> QuickReads: ...

    def check(self) -> None:
        """Raise ``DatabaseUnavailable`` unless the database answers and its schema is the one this code expects."""
        ...
