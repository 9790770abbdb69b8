"""A vendor with customers who come to the page: what was released when, and who bought what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from httpx2 import Response
from starlette.testclient import TestClient

from tenure_server.app import create_app
from tenure_server.installation import Installation
from tenure_server.settings import Settings
from tenure_server.use_cases.issue_licence import IssuedLicence
from tenure_server.use_cases.ports import Database
from tenure_signing.entitlement import LicenceStatus, SupportPeriod
from tenure_signing.releases import Money, PaidUpgrade, Rollout
from tests.server.world import LINUX, PRO, WHO, World

PUBLIC_URL = "https://updates.example.com"
OWN_PAGE = {"Origin": PUBLIC_URL, "Sec-Fetch-Site": "same-origin"}
NOTES = "## Highlights\n\n- Faster **hidden-line** removal\n"


@dataclass(frozen=True, slots=True, repr=False)
class Counter:
    """On 2026-11-23. ``ada`` has support again, after a gap; ``bo``'s has ended; ``cyn`` never had any; ``eve`` is
    suspended and ``fay`` revoked."""

    world: World
    ada: IssuedLicence
    bo: IssuedLicence
    cyn: IssuedLicence
    eve: IssuedLicence
    fay: IssuedLicence

    def client(self, installation: Installation | None = None, **settings: object) -> TestClient:
        """A browser without a session; the server may have other settings."""
        opened = installation if installation is not None else self.world.reopened(**settings)
        return TestClient(create_app(opened), base_url=opened.settings.public_url, follow_redirects=False)

    def signed_in(self, licence: IssuedLicence, **settings: object) -> TestClient:
        client = self.client(self.world.reopened(**settings))
        response = sign_in(client, licence.key)
        assert response.status_code == 303, response.text
        return client


def open_counter(directory: Path, database: Database) -> Counter:
    world = World(directory, database, Settings(vendor_name="Harbour Software"))
    world.add_product()
    world.publish("1.0", date(2024, 1, 10))
    world.publish("1.1", date(2024, 9, 2))
    world.publish("2.0", date(2025, 9, 1), notes=NOTES)
    world.publish("2.1", date(2026, 2, 10))
    world.publish("2.1.1", date(2026, 3, 1))
    world.publish("2.2", date(2026, 5, 15), notes=NOTES)
    world.publish("2.2.1", date(2026, 6, 1))
    world.publish("2.3b1", date(2026, 11, 1), channel="beta", platforms=(LINUX,))
    prices = PaidUpgrade(Money(15_000, "MYR"), Money(45_000, "MYR"))
    world.publish("3.0", date(2026, 11, 10), paid_upgrade=prices)
    world.publish("4.0", date(2027, 6, 1))
    world.withdraw("2.1.1", "it loses layers", "2.2")
    world.roll_out("2.2.1", Rollout(is_halted=True))
    ada = world.issue(date(2024, 2, 1), smp_years=1, edition=PRO, customer="Ada Tan")
    world.installation.add_period_by_hand(
        ada.licence.licence_id, SupportPeriod(date(2026, 1, 15), date(2027, 1, 14)), reason="came back", who=WHO
    )
    eve, fay = world.issue(date(2025, 6, 1), smp_years=2), world.issue(date(2025, 6, 1), smp_years=2)
    world.change_status(eve.licence, LicenceStatus.SUSPENDED)
    world.change_status(fay.licence, LicenceStatus.REVOKED)
    return Counter(
        world=world,
        ada=ada,
        bo=world.issue(date(2024, 2, 1), smp_years=2, customer="Bo Lim"),
        cyn=world.issue(date(2026, 4, 1), smp_years=None, customer="Cyn Ng"),
        eve=eve,
        fay=fay,
    )


def sign_in(client: TestClient, key: str, headers: dict[str, str] | None = None) -> Response:
    return client.post("/portal/session", data={"key": key}, headers=OWN_PAGE if headers is None else headers)


def words(response: Response) -> str:
    """What the page says, without its tags, in one line."""
    text = re.sub(r"<[^>]+>", " ", response.text.partition("<body>")[2])
    for entity, character in (("&#39;", "'"), ("&#34;", '"'), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return re.sub(r"\s+([.,)])", r"\1", re.sub(r"\s+", " ", text))


def release_card(response: Response, version: str) -> str:
    """The words about one release."""
    cards = re.findall(r"<article.*?</article>", response.text, re.DOTALL)
    found = [card for card in cards if re.search(rf"<h3[^>]*>CAD {re.escape(version)}</h3>", card)]
    assert len(found) == 1, f"{len(found)} cards of {version}"
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0]))
