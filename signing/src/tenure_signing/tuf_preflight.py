"""The last check before metadata is published: a real TUF client reads it, as a newcomer and as one of old.

Nothing is taken from our own checks here: python-tuf's ``Updater`` runs its whole workflow (update-framework
specification, section 5) over the very bytes that are about to be served.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from tuf.api.exceptions import DownloadError, DownloadHTTPError, RepositoryError
from tuf.api.metadata import TargetFile
from tuf.ngclient import FetcherInterface, Updater

from tenure_signing.errors import PreflightFailed, PublishingError
from tenure_signing.scratch_folders import scratch_folder
from tenure_signing.tuf_repository import Repository, delegations_of
from tenure_signing.tuf_roles import ROOT, TARGETS, metadata_file_name

_BASE_URL = "https://preflight.invalid/metadata/"


class _StagedFiles(FetcherInterface):
    """Serves the files of a repository from memory; any other name is not found."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def _fetch(self, url: str) -> Iterator[bytes]:
        data = self._files.get(url.removeprefix(_BASE_URL))
        if data is None:
            raise DownloadHTTPError(f"{url.removeprefix(_BASE_URL)} is not there", 404)
        return iter((data,))


def preflight(before: Repository | None, after: Repository, now: datetime) -> None:
    """Let two clients update to ``after``: a fresh one that embeds root version 1, and one that has all of ``before``.

    Each must arrive at exactly the bytes of ``after`` and find every target that is new or changed, as it is listed,
    through its delegation. ``now`` is aware; it decides what has expired. ``before`` is None for a first publishing.
    A product that had lapsed before, or was damaged in storage, and is not touched does not hold up the others.

    Raises ``PreflightFailed``, saying which client failed, where, and why. Uses the folder for temporary files.
    """
    if before is not None and after.roots[: len(before.roots)] != before.roots:
        raise PreflightFailed("the published versions of root are not the same any more")
    try:
        changed = _changed_targets(before, after)
        lapsed = _lapsed_before(before, after, now)
        files = after.files()
    except PublishingError as error:
        raise PreflightFailed(f"the staged metadata cannot be read: {error}") from error
    products = tuple(product for product in delegations_of(after.targets()) if product not in lapsed)
    _run("a fresh client", None, after, files, products, changed, now)
    if before is not None:
        _run("a client that has what was published before", before, after, files, products, changed, now)


def _lapsed_before(before: Repository | None, after: Repository, now: datetime) -> frozenset[str]:
    """Products whose role has expired or cannot be read, and is the one that was published before."""
    kept = (role for role in after.products if before is not None and before.roles.get(role) == after.roles[role])
    return frozenset(role for role in kept if not after.is_readable(role) or after.targets(role).expires <= now)


def _changed_targets(before: Repository | None, after: Repository) -> dict[str, TargetFile]:
    changed: dict[str, TargetFile] = {}
    for role in (TARGETS, *after.products):
        known: Mapping[str, TargetFile] = {}
        if before is not None and role in before.roles:
            if before.roles[role] == after.roles[role]:
                continue
            known = before.targets(role).targets
        listed = after.targets(role).targets
        changed |= {path: target for path, target in listed.items() if known.get(path) != target}
    return changed


def _run(
    client: str,
    before: Repository | None,
    after: Repository,
    files: Mapping[str, bytes],
    products: tuple[str, ...],
    changed: Mapping[str, TargetFile],
    now: datetime,
) -> None:
    with scratch_folder("tenure-preflight-") as state:
        if before is not None:
            _remember(before, state)
        step = "reading root version 1"
        try:
            updater = Updater(str(state), _BASE_URL, fetcher=_StagedFiles(files), bootstrap=after.roots[0])
            _set_time(updater, now)
            step = "refreshing"
            updater.refresh()
            for product in products:
                step = f"reading the role of product {product}"
                updater.get_targetinfo(f"{product}/-/-")
            for path, target in changed.items():
                step = f"looking up {path}"
                if updater.get_targetinfo(path) != target:
                    raise PreflightFailed(
                        f"{client} does not find {path} as it is listed: it is not under its delegation"
                    )
        except (RepositoryError, DownloadError, ValueError) as error:
            raise PreflightFailed(f"{client} fails at {step}: {error}") from error
        _require_arrived(client, after, state, products)


def _remember(before: Repository, state: Path) -> None:
    """Lay out the metadata as ``Updater`` keeps it between runs."""
    history = state / "root_history"
    history.mkdir()
    for version, data in enumerate(before.roots, start=1):
        (history / metadata_file_name(ROOT, version)).write_bytes(data)
    for role, data in before.roles.items():
        (state / f"{role}.json").write_bytes(data)


def _set_time(updater: Updater, now: datetime) -> None:
    # python-tuf takes the time when an Updater is made and has no argument for it (7.0.1)
    updater._trusted_set.reference_time = now.astimezone(UTC)


def _require_arrived(client: str, after: Repository, state: Path, products: tuple[str, ...]) -> None:
    """The client now holds what was staged: it did not silently keep something older."""
    held = {role: state / f"{role}.json" for role in after.roles if role in products or role not in after.products}
    expected = {role: after.roles[role] for role in held}
    held[ROOT], expected[ROOT] = state / "root.json", after.roots[-1]
    for role, file in held.items():
        if not file.is_file() or file.read_bytes() != expected[role]:
            raise PreflightFailed(f"{client} did not take up the staged metadata of {role}")
