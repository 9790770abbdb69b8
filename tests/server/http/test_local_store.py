"""Downloads from the embedded store, over a real web server."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx2 as httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Message

from tenure_server.adapters.local_store import LocalStore
from tenure_server.file_sending import FileSendingProtocol
from tenure_server.http.local_store import LocalStoreDownloads
from tenure_server.http.problems import EXCEPTION_HANDLERS
from tests.services.web_server import running_web_server

KEY = "builds/demo/2.0/demo-2.0-linux-x86_64.tar.gz"
FILE_NAME = "demo-2.0-linux-x86_64.tar.gz"
BODY = bytes(n * 7 % 251 for n in range(10_000))


class Downloads:
    """A store with one build, and its downloads on a free port."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
        self.base_url = "http://not-yet.invalid"
        self.store = LocalStore(
            directory / "store",
            base_url=lambda: self.base_url,
            link_key=b"k" * 32,
            clock=lambda: self.now,
        )
        self.app = Starlette(
            routes=[Route("/store/{key:path}", LocalStoreDownloads(self.store, lambda key: None).get)],
            exception_handlers=dict(EXCEPTION_HANDLERS),
        )
        self.put(BODY)

    def put(self, body: bytes, key: str = KEY) -> None:
        source = self.directory / "source"
        source.write_bytes(body)
        self.store.put_file(key, source)

    @property
    def stored_file(self) -> Path:
        return self.directory / "store" / KEY

    def link(self, key: str = KEY, *, seconds: int = 60) -> str:
        return self.store.signed_url(key, file_name=FILE_NAME, seconds=seconds)

    def get(self, **headers: str) -> httpx.Response:
        return httpx.get(self.link(), headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.fixture(params=["by the kernel", "in pieces"])
def downloads(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Downloads]:
    downloads = Downloads(tmp_path)
    http = FileSendingProtocol if request.param == "by the kernel" else None
    with running_web_server(downloads.app, http) as base_url:
        downloads.base_url = base_url
        yield downloads


def parts_of(response: httpx.Response) -> list[tuple[str, bytes]]:
    """Content-Range and bytes of each part, reading as strictly as electron-updater counts."""
    kind, boundary = response.headers["content-type"].split("; boundary=")
    assert kind == "multipart/byteranges"
    rest, parts = response.content, []
    delimiter = f"--{boundary}\r\n".encode()
    while rest.startswith(delimiter):
        head, rest = rest[len(delimiter) :].split(b"\r\n\r\n", 1)
        media_type, content_range = head.decode().split("\r\n")
        assert media_type == "Content-Type: application/octet-stream"
        name, value = content_range.split(": ")
        assert name == "Content-Range"
        first, last = value.removeprefix("bytes ").split("/")[0].split("-")
        length = int(last) - int(first) + 1
        parts.append((value, rest[:length]))
        assert rest[length : length + 2] == b"\r\n"
        rest = rest[length + 2 :]
    assert rest == f"--{boundary}--\r\n".encode()
    return parts


def problem_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == response.status_code
    return response.status_code, response.json()["code"]


def test_a_link_downloads_the_whole_file_under_its_name(downloads: Downloads) -> None:
    response = downloads.get(Accept_Encoding="gzip, br, zstd")
    assert response.status_code == 200
    assert response.content == BODY
    headers = response.headers
    assert headers["content-length"] == str(len(BODY))
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"] == f'attachment; filename="{FILE_NAME}"'
    assert headers["accept-ranges"] == "bytes"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "private, no-transform"
    assert headers["etag"].startswith('"')
    modified = parsedate_to_datetime(headers["last-modified"]).timestamp()
    assert modified == int(downloads.stored_file.stat().st_mtime)
    assert "content-encoding" not in headers
    assert "transfer-encoding" not in headers


def test_head_tells_the_length_and_sends_nothing(downloads: Downloads) -> None:
    got, head = downloads.get(), httpx.head(downloads.link(), headers={"Range": "bytes=0-4"})
    assert head.status_code == 200
    assert head.content == b""
    for name in ("content-length", "content-type", "content-disposition", "etag", "last-modified", "accept-ranges"):
        assert head.headers[name] == got.headers[name]


def test_an_empty_file_downloads(downloads: Downloads) -> None:
    downloads.put(b"")
    response = downloads.get()
    assert (response.status_code, response.content, response.headers["content-length"]) == (200, b"", "0")
    assert problem_of(downloads.get(Range="bytes=0-")) == (416, "range_not_satisfiable")


@pytest.mark.parametrize("template", ["{0}", "W/{0}", '"other", {0}', "*", '"a",W/{0} ,"b"'])
def test_a_client_that_has_the_file_already_is_told_so(downloads: Downloads, template: str) -> None:
    tag = downloads.get().headers["etag"]
    response = downloads.get(If_None_Match=template.format(tag), Range="bytes=0-4")
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == tag
    assert response.headers["cache-control"] == "private, no-transform"


def test_a_client_that_has_another_version_gets_the_file(downloads: Downloads) -> None:
    assert downloads.get(If_None_Match='"other", W/"more"').content == BODY


def test_replacing_a_file_changes_its_tag_even_at_the_same_length_and_time(downloads: Downloads) -> None:
    before, times = downloads.get().headers["etag"], downloads.stored_file.stat()
    keep = downloads.stored_file.open("rb")  # so that the file number is not used again
    with keep:
        downloads.put(bytes(len(BODY)))
        os.utime(downloads.stored_file, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert downloads.get().headers["etag"] != before


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=100-199", 100, 199),
        ("bytes=9000-", 9000, 9999),
        ("bytes=-500", 9500, 9999),
        ("bytes=-99999", 0, 9999),
        ("bytes=9999-20000", 9999, 9999),
        ("bytes=20000-, 5-9", 5, 9),
    ],
)
def test_a_range_is_served_alone(downloads: Downloads, asked: str, first: int, last: int) -> None:
    response = downloads.get(Range=asked)
    assert response.status_code == 206
    assert response.content == BODY[first : last + 1]
    assert response.headers["content-range"] == f"bytes {first}-{last}/10000"
    assert response.headers["content-length"] == str(last - first + 1)
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["etag"] == downloads.get().headers["etag"]


