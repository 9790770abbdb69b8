"""What is asked: lists of raw HTTP requests over the dataset, the same for every run of one seed."""

from __future__ import annotations

import base64
import bisect
import http.client
import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tenure_server.installation import Installation
from tenure_signing.entitlement import ServicePacks
from tenure_signing.licence_key import licence_key_digest
from tenure_signing.releases import Release
from tests.benchmarks.dataset import RUFF, STUDIO, Dataset, installation_at

ZIPF_EXPONENT = 1.1
MACHINES = (
    *(("linux", "x86_64"),) * 5,
    *(("windows", "x86_64"),) * 3,
    *(("macos", "aarch64"),) * 3,
    ("macos", "x86_64"),
    ("linux", "aarch64"),
    ("linux-musl", "x86_64"),
    ("windows", "aarch64"),
)
MANUAL_SHARE, BETA_SHARE, SEATS = 0.03, 0.05, 3


@dataclass(frozen=True, slots=True)
class Sold:
    product: str
    purchased_on: date
    last_day: str
    key: str


@dataclass(frozen=True, slots=True)
class Install:
    """One installed copy: asks the same question each time."""

    key: str
    query: str


class Work:
    """Makes the lists. ``directory`` takes the files."""

    def __init__(self, made: Dataset, directory: Path, seed: int) -> None:
        self._directory = directory
        self._data_dir = made.data_dir
        self._chance = random.Random(seed)
        installation = installation_at(made.data_dir)
        catalogue = installation.catalogue.current()
        self._ruff = catalogue.product(RUFF).releases
        self._days = sorted(release.released_on for release in self._ruff)
        self._by_day = sorted(self._ruff, key=lambda release: release.released_on)
        self.licences = [Sold(product, date.fromisoformat(day), last, key) for product, day, last, key in made.lines()]
        self._of_ruff = [sold for sold in self.licences if sold.product == RUFF]
        self._of_studio = [sold for sold in self.licences if sold.product == STUDIO]
        with installation.database.reading() as records:
            self.metadata_files = tuple(
                name for name in ("timestamp.json", "1.root.json") if records.signed_files.file(name) is not None
            )
        installation.database.close()  # type: ignore[attr-defined]

    def cold(self, count: int) -> Path:
        """Each licence once, uniformly."""
        return self._written("cold", (_check(install) for install in self._strangers(count)))

    def by_hand(self, count: int) -> Path:
        """The same, asked by people."""
        asked = (Install(install.key, f"{install.query}&manual=true") for install in self._strangers(count))
        return self._written("by-hand", (_check(one) for one in asked if one.query.count("manual=true") == 1))

    def _strangers(self, count: int) -> Iterator[Install]:
        for sold in self._chance.sample(self._of_ruff, min(count, len(self._of_ruff))):
            yield self._install(sold, self._chance.random())

    def of_one_supported(self) -> Install:
        """A copy of a licence whose support goes on, asked by hand: whatever is published is offered to it."""
        sold = max(self._of_ruff, key=lambda sold: sold.last_day if sold.last_day != "never" else "")
        return Install(sold.key, f"product={sold.product}&version=0.1&os=linux&arch=x86_64&manual=true")

    def certified(self, count: int, *, of_studio: bool = False) -> Path:
        """As cold, each with the SMP certificate that the main server would have given it."""
        sold = self._of_studio if of_studio else self._of_ruff
        chosen = self._chance.sample(sold, min(count, len(sold)))
        with closing(installation_at(self._data_dir)) as installation:
            certificates = [_certificate(installation, one) for one in chosen]
        installs = (self._install(one, self._chance.random()) for one in chosen)
        headers = (f"Tenure-Certificate: {certificate}\r\n" for certificate in certificates)
        return self._written("certified", map(_check, installs, headers))

    def warm(self, count: int) -> Path:
        return self._written("warm", (_check(install) for install in self._popular(count)))

    def unchanged(self, count: int, port: int) -> Path:
        """As warm, each with the entity tag of the answer; asks the server on the port for it."""
        installs = self._popular(count)
        tags = _entity_tags(port, installs)
        return self._written("unchanged", (_check(i, f"If-None-Match: {tags[i]}\r\n") for i in installs))

    def forged(self, count: int) -> Path:
        """Genuine claims and key ids with signatures that cost a whole verification, each another."""
        chosen = (self._install(self._chance.choice(self._of_ruff), self._chance.random()) for _ in range(count))
        return self._written("forged", (_check(Install(self._forged(i.key), i.query)) for i in chosen))

    def downloads(self, count: int) -> Path:
        """Builds of releases up to the purchase day."""
        return self._written("downloads", itertools.islice(self._downloads(), count))

    def metadata(self) -> Path:
        return self._written("metadata", (_get(f"/metadata/{name}") for name in self.metadata_files))

    def feed(self, count: int) -> Path:
        """The Velopack feed, by Zipf."""
        place = _zipf(self._chance, len(self._of_studio))
        chosen = (self._of_studio[place()] for _ in range(count))
        return self._written("feed", (self._feed(sold) for sold in chosen))

    def _feed(self, sold: Sold) -> str:
        version = f"{1 + hash_of(sold.key) % 4}.{hash_of(sold.key) % 12}.0"
        path = f"/feeds/velopack/studio/windows-x86_64/stable/releases.stable.json?localVersion={version}"
        return _get(path, _authorization(sold.key))

    def _downloads(self) -> Iterator[str]:
        while True:
            sold = self._chance.choice(self._of_ruff[:2_000])
            before = bisect.bisect_right(self._days, sold.purchased_on)
            release = self._chance.choice(self._by_day[: max(before, 1)])
            if release.withdrawal is None and release.released_on <= sold.purchased_on:
                build = self._chance.choice(release.builds)
                yield _get(f"/downloads/{build.path}", _authorization(sold.key))

    def _popular(self, count: int) -> list[Install]:
        """By Zipf over the licences; an installed copy of a licence asks the same each time."""
        place = _zipf(self._chance, len(self._of_ruff))
        return [self._install(self._of_ruff[place()], self._chance.randrange(SEATS)) for _ in range(count)]

    def _install(self, sold: Sold, seat: float) -> Install:
        chance = random.Random(f"{sold.key[-16:]} {seat}")
        release: Release = chance.choice(self._ruff)
        os, arch = chance.choice(MACHINES)
        query = f"product={sold.product}&version={release.version}&os={os}&arch={arch}"
        query += f"&install_id={chance.getrandbits(128):032x}"
        if chance.random() < BETA_SHARE:
            query += "&channel=beta"
        if chance.random() < MANUAL_SHARE:
            query += "&manual=true"
        return Install(sold.key, query)

    def _forged(self, key: str) -> str:
        head, claims, signature = key.split(".")
        genuine = base64.urlsafe_b64decode(f"{signature}==")
        forged = self._chance.randbytes(32) + genuine[32:]  # the half that is a number stays below the group's order
        return f"{head}.{claims}.{base64.urlsafe_b64encode(forged).rstrip(b'=').decode()}"

    def _written(self, name: str, requests: Iterable[str]) -> Path:
        path = self._directory / f"{name}.requests"
        with path.open("w", encoding="ascii", newline="") as file:
            file.writelines(f"{request}\n===\n" for request in requests)
        return path


