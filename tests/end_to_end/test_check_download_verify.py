"""Check, download, verify with real processes: every client on every database and store."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

import pytest
import urllib3
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater

from tenure_client import UpdateStatus
from tenure_client.errors import NotCovered, ReleaseWithdrawn
from tests.end_to_end.shop import MACHINE, SECONDS_BEHIND, Shop, days_ago, open_shop
from tests.server.cli.at_the_terminal import Ran

if TYPE_CHECKING:
    from tests.services.postgres import PostgresServer
    from tests.services.swift import S3Server

NEWEST = f"cad-2.0-{MACHINE}.tar.gz"
COVERED = f"cad-1.1-{MACHINE}.tar.gz"
LENGTH = 3_000_000


@dataclass
class Stocked:
    """1.0, 1.1 and 2.0 are published; ``supported`` covers all of them, ``lapsed`` no longer 2.0."""

    shop: Shop
    supported: str
    lapsed: str


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("sqlite", "directory"), id="sqlite-directory"),
        pytest.param(("postgres", "directory"), id="postgres-directory", marks=pytest.mark.postgres),
        pytest.param(("sqlite", "s3"), id="sqlite-s3", marks=pytest.mark.swift),
        pytest.param(("postgres", "s3"), id="postgres-s3", marks=[pytest.mark.postgres, pytest.mark.swift]),
    ],
)
def stocked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stocked]:
    database, store = request.param
    settings: dict[str, str] = {}
    if database == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres_server")
        settings["TENURE_DATABASE_URL"] = postgres.new_database()
    if store == "s3":
        s3: S3Server = request.getfixturevalue("s3_server")
        settings |= {
            "TENURE_S3_BUCKET": s3.new_bucket(),
            "TENURE_S3_PREFIX": "harbour/",
            "TENURE_S3_ENDPOINT_URL": s3.endpoint_url,
            "TENURE_S3_REGION": s3.region,
            "TENURE_S3_ACCESS_KEY_ID": s3.access_key,
            "TENURE_S3_SECRET_ACCESS_KEY": s3.secret_key,
        }
    with open_shop(tmp_path_factory.mktemp("shop"), settings) as shop:
        shop.publish("1.0", days_ago(500))
        shop.publish("1.1", days_ago(100))
        shop.publish("2.0", days_ago(10), length=LENGTH)
        supported = shop.sell(days_ago(400), "--smp-years", "2")["key"]
        lapsed = shop.sell(days_ago(400), "--smp-years", "1")["key"]
        sleep(1)  # the running server sees within it what the commands published
        yield Stocked(shop, supported, lapsed)
        log = shop.server.log.read_text()
        assert supported not in log
        assert lapsed not in log
        assert "Traceback" not in log
    if database == "postgres":
        postgres.drop_database(settings["TENURE_DATABASE_URL"])


def test_the_sdk_gets_what_was_published(stocked: Stocked, tmp_path: Path) -> None:
    client = stocked.shop.client(stocked.supported, "1.0")
    answer = client.check(manual=True)
    assert answer.status is UpdateStatus.UPDATE_AVAILABLE
    assert answer.offer is not None
    assert (str(answer.offer.version), answer.offer.notes) == ("2.0", "What is new in 2.0.")
    told: list[tuple[int, int]] = []
    file = client.download(answer.offer, tmp_path, on_progress=lambda done, total: told.append((done, total)))
    assert file.read_bytes() == stocked.shop.bodies[NEWEST]
    assert told[-1] == (LENGTH, LENGTH)
    assert client.verify_file(file, "2.0").file_name == NEWEST
    assert stocked.shop.client(stocked.supported, "2.0").check(manual=True).status is UpdateStatus.UP_TO_DATE


def test_the_sdk_gets_what_lies_beside_the_builds(stocked: Stocked, tmp_path: Path) -> None:
    shop = stocked.shop
    build, sbom = shop.operator.build(NEWEST, shop.bodies[NEWEST]), shop.operator.build("cad.cdx.json", b"{}")
    again = ("publish", build, "--product", "cad", "--version", "2.0", "--platform", MACHINE)
    shop.operator.did(*again, "--attach", sbom)
    shop.settled_at = monotonic() + SECONDS_BEHIND
    client = shop.client(stocked.supported, "1.0")
    assert client.download_side_file("2.0", "cad.cdx.json", tmp_path).read_bytes() == b"{}"
    assert not (tmp_path / NEWEST).exists()
    with pytest.raises(NotCovered):
        shop.client(stocked.lapsed, "1.0").download_side_file("2.0", "cad.cdx.json", tmp_path)


def test_the_sdk_offers_what_the_period_covers_and_says_why_not_more(stocked: Stocked, tmp_path: Path) -> None:
    client = stocked.shop.client(stocked.lapsed, "1.0")
    answer = client.check(manual=True)
    assert answer.offer is not None
    assert str(answer.offer.version) == "1.1"
    assert answer.newest is not None
    assert (str(answer.newest.version), answer.newest.reason) == ("2.0", "after_support")
    assert client.download(answer.offer, tmp_path).read_bytes() == stocked.shop.bodies[COVERED]
    with pytest.raises(NotCovered):
        client.download_release("2.0", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [COVERED]


def spelled(scheme: str, key: str) -> dict[str, str]:
    if scheme == "Basic":
        key = base64.b64encode(f"anybody:{key}".encode()).decode()
    return {"Authorization": f"{scheme} {key}"}


@pytest.mark.parametrize("scheme", ["License", "Bearer", "Basic"])
def test_a_plain_http_client_gets_the_same(stocked: Stocked, scheme: str) -> None:
    shop = stocked.shop
    offer = shop.check(stocked.supported, "1.0")["offer"]
    build = offer["builds"][0]
    answer = shop.get(build["url"], **spelled(scheme, stocked.supported))
    assert answer.status == 302
    link = answer.headers["Location"]
    assert stocked.supported not in link
    whole = shop.get(link)
    assert (whole.status, whole.data == shop.bodies[NEWEST]) == (200, True)
    assert hashlib.sha256(whole.data).hexdigest() == build["sha256"]
    part = shop.get(link, Range="bytes=1000000-1000009")
    assert (part.status, part.data) == (206, shop.bodies[NEWEST][1_000_000:1_000_010])
    assert NEWEST in whole.headers["Content-Disposition"]


def test_the_gate_refuses_with_the_reason(stocked: Stocked) -> None:
    path = f"/downloads/cad/2.0/{NEWEST}"
    for headers, status, code in (
        (spelled("License", stocked.lapsed), 403, "after_support"),
        (spelled("License", stocked.supported[:-4] + "AAAA"), 401, "licence_key_bad_signature"),
        ({}, 401, "licence_key_missing"),
    ):
        answer = stocked.shop.get(path, **headers)
        assert (answer.status, answer.json()["code"]) == (status, code)
        assert "Location" not in answer.headers


class WithKey(FetcherInterface):
    """How a product in another language would do it: the key for downloads, and a redirect followed without it."""

    def __init__(self, key: str) -> None:
        self.headers = spelled("License", key)

    def _fetch(self, url: str) -> Iterator[bytes]:
        headers = self.headers if "/downloads/" in url else {}
        answer = urllib3.request("GET", url, headers=headers, timeout=30)
        if answer.status != 200:
            raise DownloadHTTPError(url, answer.status)
        yield answer.data


def test_python_tufs_own_client_gets_the_same(stocked: Stocked, tmp_path: Path) -> None:
    shop = stocked.shop
    metadata, targets = tmp_path / "metadata", tmp_path / "targets"
    metadata.mkdir()
    targets.mkdir()

    def updater(key: str) -> Updater:
        where = (f"{shop.url}/metadata/", str(targets), f"{shop.url}/downloads/")
        return Updater(str(metadata), *where, fetcher=WithKey(key), bootstrap=shop.root)

    ours = updater(stocked.supported)
    target = ours.get_targetinfo(f"cad/2.0/{NEWEST}")
    assert target is not None
    assert (target.length, target.custom["tenure"]["released_on"]) == (LENGTH, days_ago(10).isoformat())
    assert Path(ours.download_target(target)).read_bytes() == shop.bodies[NEWEST]
    assert ours.get_targetinfo("cad/9.9/cad.zip") is None
    with pytest.raises(DownloadHTTPError):
        updater(stocked.lapsed).download_target(target, str(tmp_path / "refused"))


def tenure_client(stocked: Stocked, state: Path, *arguments: str, stdin: str = "") -> Ran:
    """The installed program, as somebody who installed 1.0 runs it."""
    root = state / "root.json"
    root.write_bytes(stocked.shop.root)
    where = ("--server", stocked.shop.url, "--root", str(root), "--product", "cad", "--installed-version", "1.0")
    done = subprocess.run(
        [
            Path(sys.executable).with_name("tenure-client"),
            *arguments,
            *where,
            "--state",
            state / "kept",
            "--platform",
            MACHINE,
        ],
        cwd=state,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def test_the_command_gets_the_same(stocked: Stocked, tmp_path: Path) -> None:
    assert tenure_client(stocked, tmp_path, "licence", "set", stdin=stocked.lapsed).code == 0
    checked = tenure_client(stocked, tmp_path, "check", "--json")
    answer = json.loads(checked.out)
    assert (answer["status"], answer["offer"]["version"]) == ("update_available", "1.1"), checked.err
    downloaded = tenure_client(stocked, tmp_path, "download", "--to", "here")
    assert downloaded.code == 0, downloaded.err
    assert (tmp_path / "here" / COVERED).read_bytes() == stocked.shop.bodies[COVERED]
    refused = tenure_client(stocked, tmp_path, "download", "2.0", "--to", "here")
    assert refused.code != 0
    assert stocked.lapsed not in refused.out + refused.err + checked.out + downloaded.out


def test_what_operators_and_engineers_do_elsewhere_holds_here_within_a_second(stocked: Stocked, tmp_path: Path) -> None:
    """The server is another process than the commands. The pauses are the promised bound; nothing is asked in them."""
    shop, operator = stocked.shop, stocked.shop.operator
    licences = [shop.sell(days_ago(400), "--smp-years", "2", customer=name) for name in ("Bo Ng", "Cy Lim")]
    (stopped, stopped_key), (_, key) = ((licence["licence_id"], licence["key"]) for licence in licences)
    client = shop.client(key, "2.0")
    assert client.check(manual=True).status is UpdateStatus.UP_TO_DATE
    assert shop.check(stopped_key, "1.0")["offer"]["version"] == "2.0"

    operator.did("licence", "revoke", stopped, "--reason", "fraud")
    shop.publish("2.1", days_ago(0))
    sleep(1)
    refused = shop.get(f"/downloads/cad/1.0/cad-1.0-{MACHINE}.tar.gz", **spelled("License", stopped_key))
    assert (refused.status, refused.json()["code"]) == (403, "licence_revoked")
    answer = client.check(manual=True)
    assert answer.offer is not None
    assert str(answer.offer.version) == "2.1"

    operator.did("licence", "reinstate", stopped, "--reason", "a mistake")
    operator.did("withdraw", "--product", "cad", "--version", "2.1", "--reason", "crashes", "--replacement", "2.0")
    sleep(1)
    gone = shop.get(f"/downloads/cad/2.1/cad-2.1-{MACHINE}.tar.gz", **spelled("License", key))
    assert (gone.status, gone.json()["code"]) == (410, "withdrawn")
    with pytest.raises(ReleaseWithdrawn):
        client.download(answer.offer, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert shop.check(key, "2.1")["status"] == "installed_withdrawn"
    assert shop.check(stopped_key, "1.0")["offer"]["version"] == "2.0"


def test_everything_that_was_done_is_in_the_audit_trail(stocked: Stocked) -> None:
    trail = stocked.shop.operator.audit_trail()
    assert trail[-2:] == ["product.add", "server.initialise"]
    assert trail.count("release.publish") >= 3
