"""A draft that people signed is published: ``tenure trust submit``. Running it again completes or confirms it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tenure_server.domain.products import LapsePolicy, Product
from tenure_server.domain.trust_drafts import DraftState
from tenure_server.errors import Conflict, InvalidRequest
from tenure_server.use_cases.audit import audited
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.key_holders import note_key_holders
from tenure_server.use_cases.ports import Clock, Database, Records
from tenure_server.use_cases.promote import require_promotable
from tenure_server.use_cases.publication import locked_repository, publish_roles
from tenure_server.use_cases.signers import OnlineSigners
from tenure_server.use_cases.statement_keys import licence_keys_in
from tenure_signing.draft_files import Draft
from tenure_signing.draft_signatures import outdated_roles
from tenure_signing.entitlement import ServicePacks
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.names import parse_channel, parse_edition, parse_product
from tenure_signing.release_record import releases_of
from tenure_signing.releases import Rollout
from tenure_signing.tuf_repository import Repository, delegations_of
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH, ONLINE_ROLES, ROOT, SNAPSHOT, TARGETS, TIMESTAMP


class OnlineKeyRing(Protocol):
    """The server's keys: those in use, and those that were made to follow them."""

    def online_signers(self, snapshot_keyids: Collection[str], timestamp_keyids: Collection[str]) -> OnlineSigners:
        """The signers whose keys are named. Raises ``NotInitialised`` or ``Conflict`` (``online_keys_missing``)."""
        ...

    def statement_kids(self) -> Mapping[Purpose, Collection[str]]:
        """The key ids the server can sign licence keys and certificates with, but for purposes whose keys are kept
        by another process."""
        ...

    def take_up(self, published: Repository, licence_keys: KeySet) -> tuple[str, ...]:
        """Let keys that were made to follow, and that are published now, take their places; their names."""
        ...


@dataclass(frozen=True, slots=True)
class Submitted:
    """``is_new`` is False when the draft had been published before. ``taken_up``: online keys now in use."""

    repository: Repository
    is_new: bool
    taken_up: tuple[str, ...]


