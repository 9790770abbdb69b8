"""What every database promises the use cases: in memory, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest

from tenure_server.domain.licences import Licence
from tenure_server.errors import Conflict, NotFound
from tenure_server.use_cases.ports import AuditEvent, Database, Records
from tenure_signing.entitlement import LicenceStatus, LineGrant, SupportPeriod, VersionGrant
from tenure_signing.languages import Language
from tenure_signing.names import ProductName
from tenure_signing.releases import Rollout
from tenure_signing.versions import Version
from tests.server.adapters.sample_records import (
    CAD,
    CAM,
    NOON,
    add,
    digest_of,
    full_licence,
    issued_key,
    paid,
    plain_licence,
    product,
    store,
)

HOSTILE_TEXTS = ("", "\0", "a\0b", "\ud800", "%", "_", "' OR 1=1 --", "x" * 100_000, "../1.root.json")


def licence_in(database: Database, licence_id: str) -> Licence:
    with database.reading() as records:
        found = records.licences.get(licence_id)
    assert found is not None
    return found


def counter_of(database: Database) -> int:
    with database.reading() as records:
        return records.publication_counter()


# --- Products, rollouts, notes


def test_products_come_back_as_they_were_added_by_name(database: Database) -> None:
    with database.writing() as records:
        records.products.add(product(CAM))
        records.products.add(product(CAD))
    with database.reading() as records:
        assert records.products.get(CAD) == product(CAD)
        assert records.products.all() == (product(CAD), product(CAM))


def test_a_product_is_added_once(database: Database) -> None:
    store(database)
    with pytest.raises(Conflict) as caught, database.writing() as records:
        records.products.add(replace(product(CAD), title="Another"))
    assert caught.value.code == "product_exists"
    with database.reading() as records:
        assert records.products.get(CAD) == product(CAD)


def test_rollouts_and_notes_are_kept_by_version_however_it_is_spelt(database: Database) -> None:
    store(database)
    with database.writing() as records:
        records.rollouts.set(CAD, Version("4.2"), Rollout(0, is_halted=True))
        records.rollouts.set(CAD, Version("4.2.0"), Rollout(10_000))
        records.rollouts.set(CAD, Version("10.0rc1"), Rollout(2_500))
        records.rollouts.set(CAM, Version("4.2"), Rollout(1))
        records.notes.put(CAD, Version("4.2.0"), "old")
        records.notes.put(CAD, Version("4.2"), "# Neu\n\n* größer 🏗\r\n")
    with database.reading() as records:
        assert records.rollouts.of_product(CAD) == {Version("4.2"): Rollout(10_000), Version("10rc1"): Rollout(2_500)}
        assert records.notes.get(CAD, Version("4.2.0.0")) == "# Neu\n\n* größer 🏗\r\n"
        assert records.notes.of_product(CAD) == {Version("4.2"): "# Neu\n\n* größer 🏗\r\n"}


def test_translations_of_notes_are_kept_by_version_and_language(database: Database) -> None:
    store(database)
    german, brazilian = Language("de"), Language("pt-br")
    with database.writing() as records:
        before = records.publication_counter()
        records.notes.put_translation(CAD, Version("4.2"), german, "alt")
        records.notes.put_translation(CAD, Version("4.2.0"), german, "# Größer 🏗")
        records.notes.put_translation(CAD, Version("4.2"), brazilian, "# Maior")
        records.notes.put_translation(CAM, Version("4.2"), german, "# Andere")
        records.products.set_notes_language(CAD, german)
        assert records.publication_counter() > before
    with database.reading() as records:
        assert records.notes.translations(CAD) == {Version("4.2"): {german: "# Größer 🏗", brazilian: "# Maior"}}
        assert records.notes.get(CAD, Version("4.2")) is None
        assert records.products.get(CAD) == replace(product(CAD), notes_language=german)
        assert records.notes.translations(ProductName("none")) == {}


def test_what_is_not_there_is_none_or_empty(database: Database) -> None:
    with database.reading() as records:
        assert records.products.get(CAD) is None
        assert records.products.all() == ()
        assert records.rollouts.of_product(CAD) == {}
        assert records.notes.get(CAD, Version("1.0")) is None
        assert records.notes.of_product(CAD) == {}
        assert records.licences.search() == ()
        assert records.signed_files.current() == {}
        assert records.signed_files.roots() == ()
        assert records.audit.newest() == ()
        assert records.publication_counter() == 0


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=ascii)
def test_hostile_text_finds_nothing(database: Database, text: str) -> None:
    store(database, plain_licence())
    with database.reading() as records:
        assert records.products.get(ProductName(text)) is None
        assert records.licences.get(text) is None
        assert records.licences.by_key_digest(text) is None
        assert records.licences.by_feed_token_digest(text) is None
        assert records.signed_files.file(text) is None
        assert records.signed_files.trusted_target(text) is None
        assert records.notes.get(ProductName(text), Version("1.0")) is None
        assert records.audit.newest(subject=text) == ()
        if text:
            assert records.licences.search(text) == ()


def test_nothing_belongs_to_a_product_that_is_not_there(database: Database) -> None:
    attempts: list[Callable[[Records], None]] = [
        lambda records: records.rollouts.set(CAD, Version("1.0"), Rollout()),
        lambda records: records.notes.put(CAD, Version("1.0"), "notes"),
        lambda records: records.notes.put_translation(CAD, Version("1.0"), Language("de"), "notes"),
        lambda records: records.products.set_notes_language(CAD, Language("de")),
        lambda records: add(records, plain_licence(), feed_token_digest=digest_of("feed")),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound) as caught, database.writing() as records:
            attempt(records)
        assert caught.value.code == "unknown_product"


# --- Licences


@pytest.mark.parametrize("licence", [plain_licence(), full_licence()], ids=["plain", "full"])
def test_a_licence_comes_back_exactly_as_it_was_added(database: Database, licence: Licence) -> None:
    store(database, licence)
    with database.reading() as records:
        assert records.licences.get(licence.licence_id) == licence
        assert records.licences.by_feed_token_digest(digest_of(f"feed of {licence.licence_id}")) == licence
        for key in licence.keys:
            assert records.licences.by_key_digest(key.digest) == licence


def test_instants_are_the_same_instants_whatever_zone_they_were_given_in(database: Database) -> None:
    in_kuala_lumpur = datetime(2026, 11, 23, 7, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=8)))
    store(database, plain_licence(created_at=in_kuala_lumpur))
    created_at = licence_in(database, "7k2m").created_at
    assert created_at == in_kuala_lumpur
    assert created_at.utcoffset() is not None


@pytest.mark.parametrize(
    "second",
    [
        plain_licence("7k2m", customer="Another"),
        replace(plain_licence("8aaa"), keys=plain_licence("7k2m").keys),
        replace(plain_licence("8aaa"), keys=(issued_key("same"), issued_key("same"))),
    ],
    ids=["the same id", "a key of another licence", "one key twice"],
)
def test_an_id_and_a_key_belong_to_one_licence(database: Database, second: Licence) -> None:
    store(database, plain_licence("7k2m"))
    with pytest.raises(Conflict) as caught, database.writing() as records:
        add(records, second, feed_token_digest=digest_of("another feed"))
    assert caught.value.code == "licence_exists"
    with database.reading() as records:
        assert records.licences.search() == (plain_licence("7k2m"),)


def test_a_feed_token_belongs_to_one_licence(database: Database) -> None:
    store(database, plain_licence("7k2m"))
    with pytest.raises(Conflict) as caught, database.writing() as records:
        add(records, plain_licence("8aaa"), feed_token_digest=digest_of("feed of 7k2m"))
    assert caught.value.code == "licence_exists"


def test_a_licence_with_overlapping_periods_is_refused_whole(database: Database) -> None:
    store(database)
    periods = (paid(date(2025, 1, 1), date(2025, 12, 31)), paid(date(2025, 12, 31), date(2026, 6, 30)))
    with database.writing() as records:
        with pytest.raises(Conflict) as caught:
            add(records, replace(plain_licence(), periods=periods), feed_token_digest=digest_of("feed"))
        assert caught.value.code == "periods_overlap"
        add(records, plain_licence(), feed_token_digest=digest_of("feed"))
    assert licence_in(database, "7k2m") == plain_licence()


def test_periods_are_kept_in_order_with_their_gaps(database: Database) -> None:
    store(database, plain_licence())
    first, second, third = (paid(date(year, 1, 1), date(year, 12, 31)) for year in (2021, 2022, 2024))
    with database.writing() as records:
        for period in (second, third, first):
            records.licences.add_period("7k2m", period)
    assert licence_in(database, "7k2m").periods == (first, second, third)


@pytest.mark.parametrize(
    ("starts_on", "ends_on"),
    [
        (date(2025, 1, 1), date(2025, 12, 31)),  # the same
        (date(2025, 6, 1), date(2025, 6, 1)),  # inside
        (date(2024, 1, 1), date(2026, 12, 31)),  # around
        (date(2024, 6, 1), date(2025, 1, 1)),  # the first day
        (date(2025, 12, 31), date(2026, 6, 1)),  # the last day
        (date(2025, 1, 1), date(2025, 1, 1)),  # the same start
    ],
)
def test_a_period_that_shares_a_day_with_another_is_refused(database: Database, starts_on: date, ends_on: date) -> None:
    store(database, plain_licence(), plain_licence("8aaa"))
    stored = paid(date(2025, 1, 1), date(2025, 12, 31))
    with database.writing() as records:
        records.licences.add_period("7k2m", stored)
    with pytest.raises(Conflict) as caught, database.writing() as records:
        records.licences.add_period("7k2m", paid(starts_on, ends_on))
    assert caught.value.code == "periods_overlap"
    assert licence_in(database, "7k2m").periods == (stored,)
    with database.writing() as records:
        records.licences.add_period("8aaa", paid(starts_on, ends_on))  # another licence's days are its own


def test_a_period_may_begin_the_day_after_another_ends(database: Database) -> None:
    store(database, plain_licence())
    with database.writing() as records:
        records.licences.add_period("7k2m", paid(date(2025, 1, 1), date(2025, 12, 31)))
        records.licences.add_period("7k2m", paid(date(2026, 1, 1), date(2026, 12, 31)))
        records.licences.add_period("7k2m", paid(date(2024, 12, 31), date(2024, 12, 31)))
    assert [period.starts_on.year for period in licence_in(database, "7k2m").support_periods] == [2024, 2025, 2026]


def test_a_grant_is_held_once_however_its_version_is_spelt(database: Database) -> None:
    store(database, plain_licence())
    grants = (VersionGrant(Version("4.2")), LineGrant(4, 2), VersionGrant(Version("4.2.1")), LineGrant(42, 0))
    with database.writing() as records:
        for grant in (*grants, VersionGrant(Version("4.2.0")), LineGrant(4, 2)):
            records.licences.add_grant("7k2m", grant)
    assert licence_in(database, "7k2m").grants == grants


def test_a_new_key_is_found_and_searched_for_and_no_key_is_taken_twice(database: Database) -> None:
    store(database, plain_licence(), plain_licence("8aaa"))
    new = issued_key("new", issued_at=NOON + timedelta(days=1), hint="NewHint")
    with database.writing() as records:
        records.licences.add_key("7k2m", new)
    for licence_id in ("7k2m", "8aaa"):
        with pytest.raises(Conflict) as caught, database.writing() as records:
            records.licences.add_key(licence_id, new)
        assert caught.value.code == "licence_exists"
    with database.reading() as records:
        assert records.licences.by_key_digest(new.digest) == replace(plain_licence(), keys=(*plain_licence().keys, new))
        assert [found.licence_id for found in records.licences.search("newhint")] == ["7k2m"]


def test_a_status_is_changed_with_its_reason_and_back(database: Database) -> None:
    store(database, plain_licence())
    for status, reason in (
        (LicenceStatus.SUSPENDED, "Zahlung überfällig"),
        (LicenceStatus.REVOKED, "refunded"),
        (LicenceStatus.ACTIVE, None),
    ):
        with database.writing() as records:
            records.licences.set_status("7k2m", status, reason)
        assert licence_in(database, "7k2m") == replace(plain_licence(), status=status, status_reason=reason)


def test_a_change_is_seen_in_the_transaction_that_made_it(database: Database) -> None:
    store(database, plain_licence())
    with database.writing() as records:
        assert records.licences.get("7k2m") == plain_licence()
        records.licences.set_status("7k2m", LicenceStatus.REVOKED, "refunded")
        records.licences.add_period("7k2m", paid(date(2025, 1, 1), date(2025, 12, 31)))
        changed = records.licences.get("7k2m")
    assert changed is not None
    assert changed.status is LicenceStatus.REVOKED
    assert changed.support_periods == (SupportPeriod(date(2025, 1, 1), date(2025, 12, 31)),)


@pytest.mark.parametrize("licence_id", ["9zzz", "", "\0", "\ud800"], ids=ascii)
def test_a_licence_that_is_not_there_cannot_be_changed(database: Database, licence_id: str) -> None:
    attempts: list[Callable[[Records], None]] = [
        lambda records: records.licences.add_period(licence_id, paid(date(2025, 1, 1), date(2025, 1, 2))),
        lambda records: records.licences.add_grant(licence_id, LineGrant(1, 0)),
        lambda records: records.licences.add_key(licence_id, issued_key()),
        lambda records: records.licences.set_status(licence_id, LicenceStatus.REVOKED, "gone"),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound) as caught, database.writing() as records:
            attempt(records)
        assert caught.value.code == "unknown_licence"


# --- Searching


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["9ccc", "8bbb", "7aaa"]),
        ("ADA", ["7aaa"]),
        ("straße", ["8bbb"]),
        ("STRASSE", ["8bbb"]),
        ("łódź", ["9ccc"]),
        ("ŁÓDŹ", ["9ccc"]),
        ("it@8", ["8bbb"]),
        ("CAD", ["9ccc", "8bbb", "7aaa"]),
        ("xyz123", ["9ccc", "8bbb", "7aaa"]),
        ("100%", ["9ccc"]),
        ("lodz", []),
        ("łodz", ["9ccc"]),
        ("grosse STR", ["8bbb"]),
        ("str gro", ["8bbb"]),
        ("raße", []),
        ("z12", ["9ccc", "8bbb", "7aaa"]),
        ("9C", ["9ccc"]),
        ("ada straße", []),
        ("%", []),
        ("a_b", ["7aaa"]),
        ("nobody", []),
    ],
)
def test_people_find_licences_by_how_words_begin_in_any_case_and_by_a_few_characters_of_the_key(
    database: Database, text: str, expected: list[str]
) -> None:
    store(
        database,
        plain_licence("7aaa", customer="Ada Bhd", created_at=NOON),
        plain_licence("9ccc", customer="Łódź 100% sp. z o.o.", created_at=NOON + timedelta(seconds=2)),
        plain_licence("8bbb", customer="Große Straße axb", created_at=NOON + timedelta(seconds=1)),
    )
    with database.reading() as records:
        assert [licence.licence_id for licence in records.licences.search(text)] == expected


def test_a_search_returns_the_newest_up_to_its_limit(database: Database) -> None:
    store(database, *(plain_licence(f"{n:04}", created_at=NOON + timedelta(seconds=n % 7)) for n in range(20)))
    with database.reading() as records:
        newest = [licence.licence_id for licence in records.licences.search(limit=4)]
        assert newest == ["0013", "0006", "0019", "0012"]
        assert records.licences.search(limit=0) == ()


# --- Signed files


def test_published_files_come_back_byte_for_byte_and_the_newest_of_each_role_is_current(database: Database) -> None:
    first = {"1.root.json": b"r1", "1.targets.json": b"t1", "1.snapshot.json": b"s1", "timestamp.json": b"ts1"}
    second = {
        "10.root.json": b"r10",
        "9.root.json": b"r9",
        "2.my-cad.json": bytes(range(256)) * 4096,
        "timestamp.json": b"",
    }
    with database.writing() as records:
        assert records.signed_files.publish(first, trusted_targets={"_trust/licence-keys.json": b"keys 1"}) == 1
    with database.writing() as records:
        assert records.signed_files.publish(second, trusted_targets={"_trust/licence-keys.json": b"keys 2"}) == 2
    with database.reading() as records:
        for name, data in (first | second).items():
            assert records.signed_files.file(name) == data
        assert records.signed_files.current() == {
            "root": b"r10",
            "targets": b"t1",
            "snapshot": b"s1",
            "my-cad": second["2.my-cad.json"],
            "timestamp": b"",
        }
        assert records.signed_files.roots() == (b"r1", b"r9", b"r10")
        assert records.signed_files.trusted_target("_trust/licence-keys.json") == b"keys 2"


def test_a_versioned_file_never_changes_and_the_same_bytes_are_no_change(database: Database) -> None:
    with database.writing() as records:
        records.signed_files.publish({"1.cad.json": b"one", "timestamp.json": b"a"})
    with database.writing() as records:
        assert records.signed_files.publish({"1.cad.json": b"one", "timestamp.json": b"a"}) == 2
    with database.writing() as records:
        with pytest.raises(Conflict) as caught:
            records.signed_files.publish({"2.cad.json": b"two", "1.cad.json": b"other", "timestamp.json": b"b"})
        assert caught.value.code == "published_meanwhile"
    with database.reading() as records:
        assert records.signed_files.current() == {"cad": b"one", "timestamp": b"a"}
        assert records.signed_files.file("2.cad.json") is None


def test_an_older_version_stored_later_does_not_become_current(database: Database) -> None:
    with database.writing() as records:
        records.signed_files.publish({"3.snapshot.json": b"three"})
    with database.writing() as records:
        records.signed_files.publish({"2.snapshot.json": b"two"})
    with database.reading() as records:
        assert records.signed_files.current() == {"snapshot": b"three"}


@pytest.mark.parametrize(
    "name",
    [
        "",
        "root.json",
        "0.root.json",
        "01.root.json",
        "-1.root.json",
        "1.root.json\n",
        "1.Root.json",
        "1.timestamp.json",
        "1.a.b.json",
        "../1.root.json",
        "1.root.jsonx",
        "٣.root.json",
        f"{10**30}.root.json",
    ],
)
def test_only_names_of_metadata_files_are_published(database: Database, name: str) -> None:
    with pytest.raises(ValueError, match="name of a metadata file"), database.writing() as records:
        records.signed_files.publish({"1.targets.json": b"fine", name: b"not"})
    with database.reading() as records:
        assert records.signed_files.current() == {}
    assert counter_of(database) == 0


# --- The publication counter


def test_the_counter_moves_with_everything_that_catalogues_hold_and_with_nothing_else(database: Database) -> None:
    store(database)
    moving: list[Callable[[Records], object]] = [
        lambda records: records.products.add(product(ProductName("new"))),
        lambda records: records.rollouts.set(CAD, Version("1.0"), Rollout(1)),
        lambda records: records.rollouts.set(CAD, Version("1.0"), Rollout(1)),
        lambda records: records.notes.put(CAD, Version("1.0"), "notes"),
        lambda records: records.signed_files.publish({"1.root.json": b"r"}),
        lambda records: records.signed_files.publish({}),
    ]
    for change in moving:
        before = counter_of(database)
        with database.writing() as records:
            change(records)
            assert records.publication_counter() == before + 1
        assert counter_of(database) == before + 1
    before = counter_of(database)
    with database.writing() as records:
        add(records, plain_licence(), feed_token_digest=digest_of("feed"))
        records.licences.set_status("7k2m", LicenceStatus.REVOKED, "gone")
        records.audit.append(AuditEvent(NOON, "ops", "licence.revoked", "7k2m", {}))
        records.signed_files.lock()
    assert counter_of(database) == before


# --- The audit trail


def test_audit_events_come_back_newest_first_with_their_details(database: Database) -> None:
    details = {
        "before": None,
        "after": ["ä", "\0", "\ud800", 2**70, 1.5, True],
        "nested": {"reason": 'said "no"\n'},
        "größe": "🏗",
    }
    events = [
        AuditEvent(NOON, "ops@example.com", "licence.suspended", "7k2m", details),
        AuditEvent(NOON - timedelta(days=1), "系统", "release.publish", "cad 4.2", {}),
        AuditEvent(NOON.replace(microsecond=7), "ops", "licence.active", "7k2m", {"reason": "paid"}),
    ]
    with database.writing() as records:
        for event in events:
            records.audit.append(event)
        assert records.audit.newest(limit=1) == (events[2],)
    with database.reading() as records:
        assert records.audit.newest() == (events[2], events[1], events[0])
        assert records.audit.newest(subject="7k2m") == (events[2], events[0])
        assert records.audit.newest(limit=2) == (events[2], events[1])
        assert records.audit.newest(limit=0) == ()
        assert records.audit.newest(subject="nothing") == ()


# --- Transactions


class _Interrupted(BaseException):
    """As Ctrl-C is."""


@pytest.mark.parametrize("raised", [ValueError, NotFound, _Interrupted])
def test_a_block_that_raises_changes_nothing(database: Database, raised: type[BaseException]) -> None:
    store(database, plain_licence())
    before = counter_of(database)
    error = NotFound("gone", code="gone") if raised is NotFound else raised("stop")

    def change_everything_and_raise() -> None:
        with database.writing() as records:
            records.products.add(product(ProductName("new")))
            add(records, full_licence(), feed_token_digest=digest_of("feed"))
            records.licences.set_status("7k2m", LicenceStatus.REVOKED, "gone")
            records.signed_files.publish({"1.root.json": b"r"}, trusted_targets={"a": b"b"})
            records.rollouts.set(CAD, Version("1.0"), Rollout(1))
            records.notes.put(CAD, Version("1.0"), "notes")
            records.audit.append(AuditEvent(NOON, "ops", "x", "y", {}))
            raise error

    with pytest.raises(raised):
        change_everything_and_raise()
    with database.reading() as records:
        assert records.products.all() == (product(CAD), product(CAM))
        assert records.licences.search() == (plain_licence(),)
        assert records.signed_files.current() == {}
        assert records.signed_files.trusted_target("a") is None
        assert records.rollouts.of_product(CAD) == {}
        assert records.notes.of_product(CAD) == {}
        assert records.audit.newest() == ()
        assert records.publication_counter() == before


def test_a_refused_change_leaves_the_rest_of_the_transaction(database: Database) -> None:
    store(database, plain_licence())
    with database.writing() as records:
        records.licences.set_status("7k2m", LicenceStatus.SUSPENDED, "unpaid")
        with suppress(Conflict):
            records.products.add(product(CAD))
        with suppress(Conflict):
            add(records, plain_licence(), feed_token_digest=digest_of("feed"))
        with suppress(Conflict):
            records.licences.add_key("7k2m", plain_licence().keys[0])
        records.audit.append(AuditEvent(NOON, "ops", "x", "7k2m", {}))
    assert licence_in(database, "7k2m").status is LicenceStatus.SUSPENDED
    with database.reading() as records:
        assert len(records.audit.newest()) == 1
        assert [licence.licence_id for licence in records.licences.search("xyz123")] == ["7k2m"]


def test_what_a_reading_block_changes_is_not_kept(database: Database) -> None:
    store(database, plain_licence())
    with suppress(Exception), database.reading() as records:
        records.licences.set_status("7k2m", LicenceStatus.REVOKED, "gone")
        records.products.add(product(ProductName("new")))
    assert licence_in(database, "7k2m") == plain_licence()
    with database.reading() as records:
        assert len(records.products.all()) == 2


def test_a_reader_sees_one_state_while_a_writer_commits(database: Database) -> None:
    store(database, plain_licence())
    with database.reading() as earlier:
        before = earlier.publication_counter()
        with database.writing() as writer:
            writer.products.add(product(ProductName("new")))
            writer.licences.set_status("7k2m", LicenceStatus.REVOKED, "gone")
            with database.reading() as between:
                assert between.publication_counter() == before
        assert earlier.publication_counter() == before
        assert len(earlier.products.all()) == 2
        assert earlier.licences.get("7k2m") == plain_licence()
        with database.reading() as later:
            assert later.publication_counter() == before + 1
            assert len(later.products.all()) == 3


def test_the_database_answers(database: Database) -> None:
    database.check()


# --- Several at once


def test_of_overlapping_periods_added_at_once_one_is_stored(database: Database) -> None:
    store(database, plain_licence())
    all_ready = threading.Barrier(6)

    def add(shift_days: int) -> str:
        all_ready.wait()
        starts_on = date(2025, 1, 1) + timedelta(days=shift_days)
        try:
            with database.writing() as records:
                records.licences.get("7k2m")
                records.licences.add_period("7k2m", paid(starts_on, starts_on + timedelta(days=364)))
        except Conflict as error:
            return error.code
        return "stored"

    with ThreadPoolExecutor(6) as pool:
        outcomes = sorted(pool.map(add, range(6)))
    assert outcomes == ["periods_overlap"] * 5 + ["stored"]
    assert len(licence_in(database, "7k2m").periods) == 1


def test_a_period_waits_for_another_transaction_that_may_add_one(database: Database) -> None:
    store(database, plain_licence())
    added, outcome = threading.Event(), []

    def second() -> None:
        added.wait()
        try:
            with database.writing() as records:
                records.licences.add_period("7k2m", paid(date(2025, 6, 1), date(2026, 5, 31)))
        except Conflict as error:
            outcome.append(error.code)

    thread = threading.Thread(target=second)
    thread.start()
    with database.writing() as records:
        records.licences.add_period("7k2m", paid(date(2025, 1, 1), date(2025, 12, 31)))
        added.set()
        thread.join(0.3)
        assert outcome == []  # it waits, because this transaction may still come to nothing
    thread.join()
    assert outcome == ["periods_overlap"]


def test_publishing_waits_for_its_lock_and_then_sees_what_was_published(database: Database) -> None:
    store(database)
    with database.writing() as records:
        records.signed_files.publish({"1.snapshot.json": b"1"})
    locked, seen = threading.Event(), []

    def second() -> None:
        locked.wait()
        with database.writing() as records:
            records.signed_files.lock()
            seen.append((records.publication_counter(), records.signed_files.current()["snapshot"]))
            records.signed_files.publish({"3.snapshot.json": b"3"})

    thread = threading.Thread(target=second)
    thread.start()
    with database.writing() as records:
        records.signed_files.lock()
        locked.set()
        thread.join(0.3)
        assert seen == []
        counter = records.signed_files.publish({"2.snapshot.json": b"2"})
    thread.join()
    assert seen == [(counter, b"2")]
    assert counter_of(database) == counter + 1


def test_changes_made_at_once_are_all_counted(database: Database) -> None:
    store(database)
    before = counter_of(database)

    def change(number: int) -> None:
        with database.writing() as records:
            records.rollouts.set(CAD, Version("1.0"), Rollout(number))
            records.audit.append(AuditEvent(NOON, "ops", "rollout", str(number), {}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(40)))
    assert counter_of(database) == before + 40
    with database.reading() as records:
        assert sorted(int(event.subject) for event in records.audit.newest()) == list(range(40))
        assert list(records.rollouts.of_product(CAD)) == [Version("1.0")]


def test_keys_issued_at_once_are_all_searched_for(database: Database) -> None:
    store(database, plain_licence())

    def issue(number: int) -> None:
        with database.writing() as records:
            records.licences.get("7k2m")
            records.licences.add_key("7k2m", issued_key(f"key {number}", hint=f"hint{number:02}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(issue, range(12)))
    with database.reading() as records:
        assert all(records.licences.search(f"HINT{number:02}") for number in range(12))
