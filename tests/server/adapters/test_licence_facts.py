"""The row that every check reads says what the licence's own tables say, whatever was changed, and by whom."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import create_engine, text

from tenure_server.adapters.database import SqlDatabase
from tenure_server.domain.licence_facts import FoundKey, LicenceFacts
from tenure_server.domain.licences import Licence, LineKind, OrderLine, PaidPeriod, PeriodSource
from tenure_server.errors import Conflict
from tenure_server.use_cases.ports import Records
from tenure_signing.entitlement import LicenceStatus, LineGrant, Pin, SupportPeriod, Turn, UpdateRules, VersionGrant
from tenure_signing.names import ChannelName
from tenure_signing.releases import Money
from tenure_signing.versions import Version
from tests.server.adapters import sample_records as samples

Change = Callable[[Records, Licence, random.Random], None]


def _period(records: Records, licence: Licence, chance: random.Random) -> None:
    first = date(2030, 1, 1) + timedelta(days=chance.randrange(3_000))
    period = SupportPeriod(first, first + timedelta(days=chance.randrange(400)))
    records.licences.add_period(licence.licence_id, PaidPeriod(period, PeriodSource.ORDER, None, licence.created_at))


def _shorter_period(records: Records, licence: Licence, chance: random.Random) -> None:
    if licence.periods:
        period = chance.choice(licence.periods).period
        ends_on = chance.choice((None, period.starts_on))
        records.licences.end_period(licence.licence_id, period, ends_on)


def _line(records: Records, licence: Licence, chance: random.Random) -> None:
    amount = Money(chance.randrange(10**6), licence.currency)
    line = OrderLine(LineKind.ADDITIONAL_USERS, chance.randrange(1, 9), amount, date(2026, 2, 3), "SO-1")
    records.licences.add_lines(licence.licence_id, [line])


def _no_line(records: Records, licence: Licence, chance: random.Random) -> None:
    records.licences.remove_lines(licence.licence_id, "SO-1")


def _grant(records: Records, licence: Licence, chance: random.Random) -> None:
    number = chance.randrange(1, 5)
    grant = chance.choice((VersionGrant(Version(f"{number}.0.1")), LineGrant(number, 2)))
    records.licences.add_grant(licence.licence_id, grant)


def _key(records: Records, licence: Licence, chance: random.Random) -> None:
    key = replace(licence.keys[0], digest=samples.digest_of(str(chance.random())))
    records.licences.add_key(licence.licence_id, key)


def _status(records: Records, licence: Licence, chance: random.Random) -> None:
    records.licences.set_status(licence.licence_id, chance.choice(list(LicenceStatus)), "because")


def _rules(records: Records, licence: Licence, chance: random.Random) -> None:
    rules = (
        UpdateRules(),
        UpdateRules(frozenset({ChannelName("stable"), ChannelName("beta")}), Pin(3, 1), Turn.EARLY),
        UpdateRules(frozenset(), Pin(4), Turn.LATE),
    )
    records.licences.set_update_rules(licence.licence_id, chance.choice(rules))


CHANGES: tuple[Change, ...] = (_period, _shorter_period, _line, _no_line, _grant, _key, _status, _rules)


@pytest.mark.parametrize("seed", [1, 2])
def test_no_change_leaves_a_row_behind_that_is_out_of_date(sql_database: SqlDatabase, seed: int) -> None:
    chance = random.Random(seed)
    samples.store(sql_database, samples.plain_licence())
    licence_id = samples.plain_licence().licence_id
    for _ in range(40):
        change = chance.choice(CHANGES)
        try:
            with sql_database.writing() as records:
                licence = records.licences.get(licence_id)
                assert licence is not None
                change(records, licence, chance)
        except Conflict:
            assert change is _period
        assert_facts_are_those_of_the_licence(sql_database, licence_id)


def assert_facts_are_those_of_the_licence(database: SqlDatabase, licence_id: str) -> None:
    with database.reading() as records:
        licence = records.licences.get(licence_id)
    assert licence is not None
    expected = {key.digest: FoundKey(key.issued_at, LicenceFacts.of(licence)) for key in licence.keys}
    assert database.quick.licence_keys(list(expected)) == expected


def _revoke_and_fail(database: SqlDatabase, licence_id: str) -> None:
    with database.writing() as records:
        records.licences.set_status(licence_id, LicenceStatus.REVOKED, "by mistake")
        raise ZeroDivisionError


def test_what_is_taken_back_leaves_no_trace(sql_database: SqlDatabase) -> None:
    licence = samples.plain_licence()
    samples.store(sql_database, licence)
    with pytest.raises(ZeroDivisionError):
        _revoke_and_fail(sql_database, licence.licence_id)
    assert_facts_are_those_of_the_licence(sql_database, licence.licence_id)


BY_HAND = (
    "UPDATE licence SET status = 'revoked', status_reason = 'fraud'",
    "UPDATE licence SET purchased_on = '2020-02-29'",
    "UPDATE order_line SET minor_units = 5, seats = 7",
    "UPDATE support_period SET ends_on = starts_on",
    "UPDATE licence_key SET issued_at = '2020-03-04 05:06:07'",
    f"UPDATE licence_key SET digest = '{'a' * 64}' WHERE digest = (SELECT min(digest) FROM licence_key)",
    "DELETE FROM order_line",
    "DELETE FROM support_period",
    "DELETE FROM licence_grant",
    "DELETE FROM licence_key",
)


def test_whoever_changes_the_tables_by_hand_changes_what_is_answered(sql_url: str, sql_database: SqlDatabase) -> None:
    licence = samples.plain_licence()
    samples.store(sql_database, licence)
    digests = [key.digest for key in licence.keys]
    engine = create_engine(sql_url)
    for statement in BY_HAND:
        with engine.begin() as connection:
            connection.execute(text(statement))
        assert_facts_are_those_of_the_licence(sql_database, licence.licence_id)
        with sql_database.reading() as records:
            left = {digest for digest in digests if records.licences.by_key_digest(digest) is not None}
        assert set(sql_database.quick.licence_keys(digests)) == left
    engine.dispose()
