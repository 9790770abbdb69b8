"""A vendor in memory: use cases are the same over every database, which the contract suite shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure_server.adapters.memory import MemoryDatabase
from tests.server.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, MemoryDatabase())
    world.add_product()
    return world
