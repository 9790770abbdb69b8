"""Several processes, half load, bursts, and more than can be answered."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tenure_signing.versions import Version
from tests.benchmarks.live_vendor import LiveVendor, made_up
from tests.benchmarks.measuring import SERVER_CORE, Load, cpu_seconds, measure, steady_load, wrk
from tests.benchmarks.scale_bench import BOTH_CORES, Bench
from tests.benchmarks.scale_report import Row

BURST = 16_700
"""A million installs within a minute."""

FASTEST = 40_000
"""Requests a second that the load generator, which is Python too, sends without being late itself."""

P99_US, P999_US = 2_000, 10_000
MANY = 8_000
"""Connections: each install has one of its own. With few, what waits waits at the generator, and no server sees it."""

PEOPLE_SHARE = 0.05


def two_workers(bench: Bench) -> Iterator[Row]:
    """On both cores, which wrk shares with them: what two workers cost, not how many requests two cores answer."""
    vendor = bench.vendor(bench.real)
    requests = bench.work(vendor.copy).warm(bench.count(20_000))
    alone = 0.0
    for workers in (1, 2):
        with bench.serving(vendor.copy, workers=workers, cores=BOTH_CORES) as (pid, port):
            for _ in range(workers + 1):
                wrk(port, requests, seconds=60, once=True)  # each of them has seen the licences
            found = measure(pid, port, requests, seconds=bench.seconds, once=False, refused=False)
        alone = alone or found.cpu_us
        yield Row(
            f"check, licence seen lately, {workers} worker{'s' * (workers > 1)} on both cores",
            f"{found.cpu_us:.1f} µs, {found.per_second:,.0f}/s",
            {"cpu_us": found.cpu_us, "per_second": found.per_second, "times_one": found.cpu_us / alone},
        )


def half_load(bench: Bench) -> Iterator[Row]:
    vendor = bench.vendor(bench.real)
    with bench.serving(vendor.copy) as (pid, port):
        requests, rate = _half(bench, vendor, pid, port)
        found = steady_load(port, {"check": (rate, requests)}, seconds=2 * bench.seconds)["check"]
    yield _percentiles(f"half load: {rate:,.0f} checks/s of licences seen lately", rate, found)


def half_load_while_publishing(bench: Bench) -> Iterator[Row]:
    """Published by another process on the server's core, which signs what it publishes there too."""
    vendor = bench.vendor(bench.real)
    with bench.serving(vendor.copy) as (pid, port):
        requests, rate = _half(bench, vendor, pid, port)
        publishing = threading.Timer(0.3 * bench.seconds, _publish, (vendor,))
        publishing.start()
        found = steady_load(port, {"check": (rate, requests)}, seconds=2 * bench.seconds)["check"]
        publishing.join()
    yield _percentiles("the same while a release is published", rate, found)


def _half(bench: Bench, vendor: LiveVendor, pid: int, port: int) -> tuple[Path, float]:
    """What to ask, and half of what the measured cost lets one core answer."""
    requests = bench.work(vendor.copy).warm(bench.count(20_000))
    wrk(port, requests, seconds=60, once=True)
    found = measure(pid, port, requests, seconds=max(1.0, bench.seconds / 3), once=False, refused=False)
    return requests, round(min(0.5e6 / found.cpu_us, FASTEST))


def _publish(vendor: LiveVendor) -> None:
    os.sched_setaffinity(0, {int(SERVER_CORE)})  # of this thread
    now = datetime.now(UTC)
    vendor.publish(made_up(Version(f"77.{now:%H}.{now:%M%S}"), now.date()))


def _percentiles(name: str, rate: float, found: dict[str, float]) -> Row:
    shown = f"p50 {found['p50'] / 1e3:.2f}, p99 {found['p99'] / 1e3:.2f}, p99.9 {found['p999'] / 1e3:.2f} ms"
    is_met = found["p99"] <= P99_US and found["p999"] <= P999_US and not found["unanswered"] + found["refused"]
    return Row(name, shown, {"rate": rate, **found}, "p99 at most 2, p99.9 at most 10 ms", is_met)


def burst(bench: Bench) -> Iterator[Row]:
    """A million installs within a minute: licences seen lately, then licences never seen."""
    vendor = bench.vendor(bench.real)
    work = bench.work(vendor.copy)
    warm, cold = work.warm(bench.count(20_000)), work.cold(int(BURST * bench.seconds))
    with bench.serving(vendor.copy) as (pid, port):
        wrk(port, warm, seconds=60, once=True)
        yield _burst_row("seen lately", pid, port, warm, bench.seconds)
    with bench.serving(vendor.copy) as (pid, port):
        yield _burst_row("never seen", pid, port, cold, bench.seconds)


def _burst_row(kind: str, pid: int, port: int, requests: Path, seconds: float) -> Row:
    before = cpu_seconds(pid)
    found = steady_load(port, {"check": (BURST, requests)}, seconds=seconds, connections=MANY)["check"]
    cpu = cpu_seconds(pid) - before
    share = found["answered"] / found["sent"]
    shown = f"{share:.0%} answered, {found['refused'] / found['sent']:.0%} refused by {cpu / seconds:.2f} cores, "
    shown += f"p99 {found['p99'] / 1e3:.1f} ms"
    return Row(f"burst of {BURST:,} checks/s, licences {kind}", shown, {"cores": cpu / seconds, **found})


def overload(bench: Bench) -> Iterator[Row]:
    """Twice and four times what the server answers of licences never seen; one in twenty asks by hand."""
    vendor = bench.vendor(bench.real)
    work = bench.work(vendor.copy)
    with bench.serving(vendor.copy) as (pid, port):
        found = measure(pid, port, work.cold(bench.count(10_000)), seconds=60, once=True, refused=False)
    capacity = found.per_second
    for times in (2,) if bench.is_short else (2, 4):
        rate = min(times * capacity, FASTEST)
        seconds = 2 * bench.seconds
        cold = work.cold(int(rate * seconds))
        people = work.by_hand(int(rate * seconds * PEOPLE_SHARE) + 1_000)
        streams = {"background": (rate * (1 - PEOPLE_SHARE), cold), "people": (rate * PEOPLE_SHARE, people)}
        with bench.serving(vendor.copy) as (pid, port):
            load = steady_load(port, streams, seconds=seconds, connections=MANY, settling=seconds / 4)
        yield _overload_row(f"{rate / capacity:.1f} × capacity", rate, capacity, seconds, load)


def _overload_row(what: str, rate: float, capacity: float, seconds: float, load: Load) -> Row:
    background, people = load["background"], load["people"]
    answered = (background["answered"] + people["answered"]) / seconds
    success = people["answered"] / people["sent"]
    shown = (
        f"{rate:,.0f} checks/s: {answered / capacity:.0%} of capacity answered, "
        f"background p99 {background['p99'] / 1e3:.0f} ms; "
        f"by hand {success:.1%} answered, p99 {people['p99'] / 1e3:.0f} ms"
    )
    values = {"capacity": capacity, "answered_per_second": answered, "people_success": success}
    values |= {f"background_{key}": value for key, value in background.items()}
    values |= {f"people_{key}": value for key, value in people.items()}
    return Row(what, shown, values, "people last", success > 0.99)
