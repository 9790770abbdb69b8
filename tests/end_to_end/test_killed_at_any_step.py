"""Power cuts: each command is killed at each of its steps. Nothing half done shows, and the same command completes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tenure_server.domain.licences import Licence
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.download import store_key
from tenure_signing.names import ProductName
from tenure_signing.releases import Release
from tests.end_to_end.killing import Killer
from tests.end_to_end.shop import days_ago
from tests.server.cli.at_the_terminal import Operator
from tests.signing.tuf_repository import a_client

if TYPE_CHECKING:
    from tests.services.postgres import PostgresServer
    from tests.services.swift import S3Server

CAD = ProductName("cad")
ADD_CAD = ("product", "add", "cad", "--edition", "pro")


@dataclass
class Victim:
    """An installation whose commands are killed, and a TUF client that has followed it from the beginning."""

    operator: Operator
    killer: Killer
    clients: list[Path] = field(default_factory=list)

    def follow(self) -> None:
        """A client that comes back, and one that is new, accept all that is published."""
        with closing(self.operator.installation()) as installation, installation.database.reading() as records:
            repository = read_repository(records)
        new = self.operator.directory / f"client-{len(self.clients)}"
        new.mkdir()
        self.clients.append(new)
        for state in {self.clients[0], new}:
            client = a_client(repository, state, now=installation.signing_clock())
            client.refresh()
            for release in self.releases():
                for build in release.builds:
                    target = client.get_targetinfo(build.path)
                    assert target is not None
                    assert target.hashes["sha256"] == build.sha256

    def releases(self) -> tuple[Release, ...]:
        with closing(self.operator.installation()) as installation:
            return installation.catalogue.current().product(CAD).releases

    def release(self, version: str) -> Release | None:
        return next((release for release in self.releases() if str(release.version) == version), None)

    def stored(self, release: Release) -> list[bytes]:
        with closing(self.operator.installation()) as installation:
            return [b"".join(installation.store.read(store_key(build))) for build in release.builds]

    def licences(self) -> tuple[Licence, ...]:
        with closing(self.operator.installation()) as installation, installation.database.reading() as records:
            return records.licences.search(limit=10_000)

    def killed_everywhere(self, command: Callable[[int], tuple[object, ...]]) -> Iterator[tuple[int, bool]]:
        """Each place, and whether the transaction was committed there. ``command`` is another one for each place; those
        for 0 and 1000 are not killed: the first of its kind makes folders, the next shows the steps."""
        self.killer.did(*command(1000))
        steps = self.killer.did(*command(0)).steps
        assert {"start", "statement", "commit", "committed", "end"} <= set(steps)
        last_of_the_files = steps.index("statement") if self.operator.settings else 1  # those were killed with SQLite
        for place in self.killer.places(steps):
            if 1 < place < last_of_the_files:
                continue
            outcome = self.killer.run(*command(place), die_at=place)
            assert outcome.was_killed, outcome
            assert outcome.steps == steps[:place]
            yield place, "committed" in outcome.steps


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def victim(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Victim]:
    settings: dict[str, str] = {}
    if request.param == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres_server")
        settings["TENURE_DATABASE_URL"] = postgres.new_database()
    operator = Operator(tmp_path, settings, today=date.today())
    with closing(Killer(operator.environment)) as killer:
        killer.did("init")
        killer.did(*ADD_CAD)
        yield Victim(operator, killer)
    if settings:
        postgres.drop_database(settings["TENURE_DATABASE_URL"])


def publish(operator: Operator, version: str, body: bytes) -> tuple[object, ...]:
    file = operator.build(f"cad-{version}.zip", body)
    return ("publish", file, "--product", "cad", "--version", version, "--platform", "any", "--notes", "News.")


def test_publishing(victim: Victim) -> None:
    """Two and a half MiB: the upload is cut between its pieces too."""

    def body(number: int) -> bytes:
        return number.to_bytes(2) * 1_250_000

    def command(number: int) -> tuple[object, ...]:
        return publish(victim.operator, f"1.{number}", body(number))

    for number, was_done in victim.killed_everywhere(command):
        version = f"1.{number}"
        assert (victim.release(version) is not None) == was_done
        victim.killer.did(*command(number))
        release = victim.release(version)
        assert release is not None
        assert victim.stored(release) == [body(number)]
        assert victim.operator.audit_trail(f"cad {version}") == ["release.publish"]
    victim.follow()
    with closing(victim.operator.installation()) as installation:
        assert len(list(installation.store.keys())) == len(victim.releases())


def test_withdrawing(victim: Victim) -> None:
    def command(number: int) -> tuple[object, ...]:
        version = f"1.{number}"
        victim.killer.did(*publish(victim.operator, version, b"a build"))
        return ("withdraw", "--product", "cad", "--version", version, "--reason", "crashes")

    for number, was_done in victim.killed_everywhere(command):
        version = f"1.{number}"
        release = victim.release(version)
        assert release is not None
        assert (release.withdrawal is not None) == (was_done)
        victim.killer.did("withdraw", "--product", "cad", "--version", version, "--reason", "crashes")
        release = victim.release(version)
        assert release is not None
        assert release.withdrawal is not None
        assert victim.operator.audit_trail(f"cad {version}") == ["release.withdraw", "release.publish"]
    victim.follow()


def issue(customer: str, *options: str) -> tuple[object, ...]:
    order = ("licence", "issue", "--product", "cad", "--edition", "pro", "--customer", customer, "--price", "1000")
    return (*order, "--purchased-on", days_ago(300).isoformat(), "--smp-years", "1", "--json", *options)


def test_selling(victim: Victim) -> None:
    """A sale that was cut off is there whole, with its key, or not at all; given again, it sells once."""

    def command(number: int) -> tuple[object, ...]:
        return issue(f"Customer {number:03}", "--reference", f"PO {number}")

    for number, was_done in victim.killed_everywhere(command):
        sold = [licence for licence in victim.licences() if licence.customer == f"Customer {number:03}"]
        assert len(sold) == was_done
        for licence in sold:
            assert len(licence.periods) == len(licence.keys) == len(licence.lines) == 1
            assert victim.operator.audit_trail(licence.licence_id) == ["licence.issue"]
            shown = victim.operator.did("licence", "show", licence.licence_id, "--reveal-key", "--json").json
            assert shown["key"].startswith("eyJ")
        again = json.loads(victim.killer.did(*command(number)).out)
        sold = [licence for licence in victim.licences() if licence.customer == f"Customer {number:03}"]
        assert [licence.licence_id for licence in sold] == [again["licence_id"]]
        assert again["key"].startswith("eyJ")


def test_paying_an_order(victim: Victim) -> None:
    """Paid and delivered are one step: never one without the other, and never twice."""
    orders: dict[int, str] = {}
    customer = victim.operator.did("customer", "add", "--name", "Ada", "--json").json["customer_id"]
    sale = ("--customer-id", customer, "--product", "cad", "--edition", "pro", "--price", "1000", "--smp-years", "2")

    def command(number: int) -> tuple[object, ...]:
        orders[number] = json.loads(victim.killer.did("order", "create", *sale, "--json").out)["order"]
        return ("order", "pay", orders[number], "--payment", "transfer 7")

    for number, was_done in victim.killed_everywhere(command):
        shown = victim.operator.did("order", "show", orders[number], "--json").json
        assert shown["state"] == ("paid" if was_done else "ordered")
        assert len([one for one in victim.licences() if one.licence_id == shown["licence_id"]]) == was_done
        victim.killer.did("order", "pay", orders[number], "--payment", "transfer 7")
        shown = victim.operator.did("order", "show", orders[number], "--json").json
        (licence,) = (one for one in victim.licences() if one.licence_id == shown["licence_id"])
        assert [paid.order for paid in licence.periods] == [orders[number]]
        assert victim.operator.audit_trail(orders[number]) == ["order.paid", "order.create"]
    assert len(victim.licences()) == len(orders)


def test_renewing(victim: Victim) -> None:
    """Nobody pays twice: after a renewal that was done the same command is refused as too early."""
    licences: dict[int, str] = {}

    def command(number: int) -> tuple[object, ...]:
        sold: dict[str, Any] = json.loads(victim.killer.did(*issue("Ada")).out)
        licences[number] = sold["licence_id"]
        return ("licence", "renew", sold["licence_id"], "--years", "1")

    for number, was_done in victim.killed_everywhere(command):
        again = victim.killer.run("licence", "renew", licences[number], "--years", "1")
        assert again.code == (1 if was_done else 0)
        assert ("too early" in again.err) == was_done
        licence = next(each for each in victim.licences() if each.licence_id == licences[number])
        assert len(licence.periods) == 2
        assert victim.operator.audit_trail(licence.licence_id) == ["licence.support_period", "licence.issue"]


def test_adding_a_product(victim: Victim) -> None:
    def command(number: int) -> tuple[object, ...]:
        return ("product", "add", f"cad-{number}", "--edition", "pro")

    for number, was_done in victim.killed_everywhere(command):
        names = [product["name"] for product in victim.operator.did("product", "list", "--json").json]
        assert (f"cad-{number}" in names) == (was_done)
        victim.killer.did(*command(number))
        assert victim.operator.audit_trail(f"cad-{number}") == ["product.add"]
    victim.follow()


def test_init(tmp_path: Path) -> None:
    """On SQLite, where there is most to make; of each kind of step the first and the last."""
    operator = Operator(tmp_path)
    with closing(Killer(operator.environment)) as killer:
        steps = killer.did("init").steps
        places = {steps.index(step) + 1 for step in steps} | {len(steps) - steps[::-1].index(step) for step in steps}
        for place in sorted(places):
            shutil.rmtree(operator.data_dir)
            assert killer.run("init", die_at=place).was_killed
            root = operator.data_dir / "root.json"
            assert not root.exists() or json.loads(root.read_bytes())
            killer.did("init")
            assert operator.audit_trail() == ["server.initialise"]
            with closing(operator.installation()) as installation, installation.database.reading() as records:
                assert root.read_bytes() == records.signed_files.roots()[0]
            for path in (operator.data_dir, *operator.data_dir.rglob("*")):
                if "root.json" not in path.name:
                    assert path.stat().st_mode & 0o077 == 0, path


@pytest.fixture
def s3_victim(s3_server: S3Server, tmp_path: Path) -> Iterator[Victim]:
    settings = {
        "TENURE_S3_BUCKET": s3_server.new_bucket(),
        "TENURE_S3_ENDPOINT_URL": s3_server.endpoint_url,
        "TENURE_S3_REGION": s3_server.region,
        "TENURE_S3_ACCESS_KEY_ID": s3_server.access_key,
        "TENURE_S3_SECRET_ACCESS_KEY": s3_server.secret_key,
    }
    operator = Operator(tmp_path, settings, today=date.today())
    with closing(Killer(operator.environment)) as killer:
        killer.did("init")
        killer.did(*ADD_CAD)
        yield Victim(operator, killer)


def test_publishing_to_s3(s3_victim: Victim) -> None:
    """Killed before each kind of request, where the upload has several parts."""
    body = bytes(range(256)) * 70_000

    s3_victim.killer.did(*publish(s3_victim.operator, "1.0", body))
    steps = s3_victim.killer.did(*publish(s3_victim.operator, "1.1000", body)).steps
    kinds = {step for step in steps if step.startswith("s3 ")}
    assert "s3 UploadPart" in kinds
    for number in sorted({steps.index(kind) + 1 for kind in kinds}):
        version = f"1.{number}"
        command = publish(s3_victim.operator, version, body)
        assert s3_victim.killer.run(*command, die_at=number).was_killed
        assert s3_victim.release(version) is None
        s3_victim.killer.did(*command)
        release = s3_victim.release(version)
        assert release is not None
        assert s3_victim.stored(release) == [body]
