"""A vendor in memory with a server and a store on loopback, honest unless a test changes one thing about it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from securesystemslib.signer import CryptoSigner

from tenure_client import Client
from tenure_client.configuration import TransferLimits
from tenure_signing.coverage import Covered, NotCovered
from tenure_signing.entitlement import Entitlement, LicenceStatus, SupportPeriod
from tenure_signing.issuing import issue_certificate, issue_licence_key
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.key_sources import SigningKey, new_key
from tenure_signing.names import ChannelName, EditionName, FileName, ProductName, parse_platform, platform_of
from tenure_signing.release_record import releases_of, target_path
from tenure_signing.releases import Build, PaidUpgrade, ProductReleases, Release, Withdrawal, visible_on
from tenure_signing.tuf_drafts import (
    RoleKeys,
    RootKeys,
    first_product_role,
    first_root,
    first_targets,
    next_root,
    renewed,
    sign,
    with_licence_keys,
    with_product,
    with_product_keys,
    with_release,
    with_withdrawal,
)
from tenure_signing.tuf_publishing import initial_repository, resigned, with_roles
from tenure_signing.tuf_repository import Repository
from tenure_signing.update_choice import InstalledCopy, Offer, Withheld, choose_update, download_decision
from tenure_signing.versions import kind_of, parse_version
from tests.client_sdk.loopback import Loopback, Reply, Request, running_loopback

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
CAD = ProductName("cad")
PRO = EditionName("pro")
BOUGHT_ON = date(2026, 4, 1)
SUPPORT = SupportPeriod(date(2026, 4, 1), date(2027, 3, 31))
ENTITLEMENT = Entitlement("L-1", CAD, PRO, BOUGHT_ON, periods=(SUPPORT,))
REFRESH_AFTER = timedelta(days=14)
QUICK = TransferLimits(timeout_seconds=5, rate_window_seconds=0.3, attempts=3, pause_seconds=0.01, settle_seconds=0)

Document = dict[str, Any]


def body_of(version: str, size: int = 200_000) -> bytes:
    """The bytes of a build: not compressible, the same every time."""
    block = hashlib.shake_256(version.encode()).digest(4_096)
    return (block * (size // len(block) + 1))[:size]


def problem(status: int, code: str, detail: str = "No.", **headers: str) -> Reply:
    document = {"type": "about:blank", "title": "Refused", "status": status, "detail": detail, "code": code}
    return Reply(status, json.dumps(document).encode(), {"Content-Type": "application/problem+json"} | headers)


def json_reply(document: object) -> Reply:
    return Reply(200, json.dumps(document).encode(), {"Content-Type": "application/json"})


@dataclass(slots=True)
class Vendor:
    """All keys, the published repository, one licence. ``now`` is everybody's clock."""

    now: datetime = NOW
    entitlement: Entitlement = ENTITLEMENT
    root_signer: CryptoSigner = field(default_factory=CryptoSigner.generate_ed25519)
    targets_signer: CryptoSigner = field(default_factory=CryptoSigner.generate_ecdsa)
    snapshot_signer: CryptoSigner = field(default_factory=CryptoSigner.generate_ed25519)
    timestamp_signer: CryptoSigner = field(default_factory=CryptoSigner.generate_ed25519)
    engineer: CryptoSigner = field(default_factory=CryptoSigner.generate_ed25519)
    licence_signer: SigningKey = field(default_factory=new_key)
    certificate_signer: SigningKey = field(default_factory=new_key)
    bodies: dict[str, bytes] = field(default_factory=dict)  # by target path
    notes: dict[str, str] = field(default_factory=dict)  # by version
    repository: Repository = field(init=False)
    key_set: KeySet = field(init=False)

    def __post_init__(self) -> None:
        self.key_set = KeySet(
            (
                self.licence_signer.verification_key(Purpose.LICENCE_KEY),
                self.certificate_signer.verification_key(Purpose.CERTIFICATE),
            )
        )
        root = sign("root", first_root(self._root_keys(), self.now), self.root_signer)
        targets = sign("targets", first_targets(self.key_set.to_json(), self.now), self.targets_signer)
        self.repository = initial_repository(root, targets, self.snapshot_signer, self.timestamp_signer, self.now)
        self.add_product(CAD)

    @property
    def root(self) -> bytes:
        return self.repository.roots[0]

    @property
    def root_of_now(self) -> bytes:
        return self.repository.roots[-1]

    def _root_keys(self) -> RootKeys:
        return RootKeys(
            RoleKeys((self.root_signer.public_key,), 1),
            RoleKeys((self.targets_signer.public_key,), 1),
            self.snapshot_signer.public_key,
            self.timestamp_signer.public_key,
        )

    @property
    def trusted_files(self) -> dict[str, bytes]:
        data = self.key_set.to_json()
        return {f"_trust/{hashlib.sha256(data).hexdigest()}.licence-keys.json": data}

    def add_product(self, product: ProductName) -> None:
        draft = with_product(
            self.repository.roles["targets"], product, RoleKeys((self.engineer.public_key,), 1), self.now
        )
        role = sign(product, first_product_role(product, self.now), self.engineer)
        self.submit({"targets": sign("targets", draft, self.targets_signer), product: role})

    def rotate_licence_keys(self, key_set: KeySet) -> None:
        self.key_set = key_set
        draft = with_licence_keys(self.repository.roles["targets"], key_set.to_json(), self.now)
        self.submit({"targets": sign("targets", draft, self.targets_signer)})

    def rotate_keys(self) -> None:
        """New keys for every role but the product's; root is signed by the old key and the new."""
        old_root, self.root_signer = self.root_signer, CryptoSigner.generate_ecdsa()
        self.targets_signer = CryptoSigner.generate_ed25519()
        self.snapshot_signer = CryptoSigner.generate_ed25519()
        self.timestamp_signer = CryptoSigner.generate_ed25519()
        draft = next_root(self.root_of_now, self._root_keys(), self.now)
        targets = renewed("targets", self.repository.roles["targets"], self.now)
        self.submit(
            {
                "root": sign("root", draft, old_root, self.root_signer),
                "targets": sign("targets", targets, self.targets_signer),
            }
        )

    def rotate_product_key(self) -> None:
        """As after the theft of an engineer's key: targets names a new one, and the role is signed anew with it."""
        self.engineer = CryptoSigner.generate_ed25519()
        keys = RoleKeys((self.engineer.public_key,), 1)
        draft = with_product_keys(self.repository.roles["targets"], CAD, keys, self.now)
        role = renewed(CAD, self.repository.roles[CAD], self.now)
        self.submit({"targets": sign("targets", draft, self.targets_signer), CAD: sign(CAD, role, self.engineer)})

    def submit(self, roles: dict[str, bytes]) -> None:
        self.take(with_roles(self.repository, roles, self.now))

    def take(self, repository: Repository) -> None:
        """Signs snapshot and timestamp over whatever roles are there, as stolen online keys could."""
        self.repository = resigned(repository, self.snapshot_signer, self.timestamp_signer, self.now)

    def publish(
        self,
        version: str,
        released_on: str,
        *,
        body: bytes | None = None,
        channel: str = "stable",
        platform: str = "linux-x86_64",
        editions: frozenset[EditionName] = frozenset({PRO}),
        notes: str | None = None,
        open_release: bool = False,
        paid_upgrade: PaidUpgrade | None = None,
        upgrade_from: str | None = None,
        product: ProductName = CAD,
    ) -> Release:
        number = parse_version(version)
        data = body if body is not None else body_of(version)
        name = FileName(f"{product}-{version}-{platform}.bin")
        path = target_path(product, number, name)
        build = Build(path, name, parse_platform(platform), len(data), hashlib.sha256(data).hexdigest())
        release = Release(
            product=product,
            version=number,
            kind=kind_of(number),
            editions=editions,
            released_on=date.fromisoformat(released_on),
            channel=ChannelName(channel),
            builds=(build,),
            open_release=open_release,
            paid_upgrade=paid_upgrade,
            upgrade_from=parse_version(upgrade_from) if upgrade_from is not None else None,
            notes_sha256=hashlib.sha256(notes.encode()).hexdigest() if notes is not None else None,
        )
        self.bodies[path] = data
        if notes is not None:
            self.notes[version] = notes
        draft = with_release(self.repository.roles[product], release, self.now)
        self.submit({product: sign(product, draft, self.engineer)})
        return release

    def withdraw(self, version: str, replacement: str | None = None) -> None:
        number = parse_version(replacement) if replacement is not None else None
        draft = with_withdrawal(
            self.repository.roles[CAD], CAD, parse_version(version), Withdrawal("It lost work.", number), self.now
        )
        self.submit({CAD: sign(CAD, draft, self.engineer)})

    def releases(self, product: ProductName = CAD) -> ProductReleases:
        listed = self.repository.targets(product).targets.items()
        own = {path: target for path, target in listed if path.startswith(f"{product}/") and path.count("/") == 2}
        every = releases_of(product, own)
        return ProductReleases(product, visible_on(every, self.now.date()))

    def licence_key(self, product: ProductName = CAD, licence_id: str = "L-1", by: SigningKey | None = None) -> str:
        return issue_licence_key(
            licence_id=licence_id,
            product=product,
            edition=PRO,
            purchased_on=BOUGHT_ON,
            seats=5,
            now=NOW - timedelta(days=100),
            key=by or self.licence_signer,
        )

    def certificate(
        self, entitlement: Entitlement | None = None, now: datetime | None = None, by: SigningKey | None = None
    ) -> str:
        return issue_certificate(
            entitlement or self.entitlement, 5, now or self.now, REFRESH_AFTER, by or self.certificate_signer
        )

    def with_status(self, status: LicenceStatus) -> None:
        self.entitlement = replace(self.entitlement, status=status)


