"""A rollout with real processes: commands, a real server and real installed copies, on each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

import pytest

from tenure_client import UpdateStatus
from tenure_client.errors import RequestRefused
from tests.end_to_end.shop import Shop, days_ago, open_shop

if TYPE_CHECKING:
    from tests.services.postgres import PostgresServer

SECONDS_TO_HAPPEN = 20.0
SECONDS_BEHIND = 1.1  # a running server sees within a second what a command has changed


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """1.0 and 1.1 are published."""
    settings: dict[str, str] = {}
    if request.param == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres_server")
        settings["TENURE_DATABASE_URL"] = postgres.new_database()
    with open_shop(tmp_path, settings) as shop:
        shop.publish("1.0", days_ago(100))
        shop.publish("1.1", days_ago(10))
        sleep(SECONDS_BEHIND)
        yield shop


def becomes(status: UpdateStatus, check: Callable[[], UpdateStatus]) -> bool:
    """Whether it does, in good time."""
    give_up_at = monotonic() + SECONDS_TO_HAPPEN
    while check() is not status:
        if monotonic() > give_up_at:
            return False
        sleep(0.2)
    return True


def test_a_release_is_halted_by_one_command_and_resumed_with_the_product_key(shop: Shop, tmp_path: Path) -> None:
    copy = shop.client(shop.sell(days_ago(50), "--smp-years", "1")["key"], "1.0")
    offer = copy.check().offer
    assert offer is not None
    shop.operator.did("rollout", "halt", "cad", "1.1", "--reason", "loses files", TENURE_PASSPHRASE_FILE=None)
    assert becomes(UpdateStatus.UP_TO_DATE, lambda: copy.check(manual=True).status)
    with pytest.raises(RequestRefused) as refused:
        copy.download(offer, tmp_path / "downloads")
    assert refused.value.code == "halted"
    assert shop.operator.run("rollout", "resume", "cad", "1.1", TENURE_PASSPHRASE_FILE=None).code == 1
    shop.operator.did("rollout", "resume", "cad", "1.1")
    assert becomes(UpdateStatus.UPDATE_AVAILABLE, lambda: copy.check().status)
    assert copy.download(offer, tmp_path / "downloads").exists()


def test_a_rollout_halts_itself_when_installed_copies_report_failures(shop: Shop) -> None:
    shop.operator.did("rollout", "limit", "cad", "--max-failures", "50%", "--min-installs", "2")
    keys = [shop.sell(days_ago(50), "--smp-years", "1", customer=name)["key"] for name in ("Ada", "Bo", "Cy")]
    copies = [shop.client(key, "1.0") for key in keys]
    assert {copy.check(manual=True).status for copy in copies} == {UpdateStatus.UPDATE_AVAILABLE}
    assert copies[0].report("failed", "1.1", detail_code="disk-full")
    assert copies[1].report("rolled_back", "1.1")
    assert becomes(UpdateStatus.UP_TO_DATE, lambda: copies[2].check(manual=True).status)
    shown = shop.operator.did("rollout", "show", "cad", "1.1", "--json").json
    assert shown["installs"] == {"installed": 0, "failed": 1, "rolled_back": 1}
    assert shown["history"][0]["who"] == "automatic"
    assert shown["history"][0]["details"]["reason"] == "2 of 2 installs failed or rolled back, more than 50 %"


def test_what_was_reported_is_written_before_the_server_ends(shop: Shop) -> None:
    copy = shop.client(shop.sell(days_ago(50), "--smp-years", "1")["key"], "1.0")
    assert copy.report("installed", "1.1")
    shop.server.end()
    shown = shop.operator.did("rollout", "show", "cad", "1.1", "--json").json
    assert shown["installs"] == {"installed": 1, "failed": 0, "rolled_back": 0}


def test_a_beta_is_promoted_to_copies_on_the_stable_channel(shop: Shop, tmp_path: Path) -> None:
    copy = shop.client(shop.sell(days_ago(50), "--smp-years", "1")["key"], "1.1")
    name = "cad-1.2b1-linux-x86_64.tar.gz"
    file = shop.operator.build(name, b"bytes of a beta")
    shop.operator.did(
        *("publish", file, "--product", "cad", "--version", "1.2b1", "--platform", "linux-x86_64"),
        *("--channel", "beta", "--released-on", days_ago(5)),
    )
    assert copy.check(manual=True).status is UpdateStatus.UP_TO_DATE
    file.unlink()
    shop.operator.did("promote", "cad", "1.2b1", "--to", "stable", "--rollout", "0%")
    assert becomes(UpdateStatus.UPDATE_AVAILABLE, lambda: copy.check(manual=True).status)
    assert copy.check().status is UpdateStatus.UP_TO_DATE
    offer = copy.check(manual=True).offer
    assert offer is not None
    assert (offer.channel, offer.released_on) == ("stable", days_ago(5))
    assert copy.download(offer, tmp_path / "downloads").read_bytes() == b"bytes of a beta"


def test_a_pinned_copy_knows_that_it_is(shop: Shop) -> None:
    sold = shop.sell(days_ago(50), "--smp-years", "1")
    shop.publish("2.0", days_ago(1))
    shop.operator.did("licence", "updates", sold["licence_id"], "--pin", "1")
    sleep(SECONDS_BEHIND)
    answer = shop.client(sold["key"], "1.0", turn="late").check(manual=True)
    assert answer.offer is not None
    assert answer.newest is not None
    assert (str(answer.offer.version), str(answer.newest.version), answer.pinned) == ("1.1", "2.0", "1")
