"""``tenure licence``: selling, showing, renewing, granting and stopping."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import date

import pytest

from tenure_signing.coverage import NotCovered
from tenure_signing.update_choice import Withheld
from tests.server.cli.at_the_terminal import Operator

KEY = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
ORDER = ("licence", "issue", "--product", "cad", "--edition", "pro", "--customer", "Ada Tan", "--price", "1000.00")


def lines_of(text: str) -> dict[str, str]:
    """Facts by name."""
    return {name: value for name, _, value in (re.sub(r"  +", "\t", line).partition("\t") for line in text.split("\n"))}


def test_issuing_prints_the_terms_and_at_the_end_the_key_alone_on_its_line(operator: Operator) -> None:
    said = operator.did(*ORDER, "--email", "ada@example.com", "--smp-years", "1").out
    facts = lines_of(said)
    assert facts["customer"] == "Ada Tan <ada@example.com>"
    assert facts["product"] == "cad, pro edition, 1 seat"
    assert facts["purchased on"] == "2026-11-23, for MYR 1,000.00"
    assert facts["support"] == "365 days left"
    assert "2026-11-23 to 2027-11-22, both inclusive" in said
    assert facts["renewal"] == "can be ordered from 2027-08-24 to 2027-11-22"
    assert "1 year: 2027-11-23 to 2028-11-22, MYR 150.00" in said
    assert "2 years: 2027-11-23 to 2029-11-22, MYR 200.00" in said
    assert KEY.fullmatch(said.splitlines()[-1])


def test_additional_users_count_in_the_total_and_the_renewal(operator: Operator) -> None:
    issued = operator.issue("--additional-users", "4", "--additional-users-price", "2000", "--currency", "EUR")
    assert issued["seats"] == 5
    assert issued["total_purchase_price"] == {"minor_units": 300_000, "currency": "EUR"}
    assert issued["renewal"]["state"] == "first_term"
    assert issued["renewal"]["options"][0]["price"] == {"minor_units": 45_000, "currency": "EUR"}


def test_the_key_is_shown_again_only_when_asked_for(operator: Operator) -> None:
    issued = operator.issue()
    licence = issued["licence_id"]
    shown = operator.did("licence", "show", licence)
    assert not KEY.search(shown.out)
    assert "key" not in operator.did("licence", "show", licence, "--json").json
    assert operator.did("licence", "show", licence, "--reveal-key").out.splitlines()[-1] == issued["key"]
    assert operator.did("licence", "show", licence, "--reveal-key", "--json").json["key"] == issued["key"]
    for command in (
        ("list",),
        ("list", "--json"),
        ("suspend", licence, "--reason", "x"),
        ("revoke", licence, "--reason", "x"),
    ):
        assert not KEY.search(operator.did("licence", *command).out)


def test_licences_are_listed_and_found_newest_first(operator: Operator) -> None:
    assert "tenure licence issue" in operator.did("licence", "list").out
    operator.issue("--smp-years", "2")
    second = operator.did(*ORDER[:6], "--customer", "Bo Ng", "--price", "1", "--json").json
    columns, *lines = operator.did("licence", "list").out.splitlines()
    assert columns.split() == ["LICENCE", "CUSTOMER", "PRODUCT", "SEATS", "STATUS", "SUPPORT", "UNTIL"]
    assert len(lines) == 2
    found = operator.did("licence", "list", "bo n", "--json").json
    assert [licence["licence_id"] for licence in found] == [second["licence_id"]]
    assert found[0]["last_covered_day"] is None
    assert operator.did("licence", "list", "nobody").out == "There is no such licence.\n"


def test_a_list_that_was_cut_says_so(operator: Operator) -> None:
    operator.issue()
    operator.issue()
    listed = operator.did("licence", "list", "--limit", "1", "--json")
    assert len(listed.json) == 1
    assert "there are more" in listed.err
    assert operator.did("licence", "list", "--limit", "2").err == ""


def test_a_renewal_in_its_window_follows_the_old_term(operator: Operator) -> None:
    licence = operator.issue("--smp-years", "1")["licence_id"]
    too_early = operator.run("licence", "renew", licence, "--years", "1")
    assert too_early.code == 1
    assert "can be ordered from 2027-08-24" in too_early.error
    operator.today = date(2027, 11, 22)
    said = operator.did("licence", "renew", licence, "--years", "2").out
    assert said == "Support from 2027-11-23 up to and including 2029-11-22, price MYR 200.00.\n"
    assert operator.run("licence", "renew", licence, "--years", "1").code == 1
    operator.today = date(2029, 11, 23)
    lapsed = operator.run("licence", "renew", licence, "--years", "1")
    assert "lapsed" in lapsed.error
    assert "contact sales" in lapsed.hint
    assert "lapsed: contact sales" in operator.did("licence", "show", licence).out


def test_a_renewal_as_json(operator: Operator) -> None:
    licence = operator.issue()["licence_id"]
    assert operator.did("licence", "renew", licence, "--years", "1", "--json").json == {
        "starts_on": "2026-11-23",
        "ends_on": "2027-11-22",
        "source": "order",
        "price": {"minor_units": 15_000, "currency": "MYR"},
        "order": "O-2026-00002",
    }


BY_HAND = ("--by-hand", "--starts-on", "2030-01-01", "--ends-on", "2030-06-30", "--reason", "goodwill")


def test_a_period_can_be_added_by_hand_but_not_over_another(operator: Operator) -> None:
    licence = operator.issue()["licence_id"]
    said = operator.did("licence", "renew", licence, *BY_HAND).out
    assert said == "Support from 2030-01-01 up to and including 2030-06-30.\n"
    refused = operator.run("licence", "renew", licence, *BY_HAND)
    assert "overlaps" in refused.error
    assert operator.audit_trail(licence) == ["licence.support_period", "licence.issue"]


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--years", "1", "--reason", "x"),
        ("--by-hand", "--years", "1"),
        ("--by-hand", "--starts-on", "2030-01-01", "--ends-on", "2030-06-30"),
        ("--by-hand", "--starts-on", "2030-06-30", "--ends-on", "2030-01-01", "--reason", "x"),
        ("--by-hand", "--starts-on", "2030-02-30", "--ends-on", "2030-06-30", "--reason", "x"),
        ("--years", "one"),
    ],
    ids=" ".join,
)
def test_renewals_that_contradict_themselves_are_usage_errors(operator: Operator, options: tuple[str, ...]) -> None:
    refused = operator.run("licence", "renew", "7k3m-qx9p-2d4v-hj8w", *options)
    assert refused.code == 2
    assert refused.error


def test_three_years_are_no_plan(operator: Operator) -> None:
    licence = operator.issue()["licence_id"]
    assert "one or two years" in operator.run("licence", "renew", licence, "--years", "3").error


def test_suspending_revoking_and_reinstating_keep_the_reason(operator: Operator) -> None:
    licence = operator.issue()["licence_id"]
    said = operator.did("licence", "suspend", licence, "--reason", "chargeback").out
    assert said == f"Licence {licence} is suspended.\n"
    assert lines_of(operator.did("licence", "show", licence).out)["status"] == "suspended (chargeback)"
    refused = operator.run("licence", "renew", licence, "--years", "1")
    assert "suspended" in refused.error
    revoked = operator.did("licence", "revoke", licence, "--reason", "fraud", "--json").json
    assert (revoked["status"], revoked["status_reason"]) == ("revoked", "fraud")
    operator.did("licence", "reinstate", licence, "--reason", "settled")
    operator.did("licence", "reinstate", licence, "--reason", "settled")
    changes = ["licence.active", "licence.revoked", "licence.suspended", "licence.issue"]
    assert operator.audit_trail(licence) == changes


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_a_change_needs_a_reason(operator: Operator, reason: str) -> None:
    licence = operator.issue()["licence_id"]
    for command in ("suspend", "revoke", "reinstate"):
        assert "reason" in operator.run("licence", command, licence, "--reason", reason).error
    assert "reason" in operator.run("licence", "grant", licence, "--version", "2.0", "--reason", reason).error


@pytest.mark.parametrize(("given", "granted"), [(("--version", "2.0"), "version 2.0"), (("--line", "2.0"), "line 2.0")])
def test_a_paid_upgrade_is_granted_once_it_is_paid(operator: Operator, given: tuple[str, str], granted: str) -> None:
    licence = operator.issue("--smp-years", "1", "--purchased-on", "2026-11-01")["licence_id"]
    operator.publish("2.0", "--upgrade-price-in-support", "50", "--upgrade-price-without-support", "200.50")
    assert coverage_of(operator, licence) == ("upgrade_payment_due", "50.00")
    said = operator.did("licence", "grant", licence, *given, "--reason", "invoice 17 paid").out
    assert said == f"Licence {licence} covers {granted} of cad.\n"
    assert coverage_of(operator, licence) == ("granted", None)
    assert lines_of(operator.did("licence", "show", licence).out)["granted"] == granted
    again = operator.did("licence", "grant", licence, *given, "--reason", "once more", "--json").json
    assert again["grants"] == [granted]
    assert operator.audit_trail(licence) == ["licence.grant", "licence.issue"]


def test_a_licence_without_support_pays_the_other_price(operator: Operator) -> None:
    licence = operator.issue()["licence_id"]
    operator.today = date(2026, 12, 24)
    operator.publish("2.0", "--upgrade-price-in-support", "50", "--upgrade-price-without-support", "200.50")
    assert coverage_of(operator, licence) == ("upgrade_payment_due", "200.50")


def coverage_of(operator: Operator, licence_id: str) -> tuple[str, str | None]:
    """Of the one release that is published: the reason, and the price that is due."""
    with closing(operator.installation()) as installation:
        with installation.database.reading() as records:
            licence = records.licences.get(licence_id)
        assert licence is not None
        decision = installation.list_releases(licence)[0].decision
    assert not isinstance(decision, Withheld)
    price = decision.price if isinstance(decision, NotCovered) else None
    return decision.reason.value, f"{price.minor_units / 100:.2f}" if price is not None else None


@pytest.mark.parametrize(
    "given",
    [
        (),
        ("--version", "2.0", "--line", "2.0"),
        ("--line", "2"),
        ("--line", "2.0.1"),
        ("--line", "²·0"),
        ("--version", "2+1"),
    ],
    ids=" ".join,
)
def test_a_grant_is_for_a_version_or_for_a_line(operator: Operator, given: tuple[str, ...]) -> None:
    refused = operator.run("licence", "grant", "7k3m-qx9p-2d4v-hj8w", *given, "--reason", "paid")
    assert refused.code == 2
    assert "--version" in refused.error or "--line" in refused.error


@pytest.mark.parametrize("command", ["show", "suspend", "revoke", "reinstate", "renew", "grant"])
@pytest.mark.parametrize(
    "licence", ["7k3m-qx9p-2d4v-hj8w", "nul\0", "'; DROP TABLE licence;--", "\ud800", "x" * 10_000]
)
def test_an_unknown_licence_is_refused_with_where_to_look(operator: Operator, command: str, licence: str) -> None:
    options = {"show": (), "renew": ("--years", "1"), "grant": ("--version", "2.0", "--reason", "x")}
    refused = operator.run("licence", command, licence, *options.get(command, ("--reason", "x")))
    assert refused.code == 1
    assert refused.error == "there is no such licence"
    assert "tenure licence list" in refused.hint


@pytest.mark.parametrize(
    ("options", "code", "problem"),
    [
        (("--edition", "max"), 1, "no edition max"),
        (("--product", "cod"), 1, "no such product"),
        (("--customer", " "), 1, "customer"),
        (("--customer", "Ada\x1b[2J"), 1, "customer"),
        (("--email", "nobody"), 1, "e-mail"),
        (("--price", "12,00"), 2, "--price"),
        (("--price", "-1"), 2, "--price"),
        (("--price", "1.005"), 2, "--price"),
        (("--price", "999999999999999.99"), 1, "beyond reason"),
        (("--currency", "RM"), 2, "--currency"),
        (("--currency", "JPY", "--price", "10.50"), 2, "--price"),
        (("--additional-users", "2"), 1, "go together"),
        (("--additional-users-price", "2"), 1, "go together"),
        (("--additional-users", "-1", "--additional-users-price", "2"), 1, "additional users"),
        (("--smp-years", "3"), 1, "one or two years"),
        (("--purchased-on", "2026-11-24"), 1, "future"),
        (("--purchased-on", "24.12.2026"), 2, "--purchased-on"),
        (("--edition", "Pro"), 2, "--edition"),
    ],
)
def test_orders_that_make_no_sense_are_refused_and_sell_nothing(
    operator: Operator, options: tuple[str, ...], code: int, problem: str
) -> None:
    refused = operator.run(*ORDER, *options)
    assert (refused.code, problem in refused.error) == (code, True), refused.err
    assert operator.did("licence", "list", "--json").json == []
