"""A vendor of the size to be measured: a real installation with real keys, signed releases and N licences.

Made once and kept outside the checkout, because signing a million licence keys takes minutes. Licences go into the
tables directly; everything else goes through the use cases, and a sample is read back through them.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from securesystemslib.signer import Signer
from tuf.api.metadata import Metadata, TargetFile, Targets

from tenure_server.adapters.database import SqlDatabase
from tenure_server.adapters.database.keep_snapshot import KeepSnapshot
from tenure_server.adapters.database.snapshot import Snapshot
from tenure_server.domain.products import Product
from tenure_server.domain.smp import term
from tenure_server.installation import Installation
from tenure_server.settings import Settings
from tenure_server.use_cases.publication import locked_repository, publish_roles
from tenure_signing.errors import InvalidVersion
from tenure_signing.issuing import issue_licence_key
from tenure_signing.key_sources import SigningKey, new_key, read_key, tuf_signer
from tenure_signing.licence_key import display_hint, licence_key_digest
from tenure_signing.names import ChannelName, EditionName, FileName, ProductName, platform_of
from tenure_signing.release_record import target_of, target_path
from tenure_signing.releases import Build, Release, Rollout, Withdrawal
from tenure_signing.tuf_drafts import sign
from tenure_signing.tuf_roles import expiry_of
from tenure_signing.versions import Version, kind_of, parse_version

FORMAT = 3
RUFF, STUDIO = ProductName("ruff"), ProductName("studio")
PRO = EditionName("pro")
FIRST_DAY, LAST_DAY = date(2022, 6, 1), date(2026, 10, 31)
STEP = (Version("0.1.0"), Version("0.0.200"))
"""Every release of the first kind is reached from the second or later: a real catalogue with an upgrade step."""
PARTLY_ROLLED_OUT = 5
"""So many of the newest releases reach half of the installs."""
STUDIO_SHARE = 50
"""One in so many licences is for the second product, which has Velopack packages."""
_CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class Dataset:
    """``keys.tsv`` in the directory has a line for each licence: product, purchase day, last paid day, key."""

    directory: Path
    licences: int

    @property
    def data_dir(self) -> Path:
        return self.directory / "data"

    @property
    def sqlite_file(self) -> Path:
        return self.data_dir / "tenure.db"

    def lines(self) -> list[tuple[str, str, str, str]]:
        text = (self.directory / "keys.tsv").read_text(encoding="ascii")
        return [tuple(line.split("\t")) for line in text.splitlines()]  # type: ignore[misc]


def dataset(cache: Path, catalogue: Path, licences: int) -> Dataset:
    """The dataset of that size, made when it is missing."""
    print(f"dataset of {licences:,} licences: ", end="", flush=True)
    fingerprint = hashlib.sha256(catalogue.read_bytes() + str(FORMAT).encode()).hexdigest()[:12]
    directory = cache / f"{licences}-{fingerprint}"
    if not (directory / "complete").exists():
        print(f"making it in {directory}", flush=True)
        cache.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=cache, prefix="draft-"))
        _make(Dataset(draft, licences), catalogue)
        (draft / "complete").touch()
        shutil.rmtree(directory, ignore_errors=True)
        draft.rename(directory)
    print(f"in {directory}", flush=True)
    installation_at(directory / "data").upgrade_schema()
    return Dataset(directory, licences)


def installation_at(directory: Path, **settings: object) -> Installation:
    return Installation(Settings(data_dir=directory, base_url="https://updates.example.com", **settings))  # type: ignore[arg-type]


def kept_snapshot(installation: Installation, snapshot: Snapshot) -> Path:
    """What is published, in a file beside the snapshot's own."""
    live = installation.database
    assert isinstance(live, SqlDatabase)
    KeepSnapshot(live, snapshot, lambda _: [], installation.clock, is_away=lambda: False)()
    file = snapshot.path.with_name("copy.db")
    snapshot.write_copy(file)
    snapshot.close()
    return file


