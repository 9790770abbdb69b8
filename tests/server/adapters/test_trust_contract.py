"""Drafts of ceremonies and names of key holders: in memory, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from tenure_server.domain.trust_drafts import DraftState
from tenure_server.errors import Conflict, NotFound
from tenure_server.use_cases.ports import Database
from tenure_server.use_cases.ports_trust import StoredDraft
from tests.server.adapters.sample_records import NOON


def draft(code: str = "0000", **changes: object) -> StoredDraft:
    plain = StoredDraft(
        code=code,
        purpose="Ünal joins 🔑",
        roles=("root", "targets"),
        pushed_by="token ada (k7f2wq5nmxab)",
        pushed_at=NOON.replace(microsecond=3),
        expires_at=NOON + timedelta(days=30),
        document=b"{}\x00\xff",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def add(database: Database, *drafts: StoredDraft) -> None:
    with database.writing() as records:
        for one in drafts:
            records.trust_drafts.add(one)


def test_drafts_come_back_as_they_were_added_newest_first(database: Database) -> None:
    old, new = draft("0000"), draft("1111", pushed_at=NOON + timedelta(1))
    add(database, old, new)
    with database.reading() as records:
        assert records.trust_drafts.get("0000") == old
        assert records.trust_drafts.open() == records.trust_drafts.newest(9) == (new, old)
        assert records.trust_drafts.newest(1) == (new,)
        assert records.trust_drafts.newest(0) == ()
        assert [records.trust_drafts.get(text) for text in ("", "\0", "\ud800", "%")] == [None] * 4


def test_a_code_is_used_once(database: Database) -> None:
    add(database, draft())
    with database.writing() as records:
        with pytest.raises(Conflict) as caught:
            records.trust_drafts.add(draft(purpose="another"))
        assert caught.value.code == "draft_exists"
        records.trust_drafts.close("0000", DraftState.CANCELLED, at=NOON, by="Ada", reason="not now")
    with pytest.raises(Conflict), database.writing() as records:
        records.trust_drafts.add(draft())


def test_a_closed_draft_is_remembered_without_its_bytes_and_never_changes(database: Database) -> None:
    add(database, draft())
    with database.writing() as records:
        records.trust_drafts.set_document("0000", b"signed")
    with database.writing() as records:
        assert records.trust_drafts.get("0000", for_change=True) == draft(document=b"signed")
        records.trust_drafts.close("0000", DraftState.SUBMITTED, at=NOON, by="Ada")
    with database.writing() as records:
        with pytest.raises(NotFound):
            records.trust_drafts.close("0000", DraftState.EXPIRED, at=NOON, by="Bo")
        with pytest.raises(NotFound):
            records.trust_drafts.set_document("0000", b"more")
    with database.reading() as records:
        closed = draft(document=None, state=DraftState.SUBMITTED, closed_at=NOON, closed_by="Ada")
        assert records.trust_drafts.newest(9) == (closed,)
        assert records.trust_drafts.open() == ()


def test_signatures_that_arrive_at_once_are_all_kept(database: Database) -> None:
    add(database, draft(document=b""))

    def sign(number: int) -> None:
        with database.writing() as records:
            hung = records.trust_drafts.get("0000", for_change=True)
            assert hung is not None
            assert hung.document is not None
            records.trust_drafts.set_document("0000", hung.document + bytes([number]))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sign, range(8)))
    with database.reading() as records:
        kept = records.trust_drafts.get("0000")
    assert kept is not None
    assert kept.document is not None
    assert sorted(kept.document) == list(range(8))


def test_the_holder_of_a_key_has_the_name_given_last(database: Database) -> None:
    with database.writing() as records:
        records.key_holders.set("b" * 64, "Bo")
        records.key_holders.set("a" * 64, "Ada")
        records.key_holders.set("b" * 64, "Bo Østergaard")
    with database.reading() as records:
        assert list(records.key_holders.all().items()) == [("a" * 64, "Ada"), ("b" * 64, "Bo Østergaard")]
