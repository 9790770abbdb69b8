"""``tenure customer``: what an operator types while the customer is on the telephone."""

from __future__ import annotations

from tests.server.cli.at_the_terminal import Operator


def test_a_customer_is_added_and_sold_to(operator: Operator) -> None:
    added = operator.did(
        *("customer", "add", "--name", "Aminah Sdn Bhd", "--email", "it@aminah.example", "--country", "MY"), "--json"
    ).json
    sold = operator.did(
        *("licence", "issue", "--product", "cad", "--edition", "pro", "--price", "1000.00"),
        *("--customer-id", added["customer_id"], "--json"),
    ).json
    assert sold["customer_id"] == added["customer_id"]
    shown = operator.did("customer", "show", added["customer_id"])
    assert "Aminah Sdn Bhd" in shown.out
    assert f"{sold['licence_id']}  cad pro, active, no support" in shown.out


def test_the_same_name_and_address_is_the_same_customer(operator: Operator) -> None:
    first, again = operator.issue("--email", "a@x.example"), operator.issue("--email", "A@X.example")
    other = operator.issue("--email", "b@x.example")
    assert first["customer_id"] == again["customer_id"] != other["customer_id"]


def test_a_caller_is_found_by_name_address_and_characters_of_the_key(operator: Operator) -> None:
    issued = operator.issue("--email", "it@ada.example")
    end_of_key = issued["key"][-4:]
    for said in ("ada", "tan it@ada", issued["licence_id"][:7], issued["key"][-6:], end_of_key):
        (found,) = operator.did("licence", "list", "--json", "--", said).json
        assert found["licence_id"] == issued["licence_id"]
    assert "Ada Tan" in operator.did("customer", "list", "ADA").out
    assert "There is no such customer." in operator.did("customer", "list", "nobody").out


def test_a_customer_with_licences_cannot_be_deleted_and_is_told_what_to_do(operator: Operator) -> None:
    issued = operator.issue()
    refused = operator.run("customer", "delete", issued["customer_id"], "--reason", "asked to")
    assert refused.code == 1
    assert issued["licence_id"] in refused.error
    assert "tenure customer anonymise" in refused.hint
    operator.did("customer", "anonymise", issued["customer_id"], "--reason", "asked to")
    shown = operator.did("licence", "show", issued["licence_id"])
    assert "Ada Tan" not in shown.out
    assert f"Anonymised customer {issued['customer_id']}" in shown.out


def test_a_customer_without_licences_is_deleted(operator: Operator) -> None:
    customer = operator.did("customer", "add", "--name", "Bo", "--json").json["customer_id"]
    operator.did("customer", "delete", customer, "--reason", "a mistake")
    assert "no such customer" in operator.run("customer", "show", customer).error


def test_the_same_reference_adds_nothing_twice_and_something_else_is_refused(operator: Operator) -> None:
    add = ("customer", "add", "--reference", "mail of Monday", "--name")
    assert operator.did(*add, "Bo", "--json").json == operator.did(*add, "Bo", "--json").json
    assert "another request" in operator.run(*add, "Cyn").error


def test_contacts_and_details_are_changed_and_taken_away(operator: Operator) -> None:
    customer = operator.did("customer", "add", "--name", "Bo", "--vat-id", "X1", "--json").json["customer_id"]
    operator.did("customer", "contact", customer, "--name", "Cyn Ng", "--phone", "+60 3 1234")
    assert (
        "Cyn Ng, purchasing"
        in operator.did("customer", "contact", customer, "--name", "Cyn Ng", "--role", "purchasing").out
    )
    assert "X1" not in operator.did("customer", "change", customer, "--vat-id", "", "--language", "de").out
    assert "Cyn" not in operator.did("customer", "contact", customer, "--name", "Cyn Ng", "--remove").out
    assert operator.run("customer", "contact", customer, "--name", "Nobody", "--remove").code == 2
    assert operator.run("customer", "change", customer).code == 2
    assert operator.audit_trail(customer) == ["customer.change"] * 4 + ["customer.add"]


def test_two_records_of_one_customer_become_one_and_a_licence_moves(operator: Operator) -> None:
    first, second = operator.issue("--email", "a@x.example"), operator.issue("--email", "b@x.example")
    kept, gone = first["customer_id"], second["customer_id"]
    merged = operator.did("customer", "merge", kept, gone, "--reason", "typed twice", "--json").json
    assert set(merged["licences"]) == {first["licence_id"], second["licence_id"]}
    assert kept in operator.did("customer", "show", gone).out
    refused = operator.run("customer", "change", gone, "--name", "B")
    assert (gone in refused.error, refused.hint) == (True, f"use {kept}")
    other = operator.did("customer", "add", "--name", "Bo", "--json").json["customer_id"]
    operator.did("licence", "move", second["licence_id"], "--customer-id", other, "--reason", "sold the firm")
    assert operator.did("customer", "show", other, "--json").json["licences"] == [second["licence_id"]]


def test_records_that_differ_are_merged_only_when_the_operator_says_so(operator: Operator) -> None:
    kept = operator.did("customer", "add", "--name", "Bo", "--country", "MY", "--json").json["customer_id"]
    gone = operator.did("customer", "add", "--name", "Bo", "--country", "DE", "--json").json["customer_id"]
    refused = operator.run("customer", "merge", kept, gone, "--reason", "typed twice")
    assert "country" in refused.error
    assert "--despite-differences" in refused.hint
    operator.did("customer", "merge", kept, gone, "--reason", "typed twice", "--despite-differences")
