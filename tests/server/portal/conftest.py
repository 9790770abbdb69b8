from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.databases import DATABASES, migrated
from tests.server.portal.counter import Counter, open_counter


@pytest.fixture(scope="module", params=DATABASES)
def counter(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    """Not to be changed by tests."""
    directory = tmp_path_factory.mktemp("counter")
    with migrated(request, directory) as database:
        yield open_counter(directory, database)


@pytest.fixture(params=DATABASES)
def own_counter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Counter]:
    """A test's own, to be changed."""
    with migrated(request, tmp_path) as database:
        yield open_counter(tmp_path, database)
