"""What the simulation says, as tables for ``docs/scale.md``."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks.simulation import prices
from tests.benchmarks.simulation.costs import RESULTS, VALIDATION, Costs, measured
from tests.benchmarks.simulation.installs import MINUTE, Day, back_after_an_outage, ordinary_day
from tests.benchmarks.simulation.outage import come_back, outage
from tests.benchmarks.simulation.queueing import closed_loop
from tests.benchmarks.simulation.sizing import Need, Vendor, busiest_minute, drawn, needed
from tests.benchmarks.simulation.validation import TOLERANCE, Compared

SAMPLE = 200_000
"""Installs that are simulated one by one; a day of more of them has the same shape."""

SIZES = (1_000_000, 10_000_000, 100_000_000)
KEPT_LICENCES = 100_000  # by each worker: use_cases.licence_cache.MAX_LICENCES
CONNECTIONS = 32
OUTAGE_INSTALLS = 1_000_000
REFUSAL_SECONDS = (
    12e-6  # as much as the smallest of our answers; docs/overload.md: a few microseconds and the web server
)


def parts(seed: int) -> dict[str, str]:
    """By name; each is Markdown."""
    costs, vendor = measured(), Vendor()
    day = ordinary_day(SAMPLE, seed)
    needs = [needed(installs, day, costs, vendor) for installs in SIZES]
    return {
        "costs": costs_table(costs),
        "day": day_table(day, seed),
        "sizes": sizes_table(needs, costs, seed),
        "prices": prices_table(needs),
        "outage": outage_table(costs, seed),
        "single machine": single_machine_table(),
        "loads": loads_table(),
    }


def costs_table(costs: Costs) -> str:
    rows = [
        ("check, licence seen lately", costs.seen_lately, "results.json"),
        ("check, licence never seen, PostgreSQL", costs.never_seen, "results.json"),
        ("PostgreSQL's own processes for that licence", costs.database, "simulation.json"),
        ("redirect of a download to S3", costs.download, "results.json"),
        ("TUF metadata file", costs.metadata, "results.json"),
        ("nginx: TLS 1.3 handshake, no resumption, with one request", costs.handshake, "simulation.json"),
    ]
    return _table(("work", "CPU µs", "from"), ((name, f"{cost * 1e6:.1f}", source) for name, cost, source in rows))


def day_table(day: Day, seed: int) -> str:
    hours = [sum(day.checks[start : start + 60]) for start in range(0, len(day.checks), 60)]
    most = max(hours)
    bars = "\n".join(
        f"{hour:02}:00  {'#' * round(40 * count / most):40}  {count / day.total:6.2%}"
        for hour, count in enumerate(hours)
    )
    seats = ordinary_day(SAMPLE, seed, seats=3, kept_licences=KEPT_LICENCES * SAMPLE // 10_000_000)
    facts = [
        ("checks of an install a day", f"{day.total / day.installs:.2f}"),
        ("the busiest minute against the average one", f"{day.peak:.2f} ×"),
        ("checks whose licence was seen lately: 10 million installs, 3 a licence, one worker",
         f"{seats.found_lately / seats.total:.1%}"),
    ]  # fmt: skip
    return f"```\n{bars}\n```\n\n{_table(('', ''), facts)}"


def sizes_table(needs: Sequence[Need], costs: Costs, seed: int) -> str:
    queues = [busiest_minute(need, costs, seed) for need in needs]
    rows: list[tuple[str, list[str]]] = [
        ("checks a second, average", [f"{need.checks_per_second:,.0f}" for need in needs]),
        ("checks a second, busiest minute", [f"{need.busiest:,.0f}" for need in needs]),
        ("licences read from the database a second, then", [f"{need.reads_per_second:,.0f}" for need in needs]),
        ("redirects of downloads a second, then", [f"{need.downloads_per_second:,.0f}" for need in needs]),
        ("busy cores of Tenure, then", [f"{need.cores:.2f}" for need in needs]),
        ("busy cores of PostgreSQL, then", [f"{need.database_cores:.2f}" for need in needs]),
        ("busy cores of nginx for TLS, then", [f"{need.tls_cores:.2f}" for need in needs]),
        ("workers, half busy at most", [f"{need.workers}" for need in needs]),
        ("median / 99 % / 99.9 % of answers, ms",
         [" / ".join(f"{queue.percentile(share) * 1000:.1f}" for share in (50, 99, 99.9)) for queue in queues]),
        ("requests for metadata that the CDN answers", [f"{need.cdn_hits:.2%}" for need in needs]),
        ("requests for metadata at the servers a second", [f"{need.origin_metadata_per_second:.2f}" for need in needs]),
        ("TB a month at the servers", [f"{need.server_tb:,.1f}" for need in needs]),
        ("TB a month at the CDN", [f"{need.cdn_tb:,.0f}" for need in needs]),
    ]  # fmt: skip
    return _table(("", *(f"{need.installs:,} installs" for need in needs)), ((name, *cells) for name, cells in rows))


def prices_table(needs: Sequence[Need]) -> str:
    rows: list[tuple[str, list[str]]] = [
        ("machines for Tenure and nginx, one of them may be away",
         [f"{need.machines[0]} × {need.machines[1].name} ({need.machines[1].cores} cores)" for need in needs]),
        ("machines for PostgreSQL, one standing by", [f"2 × {need.database.name}" for need in needs]),
        ("these machines, EUR a month", [f"{need.servers_eur:,.0f}" for need in needs]),
        ("their traffic beyond what is included, EUR", [f"{need.traffic_eur:,.0f}" for need in needs]),
        ("CDN, EUR", [f"{need.cdn_eur:,.0f}" for need in needs]),
        ("**together, EUR a month**",
         [f"**{need.servers_eur + need.traffic_eur + need.cdn_eur:,.0f}**" for need in needs]),
        ("without builds: machines and their traffic, EUR for a million installs",
         [f"{(need.servers_eur + need.traffic_eur) / need.installs * 1e6:,.2f}" for need in needs]),
        ("the CDN's part at CloudFront's list, EUR", [f"{prices.other_cdn_eur(need.cdn_tb):,.0f}" for need in needs]),
    ]  # fmt: skip
    table = _table(("", *(f"{need.installs:,} installs" for need in needs)), ((name, *cells) for name, cells in rows))
    sources = {
        "servers": prices.SERVERS,
        "traffic": prices.TRAFFIC,
        "CDN": prices.CDN,
        "the other CDN": prices.OTHER_CDN,
    }
    lists = "\n".join(f"* {name}: {source}" for name, source in sources.items())
    return f"{table}\n\n{lists}\n* USD at {prices.USD_PER_EUR} for a euro (ECB, 2026-10-28)"


def outage_table(costs: Costs, seed: int) -> str:
    cases = [
        *(("seen lately", costs.seen_lately, workers, True) for workers in (1, 2)),
        *(("never seen", costs.never_seen, workers, True) for workers in (1, 2, 4, 8)),
        *(("never seen, if nobody were refused", costs.never_seen, workers, False) for workers in (1, 2)),
    ]
    rows = []
    for name, mean, workers, refuses in cases:
        chance = random.Random(seed)
        found = outage(
            back_after_an_outage(OUTAGE_INSTALLS, MINUTE, chance),
            partial(drawn, mean, costs, chance),
            workers,
            again=partial(come_back, chance) if refuses else None,
            refusal_seconds=REFUSAL_SECONDS,
        )
        median, most = (_time(found.answers.percentile(share)) for share in (50, 99))
        refused, gone = f"{found.refusals / OUTAGE_INSTALLS:.1%}", f"{found.gone / OUTAGE_INSTALLS:.0%}"
        rows.append((name, str(workers), median, most, refused, gone, _minutes(found.over_after)))
    return _table(("licences", "workers", "median", "99 %", "refused at first", "went away", "over after"), rows)


def single_machine_table() -> str:
    """``results.json`` held against a server that is never idle and takes what was measured as its CPU time."""
    rows = []
    for one in json.loads(RESULTS.read_text(encoding="utf-8"))["results"]:
        takes = one["cpu_us"] / 1e6
        answers = closed_loop(CONNECTIONS, partial(float, takes), partial(float, 0.0), 0.0, 20_000)
        rows.append(
            (
                one["name"],
                f"{one['per_second']:,}",
                f"{answers.per_second:,.0f}",
                f"{answers.per_second / one['per_second'] - 1:+.1%}",
                f"{one['p50'] / 1000:.2f}",
                f"{answers.percentile(50) * 1000:.2f}",
                f"{answers.percentile(50) * 1e6 / one['p50'] - 1:+.1%}",
            )
        )
    return _table(("work", "req/s", "simulated", "error", "median ms", "simulated", "error"), rows)


def loads_table() -> str:
    found: Mapping[str, Any] = json.loads(VALIDATION.read_text(encoding="utf-8"))
    compared = [Compared(**one) for one in found["compared"]]
    rows = [
        (
            one.work,
            str(one.connections),
            *(f"{one.measured[name]:,.0f} / {one.simulated[name]:,.0f}" for name in TOLERANCE),
            "yes" if one.holds else ", ".join(f"{name} {one.errors[name]:+.0%}" for name in TOLERANCE
                                               if abs(one.errors[name]) > TOLERANCE[name]),
        )
        for one in compared
    ]  # fmt: skip
    within = ", ".join(f"{name} {error:.0%}" for name, error in TOLERANCE.items())
    head = ("work", "connections", "req/s measured / simulated", "median µs", "99 % µs", "within the error")
    return f"{_table(head, rows)}\n\n{found['at'][:10]}, the quietest of {found['rounds']} rounds. Error: {within}."


def write(tables: Mapping[str, str], page: Path) -> None:
    """Between their marks."""
    text = page.read_text(encoding="utf-8")
    for name, table in tables.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n{table}\n{end}{after}"
    page.write_text(text, encoding="utf-8")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
