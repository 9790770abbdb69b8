"""Writes coverage.json and offers.json: every expectation is stated here by hand, from RULES.md, none is computed.

``python tests/vectors/make_decision_vectors.py`` writes both files anew, always with the same bytes. One line is one
release, licence or case; README.md describes the JSON. The files names.json and versions.json are written by hand.

A release: ``4.1 2026-06-01`` and any of ``kind=minor``, ``for=pro,standard`` (default ``pro``), ``channel=beta``,
``builds=linux-x86_64,any-any`` (default ``any-any``), ``from=4.0``, ``open``, ``paid=100/300``, ``withdrawn``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]

FOLDER = Path(__file__).resolve().parent
TODAY = "2030-01-01"
BOUGHT = "2026-01-15"
YEAR = ("2026-01-15/2027-01-14",)
AFTER_A_GAP = ("2026-01-15/2027-01-14", "2028-01-01/2028-12-31")
LATER = ("2028-01-01/2028-12-31",)


def release(line: str) -> Json:
    version, day, *rest = line.split()
    facts = dict(word.split("=", 1) for word in rest if "=" in word)
    numbers = [int(part) for part in version.split("rc")[0].split(".")] + [0, 0]
    kind = "service_pack" if any(numbers[2:]) else "minor" if numbers[1] else "major"
    signed: Json = {
        "version": version,
        "kind": facts.get("kind", kind),
        "editions": facts.get("for", "pro").split(","),
        "released_on": day,
        "channel": facts.get("channel", "stable"),
        "builds": facts.get("builds", "any-any").split(","),
    }
    if "from" in facts:
        signed["upgrade_from"] = facts["from"]
    if "open" in rest:
        signed["open_release"] = True
    if "paid" in facts:
        prices = zip(("price_in_support", "price_without_support"), facts["paid"].split("/"), strict=True)
        signed["paid_upgrade"] = {name: money(price) for name, price in prices}
    if "withdrawn" in rest:
        signed["withdrawn"] = True
    return signed


def money(sen: str) -> Json:
    return {"minor_units": int(sen), "currency": "MYR"}


def catalogue(*lines: str, product: str = "cad", channels: str = "stable beta alpha") -> Json:
    return {"product": product, "channels": channels.split(), "releases": [release(line) for line in lines]}


def licence(
    *periods: str,
    bought: str = BOUGHT,
    grants: str = "",
    follow: bool = False,
    edition: str = "pro",
    product: str = "cad",
    status: str = "active",
) -> Json:
    return {
        "product": product,
        "edition": edition,
        "purchased_on": bought,
        "status": status,
        "periods": [dict(zip(("starts_on", "ends_on"), period.split("/"), strict=True)) for period in periods],
        "grants": [{"line": g[:-2]} if g.endswith(".*") else {"version": g} for g in grants.split()],
        "service_packs": "follow" if follow else "period",
    }


# Catalogues that several cases share

HISTORY = catalogue(
    "4.0 2025-03-01 for=pro,standard",
    "4.0.1 2026-01-15 for=pro,standard",
    "4.1 2026-01-16 for=pro,standard",
    "4.1.1 2027-01-14",
    "4.2 2027-01-15",
    "4.2.1 2027-06-30 open",
    "4.2.2 2027-12-31",
    "5.0 2028-01-01 paid=10000/30000",
    "5.0.1 2028-12-31",
    "5.1 2029-01-01 paid=10000/30000",
)
GAP_STEP = catalogue("4.0 2026-01-10", "4.1 2027-03-01", "4.2 2027-06-01", "5.0 2028-06-01 from=4.1")
CHAIN = catalogue(
    "4.0 2026-01-10",
    "4.1 2027-03-01 from=4.0",
    "4.2 2027-06-01 from=4.1",
    "4.2.5 2027-07-01 from=4.1",
    "5.0 2028-06-01 from=4.2",
)
PACKS = catalogue(
    "4.0 2026-01-10",
    "4.0.1 2027-03-01",
    "4.1 2026-06-01",
    "4.1.1 2027-03-01",
    "4.1.2 2029-03-01 paid=100/300",
    "4.2 2027-03-01",
    "4.2.1 2027-04-01",
    "4.2.2 2027-05-01",
)
SHARED = {"history": HISTORY, "gap_step": GAP_STEP, "chain": CHAIN, "packs": PACKS}

# Coverage: what is expected is ``reason: versions``, for every release dated today or earlier; a price follows ``=``.

CoverageCase = tuple[str, str, str | Json, Json, dict[str, str]]
BEFORE_AND_GAP = {"purchased": "4.0 4.0.1", "support_period": "4.1 4.1.1"}

# fmt: off
COVERAGE: list[CoverageCase] = [
    # purchased
    ("without support: what was out on the purchase day, and open releases", "purchased", "history", licence(),
     {"purchased": "4.0 4.0.1", "never_supported": "4.1 4.1.1 4.2 4.2.2 5.0.1", "open_release": "4.2.1",
         "upgrade_payment_due": "5.0=30000 5.1=30000"}),
    ("the purchase day is inclusive", "purchased", catalogue("4.0 2026-01-15"), licence(), {"purchased": "4.0"}),
    ("the day after the purchase is not covered", "never_supported", catalogue("4.0 2026-01-16"), licence(),
     {"never_supported": "4.0"}),
    ("older major versions come with the purchase", "purchased", catalogue("1.0 1999-12-31", "2.0.0.4 2010-05-05"),
     licence(), {"purchased": "1.0 2.0.0.4"}),
    ("purchased comes before every other reason", "purchased", catalogue("4.0 2026-01-15 open"),
     licence(*YEAR, grants="4.0"), {"purchased": "4.0"}),
    ("a paid upgrade from before the purchase is part of the purchase", "purchased",
     catalogue("4.0 2026-01-15 paid=100/300"), licence(), {"purchased": "4.0"}),
    ("a licence bought on a leap day", "purchased", catalogue("4.0 2028-02-29", "4.1 2028-03-01"),
     licence(bought="2028-02-29"), {"purchased": "4.0", "never_supported": "4.1"}),
    # support_period
    ("one year from the purchase, both ends inclusive", "support_period", "history", licence(*YEAR),
     {**BEFORE_AND_GAP, "after_support": "4.2 4.2.2 5.0.1", "open_release": "4.2.1",
         "upgrade_payment_due": "5.0=30000 5.1=30000"}),
    ("two periods with an unpaid gap between", "support_period", "history", licence(*AFTER_A_GAP),
     {**BEFORE_AND_GAP, "between_periods": "4.2 4.2.2", "open_release": "4.2.1",
         "upgrade_payment_due": "5.0=10000 5.1=30000", "support_period": "4.1 4.1.1 5.0.1"}),
    ("support bought later leaves what came between uncovered", "between_periods", "history", licence(*LATER),
     {"purchased": "4.0 4.0.1", "between_periods": "4.1 4.1.1 4.2 4.2.2", "open_release": "4.2.1",
         "upgrade_payment_due": "5.0=10000 5.1=30000", "support_period": "5.0.1"}),
    ("a renewal leaves no gap", "support_period",
     catalogue("4.1 2027-01-14", "4.2 2027-01-15", "4.3 2028-01-14", "4.4 2028-01-15"),
     licence("2026-01-15/2027-01-14", "2027-01-15/2028-01-14"),
     {"support_period": "4.1 4.2 4.3", "after_support": "4.4"}),
    ("a period of one day", "support_period", catalogue("4.1 2026-05-31", "4.2 2026-06-01", "4.3 2026-06-02"),
     licence("2026-06-01/2026-06-01"), {"between_periods": "4.1", "support_period": "4.2", "after_support": "4.3"}),
    ("a one-year term from 29 February ends on 28 February", "support_period",
     catalogue("4.1 2024-03-01", "4.2 2025-02-28", "4.3 2025-03-01"),
     licence("2024-02-29/2025-02-28", bought="2024-02-29"), {"support_period": "4.1 4.2", "after_support": "4.3"}),
    ("a one-year term that ends on 29 February", "support_period",
     catalogue("4.1 2024-02-28", "4.2 2024-02-29", "4.3 2024-03-01"),
     licence("2023-03-01/2024-02-29", bought="2023-03-01"), {"support_period": "4.1 4.2", "after_support": "4.3"}),
    ("a two-year term", "support_period", catalogue("4.1 2026-11-24", "4.2 2028-11-22", "4.3 2028-11-23"),
     licence("2026-11-23/2028-11-22", bought="2026-11-23"), {"support_period": "4.1 4.2", "after_support": "4.3"}),
    ("the order of versions plays no part, only the day does", "support_period",
     catalogue("3.9.9 2027-02-01", "9.0 2026-06-01"), licence(*YEAR),
     {"after_support": "3.9.9", "support_period": "9.0"}),
    ("service packs need a period as any release does", "support_period", "packs", licence(*YEAR),
     {"purchased": "4.0", "support_period": "4.1", "after_support": "4.0.1 4.1.1 4.2 4.2.1 4.2.2",
         "upgrade_payment_due": "4.1.2=300"}),
    ("beta and withdrawn releases are covered by the same rules", "support_period",
     catalogue("4.1 2026-06-01 channel=alpha", "4.2 2026-06-01 withdrawn", "4.3 2026-06-01 channel=beta withdrawn"),
     licence(*YEAR), {"support_period": "4.1 4.2 4.3"}),
    ("platforms play no part in coverage", "support_period", catalogue("4.1 2026-06-01 builds=freebsd-riscv64"),
     licence(*YEAR), {"support_period": "4.1"}),
    ("three periods, two gaps", "between_periods",
     catalogue("4.1 2026-07-01", "4.2 2027-07-01", "4.3 2028-07-01", "4.4 2029-07-01", "4.5 2026-02-01"),
     licence("2026-06-01/2026-12-31", "2028-01-01/2028-12-31", "2029-06-01/2029-06-30"),
     {"support_period": "4.1 4.3", "between_periods": "4.2 4.5", "after_support": "4.4"}),
    # granted
    ("a grant covers its version alone", "granted", "history", licence(grants="4.2"),
     {"purchased": "4.0 4.0.1", "granted": "4.2", "never_supported": "4.1 4.1.1 4.2.2 5.0.1",
         "open_release": "4.2.1", "upgrade_payment_due": "5.0=30000 5.1=30000"}),
    ("a grant of a line covers all of it, and comes before open_release", "granted", "history",
     licence(grants="4.2.*"),
     {"purchased": "4.0 4.0.1", "granted": "4.2 4.2.1 4.2.2", "never_supported": "4.1 4.1.1 5.0.1",
         "upgrade_payment_due": "5.0=30000 5.1=30000"}),
    ("support_period comes before granted", "granted", catalogue("4.1 2026-06-01", "4.2 2027-06-01"),
     licence(*YEAR, grants="4.1 4.2"), {"support_period": "4.1", "granted": "4.2"}),
    ("a line is the first two numbers, not a prefix of the text", "granted",
     catalogue("4.2 2029-01-01", "4.2.0.7 2029-01-01", "4.20 2029-01-01", "4.2rc1 2029-01-01", "14.2 2029-01-01"),
     licence(grants="4.2.*"), {"granted": "4.2 4.2.0.7 4.2rc1", "never_supported": "4.20 14.2"}),
    ("a version without a minor number is of the zero line", "granted",
     catalogue("5 2029-01-01", "5.0.1 2029-01-01", "5.1 2029-01-01"), licence(grants="5.0.*"),
     {"granted": "5 5.0.1", "never_supported": "5.1"}),
    ("versions that compare equal are one version", "granted", catalogue("4.2.0 2029-01-01", "4.2.1.0 2029-01-01"),
     licence(grants="4.2 4.2.1"), {"granted": "4.2.0 4.2.1.0"}),
    ("a calendar version and its line", "granted",
     catalogue("2026.11 2029-01-01", "2026.11.2 2029-01-01", "2026.1 2029-01-01"), licence(grants="2026.11.*"),
     {"granted": "2026.11 2026.11.2", "never_supported": "2026.1"}),
    # paid upgrades
    ("a paid upgrade in a support period is due at the price in support", "upgrade_payment_due",
     catalogue("5.0 2026-06-01 paid=10000/30000"), licence(*YEAR), {"upgrade_payment_due": "5.0=10000"}),
    ("the ends of the period count for the price too", "upgrade_payment_due",
     catalogue("5.0 2027-01-14 paid=10000/30000", "6.0 2027-01-15 paid=10000/30000"), licence(*YEAR),
     {"upgrade_payment_due": "5.0=10000 6.0=30000"}),
    ("a paid upgrade in a gap or before the first period costs the price without support", "upgrade_payment_due",
     catalogue("5.0 2026-02-01 paid=10000/30000", "6.0 2027-06-01 paid=10000/30000"),
     licence("2026-06-01/2026-12-31", "2028-01-01/2028-12-31"), {"upgrade_payment_due": "5.0=30000 6.0=30000"}),
    ("a paid upgrade that costs nothing still needs its order", "upgrade_payment_due",
     catalogue("5.0 2026-06-01 paid=0/30000"), licence(*YEAR), {"upgrade_payment_due": "5.0=0"}),
    ("the grant that the paid order makes covers it", "granted",
     catalogue("5.0 2026-06-01 paid=10000/30000", "6.0 2029-06-01 paid=10000/30000"),
     licence(*YEAR, grants="5.0 6.0"), {"granted": "5.0 6.0"}),
    ("a paid upgrade may be opened to all", "open_release", catalogue("5.0 2026-06-01 paid=10000/30000 open"),
     licence(*YEAR), {"open_release": "5.0"}),
    ("what follows a paid upgrade is judged by itself", "support_period",
     catalogue("5.0 2026-06-01 paid=10000/30000", "5.0.1 2026-07-01"), licence(*YEAR),
     {"upgrade_payment_due": "5.0=10000", "support_period": "5.0.1"}),
    # open_release
    ("an open release is for every licensee of its editions", "open_release",
     catalogue("4.1 2029-01-01 open for=pro,standard", "4.2 2029-01-01 open for=standard"), licence(),
     {"open_release": "4.1", "wrong_edition": "4.2"}),
    # step
    ("the lowest release of the gap that can serve is a step", "step", "gap_step", licence(*LATER),
     {"purchased": "4.0", "step": "4.1", "between_periods": "4.2", "support_period": "5.0"}),
    ("no step towards a release that is not covered", "step", "gap_step", licence(*YEAR),
     {"purchased": "4.0", "after_support": "4.1 4.2 5.0"}),
    ("a covered release that can serve spares the step", "step", "gap_step", licence(*LATER, grants="4.2"),
     {"purchased": "4.0", "between_periods": "4.1", "granted": "4.2", "support_period": "5.0"}),
    ("a grant can be the goal of a step", "step", "gap_step", licence(grants="5.0"),
     {"purchased": "4.0", "step": "4.1", "never_supported": "4.2", "granted": "5.0"}),
    ("steps towards steps are covered in turn", "step", "chain", licence(*LATER),
     {"purchased": "4.0", "step": "4.1 4.2", "between_periods": "4.2.5", "support_period": "5.0"}),
    ("an installed base that is covered needs no step", "step",
     catalogue("4.1 2026-01-10", "4.2 2027-03-01", "5.0 2028-06-01 from=4.1"), licence(*LATER),
     {"purchased": "4.1", "between_periods": "4.2", "support_period": "5.0"}),
    ("a step per machine", "step",
     catalogue("4.1 2027-03-01 builds=linux-x86_64", "4.2 2027-04-01 builds=windows-x86_64",
         "4.3 2027-05-01 builds=linux-x86_64,windows-x86_64,macos-aarch64",
         "4.4 2027-06-01 builds=linux-x86_64,windows-x86_64",
         "5.0 2028-06-01 from=4.1 builds=linux-x86_64,windows-x86_64"), licence(*LATER),
     {"step": "4.1 4.2", "between_periods": "4.3 4.4", "support_period": "5.0"}),
    ("a covered release on one machine does not spare the step on another", "step",
     catalogue("4.1 2027-03-01", "4.2 2028-02-01 builds=linux-x86_64",
         "5.0 2028-06-01 from=4.1 builds=linux-x86_64,windows-x86_64"), licence(*LATER),
     {"step": "4.1", "support_period": "4.2 5.0"}),
    ("a universal build asks for a step on each of its machines", "step",
     catalogue("4.1 2027-03-01 builds=macos-intel", "4.2 2027-04-01 builds=macos-aarch64",
         "4.3 2027-05-01 builds=macos-universal2", "5.0 2028-06-01 from=4.1 builds=macos-universal2"),
     licence(*LATER), {"step": "4.1 4.2", "between_periods": "4.3", "support_period": "5.0"}),
    ("builds for any architecture and for any system meet on a machine that neither names", "step",
     catalogue("4.1 2027-03-01 builds=any-x86_64", "5.0 2028-06-01 from=4.1 builds=linux-any"), licence(*LATER),
     {"step": "4.1", "support_period": "5.0"}),
    ("a build for another machine is no step", "step",
     catalogue("4.1 2027-03-01 builds=linux-musl-x86_64", "5.0 2028-06-01 from=4.1 builds=linux-x86_64"),
     licence(*LATER), {"between_periods": "4.1", "support_period": "5.0"}),
    ("a step is on the channel of its goal or a more stable one", "step",
     catalogue("4.1 2027-03-01 channel=alpha", "4.2 2027-04-01 channel=beta", "4.3 2027-05-01",
         "5.0 2028-06-01 from=4.1", "6.0 2028-07-01 from=5.1 channel=beta", "5.1 2027-06-01 channel=alpha",
         "5.2 2027-07-01 channel=beta"), licence(*LATER),
     {"between_periods": "4.1 4.2 5.1", "step": "4.3 5.2", "support_period": "5.0 6.0"}),
    ("a product with channels of its own", "step",
     catalogue("4.1 2027-03-01 channel=current", "4.2 2027-04-01 channel=lts", "5.0 2028-06-01 from=4.1 channel=lts",
         channels="lts current"), licence(*LATER),
     {"between_periods": "4.1", "step": "4.2", "support_period": "5.0"}),
    ("a covered release on a less stable channel does not spare the step", "step",
     catalogue("4.1 2027-03-01", "4.2 2028-02-01 channel=beta", "5.0 2028-06-01 from=4.1"), licence(*LATER),
     {"step": "4.1", "support_period": "4.2 5.0"}),
    ("a withdrawn release is no step and does not spare one", "step",
     catalogue("4.1 2027-03-01 withdrawn", "4.2 2027-04-01", "4.3 2028-02-01 withdrawn", "5.0 2028-06-01 from=4.1"),
     licence(*LATER), {"between_periods": "4.1", "step": "4.2", "support_period": "4.3 5.0"}),
    ("a withdrawn release asks for no step", "step", catalogue("4.1 2027-03-01", "5.0 2028-06-01 from=4.1 withdrawn"),
     licence(*LATER), {"between_periods": "4.1", "support_period": "5.0"}),
    ("a step is from the required version up to below its goal", "step",
     catalogue("4.0.9 2027-01-20", "4.1 2027-03-01", "5.0 2028-06-01 from=4.1", "5.0.1 2029-03-01"), licence(*LATER),
     {"between_periods": "4.0.9", "step": "4.1", "support_period": "5.0", "after_support": "5.0.1"}),
    ("a step may be dated after its goal", "step", catalogue("4.1.1 2029-03-01", "5.0 2028-06-01 from=4.1"),
     licence(*LATER), {"step": "4.1.1", "support_period": "5.0"}),
    ("a step is for the edition of the licence", "step",
     catalogue("4.1 2027-03-01 for=standard", "4.2 2027-04-01", "5.0 2028-06-01 from=4.1"), licence(*LATER),
     {"wrong_edition": "4.1", "step": "4.2", "support_period": "5.0"}),
    ("a paid upgrade can be a step", "step", catalogue("5.0 2027-03-01 paid=100/300", "6.0 2028-06-01 from=5.0"),
     licence(*LATER), {"step": "5.0", "support_period": "6.0"}),
    ("a paid upgrade that is due asks for no step", "step",
     catalogue("4.1 2027-03-01", "5.0 2028-06-01 from=4.1 paid=100/300"), licence(*LATER),
     {"between_periods": "4.1", "upgrade_payment_due": "5.0=100"}),
    # service_pack
    ("under follow, service packs follow what is covered", "service_pack", "packs", licence(*YEAR, follow=True),
     {"purchased": "4.0", "support_period": "4.1", "service_pack": "4.0.1 4.1.1 4.1.2",
         "after_support": "4.2 4.2.1 4.2.2"}),
    ("under follow, a service pack that is covered itself brings its line's others along", "service_pack", "packs",
     licence("2027-04-01/2027-04-30", follow=True),
     {"purchased": "4.0", "service_pack": "4.0.1 4.2.2", "between_periods": "4.1 4.1.1 4.2",
         "support_period": "4.2.1", "upgrade_payment_due": "4.1.2=300"}),
    ("under follow, a granted or open release has its service packs", "service_pack",
     catalogue("4.1 2029-01-01", "4.1.1 2029-02-01", "4.2 2029-01-01 open", "4.2.1 2029-02-01"),
     licence(follow=True, grants="4.1"), {"granted": "4.1", "service_pack": "4.1.1 4.2.1", "open_release": "4.2"}),
    ("under follow, a step has its service packs, and these their steps", "service_pack",
     catalogue("4.0.5 2027-02-01", "4.1 2027-03-01", "4.1.1 2029-03-01 from=4.0.5 channel=beta",
         "5.0 2028-06-01 from=4.1"), licence(*LATER, follow=True),
     {"step": "4.0.5 4.1", "service_pack": "4.1.1", "support_period": "5.0"}),
    ("under follow, a service pack that is a step has the reason step", "service_pack",
     catalogue("4.1 2027-02-01", "4.1.3 2027-03-01 from=4.1", "5.0 2028-06-01 from=4.1.3"),
     licence(*LATER, follow=True), {"step": "4.1 4.1.3", "support_period": "5.0"}),
    ("under follow, a service pack that follows a step may turn out to be a step itself", "service_pack",
     catalogue("4.1 2027-02-01", "4.1.3 2027-03-01", "4.1.7 2029-03-01 from=4.1.2", "5.0 2028-06-01 from=4.1"),
     licence(*LATER, follow=True), {"step": "4.1 4.1.3", "service_pack": "4.1.7", "support_period": "5.0"}),
    ("under follow, a service pack that follows can serve and spares the step", "service_pack",
     catalogue("4.0 2026-01-10", "4.0.3 2027-03-01", "4.1 2027-04-01", "5.0 2028-06-01 from=4.0.2"),
     licence(*LATER, follow=True),
     {"purchased": "4.0", "service_pack": "4.0.3", "between_periods": "4.1", "support_period": "5.0"}),
    ("under follow, a withdrawn release still has its service packs", "service_pack",
     catalogue("4.1 2026-06-01 withdrawn", "4.1.1 2027-03-01"), licence(*YEAR, follow=True),
     {"support_period": "4.1", "service_pack": "4.1.1"}),
    ("under follow, another edition's release has none for us", "service_pack",
     catalogue("4.1 2026-06-01 for=standard", "4.1.1 2027-03-01 for=standard,pro"), licence(*YEAR, follow=True),
     {"wrong_edition": "4.1", "after_support": "4.1.1"}),
    ("under follow, the kind that the engineer gave decides", "service_pack",
     catalogue("4.1 2026-06-01", "4.1.1 2027-03-01 kind=minor", "4.1.0.2 2027-03-01", "4.1rc2 2027-03-01"),
     licence(*YEAR, follow=True),
     {"support_period": "4.1", "after_support": "4.1.1 4.1rc2", "service_pack": "4.1.0.2"}),
    ("under period, a step does not bring its service packs along", "service_pack",
     catalogue("4.1 2027-03-01", "4.1.1 2027-04-01", "5.0 2028-06-01 from=4.1"), licence(*LATER),
     {"step": "4.1", "between_periods": "4.1.1", "support_period": "5.0"}),
    # refusals
    ("a suspended licence gets nothing", "licence_suspended", "history",
     licence(*AFTER_A_GAP, grants="5.0", status="suspended"),
     {"licence_suspended": "4.0 4.0.1 4.1 4.1.1 4.2 4.2.1 4.2.2 5.0 5.0.1 5.1"}),
    ("a revoked licence gets nothing", "licence_revoked", "history",
     licence(*AFTER_A_GAP, grants="5.0", status="revoked", follow=True),
     {"licence_revoked": "4.0 4.0.1 4.1 4.1.1 4.2 4.2.1 4.2.2 5.0 5.0.1 5.1"}),
    ("a suspended licence for another product hears of its suspension first", "licence_suspended",
     catalogue("4.0 2020-01-01 for=standard"), licence(product="paint", status="suspended"),
     {"licence_suspended": "4.0"}),
    ("a licence for another product", "wrong_product",
     catalogue("4.0 2020-01-01", "4.1 2020-01-01 for=standard", "4.2 2020-01-01 open"),
     licence(*YEAR, product="paint", grants="4.0"), {"wrong_product": "4.0 4.1 4.2"}),
    ("a licence for another edition", "wrong_edition", "history", licence(*YEAR, edition="standard", grants="5.0"),
     {"purchased": "4.0 4.0.1", "support_period": "4.1", "wrong_edition": "4.1.1 4.2 4.2.1 4.2.2 5.0 5.0.1 5.1"}),
]
# fmt: on

# A release dated in the future is invisible until its day: (name, today, catalogue, licence, expected).

COVERAGE_BY_DAY: list[tuple[str, str, Json, Json, dict[str, str]]] = [
    (
        f"on {day}, {what}",
        day,
        catalogue("4.0 2026-01-10", "4.1 2027-03-01", "5.0 2028-06-01 from=4.1"),
        licence(*LATER),
        expected,
    )
    for day, what, expected in (
        ("2027-02-28", "a release of tomorrow is invisible", {"purchased": "4.0"}),
        ("2027-03-01", "a release of today is there", {"purchased": "4.0", "between_periods": "4.1"}),
        ("2028-05-31", "what is not out yet asks for no step", {"purchased": "4.0", "between_periods": "4.1"}),
        (
            "2028-06-01",
            "the step is covered with its goal",
            {"purchased": "4.0", "step": "4.1", "support_period": "5.0"},
        ),
        (
            "2099-12-31",
            "long after the end nothing has been taken away",
            {"purchased": "4.0", "step": "4.1", "support_period": "5.0"},
        ),
    )
]

COVERED = ("purchased", "support_period", "granted", "open_release", "step", "service_pack")


def _outcome(text: str) -> Json:
    reason, _, price = text.partition("=")
    answer: Json = {"covered": reason in COVERED, "reason": reason}
    if price:
        answer["price"] = money(price)
    return answer


# Offers

PLAIN = catalogue("4.0 2026-01-10", "4.0.1 2026-03-01", "4.1 2026-06-01", "4.2 2027-02-01")
RECALLED = catalogue(
    "4.0 2026-01-10",
    "4.1 2026-06-01",
    "4.1.1 2026-07-01 withdrawn",
    "4.2 2027-02-01",
    "4.1.1rc1 2026-06-20 channel=beta",
)
PLATFORMS = catalogue(
    "4.0 2026-01-10",
    "4.1 2026-02-01 builds=linux-x86_64,linux-aarch64,windows-x86,macos-universal2",
    "4.2 2026-03-01 builds=linux-x86_64,macos-intel,linux-musl-any",
    "4.3 2026-04-01 builds=macos-aarch64,macos-universal2,any-riscv64",
)
CHANNELS = catalogue("4.1 2026-06-01", "4.2rc1 2026-06-02 channel=beta", "4.3 2026-06-03 channel=alpha")
DOWN_AND_UP = catalogue(
    "4.0 2026-01-10", "4.1 2026-06-01 withdrawn", "4.2 2026-07-01", "5.0 2026-08-01 from=4.2", "3.0 2020-01-01"
)

OfferCase = tuple[str, str | Json, Json, str, Json]


def nothing(status: str, newest: str = "") -> Json:
    """An answer without an offer; ``newest`` is version, reason and perhaps price: ``4.2 after_support``."""
    return {"status": status, "offer": None, "newest": _newest(newest)}


def offer(
    version: str,
    reason: str,
    newest: str,
    *,
    then: str | None = None,
    builds: str = "any-any",
    downgrade: bool = False,
    status: str = "update_available",
) -> Json:
    return {
        "status": status,
        "offer": {
            "version": version,
            "reason": reason,
            "builds": builds.split(),
            "is_downgrade": downgrade,
            "more_steps_follow": then is not None,
            "last_step": then,
        },
        "newest": _newest(newest),
    }


def _newest(text: str) -> Json | None:
    if not text:
        return None
    version, outcome = text.split()
    return {"version": version, **_outcome(outcome)}


# The installed copy: version, machine, channel and perhaps ``id=…`` and ``manual``; ``rollout:`` lines after a bar.

# fmt: off
OFFERS: list[OfferCase] = [
    ("the highest covered release", "plain", licence(*YEAR), "4.0 linux-x86_64 stable",
     offer("4.1", "support_period", "4.2 after_support")),
    ("without support, the last release of before the purchase",
     catalogue("3.9 2025-01-01", "4.0 2026-01-15", "4.1 2026-01-16"), licence(), "3.9 linux-x86_64 stable",
     offer("4.0", "purchased", "4.1 never_supported")),
    ("nothing newer", "plain", licence(*YEAR), "4.2 linux-x86_64 stable", nothing("up_to_date", "4.2 after_support")),
    ("newer than everything", "plain", licence(*YEAR), "99.0 linux-x86_64 stable",
     nothing("up_to_date", "4.2 after_support")),
    ("no releases at all", catalogue(), licence(*YEAR), "4.0 linux-x86_64 stable", nothing("up_to_date")),
    ("only uncovered news", "plain", licence(*YEAR), "4.1 linux-x86_64 stable",
     nothing("update_not_covered", "4.2 after_support")),
    ("only news from before the first period", "plain", licence("2029-01-01/2029-12-31"), "4.0 linux-x86_64 stable",
     nothing("update_not_covered", "4.2 between_periods")),
    ("an unpaid upgrade", catalogue("4.0 2026-01-10", "5.0 2026-06-01 paid=10000/30000"), licence(*YEAR),
     "4.0 linux-x86_64 stable", nothing("update_not_covered", "5.0 upgrade_payment_due=10000")),
    ("a paid upgrade", catalogue("4.0 2026-01-10", "5.0 2026-06-01 paid=10000/30000"), licence(*YEAR, grants="5.0"),
     "4.0 linux-x86_64 stable", offer("5.0", "granted", "5.0 granted")),
    ("an open release for a licence without support", "history", licence(), "4.0.1 linux-x86_64 stable",
     offer("4.2.1", "open_release", "5.1 upgrade_payment_due=30000")),
    ("an unknown installed version", "plain", licence(*YEAR), "4.0.0.77 linux-x86_64 stable",
     offer("4.1", "support_period", "4.2 after_support")),
    ("an uncovered installed version", catalogue("4.0 2026-01-10", "4.2 2027-02-01", "4.3 2027-03-01 open"),
     licence(*YEAR), "4.2 linux-x86_64 stable", offer("4.3", "open_release", "4.3 open_release")),
    ("an installed pre-release", "plain", licence(*YEAR), "4.1rc1 linux-x86_64 stable",
     offer("4.1", "support_period", "4.2 after_support")),
    ("an installed version written otherwise", "plain", licence(*YEAR), "4.1.0 linux-x86_64 stable",
     nothing("update_not_covered", "4.2 after_support")),
    ("a suspended licence", "plain", licence(*YEAR, status="suspended"), "4.0 linux-x86_64 stable",
     nothing("update_not_covered", "4.2 licence_suspended")),
    ("a revoked licence with nothing newer", "plain", licence(*YEAR, status="revoked"), "4.2 linux-x86_64 stable",
     nothing("up_to_date", "4.2 licence_revoked")),
    ("another edition's releases are neither offered nor shown",
     catalogue("4.0 2026-01-10", "4.1 2026-06-01 for=standard"), licence(*YEAR), "4.0 linux-x86_64 stable",
     nothing("up_to_date", "4.0 purchased")),
    ("the highest version, not the latest day", catalogue("4.0.9 2026-12-01", "4.1 2026-06-01"), licence(*YEAR),
     "4.0 linux-x86_64 stable", offer("4.1", "support_period", "4.1 support_period")),
    ("4-part versions in their order", catalogue("4.0.0.2 2026-06-01", "4.0.0.9 2026-06-01", "4.0.0.10 2026-06-01"),
     licence(*YEAR), "4.0.0.2 linux-x86_64 stable", offer("4.0.0.10", "support_period", "4.0.0.10 support_period")),
    ("calendar versions in their order", catalogue("2025.12.3 2026-06-01", "2026.9 2026-06-01", "2026.10 2026-06-01"),
     licence(*YEAR), "2025.12 linux-x86_64 stable", offer("2026.10", "support_period", "2026.10 support_period")),
    ("a withdrawn release is neither offered nor the newest",
     catalogue("4.0 2026-01-10", "4.1 2026-06-01", "4.1.1 2026-07-01 withdrawn"), licence(*YEAR),
     "4.0 linux-x86_64 stable", offer("4.1", "support_period", "4.1 support_period")),
    # channels
    ("the stable channel", "channels", licence(*YEAR), "4.0 linux-x86_64 stable",
     offer("4.1", "support_period", "4.1 support_period")),
    ("the beta channel brings stable releases along", "channels", licence(*YEAR), "4.0 linux-x86_64 beta",
     offer("4.2rc1", "support_period", "4.2rc1 support_period")),
    ("the alpha channel brings all along", "channels", licence(*YEAR), "4.0 linux-x86_64 alpha",
     offer("4.3", "support_period", "4.3 support_period")),
    ("a copy ahead of its channel", "channels", licence(*YEAR), "4.2rc1 linux-x86_64 stable",
     nothing("up_to_date", "4.1 support_period")),
    ("a channel of the product's own",
     catalogue("4.1 2026-06-01 channel=lts", "4.2 2026-06-01 channel=current", channels="lts current"),
     licence(*YEAR), "4.0 linux-x86_64 lts", offer("4.1", "support_period", "4.1 support_period")),
    ("an unknown channel", "channels", licence(*YEAR), "4.0 linux-x86_64 nightly", {"error": "unknown_channel"}),
    # platforms
    ("a machine with a build of its own", "platforms", licence(*YEAR), "4.0 linux-x86_64 stable",
     offer("4.2", "support_period", "4.2 support_period", builds="linux-x86_64")),
    ("a machine whose last build is older", "platforms", licence(*YEAR), "4.0 linux-aarch64 stable",
     offer("4.1", "support_period", "4.1 support_period", builds="linux-aarch64")),
    ("several builds run on the machine: all, in signed order", "platforms", licence(*YEAR),
     "4.0 macos-aarch64 stable",
     offer("4.3", "support_period", "4.3 support_period", builds="macos-aarch64 macos-universal2")),
    ("a universal build on an Intel Mac", "platforms", licence(*YEAR), "4.0 macos-x86_64 stable",
     offer("4.3", "support_period", "4.3 support_period", builds="macos-universal2")),
    ("an intel build on a 32-bit Mac", "platforms", licence(*YEAR), "4.0 macos-x86 stable",
     offer("4.2", "support_period", "4.2 support_period", builds="macos-intel")),
    ("linux-musl is another system than linux", "platforms", licence(*YEAR), "4.0 linux-musl-x86_64 stable",
     offer("4.2", "support_period", "4.2 support_period", builds="linux-musl-any")),
    ("a build for any system", "platforms", licence(*YEAR), "4.0 freebsd-riscv64 stable",
     offer("4.3", "support_period", "4.3 support_period", builds="any-riscv64")),
    ("no newer build for the machine", "platforms", licence(*YEAR), "4.0 freebsd-x86_64 stable",
     nothing("up_to_date", "4.0 purchased")),
    # steps
    ("over the step of the gap", "gap_step", licence(*LATER), "4.0 linux-x86_64 stable",
     offer("4.1", "step", "5.0 support_period", then="5.0")),
    ("from the required version at once", "gap_step", licence(*LATER), "4.1 linux-x86_64 stable",
     offer("5.0", "support_period", "5.0 support_period")),
    ("from an uncovered version in the range at once", "gap_step", licence(*LATER), "4.2 linux-x86_64 stable",
     offer("5.0", "support_period", "5.0 support_period")),
    ("the highest covered release in reach is the first step", "gap_step", licence(*LATER, grants="4.2"),
     "4.0 linux-x86_64 stable", offer("4.2", "granted", "5.0 support_period", then="5.0")),
    ("the first of three steps", "chain", licence(*LATER), "4.0 linux-x86_64 stable",
     offer("4.1", "step", "5.0 support_period", then="5.0")),
    ("the second of three steps", "chain", licence(*LATER), "4.1 linux-x86_64 stable",
     offer("4.2", "step", "5.0 support_period", then="5.0")),
    ("too old for every step", catalogue("4.1 2027-03-01 from=4.0", "5.0 2028-06-01 from=4.1"), licence(*LATER),
     "3.0 linux-x86_64 stable", nothing("up_to_date", "5.0 support_period")),
    ("too old for every step, beside something uncovered",
     catalogue("4.0 2027-02-01", "4.1 2027-03-01 from=4.0.5", "5.0 2028-06-01 from=4.1"), licence(*LATER),
     "3.0 linux-x86_64 stable", nothing("update_not_covered", "5.0 support_period")),
    # withdrawn copies
    ("a withdrawn copy is led to the newer path first", "down_and_up", licence(*YEAR), "4.1 linux-x86_64 stable",
     offer("4.2", "support_period", "5.0 support_period", then="5.0", status="installed_withdrawn")),
    ("a withdrawn copy is led back where nothing newer is covered", "recalled", licence(*YEAR),
     "4.1.1 linux-x86_64 stable",
     offer("4.1", "support_period", "4.2 after_support", downgrade=True, status="installed_withdrawn")),
    ("a withdrawn beta copy is led back to the beta before", "recalled", licence(*YEAR), "4.1.1 linux-x86_64 beta",
     offer("4.1.1rc1", "support_period", "4.2 after_support", downgrade=True, status="installed_withdrawn")),
    ("a withdrawn copy that is the only release", catalogue("4.1 2026-06-01 withdrawn"), licence(*YEAR),
     "4.1 linux-x86_64 stable", nothing("installed_withdrawn")),
    ("a withdrawn copy of a revoked licence", "recalled", licence(*YEAR, status="revoked"),
     "4.1.1 linux-x86_64 stable", nothing("installed_withdrawn", "4.2 licence_revoked")),
    # rollouts: install-1 has place 6753 for cad 4.1
    ("a share just below the place of the install", "plain", licence(*YEAR),
     "4.0 linux-x86_64 stable id=install-1 | 4.1=6753 4.2=0",
     offer("4.0.1", "support_period", "4.0.1 support_period")),
    ("a share just above the place of the install", "plain", licence(*YEAR),
     "4.0 linux-x86_64 stable id=install-1 | 4.1=6754 4.2=0", offer("4.1", "support_period", "4.1 support_period")),
    ("no share yet", "plain", licence(*YEAR), "4.1 linux-x86_64 stable id=install-1 | 4.2=0",
     nothing("up_to_date", "4.1 support_period")),
    ("without an install id, only what reaches everyone", "plain", licence(*YEAR),
     "4.0 linux-x86_64 stable | 4.1=9999 4.2=10000", offer("4.0.1", "support_period", "4.2 after_support")),
    ("asking by hand ignores the share", "plain", licence(*YEAR), "4.0 linux-x86_64 stable manual | 4.1=0 4.2=0",
     offer("4.1", "support_period", "4.2 after_support")),
    ("a halted release is offered to no one", "plain", licence(*YEAR),
     "4.0 linux-x86_64 stable id=install-1 manual | 4.1=halted",
     offer("4.0.1", "support_period", "4.2 after_support")),
    ("a halted step holds its followers back", "gap_step", licence(*LATER),
     "4.0 linux-x86_64 stable manual | 4.1=halted", nothing("update_not_covered", "5.0 support_period")),
    ("no way back to a halted release", "recalled", licence(*YEAR), "4.1.1 linux-x86_64 stable | 4.1=halted",
     offer("4.0", "purchased", "4.2 after_support", downgrade=True, status="installed_withdrawn")),
]
# fmt: on

# Downloads: (name, catalogue, licence, rollouts, expected): allowed, withdrawn, halted or not_covered.

# fmt: off
DOWNLOADS: list[tuple[str, str, Json, str, dict[str, str]]] = [
    ("older covered releases stay downloadable, uncovered ones do not", "plain", licence(*YEAR), "",
     {"allowed": "4.0 4.0.1 4.1", "not_covered": "4.2"}),
    ("a share limits no download of a covered release", "plain", licence(*YEAR), "4.0=0 4.1=1 4.2=10000",
     {"allowed": "4.0 4.0.1 4.1", "not_covered": "4.2"}),
    ("a halted release cannot be downloaded, and an uncovered one is only that", "plain", licence(*YEAR),
     "4.1=halted 4.2=halted", {"allowed": "4.0 4.0.1", "halted": "4.1", "not_covered": "4.2"}),
    ("a withdrawn release cannot be downloaded, halted or not", "recalled", licence(*YEAR), "4.1.1=halted",
     {"allowed": "4.0 4.1 4.1.1rc1", "withdrawn": "4.1.1", "not_covered": "4.2"}),
    ("a step can be downloaded", "gap_step", licence(*LATER), "", {"allowed": "4.0 4.1 5.0", "not_covered": "4.2"}),
    ("a suspended licence downloads nothing", "recalled", licence(*YEAR, status="suspended"), "4.1=halted",
     {"not_covered": "4.0 4.1 4.1.1 4.1.1rc1 4.2"}),
]
# fmt: on

# By sha256sum: (install id, product, version, place).

ROLLOUT_PLACES = [
    ("install-1", "cad", "4.1", 6753),
    ("install-2", "cad", "4.1", 6487),
    ("install-3", "cad", "4.1", 6526),
    ("install-1", "cad", "4.2", 8239),
    ("install-1", "cad", "4.2.0", 8667),
    ("install-1", "paint", "4.1", 2112),
    ("6f1c0d0e-9a53-4a0e-9a57-0f3d4a3a2b1c", "cad", "2026.11", 398),
    ("zażółć", "cad", "4.1", 7042),
    ("", "cad", "4.1", 1019),
]

SHARED_BY_OFFERS = {
    **SHARED,
    "plain": PLAIN,
    "recalled": RECALLED,
    "platforms": PLATFORMS,
    "channels": CHANNELS,
    "down_and_up": DOWN_AND_UP,
}


def _expected(by_reason: dict[str, str]) -> Json:
    expected = {}
    for reason, versions in by_reason.items():
        for word in versions.split():
            version, sign, price = word.partition("=")
            assert version not in expected, f"{version} is expected twice"
            expected[version] = _outcome(reason + sign + price)
    return expected


def _installed(text: str) -> Json:
    version, machine, channel, *rest = text.split()
    os, _, arch = machine.rpartition("-")
    ids = [word.removeprefix("id=") for word in rest if word.startswith("id=")]
    return {
        "version": version,
        "os": os,
        "arch": arch,
        "channel": channel,
        "install_id": ids[0] if ids else None,
        "is_manual": "manual" in rest,
    }


def _rollouts(text: str) -> Json:
    pairs = (word.split("=") for word in text.split())
    return {
        version: {"is_halted": True} if share == "halted" else {"share_basis_points": int(share)}
        for version, share in pairs
    }


class _Catalogues:
    """The catalogues of one file: the shared ones that are used, and those of single cases under the case's name."""

    def __init__(self, shared: dict[str, Json]) -> None:
        self._shared = shared
        self.used: dict[str, Json] = {}

    def name_of(self, wanted: str | Json, case: str) -> str:
        name = wanted if isinstance(wanted, str) else case
        self.used[name] = self._shared[wanted] if isinstance(wanted, str) else wanted
        return name


