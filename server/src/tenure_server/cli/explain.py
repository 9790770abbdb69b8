"""``tenure explain``: the rule, the dates, the step and the rollout place behind what an installed copy is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, context_of, parse_instant, parsed, parsed_or_none
from tenure_server.cli.licences import LicenceArgument
from tenure_server.cli.output import money_json, print_facts, print_json, print_line, print_table
from tenure_server.domain.money import show
from tenure_server.domain.rollouts import show_share
from tenure_server.domain.upgrades import grant_text
from tenure_server.use_cases.explain_update import ExplainedAnswer
from tenure_signing.coverage import Coverage, CoverageReason, Covered, RefusalReason
from tenure_signing.entitlement import Entitlement
from tenure_signing.names import parse_channel, parse_platform
from tenure_signing.releases import Release
from tenure_signing.rollout import BASIS_POINTS
from tenure_signing.update_choice import InstalledCopy, Obstacle
from tenure_signing.update_explanation import ExplainedRelease, Outcome, UpdateExplanation
from tenure_signing.versions import parse_version


def register(app: typer.Typer) -> None:
    app.command("explain")(explain)


def explain(
    ctx: typer.Context,
    licence_id: LicenceArgument,
    installed: Annotated[str, typer.Option("--installed", help="The version that is installed.")],
    platform: Annotated[str, typer.Option("--platform", help="The machine, such as windows-x86_64.")],
    channel: Annotated[str, typer.Option("--channel", help="The channel it asks for.")] = "stable",
    install_id: Annotated[str | None, typer.Option("--install-id", help="Its anonymous id, if it sends one.")] = None,
    manual: Annotated[bool, typer.Option("--manual", help="A person pressed 'check now'.")] = False,
    at: Annotated[str | None, typer.Option("--at", help="Another instant: 2026-12-01T09:00+08:00.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say why an installed copy is answered as it is."""
    copy = InstalledCopy(
        version=parsed("--installed", installed, parse_version),
        machine=parsed("--platform", platform, parse_platform),
        channel=parsed("--channel", channel, parse_channel),
        install_id=install_id,
        is_manual=manual,
    )
    instant = parsed_or_none("--at", at, parse_instant)
    answer = context_of(ctx).installation.explain_update(licence_id, copy, at=instant)
    if as_json:
        print_json(_json(answer))
    else:
        _print(answer)


def _print(answer: ExplainedAnswer) -> None:
    print_facts(_facts(answer))
    print_line()
    rows = [
        [f"{release.version}", release.released_on, release.channel, "not yet", f"appears on {release.released_on}"]
        for release in reversed(answer.not_yet)
    ]
    for each in answer.explanation.releases:
        why = why_covered(answer.entitlement, each.release, each.coverage)
        told = f"{outcome_text(each, answer.copy)}; {why}"
        release = each.release
        rows.append([f"{release.version}", release.released_on, release.channel, _words(each.outcome), told])
    print_table(("version", "day", "channel", "outcome", "why"), rows, nothing="Nothing was published yet.")


def _facts(answer: ExplainedAnswer) -> dict[str, object]:
    licence, entitlement, choice = answer.licence, answer.entitlement, answer.explanation.choice
    periods = [f"{period.starts_on} to {period.ends_on}" for period in entitlement.periods]
    facts: dict[str, object] = {
        "answer": _answer(answer.explanation),
        "on": answer.day,
        "licence": f"{licence.licence_id}, {licence.product} {licence.edition}, {licence.status}",
        "purchased on": entitlement.purchased_on,
        "support periods": "\n".join(periods) or "none",
        "granted": ", ".join(map(grant_text, entitlement.grants)) or "nothing",
        "service packs": f"by {entitlement.service_packs}",
    }
    if entitlement.updates.pin is not None:
        ignored = " (passed over: its line has nothing to install)" if choice.pin is None else ""
        facts["pin"] = f"{entitlement.updates.pin}{ignored}"
    if entitlement.updates.channels is not None:
        facts["channels"] = ", ".join(sorted(entitlement.updates.channels))
    return facts


def _answer(explanation: UpdateExplanation) -> str:
    choice = explanation.choice
    if choice.offer is None:
        return _words(choice.status)
    to = f"{'down to' if choice.offer.is_downgrade else 'to'} {choice.offer.release.version}"
    then = f", then on to {choice.offer.last_step}" if choice.offer.last_step is not None else ""
    return f"{_words(choice.status)}, {to}{then}"


def _words(name: str) -> str:
    return name.replace("_", " ")


