"""``python -m tests.benchmarks.metadata``: what signing anew and a warm check of metadata cost.

docs/performance/metadata.md has the figures.

CPU time of this process: neighbours on the machine change it less than the time on the clock.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from tuf.api.metadata import Metadata, Targets

from tenure_client import Client
from tenure_signing.names import FileName
from tenure_signing.release_record import target_of
from tenure_signing.tuf_drafts import RootKeys, first_product_role, first_root, first_targets, sign, with_product
from tenure_signing.tuf_preflight import preflight
from tenure_signing.tuf_publishing import Digests, resigned
from tenure_signing.tuf_repository import Repository
from tenure_signing.tuf_roles import ROOT, TARGETS
from tests.end_to_end.shop import MACHINE, open_shop
from tests.services.counting_proxy import counting_proxy
from tests.signing.tuf_repository import CAD, LICENCE_KEYS, NOW, a_release, new_signers, role_keys

ROUNDS = 101
BUILDS = 4  # of each release
HALF_A_LIFE = timedelta(days=4)  # of a snapshot: it is signed anew too


def repository_of(targets: int) -> tuple[Repository, Callable[[Repository, Digests | None], Repository]]:
    """One product with so many targets, published; and how its snapshot and timestamp are signed anew. Ed25519."""
    people, engineer = new_signers(1), new_signers(1)
    snapshot, timestamp = new_signers(2)
    keys = role_keys(people, 1)
    root = sign(ROOT, first_root(RootKeys(keys, keys, snapshot.public_key, timestamp.public_key), NOW), *people)
    delegating = with_product(first_targets(LICENCE_KEYS, NOW), CAD, role_keys(engineer, 1), NOW)
    role: Metadata[Targets] = Metadata.from_bytes(first_product_role(CAD, NOW))
    for number in range(targets // BUILDS):
        names = [FileName(f"cad-{number}-{build}.zip") for build in range(BUILDS)]
        release = a_release(
            f"{number // 100}.{number % 100}.1",
            files={name: name.encode() for name in names},
            released_on=date(2026, 1, 1),
        )
        role.signed.targets |= {build.path: target_of(release, build) for build in release.builds}
    roles = {TARGETS: sign(TARGETS, delegating, *people), CAD: sign(CAD, role.to_bytes(), *engineer)}
    published = resigned(Repository((root,), roles), snapshot, timestamp, NOW)
    return published, lambda before, digests: resigned(before, snapshot, timestamp, NOW + HALF_A_LIFE, digests)


def as_read_anew(repository: Repository) -> Repository:
    """The same bytes in other objects: as they come from a database."""
    return Repository(repository.roots, {role: bytes(bytearray(data)) for role, data in repository.roles.items()})


def timed(run: Callable[[Repository], object], repository: Repository, rounds: int) -> list[float]:
    """CPU milliseconds of each round, lowest first."""
    taken = []
    for _ in range(rounds):
        fresh = as_read_anew(repository)
        began = time.process_time()
        run(fresh)
        taken.append((time.process_time() - began) * 1_000)
    return sorted(taken)


def signing() -> None:
    print(
        "| targets | bytes of the role | best quarter | median | 90 % below | hashed anew each time | with preflight |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for targets in (100, 1_000, 10_000):
        print(signing_row(targets))


def signing_row(targets: int) -> str:
    published, again = repository_of(targets)
    remembered = Digests()
    again(published, remembered)

    def with_preflight(before: Repository) -> None:
        preflight(before, again(before, remembered), NOW + HALF_A_LIFE)

    usual = timed(lambda before: again(before, remembered), published, ROUNDS)
    hashed = timed(lambda before: again(before, None), published, ROUNDS)
    whole = timed(with_preflight, published, 5)
    best, median = statistics.median(usual[: ROUNDS // 4]), statistics.median(usual)
    most = usual[ROUNDS * 9 // 10]
    return (
        f"| {targets:,} | {len(published.roles[CAD]):,} | {best:.2f} | **{median:.2f}** | {most:.2f} "
        f"| {statistics.median(hashed):.2f} | {statistics.median(whole):.0f} |"
    )


def checking() -> None:
    print("| check of metadata | requests | bodies | sent | received | together |")
    print("|---|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder, open_shop(Path(folder)) as shop:
        shop.publish("1.0", date(2026, 1, 1))
        (name,) = shop.bodies
        shop.settle()
        with counting_proxy(shop.url) as wire:
            for what in ("first", "warm", "after another release"):
                if what.startswith("after"):
                    shop.publish("1.1", date(2026, 2, 1))
                    shop.settle()
                wire.forget()
                Client.open(
                    root=shop.root,
                    server_url=wire.url,
                    product="cad",
                    version="1.0",
                    platform=MACHINE,
                    state_directory=Path(folder) / "copy",
                ).verify_file(Path(folder) / name, "1.0")
                sent, received = len(wire.sent), len(wire.received)
                answers = bytes(wire.received).split(b"HTTP/1.1 ")
                bodies = sum(len(answer.partition(b"\r\n\r\n")[2]) for answer in answers)
                figures = (len(wire.requests), bodies, sent, received, sent + received)
                print(f"| {what} | {' | '.join(f'{figure:,}' for figure in figures)} |")


def main() -> int:
    signing()
    print()
    checking()
    return 0


if __name__ == "__main__":
    sys.exit(main())
