"""``tenure order``, and references that keep a blind repeat from selling twice."""

from __future__ import annotations

from datetime import date

from tests.server.cli.at_the_terminal import Operator


def customer(operator: Operator) -> str:
    added: str = operator.did("customer", "add", "--name", "Aminah Sdn Bhd", "--json").json["customer_id"]
    return added


def order(operator: Operator, *options: str) -> dict[str, str]:
    new = ("--customer-id", customer(operator), "--product", "cad", "--edition", "pro", "--price", "1000")
    placed: dict[str, str] = operator.did("order", "create", *new, *options, "--json").json
    return placed


def test_an_order_is_placed_shown_with_its_arithmetic_and_paid(operator: Operator) -> None:
    number = order(operator, "--smp-years", "2", "--reference", "PO 4711")["order"]
    shown = operator.did("order", "show", number).out
    assert "MYR 200.00  Support and maintenance (SMP), two years: 20 % (10 % a year for 2 years)" in shown
    assert "MYR 1,200.00" in shown
    assert "ordered on 2026-11-23, to be paid by 2026-12-23" in shown
    paid = operator.did("order", "pay", number, "--amount", "1200.00", "--payment", "transfer 7")
    assert paid.out.splitlines()[-1].startswith("eyJ")
    again = operator.did("order", "pay", number)
    assert "it was paid before" in again.err
    assert "eyJ" not in again.out
    assert number in operator.did("order", "list", "--state", "paid").out
    (found,) = operator.did("licence", "list", "4711", "--json").json
    assert found["last_covered_day"] == "2028-11-22"


def test_money_of_the_wrong_amount_is_refused(operator: Operator) -> None:
    number = order(operator)["order"]
    assert "not the price" in operator.run("order", "pay", number, "--amount", "999").error
    assert operator.did("order", "show", number, "--json").json["state"] == "ordered"


def test_late_money_is_accepted_with_a_reason(operator: Operator) -> None:
    number = order(operator)["order"]
    operator.today = date(2027, 1, 1)
    assert "--late" in operator.run("order", "pay", number).hint
    assert operator.run("order", "pay", number, "--late").code == 2
    operator.did("order", "pay", number, "--late", "--reason", "the bank was slow")


def test_support_and_users_are_ordered_for_a_licence(operator: Operator) -> None:
    licence = operator.issue()["licence_id"]
    users = ("--additional-users", "2", "--additional-users-price", "400")
    number = operator.did("order", "create", "--licence", licence, *users, "--json").json["order"]
    operator.did("order", "pay", number)
    support = operator.did("order", "create", "--licence", licence, "--smp-years", "1", "--json").json
    assert support["total"] == {"minor_units": 21_000, "currency": "MYR"}
    hint = operator.run("order", "create", "--licence", licence, "--smp-years", "1").hint
    assert support["order"] in hint
    operator.did("order", "cancel", support["order"], "--reason", "no budget")
    assert operator.run("order", "create", "--licence", licence, *users, "--smp-years", "1").code == 2
    assert operator.run("order", "create", "--product", "cad").code == 2


def test_a_refund_ends_support_the_day_before_and_says_so(operator: Operator) -> None:
    licence = operator.issue()["licence_id"]
    number = operator.did("licence", "renew", licence, "--years", "1", "--json").json["order"]
    operator.today = date(2027, 2, 1)
    refunded = operator.did("order", "refund", number, "--reason", "sent back", "--amount", "100")
    assert "refunded on 2027-02-01, MYR 100.00: sent back" in refunded.out
    assert operator.did("licence", "show", licence, "--json").json["last_covered_day"] == "2027-01-31"


def test_a_blind_repeat_of_a_sale_finds_what_was_sold(operator: Operator) -> None:
    first, again = (operator.issue("--reference", "PO 1") for _ in range(2))
    assert first["key"] == again["key"]
    renew = ("licence", "renew", first["licence_id"], "--years", "1", "--reference", "PO 2", "--json")
    assert operator.did(*renew).json == operator.did(*renew).json
    assert len(operator.did("licence", "show", first["licence_id"], "--json").json["periods"]) == 1
    refused = operator.run("licence", "renew", first["licence_id"], "--years", "2", "--reference", "PO 2")
    assert "another request" in refused.error


