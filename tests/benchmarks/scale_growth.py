"""What grows with releases and licences: cost of a check, start, reading the catalogue, memory."""

from __future__ import annotations

import http.client
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from tenure_server.use_cases.catalogue import read_catalogue
from tenure_signing.versions import Version
from tests.benchmarks.dataset import Dataset, dataset
from tests.benchmarks.live_vendor import made_up
from tests.benchmarks.measuring import BrokenMeasurement, cpu_seconds, family, measure, memory_mb, steady_load, wrk
from tests.benchmarks.scale_bench import Bench, ask
from tests.benchmarks.scale_report import Row
from tests.benchmarks.work import Install

FLAT = 1.15
START_SECONDS, REBUILD_SECONDS, RESIDENT_MB = 3.0, 1.0, 150.0


def releases_grow(bench: Bench) -> Iterator[Row]:
    """One product with 10 and with 10,000 releases, each with one build."""
    few, many = (bench.vendor(bench.many(count)).copy for count in (10, bench.count(10_000)))
    yield from _grow(bench, f"10 to {bench.count(10_000):,} releases", few, many)


def licences_grow(bench: Bench) -> Iterator[Row]:
    few = dataset(bench.cache, bench.catalogue, 1_000)
    yield from _grow(bench, f"1,000 to {bench.made.licences:,} licences", few, bench.made)


def _grow(bench: Bench, what: str, few: Dataset, many: Dataset) -> Iterator[Row]:
    found: dict[str, list[tuple[float, float]]] = {"seen lately": [], "never seen": []}
    for _ in range(1 if bench.is_short else 3):
        for kind, ratios in found.items():
            ratios.append((_cost(bench, few, kind), _cost(bench, many, kind)))
    for kind, pairs in found.items():
        before, after = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(b / a for a, b in pairs)
        yield Row(
            f"check, licence {kind}: {what}",
            f"{before:.1f} to {after:.1f} µs, × {ratio:.2f}",
            {"few_cpu_us": before, "many_cpu_us": after, "ratio": ratio},
            f"at most × {FLAT}",
            ratio <= FLAT,
        )


