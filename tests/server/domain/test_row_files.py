from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure_server.domain.row_files import RowForm, read_rows, written_rows

COLUMNS = ("name", "phone")
CELLS = st.one_of(
    st.text(max_size=20).filter(lambda text: "\0" not in text and text.encode(errors="ignore").decode() == text),
    st.sampled_from(["", "=1+1", "'=1", "''=1", "'", "+60 3-1", "-", "@x", "a\nb", 'say "hi"', "a,b;c", "\tx", "\r\n"]),
)


@given(rows=st.lists(st.fixed_dictionaries({"name": CELLS, "phone": CELLS}), max_size=5), form=st.sampled_from(RowForm))
def test_what_is_written_is_read_as_it_was(rows: list[dict[str, str]], form: RowForm) -> None:
    text = written_rows(COLUMNS, rows, form)
    assert read_rows(text.encode(), form) == rows
    assert read_rows(b"\xef\xbb\xbf" + text.encode(), form) == rows


@pytest.mark.parametrize("cell", ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\tx"])
def test_a_spreadsheet_takes_no_cell_for_a_formula(cell: str) -> None:
    text = written_rows(("name",), [{"name": cell}], RowForm.CSV)
    ((shown,),) = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert shown == f"'{cell}"
    assert json.loads(written_rows(("name",), [{"name": cell}], RowForm.JSON)) == [{"name": cell}]


def test_cells_of_other_systems_are_read_as_they_are() -> None:
    found = read_rows(b'name,phone\r\nBo,+60 3-1\r\n"O\'Brien, Ann",\r\n\r\nCy\r\n', RowForm.CSV)
    assert found == [
        {"name": "Bo", "phone": "+60 3-1"},
        {"name": "O'Brien, Ann", "phone": ""},
        {"name": "Cy", "phone": ""},
    ]
    assert read_rows(b'[{"name": 7, "phone": null}]', RowForm.JSON) == [{"name": "7", "phone": ""}]


def test_cells_beyond_the_heading_show_as_a_column_that_there_is_not() -> None:
    assert "beyond the last column" in read_rows(b"name\nBo,too,many\n", RowForm.CSV)[0]


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b"\xff", RowForm.CSV),
        (b'name\n"Bo', RowForm.CSV),
        (b"{", RowForm.JSON),
        (b"{}", RowForm.JSON),
        (b"[1]", RowForm.JSON),
        (b"[" * 100_000, RowForm.JSON),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(data: bytes, form: RowForm) -> None:
    with pytest.raises(ValueError, match=r"cannot be read|list of objects"):
        read_rows(data, form)
