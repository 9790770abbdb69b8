"""API tokens: made, used, limited, expired, revoked; every change in the audit trail without the secret."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tenure_server.domain.api_tokens import Scope, TokenState
from tenure_server.errors import Forbidden, InvalidRequest, NotFound, Refusal, TokenRequired
from tenure_server.use_cases.api_tokens import CreatedToken, TokenWish, require_scope
from tenure_signing.names import ChannelName, ProductName
from tests.server.world import CAD, CAM, WHO, World

BETA, STABLE = ChannelName("beta"), ChannelName("stable")


def wish(world: World, **changes: object) -> TokenWish:
    plain = TokenWish("ci", frozenset({Scope.PUBLISH}), world.now() + timedelta(days=90), CAD)
    return replace(plain, **changes)  # type: ignore[arg-type]


def create(world: World, **changes: object) -> CreatedToken:
    return world.installation.create_token(wish(world, **changes), who=WHO)


def refused(world: World, text: str) -> str:
    with pytest.raises(TokenRequired) as caught:
        world.installation.authenticate_token(text)
    assert text not in str(caught.value) + str(caught.value.hint) or len(text) < 12
    return caught.value.code


def test_a_token_is_recognisable_and_has_160_random_bits(world: World) -> None:
    created = create(world)
    assert re.fullmatch(r"tenure_[a-z2-7]{12}_[a-z2-7]{32}", created.secret)
    assert created.secret not in repr(created)
    assert create(world).secret != created.secret
    assert world.installation.authenticate_token(created.secret).token_id == created.token.token_id


def test_the_database_and_the_audit_trail_know_only_the_digest(world: World) -> None:
    created = create(world)
    world.installation.revoke_token(created.token.token_id, reason="laptop stolen", who="Bo")
    secret = created.secret.rpartition("_")[2]
    with world.database.reading() as records:
        events = records.audit.newest(subject=created.token.token_id)
        assert secret not in repr([asdict(token) for token in records.tokens.all()])
    assert [(event.who, event.action) for event in events] == [("Bo", "token.revoke"), (WHO, "token.create")]
    assert secret not in json.dumps([dict(event.details) for event in events])
    assert events[0].details["before"] == "active"
    assert events[0].details["after"] == "revoked"
    assert events[1].details["before"] is None


@pytest.mark.parametrize(
    "text", ["", "tenure_", "x" * 9000, "tenure_abc_def", "eyJhbGciOiJFZERTQSJ9.e30.c2ln", "ténure"]
)
def test_what_is_no_token_is_refused(world: World, text: str) -> None:
    assert refused(world, text) == "token_malformed"


def test_a_wrong_secret_is_refused_like_a_token_that_never_was(world: World) -> None:
    created = create(world)
    wrong = created.secret[:-1] + ("a" if created.secret[-1] != "a" else "b")
    assert refused(world, wrong) == refused(world, "tenure_aaaaaaaaaaaa_" + "a" * 32) == "unknown_token"
    world.installation.revoke_token(created.token.token_id, reason="gone", who=WHO)
    assert refused(world, wrong) == "unknown_token"


def test_a_token_expires_at_its_instant(world: World) -> None:
    created = create(world, expires_at=datetime(2026, 12, 1, 12, tzinfo=UTC))
    world.today = date(2026, 11, 30)
    assert world.installation.authenticate_token(created.secret)
    world.today = date(2026, 12, 1)
    assert refused(world, created.secret) == "token_expired"
    assert created.token.state(world.now()) is TokenState.EXPIRED


def test_a_revoked_token_is_refused_from_the_next_request_on_also_in_another_process(world: World) -> None:
    created = create(world)
    other = world.reopened()
    assert other.authenticate_token(created.secret)
    world.installation.revoke_token(created.token.token_id, reason="gone", who=WHO)
    assert refused(world, created.secret) == "token_revoked"
    with pytest.raises(TokenRequired):
        other.authenticate_token(created.secret)


def test_revoking_again_changes_nothing_and_is_not_audited_again(world: World) -> None:
    created = create(world)
    first = world.installation.revoke_token(created.token.token_id, reason="gone", who=WHO)
    world.today = date(2026, 12, 24)
    assert (
        world.installation.revoke_token(created.token.token_id, reason="again", who=WHO).revoked_at == first.revoked_at
    )
    with world.database.reading() as records:
        assert len(records.audit.newest(subject=created.token.token_id)) == 2
    with pytest.raises(NotFound):
        world.installation.revoke_token("nothing22222", reason="gone", who=WHO)
    with pytest.raises(InvalidRequest):
        world.installation.revoke_token(created.token.token_id, reason=" ", who=WHO)


def test_the_last_use_is_known_and_steady_use_writes_once_a_minute(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    created, now = create(world), world.now()
    writes = []
    writing = world.database.writing
    monkeypatch.setattr(world.database, "writing", lambda: writes.append(1) or writing())  # type: ignore[func-returns-value]
    authenticate = replace(world.installation.authenticate_token, clock=lambda: now)
    for seconds in range(0, 130, 10):
        now = world.now() + timedelta(seconds=seconds)
        authenticate(created.secret)
    assert len(writes) == 3
    with world.database.reading() as records:
        token = records.tokens.get(created.token.token_id)
    assert token is not None
    assert token.last_used_at == world.now() + timedelta(seconds=120)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": ""}, "token_name"),
        ({"name": "x" * 61}, "token_name"),
        ({"name": "two\nlines"}, "token_name"),
        ({"name": " ci"}, "token_name"),
        ({"scopes": frozenset()}, "token_scopes"),
        ({"product": None}, "token_scopes"),
        ({"scopes": frozenset({Scope.READ})}, "token_scopes"),
        ({"scopes": frozenset({Scope.READ}), "product": None, "channel": BETA}, "token_scopes"),
        ({"scopes": frozenset({Scope.ADMIN, Scope.READ}), "product": None}, "token_scopes"),
        ({"product": ProductName("cod")}, "unknown_product"),
        ({"channel": ChannelName("nightly")}, "unknown_channel"),
    ],
)
def test_a_token_that_makes_no_sense_is_not_made(world: World, changes: dict[str, object], code: str) -> None:
    with pytest.raises(Refusal) as caught:
        create(world, **changes)
    assert caught.value.code == code
    with world.database.reading() as records:
        assert records.tokens.all() == ()


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_token_lives_no_longer_than_the_setting(world: World, days: int) -> None:
    with pytest.raises(InvalidRequest, match="366 days"):
        create(world, expires_at=world.now() + timedelta(days=days))
    create(world, expires_at=world.now() + timedelta(days=366))


def test_a_publishing_token_is_for_its_product_and_channel(world: World) -> None:
    token = create(world, channel=BETA).token
    require_scope(token, Scope.PUBLISH, CAD, BETA)
    require_scope(token, Scope.PUBLISH, CAD)
    for product, channel, code in (
        (CAM, BETA, "token_product"),
        (None, None, "token_product"),
        (CAD, STABLE, "token_channel"),
    ):
        with pytest.raises(Forbidden) as caught:
            require_scope(token, Scope.PUBLISH, product, channel)
        assert caught.value.code == code
    with pytest.raises(Forbidden) as caught:
        require_scope(token, Scope.READ)
    assert caught.value.code == "token_scope"


def test_admin_is_everything_and_nothing_else_is(world: World) -> None:
    admin = create(world, scopes=frozenset({Scope.ADMIN}), product=None).token
    for scope in Scope:
        require_scope(admin, scope, CAD, STABLE)
        if scope not in (Scope.ADMIN, Scope.PUBLISH):
            one = create(world, scopes=frozenset({scope}), product=None).token
            for other in set(Scope) - {scope}:
                with pytest.raises(Forbidden):
                    require_scope(one, other, CAD, STABLE)