_OUTCOMES: dict[Obstacle | Outcome, Callable[[ExplainedRelease, InstalledCopy], str]] = {
    Obstacle.WITHDRAWN: lambda each, _: f"withdrawn: {each.release.withdrawal and each.release.withdrawal.reason}",
    Obstacle.LESS_STABLE_CHANNEL: lambda each, copy: f"{each.release.channel} is less stable than {copy.channel}",
    Obstacle.CHANNEL_NOT_ALLOWED: lambda each, _: f"the licence may not have the channel {each.release.channel}",
    Obstacle.OTHER_EDITION: lambda each, _: f"only for {', '.join(sorted(each.release.editions))}",
    Obstacle.NO_BUILD: lambda _, copy: f"no build for {copy.machine}",
    Obstacle.HALTED: lambda each, _: "its rollout is halted",
    Obstacle.NOT_YET_ROLLED_OUT: lambda each, _: f"its rollout does not reach this copy: {_rollout(each)}",
    Outcome.OFFERED: lambda each, _: f"the one to install next{_reached(each)}",
    Outcome.NEXT_STEP: lambda each, _: f"comes after the step, upgrades from {each.release.upgrade_from}",
    Outcome.NOT_COVERED: lambda _, __: "newer than what is installed",
    Outcome.BEYOND_PIN: lambda _, __: "above the line that the licence is pinned to",
    Outcome.INSTALLED: lambda _, __: "what is installed",
    Outcome.OLDER: lambda _, __: "older than what is installed",
    Outcome.NEEDS_STEP: lambda each, _: f"upgrades from {each.release.upgrade_from}, which nothing covered leads to",
    Outcome.PASSED_OVER: lambda _, __: "a higher one can be installed",
}


def outcome_text(each: ExplainedRelease, copy: InstalledCopy) -> str:
    """What became of the release, in a few words."""
    return _OUTCOMES[each.outcome](each, copy)


def _reached(each: ExplainedRelease) -> str:
    return f" ({_rollout(each)})" if each.rollout.share_basis_points < BASIS_POINTS else ""


def _rollout(each: ExplainedRelease) -> str:
    share = show_share(each.rollout.share_basis_points)
    place = "it sends no install id" if each.place is None else f"its place is {show_share(each.place)}"
    return f"{share} of installs, {place}"


def why_covered(entitlement: Entitlement, release: Release, decision: Coverage) -> str:
    """RULES.md, Which releases are covered: the reason with its dates."""
    if isinstance(decision, Covered):
        return f"covered: {_covered(entitlement, release, decision.reason)}"
    price = f" ({show(decision.price)} a seat)" if decision.price is not None else ""
    return f"not covered: {_not_covered(entitlement, release, decision.reason)}{price}"


def _covered(entitlement: Entitlement, release: Release, reason: CoverageReason) -> str:
    match reason:
        case CoverageReason.PURCHASED:
            return f"dated on or before the purchase on {entitlement.purchased_on}"
        case CoverageReason.SUPPORT_PERIOD:
            period = next(period for period in entitlement.periods if release.released_on in period)
            return f"dated in the support period {period.starts_on} to {period.ends_on}"
        case CoverageReason.GRANTED:
            grant = next(grant for grant in entitlement.grants if grant.holds_for(release.version))
            return f"granted as {grant_text(grant)}"
        case CoverageReason.OPEN_RELEASE:
            return "open to every licence of the edition"
        case CoverageReason.STEP:
            return "the lowest step towards a covered release, and no covered one can serve"
        case CoverageReason.SERVICE_PACK:
            return "service packs follow their release, which is covered"


def _not_covered(entitlement: Entitlement, release: Release, reason: RefusalReason) -> str:
    match reason:
        case RefusalReason.AFTER_SUPPORT:
            return f"dated after the last paid day {entitlement.last_supported_day}"
        case RefusalReason.BETWEEN_PERIODS:
            return "dated between two support periods"
        case RefusalReason.NEVER_SUPPORTED:
            return f"newer than the purchase on {entitlement.purchased_on}, and no period was ever bought"
        case RefusalReason.UPGRADE_PAYMENT_DUE:
            in_support = "in" if entitlement.supports(release.released_on) else "outside"
            return f"a paid upgrade, dated {in_support} a support period"
        case _:
            return _words(reason)


def _json(answer: ExplainedAnswer) -> dict[str, object]:
    choice, offer = answer.explanation.choice, answer.explanation.choice.offer
    return {
        "licence_id": answer.licence.licence_id,
        "on": answer.day.isoformat(),
        "status": choice.status.value,
        "offer": str(offer.release.version) if offer is not None else None,
        "last_step": str(offer.last_step) if offer is not None and offer.last_step is not None else None,
        "pin": str(choice.pin) if choice.pin is not None else None,
        "releases": [_release_json(answer, each) for each in answer.explanation.releases],
        "not_yet": [{"version": str(r.version), "released_on": r.released_on.isoformat()} for r in answer.not_yet],
    }


def _release_json(answer: ExplainedAnswer, each: ExplainedRelease) -> dict[str, object]:
    price = None if isinstance(each.coverage, Covered) else each.coverage.price
    return {
        "version": str(each.release.version),
        "released_on": each.release.released_on.isoformat(),
        "channel": each.release.channel,
        "outcome": each.outcome.value,
        "why": outcome_text(each, answer.copy),
        "is_covered": isinstance(each.coverage, Covered),
        "coverage": each.coverage.reason.value,
        "coverage_why": why_covered(answer.entitlement, each.release, each.coverage),
        "price": money_json(price) if price is not None else None,
        "share_basis_points": each.rollout.share_basis_points,
        "place": each.place,
        "is_halted": each.rollout.is_halted,
    }
