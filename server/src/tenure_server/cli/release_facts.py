"""A release as people are shown it: before it is signed, and after it was published."""

from __future__ import annotations

from collections.abc import Mapping

from tenure_server.cli.output import say, say_table
from tenure_server.domain.money import show
from tenure_signing.names import Platform
from tenure_signing.releases import Release

ANY = Platform("any", "any")


def release_facts(release: Release) -> dict[str, object]:
    """Names and values, the files last."""
    return {
        **_said(release),
        "builds": "\n".join(f"{platform_name(b.platform)}  {b.file_name}  {b.length} bytes" for b in release.builds),
        **({"beside": "\n".join(_beside(release))} if release.side_files else {}),
    }


def show_what_is_signed(release: Release, origins: Mapping[str, str]) -> None:
    """Every fact that goes under the signature, with where it is from, and a table of the files."""
    facts = {"product": release.product, "version": release.version, **_said(release)}
    width = max(map(len, facts))
    for name, value in facts.items():
        origin = f"   ({origins[name]})" if name in origins else ""
        say(f"  {name:<{width}}  {value}{origin}")
    rows = [(b.file_name, platform_name(b.platform), f"{b.length:,}", b.sha256) for b in release.builds]
    rows += [(f.file_name, f"beside: {f.kind}", f"{f.length:,}", f.sha256) for f in release.side_files]
    if origins.get("platforms"):
        say(f"  {'platforms':<{width}}  {origins['platforms']}")
    say_table(("FILE", "FOR", "BYTES", "SHA-256"), rows)


def platform_name(platform: Platform) -> str:
    """As it is typed: ``any``, not ``any-any``."""
    return "any" if platform == ANY else str(platform)


def _said(release: Release) -> dict[str, object]:
    return {
        "kind": release.kind.value.replace("_", " "),
        "release day": release.released_on,
        "channel": release.channel,
        "editions": ", ".join(sorted(release.editions)),
        **({"upgrades from": release.upgrade_from} if release.upgrade_from is not None else {}),
        **({"open": "to every licensee"} if release.open_release else {}),
        **_prices(release),
        **({"fixes": ", ".join(release.fixes)} if release.fixes else {}),
        **({"notes": f"SHA-256 {release.notes_sha256}"} if release.notes_sha256 is not None else {}),
        **{f"notes in {language}": f"SHA-256 {digest}" for language, digest in release.notes_by_language},
    }


def _beside(release: Release) -> list[str]:
    return [f"{file.kind}  {file.file_name}  {file.length} bytes" for file in release.side_files]


def _prices(release: Release) -> dict[str, str]:
    paid = release.paid_upgrade
    if paid is None:
        return {}
    return {
        "paid upgrade": f"{show(paid.price_in_support)} per seat in support on the release day,"
        f" {show(paid.price_without_support)} otherwise"
    }
