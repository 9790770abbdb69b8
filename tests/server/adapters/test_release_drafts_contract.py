"""Release drafts and approvals: in memory, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tenure_server.domain.release_drafts import Approval, DraftAction, DraftState, ReleaseDraft
from tenure_server.errors import NotFound
from tenure_server.use_cases.ports import Database
from tenure_signing.languages import Language
from tenure_signing.names import ProductName
from tenure_signing.versions import Version
from tests.server.adapters.sample_records import CAD, NOON, store

DRAFT = ReleaseDraft(
    draft_id="abcdefghij",
    action=DraftAction.PUBLISH,
    product=CAD,
    version=Version("1.0"),
    payload_sha256="a" * 64,
    made_at=NOON.replace(microsecond=123_456),
    makers=("Aminah", "token ci (abcdefghij22)"),
    channel="beta",
    role=b"{}",
    base_sha256="b" * 64,
    signatures=(("k" * 64, "00"),),
    approvals=(Approval("Chén 🏗", NOON),),
    notes="# New",
    translations=((Language("de"), "# Neü"),),
    share_basis_points=1_000,
    publish_at=NOON + timedelta(days=1),
    day_is_stated=True,
)


def put(database: Database, *drafts: ReleaseDraft) -> None:
    with database.writing() as records:
        for draft in drafts:
            records.release_drafts.put(draft)


def test_a_draft_comes_back_as_it_was_kept(database: Database) -> None:
    store(database)
    bare = ReleaseDraft("bare", DraftAction.LOWER_APPROVALS, CAD, None, "c" * 64, NOON, ("Ben",), lower_to=0)
    put(database, DRAFT, bare)
    changed = replace(DRAFT, state=DraftState.CANCELLED, role=b"", ended_at=NOON, reason="x", publish_at=None)
    with database.reading() as records:
        assert records.release_drafts.get(DRAFT.draft_id) == DRAFT
        assert records.release_drafts.get("bare") == bare
        assert records.release_drafts.open() == (bare, DRAFT)
        for hostile in ("", "\0", "\ud800", "nobody"):
            assert records.release_drafts.get(hostile) is None
    put(database, changed)
    with database.reading() as records:
        assert records.release_drafts.get(DRAFT.draft_id) == changed
        assert records.release_drafts.open(CAD) == (bare,)
        assert records.release_drafts.newest(CAD) == (changed, bare)
        assert records.release_drafts.newest(limit=1) == (changed,)
        assert records.release_drafts.newest(ProductName("cam")) == ()


def test_only_a_ready_draft_whose_time_has_come_is_due(database: Database) -> None:
    store(database)
    time = NOON + timedelta(days=1)
    for state in DraftState:
        put(database, replace(DRAFT, state=state))
        with database.reading() as records:
            assert records.release_drafts.has_ready(time) == (state is DraftState.READY)
            assert not records.release_drafts.has_ready(time - timedelta(microseconds=1))
    put(database, replace(DRAFT, state=DraftState.READY, publish_at=None))  # complete, and left to the signer
    with database.reading() as records:
        assert records.release_drafts.has_ready(NOON)


def test_approvals_are_none_until_they_are_set(database: Database) -> None:
    store(database)
    with database.writing() as records:
        assert records.approval_rules.of(CAD) == 0
        records.approval_rules.set(CAD, 2)
        records.approval_rules.set(CAD, 1)
        with pytest.raises(NotFound):
            records.approval_rules.set(ProductName("nothing"), 1)
    with database.reading() as records:
        assert records.approval_rules.of(CAD) == 1
