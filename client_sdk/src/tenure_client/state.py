"""What the client keeps between runs, in one directory of its own.

==============================  ======================================================================
``lock``                        held while a check or download runs
``install-id``                  random and anonymous: places the install in rollouts
``licence-key``                 as pasted, mode 0600
``certificate``                 the newest SMP certificate, mode 0600
``activation``                  the signed statement of this machine's seat, mode 0600
``machine-id``                  random; only where the system has no id of its own
``contact.json``                when the server was last reached, and until when it asked to wait
``reports.json``                how installing went, until the server has taken it
``timestamp-tag.json``          the entity tag of the kept timestamp, so that it is not sent again
``bundles.json``                the highest versions seen in bundles: no older bundle is taken
``metadata/``                   verified TUF metadata, as python-tuf keeps it; also the floor against rollback
``trusted/licence-keys.json``   the licence public keys; checked against their signed hash at every use
==============================  ======================================================================

Files are replaced whole, so a kill at any moment leaves the old or the new one. What cannot be read is as good as
absent and fetched again; only a lost licence key has to be pasted again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tenure_client.errors import StateError

MAX_KEPT_BYTES = 65_536  # of one small file; none that this program writes is near it

_DRAFT = ".draft-"
_ENTITY_TAG = re.compile(r'"[\x21\x23-\x7e]{1,100}"', re.ASCII)  # strong ones (RFC 9110, section 8.8.3)
_INSTALL_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Contact:
    """``verified_at``: when signed metadata was last verified with the server. ``wait_until``: its Retry-After."""

    verified_at: datetime | None = None
    wait_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class State:
    """The state directory. Reading never fails for what is damaged; writing raises ``StateError``."""

    directory: Path

    @property
    def metadata(self) -> Path:
        return self.directory / "metadata"

    @property
    def licence_keys(self) -> Path:
        return self.directory / "trusted" / "licence-keys.json"

    def prepare(self, seed: Path | None) -> None:
        """Makes the folders, removes what a killed run left, and takes up the seed where nothing is known yet."""
        with _writing(self.directory):
            for folder in (self.directory, self.metadata, self.metadata / "root_history", self.licence_keys.parent):
                if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
                    folder.unlink()
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove_leftovers((self.directory, self.licence_keys.parent), f"{_DRAFT}*")
            _remove_leftovers((self.metadata,), "tmp*")  # python-tuf's drafts
            _remove_blocking_folders(self.metadata)
            if seed is not None and not (self.metadata / "timestamp.json").exists():
                self._take_up(seed)

    def _take_up(self, seed: Path) -> None:
        """Copies a seed: the ``metadata`` and ``trusted`` folders of a fresh state, shipped with the product.

        ``timestamp.json`` comes last: without it the seed is taken up again.
        """
        trusted = seed / "trusted" / "licence-keys.json"
        if trusted.is_file():
            write_whole(self.licence_keys, trusted.read_bytes())
        files = [*(seed / "metadata" / "root_history").glob("*.root.json"), *(seed / "metadata").glob("*.json")]
        for file in sorted(files, key=lambda file: file.name == "timestamp.json"):
            if file.is_file() and file.name != "root.json":
                write_whole(self.metadata / file.relative_to(seed / "metadata"), file.read_bytes())

    def install_id(self) -> str:
        """The anonymous id of this install, made at its first use."""
        kept = self._read("install-id")
        if kept is not None and _INSTALL_ID.fullmatch(kept):
            return kept
        fresh = secrets.token_hex(16)
        self._write("install-id", fresh)
        return fresh

    def licence_key(self) -> str | None:
        return self._read("licence-key")

    def keep_licence_key(self, text: str) -> None:
        """Keeps the key; what was kept of another licence goes first."""
        if self.licence_key() != text:
            self.forget_certificate()
            self._write("licence-key", text)

    def certificate(self) -> str | None:
        return self._read("certificate")

    def keep_certificate(self, text: str) -> None:
        self._write("certificate", text)

    def forget_certificate(self) -> None:
        with _writing(self.directory):
            _remove(self.directory / "certificate")

    def activation(self) -> str | None:
        return self._read("activation")

    def keep_activation(self, text: str | None) -> None:
        """None removes it."""
        if text is not None:
            self._write("activation", text)
        elif (self.directory / "activation").exists():
            with _writing(self.directory):
                _remove(self.directory / "activation")

    def machine_id(self) -> str:
        """A random id of this machine, made at its first use."""
        kept = self._read("machine-id")
        if kept is not None and _INSTALL_ID.fullmatch(kept):
            return kept
        fresh = secrets.token_hex(16)
        self._write("machine-id", fresh)
        return fresh

    def reports(self) -> str | None:
        return self._read("reports.json")

    def keep_reports(self, text: str | None) -> None:
        """None removes them."""
        if text is not None:
            self._write("reports.json", text)
        elif (self.directory / "reports.json").exists():
            with _writing(self.directory):
                _remove(self.directory / "reports.json")

    def contact(self) -> Contact:
        try:
            kept = json.loads(self._read("contact.json") or "{}")
            return Contact(_instant(kept.get("verified_at")), _instant(kept.get("wait_until")))
        except (ValueError, AttributeError, RecursionError):
            return Contact()

    def keep_contact(self, contact: Contact) -> None:
        instants = {"verified_at": contact.verified_at, "wait_until": contact.wait_until}
        self._write("contact.json", json.dumps({k: v.isoformat() for k, v in instants.items() if v is not None}))

    def timestamp_tag(self, url: str) -> str | None:
        """The entity tag under which that address sent the kept ``timestamp.json``, if it is still the same file."""
        try:
            kept = json.loads(self._read("timestamp-tag.json") or "{}")
            tag = kept["tag"] if kept["url"] == url and kept["sha256"] == _digest(self.timestamp()) else None
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        return tag if isinstance(tag, str) and _ENTITY_TAG.fullmatch(tag) else None

    def keep_timestamp_tag(self, url: str, tag: str, data: bytes) -> None:
        """``data``: the file that was sent under the tag; the tag counts once that file is kept."""
        if _ENTITY_TAG.fullmatch(tag):
            self._write("timestamp-tag.json", json.dumps({"url": url, "tag": tag, "sha256": _digest(data)}))

    def timestamp(self) -> bytes | None:
        return read_at_most(self.metadata / "timestamp.json", MAX_KEPT_BYTES)

    def bundle_floor(self) -> dict[str, int]:
        """The highest version of each signed file that was seen in a bundle, by role."""
        try:
            kept = json.loads(self._read("bundles.json") or "{}")
            return {str(role): version for role, version in kept.items() if type(version) is int}
        except (ValueError, AttributeError, RecursionError):
            return {}

    def keep_bundle_floor(self, versions: Mapping[str, int]) -> None:
        floor = self.bundle_floor()
        raised = floor | {role: max(version, floor.get(role, 0)) for role, version in versions.items()}
        if raised != floor:
            self._write("bundles.json", json.dumps(raised, sort_keys=True))

    def _read(self, name: str) -> str | None:
        data = read_at_most(self.directory / name, MAX_KEPT_BYTES)
        try:
            return data.decode("utf-8").strip() or None if data is not None else None
        except UnicodeDecodeError:
            return None

    def _write(self, name: str, text: str) -> None:
        write_whole(self.directory / name, text.encode("utf-8") + b"\n")


def _digest(data: bytes | None) -> str | None:
    return hashlib.sha256(data).hexdigest() if data is not None else None


def read_at_most(path: Path, max_bytes: int) -> bytes | None:
    """The file's bytes, or None if it is not there, not readable, not a file or larger."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError:
        return None
    return data if len(data) <= max_bytes else None


def write_whole(path: Path, data: bytes) -> None:
    """Replaces the file by one with these bytes that only its owner can read. Raises ``StateError``."""
    with _writing(path):
        descriptor, draft = tempfile.mkstemp(prefix=_DRAFT, dir=path.parent)  # mode 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            Path(draft).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(draft).unlink()
            raise


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror or type(error).__name__}") from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _remove_leftovers(folders: tuple[Path, ...], pattern: str) -> None:
    for folder in folders:
        for leftover in folder.glob(pattern):
            if leftover.suffix != ".json":  # metadata of a product whose name begins like a draft's
                _remove(leftover)


def _remove_blocking_folders(metadata: Path) -> None:
    """A folder where a metadata file belongs would make every refresh fail."""
    for entry in (*metadata.glob("*.json"), *(metadata / "root_history").glob("*.json")):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)


def _instant(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    instant = datetime.fromisoformat(text)
    return instant.astimezone(UTC) if instant.tzinfo is not None else None