@dataclass(slots=True)
class Site:
    """The vendor's server and store. The attributes below the addresses are what a test changes."""

    vendor: Vendor
    server: Loopback
    store: Loopback
    answer_of: Callable[[Document], object] = lambda document: document  # what the update check says
    on_server: Callable[[Request], Reply | None] = lambda request: None  # a reply in place of the usual one
    on_store: Callable[[Request, bytes], Reply | None] = lambda request, body: None
    is_gate_open: bool = False  # hands out everything
    certificate_of: Callable[[], str] | None = None

    # The server

    def serve(self, request: Request) -> Reply:
        reply = self.on_server(request)
        if reply is not None:
            return reply
        parts = urlsplit(request.path)
        if parts.path.startswith("/metadata/"):
            data = self.vendor.repository.files().get(parts.path.removeprefix("/metadata/"))
            return Reply(200, data) if data is not None else problem(404, "unknown_file")
        if parts.path.startswith("/downloads/_trust/"):
            data = self.vendor.trusted_files.get(parts.path.removeprefix("/downloads/"))
            return Reply(200, data) if data is not None else problem(404, "unknown_file")
        if request.headers.get("authorization") != f"License {self.vendor.licence_key()}":
            return problem(401, "unknown_licence")
        if parts.path == "/v1/update-check":
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            return json_reply(self.answer_of(self.honest_answer(query, request.headers.get("tenure-certificate"))))
        if parts.path == "/v1/licence":
            return json_reply({"licence_id": "L-1", "certificate": self._certificate()})
        return self._download(parts.path)

    def honest_answer(self, query: dict[str, str], certificate: str | None) -> Document:
        vendor, entitlement = self.vendor, self.vendor.entitlement
        copy = InstalledCopy(
            parse_version(query["version"]),
            platform_of(query["os"], query["arch"]),
            ChannelName(query["channel"]),
            query["install_id"],
            query["manual"] == "true",
        )
        choice = choose_update(entitlement, vendor.releases(), copy)
        withdrawn = choice.installed.withdrawal if choice.installed is not None else None
        newest = choice.newest
        last_day = entitlement.last_supported_day
        return {
            "status": choice.status.value,
            "product": CAD,
            "edition": PRO,
            "channel": query["channel"],
            "installed": {
                "version": query["version"],
                "withdrawn": {"reason": withdrawn.reason, "replacement": None} if withdrawn is not None else None,
            },
            "offer": self._offer(choice.offer) if choice.offer is not None else None,
            "newest": {
                "version": str(newest.release.version),
                "kind": newest.release.kind.value,
                "released_on": newest.release.released_on.isoformat(),
                "channel": newest.release.channel,
                "covered": isinstance(newest.coverage, Covered),
                "reason": newest.coverage.reason.value,
                "price": None,
            }
            if newest is not None
            else None,
            "support": {
                "supported_today": entitlement.supports(vendor.now.date()),
                "last_covered_day": last_day.isoformat() if last_day is not None else None,
                "days_left": max(0, (last_day - vendor.now.date()).days + 1) if last_day is not None else 0,
                "periods": [
                    {"starts_on": p.starts_on.isoformat(), "ends_on": p.ends_on.isoformat()}
                    for p in entitlement.periods
                ],
            },
            "renewal": {
                "can_be_ordered": False,
                "state": "too_early",
                "last_call": False,
                "opens_on": "2026-12-31",
                "closes_on": "2027-03-31",
                "options": [
                    {
                        "years": 1,
                        "starts_on": "2027-04-01",
                        "ends_on": "2028-03-31",
                        "price": {"minor_units": 18_000, "currency": "MYR"},
                    }
                ],
                "url": "https://updates.example.com/portal",
            },
            "certificate": self._certificate() if certificate is not None else None,
            "of_a_later_server": {"what": ["ever"]},
        }

    def _offer(self, offer: Offer) -> Document:
        return self.offer_document(offer.release) | {
            "reason": offer.covered.reason.value,
            "downgrade": offer.is_downgrade,
            "more_steps_follow": offer.more_steps_follow,
            "last_step": str(offer.last_step) if offer.last_step is not None else None,
        }

    def offer_document(self, release: Release) -> Document:
        """The release as an honest server would offer it, were it the one to offer."""
        return {
            "version": str(release.version),
            "kind": release.kind.value,
            "released_on": release.released_on.isoformat(),
            "channel": release.channel,
            "reason": "support_period",
            "downgrade": False,
            "more_steps_follow": False,
            "last_step": None,
            "notes": self.vendor.notes.get(str(release.version)),
            "builds": [
                {
                    "file_name": build.file_name,
                    "os": build.platform.os,
                    "arch": build.platform.arch,
                    "length": build.length,
                    "sha256": build.sha256,
                    "path": build.path,
                    "url": f"{self.server.url}/downloads/{build.path}",
                }
                for build in release.builds
            ],
        }

    def _certificate(self) -> str:
        return self.certificate_of() if self.certificate_of is not None else self.vendor.certificate()

    def _download(self, path: str) -> Reply:
        folder, _, name = path.removeprefix("/downloads/").rpartition("/")
        target = f"{folder}/{name.partition('.')[2]}"
        product = self.vendor.releases()
        release = next((r for r in product.releases if any(b.path == target for b in r.builds)), None)
        if release is None and not self.is_gate_open:
            return problem(404, "unknown_release")
        if not self.is_gate_open:
            assert release is not None
            match download_decision(self.vendor.entitlement, release, product):
                case NotCovered(reason):
                    return problem(403, reason.value, "Not covered.")
                case Withheld.WITHDRAWN:
                    return problem(410, "withdrawn", "It was withdrawn.")
                case _:
                    pass
        return Reply(302, headers={"Location": f"{self.store.url}/bucket/{target}?signature=secret"})

    # The store

    def hand_out(self, request: Request) -> Reply:
        body = self.vendor.bodies[urlsplit(request.path).path.removeprefix("/bucket/")]
        return self.on_store(request, body) or ranged(request, body)

    # Clients

    def client(self, state: Path, version: str = "2.4.1", **options: Any) -> Client:
        """A client that gives up quickly; with the licence key unless told otherwise."""
        arguments: Document = {
            "root": self.vendor.root,
            "server_url": self.server.url,
            "product": "cad",
            "version": version,
            "state_directory": state,
            "licence_key": self.vendor.licence_key(),
            "platform": "linux-x86_64",
            "clock": lambda: self.vendor.now,
        }
        client = Client.open(**(arguments | options))
        return Client(replace(client._configuration, limits=QUICK))


def ranged(request: Request, body: bytes) -> Reply:
    """What an honest store answers, with a range if one was asked for."""
    asked = request.headers.get("range")
    if asked is None:
        return Reply(200, body)
    start = int(asked.removeprefix("bytes=").removesuffix("-"))
    if start >= len(body):
        return Reply(416, headers={"Content-Range": f"bytes */{len(body)}"})
    return Reply(206, body[start:], {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"})


@contextmanager
def running_site() -> Iterator[Site]:
    """A vendor that has published 2.4.1, 2.5.0 and 2.6.0, all covered by the licence."""
    vendor = Vendor()
    vendor.publish("2.4.1", "2026-05-01")
    vendor.publish("2.5.0", "2026-07-01")
    vendor.publish("2.6.0", "2026-10-01", notes="Faster hidden-line removal.")
    with running_loopback(lambda _: Reply(500)) as server, running_loopback(lambda _: Reply(500)) as store:
        site = Site(vendor, server, store)
        server.answer, store.answer = site.serve, site.hand_out
        yield site
