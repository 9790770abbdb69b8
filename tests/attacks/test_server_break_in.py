"""Somebody holds the server: its database, its store, its online keys. They can withhold and delay; they cannot ship.

What they *can* do is asserted too, so that nobody believes otherwise.
"""

from __future__ import annotations

import copy as copies
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import Delegations, TargetFile, Targets

from tenure_client.answers import KeptReason
from tenure_client.errors import (
    LicenceError,
    LicenceRejected,
    MetadataExpired,
    NotCovered,
    ServerContradictsSignedFacts,
    TenureClientError,
    UnknownRelease,
    UntrustedMetadata,
)
from tenure_signing.errors import SigningError
from tenure_signing.issuing import issue_licence_key
from tenure_signing.key_sets import KeySet, Purpose
from tenure_signing.key_sources import new_key, tuf_signer
from tenure_signing.tuf_drafts import RoleKeys, sign, with_product_keys
from tenure_signing.tuf_publishing import with_roles
from tenure_signing.tuf_roles import LICENCE_KEYS_PATH, TARGETS
from tests.attacks.burglar import Backup, Burglar, changed, signed_by
from tests.attacks.stage import InstalledCopy, Stage, file_name
from tests.client_sdk.loopback import Reply
from tests.server.world import CAD, CAM, PRO, body_of

EVIL = b"evil " * 400
PATH_1_1 = f"cad/1.1/{file_name('1.1')}"


@pytest.fixture
def burglar(stage: Stage) -> Burglar:
    return Burglar(stage)


def everybody(stage: Stage) -> tuple[InstalledCopy, InstalledCopy]:
    """A copy that knows the vendor, and one that asks for the first time."""
    return stage.known_copy(), stage.new_copy()


def nobody_is_fooled(victims: tuple[InstalledCopy, ...], match: str | None = None) -> None:
    for victim in victims:
        with victim.refuses(UntrustedMetadata, match, online_keys_are_safe=False):
            victim.check()
        with victim.refuses(UntrustedMetadata, match, online_keys_are_safe=False):
            victim.get("1.1")


def all_is_well_after(backup: Backup, victims: tuple[InstalledCopy, ...]) -> None:
    """The operators change the online keys; the same copies then update as if nothing had been."""
    backup.restore_with_new_online_keys()
    backup.stage.publish("1.2")
    for victim in victims:
        assert victim.update() == "1.2"


def listed(targets: Targets, path: str = PATH_1_1) -> TargetFile:
    return targets.targets[path]


def record(targets: Targets) -> dict[str, Any]:
    facts: dict[str, Any] = listed(targets).unrecognized_fields["custom"]["tenure"]
    return facts


def a_release_of_their_own(targets: Targets) -> None:
    name = file_name("9.9")
    path = f"cad/9.9/{name}"
    custom = copies.deepcopy(listed(targets).unrecognized_fields["custom"])
    custom["tenure"] |= {"version": "9.9", "kind": "minor"}
    custom["tenure"].pop("notes_sha256", None)
    targets.targets[path] = TargetFile(len(EVIL), {"sha256": sha256(EVIL).hexdigest()}, path, {"custom": custom})


def another_body(targets: Targets) -> None:
    target = listed(targets)
    target.length, target.hashes = len(EVIL), {"sha256": sha256(EVIL).hexdigest()}


