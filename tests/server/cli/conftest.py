"""An operator with an empty folder, and one whose server has the product cad."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.cli.at_the_terminal import Operator
from tests.server.cli.laptop import Laptop, running_laptop


@pytest.fixture
def newcomer(tmp_path: Path) -> Operator:
    """Nothing was set up yet."""
    return Operator(tmp_path)


@pytest.fixture(scope="session")
def _set_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: offline keys are slow to encrypt on purpose."""
    operator = Operator(tmp_path_factory.mktemp("set-up"))
    operator.did("init")
    operator.did("product", "add", "cad", "--edition", "pro", "--edition", "lite", "--title", "Harbour CAD")
    return operator.data_dir


@pytest.fixture
def operator(_set_up: Path, tmp_path: Path) -> Operator:
    """``tenure init`` and ``tenure product add cad --edition pro --edition lite`` were done."""
    operator = Operator(tmp_path)
    shutil.copytree(_set_up, operator.data_dir)
    return operator


@pytest.fixture
def laptop(operator: Operator, tmp_path: Path) -> Iterator[Laptop]:
    """A release engineer's machine beside the operator's running server."""
    with running_laptop(operator, tmp_path) as laptop:
        yield laptop
