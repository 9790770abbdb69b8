"""Quick reads say what the repositories say, and when something has changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tenure_server.adapters.database import SqlDatabase
from tenure_server.domain.licence_facts import FoundKey, LicenceFacts
from tenure_server.domain.licences import LineKind, OrderLine
from tenure_server.errors import DatabaseUnavailable
from tenure_server.use_cases.ports import Database
from tenure_signing.entitlement import LicenceStatus, Pin, Turn, UpdateRules, VersionGrant
from tenure_signing.names import ChannelName
from tenure_signing.releases import Money, Rollout
from tenure_signing.versions import Version
from tests.server.adapters import sample_records as samples


def test_a_key_brings_the_facts_of_its_licence(database: Database) -> None:
    plain, full = samples.plain_licence(), samples.full_licence()
    lines = tuple(replace(line, amount=Money(line.amount.minor_units // 4, "JPY")) for line in full.lines)
    full = replace(full, lines=lines)  # the sum of several such amounts is beyond SQLite's and anybody's numbers
    samples.store(database, plain, full)
    for licence in (plain, full):
        for key in licence.keys:
            with database.reading() as records:
                stored = records.licences.by_key_digest(key.digest)
            assert stored is not None
            assert database.quick.licence_key(key.digest) == FoundKey(key.issued_at, LicenceFacts.of(stored))


def test_several_keys_are_found_at_once(database: Database) -> None:
    plain, full = samples.plain_licence(), samples.full_licence()
    lines = tuple(replace(line, amount=Money(line.amount.minor_units // 4, "JPY")) for line in full.lines)
    samples.store(database, plain, replace(full, lines=lines))
    digests = [key.digest for licence in (plain, full) for key in licence.keys]
    found = database.quick.licence_keys([*digests, "0" * 64, "' OR 1=1 --"])
    assert found == {digest: database.quick.licence_key(digest) for digest in digests}
    assert database.quick.licence_keys([]) == {}


@pytest.mark.parametrize("digest", ["", "0" * 64, "' OR 1=1 --", "é"])
def test_an_unknown_key_brings_nothing(database: Database, digest: str) -> None:
    samples.store(database, samples.plain_licence())
    assert database.quick.licence_key(digest) is None


def test_a_feed_token_brings_the_same_facts(database: Database) -> None:
    plain = samples.plain_licence()
    samples.store(database, plain)
    digest = samples.digest_of(f"feed of {plain.licence_id}")
    with database.reading() as records:
        stored = records.licences.by_feed_token_digest(digest)
    assert stored is not None
    assert database.quick.licence_of_feed_token(digest) == LicenceFacts.of(stored)
    assert database.quick.licence_of_feed_token("0" * 64) is None


def test_update_rules_and_grants_come_along(database: Database) -> None:
    licence = samples.plain_licence()
    samples.store(database, licence)
    rules = UpdateRules(frozenset({ChannelName("beta"), ChannelName("stable")}), Pin(4, 2), Turn.LATE)
    for given in (rules, replace(rules, pin=Pin(4)), replace(rules, channels=frozenset()), UpdateRules()):
        with database.writing() as records:
            records.licences.set_update_rules(licence.licence_id, given)
            records.licences.add_grant(licence.licence_id, VersionGrant(Version("4.2")))
        found = database.quick.licence_key(licence.keys[0].digest)
        assert found is not None
        assert (found.facts.updates, found.facts.grants) == (given, (VersionGrant(Version("4.2")),))


def test_every_commit_of_this_process_moves_the_version_at_once(database: Database) -> None:
    licence = samples.plain_licence()
    samples.store(database, licence)
    seen = [database.quick.version()]
    for status in (LicenceStatus.SUSPENDED, LicenceStatus.ACTIVE):
        with database.writing() as records:
            records.licences.set_status(licence.licence_id, status, "unpaid")
        seen.append(database.quick.version())
        found = database.quick.licence_key(licence.keys[0].digest)
        assert found is not None
        assert found.facts.status is status
    assert len(set(seen)) == len(seen)


def test_a_commit_of_another_process_moves_the_version_soon(sql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, other = SqlDatabase(sql_url), SqlDatabase(sql_url)
    now = [1e6]
    monkeypatch.setattr("tenure_server.adapters.database.quick_reads.time.monotonic", lambda: now[0])
    try:
        before = ours.quick.version()
        samples.store(other, samples.plain_licence())
        now[0] += 0.5
        assert ours.quick.version() != before
        assert ours.quick.licence_key(samples.plain_licence().keys[0].digest) is not None
    finally:
        ours.close()
        other.close()


def test_the_publication_counter_is_the_repositories_one(database: Database) -> None:
    samples.store(database)
    before = database.quick.publication_counter()
    with database.writing() as records:
        records.rollouts.set(samples.CAD, Version("1.0"), Rollout(1))
    with database.reading() as records:
        assert records.publication_counter() == database.quick.publication_counter() == before + 1


def test_amounts_of_two_currencies_have_no_total(sql_database: SqlDatabase) -> None:
    foreign = OrderLine(LineKind.ADDITIONAL_USERS, 1, Money(1, "EUR"), date(2026, 1, 1))
    licence = samples.plain_licence()
    samples.store(sql_database, replace(licence, lines=(*licence.lines, foreign)))
    with pytest.raises(ValueError, match="cannot be added"):
        sql_database.quick.licence_key(licence.keys[0].digest)


def test_a_connection_that_was_closed_is_opened_anew(sql_database: SqlDatabase) -> None:
    licence = samples.plain_licence()
    samples.store(sql_database, licence)
    assert sql_database.quick.licence_key(licence.keys[0].digest) is not None
    sql_database.quick.close()
    before = sql_database.quick.version()
    assert sql_database.quick.licence_key(licence.keys[0].digest) is not None
    assert isinstance(before, int)


def test_a_database_that_is_not_there_is_unavailable_and_not_made(tmp_path: Path) -> None:
    database = SqlDatabase(f"sqlite:///{tmp_path / 'nowhere.db'}")
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable):
            database.quick.publication_counter()
    assert not (tmp_path / "nowhere.db").exists()
    database.close()


def test_a_server_that_does_not_answer_is_unavailable_without_its_password() -> None:
    database = SqlDatabase("postgresql://tenure:hunter2@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseUnavailable) as failed:
        database.quick.licence_key("0" * 64)
    assert "hunter2" not in str(failed.value)
    database.close()