CHANGES: dict[str, Callable[[Targets], object]] = {
    "a release of their own": a_release_of_their_own,
    "another body": another_body,
    "another day": lambda targets: record(targets).update(released_on="2020-01-01"),
    "open to all": lambda targets: record(targets).update(open_release=True),
    "another edition": lambda targets: record(targets).update(editions=["lite"]),
    "removed": lambda targets: targets.targets.pop(PATH_1_1),
    "nothing but a later expiry": lambda targets: setattr(targets, "expires", targets.expires + timedelta(days=900)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_release_is_cannot_be_changed(stage: Stage, burglar: Burglar, change: str) -> None:
    victims, backup = everybody(stage), Backup.of(stage)
    draft = changed("cad", backup.repository.roles["cad"], CHANGES[change])
    burglar.plant({"cad": sign("cad", draft, burglar.own, burglar.stolen.snapshot, burglar.stolen.timestamp)})
    nobody_is_fooled(victims, match="cad was signed by 0/1 keys")
    all_is_well_after(backup, victims)


def test_a_change_under_the_old_signature_is_noticed(stage: Stage, burglar: Burglar) -> None:
    victims, backup = everybody(stage), Backup.of(stage)
    day = stage.world.today - timedelta(days=5)
    forged = backup.repository.roles["cad"].replace(day.isoformat().encode(), b"2020-01-01")
    assert forged != backup.repository.roles["cad"]
    burglar.plant({"cad": forged})
    nobody_is_fooled(victims)
    all_is_well_after(backup, victims)


def their_engineer(targets: Targets, burglar: Burglar) -> None:
    key = burglar.own.public_key
    assert isinstance(targets.delegations, Delegations)
    assert targets.delegations.roles is not None
    targets.delegations.keys[key.keyid] = key
    targets.delegations.roles["cad"].keyids = [key.keyid]


def test_nobody_else_can_be_made_an_engineer(stage: Stage, burglar: Burglar) -> None:
    victims, backup = everybody(stage), Backup.of(stage)
    targets = changed(TARGETS, backup.repository.roles[TARGETS], lambda role: their_engineer(role, burglar))
    cad = changed("cad", backup.repository.roles["cad"], a_release_of_their_own)
    burglar.plant({TARGETS: sign(TARGETS, targets, burglar.own), "cad": sign("cad", cad, burglar.own)})
    nobody_is_fooled(victims, match="targets was signed by 0/1 keys")
    all_is_well_after(backup, victims)


def test_a_root_of_their_own_is_refused(stage: Stage, burglar: Burglar) -> None:
    victims, backup = everybody(stage), Backup.of(stage)
    root = backup.repository.root()
    root.version += 1
    for role in root.roles:
        root.add_key(burglar.own.public_key, role)
    burglar.store({"root": signed_by("root", root, burglar.own)})
    nobody_is_fooled(victims, match="root was signed by 0/1 keys")
    all_is_well_after(backup, victims)


def test_licence_public_keys_of_their_own_are_refused(stage: Stage, burglar: Burglar) -> None:
    victims, backup = everybody(stage), Backup.of(stage)
    keys = KeySet((new_key().verification_key(Purpose.LICENCE_KEY), new_key().verification_key(Purpose.CERTIFICATE)))
    stage.sql("UPDATE trusted_target SET data = ? WHERE path = ?", keys.to_json(), LICENCE_KEYS_PATH)
    newcomer = victims[1]
    with newcomer.refuses(TenureClientError):
        newcomer.check()
    genuine = TargetFile.from_data(LICENCE_KEYS_PATH, keys.to_json(), ["sha256"])
    targets = changed(
        TARGETS,
        backup.repository.roles[TARGETS],
        lambda role: role.targets.update({LICENCE_KEYS_PATH: genuine}),
    )
    burglar.plant({TARGETS: sign(TARGETS, targets, burglar.own)})
    nobody_is_fooled(victims)
    honest = stage.world.installation.keys.licence_key_set().to_json()
    stage.sql("UPDATE trusted_target SET data = ? WHERE path = ?", honest, LICENCE_KEYS_PATH)
    all_is_well_after(backup, victims)


def test_one_of_two_signatures_is_too_few(stage: Stage, burglar: Burglar) -> None:
    """A stolen laptop and the server together: the product asks for two engineers."""
    world, second = stage.world, tuf_signer(new_key())
    keys = RoleKeys((world.engineer.public_key, second.public_key), 2)
    before = stage.repository()
    targets = sign(TARGETS, with_product_keys(before.roles[TARGETS], CAD, keys, world.now()), world.targets)
    cad = changed("cad", before.roles["cad"], lambda role: None)
    burglar.plant({TARGETS: targets, "cad": sign("cad", cad, world.engineer, second)})
    stage.remember()
    victims, backup = everybody(stage), Backup.of(stage)
    assert victims[0].offered() == "1.1"
    draft = changed("cad", backup.repository.roles["cad"], a_release_of_their_own)
    forged = sign("cad", draft, world.engineer)
    with pytest.raises(SigningError):
        with_roles(backup.repository, {"cad": forged}, world.now())  # what the server itself would say
    burglar.plant({"cad": sign("cad", forged, burglar.own)})
    nobody_is_fooled(victims, match="cad was signed by 1/2 keys")
    burglar.plant({"cad": sign("cad", draft, world.engineer, world.engineer)})
    nobody_is_fooled(victims)
    backup.restore_with_new_online_keys()
    for victim in victims:
        assert victim.update() == "1.1"


def test_an_engineer_of_one_product_cannot_speak_for_another(stage: Stage, burglar: Burglar) -> None:
    stage.world.add_product(CAM)
    stage.remember()
    victims, backup = everybody(stage), Backup.of(stage)
    cad = backup.repository.targets("cad")
    a_release_of_their_own(cad)
    path = f"cad/9.9/{file_name('9.9')}"
    draft = changed("cam", backup.repository.roles["cam"], lambda role: role.targets.update({path: cad.targets[path]}))
    foreign = sign("cam", draft, stage.world.engineer)
    with pytest.raises(SigningError):
        with_roles(backup.repository, {"cam": foreign}, stage.world.now())
    burglar.plant({"cam": foreign})
    for victim in victims:
        with victim.refuses(UnknownRelease, online_keys_are_safe=False):
            victim.get("9.9")
    all_is_well_after(backup, victims)


HOSTILE_NAMES = (
    *("../../../.bashrc", "..", ".bashrc", "a b.zip", "a\\b.zip", "a\0b.zip"),
    *("CON.zip", "x" * 300, "é.zip", "-rf", "a%2Fb"),
)


def test_a_hostile_file_name_goes_nowhere_even_when_an_engineer_signed_it(stage: Stage, burglar: Burglar) -> None:
    victims, backup = everybody(stage), Backup.of(stage)
    elsewhere = outside(stage, victims)
    for name in HOSTILE_NAMES:

        def add(targets: Targets, path: str = f"cad/9.9/{name}") -> None:
            a_release_of_their_own(targets)
            target = targets.targets.pop(f"cad/9.9/{file_name('9.9')}")
            target.path = path
            targets.targets[path] = target

        signed = sign("cad", changed("cad", backup.repository.roles["cad"], add), stage.world.engineer)
        with pytest.raises(SigningError):
            with_roles(backup.repository, {"cad": signed}, stage.world.now())
        burglar.plant({"cad": signed})
        stage.genuine.add(signed)  # an engineer's signature is genuine, whatever it is under
        for victim in victims:
            with victim.refuses(TenureClientError, online_keys_are_safe=False):
                victim.get("9.9")
        assert outside(stage, victims) == elsewhere
        for victim in victims:
            shutil.rmtree(victim.state)
    all_is_well_after(backup, victims)


def outside(stage: Stage, victims: tuple[InstalledCopy, ...]) -> set[Path]:
    """Every file but those of the copies and of the database."""
    homes = [victim.directory for victim in victims]
    files = {path for path in stage.directory.rglob("*") if not path.name.startswith("tenure.sqlite3")}
    return {path for path in files if not any(path.is_relative_to(home) for home in homes)}


def test_a_role_can_not_be_dropped_or_set_back_for_those_who_know_it(stage: Stage, burglar: Burglar) -> None:
    before = stage.repository().roles["cad"]
    stage.publish("1.2")
    victims, backup = everybody(stage), Backup.of(stage)
    assert victims[0].offered() == "1.2"
    burglar.plant({"cad": before})
    with victims[0].refuses(UntrustedMetadata, online_keys_are_safe=False):
        victims[0].check()
    without = {role: data for role, data in backup.repository.roles.items() if role != "cad"}
    burglar.vouch(without)
    with victims[0].refuses(UntrustedMetadata, online_keys_are_safe=False):
        victims[0].check()
    backup.restore_with_new_online_keys()
    for victim in victims:
        assert victim.update() == "1.2"


def test_a_newcomer_can_be_shown_yesterday_but_never_below_what_it_has(stage: Stage, burglar: Burglar) -> None:
    """What stolen online keys can do to those who have seen nothing yet, and what a seed in the product is for."""
    before = stage.repository().roles["cad"]
    seeder = stage.new_copy()
    stage.publish("1.2")
    stage.withdraw("1.1", "it loses drawings")
    seeder.check()
    backup = Backup.of(stage)
    burglar.plant({"cad": before})
    newcomer, newer, seeded = stage.new_copy(), stage.new_copy("1.2"), stage.new_copy()
    assert newcomer.offered() == "1.1"  # withdrawn since, which it cannot know
    assert newer.offered() is None
    with seeded.refuses(UntrustedMetadata, online_keys_are_safe=False):
        seeded.client(seed_directory=seeder.state).check()
    backup.restore_with_new_online_keys()
    for victim in (newcomer, seeded):
        assert victim.update() == "1.2"
    assert newer.offered() is None


def test_freezing_lasts_until_the_engineers_signature_expires(stage: Stage, burglar: Burglar) -> None:
    """What stolen online keys can do to everybody: new timestamps over an old snapshot, for 180 days at most."""
    frozen = stage.repository().roles
    victim = stage.known_copy("1.1")
    stage.publish("1.2")
    stage.world.today += timedelta(days=150)
    backup = Backup.of(stage)
    burglar.vouch(frozen, version=50)
    assert victim.check().offer is None  # withheld, and nothing shows it
    stage.world.today += timedelta(days=40)
    burglar.vouch(frozen, version=51)
    answer = victim.check()
    assert answer.kept_reason is KeptReason.METADATA_EXPIRED
    with victim.refuses(MetadataExpired, "cad", online_keys_are_safe=False):
        victim.get("1.2")
    stage.world.today -= timedelta(days=40)
    backup.restore_with_new_online_keys()
    assert victim.update() == "1.2"


def test_a_fast_forward_stops_everybody_until_the_online_keys_change(stage: Stage, burglar: Burglar) -> None:
    victims, backup = everybody(stage), Backup.of(stage)
    burglar.plant({}, version=1_000_000_000)
    for victim in victims:
        assert victim.update() == "1.1"  # true facts, under a number that honest ones will not reach
    backup.restore()
    stage.world.installation.keep_metadata_fresh()
    for victim in victims:
        with victim.refuses(UntrustedMetadata, "timestamp", online_keys_are_safe=False):
            victim.check()
    all_is_well_after(backup, victims)


def test_release_notes_cannot_be_rewritten(stage: Stage) -> None:
    copy = stage.known_copy()
    stage.sql("UPDATE release_notes SET markdown = 'Send your password to us.'")
    with copy.refuses(ServerContradictsSignedFacts, "notes"):
        copy.check()
    stage.sql("UPDATE release_notes SET markdown = 'Faster hidden-line removal.'")
    assert copy.update() == "1.1"


def test_stolen_licence_keys_open_what_is_genuine_and_nothing_else(stage: Stage, burglar: Burglar) -> None:
    """With the licence and certificate keys and the database, coverage can be given away; bytes stay the engineers'."""
    stage.publish("1.2")
    key = stage.world.installation.keys._online_key("licence")
    forged = issue_licence_key(
        licence_id="L-never-sold",
        product=CAD,
        edition=PRO,
        purchased_on=stage.world.today,
        seats=1_000,
        now=stage.world.now(),
        key=key,
    )
    pirate = stage.new_copy()
    with pytest.raises(LicenceRejected):
        pirate.client(licence_key=forged).check()
    assert pirate.arrived() == {}
    lapsed = stage.world.issue(stage.world.today - timedelta(days=900), smp_years=None)
    stage.licence_key = lapsed.key
    customer = stage.known_copy()
    assert customer.offered() is None
    with customer.refuses(NotCovered):
        customer.get("1.2")
    stage.sql(
        "INSERT INTO support_period (licence_id, starts_on, ends_on, source, added_at)"
        " SELECT ?, '2026-01-01', '2036-01-01', source, added_at FROM support_period LIMIT 1",
        lapsed.licence.licence_id,
    )
    assert customer.update() == "1.2"


def test_a_certificate_for_somebody_else_covers_nothing(stage: Stage) -> None:
    """The wire answers with the certificate of a customer who paid."""
    lapsed = stage.world.issue(stage.world.today - timedelta(days=900), smp_years=None)
    stage.known_copy()
    paid = stage.wire.recording["/v1/update-check"]
    stage.licence_key = lapsed.key
    customer = stage.new_copy()
    stage.wire.replace("/v1/update-check", lambda _: replace(paid))
    with customer.refuses(LicenceError):
        customer.check()
    stage.wire.clear()
    assert customer.offered() is None


def test_a_server_that_hands_out_other_bytes_delivers_nothing(stage: Stage) -> None:
    copy = stage.known_copy()
    stage.wire.replace("/downloads/cad/", lambda _: Reply(200, EVIL))
    with copy.refuses(TenureClientError):
        copy.get("1.1")
    stage.wire.clear()
    assert copy.update() == "1.1"
    assert copy.arrived() == {file_name("1.1"): body_of(file_name("1.1"))}
