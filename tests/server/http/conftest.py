"""A vendor with a history of releases, over each database; and one that a test may change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tenure_server.adapters.database import SqlDatabase, upgrade_schema
from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.app import create_app
from tenure_server.use_cases.issue_licence import IssuedLicence
from tenure_server.use_cases.ports import Database
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.releases import Money, PaidUpgrade, Rollout
from tests.server.http.office import Office
from tests.server.world import CAM, LINUX, LITE, PRO, World
from tests.services.postgres import PostgresServer

HISTORY = """
1.0    2024-01-10  before the purchases
1.1    2024-06-01  in Ada's support period
1.1.5  2024-07-01  of the lite edition only
1.2    2024-12-01  in Ada's support period
1.3    2025-01-15  in it too; withdrawn, 1.2 in its place
1.4    2025-02-10  in it too; halted
1.5b1  2025-02-20  in it too; beta; for Linux only
2.0    2025-06-01  after Ada's support; with notes
3.0    2026-01-10  a paid upgrade
4.0    2027-01-01  in the future
"""


@dataclass(frozen=True, slots=True, repr=False)
class Shop:
    """``ada`` had one year of SMP from 2024-03-01; ``bo`` has two years from 2025-12-01; ``cyn`` has lite and
    never had SMP; ``dee`` has another product; ``eve`` is suspended and ``fay`` revoked, both with SMP."""

    world: World
    client: TestClient
    ada: IssuedLicence
    bo: IssuedLicence
    cyn: IssuedLicence
    dee: IssuedLicence
    eve: IssuedLicence
    fay: IssuedLicence

    @property
    def licences(self) -> dict[str, IssuedLicence]:
        return {"ada": self.ada, "bo": self.bo, "cyn": self.cyn, "dee": self.dee, "eve": self.eve, "fay": self.fay}


def open_shop(directory: Path, database: Database) -> Shop:
    """The releases of ``HISTORY`` and the licences."""
    world = World(directory, database)
    world.add_product()
    world.add_product(CAM)
    world.publish("1.0", date(2024, 1, 10), product=CAM)
    world.publish("1.0", date(2024, 1, 10))
    world.publish("1.1", date(2024, 6, 1))
    world.publish("1.1.5", date(2024, 7, 1), editions=(LITE,))
    world.publish("1.2", date(2024, 12, 1))
    world.publish("1.3", date(2025, 1, 15))
    world.publish("1.4", date(2025, 2, 10))
    world.publish("1.5b1", date(2025, 2, 20), channel="beta", platforms=(LINUX,))
    world.publish("2.0", date(2025, 6, 1), notes="# New\n\nFaster *hidden-line* removal.\n")
    prices = PaidUpgrade(Money(20_000, "MYR"), Money(40_000, "MYR"))
    world.publish("3.0", date(2026, 1, 10), paid_upgrade=prices)
    world.publish("4.0", date(2027, 1, 1))
    world.withdraw("1.3", "it loses drawings", "1.2")
    world.roll_out("1.4", Rollout(is_halted=True))
    eve, fay = world.issue(date(2024, 3, 1)), world.issue(date(2024, 3, 1))
    world.change_status(eve.licence, LicenceStatus.SUSPENDED)
    world.change_status(fay.licence, LicenceStatus.REVOKED)
    return Shop(
        world=world,
        client=TestClient(create_app(world.installation), follow_redirects=False),
        ada=world.issue(date(2024, 3, 1), smp_years=1, edition=PRO),
        bo=world.issue(date(2025, 12, 1), smp_years=2, edition=PRO),
        cyn=world.issue(date(2024, 3, 1), smp_years=None, edition=LITE),
        dee=world.issue(date(2024, 3, 1), product=CAM),
        eve=eve,
        fay=fay,
    )


@pytest.fixture(scope="session", params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Not to be changed by tests."""
    directory = tmp_path_factory.mktemp("shop")
    match request.param:
        case "memory":
            yield open_shop(directory, MemoryDatabase())
        case "sqlite":
            with _migrated(f"sqlite:///{directory / 'tenure.db'}") as database:
                yield open_shop(directory, database)
        case "postgres":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = server.new_database()
            with _migrated(url) as database:
                yield open_shop(directory, database)
            server.drop_database(url)


@contextmanager
def _migrated(url: str) -> Iterator[Database]:
    upgrade_schema(url)
    database = SqlDatabase(url)
    try:
        yield database
    finally:
        database.close()


@pytest.fixture
def own_shop(tmp_path: Path) -> Shop:
    """A test's own, to be changed."""
    return open_shop(tmp_path, MemoryDatabase())


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """A test's own, to be changed; much quicker to open than a shop."""
    world = World(tmp_path, MemoryDatabase())
    world.add_product()
    return Office(world, TestClient(create_app(world.installation), follow_redirects=False))
