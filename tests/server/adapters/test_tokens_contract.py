"""API tokens and the chained audit trail: in memory, on SQLite and on PostgreSQL alike; what the databases refuse."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from alembic import command
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from tenure_server.adapters.database import SqlDatabase, upgrade_schema
from tenure_server.adapters.database import migrate as migration
from tenure_server.domain.api_tokens import ApiToken, Scope
from tenure_server.domain.audit_chain import AuditEvent, AuditHead
from tenure_server.errors import Conflict, NotFound
from tenure_server.use_cases.ports import BuildUpload, Database
from tenure_server.use_cases.verify_audit import PAGE, VerifyAudit
from tenure_signing.names import ChannelName
from tests.server.adapters.sample_records import CAD, NOON, digest_of, store

HOSTILE_TEXTS = ("", "\0", "a\0b", "\ud800", "%", "_", "' OR 1=1 --", "x" * 100_000)


def token(token_id: str = "abcdefghij22", **changes: object) -> ApiToken:
    plain = ApiToken(
        token_id=token_id,
        name="GitHub 🏗 ci",
        scopes=frozenset({Scope.PUBLISH, Scope.READ}),
        product=CAD,
        channel=ChannelName("beta"),
        created_at=NOON.replace(microsecond=123_456),
        expires_at=NOON + timedelta(days=90),
        digest=digest_of(token_id),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def add(database: Database, *tokens: ApiToken) -> None:
    store(database)
    with database.writing() as records:
        for one in tokens:
            records.tokens.add(one)


def events(database: Database, count: int, *, who: str = "ops") -> None:
    for number in range(count):
        with database.writing() as records:
            records.audit.append(AuditEvent(NOON, who, "x.y", f"subject {number}", {"before": None, "after": [number]}))


# --- Tokens


def test_tokens_come_back_as_they_were_added_newest_first(database: Database) -> None:
    old, new = token(), token("newer2222222", created_at=NOON + timedelta(1), product=None, channel=None)
    add(database, old, new)
    with database.reading() as records:
        assert records.tokens.get(old.token_id) == old
        assert records.tokens.all() == (new, old)


def test_a_token_shows_no_digest_of_itself() -> None:
    assert token().digest not in repr(token())


@pytest.mark.parametrize("taken", [{"digest": "0" * 64}, {"token_id": "another22222"}], ids=["id", "digest"])
def test_id_and_digest_belong_to_one_token(database: Database, taken: dict[str, str]) -> None:
    add(database, token())
    with database.writing() as records:
        with pytest.raises(Conflict) as caught:
            records.tokens.add(token(**{"token_id": token().token_id, "digest": token().digest} | taken))
        assert caught.value.code == "token_exists"
        assert records.tokens.all() == (token(),)


def test_a_token_is_revoked_once_and_the_first_instant_stays(database: Database) -> None:
    add(database, token())
    for days in (1, 2):
        with database.writing() as records:
            records.tokens.revoke(token().token_id, NOON + timedelta(days))
    with database.reading() as records:
        assert records.tokens.get(token().token_id) == token(revoked_at=NOON + timedelta(1))


def test_the_latest_use_is_kept(database: Database) -> None:
    add(database, token())
    for hours in (2, 1, 3):
        with database.writing() as records:
            records.tokens.note_use(
                token().token_id, (NOON + timedelta(hours=hours)).astimezone(timezone(timedelta(1 / 24)))
            )
            records.tokens.note_use("unknown22222", NOON)
    with database.reading() as records:
        assert records.tokens.all() == (token(last_used_at=NOON + timedelta(hours=3)),)


@pytest.mark.parametrize("hostile", HOSTILE_TEXTS, ids=ascii)
def test_nobody_has_a_hostile_token_id(database: Database, hostile: str) -> None:
    add(database, token())
    with database.reading() as records:
        assert records.tokens.get(hostile) is None
        assert records.audit.newest(who=hostile) == ()
        assert records.audit.newest(action=hostile) == ()
    with database.writing() as records:
        records.tokens.note_use(hostile, NOON)
        with pytest.raises(NotFound):
            records.tokens.revoke(hostile, NOON)


# --- The trail


def test_events_are_found_by_who_what_and_when(database: Database) -> None:
    written = [
        AuditEvent(NOON, "Ada", "token.create", "a", {}),
        AuditEvent(NOON + timedelta(1), "Bo", "token.revoke", "a", {}),
        AuditEvent(NOON + timedelta(2), "Ada", "tokens.count", "b", {}),
    ]
    with database.writing() as records:
        for event in written:
            records.audit.append(event)
    with database.reading() as records:
        newest = records.audit.newest
        assert newest(who="Ada") == (written[2], written[0])
        assert newest(action="token") == (written[1], written[0])
        assert newest(action="token.revoke") == (written[1],)
        assert newest(action="toke") == ()
        assert newest(since=NOON + timedelta(1)) == (written[2], written[1])
        assert newest(who="Ada", action="token", subject="a", since=NOON, limit=5) == (written[0],)


def test_the_trail_is_numbered_without_gaps_and_verifies(database: Database) -> None:
    with database.reading() as records:
        assert records.audit.head() == AuditHead()
    assert VerifyAudit(database)().broken is None
    events(database, 2)
    with suppress(ZeroDivisionError), database.writing() as records:
        records.audit.append(AuditEvent(NOON, "ops", "rolled.back", "x", {}))
        assert records.audit.head().number == 3
        raise ZeroDivisionError
    events(database, 1, who="Ünal 株式会社\n\0".rstrip("\0"))
    with database.reading() as records:
        found = records.audit.following(0, limit=10)
        assert [record.number for record in found] == [1, 2, 3]
        assert records.audit.following(1, limit=1) == found[1:2]
        assert records.audit.following(3, limit=10) == records.audit.following(0, limit=0) == ()
        assert records.audit.head() == AuditHead(3, found[2].digest)
    assert VerifyAudit(database)().reached == AuditHead(3, found[2].digest)


def test_details_of_every_json_kind_verify_after_reading_them_back(database: Database) -> None:
    details = {"b": [1, 2.5, None, True, {"ü": "🏗", "2": 1}], "a": (1, "x"), "n": {10: "ten", 9: "nine"}, "big": 2**60}
    with database.writing() as records:
        records.audit.append(AuditEvent(NOON.replace(microsecond=1), "ops", "x.y", "z", details))
    assert VerifyAudit(database)().broken is None


def test_many_writers_at_once_make_one_chain(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(events, database, 5, who=f"writer {n}") for n in range(8)]:
            done.result()
    finding = VerifyAudit(database)()
    assert (finding.reached.number, finding.broken) == (40, None)


def test_a_trail_longer_than_a_page_verifies(database: Database) -> None:
    with database.writing() as records:
        for number in range(PAGE + 5):
            records.audit.append(AuditEvent(NOON, "ops", "x.y", str(number), {}))
    assert VerifyAudit(database)().reached.number == PAGE + 5


def test_a_noted_event_betrays_a_trail_that_was_written_anew(database: Database) -> None:
    events(database, 3)
    noted = VerifyAudit(database)().reached
    events(database, 1)
    assert VerifyAudit(database)(noted=noted).broken is None
    other = VerifyAudit(database)(noted=AuditHead(2, "f" * 64)).broken
    assert other is not None
    assert other.number == 2
    later = VerifyAudit(database)(noted=AuditHead(9, noted.digest)).broken
    assert later is not None
    assert "missing" in later.problem


# --- What the databases themselves refuse, and what remains visible when somebody gets round that


def run(url: str, *statements: str) -> None:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
    finally:
        engine.dispose()


APPENDED_BY_HAND = (
    "INSERT INTO audit_event (number, at, who, action, subject, details, digest)"
    " VALUES ({number}, '2026-11-23 12:00:00', 'me', 'x', 'y', '{{}}', 'f')"
)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET who = 'somebody else' WHERE number = 2",
        "UPDATE audit_event SET digest = 'f'",
        "DELETE FROM audit_event WHERE number = 3",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event",
        APPENDED_BY_HAND.format(number=2).replace("INSERT", "INSERT OR REPLACE"),
        APPENDED_BY_HAND.format(number=2) + " ON CONFLICT (number) DO UPDATE SET who = 'me'",
    ],
)
def test_the_database_refuses_to_change_the_trail(sql_url: str, sql_database: SqlDatabase, statement: str) -> None:
    events(sql_database, 3)
    with pytest.raises(DBAPIError):
        run(sql_url, statement)
    finding = VerifyAudit(sql_database)()
    assert (finding.reached.number, finding.broken) == (3, None)


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("DELETE FROM audit_event WHERE number = 2", 2),
        ("DELETE FROM audit_event WHERE number = 1", 1),
        ("DELETE FROM audit_event WHERE number = 4", 4),
        ("DELETE FROM audit_event", 1),
        ("UPDATE audit_event SET who = 'somebody else' WHERE number = 3", 3),
        ("UPDATE audit_event SET details = '{\"after\": []}' WHERE number = 1", 1),
        ("UPDATE audit_event SET at = '2020-01-01 00:00:00' WHERE number = 4", 4),
        ("UPDATE audit_event SET number = 9 WHERE number = 2", 2),
        (APPENDED_BY_HAND.format(number=5), 5),
    ],
)
def test_what_was_done_behind_the_triggers_is_noticed(
    sql_url: str, sql_database: SqlDatabase, statement: str, broken_at: int
) -> None:
    events(sql_database, 4)
    if sql_url.startswith("sqlite"):
        names = ("no_update", "no_delete", "no_replace")
        run(sql_url, *(f"DROP TRIGGER audit_event_{name}" for name in names), statement)
    else:
        run(sql_url, "ALTER TABLE audit_event DISABLE TRIGGER ALL", statement)
    broken = VerifyAudit(sql_database)().broken
    assert broken is not None
    assert broken.number == broken_at


def test_the_events_of_an_older_schema_are_chained_when_it_is_upgraded(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        upgrade = command.upgrade
        patch.setattr(command, "upgrade", lambda config, _: upgrade(config, "0001"))
        upgrade_schema(database_url)
    insert = "INSERT INTO audit_event (number, at, who, action, subject, details) VALUES"
    run(
        database_url,
        f"{insert} (3, '2026-11-23 12:00:00.000001', 'Ünal', 'x.y', 'z', '{{\"b\": [1, null], \"a\": \"ü\"}}')",
        f"{insert} (7, '2026-11-23 13:00:00.000000', 'ops', 'x.y', 'z', '{{}}')",
    )
    upgrade_schema(database_url)
    database = SqlDatabase(database_url)
    assert migration.newest_revision() >= "0004"
    events(database, 1)
    finding = VerifyAudit(database)()
    assert (finding.reached.number, finding.broken) == (3, None)
    with database.reading() as records:
        assert [event.who for event in records.audit.newest()] == ["ops", "ops", "Ünal"]
    database.close()


# --- Uploads


def upload(**changes: object) -> BuildUpload:
    plain = BuildUpload("builds/cad/1.0/a.zip", "an id", 2**40, 8 * 2**20, NOON.replace(microsecond=7))
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_one_upload_of_a_build_is_kept_and_the_second_publisher_joins_it(database: Database) -> None:
    with database.writing() as records:
        assert records.uploads.begin(upload()) == upload()
        assert records.uploads.begin(upload(upload_id="another")) == upload()
    with database.reading() as records:
        assert records.uploads.get(upload().key) == upload()
        assert all(records.uploads.get(hostile) is None for hostile in HOSTILE_TEXTS)


def test_publishers_who_begin_at_once_join_one_upload(database: Database) -> None:
    def begin(number: int) -> BuildUpload:
        with database.writing() as records:
            return records.uploads.begin(upload(upload_id=f"upload {number}"))

    with ThreadPoolExecutor(8) as pool:
        kept = {done.result() for done in [pool.submit(begin, number) for number in range(8)]}
    assert len(kept) == 1


def test_a_verified_build_needs_no_upload_id_and_one_may_never_have_been_begun(database: Database) -> None:
    later = NOON + timedelta(hours=1)
    for key in ("builds/cad/1.0/a.zip", "builds/cad/1.0/b.zip"):
        with database.writing() as records:
            if key.endswith("a.zip"):
                records.uploads.begin(upload())
            records.uploads.verified(upload(key=key), later)
        with database.reading() as records:
            assert records.uploads.get(key) == upload(key=key, upload_id=None, verified_at=later)


def test_a_forgotten_upload_can_be_begun_again(database: Database) -> None:
    for _ in range(2):
        with database.writing() as records:
            records.uploads.begin(upload())
        with database.writing() as records:
            assert not records.uploads.remove(upload(upload_id="another"))
            assert not records.uploads.remove(upload(upload_id=None))
            assert not records.uploads.remove(upload(key="builds/nothing"))
            assert records.uploads.get(upload().key) == upload()
            assert records.uploads.remove(upload())
            assert not records.uploads.remove(upload())
            assert records.uploads.get(upload().key) is None
