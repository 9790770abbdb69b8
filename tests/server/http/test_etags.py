"""Conditional requests: who is told "you have it already"."""

from __future__ import annotations

import pytest

from tenure_server.http.etags import is_known, strong_etag

TAG = strong_etag(b"body")


def test_equal_bytes_have_equal_tags_and_others_have_others() -> None:
    assert strong_etag(b"body") == TAG != strong_etag(b"body ")
    assert TAG.startswith('"')
    assert TAG.endswith('"')


@pytest.mark.parametrize(
    "if_none_match",
    [
        [TAG],
        [f"W/{TAG}"],
        ["*"],
        [" * "],
        [f'"other", {TAG}'],
        [f'"other",{TAG},"more"'],
        ['"other"', TAG],
        [f'"with,comma" , {TAG}'],
    ],
)
def test_a_client_that_has_the_body_is_told_so(if_none_match: list[str]) -> None:
    assert is_known(if_none_match, TAG)


@pytest.mark.parametrize(
    "if_none_match",
    [
        [],
        [""],
        ['"other"'],
        ['W/"other"'],
        [TAG.strip('"')],
        [TAG[:-1]],
        [f"w/{TAG}"],
        [f'"{TAG}"'],
        [f"{TAG}, unquoted"],
        ["*, *"],
        [f"* {TAG}"],
        [","],
        ['"'],
    ],
)
def test_anyone_else_gets_the_body(if_none_match: list[str]) -> None:
    assert not is_known(if_none_match, TAG)