def _make(made: Dataset, catalogue: Path) -> None:
    made.data_dir.mkdir(mode=0o700)
    installation = installation_at(made.data_dir)
    installation.upgrade_schema()
    installation.keys.make_online_keys()
    root, targets, engineer = (tuf_signer(new_key()) for _ in range(3))
    online = installation.keys.online_signers
    installation.initialise(
        root=root, targets=targets, online=online, licence_keys=installation.keys.licence_key_set(), who="benchmark"
    )
    for name, releases in ((RUFF, tuple(real_releases(catalogue))), (STUDIO, tuple(studio_releases()))):
        product = Product(name, name.title(), (PRO,))
        installation.add_product(product, targets=[targets], product_signers=[engineer], online=online, who="benchmark")
        _publish_all(installation, name, releases, engineer)
    _roll_out_partly(installation)
    _sell(made, read_key(installation.keys.online / "licence.pem"))
    installation.database.close()  # type: ignore[attr-defined]


def real_releases(catalogue: Path) -> Iterator[Release]:
    """The releases of a real project with their days, platforms and sizes; yanked ones are withdrawn."""
    for entry in json.loads(catalogue.read_text(encoding="utf-8"))["releases"]:
        try:
            version = parse_version(entry["version"])
        except InvalidVersion:
            continue
        yield Release(
            product=RUFF,
            version=version,
            kind=kind_of(version),
            editions=frozenset({PRO}),
            released_on=datetime.fromisoformat(entry["released_at"]).date(),
            channel=ChannelName("beta" if version.is_prerelease else "stable"),
            builds=tuple(_build(RUFF, version, file) for file in entry["files"]),
            upgrade_from=STEP[1] if version == STEP[0] else None,
            withdrawal=Withdrawal("withdrawn by its authors") if entry["yanked"] else None,
        )


def _build(product: ProductName, version: Version, file: dict[str, str]) -> Build:
    name = FileName(file["name"])
    path = target_path(product, version, name)
    return Build(path, name, platform_of(file["os"], file["arch"]), int(file["size"]), file["sha256"])


def studio_releases() -> Iterator[Release]:
    """A monthly release for four years, as Velopack packages for Windows."""
    for month in range(48):
        version = Version(f"{1 + month // 12}.{month % 12}.0")
        name = FileName(f"Studio-{version}-full.nupkg")
        digests = hashlib.sha256(name.encode()).hexdigest(), hashlib.sha1(name.encode()).hexdigest()
        path = target_path(STUDIO, version, name)
        yield Release(
            product=STUDIO,
            version=version,
            kind=kind_of(version),
            editions=frozenset({PRO}),
            released_on=date(2022 + (month + 5) // 12, (month + 5) % 12 + 1, 15),
            channel=ChannelName("stable"),
            builds=(Build(path, name, platform_of("windows", "x86_64"), 80_000_000, *digests),),
        )


def _publish_all(
    installation: Installation, product: ProductName, releases: tuple[Release, ...], engineer: Signer
) -> None:
    """All releases in one version of the product's role: signing each alone would write the role that many times."""
    now = datetime.now(UTC)
    listed: dict[str, TargetFile] = {
        build.path: target_of(release, build) for release in releases for build in release.builds
    }
    with installation.database.writing() as records:
        before = locked_repository(records)
        role = Metadata[Targets].from_bytes(before.bytes_of(product)).signed
        role.targets.update(listed)
        role.version, role.expires = role.version + 1, expiry_of(product, now)
        signed = sign(product, Metadata(role).to_bytes(), engineer)
        publish_roles(records, before, {product: signed}, installation.keys.online_signers, now)


def _roll_out_partly(installation: Installation) -> None:
    published = installation.catalogue.current().product(RUFF)
    with installation.database.writing() as records:
        for release in published.releases[-PARTLY_ROLLED_OUT:]:
            records.rollouts.set(RUFF, release.version, Rollout(share_basis_points=5_000))


# Licences


def _sell(made: Dataset, key: SigningKey) -> None:
    """The licences, straight into the tables: a quarter never had SMP, the others from one year to four with gaps."""
    random_numbers = random.Random(20_261_123)
    with (
        closing(sqlite3.connect(made.sqlite_file, isolation_level=None)) as connection,
        (made.directory / "keys.tsv").open("w", encoding="ascii") as keys,
    ):
        connection.execute("PRAGMA synchronous = OFF")
        for start in range(0, made.licences, _CHUNK):
            sold = [_Sold.at_random(n, random_numbers, key) for n in range(start, min(start + _CHUNK, made.licences))]
            connection.execute("BEGIN")
            for table, columns, rows in _rows(sold, key.kid):
                marks = ", ".join("?" * len(columns.split(",")))
                connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)
            connection.execute("COMMIT")
            keys.writelines(f"{one.product}\t{one.purchased_on}\t{one.last_day}\t{one.key}\n" for one in sold)
            print(f"\r  {start + len(sold):,} licences", end="", flush=True)
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    print()


