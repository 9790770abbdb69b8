"""What the use cases ask of the world. Each protocol says what happens when nothing is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from tenure_server.domain.licences import IssuedKey, Licence, PaidPeriod
from tenure_server.domain.products import Product
from tenure_signing.entitlement import Grant, LicenceStatus
from tenure_signing.names import ProductName
from tenure_signing.releases import Rollout
from tenure_signing.versions import Version

Progress = Callable[[int], None]
"""Called with the number of bytes done since the last call: negative when a part has to be sent again. One call at a time,
not always from the same thread."""


class Clock(Protocol):
    """The present instant, aware, in UTC."""

    def __call__(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the store says about an object."""

    key: str
    length: int  # bytes


class ObjectStore(Protocol):
    """Where builds lie. Keys are ``/``-separated segments of 1 to 255 of ``[A-Za-z0-9._-]``, none beginning with a dot, at
    most 1000 characters in all; any other key raises ``InvalidKey`` before the store is asked. No key may be the folder of
    another one.

    Every method raises ``StoreUnavailable`` when the store does not answer.
    """

    def put_file(self, key: str, source: Path, *, progress: Progress | None = None) -> StoredObject:
        """Store the file's bytes under the key: all of them or nothing, replacing what was there. Raises ``OSError`` when
        the file cannot be read."""
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


class Products(Protocol):
    def get(self, name: ProductName) -> Product | None: ...

    def all(self) -> tuple[Product, ...]:
        """Every product, by name."""
        ...

    def add(self, product: Product) -> None:
        """Raises ``Conflict`` (code ``product_exists``) if there is one of this name."""
        ...


class Licences(Protocol):
    """A licence is read and added whole; each change to one is a method of its own."""

    def get(self, licence_id: str) -> Licence | None: ...

    def by_key_digest(self, digest: str) -> Licence | None: ...

    def by_feed_token_digest(self, digest: str) -> Licence | None: ...

    def search(self, text: str = "", *, limit: int = 100) -> tuple[Licence, ...]:
        """Licences whose id, customer, e-mail, product or key hint contains the text in any case; newest first."""
        ...

    def add(self, licence: Licence, *, feed_token_digest: str) -> None:
        """Raises ``Conflict`` (code ``licence_exists``) if the id or one of the keys is taken."""
        ...

    def add_period(self, licence_id: str, period: PaidPeriod) -> None:
        """Raises ``Conflict`` (code ``periods_overlap``) if it overlaps a stored one, also under concurrency."""
        ...

    def add_grant(self, licence_id: str, grant: Grant) -> None:
        """Nothing happens if the licence holds the same grant already."""
        ...

    def add_key(self, licence_id: str, key: IssuedKey) -> None: ...

    def set_status(self, licence_id: str, status: LicenceStatus, reason: str | None) -> None: ...


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


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who did what to which thing. ``details`` hold before and after, never a secret."""

    at: datetime
    who: str
    action: str
    subject: str
    details: Mapping[str, object]


class AuditTrail(Protocol):
    def append(self, event: AuditEvent) -> None: ...

    def newest(self, *, subject: str | None = None, limit: int = 100) -> tuple[AuditEvent, ...]: ...


class Records(Protocol):
    """Everything in the database, inside one transaction."""

    @property
    def products(self) -> Products: ...
    @property
    def licences(self) -> Licences: ...
    @property
    def signed_files(self) -> SignedFiles: ...
    @property
    def rollouts(self) -> Rollouts: ...
    @property
    def notes(self) -> Notes: ...
    @property
    def audit(self) -> AuditTrail: ...

    def publication_counter(self) -> int:
        """Moves with every publication, product, rollout and notes change; cheap to read."""
        ...


class Database(Protocol):
    """Every method raises ``DatabaseUnavailable`` when the database does not answer."""

    def reading(self) -> AbstractContextManager[Records]:
        """A consistent view; nothing is written."""
        ...

    def writing(self) -> AbstractContextManager[Records]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        ...

    def check(self) -> None:
        """Raise ``DatabaseUnavailable`` unless the database answers and its schema is the one this code expects."""
        ...