class SubmitsDrafts(Protocol):
    """``SubmitDraft``, here or by the external signer."""

    def __call__(self, draft: Draft, *, who: str) -> Submitted: ...

    def require_submittable(self, before: Repository, draft: Draft) -> None: ...

    def changes_own_keys(self, draft: Draft) -> bool: ...

    def complete(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class SubmitDraft:
    database: Database
    signing_clock: Clock
    key_ring: OnlineKeyRing

    def __call__(self, draft: Draft, *, who: str) -> Submitted:
        """Check the draft as if it came from an enemy and publish it, in one transaction.

        Raises ``Conflict`` (``stale_draft``) if something else was published since it was made, ``foreign_draft`` if it
        belongs to another installation, ``signatures_missing``, ``licence_keys_unusable``; ``InvalidRequest`` for a
        product's settings; ``PublishingError`` and its kinds.
        """
        now = self.signing_clock()
        product = _product(draft)
        with self.database.writing() as records:
            before = locked_repository(records)
            is_new = not _is_published(before, draft)
            if is_new:
                self.require_submittable(before, draft)
                _require_signatures(draft)
                _require_promotions(records, draft)
                online = self._online(draft.after)
                publish_roles(records, before, draft.roles, online, now, trusted_targets=draft.trusted_targets)
                if product is not None:
                    records.products.add(product)
                named = note_key_holders(records, draft.after, draft.names)
                audited(records, now, who, "trust.submit", draft.code, **_details(draft), names=named)
            if _is_on_the_board(records, draft):
                records.trust_drafts.close(draft.code, DraftState.SUBMITTED, at=now, by=who)
            after = locked_repository(records)
            licence_keys = licence_keys_in(records)
        return Submitted(after, is_new, self.key_ring.take_up(after, licence_keys))

    def complete(self) -> tuple[str, ...]:
        """Do what a submission that was broken off right after its publication left undone; the keys now in use."""
        with self.database.reading() as records:
            published, licence_keys = read_repository(records), licence_keys_in(records)
        return self.key_ring.take_up(published, licence_keys)

    def require_submittable(self, before: Repository, draft: Draft) -> None:
        """Everything about the draft but its signatures allows it to be published now.

        Raises as submitting it does.
        """
        _product(draft)
        _require_current(before, draft)
        _require_trusted_files(draft)
        self.require_usable_licence_keys(draft)

    def changes_own_keys(self, draft: Draft) -> bool:
        """Whether server or signer sign with other keys once the draft is published."""
        if ROOT in draft.roles and draft.base.roots:
            before, after = draft.base.root().roles, draft.after.root().roles
            if any(before[role].keyids != after[role].keyids for role in ONLINE_ROLES):
                return True
        if LICENCE_KEYS_PATH not in draft.trusted_targets:
            return False
        present = KeySet.from_json(draft.base_trusted_targets.get(LICENCE_KEYS_PATH, KeySet().to_json()))
        new = KeySet.from_json(draft.trusted_targets[LICENCE_KEYS_PATH])
        own = [(kid, purpose) for purpose, kids in self.key_ring.statement_kids().items() for kid in kids]
        return any(_can_sign(present, *each) != _can_sign(new, *each) for each in own)

    def _online(self, after: Repository) -> OnlineSigners:
        roles = after.root().roles
        return self.key_ring.online_signers(roles[SNAPSHOT].keyids, roles[TIMESTAMP].keyids)

    def require_usable_licence_keys(self, draft: Draft) -> None:
        """The server can still sign licence keys and certificates that customers' products will believe.

        Raises ``Conflict`` (``licence_keys_unusable``).
        """
        if LICENCE_KEYS_PATH not in draft.trusted_targets:
            return
        key_set = KeySet.from_json(draft.trusted_targets[LICENCE_KEYS_PATH])
        for purpose, kids in self.key_ring.statement_kids().items():
            if not any(_can_sign(key_set, kid, purpose) for kid in kids):
                raise Conflict(
                    f"No key of this server could sign a {_NAMES[purpose]} any more.",
                    code="licence_keys_unusable",
                    hint="tenure trust draft online-keys --licence-keys makes new ones",
                )


def _can_sign(key_set: KeySet, kid: str, purpose: Purpose) -> bool:
    """Whether what the key signs from now on is believed."""
    key = key_set.find(kid, purpose)
    return key is not None and key.retired_at is None


_NAMES = {Purpose.LICENCE_KEY: "licence key", Purpose.CERTIFICATE: "certificate"}


def _is_published(before: Repository, draft: Draft) -> bool:
    """Whether every role of the draft is the current one, or for root one of those published."""
    published = {role: before.roles.get(role) == data for role, data in draft.roles.items() if role != ROOT}
    if ROOT in draft.roles:
        published[ROOT] = draft.roles[ROOT] in before.roots
    return all(published.values())


def _is_on_the_board(records: Records, draft: Draft) -> bool:
    hung = records.trust_drafts.get(draft.code, for_change=True)
    return hung is not None and hung.state is DraftState.OPEN


def _require_current(before: Repository, draft: Draft) -> None:
    if before.roots[:1] != draft.base.roots[:1]:
        raise Conflict("The draft belongs to another installation.", code="foreign_draft")
    if changed := outdated_roles(draft, before):
        raise Conflict(
            f"Something else was published since the draft was made: {', '.join(changed)}.",
            code="stale_draft",
            hint="make the draft again and let it be signed again",
        )


def _require_signatures(draft: Draft) -> None:
    missing = [each for each in draft.requirements() if not each.is_met]
    if missing:
        wanted = (f"{e.role} has {len(e.signed)} of {e.threshold} signatures of {e.asked_by}" for e in missing)
        raise Conflict(
            f"Signatures are missing: {'; '.join(wanted)}.",
            code="signatures_missing",
            hint="tenure trust status DRAFT shows whose",
        )


def _require_promotions(records: Records, draft: Draft) -> None:
    """What is promoted may be, by the vendor's own order of channels, which is not signed."""
    for role in draft.roles:
        if role not in draft.base.products:
            continue
        name = parse_product(role)
        product = records.products.get(name)
        if product is None:
            continue
        rollouts = records.rollouts.of_product(name)
        before = {release.version: release for release in releases_of(name, draft.base.targets(role).targets)}
        for release in releases_of(name, draft.after.targets(role).targets):
            was = before.get(release.version)
            if was is not None and was.channel != release.channel:
                rollout = rollouts.get(release.version, Rollout())
                require_promotable(product, was, rollout, release.channel)


def _require_trusted_files(draft: Draft) -> None:
    """Every file of the trust folder that changes comes with the draft: nobody could fetch it otherwise."""
    if TARGETS not in draft.roles:
        return
    before = draft.base.targets().targets if TARGETS in draft.base.roles else {}
    for path, target in draft.after.targets().targets.items():
        if before.get(path) != target and path not in draft.trusted_targets:
            raise Conflict(f"The draft lists {path}, and does not hold it.", code="trusted_file_missing")


def _details(draft: Draft) -> dict[str, object]:
    details: dict[str, object] = {"purpose": draft.purpose}
    details["roles"] = {each.role: f"signed by {', '.join(each.signed)}" for each in draft.requirements()}
    if ROOT in draft.roles:
        for role in (*ONLINE_ROLES, ROOT):
            details[f"{role}_keys"] = list(draft.after.root().roles[role].keyids)
    return details


def settings_of(product: Product) -> dict[str, object]:
    """A product's settings as a draft carries them."""
    return {
        "name": product.name,
        "title": product.title,
        "editions": list(product.editions),
        "channels": list(product.channels),
        "service_packs": product.service_packs.value,
        "lapse": product.lapse_policy.value,
    }


def _product(draft: Draft) -> Product | None:
    """The product that the draft adds; parsed anew, because a draft's settings are not signed."""
    settings = draft.product_settings
    if settings is None:
        return None
    try:
        product = Product(
            name=parse_product(_text(settings, "name")),
            title=_text(settings, "title"),
            editions=tuple(parse_edition(each) for each in _texts(settings, "editions")),
            channels=tuple(parse_channel(each) for each in _texts(settings, "channels")),
            service_packs=ServicePacks(_text(settings, "service_packs")),
            lapse_policy=LapsePolicy(_text(settings, "lapse")),
        )
    except ValueError as error:
        raise InvalidRequest(
            f"The draft's product settings cannot be used: {error}.", code="product_settings"
        ) from error
    if not product.editions or not product.channels:
        raise InvalidRequest("A product has at least one edition and one channel.", code="incomplete_product")
    if product.name not in draft.roles or product.name not in delegations_of(draft.after.targets()):
        raise InvalidRequest("The draft has settings for a product that it does not add.", code="product_settings")
    return product


def _text(settings: Mapping[str, Any], name: str) -> str:
    value = settings.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value


def _texts(settings: Mapping[str, Any], name: str) -> list[str]:
    value = settings.get(name)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{name} is no list of texts")
    return value
