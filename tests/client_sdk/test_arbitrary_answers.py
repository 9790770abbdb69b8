"""Whatever a server answers, the client raises nothing but its own errors and never loses what it knew."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure_client import TenureClientError
from tenure_client.errors import InvalidServerAnswer
from tenure_client.problems import refusal_of, shown
from tenure_client.wire import parse_certificate_of, parse_update_answer
from tests.client_sdk.loopback import Reply
from tests.client_sdk.vendor import Document, Site, json_reply, running_site

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def honest() -> Iterator[tuple[Site, Document]]:
    """A site, and what it answers an honest question."""
    with running_site() as site:
        query = {"version": "2.4.1", "os": "linux", "arch": "x86_64", "channel": "stable", "install_id": "x" * 8}
        yield site, site.honest_answer(query | {"manual": "false"}, None)


def places(document: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of every value inside."""
    if isinstance(document, dict):
        inner = [(*path, name) for name in document]
    elif isinstance(document, list):
        inner = [(*path, place) for place in range(len(document))]
    else:
        return [path]
    found = [path] if path else []
    for each in inner:
        found += places(document[each[-1]], each)
    return found


def changed(document: Document, path: tuple[str | int, ...], value: object) -> Document:
    """A copy with the value at that path replaced, or its member left out for ``...``."""
    copy = json.loads(json.dumps(document))
    at = copy
    for step in path[:-1]:
        at = at[step]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return copy  # type: ignore[no-any-return]


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_an_answer_or_refused(data: bytes) -> None:
    for parse in (parse_update_answer, parse_certificate_of):
        with suppress(InvalidServerAnswer):
            parse(data)


@settings(max_examples=300)
@given(data=st.data())
def test_an_answer_with_anything_at_any_place_is_read_or_refused(
    honest: tuple[Site, Document], data: st.DataObject
) -> None:
    document = honest[1]
    path = data.draw(st.sampled_from(places(document)))
    value = data.draw(JSON | st.just(...))
    with suppress(InvalidServerAnswer):
        parse_update_answer(json.dumps(changed(document, path, value)).encode())


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_whole_check_raises_only_the_clients_own_errors(honest: tuple[Site, Document], data: st.DataObject) -> None:
    site, document = honest
    path = data.draw(st.sampled_from(places(document)))
    value = data.draw(JSON | st.just(...))
    site.answer_of = lambda answer: changed(answer, path, value) if path in places(answer) else answer
    with tempfile.TemporaryDirectory() as folder:
        try:
            with suppress(TenureClientError):
                site.client(Path(folder)).check()
        finally:
            site.answer_of = lambda answer: answer
        assert site.client(Path(folder)).check().offer is not None


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(
        ["/metadata/2.root", "/metadata/timestamp", "/metadata/", "/downloads/_trust/", "/v1/licence"]
    ),
    reply=st.binary(max_size=100).map(lambda body: Reply(200, body))
    | JSON.map(json_reply)
    | st.integers(min_value=200, max_value=599)
    .filter(lambda status: status not in (204, 304))
    .map(lambda status: Reply(status, b"{}")),
)
def test_any_file_of_the_server_may_be_anything(honest: tuple[Site, Document], name: str, reply: Reply) -> None:
    site = honest[0]
    site.on_server = lambda request: reply if request.path.startswith(name) else None
    with tempfile.TemporaryDirectory() as folder:
        try:
            with suppress(TenureClientError):
                site.client(Path(folder)).check()
        finally:
            site.on_server = lambda request: None
        assert site.client(Path(folder)).check().offer is not None


@given(
    status=st.integers(min_value=400, max_value=599),
    body=st.binary(max_size=100) | JSON.map(lambda value: json.dumps(value).encode()),
    is_from_server=st.booleans(),
)
def test_any_refusal_becomes_an_error_that_can_be_shown(status: int, body: bytes, is_from_server: bool) -> None:
    error = refusal_of(status, body, is_from_server)
    assert isinstance(error, TenureClientError)
    assert shown(str(error)) == str(error)
