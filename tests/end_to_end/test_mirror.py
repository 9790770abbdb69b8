"""A real client reads metadata from a mirror and downloads from the server; the mirror may lag, lie or be gone."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tenure_client import Client, Source
from tenure_client.errors import UntrustedMetadata
from tenure_server.adapters.mirror_targets import DirectoryMirror
from tenure_server.use_cases.mirror import reader_of
from tenure_signing.tuf_verified import verified_files, verified_server
from tests.end_to_end.killing import Killer
from tests.end_to_end.shop import Shop, days_ago, open_shop
from tests.server.cli.at_the_terminal import Operator


class _Quiet(SimpleHTTPRequestHandler):
    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization")))
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def web_server(folder: Path) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """A plain web server for files; its address, and what it was asked with which Authorization."""
    asked: list[tuple[str, str | None]] = []
    handler = type("Handler", (_Quiet,), {"asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("shop")) as shop:
        shop.publish("1.0", days_ago(30))
        shop.publish("1.1", days_ago(10))
        yield shop


def sold(shop: Shop) -> str:
    return str(shop.sell(days_ago(20), "--smp-years", "1")["key"])


def copy(shop: Shop, address: str) -> Client:
    return shop.client(sold(shop), "1.0", metadata_url=f"{address}/metadata/")


def test_a_client_reads_a_mirror_and_gives_it_no_licence_key(shop: Shop, tmp_path: Path) -> None:
    shop.operator.did("mirror", tmp_path)
    with web_server(tmp_path) as (address, asked):
        client = copy(shop, address)
        answer = client.check(manual=True)
        assert answer.offer is not None
        assert str(answer.offer.version) == "1.1"
        file = client.download(answer.offer, tmp_path / "downloads")
        assert file.read_bytes() == shop.bodies[file.name]
        assert {path.split("/")[1] for path, _ in asked} == {"metadata"}
        assert {authorization for _, authorization in asked} == {None}
        assert verified_server(address, shop.root, shop.operator.installation().signing_clock()).trusted_targets


def test_a_mirror_that_lags_or_is_gone_does_not_hold_up_updates(shop: Shop, tmp_path: Path) -> None:
    shop.operator.did("mirror", tmp_path)
    shop.publish("1.2", date.today())
    shop.settle()
    with web_server(tmp_path) as (address, _):
        client = copy(shop, address)
        answer = client.check(manual=True)
        assert answer.offer is not None
        assert (str(answer.offer.version), answer.source) == ("1.2", Source.SERVER)
    assert client.check(manual=True).source is Source.SERVER


def test_a_mirror_that_lies_is_refused(shop: Shop, tmp_path: Path) -> None:
    shop.operator.did("mirror", tmp_path)
    timestamp = tmp_path / "metadata" / "timestamp.json"
    timestamp.write_bytes(
        timestamp.read_bytes().replace(b'"sig": "', b'"sig": "00', 1).replace(b'"sig":"', b'"sig":"00')
    )
    with web_server(tmp_path) as (address, _), pytest.raises(UntrustedMetadata):
        copy(shop, address).check(manual=True)


def test_mirroring_killed_at_any_step_of_the_disk(tmp_path: Path) -> None:
    """By SIGKILL, with the real command; after each kill a newcomer finds a consistent mirror, if one was begun."""
    operator = Operator(tmp_path, today=date.today())
    mirror = operator.data_dir / "mirror"
    command = ("mirror", mirror, "--builds", "--readable-by", "anyone")
    with closing(Killer(operator.environment)) as killer:
        killer.did("init")
        killer.did("product", "add", "cad", "--edition", "pro")
        killer.did(*_publish(operator, 0))
        killer.did(*command)
        killer.did(*_publish(operator, 1))
        steps = killer.did(*command).steps
        places = [place for place, step in enumerate(steps, 1) if step in ("replace", "unlink", "commit", "end")]
        root = (operator.data_dir / "root.json").read_bytes()
        now = operator.installation().signing_clock()
        for number, place in enumerate(places, 2):
            killer.did(*_publish(operator, number))
            assert killer.run(*command, die_at=place).was_killed
            read = reader_of(DirectoryMirror(mirror, is_public=True))
            listed = verified_files(read, root, now).repository.targets("cad").targets
            assert len(listed) in (number, number + 1)
            for path, target in listed.items():
                folder, _, name = path.rpartition("/")
                assert read(f"downloads/{folder}/{target.hashes['sha256']}.{name}") is not None
            killer.did(*command)
            assert len(verified_files(read, root, now).repository.targets("cad").targets) == number + 1


def _publish(operator: Operator, number: int) -> tuple[object, ...]:
    file = operator.build(f"cad-1.{number}.zip", os.urandom(100))
    return ("publish", file, "--product", "cad", "--version", f"1.{number}", "--platform", "any")
