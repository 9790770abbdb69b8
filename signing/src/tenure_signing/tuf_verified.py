"""Published metadata, verified by a real TUF client before anything is built on it.

Otherwise a server that was broken into could have its entries signed by habit. Expired metadata is accepted, and said
to be expired, because renewing it begins with reading it; that a draft does not rest on something old is for the
server to see when the draft is submitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from tuf.api.exceptions import DownloadError, DownloadHTTPError, ExpiredMetadataError, RepositoryError
from tuf.ngclient import FetcherInterface, Updater

from tenure_signing.errors import PublishingError
from tenure_signing.scratch_folders import scratch_folder
from tenure_signing.tuf_publishing import role_expiries
from tenure_signing.tuf_repository import Repository, delegations_of
from tenure_signing.tuf_roles import (
    LICENCE_KEYS_PATH,
    ROOT,
    SNAPSHOT,
    TARGETS,
    TIMESTAMP,
    metadata_file_name,
    policy_of,
)

_ALWAYS_FRESH = datetime(1, 1, 1, tzinfo=UTC)
_LOCAL_URL = "https://local.invalid/"


@dataclass(frozen=True, slots=True)
class Verified:
    """Everything that a client with the given first root can reach, and the files that targets itself lists.

    Roles of products that were retired are not among them; snapshot still names them. ``expired``: role names.
    """

    repository: Repository
    trusted_targets: Mapping[str, bytes] = field(default_factory=dict)
    expired: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "trusted_targets", MappingProxyType(dict(self.trusted_targets)))


ReadFile = Callable[[str], Iterable[bytes] | None]
"""A file's bytes in pieces by the name below the server's address, such as ``metadata/timestamp.json``; None if it is
not there. It is read only as far as its signed length."""


class LocalFiles(FetcherInterface):
    """Lets python-tuf read files that are no server's: in memory, in a mirror, in a bundle."""

    url = _LOCAL_URL

    def __init__(self, read: ReadFile) -> None:
        self._read = read

    def _fetch(self, url: str) -> Iterator[bytes]:
        pieces = self._read(url.removeprefix(_LOCAL_URL))
        if pieces is None:
            raise DownloadHTTPError(f"{url.removeprefix(_LOCAL_URL)} is not there", 404)
        return iter(pieces)


def verified_repository(
    repository: Repository, trusted_targets: Mapping[str, bytes], first_root: bytes, now: datetime
) -> Verified:
    """What a client that embeds ``first_root`` makes of the repository. Raises ``PublishingError`` if it refuses it."""
    files = {f"metadata/{name}": data for name, data in repository.files().items()}
    for path, data in trusted_targets.items():
        target = repository.targets().targets.get(path)
        folder, _, name = path.rpartition("/")
        files[f"downloads/{folder}/{target.hashes.get('sha256', '') if target is not None else ''}.{name}"] = data
    return verified_files(lambda name: (files[name],) if name in files else None, first_root, now)


def verified_files(read: ReadFile, first_root: bytes, now: datetime) -> Verified:
    """What a client that embeds ``first_root`` makes of files laid out as a server hands them out: of a mirror.

    Raises ``PublishingError`` if it refuses them. What ``read`` raises is passed on.
    """
    return _verified(_LOCAL_URL, first_root, now, LocalFiles(read))


def verified_server(url: str, first_root: bytes, now: datetime, fetcher: FetcherInterface | None = None) -> Verified:
    """What a client that embeds ``first_root`` makes of the metadata of the Tenure server at the URL.
    ``fetcher`` is for servers that want to know who is reading.

    Raises ``PublishingError`` if it refuses it or the server does not answer.
    """
    return _verified(url.rstrip("/") + "/", first_root, now, fetcher)


def _verified(url: str, first_root: bytes, now: datetime, fetcher: FetcherInterface | None) -> Verified:
    try:
        return _read(url, first_root, now, fetcher, now)
    except ExpiredMetadataError:
        pass
    except (RepositoryError, DownloadError, ValueError, OSError) as error:
        raise PublishingError(f"the published metadata is not to be trusted: {error}") from error
    try:
        return _read(url, first_root, _ALWAYS_FRESH, fetcher, now)
    except (RepositoryError, DownloadError, ValueError, OSError) as error:
        raise PublishingError(f"the published metadata is not to be trusted: {error}") from error


def _read(
    url: str, first_root: bytes, reference: datetime, fetcher: FetcherInterface | None, now: datetime
) -> Verified:
    with scratch_folder("tenure-verified-") as folder:
        state = folder / "metadata"
        state.mkdir()
        updater = Updater(
            str(state), f"{url}metadata/", str(folder), f"{url}downloads/", fetcher=fetcher, bootstrap=first_root
        )
        # python-tuf takes the time when an Updater is made and has no argument for it (7.0.1)
        updater._trusted_set.reference_time = reference.astimezone(UTC)
        updater.refresh()
        repository = _kept(state, (TARGETS, SNAPSHOT, TIMESTAMP))
        products = tuple(delegations_of(repository.targets()))
        for product in products:
            updater.get_targetinfo(f"{product}/-/-")
        repository = _kept(state, (TARGETS, SNAPSHOT, TIMESTAMP, *products))
        trusted = _trusted_targets(updater, folder)
    expiries = role_expiries(repository)
    return Verified(repository, trusted, tuple(role for role, (_, expires) in expiries.items() if expires <= now))


def _kept(state: Path, roles: tuple[str, ...]) -> Repository:
    roots: list[bytes] = []
    while (path := state / "root_history" / metadata_file_name(ROOT, len(roots) + 1)).exists():
        roots.append(path.read_bytes())
    return Repository(tuple(roots), {role: (state / f"{role}.json").read_bytes() for role in roles})


def _trusted_targets(updater: Updater, folder: Path) -> dict[str, bytes]:
    target = updater.get_targetinfo(LICENCE_KEYS_PATH)
    if target is None or target.length > policy_of(TARGETS).max_bytes:
        return {}
    path = updater.download_target(target, str(folder / "licence-keys.json"))
    return {LICENCE_KEYS_PATH: Path(path).read_bytes()}
