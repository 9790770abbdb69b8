"""Customers, contacts and licences go to another system and come from one; orders go to the bookkeeper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tenure_server.domain.customers import CustomerDetails
from tenure_server.domain.orders import sale_for
from tenure_server.domain.row_files import RowForm, read_rows
from tenure_server.http.exchange import Import
from tenure_server.use_cases.customers import ContactDetails
from tenure_server.use_cases.exports import Table
from tenure_server.use_cases.import_rows import Imported
from tenure_server.use_cases.issue_licence import LicenceOrder
from tenure_signing.entitlement import LicenceStatus, LineGrant, Pin, Turn, VersionGrant
from tenure_signing.names import ChannelName
from tenure_signing.releases import Money
from tenure_signing.versions import Version
from tests.server.databases import DATABASES, migrated
from tests.server.world import CAD, LITE, MYR_1000, PRO, TODAY, WHO, World

IMPORTS = (Table.CUSTOMERS, Table.CONTACTS, Table.LICENCES)


@pytest.fixture(params=DATABASES)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Another server, with the product and nothing else."""
    directory = tmp_path / "other"
    directory.mkdir()
    with migrated(request, directory) as database:
        other = World(directory, database)
        other.add_product()
        yield other


@pytest.fixture
def full(world: World) -> World:
    """A bit of everything."""
    shop = world.installation
    contacts = (ContactDetails("Bo", "bo@x.example", "+60 3-1234", "purchasing"), ContactDetails("=Cyn"))
    details = CustomerDetails("Müller, “Söhne” 株", "it@m.example", "K-7", "de", "DE", "Europe/Berlin", "DE 1", "a\nb")
    customer = shop.add_customer(details, contacts, who=WHO)
    order = LicenceOrder(
        *(CAD, PRO, "", MYR_1000),
        customer_id=customer.customer_id,
        additional_users=2,
        additional_users_price=Money(40_001, "MYR"),
        smp_years=2,
        purchased_on=TODAY.replace(year=2024),
    )
    licence = shop.issue_licence(order, who=WHO).licence.licence_id
    for grant in (VersionGrant(Version("3.0.0")), LineGrant(4, 1)):
        shop.grant_release(licence, grant, reason="promised", who=WHO)
    rules = shop.change_update_rules
    rules.allow_channels(licence, frozenset({ChannelName("stable"), ChannelName("beta")}), who=WHO)
    rules.pin(licence, Pin(4, 1), who=WHO)
    rules.take_turn(licence, Turn.LATE, who=WHO)
    suspended = world.issue(TODAY, smp_years=None, edition=LITE, customer="=Dee")
    world.change_status(suspended.licence, LicenceStatus.SUSPENDED)
    anonymous = world.issue(TODAY, customer="Eve")
    shop.anonymise_customer(anonymous.licence.customer_id, reason="asked", who=WHO)
    gone = shop.add_customer(CustomerDetails("Müller again"), who=WHO)
    shop.merge_customers(customer.customer_id, gone.customer_id, reason="typed twice", who=WHO)
    return world


def do_import(world: World, table: Table, text: str, form: RowForm = RowForm.CSV, *, dry_run: bool = False) -> Imported:
    imports: dict[Table, Import] = {
        Table.CUSTOMERS: world.installation.import_customers,
        Table.CONTACTS: world.installation.import_contacts,
        Table.LICENCES: world.installation.import_licences,
    }
    return imports[table](read_rows(text.encode(), form), who=WHO, dry_run=dry_run)


def bad(world: World, table: Table, *rows: str) -> list[str]:
    before = [world.installation.export(one, RowForm.CSV) for one in Table]
    found = do_import(world, table, "\n".join(rows))
    assert not found.is_changed
    assert [world.installation.export(one, RowForm.CSV) for one in Table] == before
    return [one.problem for one in found.bad]


@pytest.mark.parametrize("form", RowForm)
def test_what_is_exported_and_imported_in_an_empty_server_is_exported_the_same(
    full: World, empty: World, form: RowForm
) -> None:
    exported = {table: full.installation.export(table, form) for table in IMPORTS}
    for table in IMPORTS:
        found = do_import(empty, table, exported[table], form)
        assert (found.bad, found.known, found.is_changed) == ((), 0, True)
        assert found.new > 1
    assert {table: empty.installation.export(table, form) for table in IMPORTS} == exported


def test_importing_again_passes_everything_over_here_and_there(full: World, empty: World) -> None:
    exported = {table: full.installation.export(table, RowForm.CSV) for table in IMPORTS}
    for world in (full, empty, empty):
        for table in IMPORTS:
            found = do_import(world, table, exported[table])
            assert found.bad == ()
            assert found.new == 0 or world is empty
    for world in (full, empty):
        assert {table: world.installation.export(table, RowForm.CSV) for table in IMPORTS} == exported


def test_a_dry_run_changes_nothing_and_counts_what_would_be_new(full: World, empty: World) -> None:
    text = full.installation.export(Table.CUSTOMERS, RowForm.CSV)
    found = do_import(empty, Table.CUSTOMERS, text, dry_run=True)
    assert (found.new, found.is_changed) == (3, False)
    assert empty.installation.list_customers(limit=9).entries == ()


