"""Release drafts on the server: what several people sign and approve before it is published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from securesystemslib.signer import Signer

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.domain.api_tokens import ApiToken, Scope
from tenure_server.domain.problems import Declined, Reopened
from tenure_server.domain.release_drafts import DraftAction, DraftStanding, DraftState, DraftWish
from tenure_server.errors import Conflict, Forbidden, InvalidRequest, Refusal
from tenure_server.use_cases.api_tokens import TokenWish
from tenure_server.use_cases.catalogue import read_repository
from tenure_server.use_cases.download import store_key
from tenure_server.use_cases.problems import NewProblem
from tenure_server.use_cases.publication import locked_repository, publish_roles
from tenure_server.use_cases.publish import FileToPublish, PublishRequest, hashed_files
from tenure_server.use_cases.publish_signed import SignedRelease
from tenure_server.use_cases.release_draft_contents import resumption_text
from tenure_server.use_cases.signers import OnlineSigners
from tenure_signing.approvals import approve
from tenure_signing.key_sources import new_key, tuf_signer
from tenure_signing.names import ChannelName, FileName
from tenure_signing.problem_numbers import ProblemNumber
from tenure_signing.releases import Build, Release, Rollout, Withdrawal
from tenure_signing.tuf_drafts import (
    RoleKeys,
    sign,
    with_product_keys,
    with_promotion,
    with_release,
    with_withdrawal,
)
from tenure_signing.tuf_repository import Repository, load_any
from tenure_signing.tuf_roles import TARGETS
from tenure_signing.versions import Version, kind_of
from tests.server.world import CAD, LINUX, LITE, PRO, WHO, World

V1, V2 = Version("1.0"), Version("2.0")
STABLE, BETA = ChannelName("stable"), ChannelName("beta")


@dataclass
class Team:
    """A product that takes two signatures, and people with tokens of their own."""

    world: World
    second: Signer = field(default_factory=lambda: tuf_signer(new_key()))

    def __post_init__(self) -> None:
        self.aminah, self.ben, self.chen = (self.token(person) for person in ("Aminah", "Ben", "Chen"))

    def token(self, person: str | None, channel: ChannelName | None = None) -> ApiToken:
        expires = self.world.now() + timedelta(days=30)
        wish = TokenWish(person or "ci", frozenset({Scope.PUBLISH}), expires, CAD, channel, person)
        return self.world.installation.create_token(wish, who=WHO).token

    def ask_two(self) -> None:
        """From now on a release takes both keys."""
        world = self.world
        with world.database.writing() as records:
            before = locked_repository(records)
            keys = RoleKeys((world.engineer.public_key, self.second.public_key), 2)
            targets = with_product_keys(before.bytes_of(TARGETS), CAD, keys, world.now())
            roles = {
                TARGETS: sign(TARGETS, targets, world.targets),
                CAD: sign(CAD, before.bytes_of(CAD), world.engineer, self.second),
            }
            role = load_any(CAD, before.bytes_of(CAD))
            role.signed.version += 1
            roles[CAD] = sign(CAD, role.to_bytes(), world.engineer, self.second)
            publish_roles(records, before, roles, world.installation.keys.online_signers, world.now())

    def ask_approvals(self, number: int) -> None:
        self.world.installation.raise_approvals(CAD, number, who=WHO)

    def repository(self) -> Repository:
        with self.world.database.reading() as records:
            return read_repository(records)

    def stored(self, version: Version, file_name: str | None = None) -> Build:
        """A build that was uploaded."""
        world = self.world
        name = file_name or f"cad-{version}.zip"
        source = world.directory / name
        source.write_bytes(f"the bytes of {name}".encode())
        file = FileToPublish(source, FileName(name), LINUX)
        (build,) = hashed_files(PublishRequest(CAD, version, (file,)), None).builds
        world.installation.store.put_file(store_key(build), source)
        return build

    def release(self, version: Version = V1, day: date | None = None, channel: ChannelName = STABLE) -> Release:
        return Release(
            product=CAD,
            version=version,
            kind=kind_of(version),
            editions=frozenset((PRO, LITE)),
            released_on=day or self.world.today,
            channel=channel,
            builds=(self.stored(version),),
        )

    def publication(self, *signers: Signer, release: Release | None = None, **facts: object) -> DraftWish:
        release = release or self.release()
        role = with_release(self.repository().bytes_of(CAD), release, self.world.now())
        wish = DraftWish(DraftAction.PUBLISH, CAD, release.version, sign(CAD, role, *signers))
        return replace(wish, **facts)  # type: ignore[arg-type]

    def make(self, wish: DraftWish, token: ApiToken | None = None) -> DraftStanding:
        return self.world.installation.change_release_draft.make(token or self.aminah, wish)

    def sign(self, standing: DraftStanding, signer: Signer, token: ApiToken | None = None) -> DraftStanding:
        draft = standing.draft
        if draft.action is DraftAction.RESUME:
            signatures = {k: s.signature for k, s in approve(resumption_text(draft), [signer]).items()}
        else:
            keyid = signer.public_key.keyid
            signed = load_any(CAD, sign(CAD, draft.role, signer)) if draft.role else None
            signatures = {keyid: signed.signatures[keyid].signature if signed is not None else "00"}
        change = self.world.installation.change_release_draft
        return change.sign(token or self.ben, draft.draft_id, draft.code, signatures)

    def approve(self, standing: DraftStanding, token: ApiToken) -> DraftStanding:
        draft = standing.draft
        return self.world.installation.change_release_draft.approve(token, draft.draft_id, draft.code)

    def standing(self, standing: DraftStanding) -> DraftStanding:
        return self.world.installation.list_release_drafts.one(standing.draft.draft_id)

    def published(self) -> dict[str, Release]:
        found = self.world.reopened().catalogue.current().product(CAD).releases
        return {str(release.version): release for release in found}

    def actions(self, subject: str = "cad 1.0") -> list[str]:
        with self.world.database.reading() as records:
            return [event.action for event in records.audit.newest(subject=subject)]


@pytest.fixture
def team(world: World) -> Team:
    return Team(world)


@pytest.fixture
def pair(team: Team) -> Team:
    team.ask_two()
    return team


def refused(error: pytest.ExceptionInfo[BaseException]) -> str:
    return cast("Refusal", error.value).code


# Signing


def test_a_release_is_published_by_the_second_signature(pair: Team) -> None:
    made = pair.make(pair.publication(pair.world.engineer))
    assert (made.words, pair.published()) == ("1 of 2 signatures", {})
    signed = pair.sign(made, pair.second)
    assert signed.draft.state is DraftState.PUBLISHED
    assert list(pair.published()) == ["1.0"]
    assert pair.actions() == ["draft.publish", "release.publish", "draft.approve", "draft.sign", "draft.make"]


def test_a_build_server_without_a_key_uploads_and_two_people_sign(pair: Team) -> None:
    made = pair.make(pair.publication(), pair.token(None))
    once = pair.sign(made, pair.world.engineer)
    assert once.words == "1 of 2 signatures"
    assert pair.sign(once, pair.second, pair.chen).draft.state is DraftState.PUBLISHED


def test_making_and_signing_again_changes_nothing(pair: Team) -> None:
    wish = pair.publication(pair.world.engineer)
    made = pair.make(wish)
    assert pair.make(wish).draft == made.draft
    assert pair.sign(made, pair.world.engineer).signed == made.signed
    signed = pair.sign(made, pair.second)
    assert pair.sign(made, pair.second).draft == signed.draft
    assert pair.actions().count("release.publish") == 1


def test_a_signature_that_is_none_of_the_products_is_refused(pair: Team) -> None:
    made = pair.make(pair.publication(pair.world.engineer))
    with pytest.raises(Forbidden) as error:
        pair.sign(made, tuf_signer(new_key()))
    assert refused(error) == "bad_signature"
    other = pair.second.public_key.keyid
    change = pair.world.installation.change_release_draft
    with pytest.raises(Forbidden) as error:
        change.sign(pair.ben, made.draft.draft_id, made.draft.code, {other: "00" * 64})
    assert refused(error) == "bad_signature"
    assert pair.published() == {}


def test_what_is_signed_by_too_few_is_not_published_by_the_short_way_either(pair: Team) -> None:
    wish = pair.publication(pair.world.engineer)
    assert wish.role is not None
    with pytest.raises(Forbidden) as error:
        pair.world.installation.publish_signed(SignedRelease(CAD, V1, wish.role), pair.aminah)
    assert refused(error) == "signatures_missing"


def test_a_draft_of_something_else_is_refused(pair: Team) -> None:
    wish = pair.publication()
    pair.make(wish)
    with pytest.raises(Conflict) as error:
        pair.make(pair.publication(release=replace(pair.release(), channel=BETA)))
    assert refused(error) == "draft_exists"
    with pytest.raises(InvalidRequest) as invalid:
        pair.make(replace(wish, version=V2))
    assert refused(invalid) == "not_one_release"


def test_a_build_that_was_never_uploaded_makes_no_draft(pair: Team) -> None:
    release = pair.release()
    pair.world.installation.store.delete(store_key(release.builds[0]))
    with pytest.raises(Conflict) as error:
        pair.make(pair.publication(release=release))
    assert refused(error) == "build_missing"


def test_with_an_external_signer_a_complete_draft_waits_for_it_and_says_so(pair: Team) -> None:
    """The serving process has no online keys; the signer looks at the calendar every second."""
    signer = pair.world.installation
    pair.world.installation = pair.world.reopened(signer="external")
    made = pair.make(pair.publication(pair.world.engineer))
    signed = pair.sign(made, pair.second)
    assert (signed.draft.state, signed.words) == (DraftState.READY, "complete; the signer publishes it in a moment")
    assert pair.sign(made, pair.second).draft == signed.draft  # asked again: it goes on waiting
    assert pair.published() == {}
    assert signer.publish_due_drafts() is False
    assert pair.standing(signed).words == "done"
    assert list(pair.published()) == ["1.0"]


# Stale drafts


def test_a_draft_is_stale_once_something_else_was_published_and_is_made_anew_without_another_upload(
    pair: Team,
) -> None:
    first = pair.make(pair.publication(pair.world.engineer))
    other = pair.make(pair.publication(pair.world.engineer, release=pair.release(V2)))
    pair.sign(other, pair.second)
    stale = pair.standing(first)
    assert stale.words.startswith("STALE: Something else of cad was published")
    with pytest.raises(Conflict) as error:
        pair.sign(stale, pair.second)
    assert refused(error) == "stale_draft"
    change = pair.world.installation.change_release_draft
    wish = pair.publication(pair.second)
    again = change.rebuild(pair.ben, first.draft.draft_id, first.draft.code, wish)
    assert (again.words, again.draft.code != first.draft.code) == ("1 of 2 signatures", True)
    pair.sign(again, pair.world.engineer, pair.aminah)
    assert sorted(pair.published()) == ["1.0", "2.0"]


def test_nobody_signs_what_was_changed_since_they_looked(pair: Team) -> None:
    made = pair.make(pair.publication(pair.world.engineer))
    change = pair.world.installation.change_release_draft
    wish = pair.publication(release=replace(pair.release(), channel=BETA))
    change.rebuild(pair.chen, made.draft.draft_id, made.draft.code, wish)
    with pytest.raises(Conflict) as error:
        pair.sign(made, pair.second)
    assert refused(error) == "draft_changed"


def test_a_draft_whose_release_day_has_passed_is_dated_anew(pair: Team) -> None:
    """RULES.md: the release day is the day on which a release was published."""
    made = pair.make(pair.publication(pair.world.engineer))
    stated = pair.make(pair.publication(pair.world.engineer, release=pair.release(V2), day_is_stated=True))
    pair.world.today += timedelta(days=1)
    assert pair.standing(made).words == "STALE: its release day, 2026-11-23, has passed"
    assert pair.standing(stated).problem is None


def test_a_cancelled_draft_can_no_longer_be_signed(pair: Team) -> None:
    made = pair.make(pair.publication(pair.world.engineer))
    change = pair.world.installation.change_release_draft
    change.cancel(pair.ben, made.draft.draft_id, reason="a wrong build")
    assert change.cancel(pair.ben, made.draft.draft_id, reason="again").words == "cancelled: a wrong build"
    with pytest.raises(Conflict) as error:
        pair.sign(made, pair.second)
    assert refused(error) == "draft_over"
    pair.make(pair.publication(pair.world.engineer, release=replace(pair.release(), channel=BETA)))


# Who may


def test_a_token_for_one_channel_has_no_say_in_another(pair: Team) -> None:
    beta = pair.token("Dina", BETA)
    made = pair.make(pair.publication(pair.world.engineer))
    change = pair.world.installation.change_release_draft
    attempts: tuple[Callable[[], DraftStanding], ...] = (
        lambda: pair.make(pair.publication(release=pair.release(V2)), beta),
        lambda: pair.sign(made, pair.second, beta),
        lambda: pair.approve(made, beta),
        lambda: change.cancel(beta, made.draft.draft_id, reason="x"),
        lambda: pair.make(DraftWish(DraftAction.LOWER_APPROVALS, CAD, None, lower_to=0), beta),
    )
    for attempt in attempts:
        with pytest.raises(Forbidden) as error:
            attempt()
        assert refused(error) == "token_channel"


# Approvals


def test_a_product_with_approvals_publishes_nothing_that_others_did_not_approve(team: Team) -> None:
    team.ask_approvals(1)
    with pytest.raises(Conflict) as error:
        team.world.publish("1.0", team.world.today)
    assert refused(error) == "approvals_needed"
    made = team.make(team.publication(team.world.engineer))
    assert made.words == "1 of 1 signatures, 0 of 1 approvals"
    with pytest.raises(Forbidden) as own:
        team.approve(made, team.aminah)
    assert refused(own) == "own_draft"
    with pytest.raises(Forbidden) as nobody:
        team.approve(made, team.token(None))
    assert refused(nobody) == "token_of_nobody"
    assert team.approve(made, team.ben).draft.state is DraftState.PUBLISHED
    with team.world.database.reading() as records:
        event = records.audit.newest(action="draft.publish")[0]
    assert event.details["approved_by"] == ["Ben"]


def test_two_approvals_are_of_two_people_whatever_tokens_they_have(team: Team) -> None:
    team.ask_approvals(2)
    made = team.make(team.publication(team.world.engineer))
    once = team.approve(made, team.ben)
    for token in (team.ben, team.token("ben"), team.token("Ben")):
        assert team.approve(once, token).draft.approved_by == ("Ben",)
    with pytest.raises(Forbidden):
        team.approve(once, team.token("AMINAH"))
    assert team.approve(once, team.chen).draft.state is DraftState.PUBLISHED


def test_approvals_never_stand_in_for_a_signature(pair: Team) -> None:
    pair.ask_approvals(1)
    made = pair.make(pair.publication(pair.world.engineer))
    approved = pair.approve(pair.approve(made, pair.ben), pair.chen)
    assert approved.words == "1 of 2 signatures, 2 of 1 approvals"
    assert pair.published() == {}
    assert pair.sign(approved, pair.second, pair.token(None)).draft.state is DraftState.PUBLISHED


def test_a_draft_made_anew_is_approved_anew(team: Team) -> None:
    team.ask_approvals(2)
    made = team.approve(team.make(team.publication(team.world.engineer)), team.ben)
    change = team.world.installation.change_release_draft
    wish = team.publication(team.world.engineer, release=replace(team.release(), channel=BETA))
    again = change.rebuild(team.chen, made.draft.draft_id, made.draft.code, wish)
    assert again.words == "1 of 1 signatures, 0 of 2 approvals"
    for maker in (team.aminah, team.chen):
        with pytest.raises(Forbidden):
            team.approve(again, maker)


def test_raising_approvals_takes_one_person_and_lowering_them_as_many_as_they_were(team: Team) -> None:
    team.ask_approvals(1)
    team.ask_approvals(2)
    with pytest.raises(Conflict) as error:
        team.ask_approvals(0)
    assert refused(error) == "approvals_needed"
    made = team.make(DraftWish(DraftAction.LOWER_APPROVALS, CAD, None, lower_to=0))
    assert made.words == "0 of 2 approvals"
    once = team.approve(made, team.ben)
    assert once.draft.state is DraftState.OPEN
    assert team.approve(once, team.chen).draft.state is DraftState.PUBLISHED
    team.world.publish("1.0", team.world.today)
    assert team.actions("cad")[:2] == ["draft.publish", "product.approvals"]


def test_approvals_count_for_every_way_to_change_a_release(team: Team) -> None:
    world = team.world
    world.publish("1.0", world.today, channel="beta")
    world.roll_out("1.0", Rollout(10_000, is_halted=True))
    team.ask_approvals(1)
    installation, online = world.installation, world.installation.keys.online_signers
    ways = (
        lambda: world.withdraw("1.0", "a crash"),
        lambda: installation.change_rollout.resume(CAD, V1, signers=[world.engineer], who=WHO),
    )
    for way in ways:
        with pytest.raises(Conflict) as error:
            way()
        assert refused(error) == "approvals_needed"
    world.roll_out("1.0", Rollout())
    with pytest.raises(Conflict) as error:
        installation.promote(CAD, V1, STABLE, signers=[world.engineer], online=online, who=WHO)
    assert refused(error) == "approvals_needed"
    installation.change_rollout.halt(CAD, V1, reason="a crash", who=WHO)


# Promotion, withdrawal, resumption


def test_a_release_is_promoted_withdrawn_and_resumed_by_drafts(pair: Team) -> None:
    world = pair.world
    pair.sign(pair.make(pair.publication(world.engineer, release=pair.release(channel=BETA))), pair.second)
    role = with_promotion(pair.repository().bytes_of(CAD), CAD, V1, STABLE, world.now())
    wish = DraftWish(DraftAction.PROMOTE, CAD, V1, sign(CAD, role, world.engineer), share_basis_points=1_000)
    assert pair.sign(pair.make(wish), pair.second).draft.state is DraftState.PUBLISHED
    assert pair.published()["1.0"].channel == STABLE
    assert world.reopened().catalogue.current().product(CAD).rollouts[V1].share_basis_points == 1_000

    world.installation.change_rollout.halt(CAD, V1, reason="a crash", who=WHO)
    world.today += timedelta(days=1)
    resume = pair.make(DraftWish(DraftAction.RESUME, CAD, V1))
    half = pair.sign(resume, world.engineer)
    assert half.words == "1 of 2 signatures"
    assert pair.sign(half, pair.second).draft.state is DraftState.PUBLISHED
    assert not world.reopened().catalogue.current().product(CAD).rollouts[V1].is_halted

    role = with_withdrawal(pair.repository().bytes_of(CAD), CAD, V1, Withdrawal("loses files"), world.now())
    withdrawal = pair.make(DraftWish(DraftAction.WITHDRAW, CAD, V1, sign(CAD, role, world.engineer)))
    pair.sign(withdrawal, pair.second)
    assert pair.published()["1.0"].withdrawal == Withdrawal("loses files")
    for action in ("release.promote", "rollout.resume", "release.withdraw"):
        assert action in pair.actions()


def test_a_draft_to_resume_is_void_once_the_release_is_halted_again(team: Team) -> None:
    team.ask_approvals(1)
    world = team.world
    change = team.world.installation.change_release_draft
    world_draft = team.make(team.publication(world.engineer))
    team.approve(world_draft, team.ben)
    world.installation.change_rollout.halt(CAD, V1, reason="a crash", who=WHO)
    world.today += timedelta(days=1)
    resume = team.sign(team.make(DraftWish(DraftAction.RESUME, CAD, V1)), world.engineer, team.aminah)
    with world.database.writing() as records:
        records.rollouts.set(CAD, V1, Rollout())
    world.installation.change_rollout.halt(CAD, V1, reason="another crash", who=WHO)
    with pytest.raises(Conflict) as error:
        team.approve(resume, team.ben)
    assert refused(error) == "stale_draft"
    draft = resume.draft
    wish = DraftWish(DraftAction.RESUME, CAD, V1)
    world.today += timedelta(days=1)
    again = change.rebuild(team.aminah, draft.draft_id, draft.code, wish)
    done = team.approve(team.sign(again, world.engineer, team.aminah), team.ben)
    assert done.draft.state is DraftState.PUBLISHED


def test_a_draft_that_does_more_than_it_says_is_refused(team: Team) -> None:
    world = team.world
    for version in ("1.0", "2.0"):
        world.publish(version, world.today, channel="beta")
    current = team.repository().bytes_of(CAD)
    both = load_any(CAD, with_promotion(current, CAD, V1, STABLE, world.now()))
    also = load_any(CAD, with_promotion(current, CAD, V2, STABLE, world.now()))
    both.signed.targets |= {path: t for path, t in also.signed.targets.items() if "/2.0/" in path}
    withdrawn = with_withdrawal(current, CAD, V1, Withdrawal("x"), world.now())
    for role in (both.to_bytes(), withdrawn, current):
        with pytest.raises(Refusal):
            team.make(DraftWish(DraftAction.PROMOTE, CAD, V1, role))


# Schedule


def due(team: Team) -> bool:
    return team.world.installation.publish_due_drafts()


def at(team: Team, days: int) -> datetime:
    return team.world.now() + timedelta(days=days)


def test_a_scheduled_release_waits_for_its_time_and_survives_a_restart(pair: Team) -> None:
    day = pair.world.today + timedelta(days=3)
    wish = pair.publication(pair.world.engineer, release=pair.release(day=day), publish_at=at(pair, 3))
    made = pair.sign(pair.make(wish), pair.second)
    assert made.words == "scheduled for 2026-11-26 12:00 UTC"
    pair.world.today += timedelta(days=2)
    due(pair)
    assert pair.published() == {}
    pair.world.today += timedelta(days=1)
    assert not pair.world.reopened().publish_due_drafts()
    assert pair.published()["1.0"].released_on == day
    assert pair.actions()[0] == "draft.publish"
    due(pair)
    assert pair.actions().count("release.publish") == 1


def test_a_server_that_was_down_at_the_time_publishes_when_it_is_back(team: Team) -> None:
    day = team.world.today + timedelta(days=3)
    team.make(team.publication(team.world.engineer, release=team.release(day=day), publish_at=at(team, 3)))
    team.world.today += timedelta(days=9)
    due(team)
    assert team.published()["1.0"].released_on == day


def test_a_scheduled_release_has_the_day_of_its_publication(team: Team) -> None:
    with pytest.raises(InvalidRequest) as error:
        team.make(team.publication(publish_at=at(team, 3)))
    assert refused(error) == "release_day"
    for days in (-1, 91):
        day = team.world.today + timedelta(days=days)
        with pytest.raises(InvalidRequest) as error:
            team.make(team.publication(release=team.release(day=day), publish_at=at(team, days)))
        assert refused(error) == "publish_at"


def test_a_cancelled_schedule_publishes_nothing(team: Team) -> None:
    day = team.world.today + timedelta(days=3)
    made = team.make(team.publication(team.world.engineer, release=team.release(day=day), publish_at=at(team, 3)))
    team.world.installation.change_release_draft.cancel(team.ben, made.draft.draft_id, reason="not yet")
    team.world.today += timedelta(days=3)
    due(team)
    assert team.published() == {}


def test_a_scheduled_release_that_became_stale_is_told_and_not_published(team: Team) -> None:
    day = team.world.today + timedelta(days=3)
    made = team.make(team.publication(team.world.engineer, release=team.release(day=day), publish_at=at(team, 3)))
    team.world.publish("2.0", team.world.today)
    assert team.standing(made).words.startswith("STALE")
    team.world.today += timedelta(days=3)
    due(team)
    assert list(team.published()) == ["2.0"]
    assert team.standing(made).draft.state is DraftState.OPEN


def test_approvals_asked_for_after_the_schedule_hold_it_back(team: Team) -> None:
    day = team.world.today + timedelta(days=3)
    made = team.make(team.publication(team.world.engineer, release=team.release(day=day), publish_at=at(team, 3)))
    team.ask_approvals(1)
    team.world.today += timedelta(days=3)
    due(team)
    assert team.published() == {}
    assert team.approve(made, team.ben).draft.state is DraftState.PUBLISHED


def test_nothing_is_kept_of_a_publication_that_fails(pair: Team, tmp_path: Path) -> None:
    made = pair.make(pair.publication(pair.world.engineer))
    signers = pair.world.installation.finish_release_draft

    def broken(_: Repository) -> OnlineSigners:
        raise Conflict("The signer does not answer.", code="signer")

    failing = replace(signers, online_signers=broken)
    change = replace(pair.world.installation.change_release_draft, finish=failing)
    keyid = pair.second.public_key.keyid
    signature = load_any(CAD, sign(CAD, made.draft.role, pair.second)).signatures[keyid].signature
    with pytest.raises(Conflict):
        change.sign(pair.ben, made.draft.draft_id, made.draft.code, {keyid: signature})
    assert pair.standing(made).draft == made.draft
    assert pair.sign(made, pair.second).draft.state is DraftState.PUBLISHED
    assert isinstance(pair.world.database, MemoryDatabase)


# --- Problems that a draft says are fixed


def test_a_draft_whose_problem_was_closed_meanwhile_cannot_be_published(team: Team) -> None:
    installation = team.world.installation
    problem = installation.report_problem(NewProblem("Walls vanish", product=CAD), None, who=WHO)
    release = replace(team.release(), fixes=(problem.number,))
    team.ask_approvals(1)
    standing = team.make(team.publication(team.world.engineer, release=release))
    assert standing.problem is None
    installation.take_problem_step(problem.number, Declined("as designed"), who=WHO)
    stale = installation.list_release_drafts.one(standing.draft.draft_id)
    assert stale.problem == "P-1 cannot be fixed by this release: it was declined"
    with pytest.raises(Conflict, match="was declined"):
        installation.change_release_draft.approve(team.ben, standing.draft.draft_id, standing.draft.code)
    installation.take_problem_step(problem.number, Reopened("it is not"), who=WHO)
    done = installation.change_release_draft.approve(team.ben, standing.draft.draft_id, standing.draft.code)
    assert done.draft.state is DraftState.PUBLISHED
    assert installation.list_problems.one(problem.number).problem.status == "released"


def test_a_draft_that_fixes_an_unknown_problem_is_not_made(team: Team) -> None:
    release = replace(team.release(), fixes=(ProblemNumber("P-9"),))
    with pytest.raises(Conflict, match="no problem P-9 of cad"):
        team.make(team.publication(team.world.engineer, release=release))
