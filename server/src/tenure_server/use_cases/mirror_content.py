"""What is published, as the files of a mirror; and which builds nobody may have now."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tenure_server.domain.mirrors import MirroredFile, Stage, mirrored_metadata_key, mirrored_target_key
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.download import store_key_of
from tenure_server.use_cases.ports import Records
from tenure_signing.names import ProductName
from tenure_signing.release_record import listing_of
from tenure_signing.releases import Rollout, visible_on
from tenure_signing.tuf_repository import Repository, delegations_of, load_any
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from tenure_signing.versions import Version

_STAGES = {TARGETS: Stage.TARGETS, SNAPSHOT: Stage.SNAPSHOT, ROOT: Stage.ROOT, TIMESTAMP: Stage.TIMESTAMP}


@dataclass(frozen=True, slots=True)
class PublishedContent:
    """One consistent view of what is published. ``trusted_targets``: the licence public keys."""

    repository: Repository
    trusted_targets: Mapping[str, bytes]
    rollouts: Mapping[ProductName, Mapping[Version, Rollout]]


@dataclass(frozen=True, slots=True)
class MirrorContent:
    """``bodies``: what is at hand, by key. ``withheld``: keys of builds that are withdrawn, halted or dated ahead."""

    files: tuple[MirroredFile, ...]
    bodies: Mapping[str, bytes]
    withheld: frozenset[str]


def read_published(records: Records) -> PublishedContent:
    repository = read_repository(records)
    keys = records.signed_files.trusted_target(LICENCE_KEYS_PATH)
    products = [product.name for product in records.products.all()]
    return PublishedContent(
        repository,
        {LICENCE_KEYS_PATH: keys} if keys is not None else {},
        {name: records.rollouts.of_product(name) for name in products},
    )


def mirror_content(published: PublishedContent, today: date, *, with_builds: bool) -> MirrorContent:
    """Every file of the mirror. Of builds only those that the download gate could hand out to somebody: RULES.md has
    one predicate for every way to get a file."""
    bodies = {mirrored_metadata_key(name): data for name, data in published.repository.files().items()}
    for path, data in published.trusted_targets.items():
        bodies[mirrored_target_key(path, hashlib.sha256(data).hexdigest())] = data
    files = [_at_hand(key, data) for key, data in bodies.items()]
    withheld: set[str] = set()
    for product in delegations_of(published.repository.targets()):
        listed = published.repository.targets(product).targets
        obtainable = _obtainable(ProductName(product), published, today)
        for path, target in listed.items():
            digest = target.hashes.get("sha256", "")
            key = mirrored_target_key(path, digest)
            if path.split("/")[1:2] not in obtainable:
                withheld.add(key)
            elif with_builds:
                files.append(
                    MirroredFile(Stage.TARGETS_FILES, 0, key, target.length, digest, store_key_of(path, digest))
                )
    return MirrorContent(tuple(sorted(files)), bodies, frozenset(withheld))


def _obtainable(product: ProductName, published: PublishedContent, today: date) -> Sequence[list[str]]:
    """The versions, as they stand in paths, whose files somebody may have today."""
    releases = visible_on(listing_of(product, published.repository.targets(product).targets).releases, today)
    rollouts = published.rollouts.get(product, {})
    return [
        [str(release.version)]
        for release in releases
        if release.withdrawal is None and not (release.version in rollouts and rollouts[release.version].is_halted)
    ]


def _at_hand(key: str, data: bytes) -> MirroredFile:
    digest = hashlib.sha256(data).hexdigest()
    folder, _, name = key.rpartition("/")
    if folder != "metadata":
        return MirroredFile(Stage.TARGETS_FILES, 0, key, len(data), digest)
    role = name.removesuffix(".json").rpartition(".")[2]
    version: int = load_any(role, data).signed.version
    return MirroredFile(_STAGES.get(role, Stage.PRODUCTS), version, key, len(data), digest)