def _certificate(installation: Installation, sold: Sold) -> str:
    found = installation.database.quick.licence_key(licence_key_digest(sold.key))
    assert found is not None
    entitlement = found.facts.entitlement(ServicePacks.PERIOD)
    return installation.sign_certificate(entitlement, found.facts.seats, installation.clock())


def hash_of(key: str) -> int:
    return int.from_bytes(key[-8:].encode())


def _zipf(chance: random.Random, count: int) -> Callable[[], int]:
    sums = list(itertools.accumulate(1 / (rank + 1) ** ZIPF_EXPONENT for rank in range(count)))
    return lambda: bisect.bisect_left(sums, chance.random() * sums[-1])


def _authorization(key: str) -> str:
    return f"Authorization: License {key}\r\n"


def _get(target: str, headers: str = "") -> str:
    return f"GET {target} HTTP/1.1\r\nHost: updates.example.com\r\nUser-Agent: tenure-client/0.1\r\n{headers}\r\n"


def _check(install: Install, headers: str = "") -> str:
    return _get(f"/v1/update-check?{install.query}", _authorization(install.key) + headers)


def _entity_tags(port: int, installs: Iterable[Install]) -> dict[Install, str]:
    tags: dict[Install, str] = {}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for install in dict.fromkeys(installs):
        headers = {"Authorization": f"License {install.key}"}
        connection.request("GET", f"/v1/update-check?{install.query}", headers=headers)
        response = connection.getresponse()
        response.read()
        tags[install] = response.headers["ETag"]
    connection.close()
    return tags
