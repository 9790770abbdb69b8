"""What a warm check costs on the wire, counted in bytes between the real client and the real server."""

from __future__ import annotations

from pathlib import Path

from tenure_client import Client
from tests.end_to_end.shop import MACHINE, days_ago, open_shop
from tests.services.counting_proxy import counting_proxy


def test_a_warm_check_of_metadata_is_two_requests_and_under_1_kb(tmp_path: Path) -> None:
    """Headers included, both ways: the next root that is not there, and the timestamp."""
    with open_shop(tmp_path) as shop:
        shop.publish("1.0", days_ago(30))
        (name,) = shop.bodies
        file = tmp_path / name
        shop.settle()
        with counting_proxy(shop.url) as wire:
            client = Client.open(
                root=shop.root,
                server_url=wire.url,
                product="cad",
                version="1.0",
                platform=MACHINE,
                state_directory=tmp_path / "copy",
            )
            client.verify_file(file, "1.0")
            wire.forget()
            client.verify_file(file, "1.0")
            assert wire.requests == ["/metadata/2.root.json", "/metadata/timestamp.json"]
            assert wire.connections == 1
            assert len(wire.sent) + len(wire.received) < 1_000