@dataclass(frozen=True, slots=True)
class _Sold:
    licence_id: str
    product: ProductName
    purchased_on: date
    periods: tuple[tuple[date, date], ...]
    minor_units: int
    key: str

    @property
    def last_day(self) -> str:
        return self.periods[-1][1].isoformat() if self.periods else "never"

    @classmethod
    def at_random(cls, number: int, chance: random.Random, key: SigningKey) -> _Sold:
        product = STUDIO if number % STUDIO_SHARE == 0 else RUFF
        day = FIRST_DAY + timedelta(days=chance.randrange((LAST_DAY - FIRST_DAY).days))
        periods: list[tuple[date, date]] = []
        starts_on = day
        for _ in range(chance.choice((0, 1, 1, 2, 2, 3))):
            if starts_on > LAST_DAY:
                break
            period = term(starts_on, chance.choice((1, 1, 2)))
            periods.append((period.starts_on, period.ends_on))
            starts_on = period.ends_on + timedelta(days=1 if chance.random() < 0.8 else chance.randrange(20, 200))
        licence_id = f"b{number:08d}"
        text = issue_licence_key(
            licence_id=licence_id,
            product=product,
            edition=PRO,
            purchased_on=day,
            seats=1,
            now=datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
            key=key,
        )
        return cls(licence_id, product, day, tuple(periods), chance.randrange(20_000, 900_000), text)


def _rows(sold: list[_Sold], kid: str) -> Iterator[tuple[str, str, list[tuple[object, ...]]]]:
    yield (
        "customer",
        "customer_id, name, language, notes, created_at",
        [
            (f"c-{o.licence_id}", f"Customer {o.licence_id}", "en", "", f"{o.purchased_on} 12:00:00.000000")
            for o in sold
        ],
    )
    yield (
        "customer_word",
        "word, customer_id",
        [(word, f"c-{one.licence_id}") for one in sold for word in ("customer", one.licence_id)],
    )
    yield (
        "licence",
        "licence_id, product, edition, customer_id, purchased_on, currency, status, status_reason, created_at, "
        "feed_token_digest",
        [
            (
                *(one.licence_id, one.product, PRO, f"c-{one.licence_id}", str(one.purchased_on), "MYR"),
                *("active", None, f"{one.purchased_on} 12:00:00.000000"),
                hashlib.sha256(one.licence_id.encode()).hexdigest(),
            )
            for one in sold
        ],
    )
    yield (
        "licence_word",
        "word, licence_id",
        [(word, one.licence_id) for one in sold for word in (one.licence_id, one.product)],
    )
    yield (
        "licence_key",
        "digest, licence_id, key_id, issued_at, hint, seats",
        [
            (licence_key_digest(o.key), o.licence_id, kid, f"{o.purchased_on} 12:00:00.000000", display_hint(o.key), 1)
            for o in sold
        ],
    )
    yield (
        "order_line",
        "licence_id, kind, seats, minor_units, currency, bought_on",
        [(one.licence_id, "base", 1, one.minor_units, "MYR", str(one.purchased_on)) for one in sold],
    )
    yield (
        "support_period",
        "licence_id, starts_on, ends_on, source, minor_units, currency, added_at",
        [
            (one.licence_id, str(starts), str(ends), "order", None, None, f"{starts} 12:00:00.000000")
            for one in sold
            for starts, ends in one.periods
        ],
    )
