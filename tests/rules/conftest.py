from __future__ import annotations

from pathlib import Path

import pytest

from tenure_server.adapters.memory import MemoryDatabase
from tests.rules.shop import Shop
from tests.server.world import World


@pytest.fixture(scope="session")
def _prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, MemoryDatabase]:
    """Keys and product are made once."""
    database = MemoryDatabase()
    world = World(tmp_path_factory.mktemp("rules"), database)
    world.add_product()
    return world, database


@pytest.fixture
def shop(_prepared: tuple[World, MemoryDatabase], tmp_path: Path) -> Shop:
    """A shop that has sold nothing yet, on 2026-11-23."""
    world, empty = _prepared
    own = World.__new__(World)
    vars(own).update(vars(world))
    own.database = empty.copy()
    own.installation = own.reopened()
    return Shop(own)
