"""A vendor, a wire and copies of its product."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.stage import Stage, running_stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A test's own, to be attacked from within."""
    with running_stage(tmp_path) as stage:
        yield stage


@pytest.fixture(scope="module")
def _calm_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with running_stage(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture
def calm_stage(_calm_stage: Stage) -> Iterator[Stage]:
    """One for all tests of a module, which attack its wire and its copies only."""
    yield _calm_stage
    _calm_stage.wire.clear()