def test_several_ranges_come_as_parts_in_the_order_asked_for(downloads: Downloads) -> None:
    response = downloads.get(Range="bytes=500-599, 0-4,5-9 ,20000-, -3")
    assert response.status_code == 206
    assert "content-range" not in response.headers
    assert parts_of(response) == [
        ("bytes 500-599/10000", BODY[500:600]),
        ("bytes 0-4/10000", BODY[0:5]),
        ("bytes 5-9/10000", BODY[5:10]),
        ("bytes 9997-9999/10000", BODY[-3:]),
    ]


def test_electron_updater_gets_its_thousand_ranges(downloads: Downloads) -> None:
    body = os.urandom(3_000_000)
    downloads.put(body)
    spans = [(3000 * n, 3000 * n + 1500) for n in range(1000)]
    response = downloads.get(Range="bytes=" + ", ".join(f"{first}-{last}" for first, last in spans))
    assert response.status_code == 206
    assert parts_of(response) == [(f"bytes {a}-{b}/3000000", body[a : b + 1]) for a, b in spans]
    assert response.headers["content-length"] == str(len(response.content))


def test_ranges_beyond_the_end_are_refused_with_the_length(downloads: Downloads) -> None:
    response = downloads.get(Range="bytes=10000-, 20000-30000")
    assert problem_of(response) == (416, "range_not_satisfiable")
    assert response.headers["content-range"] == "bytes */10000"


@pytest.mark.parametrize(
    "asked",
    ["bytes=" + ",".join(["0-"] * 1000), "bytes=" + ",".join(["1-1"] * 2000), "bytes=9-1", "lines=1-2", "bytes=x"],
    ids=["overlapping", "too many", "backwards", "another unit", "malformed"],
)
def test_a_costly_or_meaningless_range_gets_the_file_once(downloads: Downloads, asked: str) -> None:
    response = downloads.get(Range=asked)
    assert (response.status_code, response.content) == (200, BODY)


def test_a_broken_download_resumes_only_while_the_file_is_the_same(downloads: Downloads) -> None:
    headers = downloads.get().headers
    resumed = downloads.get(Range="bytes=9000-", If_Range=headers["etag"])
    assert (resumed.status_code, resumed.content) == (206, BODY[9000:])
    for validator in ('"other"', "W/" + headers["etag"], headers["last-modified"]):
        again = downloads.get(Range="bytes=9000-", If_Range=validator)
        assert (again.status_code, again.content) == (200, BODY)


def test_a_link_altered_in_any_part_is_refused(downloads: Downloads) -> None:
    downloads.put(b"another customer's build", "builds/demo/3.0/demo.tar.gz")
    link = httpx.URL(downloads.link())
    flipped = "0" if link.params["signature"][0] != "0" else "1"
    altered = [
        link.copy_set_param("expires", str(int(link.params["expires"]) + 1)),
        link.copy_set_param("expires", "0" + link.params["expires"]),
        link.copy_set_param("name", "other.exe"),
        link.copy_set_param("name", "../demo.exe"),
        link.copy_set_param("signature", flipped + link.params["signature"][1:]),
        link.copy_set_param("signature", link.params["signature"].upper()),
        link.copy_set_param("signature", link.params["signature"] + "0"),
        link.copy_set_param("signature", "é" * 64),
        link.copy_remove_param("expires"),
        link.copy_remove_param("name"),
        link.copy_remove_param("signature"),
        link.copy_with(query=b""),
        link.copy_with(path="/store/builds/demo/3.0/demo.tar.gz"),
        link.copy_with(path="/store/builds/demo/9.0/demo.tar.gz"),
    ]
    for url in altered:
        assert problem_of(httpx.get(url)) == (403, "link_invalid"), url


