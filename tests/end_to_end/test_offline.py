"""The server goes away: the installed copy decides by its certificate, and says since when it knows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tenure_client import KeptReason, Source, UpdateStatus
from tenure_client.errors import FileMismatch, ServerUnreachable
from tests.end_to_end.shop import MACHINE, days_ago, open_shop


def test_after_the_server_is_gone_the_certificate_still_says_what_is_covered(tmp_path: Path) -> None:
    """Metadata for licensees only: nothing here depends on strangers reading it."""
    with open_shop(tmp_path, {"TENURE_METADATA_ACCESS": "any_valid_licence"}) as shop:
        shop.publish("1.0", days_ago(500))
        shop.publish("1.1", days_ago(100))
        shop.publish("2.0", days_ago(10))
        key = shop.sell(days_ago(400), "--smp-years", "1")["key"]
        assert shop.get("/metadata/timestamp.json").status == 401
        client = shop.client(key, "1.0", state_directory=tmp_path / "copy")
        asked = client.check(manual=True)
        assert (asked.source, asked.status) == (Source.SERVER, UpdateStatus.UPDATE_AVAILABLE)
        assert asked.offer is not None
        file = client.download(asked.offer, tmp_path)
        shop.server.end()
        ended_at = datetime.now(UTC)

        kept = client.check(manual=True)
        assert (kept.source, kept.kept_reason) == (Source.KEPT, KeptReason.SERVER_UNREACHABLE)
        assert kept.status is UpdateStatus.UPDATE_AVAILABLE
        assert kept.offer is not None
        assert kept.offer.version == asked.offer.version
        assert kept.newest is not None
        assert (kept.newest.is_covered, kept.newest.reason) == (False, "after_support")
        assert kept.support == asked.support
        assert asked.as_of <= kept.as_of <= ended_at

        assert client.licence is not None
        assert client.licence.edition == "pro"
        assert client.verify_file(file, "1.1").file_name == f"cad-1.1-{MACHINE}.tar.gz"
        with file.open("r+b") as changed:
            changed.write(b"X")
        with pytest.raises(FileMismatch):
            client.verify_file(file, "1.1")
        with pytest.raises(ServerUnreachable):
            client.download_release("1.1", tmp_path / "elsewhere")
        assert not list((tmp_path / "elsewhere").glob("cad*"))
