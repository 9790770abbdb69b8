"""How soon a publication, a halt and a revocation hold in every process, and what looking for them costs a check."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tenure_server.adapters.database import SqlDatabase
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_signing.versions import Version
from tests.benchmarks.live_vendor import made_up
from tests.benchmarks.measuring import BrokenMeasurement, family
from tests.benchmarks.scale_bench import BOTH_CORES, Bench, ask
from tests.benchmarks.scale_report import Row
from tests.benchmarks.work import Install

WORKERS = 3
HOLD_SECONDS, COST_US = 1.0, 1.0


def changes_hold(bench: Bench) -> Iterator[Row]:
    """Made by another process, as by a command; asked of each worker in turn."""
    vendor = bench.vendor(bench.real)
    install = bench.work(vendor.copy).of_one_supported()
    licence_id = _licence_of(vendor.installation, install)
    with bench.serving(vendor.copy, workers=WORKERS, cores=BOTH_CORES) as (pid, port):
        workers = _one_connection_each(port, pid)
        now = datetime.now(UTC)
        version = Version(f"79.{now:%H}.{now:%M%S}")

        def is_offered(answer: Any) -> bool:
            return bool(answer["offer"]) and answer["offer"]["version"] == str(version)

        steps: list[tuple[str, Callable[[], None], Callable[[Any], bool]]] = [
            ("publication", lambda: vendor.publish(made_up(version, now.date())), is_offered),
            ("halt", lambda: vendor.halt(version), lambda answer: not is_offered(answer)),
            ("revocation", lambda: vendor.revoke(licence_id), lambda answer: answer["offer"] is None),
        ]
        for name, change, holds in steps:
            seconds = _until_all(workers, install, change, holds)
            shown = f"{seconds:.2f} s"
            yield Row(
                f"{name} holds in all of {WORKERS} workers", shown, {"seconds": seconds}, "1 s", seconds <= HOLD_SECONDS
            )
        for connection in workers:
            connection.close()


def _licence_of(installation: Any, install: Install) -> str:
    return str(installation.identify_licence.by_key(install.key).licence_id)


def _until_all(
    workers: list[http.client.HTTPConnection],
    install: Install,
    change: Callable[[], None],
    holds: Callable[[Any], bool],
) -> float:
    """Seconds from when the change is made until it holds in each of them; they are asked all the while."""
    made: list[float] = []

    def make() -> None:
        change()
        made.append(time.monotonic())

    changing = threading.Thread(target=make)
    changing.start()
    give_up_at, waiting = time.monotonic() + 120, list(workers)
    while waiting:
        held = [holds(ask(worker, install)) for worker in workers]  # all of them: an idle connection is closed
        waiting = [worker for worker, does in zip(workers, held, strict=True) if not does]
        if time.monotonic() > give_up_at:
            raise BrokenMeasurement("a change does not hold")
        time.sleep(0.005)
    ended = time.monotonic()
    changing.join()
    return max(0.0, ended - made[0])


def _one_connection_each(port: int, parent: int) -> list[http.client.HTTPConnection]:
    """The kernel gives a connection to any worker; which one holds it, /proc tells."""
    found: dict[int, http.client.HTTPConnection] = {}
    give_up_at = time.monotonic() + 30
    while len(found) < WORKERS:
        if time.monotonic() > give_up_at:
            raise BrokenMeasurement(f"{len(found)} of {WORKERS} workers answer")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        assert connection.sock is not None
        holder = _holder(connection.sock.getsockname()[1], port, family(parent))
        if holder is None or holder in found:
            connection.close()
        else:
            found[holder] = connection
    return list(found.values())


def _holder(client_port: int, port: int, processes: list[int]) -> int | None:
    """Of the processes, the one that has the server's end of the connection (proc(5), net/tcp)."""
    ends = f"0100007F:{port:04X}", f"0100007F:{client_port:04X}"
    lines = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    inode = next((line[9] for line in lines if (line[1], line[2]) == ends), None)
    for process in processes:
        folder = Path(f"/proc/{process}/fd")
        for handle in folder.iterdir():
            with suppress(FileNotFoundError):
                if str(handle.readlink()) == f"socket:[{inode}]":
                    return process
    return None


def cost_of_looking(bench: Bench) -> Iterator[Row]:
    """What each check does to notice a change: the version of the licences and the age of the catalogue."""
    for name in ("SQLite",) if bench.is_short else ("SQLite", "PostgreSQL"):
        url = f"sqlite:///{bench.vendor(bench.real).copy.sqlite_file}" if name == "SQLite" else bench.postgres_url
        if url is None:
            continue
        database = SqlDatabase(url)
        source = CatalogueSource(database)
        source.current()
        version, at_hand, count = database.quick.version, source.at_hand, bench.count(200_000)
        version(), at_hand()
        began = time.process_time()
        for _ in range(count):
            version()
            at_hand()
        cost = (time.process_time() - began) / count * 1e6
        database.close()
        yield Row(
            f"looking for changes, {name}", f"{cost:.2f} µs a check", {"us": cost}, "at most 1 µs", cost <= COST_US
        )
