"""All records in memory: a real database for one process, without durability. The contract suite holds it to that."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Self

from tenure_server.adapters.metadata_files import role_and_version
from tenure_server.domain.licences import IssuedKey, Licence, PaidPeriod
from tenure_server.domain.products import Product
from tenure_server.errors import Conflict, NotFound
from tenure_server.use_cases.ports import AuditEvent, Records
from tenure_signing.entitlement import Grant, LicenceStatus, SupportPeriod
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
    feed_tokens: dict[str, str] = field(default_factory=dict)  # digest to licence id
    files: dict[str, bytes] = field(default_factory=dict)
    trusted: dict[str, bytes] = field(default_factory=dict)
    rollouts: dict[tuple[ProductName, Version], Rollout] = field(default_factory=dict)
    notes: dict[tuple[ProductName, Version], str] = field(default_factory=dict)
    audit: list[AuditEvent] = field(default_factory=list)

    def copy(self) -> Self:
        return type(self)(**{f.name: getattr(self, f.name).copy() for f in fields(self)})


class MemoryDatabase:
    """One writer at a time; readers see the last committed state."""

    def __init__(self) -> None:
        self._tables = _Tables()
        self._writing = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Records]:
        yield _MemoryRecords(self._tables.copy())

    @contextmanager
    def writing(self) -> Iterator[Records]:
        with self._writing:
            tables = self._tables.copy()
            yield _MemoryRecords(tables)
            self._tables = tables

    def check(self) -> None:
        """Memory always answers."""


class _MemoryRecords:
    def __init__(self, tables: _Tables) -> None:
        self._tables = tables
        self.products = _Products(tables)
        self.licences = _Licences(tables)
        self.signed_files = _SignedFiles(tables)
        self.rollouts = _Rollouts(tables)
        self.notes = _Notes(tables)
        self.audit = _AuditTrail(tables)

    def publication_counter(self) -> int:
        return self._tables.counter[0]


@dataclass
class _Table:
    tables: _Tables

    def _published(self) -> int:
        self.tables.counter[0] += 1
        return self.tables.counter[0]

    def _require_product(self, name: ProductName) -> None:
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


class _Licences(_Table):
    def get(self, licence_id: str) -> Licence | None:
        return self.tables.licences.get(licence_id)

    def by_key_digest(self, digest: str) -> Licence | None:
        return next((one for one in self.tables.licences.values() if any(k.digest == digest for k in one.keys)), None)

    def by_feed_token_digest(self, digest: str) -> Licence | None:
        return self.tables.licences.get(self.tables.feed_tokens.get(digest, ""))

    def search(self, text: str = "", *, limit: int = 100) -> tuple[Licence, ...]:
        if limit < 1:
            return ()
        wanted = text.casefold()
        found = [one for one in self.tables.licences.values() if any(wanted in word.casefold() for word in _words(one))]
        return tuple(sorted(found, key=lambda one: (one.created_at, one.licence_id), reverse=True)[:limit])

    def add(self, licence: Licence, *, feed_token_digest: str) -> None:
        self._require_product(licence.product)
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

    def add_grant(self, licence_id: str, grant: Grant) -> None:
        licence = self._licence(licence_id)
        if grant not in licence.grants:
            self.tables.licences[licence_id] = replace(licence, grants=(*licence.grants, grant))

    def add_key(self, licence_id: str, key: IssuedKey) -> None:
        licence = self._licence(licence_id)
        if self.by_key_digest(key.digest) is not None:
            raise Conflict("There is such a licence key already.", code="licence_exists")
        self.tables.licences[licence_id] = replace(licence, keys=_in_order((*licence.keys, key)))

    def set_status(self, licence_id: str, status: LicenceStatus, reason: str | None) -> None:
        licence = self._licence(licence_id)
        self.tables.licences[licence_id] = replace(licence, status=status, status_reason=reason)

    def _licence(self, licence_id: str) -> Licence:
        if licence_id not in self.tables.licences:
            raise NotFound("There is no such licence.", code="unknown_licence")
        return self.tables.licences[licence_id]


def _in_order(keys: Iterable[IssuedKey]) -> tuple[IssuedKey, ...]:
    return tuple(sorted(keys, key=lambda key: (key.issued_at, key.digest)))


def _require_apart(one: SupportPeriod, other: SupportPeriod) -> None:
    if one.starts_on <= other.ends_on and other.starts_on <= one.ends_on:
        raise Conflict("The period overlaps one that is there already.", code="periods_overlap")


def _words(licence: Licence) -> tuple[str, ...]:
    hints = (key.hint for key in licence.keys)
    return (licence.licence_id, licence.customer, licence.email or "", licence.product, *hints)


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
        self._require_product(name)
        self.tables.rollouts[name, version] = rollout
        self._published()


class _Notes(_Table):
    def get(self, name: ProductName, version: Version) -> str | None:
        return self.tables.notes.get((name, version))

    def of_product(self, name: ProductName) -> Mapping[Version, str]:
        return {version: notes for (product, version), notes in self.tables.notes.items() if product == name}

    def put(self, name: ProductName, version: Version, markdown: str) -> None:
        self._require_product(name)
        self.tables.notes[name, version] = markdown
        self._published()


class _AuditTrail(_Table):
    def append(self, event: AuditEvent) -> None:
        self.tables.audit.append(event)

    def newest(self, *, subject: str | None = None, limit: int = 100) -> tuple[AuditEvent, ...]:
        return tuple(e for e in reversed(self.tables.audit) if subject in (None, e.subject))[: max(limit, 0)]
