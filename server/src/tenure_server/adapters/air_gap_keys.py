"""The keys that sign bundles: ``keys/online/air-gap-snapshot.pem`` and ``-timestamp.pem``, and their root beside them.

Whoever steals them can show a machine without a network an old or mixed state; never a build that nobody signed.
"""

from __future__ import annotations

import os
from pathlib import Path

from tenure_server.use_cases.signers import OnlineSigners
from tenure_signing.key_sources import SigningKey, new_key, read_key, tuf_signer, write_unencrypted


class AirGapKeyFiles:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __repr__(self) -> str:
        return f"AirGapKeyFiles({str(self._directory)!r})"

    def made(self) -> OnlineSigners:
        return OnlineSigners(
            snapshot=tuf_signer(self._key("air-gap-snapshot")), timestamp=tuf_signer(self._key("air-gap-timestamp"))
        )

    def root(self) -> bytes | None:
        try:
            return self._root_path.read_bytes()
        except FileNotFoundError:
            return None

    def keep_root(self, data: bytes) -> None:
        """Whole or not at all."""
        draft = self._root_path.with_name(".air-gap-root.new")
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._root_path)

    @property
    def _root_path(self) -> Path:
        return self._directory / "air-gap-root.json"

    def _key(self, name: str) -> SigningKey:
        path = self._directory / f"{name}.pem"
        if not path.exists():
            write_unencrypted(path, new_key())
        return read_key(path)