def test_a_quote_is_written_to_files_and_accepted(operator: Operator) -> None:
    licence = operator.issue()["licence_id"]
    quote = operator.did("quote", "create", "--licence", licence, "--smp-years", "2", "--json").json
    pdf, page = operator.directory / "quote.pdf", operator.directory / "quote.html"
    operator.did("quote", "print", quote["quote"], "--to", pdf)
    operator.did("quote", "print", quote["quote"], "--to", page)
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert "MYR 200.00" in page.read_text()
    assert operator.run("quote", "print", quote["quote"], "--to", pdf).code == 1  # it is there already
    assert operator.run("quote", "print", quote["quote"], "--to", "quote.doc").code == 2
    assert "open" in operator.did("quote", "list").out
    accepted = operator.did("quote", "accept", quote["quote"]).out
    assert "is order O-2026-00002, MYR 200.00, to be paid by 2026-12-23" in accepted
    assert "as order O-2026-00002" in operator.did("quote", "show", quote["quote"]).out
    second = operator.did("quote", "create", "--licence", licence, "--smp-years", "1", "--json").json["quote"]
    assert "withdrawn" in operator.did("quote", "withdraw", second, "--reason", "a slip").out


def test_what_shops_said_is_listed(operator: Operator) -> None:
    assert "No shop has told of a payment." in operator.did("order", "payments").out
    assert operator.did("order", "payments", "--refused", "--json").json == []


def test_an_upgrade_is_quoted_ordered_paid_and_refunded(operator: Operator) -> None:
    licence = operator.issue()["licence_id"]
    operator.today = date(2026, 12, 1)
    operator.publish("2.0")
    operator.did("product", "price", "cad", "2.0", "120")
    number = operator.did("quote", "create", "--licence", licence, "--upgrade", "2.0", "--json").json["quote"]
    order = operator.did("quote", "accept", number, "--json").json
    assert (order["upgrade"], order["seats"], order["total"]["minor_units"]) == ("version 2.0", 1, 12_000)
    assert "(2.0 sold singly) for 1 seat = MYR 120.00" in operator.did("order", "show", order["order"]).out
    operator.did("order", "pay", order["order"])
    assert operator.did("licence", "show", licence, "--json").json["grants"] == ["version 2.0"]
    hint = operator.run("order", "create", "--licence", licence, "--upgrade-line", "2.0").hint
    assert hint == "there is nothing to pay for"
    operator.did("order", "refund", order["order"], "--reason", "sent back")
    assert operator.did("licence", "show", licence, "--json").json["grants"] == []
    assert "not sold singly" in operator.did("product", "price", "cad", "2.0", "--none").out
    assert "has no price" in operator.run("order", "create", "--licence", licence, "--upgrade", "2.0").error


def test_an_order_sells_one_thing_and_an_upgrade_goes_with_a_licence(operator: Operator) -> None:
    for options in (
        ("--licence", "x", "--upgrade", "2.0", "--smp-years", "1"),
        ("--licence", "x", "--upgrade", "2.0", "--upgrade-line", "2.0"),
        ("--licence", "x"),
        ("--customer-id", "x", "--product", "cad", "--edition", "pro", "--price", "1", "--upgrade", "2.0"),
        ("--licence", "x", "--upgrade-line", "2"),
    ):
        assert operator.run("order", "create", *options).code == 2, options
    assert operator.run("product", "price", "cad", "2.0", "1", "--none").code == 2


def test_the_sales_desk_charges_something_by_hand_with_an_order(operator: Operator) -> None:
    licence = operator.issue()["licence_id"]
    by_hand = ("--line", "Training", "--line-price", "99.90")
    quoted = operator.did("quote", "create", "--licence", licence, "--smp-years", "1", *by_hand, "--json").json
    order = operator.did("quote", "accept", quoted["quote"], "--json").json
    assert [(one["text"], one["amount"]["minor_units"]) for one in order["lines"]] == [
        ("Training", 9_990),
        ("Support and maintenance (SMP), one year", 15_000),
    ]
    assert "MYR 99.90  Training" in operator.did("order", "show", order["order"]).out
    assert operator.run("order", "create", "--licence", licence, "--smp-years", "1", "--line", "x").code == 2
