"""Redirects, stored bytes, publishing and the SDK, each beside its yardstick in the same round.

docs/performance/downloads.md says more. Nothing fails for being slow, only for being measured wrongly.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.__main__ import CHECKOUT, MISSING_PROGRAM, Run, catalogue_folder, write_answer
from tests.benchmarks.contenders import CONTENDERS, YARDSTICK
from tests.benchmarks.dataset import dataset
from tests.benchmarks.downloads import publishing, sdk, shop, stored_bytes
from tests.benchmarks.downloads.costs import Cost
from tests.benchmarks.downloads.results import Found, Row, write
from tests.benchmarks.measuring import BrokenMeasurement

PAGE = CHECKOUT / "docs" / "performance" / "downloads.md"
MIB = 1024 * 1024
LICENCES = 20_000
SECTIONS = ("redirects", "bytes", "publishing", "sdk")
IN_SHORT = ("redirects", "bytes", "sdk")  # an S3 server takes longer to start than all of these

Rounds = dict[str, list[float]]


def redirects(options: argparse.Namespace, directory: Path) -> list[Row]:
    """CPU of a gated download's answer as a multiple of a bare Starlette answer's."""
    contenders = [one for one in CONTENDERS if one.name == YARDSTICK or "download" in one.name]
    made = dataset(options.cache, catalogue_folder() / "ruff.json", LICENCES)
    write_answer(made)
    run = Run(made, options.seconds, options.requests, directory, None)
    for number in range(options.rounds):
        run.round(contenders, seed=number)
    bare = [figures.cpu_us for figures in run.found[YARDSTICK]]
    rows = [Row(f"{YARDSTICK}, CPU µs", bare)]
    for one in contenders:
        if one.name != YARDSTICK:
            own = [figures.cpu_us for figures in run.found[one.name]]
            rows.append(Row(f"{one.name}, CPU µs", own))
            ratios = [ours / yardstick for ours, yardstick in zip(own, bare, strict=True)]
            rows.append(Row(f"{one.name}, as a multiple", ratios, at_most=one.at_most))
    return rows


def bytes_sent(options: argparse.Namespace, directory: Path) -> list[Row]:
    file = shop.random_file(directory / "cad-1.0.bin", options.mib * MIB)
    operator = shop.new_operator(directory / "shop")
    shop.publish(operator, file)
    site = stored_bytes.Site.of(directory, file, operator)
    cpu: Rounds = {name: [] for name in stored_bytes.CONTENDERS}
    for _ in range(options.rounds):
        for name in stored_bytes.CONTENDERS:
            with site.source(name) as source:
                stored_bytes.downloaded(source, options.mib * MIB)  # what begins with the first one is there
                cpu[name].append(stored_bytes.downloaded(source, options.mib * MIB).cpu)
        _tell({name: found[-1] for name, found in cpu.items()})
    rows = [
        Row(f"{name}, CPU seconds a GB", found, at_most=0.30 if "Tenure" in name else None)
        for name, found in cpu.items()
    ]
    p99: dict[int, list[float]] = {0: [], 1: [], 4: []}
    with shop.serving(operator, file.name, site.key) as served:
        for _ in range(options.rounds):
            for downloads, found in p99.items():
                found.append(stored_bytes.checks_beside(served, downloads).p99)
    beside = {0: "nothing else", 1: "one download", 4: "four downloads"}
    return rows + [Row(f"99th percentile of checks beside {beside[n]}, ms", found) for n, found in p99.items()]


def publishing_costs(options: argparse.Namespace, directory: Path) -> list[Row]:
    file = shop.random_file(directory / "cad-1.0.bin", options.mib * MIB)
    small = shop.random_file(directory / "cad-0.1.bin", MIB)
    ours: list[Cost] = []
    theirs: list[Cost] = []
    with publishing.publishing(directory) as place:
        place.ours(small, "0.1")  # compiled, and connected once
        for number in range(options.rounds):
            theirs.append(place.by_aws(file, f"file-{number}"))
            ours.append(place.ours(file, f"1.{number}"))
            _tell({"aws s3 cp": theirs[-1].wall, "tenure publish": ours[-1].wall})
    return [
        *_costs("aws s3 cp", theirs),
        *_costs("tenure publish", ours),
        Row("tenure publish, wall as a multiple", _ratios(ours, theirs), at_most=1.15),
    ]


def sdk_costs(options: argparse.Namespace, directory: Path) -> list[Row]:
    length = options.mib * MIB
    file = shop.random_file(directory / "cad-1.0.bin", length)
    operator = shop.new_operator(directory / "shop")
    shop.publish(operator, file)
    ours: list[Cost] = []
    theirs: list[Cost] = []
    with shop.serving(operator, file.name, shop.sell(operator)) as served:
        for _ in range(options.rounds):
            theirs.append(sdk.by_curl(served, length, directory))
            ours.append(sdk.by_sdk(served, operator.data_dir / "root.json", length, directory))
            _tell({"curl": theirs[-1].wall, "the SDK": ours[-1].wall})
    return [
        *_costs("curl", theirs),
        *_costs("the SDK", ours),
        Row("the SDK, resident MB", [cost.resident_mb for cost in ours], at_most=80),
        Row("the SDK, speed as a share of curl's", _ratios(theirs, ours), at_least=0.8),
    ]


def _costs(name: str, costs: list[Cost]) -> Iterator[Row]:
    yield Row(f"{name}, wall s", [cost.wall for cost in costs])
    yield Row(f"{name}, CPU s", [cost.cpu for cost in costs])


def _ratios(over: list[Cost], under: list[Cost]) -> list[float]:
    return [one.wall / other.wall for one, other in zip(over, under, strict=True)]


def _tell(figures: dict[str, float]) -> None:
    print("  " + "   ".join(f"{name} {figure:.2f}" for name, figure in figures.items()), flush=True)


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers are ended on the way out
    found, titles = Found(), _titles(options.mib)
    measures: dict[str, Callable[[argparse.Namespace, Path], list[Row]]] = {
        "redirects": redirects,
        "bytes": bytes_sent,
        "publishing": publishing_costs,
        "sdk": sdk_costs,
    }
    for section in options.only or (IN_SHORT if options.short else SECTIONS):
        if missing := _missing(section):
            found.left_out.append(f"{section}, for want of {missing}")
            continue
        print(titles[section], flush=True)
        with tempfile.TemporaryDirectory(prefix="tenure-downloads-") as name:
            directory = Path(name)
            directory.chmod(0o755)  # nginx's workers may not be who we are
            try:
                found.sections[titles[section]] = measures[section](options, directory)
            except BrokenMeasurement as error:
                print(f"error: broken measurement: {error}", file=sys.stderr)
                return 1
    print(found.text())
    if options.write:
        write(found, PAGE, {"rounds": options.rounds, "MiB": options.mib})
        print(f"written to {PAGE.relative_to(CHECKOUT)}")
    return 0 if found.sections or options.short else MISSING_PROGRAM


def _titles(mib: int) -> dict[str, str]:
    return {
        "redirects": "A gated download, answered with a link",
        "bytes": f"Bytes of a stored build of {mib} MiB",
        "publishing": f"Publishing {mib} MiB to S3 (OpenStack Swift on the same machine)",
        "sdk": f"Downloading {mib} MiB",
    }


def _missing(section: str) -> str | None:
    """A program that it takes and this machine does not have."""
    wanted = {"redirects": ("wrk", "taskset"), "bytes": ("nginx", "curl", "taskset"), "sdk": ("curl", "taskset")}
    for program in wanted.get(section, ()):
        if shutil.which(program) is None:
            return program
    if section == "redirects" and not (catalogue_folder() / "ruff.json").exists():
        return "a release history (TENURE_TEST_CATALOGUES)"
    if section == "publishing" and not publishing.aws_is_here():
        return "the AWS command line"
    return "Swift's scripts" if section == "publishing" and not publishing.swift_is_here() else None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.downloads", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mib", type=int, default=1000, help="size of the build")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each run of requests")
    parser.add_argument("--requests", type=int, default=20_000, help="length of the list of requests")
    parser.add_argument("--only", action="append", choices=SECTIONS, help="may be repeated")
    parser.add_argument("--short", action="store_true", help="16 MiB, one round: for CI")
    parser.add_argument("--write", action="store_true", help="write docs/performance/downloads.md")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "tenure-benchmarks", help="keeps the dataset"
    )
    options = parser.parse_args()
    if options.short:
        options.rounds, options.mib, options.seconds, options.requests = 1, 16, 1.0, 1_000
    return options


if __name__ == "__main__":
    sys.exit(main())
