"""``tenure edge`` beside a ``tenure serve``: another machine with one file and nothing else."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import urllib3

from tenure_server.adapters.database.snapshot import Snapshot
from tests.server.cli.at_the_terminal import PROGRAM, Operator
from tests.server.world import license_header

PATIENCE_SECONDS = 60.0
CHECK = "/v1/update-check?product=cad&version=0.9&os=linux&arch=x86_64"


def eventually(what: Callable[[], object]) -> None:
    """Wait until it is true."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < give_up_at
        time.sleep(0.1)


@contextmanager
def at_the_edge(operator: Operator, file: Path) -> Iterator[str]:
    """The address of an edge server on a machine that has no data directory."""
    log = file.with_name("edge.log")
    environment = operator.environment | {"TENURE_DATA_DIR": str(file.with_name("nothing"))}
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [PROGRAM, "edge", str(file), "--port", "0"], env=environment, stdout=stderr, stderr=stderr
        )
    try:
        eventually(lambda: " on http" in log.read_text() or process.poll() is not None)
        found = re.search(r"update checks on (http://\S+), as of 20\S+Z\. ", log.read_text())
        assert found, log.read_text()
        yield found[1]
    finally:
        process.terminate()
        assert process.wait(30) == 0


def offered(url: str, key: str, **headers: str) -> tuple[int, str | None]:
    """Status, and version on offer."""
    answer = urllib3.request("GET", url + CHECK, headers=license_header(key) | headers, retries=False, timeout=30)
    offer = answer.json().get("offer")
    return answer.status, offer and offer["version"]


def test_one_file_from_the_main_server_answers_checks_elsewhere(tmp_path: Path) -> None:
    operator, file = Operator(tmp_path), tmp_path / "elsewhere" / "snapshot.db"
    file.parent.mkdir()
    operator.did("init")
    refused = operator.run("snapshot", file)
    assert (refused.code, refused.out) == (1, "")
    assert "tenure serve makes it" in refused.err
    operator.did("product", "add", "cad", "--edition", "pro")
    operator.publish("1.0")
    seen, certified = (operator.issue("--smp-years", "1")["key"] for _ in range(2))
    with operator.serving() as server, closing(Snapshot(operator.data_dir / "snapshot.db")) as kept:
        assert offered(server.url, seen) == (200, "1.0")
        eventually(lambda: kept.state() is not None and kept.oldest(1))
        headers = license_header(certified) | {"Tenure-Certificate": "none"}
        certificate = urllib3.request("GET", server.url + CHECK, headers=headers).json()["certificate"]
        operator.did("snapshot", file)
    with at_the_edge(operator, file) as url:
        assert offered(url, seen) == (200, "1.0")
        assert offered(url, certified)[0] in (200, 503)  # it may have been copied too
        assert offered(url, certified, **{"Tenure-Certificate": certificate}) == (200, "1.0")
        with operator.serving():
            operator.publish("1.1")
            eventually(lambda: operator.did("snapshot", file) and offered(url, seen) == (200, "1.1"))
    assert {path.name for path in file.parent.iterdir()} == {"snapshot.db", "edge.log"}
