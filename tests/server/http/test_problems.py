"""Every error is a problem detail with the right status, and says nothing it should not."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from tenure_server.errors import (
    AuthenticationRequired,
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    InvalidKey,
    InvalidRequest,
    NotFound,
    ObjectMismatch,
    StoreUnavailable,
    TenureError,
)
from tenure_server.http.bodies import MAX_BODY_BYTES
from tenure_server.http.edge import MAX_TARGET_BYTES, BodyLimit, Edge
from tenure_server.http.problems import EXCEPTION_HANDLERS, FaultyRequest
from tenure_server.http.wire import Fault
from tenure_server.use_cases.download import ReleaseGone
from tests.server.http.asking import problem
from tests.server.http.office import Office

SECRET = "/var/lib/tenure at db.internal:5432"


def answering(error: Exception | None) -> TestClient:
    """An application whose one address raises the error, or reads the body."""

    async def endpoint(request: Request) -> Response:
        if error is not None:
            raise error
        return PlainTextResponse(str(len(await request.body())))

    app = Starlette(
        routes=[Route("/", endpoint, methods=["GET", "POST"])],
        middleware=[Middleware(Edge), Middleware(BodyLimit)],
        exception_handlers=dict(EXCEPTION_HANDLERS),
    )
    return TestClient(app)


def problem_in(response: Any) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == response.status_code
    assert problem["type"] == "about:blank"
    assert {"title", "detail", "code"} <= problem.keys()
    assert None not in problem.values()
    return problem


@pytest.mark.parametrize(
    ("kind", "status", "title"),
    [
        (InvalidRequest, 400, "Bad Request"),
        (AuthenticationRequired, 401, "Unauthorized"),
        (Forbidden, 403, "Forbidden"),
        (NotFound, 404, "Not Found"),
        (Conflict, 409, "Conflict"),
        (ReleaseGone, 410, "Gone"),
    ],
)
def test_a_refusal_is_told_with_its_words_code_and_hint(kind: type[Any], status: int, title: str) -> None:
    problem = problem_in(answering(kind("It is so.", code="the_code", hint="do this")).get("/"))
    assert problem == {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": "It is so.",
        "code": "the_code",
        "hint": "do this",
    }


def test_a_401_offers_both_schemes_each_in_a_line_of_its_own() -> None:
    response = answering(AuthenticationRequired("Who?", code="x")).get("/")
    offered = response.headers.get_list("www-authenticate")
    assert offered == ['License realm="tenure"', 'Basic realm="tenure", charset="UTF-8"']


def test_all_faults_of_a_request_are_listed() -> None:
    faults = (Fault(where="query.version", problem="is required"), Fault(where="query.os", problem="is odd"))
    problem = problem_in(answering(FaultyRequest(faults)).get("/"))
    assert problem["code"] == "invalid_request"
    assert problem["detail"] == "The request has 2 faults."
    assert problem["errors"] == [
        {"where": "query.version", "problem": "is required"},
        {"where": "query.os", "problem": "is odd"},
    ]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DatabaseUnavailable(SECRET, hint=SECRET), "database_unavailable"),
        (StoreUnavailable(SECRET, hint=SECRET), "store_unavailable"),
    ],
)
def test_a_part_that_does_not_answer_is_503_and_only_the_log_says_where_it_is(
    error: TenureError, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = answering(error).get("/")
    problem = problem_in(response)
    assert (problem["status"], problem["code"]) == (503, code)
    assert int(response.headers["retry-after"]) > 0
    assert SECRET not in response.text
    assert SECRET in caplog.text


@pytest.mark.parametrize(
    "error", [RuntimeError(SECRET), ObjectMismatch(SECRET), InvalidKey(SECRET), TenureError(SECRET)]
)
def test_an_unexpected_error_is_an_incident_with_a_number_that_the_log_explains(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        response = answering(error).get("/")
    problem = problem_in(response)
    assert (problem["status"], problem["code"]) == (500, "internal_error")
    assert SECRET not in response.text
    assert f"incident {problem['incident']}" in caplog.text
    assert "Traceback" in caplog.text
    assert problem["incident"] in problem["hint"]


def test_an_answer_that_breaks_off_is_logged_and_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"begin"
        raise RuntimeError("the disk is gone")

    async def endpoint(_: Request) -> Response:
        return StreamingResponse(pieces())

    app = Starlette(routes=[Route("/", endpoint)], middleware=[Middleware(Edge)])
    with pytest.raises(RuntimeError, match="the disk is gone"):
        TestClient(app).get("/")
    assert "incident" in caplog.text


def test_an_unknown_address_and_method_are_problems_too() -> None:
    client = answering(None)
    assert problem_in(client.get("/nothing/here"))["code"] == "not_found"
    refused = client.delete("/")
    assert problem_in(refused)["code"] == "method_not_allowed"
    assert refused.headers["allow"] == "GET, HEAD, POST"


def test_every_answer_carries_the_headers_that_browsers_need() -> None:
    client = answering(None)
    for response in (client.get("/"), client.get("/nothing"), client.get("/%ff")):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert "server" not in response.headers


def test_an_address_that_is_too_long_is_refused() -> None:
    client = answering(None)
    response = client.get("/?" + "a" * MAX_TARGET_BYTES)
    assert problem_in(response)["code"] == "uri_too_long"
    assert response.status_code == 414
    assert client.get("/?" + "a" * (MAX_TARGET_BYTES - 1)).status_code == 200


@pytest.mark.parametrize("path", ["/%ff", "/a%00b", "/a%0d%0ab", "/%c3%28", "/%ed%a0%80", "/a%7f", "/a%E2%80%AEb"])
def test_a_path_that_is_no_text_is_refused(path: str, caplog: pytest.LogCaptureFixture) -> None:
    response = answering(None).get(path)
    assert (response.status_code, problem_in(response)["code"]) == (400, "malformed_path")
    assert caplog.text == ""


def test_a_body_that_is_too_large_is_refused_whether_announced_or_not() -> None:
    client = answering(None)
    too_large = b"x" * (MAX_BODY_BYTES + 1)
    announced = client.post("/", content=too_large)
    assert (announced.status_code, problem_in(announced)["code"]) == (413, "body_too_large")
    streamed = client.post("/", content=iter([too_large[:100], too_large[100:]]))
    assert (streamed.status_code, problem_in(streamed)["code"]) == (413, "body_too_large")
    assert client.post("/", content=too_large[:-1]).status_code == 200


@pytest.mark.parametrize("length", ["-1", "1e3", "", "9" * 30])
def test_an_announced_length_that_is_no_number_is_refused(length: str) -> None:
    response = answering(None).get("/", headers={"Content-Length": length})
    assert response.status_code in (400, 413)
    problem_in(response)


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/activations", "DELETE, GET, HEAD, POST"),
        ("/v1/customers/x", "DELETE, GET, HEAD, PATCH"),
        ("/v1/orders", "GET, HEAD, POST"),
        ("/v1/install-reports", "POST"),
        ("/portal/reminders/x", "GET, HEAD, POST"),
    ],
)
def test_a_method_that_an_address_does_not_answer_to_is_told_all_that_it_does(
    office: Office, path: str, methods: str
) -> None:
    refused = office.client.put(path)
    assert problem(refused, 405)["code"] == "method_not_allowed"
    assert refused.headers["allow"] == methods
