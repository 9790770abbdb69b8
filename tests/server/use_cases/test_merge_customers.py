"""One customer with two records, and a licence that changes hands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tenure_server.domain.customers import Customer, CustomerDetails
from tenure_server.domain.events import EventType
from tenure_server.domain.orders import OrderState, sale_for
from tenure_server.domain.support_requests import Category, RequestChannel
from tenure_server.errors import Conflict, Refusal
from tenure_server.use_cases.customers import ContactDetails
from tenure_server.use_cases.issue_licence import LicenceOrder
from tenure_server.use_cases.once import Once
from tenure_server.use_cases.support_requests import NewRequest
from tenure_signing.releases import Money
from tests.server.world import CAD, PRO, TODAY, WHO, World


def customer(world: World, name: str, *contacts: ContactDetails, **details: str) -> Customer:
    return world.installation.add_customer(CustomerDetails(name, **details), contacts, who=WHO)


def merge(world: World, kept: Customer, gone: Customer, **more: object) -> Customer:
    do = world.installation.merge_customers
    return do(kept.customer_id, gone.customer_id, reason="typed twice", who=WHO, **more)  # type: ignore[arg-type]


def read(world: World, one: Customer) -> Customer:
    with world.database.reading() as records:
        found = records.customers.get(one.customer_id)
    assert found is not None
    return found


def refused(world: World, kept: Customer, gone: Customer, **more: object) -> str:
    before = read(world, kept), read(world, gone)
    with pytest.raises(Refusal) as caught:
        merge(world, kept, gone, **more)
    assert (read(world, kept), read(world, gone)) == before
    return caught.value.code


def test_what_only_the_other_record_knew_is_kept_and_nothing_is_lost(world: World) -> None:
    ada = customer(world, "Aminah Sdn Bhd", email="it@aminah.example", notes="pays late")
    bo = ContactDetails("Bo", "bo@aminah.example", role="purchasing")
    again = customer(
        *(world, "Aminah Sendirian Berhad", bo), email="cad@aminah.example", reference="K-7", country="MY", notes="VIP"
    )
    whole = merge(world, ada, again)
    details = whole.details
    assert (details.name, details.email) == ("Aminah Sdn Bhd", "it@aminah.example")
    assert (details.reference, details.country, details.notes) == ("K-7", "MY", "pays late\nVIP")
    assert [(one.name, one.email, one.role) for one in whole.contacts] == [
        ("Bo", "bo@aminah.example", "purchasing"),
        ("Aminah Sendirian Berhad", "cad@aminah.example", "merged record"),
    ]
    left = read(world, again)
    assert (left.merged_into, left.email, left.contacts, left.details.notes) == (ada.customer_id, None, (), "")
    for words in ("sendirian", "bo@aminah.example", "K-7"):
        found = world.installation.list_customers(words, limit=9).entries
        assert [one.customer_id for one in found] == [ada.customer_id], words


def test_licences_orders_and_quotes_become_the_firsts_and_can_be_paid_and_accepted(world: World) -> None:
    ada, other = world.issue(TODAY, customer="Ada"), world.issue(TODAY, smp_years=None, customer="Ada Tan")
    kept, gone = ada.licence.customer_id, other.licence.customer_id
    shop = world.installation
    waiting = shop.place_order(lambda _: (gone, sale_for(other.licence, smp_years=1)), who=WHO)
    users = sale_for(other.licence, additional_users=1, additional_users_price=Money(1, "MYR"))
    quote = shop.make_quote(lambda _: (gone, users), who=WHO)
    shop.merge_customers(kept, gone, reason="typed twice", who=WHO)
    assert shop.confirm_payment(waiting.number, who=WHO).fulfilment.licence.customer_id == kept
    assert shop.accept_quote(quote.number, who=WHO).customer_id == kept
    with world.database.reading() as records:
        assert len(records.licences.of_customer(kept)) == 2
        assert {one.customer_id for one in records.orders.search()} == {kept}


def test_support_requests_become_the_firsts_and_go_when_it_is_anonymised(world: World) -> None:
    ada, other = world.issue(TODAY, customer="Ada").licence, world.issue(TODAY, customer="Ada Tan").licence
    new = NewRequest(Category.LICENSING, "Users?", "Secret words", RequestChannel.TELEPHONE, other.licence_id)
    request = world.installation.open_request(new, who=WHO)
    world.installation.merge_customers(ada.customer_id, other.customer_id, reason="typed twice", who=WHO)
    with world.database.reading() as records:
        assert [one.number for one in records.support_requests.of_customer(ada.customer_id)] == [request.number]
        assert records.support_requests.of_customer(other.customer_id) == ()
    with pytest.raises(Conflict) as caught:
        world.installation.open_request(replace(new, licence_id=None, customer_id=other.customer_id), who=WHO)
    assert caught.value.code == "customer_merged"
    world.installation.anonymise_customer(ada.customer_id, reason="asked", who=WHO)
    assert "Secret" not in str(world.installation.show_request(request.number))


def test_merging_again_changes_nothing_and_neither_does_a_repeated_request(world: World) -> None:
    ada, again = customer(world, "Ada"), customer(world, "Ada T")
    once = Once.of("crm", "k1", {"merge": 1})
    whole = merge(world, ada, again, once=once)
    assert merge(world, ada, again) == merge(world, ada, again, once=once) == whole
    with world.database.reading() as records:
        done = [one.action for one in records.audit.newest(subject=ada.customer_id)]
        told = [one.event.type for one in records.outbox.following(0, limit=99)]
    assert done.count("customer.merge") == 1
    assert told.count(EventType.CUSTOMER_MERGED) == 1


def test_the_audit_trail_says_what_was_merged_and_why_and_nobodys_name(world: World) -> None:
    ada, again = customer(world, "Ada"), customer(world, "Secret Name", email="secret@x.example")
    merge(world, ada, again)
    with world.database.reading() as records:
        events = [*records.audit.newest(subject=ada.customer_id), *records.audit.newest(subject=again.customer_id)]
    entry = next(one for one in events if one.action == "customer.merge")
    assert (entry.details["merged"], entry.details["reason"]) == (again.customer_id, "typed twice")
    assert not any("ecret" in str(one) for one in events)


def test_a_customer_is_not_merged_into_itself_or_with_one_that_is_not_there(world: World) -> None:
    ada = customer(world, "Ada")
    assert refused(world, ada, ada) == "same_customer"
    with pytest.raises(Refusal, match="no such customer"):
        world.installation.merge_customers(ada.customer_id, "c-00000-00000", reason="x", who=WHO)


def test_an_anonymised_customer_is_neither_merged_nor_merged_into(world: World) -> None:
    ada, gone = customer(world, "Ada"), customer(world, "Bo")
    gone = world.installation.anonymise_customer(gone.customer_id, reason="asked", who=WHO)
    assert refused(world, ada, gone) == refused(world, gone, ada) == "customer_anonymised"


def test_anonymising_a_merged_customer_removes_what_came_from_the_other_record_too(world: World) -> None:
    ada = merge(world, customer(world, "Ada"), customer(world, "Secret Name", email="secret@x.example", notes="hush"))
    world.installation.anonymise_customer(ada.customer_id, reason="asked", who=WHO)
    assert world.installation.list_customers("secret", limit=9).entries == ()
    assert read(world, ada).details.notes == ""


def test_nothing_is_done_with_a_record_that_was_merged_but_shown_where_it_went(world: World) -> None:
    ada, gone, third = customer(world, "Ada"), customer(world, "Bo"), customer(world, "Cyn")
    merge(world, ada, gone)
    assert refused(world, third, gone) == refused(world, gone, third) == "customer_merged"
    shop, gone_id = world.installation, gone.customer_id
    licence = world.issue(TODAY, customer="Dee").licence
    sale = sale_for(licence, smp_years=1)
    for attempt in (
        lambda: shop.change_customer(gone_id, {"name": "B"}, who=WHO),
        lambda: shop.anonymise_customer(gone_id, reason="x", who=WHO),
        lambda: shop.delete_customer(gone_id, reason="x", who=WHO),
        lambda: shop.place_order(lambda _: (gone_id, sale), who=WHO),
        lambda: shop.move_licence(licence.licence_id, gone_id, reason="x", who=WHO),
    ):
        with pytest.raises(Conflict) as caught:
            attempt()
        assert caught.value.code == "customer_merged"
        assert ada.customer_id in (caught.value.hint or "")


def test_records_that_say_different_things_are_merged_only_when_that_is_accepted(world: World) -> None:
    ada = customer(world, "Ada", language="de", country="DE", vat_id="DE 1", reference="K-1")
    other = customer(world, "Ada", email="a@x.example", language="fr", country="FR", vat_id="FR 2", reference="K-2")
    with pytest.raises(Conflict, match="number, language, country, VAT id") as caught:
        merge(world, ada, other)
    assert caught.value.code == "customers_differ"
    whole = merge(world, ada, other, despite_differences=True)
    details = whole.details
    assert (details.language, details.country, details.vat_id, details.reference) == ("de", "DE", "DE 1", "K-1")
    assert "number K-2, language fr, country FR, VAT id FR 2" in details.notes


def test_licences_bought_in_different_currencies_stay_so(world: World) -> None:
    ada = world.issue(TODAY, customer="Ada").licence
    other = customer(world, "Ada T")
    shop = world.installation
    euro = Money(50_000, "EUR")
    order = LicenceOrder(CAD, PRO, "", euro, customer_id=other.customer_id)
    sold = shop.issue_licence(order, who=WHO).licence
    shop.merge_customers(ada.customer_id, other.customer_id, reason="typed twice", who=WHO)
    with world.database.reading() as records:
        found = {one.licence_id: one.currency for one in records.licences.of_customer(ada.customer_id)}
    assert found == {ada.licence_id: "MYR", sold.licence_id: "EUR"}


def test_too_many_contacts_are_refused_and_nothing_is_half_merged(world: World) -> None:
    ada = customer(world, "Ada", *(ContactDetails(f"A{number}") for number in range(30)))
    other = customer(world, "Bo", *(ContactDetails(f"B{number}") for number in range(30)))
    assert refused(world, ada, other) == "invalid_contact"


# --- A licence goes to another customer


def test_a_licence_moves_with_its_support_and_its_history_stays(world: World) -> None:
    licence = world.issue(TODAY, customer="Ada").licence
    bo = customer(world, "Bo", email="bo@x.example")
    moved = world.installation.move_licence(licence.licence_id, bo.customer_id, reason="sold the firm", who=WHO)
    assert (moved.customer_id, moved.customer, moved.email) == (bo.customer_id, "Bo", "bo@x.example")
    assert (moved.periods, moved.keys, moved.lines) == (licence.periods, licence.keys, licence.lines)
    assert world.installation.move_licence(licence.licence_id, bo.customer_id, reason="again", who=WHO) == moved
    with world.database.reading() as records:
        assert {one.customer_id for one in records.orders.search(licence_id=licence.licence_id)} == {
            licence.customer_id
        }
        entries = [one for one in records.audit.newest(subject=licence.licence_id) if one.action == "licence.move"]
        told = [one.event for one in records.outbox.following(0, limit=99) if one.event.type == "licence.moved"]
    (entry,) = entries
    assert (entry.details["before"], entry.details["after"]) == (licence.customer_id, bo.customer_id)
    assert [(one.customer, one.data["before"]) for one in told] == [(bo.customer_id, licence.customer_id)]


def test_a_licence_whose_order_waits_to_be_paid_does_not_move(world: World) -> None:
    licence = world.issue(TODAY, smp_years=None, customer="Ada").licence
    bo, shop = customer(world, "Bo"), world.installation
    order = shop.place_order(lambda _: (licence.customer_id, sale_for(licence, smp_years=1)), who=WHO)
    with pytest.raises(Conflict) as caught:
        shop.move_licence(licence.licence_id, bo.customer_id, reason="sold the firm", who=WHO)
    assert caught.value.code == "order_waiting"
    assert shop.cancel_order(order.number, reason="moved", who=WHO).state is OrderState.CANCELLED
    shop.move_licence(licence.licence_id, bo.customer_id, reason="sold the firm", who=WHO)


def test_a_quote_for_a_licence_that_moved_is_nobodys_to_accept(world: World) -> None:
    licence = world.issue(TODAY, smp_years=None, customer="Ada").licence
    bo, shop = customer(world, "Bo"), world.installation
    quote = shop.make_quote(lambda _: (licence.customer_id, sale_for(licence, smp_years=1)), who=WHO)
    shop.move_licence(licence.licence_id, bo.customer_id, reason="sold the firm", who=WHO)
    with pytest.raises(Conflict) as caught:
        shop.accept_quote(quote.number, who=WHO)
    assert caught.value.code == "another_customers_licence"