def coverage_file() -> Json:
    catalogues = _Catalogues(SHARED)
    cases = [(name, rule, TODAY, wanted, who, expected) for name, rule, wanted, who, expected in COVERAGE]
    cases += [(name, "calendar", day, wanted, who, expected) for name, day, wanted, who, expected in COVERAGE_BY_DAY]
    rendered = [
        {
            "name": name,
            "rule": rule,
            "catalogue": catalogues.name_of(wanted, name),
            "today": today,
            "licence": who,
            "expect": _expected(expected),
        }
        for name, rule, today, wanted, who, expected in cases
    ]
    return {"format": 1, "catalogues": catalogues.used, "cases": rendered}


def offers_file() -> Json:
    catalogues = _Catalogues(SHARED_BY_OFFERS)
    cases = []
    for name, wanted, who, asking, expected in OFFERS:
        copy, _, rollouts = asking.partition("|")
        cases.append(
            {
                "name": name,
                "catalogue": catalogues.name_of(wanted, name),
                "today": TODAY,
                "licence": who,
                "installed": _installed(copy),
                "rollouts": _rollouts(rollouts),
                "expect": expected,
            }
        )
    downloads = [
        {
            "name": name,
            "catalogue": catalogues.name_of(wanted, name),
            "today": TODAY,
            "licence": who,
            "rollouts": _rollouts(rollouts),
            "expect": {version: answer for answer, versions in expected.items() for version in versions.split()},
        }
        for name, wanted, who, rollouts, expected in DOWNLOADS
    ]
    places = [dict(zip(("install_id", "product", "version", "place"), row, strict=True)) for row in ROLLOUT_PLACES]
    return {
        "format": 1,
        "catalogues": catalogues.used,
        "cases": cases,
        "downloads": downloads,
        "rollout_places": places,
    }


FILES = {"coverage.json": coverage_file, "offers.json": offers_file}


def render(name: str) -> str:
    """The text of one of the files: what fits on a line is on one line."""
    return _text(FILES[name](), 0) + "\n"


def _text(value: Any, depth: int) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(flat) + 2 * depth <= 118:
        return flat
    inside = "  " * (depth + 1)
    if isinstance(value, dict):
        lines = [f"{json.dumps(key, ensure_ascii=False)}: {_text(member, depth + 1)}" for key, member in value.items()]
        return "{\n" + ",\n".join(inside + line for line in lines) + "\n" + "  " * depth + "}"
    return "[\n" + ",\n".join(inside + _text(member, depth + 1) for member in value) + "\n" + "  " * depth + "]"


if __name__ == "__main__":
    for file_name in FILES:
        (FOLDER / file_name).write_text(render(file_name), encoding="utf-8", newline="\n")