def _cost(bench: Bench, made: Dataset, kind: str) -> float:
    """CPU µs of a check."""
    work = bench.work(made)
    if kind == "seen lately":
        requests = work.warm(bench.count(5_000))
        with bench.bare(made) as (pid, port):
            wrk(port, requests, seconds=60, once=True)
            return measure(pid, port, requests, seconds=max(1.0, bench.seconds / 4), once=False, refused=False).cpu_us
    costs = []
    for _ in range(max(1, 5_000 // made.licences)):  # few licences are few requests, and the clock has hundredths
        requests = work.cold(bench.count(10_000))
        with bench.bare(made) as (pid, port):
            wrk(
                port,
                work.feed(200) if made.licences > 200 and made is bench.made else work.metadata(),
                seconds=1,
                once=True,
            )
            found = measure(pid, port, requests, seconds=60, once=True, refused=False)
        costs.append((found.cpu_us * found.requests, found.requests))
    return sum(cpu for cpu, _ in costs) / sum(count for _, count in costs)


def start(bench: Bench) -> Iterator[Row]:
    """From the command to the first answered check, ``tenure serve`` with its schema check and everything."""
    install = bench.work(bench.vendor(bench.real).copy).of_one_supported()
    for database in ("SQLite", "PostgreSQL"):
        url = bench.postgres_url if database == "PostgreSQL" else None
        if database == "PostgreSQL" and url is None:
            continue
        times = [_start(bench, install, url) for _ in range(1 if bench.is_short else 3)]
        wall, cpu = (statistics.median(side) for side in zip(*times, strict=True))
        name = f"start to first answer, {database}, {bench.made.licences:,} licences"
        shown, values = f"{wall:.2f} s ({cpu:.2f} s of CPU)", {"seconds": wall, "cpu_seconds": cpu}
        yield Row(name, shown, values, "under 3 s", wall < START_SECONDS)


def _start(bench: Bench, install: Install, url: str | None) -> tuple[float, float]:
    # PostgreSQL holds the dataset as it is, SQLite is a copy of it with other keys for releases
    made = bench.made if url is not None else bench.vendor(bench.real).copy
    began = time.monotonic()
    with bench.serving(made, url=url) as (pid, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        ask(connection, install)
        wall, cpu = time.monotonic() - began, cpu_seconds(pid)
        connection.close()
    return wall, cpu


def rebuild(bench: Bench) -> Iterator[Row]:
    """The whole catalogue, as at the start; and what a publication makes a serving process read, checks meanwhile."""
    vendor = bench.vendor(bench.large)
    times = []
    for _ in range(3):
        began = time.process_time()
        with vendor.installation.database.reading_published() as records:
            catalogue = read_catalogue(records)
        for product in catalogue.products.values():
            product.index_on(datetime.now(UTC).date())
        times.append(time.process_time() - began)
    releases = bench.large.products * bench.large.releases
    size = f"{releases:,} releases × 6"
    seconds = min(times)
    yield Row(f"catalogue of {size} read whole", f"{seconds:.2f} s of CPU", {"seconds": seconds})
    requests = bench.work(vendor.copy).warm(bench.count(5_000))
    with bench.serving(vendor.copy) as (_, port):
        install = bench.work(vendor.copy).of_one_supported()
        wrk(port, requests, seconds=60, once=True)
        held: list[float] = []
        publishing = threading.Timer(0.3 * bench.seconds, lambda: held.append(_publish_and_wait(vendor, port, install)))
        publishing.start()
        found = steady_load(port, {"check": (2_000, requests)}, seconds=2 * bench.seconds)["check"]
        publishing.join()
    if not held:
        raise BrokenMeasurement("nothing was published")
    yield Row(
        f"a release of one of 8 products, {size} published: until it is offered",
        f"{held[0]:.2f} s; checks meanwhile p99.9 {found['p999'] / 1e3:.1f}, longest {found['longest'] / 1e3:.1f} ms",
        {"seconds": held[0], **found},
        "under 1 s",
        held[0] < REBUILD_SECONDS,
    )


def _publish_and_wait(vendor: object, port: int, install: Install) -> float:
    """Seconds from the commit until the release is offered."""
    now = datetime.now(UTC)
    version = Version(f"78.{now:%H}.{now:%M%S}")
    vendor.publish(made_up(version, now.date()))  # type: ignore[attr-defined]
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    while ask(connection, install)["newest"]["version"] != str(version):
        if time.monotonic() - began > 30:
            raise BrokenMeasurement("what was published is not offered")
        time.sleep(0.005)
    connection.close()
    return time.monotonic() - began


def memory(bench: Bench) -> Iterator[Row]:
    large = f"{bench.large.products * bench.large.releases:,} releases × 6"
    shapes = {"the real catalogue": bench.real, large: bench.large}
    for name, shape in shapes.items() if not bench.is_short else [(large, bench.large)]:
        made = bench.vendor(shape).copy
        count = bench.count(100_000)
        requests = bench.work(made).cold(count)
        with bench.serving(made) as (pid, port):
            worker = family(pid)[-1]
            empty = memory_mb(worker)
            wrk(port, requests, seconds=120, once=True)
            found = memory_mb(worker)
        for what, figures in (("no licence asked for yet", empty), (f"{count:,} cached licences", found)):
            bound = "at most 150 MB" if what.endswith("cached licences") and name != "the real catalogue" else ""
            shown = f"{figures['resident']:.0f} MB resident, {figures['own']:.0f} its own"
            is_met = figures["resident"] <= RESIDENT_MB if bound else None
            yield Row(f"memory of a worker: {name}, {what}", shown, figures, bound, is_met)
    if not bench.is_short:
        seconds = _imports()
        yield Row("tenure --help", f"{seconds:.2f} s of CPU", {"seconds": seconds})


def _imports() -> float:
    """CPU seconds of the shortest command."""
    code = "import resource, subprocess, sys; subprocess.run([sys.executable, '-m', 'tenure_server', '--help'], "
    code += "stdout=subprocess.DEVNULL, check=True); used = resource.getrusage(resource.RUSAGE_CHILDREN); "
    code += "print(used.ru_utime + used.ru_stime)"
    return min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(3))
