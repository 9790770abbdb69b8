"""Every recorded check is answered to the byte as it was recorded, on the fast route and on the general one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.golden.replay import FILES, ask, exact, opened, questions

Opened = tuple[dict[str, Any], TestClient, dict[str, str]]

GENERAL_ROUTE = "/v1/update-chec%6B"  # an escape in the path is nothing for the fast one


@pytest.fixture(scope="module", params=FILES, ids=lambda file: file.stem)
def replayed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    file: Path = request.param
    recorded = json.loads(file.read_text())
    client, keys = opened(recorded, tmp_path_factory.mktemp(file.stem))
    return recorded, client, keys


@pytest.mark.parametrize("path", ["/v1/update-check", GENERAL_ROUTE], ids=["fast", "general"])
def test_every_answer_is_the_recorded_one(replayed: Opened, path: str) -> None:
    recorded, client, keys = replayed
    for name, query in questions(recorded):
        expected = recorded["answers"][f"{name} {query}"]
        answer = ask(client, keys[name], query, path=path)
        assert answer == {"status": expected["status"], "body": exact(expected["body"])}, f"{name} {query}"


def test_nothing_is_recorded_that_is_not_asked(replayed: Opened) -> None:
    recorded, _, _ = replayed
    assert list(recorded["answers"]) == [f"{name} {query}" for name, query in questions(recorded)]
