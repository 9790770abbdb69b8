"""The vendor every test of the client talks to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client_sdk.vendor import Site, running_site


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site() as site:
        yield site


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The client's state directory, not made yet."""
    return tmp_path / "state"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where downloads go."""
    return tmp_path / "downloads"
