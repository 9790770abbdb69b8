"""A small vendor for tests: a real installation in a directory, with real keys, metadata, builds and licences.

Everything goes through the use cases that operators and release engineers use; only the clock is the test's.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from securesystemslib.signer import Signer

from tenure_server.domain.licences import Licence
from tenure_server.domain.products import Product
from tenure_server.installation import Installation
from tenure_server.settings import Settings
from tenure_server.use_cases.issue_licence import IssuedLicence, LicenceOrder
from tenure_server.use_cases.ports import Database
from tenure_server.use_cases.publish import FileToPublish, PublishRequest
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.key_sources import new_key, tuf_signer
from tenure_signing.names import ChannelName, EditionName, FileName, Platform, ProductName
from tenure_signing.problem_numbers import ProblemNumber
from tenure_signing.releases import Money, PaidUpgrade, Release, Rollout
from tenure_signing.versions import Version

WHO = "a test"
CAD, CAM = ProductName("cad"), ProductName("cam")
PRO, LITE = EditionName("pro"), EditionName("lite")
LINUX, WINDOWS = Platform("linux", "x86_64"), Platform("windows", "x86_64")
MYR_1000 = Money(100_000, "MYR")
TODAY = date(2026, 11, 23)


@dataclass
class World:
    """``today`` moves the clock, at noon UTC and ``past_noon``. TUF metadata is dated by the same clock."""

    directory: Path
    database: Database
    settings: Settings = field(default_factory=Settings)
    today: date = TODAY
    past_noon: timedelta = timedelta()
    root: Signer = field(default_factory=lambda: tuf_signer(new_key()))
    targets: Signer = field(default_factory=lambda: tuf_signer(new_key()))
    engineer: Signer = field(default_factory=lambda: tuf_signer(new_key()))

    def __post_init__(self) -> None:
        self.settings = replace(self.settings, data_dir=self.directory, base_url="https://updates.example.com")
        self.installation = self.reopened()
        keys = self.installation.keys
        keys.make_online_keys()
        self.root_json = self.installation.initialise(
            root=self.root,
            targets=self.targets,
            online=keys.online_signers,
            licence_keys=keys.licence_key_set(),
            who=WHO,
        )

    def now(self) -> datetime:
        return datetime.combine(self.today, time(12), UTC) + self.past_noon

    def reopened(self, **settings: object) -> Installation:
        """The same installation in another process, perhaps with other settings."""
        installation = Installation(replace(self.settings, **settings), clock=self.now, signing_clock=self.now)  # type: ignore[arg-type]
        vars(installation)["database"] = self.database
        return installation

    def add_product(self, name: ProductName = CAD, editions: tuple[EditionName, ...] = (PRO, LITE)) -> None:
        self.installation.add_product(
            Product(name, name.upper(), editions),
            targets=[self.targets],
            product_signers=[self.engineer],
            online=self.installation.keys.online_signers,
            who=WHO,
        )

    def publish(
        self,
        version: str,
        released_on: date,
        *,
        product: ProductName = CAD,
        platforms: tuple[Platform, ...] = (LINUX, WINDOWS),
        editions: tuple[EditionName, ...] = (PRO, LITE),
        channel: str = "stable",
        upgrade_from: str | None = None,
        paid_upgrade: PaidUpgrade | None = None,
        notes: str | None = None,
        file_name: str | None = None,
        fixes: tuple[str, ...] | None = None,
    ) -> Release:
        """One build per platform, with a body of its own."""
        files = []
        for platform in platforms:
            name = file_name or f"{product}-{version}-{platform}.zip"
            source = self.directory / "built" / name
            source.parent.mkdir(exist_ok=True)
            source.write_bytes(body_of(name))
            files.append(FileToPublish(source, FileName(name), platform))
        request = PublishRequest(
            product=product,
            version=Version(version),
            files=tuple(files),
            editions=frozenset(editions),
            channel=ChannelName(channel),
            released_on=released_on,
            upgrade_from=Version(upgrade_from) if upgrade_from is not None else None,
            paid_upgrade=paid_upgrade,
            notes=notes,
            fixes=tuple(map(ProblemNumber, fixes)) if fixes is not None else None,
        )
        published = self.installation.publish(
            request, signers=[self.engineer], online=self.installation.keys.online_signers, who=WHO
        )
        return published.release

    def withdraw(self, version: str, reason: str, replacement: str | None = None, product: ProductName = CAD) -> None:
        self.installation.withdraw(
            product,
            Version(version),
            reason=reason,
            replacement=Version(replacement) if replacement is not None else None,
            signers=[self.engineer],
            online=self.installation.keys.online_signers,
            who=WHO,
        )

    def roll_out(self, version: str, rollout: Rollout, product: ProductName = CAD) -> None:
        with self.database.writing() as records:
            records.rollouts.set(product, Version(version), rollout)

    def issue(
        self,
        purchased_on: date,
        *,
        smp_years: int | None = 1,
        product: ProductName = CAD,
        edition: EditionName = PRO,
        customer: str = "Ada Tan",
    ) -> IssuedLicence:
        order = LicenceOrder(product, edition, customer, MYR_1000, smp_years=smp_years, purchased_on=purchased_on)
        return self.installation.issue_licence(order, who=WHO)

    def change_status(self, licence: Licence, status: LicenceStatus) -> None:
        self.installation.change_status(licence.licence_id, status, reason="invoice unpaid", who=WHO)


def body_of(file_name: str) -> bytes:
    return f"the bytes of {file_name}\n".encode() * 100


def license_header(key: str) -> dict[str, str]:
    return {"Authorization": f"License {key}"}


def basic_header(key: str, user: str = "licence") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{key}".encode()).decode()}
