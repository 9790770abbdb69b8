"""Recorded catalogues, licences and update checks, each with the exact answer: see README.md beside this file.

python -m tests.golden.replay      records the answers anew, to be looked at as a diff before they are committed
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.testclient import TestClient

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.app import create_app
from tenure_signing.entitlement import LicenceStatus, Pin, Turn
from tenure_signing.names import ChannelName, EditionName, ProductName, parse_platform
from tenure_signing.releases import Money, PaidUpgrade, Rollout
from tests.server.world import WHO, World, license_header

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.json"))

Json = dict[str, Any]


def opened(recorded: Json, directory: Path) -> tuple[TestClient, dict[str, str]]:
    """A server with the recorded catalogue and licences, and the licence keys by the licences' names."""
    world = World(directory, MemoryDatabase(), today=date.fromisoformat(recorded["today"]))
    product = ProductName(recorded["product"]["name"])
    world.add_product(product, tuple(EditionName(name) for name in recorded["product"]["editions"]))
    for release in recorded["releases"]:
        _publish(world, product, release)
    for release in recorded["releases"]:
        if withdrawn := release.get("withdrawn"):
            world.withdraw(release["version"], withdrawn["reason"], withdrawn.get("replacement"), product)
        if rollout := release.get("rollout"):
            world.roll_out(release["version"], Rollout(**rollout), product)
    keys = {name: _sell(world, product, licence) for name, licence in recorded["licences"].items()}
    return TestClient(create_app(world.installation), follow_redirects=False), keys


def _publish(world: World, product: ProductName, release: Json) -> None:
    paid = release.get("paid_upgrade")
    world.publish(
        release["version"],
        date.fromisoformat(release["released_on"]),
        product=product,
        platforms=tuple(parse_platform(name) for name in release["platforms"]),
        editions=tuple(EditionName(name) for name in release["editions"]),
        channel=release.get("channel", "stable"),
        upgrade_from=release.get("upgrade_from"),
        paid_upgrade=PaidUpgrade(*(Money(price, "MYR") for price in paid)) if paid else None,
        notes=release.get("notes"),
    )


def _sell(world: World, product: ProductName, licence: Json) -> str:
    sold = world.issue(
        date.fromisoformat(licence["purchased_on"]),
        smp_years=licence.get("smp_years"),
        product=product,
        edition=EditionName(licence["edition"]),
    )
    change, identity = world.installation.change_update_rules, sold.licence.licence_id
    if pin := licence.get("pin"):
        change.pin(identity, Pin(*pin), who=WHO)
    if turn := licence.get("turn"):
        change.take_turn(identity, Turn(turn), who=WHO)
    if channels := licence.get("channels"):
        change.allow_channels(identity, frozenset(ChannelName(name) for name in channels), who=WHO)
    if status := licence.get("status"):
        world.change_status(sold.licence, LicenceStatus(status))
    return sold.key


def questions(recorded: Json) -> Iterator[tuple[str, str]]:
    """The licence's name and the query of every check: each licence with each of the recorded questions."""
    for name in recorded["licences"]:
        for question in recorded["questions"]:
            yield name, urlencode({"product": recorded["product"]["name"], **question})


def ask(client: TestClient, key: str, query: str, *, path: str = "/v1/update-check") -> Json:
    """Status and exact body."""
    answer = client.get(f"{path}?{query}", headers=license_header(key))
    return {"status": answer.status_code, "body": answer.text}


def record(file: Path) -> None:
    recorded = json.loads(file.read_text())
    with tempfile.TemporaryDirectory() as directory:
        client, keys = opened(recorded, Path(directory))
        recorded["answers"] = {
            f"{name} {query}": _readable(ask(client, keys[name], query)) for name, query in questions(recorded)
        }
    file.write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n")


def _readable(answer: Json) -> Json:
    """The body as JSON, so that a change can be read in a diff; its exact text is what ``exact`` makes of it."""
    return {"status": answer["status"], "body": json.loads(answer["body"])}


def exact(body: Json) -> str:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


if __name__ == "__main__":
    for each in FILES:
        record(each)
