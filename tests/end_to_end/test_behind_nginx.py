"""Builds sent by nginx, as ``deploy/nginx.conf`` has it: we verify the links, and send no bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import httpx2 as httpx
import pytest

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.app import create_app
from tests.server.world import CAD, World, body_of, license_header
from tests.services.nginx import running_nginx
from tests.services.ports import free_port
from tests.services.web_server import running_web_server

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf"
FILE = "cad-1.0-linux-x86_64.zip"
BODY = body_of(FILE)


class Site:
    def __init__(self, directory: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.world = World(directory, MemoryDatabase())
        self.world.add_product(CAD)
        self.world.publish("1.0", date(2024, 1, 10))
        self.key = self.world.issue(date(2024, 3, 1)).key
        self.app = create_app(self.world.reopened(base_url=self.url, nginx_location="/stored/"))

    def link(self) -> str:
        answer = httpx.get(f"{self.url}/downloads/cad/1.0/{FILE}", headers=license_header(self.key))
        assert answer.status_code == 302
        return answer.headers["location"]


def configuration(port: int, ours: str, store: Path) -> str:
    """Ours, on this port and without TLS."""
    text = CONFIGURATION.read_text(encoding="utf-8").replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    text = re.sub(r"ssl_certificate\w* [^;]+;", "", text).replace("127.0.0.1:8000", ours.removeprefix("http://"))
    return text.replace("/var/lib/tenure/store", str(store))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory, port = tmp_path_factory.mktemp("nginx"), free_port()
    (directory / "data").mkdir()
    site = Site(directory / "data", port)
    with (
        running_web_server(site.app) as ours,
        running_nginx(directory / "nginx", configuration(port, ours, site.world.directory / "store"), port),
    ):
        yield site


def test_a_build_comes_from_nginx_under_its_name(site: Site) -> None:
    answer = httpx.get(site.link())
    assert (answer.status_code, answer.content) == (200, BODY)
    assert answer.headers["server"].startswith("nginx")
    assert answer.headers["content-disposition"] == f'attachment; filename="{FILE}"'
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-length"] == str(len(BODY))
    assert answer.headers["cache-control"] == "private, no-transform"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "x-accel-redirect" not in answer.headers
    assert httpx.head(site.link()).headers["content-length"] == str(len(BODY))


def test_ranges_resume_a_download(site: Site) -> None:
    link = site.link()
    tag = httpx.get(link).headers["etag"]
    rest = httpx.get(link, headers={"Range": "bytes=3-", "If-Range": tag})
    assert (rest.status_code, rest.content) == (206, BODY[3:])
    assert rest.headers["content-range"] == f"bytes 3-{len(BODY) - 1}/{len(BODY)}"
    several = httpx.get(link, headers={"Range": "bytes=0-1,3-4"})
    assert several.status_code == 206
    assert several.headers["content-type"].startswith("multipart/byteranges")
    assert httpx.get(link, headers={"If-None-Match": tag}).status_code == 304
    assert httpx.get(link, headers={"Range": "bytes=99999-"}).status_code == 416


def test_a_link_that_was_altered_or_is_over_opens_nothing(site: Site) -> None:
    link = httpx.URL(site.link())
    for altered in (link.copy_set_param("name", "other.zip"), link.copy_remove_param("signature")):
        assert httpx.get(altered).json()["code"] == "link_invalid"
    site.world.today += timedelta(days=1)
    try:
        assert httpx.get(link).json()["code"] == "link_expired"
    finally:
        site.world.today -= timedelta(days=1)


@pytest.mark.parametrize("prefix", ["/stored/", "/stored/../stored/", "//stored/", "/%73tored/", "/store/../stored/"])
def test_nobody_gets_at_the_store_without_a_link(site: Site, prefix: str) -> None:
    key = httpx.URL(site.link()).path.removeprefix("/store/")
    answer = httpx.get(f"{site.url}{prefix}{key}")
    assert answer.status_code in (403, 404)
    assert BODY not in answer.content


def test_checks_and_refusals_pass_as_they_are(site: Site) -> None:
    refused = httpx.get(f"{site.url}/downloads/cad/1.0/{FILE}")
    assert refused.json()["code"] == "licence_key_missing"
    assert httpx.get(f"{site.url}/healthz").status_code == 200
