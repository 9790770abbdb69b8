"""Requests as products and people make them, and problems as they read them."""

from __future__ import annotations

from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient

from tests.server.world import license_header


def check(client: TestClient, key: str, headers: dict[str, str] | None = None, /, **query: str) -> Response:
    """An update check of cad 1.0 on 64-bit Linux, unless the query says otherwise."""
    asked = {"product": "cad", "version": "1.0", "os": "linux", "arch": "x86_64"} | query
    return client.get("/v1/update-check", params=asked, headers=license_header(key) | (headers or {}))


def answer(response: Response) -> dict[str, Any]:
    """The JSON of a successful answer."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    found: dict[str, Any] = response.json()
    return found


def problem(response: Response, status: int) -> dict[str, Any]:
    """The problem detail of a refusal, checked for its form."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-content-type-options"] == "nosniff"
    found: dict[str, Any] = response.json()
    assert found["status"] == status
    return found


def faults(response: Response) -> dict[str, str]:
    """What is wrong with a malformed request, by place."""
    found = problem(response, 400)
    assert found["code"] == "invalid_request"
    return {fault["where"]: fault["problem"] for fault in found["errors"]}
