"""``tenure trust draft …``: what is to change, as a file for people to sign. No private key is needed to make one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from tenure_server.cli.context import AlthoughNeeded, parsed, parsed_or_none
from tenure_server.cli.keys import read_public_key
from tenure_server.cli.trust_drafting import Drafting, draft_command
from tenure_server.cli.trust_sources import GivenKeys
from tenure_server.domain.products import LapsePolicy, Product
from tenure_server.errors import InvalidRequest
from tenure_server.use_cases.submit_draft import settings_of
from tenure_server.use_cases.trust_status import trust_status
from tenure_server.use_cases.withdraw import needed_as_step
from tenure_signing.draft_files import Draft
from tenure_signing.entitlement import ServicePacks
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.key_sources import SigningKey, tuf_signer
from tenure_signing.names import parse_channel, parse_edition, parse_product
from tenure_signing.releases import DEFAULT_CHANNELS, Withdrawal
from tenure_signing.trust_changes import chosen_keys, role_keys_of, root_keys_of
from tenure_signing.tuf_drafts import RootKeys
from tenure_signing.tuf_review import stranded_by
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH, SNAPSHOT, TIMESTAMP
from tenure_signing.tuf_verified import Verified
from tenure_signing.versions import parse_version

KeysOption = Annotated[
    list[str] | None,
    typer.Option("--key", help="A public key file, or the beginning of a present key id; repeat. Names all keys."),
]
ThresholdOption = Annotated[int | None, typer.Option("--threshold", help="How many of them must sign.")]
ProductArgument = Annotated[str, typer.Argument(metavar="PRODUCT")]


@draft_command("root")
def root(
    drafting: Drafting,
    root_key: Annotated[
        list[str] | None,
        typer.Option("--root-key", help="A public key file, or the beginning of a present key id; repeat for all."),
    ] = None,
    threshold: Annotated[int | None, typer.Option("--threshold", help="How many root keys must sign.")] = None,
    targets_key: Annotated[list[str] | None, typer.Option("--targets-key", help="The same for targets.")] = None,
    targets_threshold: Annotated[
        int | None, typer.Option("--targets-threshold", help="How many targets keys must sign.")
    ] = None,
) -> Draft:
    """Other keys or thresholds for root or targets. What is not named stays."""
    if not (root_key or targets_key or threshold or targets_threshold):
        raise InvalidRequest("Nothing changes.", code="nothing_changes", hint="tenure trust draft renew root renews it")
    given = GivenKeys()
    verified = drafting.verified()
    present = root_keys_of(verified.repository.root())
    keys = RootKeys(
        root=chosen_keys(given.read(root_key), present.root.keys, threshold, present.root.threshold),
        targets=chosen_keys(
            given.read(targets_key), present.targets.keys, targets_threshold, present.targets.threshold
        ),
        snapshot=present.snapshot,
        timestamp=present.timestamp,
    )
    changes = drafting.changes(verified, "other keys for root and targets", given)
    return changes.root(keys)


@draft_command("product-keys")
def product_keys(
    drafting: Drafting,
    product: ProductArgument,
    key: KeysOption = None,
    threshold: ThresholdOption = None,
    withdraw: Annotated[
        list[str] | None, typer.Option("--withdraw", help="A version that a thief signed; repeat for more.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why these are withdrawn.")] = "not published by us",
) -> Draft:
    """Other keys for a product, whose role they sign anew."""
    given = GivenKeys()
    name = parsed("PRODUCT", product, parse_product)
    verified = drafting.verified()
    present = role_keys_of(verified.repository.targets(), name)
    keys = chosen_keys(given.read(key), present.keys, threshold, present.threshold)
    changes = drafting.changes(verified, f"other keys for {name}", given)
    versions = [parsed("--withdraw", each, parse_version) for each in withdraw or ()]
    return changes.product_keys(name, keys, withdrawing={each: Withdrawal(reason) for each in versions})


@draft_command("add-product")
def add_product(
    drafting: Drafting,
    product: ProductArgument,
    edition: Annotated[list[str], typer.Option("--edition", help="An edition; repeat for more.")],
    key: Annotated[list[str], typer.Option("--key", help="Public key file of a release engineer; repeat for more.")],
    threshold: Annotated[int, typer.Option("--threshold", help="How many of them must sign a release.")],
    title: Annotated[str | None, typer.Option("--title", help="The name customers see.")] = None,
    channel: Annotated[
        list[str] | None, typer.Option("--channel", help="A channel; repeat for more, most stable first.")
    ] = None,
    service_packs: Annotated[
        ServicePacks, typer.Option("--service-packs", help="Whether service packs follow their x.y release.")
    ] = ServicePacks.PERIOD,
    lapse: Annotated[
        LapsePolicy, typer.Option("--lapse", help="What a licence may order once support has lapsed.")
    ] = LapsePolicy.CLOSED,
) -> Draft:
    """A product that several release engineers sign for."""
    given = GivenKeys()
    settings = Product(
        name=parsed("PRODUCT", product, parse_product),
        title=title or product,
        editions=tuple(parsed("--edition", each, parse_edition) for each in edition),
        channels=tuple(parsed("--channel", each, parse_channel) for each in channel) if channel else DEFAULT_CHANNELS,
        service_packs=service_packs,
        lapse_policy=lapse,
    )
    keys = chosen_keys(given.files(key), (), threshold, threshold)
    verified = drafting.verified()
    changes = drafting.changes(verified, f"a new product, {settings.name}", given)
    return changes.product_added(settings.name, keys, settings_of(settings))


@draft_command("retire-product")
def retire_product(
    drafting: Drafting,
    product: ProductArgument,
) -> Draft:
    """Trust nobody with a product any more. Its name is not used again."""
    name = parsed("PRODUCT", product, parse_product)
    verified = drafting.verified()
    return drafting.changes(verified, f"retire {name}").product_retired(name)


@draft_command("withdraw")
def withdraw_releases(
    drafting: Drafting,
    product: ProductArgument,
    version: Annotated[list[str], typer.Option("--version", help="A version; repeat for more.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; customers read it.")],
    replacement: Annotated[str | None, typer.Option("--replacement", help="The version to use in its place.")] = None,
    although_needed: AlthoughNeeded = False,
) -> Draft:
    """Withdraw releases by a draft that several sign."""
    name = parsed("PRODUCT", product, parse_product)
    withdrawal = Withdrawal(reason, parsed_or_none("--replacement", replacement, parse_version))
    versions = [parsed("--version", each, parse_version) for each in version]
    verified = drafting.verified()
    changes = drafting.changes(verified, f"withdraw releases of {name}")
    draft = changes.withdrawn(name, dict.fromkeys(versions, withdrawal))
    if not although_needed and (lost := stranded_by(draft, name)):
        raise needed_as_step(name, versions, lost)
    return draft


@draft_command("promote")
def promote(
    drafting: Drafting,
    product: ProductArgument,
    version: Annotated[str, typer.Option("--version", help="The release's version.")],
    to: Annotated[str, typer.Option("--to", help="The more stable channel, such as stable.")],
) -> Draft:
    """Move a release to a more stable channel by a draft."""
    name, channel = parsed("PRODUCT", product, parse_product), parsed("--to", to, parse_channel)
    verified = drafting.verified()
    changes = drafting.changes(verified, f"promote {name} {version} to {channel}")
    return changes.promoted(name, parsed("--version", version, parse_version), channel)


@draft_command("renew")
def renew(
    drafting: Drafting,
    roles: Annotated[
        list[str] | None, typer.Argument(metavar="[ROLE]...", help="root, targets, products; default: what is due.")
    ] = None,
) -> Draft:
    """Let roles live on, unchanged."""
    verified = drafting.verified()
    lives = trust_status(verified.repository, drafting.context.installation.signing_clock())
    due = [life.role for life in lives if life.needs_people and not life.is_online]
    if not (roles or due):
        raise InvalidRequest("No role is due.", code="nothing_changes", hint="name one: root, targets or a product")
    wanted = list(dict.fromkeys(roles or due))
    changes = drafting.changes(verified, f"renew {', '.join(wanted)}")
    return changes.renewed(wanted)


@draft_command("licence-keys")
def licence_keys(
    drafting: Drafting,
    add_licence_key: Annotated[
        list[Path] | None, typer.Option("--add-licence-key", help="Public key file, for signing licence keys.")
    ] = None,
    add_certificate_key: Annotated[
        list[Path] | None, typer.Option("--add-certificate-key", help="Public key file, for signing certificates.")
    ] = None,
    retire: Annotated[
        list[str] | None, typer.Option("--retire", help="Key id that signs nothing new; what it signed stays valid.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", help="Key id of a stolen key: nothing it signed stays valid.")
    ] = None,
) -> Draft:
    """Other public keys for licence keys and certificates."""
    verified = drafting.verified()
    key_set = present = _present_licence_keys(verified)
    for path in add_licence_key or ():
        key_set = key_set.adding(read_public_key(path).verification_key(Purpose.LICENCE_KEY))
    for path in add_certificate_key or ():
        key_set = key_set.adding(read_public_key(path).verification_key(Purpose.CERTIFICATE))
    for kid in retire or ():
        key_set = key_set.retiring(kid, drafting.context.installation.signing_clock())
    for kid in remove or ():
        key_set = key_set.removing(kid)
    if key_set == present:
        raise InvalidRequest("Nothing changes.", code="nothing_changes")
    changes = drafting.changes(verified, "other licence public keys")
    return changes.licence_keys(key_set)


@draft_command("online-keys", here_only=True)
def online_keys(
    drafting: Drafting,
    old_licence_keys: Annotated[
        Literal["retire", "remove"] | None,
        typer.Option("--licence-keys", help="New licence and certificate keys too: what becomes of the old ones."),
    ] = None,
    only_licence_keys: Annotated[
        bool, typer.Option("--only-licence-keys", help="Not those of snapshot and timestamp: an external signer's.")
    ] = False,
    snapshot_key: Annotated[
        Path | None, typer.Option("--snapshot-key", help="Public key file of a key on a token; default: a new file.")
    ] = None,
    timestamp_key: Annotated[Path | None, typer.Option("--timestamp-key", help="The same for timestamp.")] = None,
) -> Draft:
    """New snapshot and timestamp keys, made on this server. They come into use when the draft is submitted."""
    verified = drafting.verified()
    ring = drafting.context.installation.online_keys
    given = GivenKeys()
    named = {SNAPSHOT: given.files(_listed(snapshot_key)), TIMESTAMP: given.files(_listed(timestamp_key))}
    if only_licence_keys and (old_licence_keys is None or any(named.values())):
        raise typer.BadParameter("--only-licence-keys goes with --licence-keys, and with no other key")
    key_set = None
    if old_licence_keys is not None:
        now = drafting.context.installation.signing_clock()
        key_set = _replaced(
            _present_licence_keys(verified),
            {name: ring.current_statement_key(name) for name in _STATEMENT_KEYS},
            ring.make_next(_STATEMENT_KEYS),
            lambda keys, kid: keys.retiring(kid, now) if old_licence_keys == "retire" else keys.removing(kid),
        )
    why = "new keys for the server"
    if only_licence_keys and key_set is not None:
        return drafting.changes(verified, why).licence_keys(key_set)
    made = ring.make_next([name for name, files in named.items() if not files])
    public = {name: files[0] for name, files in named.items() if files}
    public |= {name: tuf_signer(key).public_key for name, key in made.items()}
    present = root_keys_of(verified.repository.root())
    keys = RootKeys(present.root, present.targets, public[SNAPSHOT], public[TIMESTAMP])
    names = given.also({key.keyid: f"the server's {name} key" for name, key in public.items()})
    return drafting.changes(verified, why, GivenKeys(names)).root(keys, licence_keys=key_set)


def _listed(path: Path | None) -> list[str]:
    return [str(path)] if path is not None else []


_STATEMENT_KEYS = {"licence": Purpose.LICENCE_KEY, "certificate": Purpose.CERTIFICATE}


def _replaced(
    key_set: KeySet,
    old: dict[str, SigningKey],
    new: dict[str, SigningKey],
    let_go: Callable[[KeySet, str], KeySet],
) -> KeySet:
    for name, purpose in _STATEMENT_KEYS.items():
        if key_set.find(old[name].kid, purpose) is not None:
            key_set = let_go(key_set, old[name].kid)
        key_set = key_set.adding(new[name].verification_key(purpose))
    return key_set


def _present_licence_keys(verified: Verified) -> KeySet:
    data = verified.trusted_targets.get(LICENCE_KEYS_PATH)
    if data is None:
        raise InvalidRequest("The present licence public keys are not to be had.", code="licence_keys_missing")
    return KeySet.from_json(data)
