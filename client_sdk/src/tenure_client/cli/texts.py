"""Answers as lines for people and as JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum

from tenure_client.answers import Bundle, LicenceInfo, Source, UpdateAnswer
from tenure_client.problems import shown
from tenure_signing.releases import Build, Money
from tenure_signing.versions import Version


def print_lines(lines: Iterable[str]) -> None:
    """The lines to standard output, without anything that a terminal would obey."""
    for line in lines:
        sys.stdout.write(f"{shown(line) or ''}\n")


def print_json(value: object) -> None:
    """One JSON document: names as in the typed answers, days and instants as ISO 8601, versions as text."""
    sys.stdout.write(json.dumps(plain(value), indent=2) + "\n")


def plain(value: object) -> object:
    """The value in what JSON knows."""
    match value:
        case Enum():
            return value.value
        case datetime() | date():
            return value.isoformat()
        case Version():
            return str(value)
        case tuple() | list():
            return [plain(item) for item in value]
        case dict():
            return {str(name): plain(item) for name, item in value.items()}
        case _ if is_dataclass(value):
            return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return value


def answer_lines(answer: UpdateAnswer) -> list[str]:
    """The answer, one fact a line."""
    installed = answer.installed
    lines = [
        f"{answer.product} {installed.version} ({answer.edition}, {answer.channel}, {answer.machine}): "
        f"{answer.status.replace('_', ' ')}"
    ]
    if installed.withdrawal is not None:
        instead = f"; use {installed.withdrawal.replacement}" if installed.withdrawal.replacement is not None else ""
        lines.append(f"withdrawn: {installed.withdrawal.reason}{instead}")
    if answer.offer is not None:
        offer = answer.offer
        steps = f"; then on to {offer.last_step}" if offer.last_step is not None else ""
        down = "; a downgrade" if offer.is_downgrade else ""
        lines.append(
            f"offer: {offer.version}, {_words(offer.kind)} of {offer.released_on}, {_size(offer.builds[0].length)}, "
            f"covered: {_words(offer.reason)}{down}{steps}"
        )
        lines += [f"| {line}" for line in (offer.notes or "").splitlines()]
    newest = answer.newest
    if newest is not None and (answer.offer is None or newest.version != answer.offer.version):
        covered = "covered" if newest.is_covered else "not covered"
        price = f", {_money(newest.price)} per seat" if newest.price is not None else ""
        lines.append(f"newest: {newest.version} of {newest.released_on}, {covered}: {_words(newest.reason)}{price}")
    return [*lines, *_support_lines(answer), *_source_lines(answer)]


def licence_lines(licence: LicenceInfo | None) -> list[str]:
    """The licence, without its key."""
    if licence is None:
        return ["no licence key was given yet"]
    seats = "1 seat" if licence.seats == 1 else f"{licence.seats} seats"
    status = f", {licence.status}" if licence.status is not None else ""
    return [
        f"licence {licence.licence_id} ({licence.hint}): {licence.product}, {licence.edition}, {seats}, "
        f"bought on {licence.purchased_on}{status}"
    ]


def build_lines(name: str, build: Build) -> list[str]:
    return [f"{name} is {build.path}: {build.length} bytes, SHA-256 {build.sha256}"]


def bundle_lines(bundle: Bundle) -> list[str]:
    """What a bundle holds, a file a line."""
    lines = [
        f"bundle of {bundle.made_at:%Y-%m-%d} for licence {bundle.licence_id}: {bundle.product}, {bundle.edition}; "
        f"use before {bundle.expires_at:%Y-%m-%d}"
    ]
    for release in bundle.releases:
        about = f"{release.version}, {_words(release.kind)} of {release.released_on}, covered: {_words(release.reason)}"
        lines.append(about)
        lines += [f"  {build.file_name}: {_size(build.length)}, {build.platform}" for build in release.builds]
    return lines


def _support_lines(answer: UpdateAnswer) -> list[str]:
    support, renewal = answer.support, answer.renewal
    if support.last_covered_day is None:
        lines = ["support: none was ever bought"]
    else:
        left = "1 day left" if support.days_left == 1 else f"{support.days_left} days left"
        when = f"until {support.last_covered_day}, {left}" if support.days_left else f"ended {support.last_covered_day}"
        lines = [f"support: {when}"]
    if renewal is None:
        return lines
    prices = ", ".join(f"{option.years} y {_money(option.price)}" for option in renewal.options)
    if renewal.can_be_ordered:
        until = f" until {renewal.closes_on}" if renewal.closes_on is not None else ""
        lines.append(f"renewal: can be ordered now{until} at {renewal.url} ({prices})")
    elif renewal.opens_on is not None:
        lines.append(f"renewal: from {renewal.opens_on} at {renewal.url} ({prices})")
    else:
        lines.append(f"renewal: {_words(renewal.state)}; see {renewal.url}")
    return lines


def _source_lines(answer: UpdateAnswer) -> list[str]:
    if answer.source is Source.SERVER:
        return []
    why = _words(answer.kept_reason or "")
    return [f"as of {answer.as_of:%Y-%m-%d %H:%M} UTC, from what was kept ({why})"]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _size(count: int) -> str:
    """Bytes in decimal units."""
    if count < 1_000:
        return f"{count} bytes"
    amount = float(count)
    for unit in ("kB", "MB"):
        amount /= 1_000
        if amount < 1_000:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1_000:.1f} GB"


def _money(price: Money) -> str:
    """Minor units as they are: how many make a whole one depends on the currency."""
    return f"{price.minor_units} {price.currency} minor units"
