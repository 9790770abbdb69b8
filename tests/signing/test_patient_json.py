"""What is read entry by entry is what the standard library reads at once, and what it refuses is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure_signing.errors import PublishingError
from tenure_signing.patient_json import read_json
from tenure_signing.tuf_repository import PATIENT_BYTES, load_any

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)


@given(ANYTHING, st.sampled_from([None, 1]), st.booleans())
def test_any_document_is_read_alike(document: object, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    assert read_json(text) == json.loads(text)


def outcome(read: object, text: str) -> object:
    assert callable(read)
    try:
        return read(text)
    except ValueError as error:
        return str(error)


@given(ANYTHING, st.data())
def test_any_damaged_document_is_refused_alike(document: object, data: st.DataObject) -> None:
    text = json.dumps(document)
    at = data.draw(st.integers(0, len(text)))
    damaged = text[:at] + data.draw(st.sampled_from(["", "{", "}", '"', ",", ":", "x", " "])) + text[at + 1 :]
    assert outcome(read_json, damaged) == outcome(json.loads, damaged)


@pytest.mark.parametrize(
    "text", ["", "{", '{"a"}', '{"a":1,}', '{"a":{"b":{"c":{}}}', '{"a":1}{', "nul", '{"a":1,"a":2}']
)
def test_what_is_no_json_is_refused_alike(text: str) -> None:
    assert outcome(read_json, text) == outcome(json.loads, text)


def test_large_bytes_that_are_no_metadata_are_refused() -> None:
    for data in (b"{" * (PATIENT_BYTES + 1), b"\xff" * (PATIENT_BYTES + 1), b"[" + b" " * PATIENT_BYTES + b"]"):
        with pytest.raises(PublishingError, match="is no TUF metadata"):
            load_any("cad", data)