@pytest.mark.parametrize(
    "path", ["%2e%2e/secret", "..%2fsecret", "%2fetc/passwd", "a%00b", ".incoming/x", "a//b", "é", ""]
)
def test_a_hostile_path_is_refused_like_any_link_that_is_not_ours(downloads: Downloads, path: str) -> None:
    (downloads.directory / "secret").write_text("secret")
    query = downloads.link().partition("?")[2]
    response = httpx.get(f"{downloads.base_url}/store/{path}?{query}")
    assert problem_of(response) == (403, "link_invalid")


def test_a_link_ends_at_its_time(downloads: Downloads) -> None:
    link = downloads.link(seconds=60)
    downloads.now += timedelta(seconds=59)
    assert httpx.get(link).status_code == 200
    downloads.now += timedelta(seconds=1)
    assert problem_of(httpx.get(link)) == (403, "link_expired")


def test_a_forged_link_that_is_also_expired_learns_nothing_of_the_time(downloads: Downloads) -> None:
    link = httpx.URL(downloads.link(seconds=1)).copy_set_param("name", "x")
    downloads.now += timedelta(days=1)
    assert problem_of(httpx.get(link)) == (403, "link_invalid")


def test_a_file_that_was_removed_is_not_found(downloads: Downloads) -> None:
    link = downloads.link()
    downloads.store.delete(KEY)
    assert problem_of(httpx.get(link)) == (404, "object_not_found")
    assert httpx.head(link).status_code == 404


def test_nothing_can_be_sent_to_a_link(downloads: Downloads) -> None:
    assert httpx.put(downloads.link(), content=b"x").status_code == 405


def test_a_download_gets_one_version_though_the_file_is_replaced_meanwhile(downloads: Downloads) -> None:
    old = os.urandom(20_000_000)
    downloads.put(old)
    with httpx.stream("GET", downloads.link()) as response:
        pieces = response.iter_bytes(100_000)
        received = next(pieces)
        downloads.put(bytes(20_000_000))
        received += b"".join(pieces)
    assert received == old


def test_a_client_that_goes_away_leaves_no_file_open(downloads: Downloads) -> None:
    downloads.put(os.urandom(20_000_000))
    with httpx.stream("GET", downloads.link()) as response:
        next(response.iter_bytes(100_000))
    wait_until_closed(downloads.stored_file)


def test_a_large_file_is_sent_in_small_pieces(downloads: Downloads) -> None:
    downloads.put(os.urandom(5_000_000))
    for headers in ([], [(b"range", b"bytes=0-1000,2000-4900000")]):
        sizes = [len(message["body"]) for message in asgi_messages(downloads, headers) if "body" in message]
        assert sum(sizes) > 4_000_000
        assert max(sizes) <= 1_000_000


def test_a_file_that_shrinks_under_way_breaks_the_download_instead_of_ending_it(downloads: Downloads) -> None:
    downloads.put(os.urandom(20_000_000))
    with httpx.stream("GET", downloads.link()) as response:
        pieces = response.iter_bytes(100_000)
        next(pieces)
        os.truncate(downloads.stored_file, 1_000_000)
        with pytest.raises(httpx.RemoteProtocolError):
            list(pieces)
    wait_until_closed(downloads.stored_file)


def wait_until_closed(path: Path) -> None:
    deadline = time.monotonic() + 30
    while os.fspath(path) in opened_files():
        assert time.monotonic() < deadline, "the file is still open"
        time.sleep(0.01)


def opened_files() -> list[str]:
    """The paths of this process's open files."""
    opened = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            opened.append(str(descriptor.readlink()))
        except FileNotFoundError:
            continue
    return opened


def asgi_messages(downloads: Downloads, headers: list[tuple[bytes, bytes]]) -> list[Message]:
    """What the application sends, message by message, without a web server between."""
    link = httpx.URL(downloads.link())
    scope = {
        "type": "http",
        "asgi": {"spec_version": "2.4"},
        "method": "GET",
        "path": link.path,
        "raw_path": link.raw_path,
        "root_path": "",
        "query_string": link.query,
        "headers": headers,
    }
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        messages.append(message)

    asyncio.run(downloads.app(scope, receive, send))
    return messages