def test_a_licence_comes_with_its_status_grants_and_limits_and_they_hold(full: World, empty: World) -> None:
    for table in IMPORTS:
        do_import(empty, table, full.installation.export(table, RowForm.CSV))
    with empty.database.reading() as records:
        found = records.licences.search("müller", limit=9)
        suspended = records.licences.search("dee", limit=9)[0]
    (licence,) = found
    assert licence.grants == (VersionGrant(Version("3.0.0")), LineGrant(4, 1))
    assert (licence.updates.pin, licence.updates.turn) == (Pin(4, 1), Turn.LATE)
    assert (suspended.status, suspended.status_reason) == (LicenceStatus.SUSPENDED, "invoice unpaid")
    with pytest.raises(Exception, match="suspended"):
        empty.installation.renew_support(suspended.licence_id, 1, who=WHO)


def test_an_anonymised_customer_stays_anonymised_and_is_sold_nothing(full: World, empty: World) -> None:
    for table in IMPORTS:
        do_import(empty, table, full.installation.export(table, RowForm.CSV))
    with empty.database.reading() as records:
        (licence,) = records.licences.search("anonymised", limit=9)
        customer = records.customers.get(licence.customer_id)
    assert customer is not None
    assert customer.anonymised_at == full.now()
    with pytest.raises(Exception, match="anonymised"):
        empty.installation.place_order(lambda _: (licence.customer_id, sale_for(licence, additional_users=1)), who=WHO)


# --- From other systems


def test_customers_and_contacts_of_another_system_are_found_by_its_own_names(world: World) -> None:
    do_import(world, Table.CUSTOMERS, "customer_id,name,number\n4711,Bo Lim,K-1\n4712,Cyn Ng,\n")
    found = do_import(
        world, Table.CONTACTS, "customer_id,name,email\n4711,Dee,dee@x.example\nK-1,Eve,\n4712,Fay,\n4711,Eve,\n"
    )
    assert (found.new, found.known) == (3, 1)
    licences = (
        "reference,customer_id,product,edition,purchased_on,currency,base_price\nA-1,4711,cad,pro,2025-01-01,MYR,1\n"
    )
    assert do_import(world, Table.LICENCES, licences).new == 1
    (customer,) = world.installation.list_customers("bo lim", limit=9).entries
    assert [one.name for one in customer.contacts] == ["Dee", "Eve"]
    with world.database.reading() as records:
        assert [one.customer_id for one in records.licences.search("A-1")] == [customer.customer_id]


def test_every_bad_customer_and_contact_is_named_and_nothing_is_changed(full: World) -> None:
    told = bad(
        *(full, Table.CUSTOMERS, "customer_id,name,email,language,country,number,anonymised_at"),
        "1,Good,,,,,",
        "2,,,,,,",
        "3,Bo,not an address,,,,",
        "4,Bo,,xx-yy,,,",
        "5,Bo,,,Malaysia,,",
        "6,Bo,,,,K-7,",
        "7,Bo,,,,,2026-01-01",
        "1,Another,,,,,",
        ",Bo,,,,,",
    )
    assert len(told) == 8
    assert told[0] == "name is missing"
    told = bad(
        *(full, Table.CONTACTS, "customer_id,name,email,fax"),
        "K-7,Bo,,1",
    )
    assert told == ["there is no column 'fax'"]
    assert len(bad(full, Table.CONTACTS, "customer_id,name,email", "c-00000-00000,Bo,", "K-7,Bo,x", "K-7,,")) == 3


def test_every_bad_licence_is_named_and_nothing_is_changed(full: World) -> None:
    start = "customer,product,edition,purchased_on,currency,base_price,reference,"
    good = "Bo,cad,pro,2025-01-01,MYR,1,"
    for column, value, problem in [
        ("status", "lost", "'lost' is not a valid LicenceStatus"),
        ("status", "revoked", "status_reason is missing: why it is revoked"),
        ("grants", "version x", "a version looks like"),
        ("grants", "everything", "a grant is written version 2.4.1 or line 2.4"),
        ("channels", "beta", "always has the most stable channel"),
        ("channels", "stable nightly", "no channel nightly"),
        ("pin", "4.x", "a pin is"),
        ("turn", "first", "not a valid Turn"),
        ("customer_id", "4711", "import the customers first"),
        ("support", "2025-01-01..2025-12-31 2025-12-31..2026-12-31", "overlaps"),
    ]:
        (told,) = bad(full, Table.LICENCES, start + column, f"{good}A-1,{value}")
        assert problem in told, told


def test_the_bookkeepers_table_has_every_order_with_what_was_kept(world: World) -> None:
    licence = world.issue(TODAY).licence
    shop = world.installation
    order = shop.place_order(lambda _: (licence.customer_id, sale_for(licence, additional_users=1,
                             additional_users_price=Money(30_000, "MYR"))), who=WHO)  # fmt: skip
    shop.confirm_payment(order.number, who=WHO, payment="transfer 7")
    shop.refund_order(order.number, reason="sent back", who=WHO, amount=Money(10_050, "MYR"))
    rows = read_rows(shop.export(Table.ORDERS, RowForm.CSV).encode(), RowForm.CSV)
    assert [(row["kind"], row["state"], row["total"], row["refunded"], row["kept"]) for row in rows] == [
        ("licence", "paid", "1150.00", "", "1150.00"),
        ("users", "refunded", "300.00", "100.50", "199.50"),
    ]
    assert (rows[1]["payment"], rows[1]["customer_id"]) == ("transfer 7", licence.customer_id)
