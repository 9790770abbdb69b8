from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.portal.counter import Counter, open_counter


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Counter:
    """Not to be changed by tests."""
    return open_counter(tmp_path_factory.mktemp("counter"))


@pytest.fixture
def own_counter(tmp_path: Path) -> Counter:
    """A test's own, to be changed."""
    return open_counter(tmp_path)
