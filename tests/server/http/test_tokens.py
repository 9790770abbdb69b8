"""API tokens open management addresses and nothing else; licence keys never open those."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tenure_server.domain.api_tokens import Scope
from tenure_server.http.access_log import redacted
from tenure_server.use_cases.api_tokens import CreatedToken, TokenWish
from tests.server.http.asking import answer, problem
from tests.server.http.conftest import Shop
from tests.server.world import CAD, WHO, basic_header, license_header


def token(shop: Shop) -> CreatedToken:
    world = shop.world
    wish = TokenWish("ci", frozenset({Scope.PUBLISH}), world.now() + timedelta(days=9), CAD)
    return world.installation.create_token(wish, who=WHO)


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def test_a_token_says_what_it_is_for(own_shop: Shop) -> None:
    created = token(own_shop)
    response = own_shop.client.get("/v1/token", headers=bearer(created.secret))
    assert answer(response) == {
        "id": created.token.token_id,
        "name": "ci",
        "scopes": ["publish"],
        "product": "cad",
        "channel": None,
        "person": None,
        "expires_at": "2026-12-02T12:00:00Z",
    }
    assert response.headers["cache-control"] == "no-store"


def test_no_token_and_a_wrong_one_are_refused_with_the_challenge_of_management(own_shop: Shop) -> None:
    for headers, code in (
        ({}, "token_missing"),
        (bearer("tenure_aaaaaaaaaaaa_" + "a" * 32), "unknown_token"),
        (bearer("nonsense"), "token_malformed"),
        (bearer(""), "token_malformed"),
    ):
        response = own_shop.client.get("/v1/token", headers=headers)
        assert problem(response, 401)["code"] == code
        assert response.headers.get_list("www-authenticate") == ['Bearer realm="tenure management"']


def test_a_revoked_and_an_expired_token_are_refused_at_once(own_shop: Shop) -> None:
    created, other = token(own_shop), token(own_shop)
    assert own_shop.client.get("/v1/token", headers=bearer(created.secret)).status_code == 200
    own_shop.world.installation.revoke_token(created.token.token_id, reason="stolen", who=WHO)
    assert problem(own_shop.client.get("/v1/token", headers=bearer(created.secret)), 401)["code"] == "token_revoked"
    own_shop.world.today = date(2027, 1, 1)
    assert problem(own_shop.client.get("/v1/token", headers=bearer(other.secret)), 401)["code"] == "token_expired"


def test_a_licence_key_opens_no_management_address(own_shop: Shop) -> None:
    key = own_shop.ada.key
    for headers, code in (
        (bearer(key), "token_malformed"),
        (license_header(key), "unknown_authorization_scheme"),
        (basic_header(key), "unknown_authorization_scheme"),
    ):
        response = own_shop.client.get("/v1/token", headers=headers)
        assert problem(response, 401)["code"] == code
        assert key not in response.text


@pytest.mark.parametrize("path", ["/v1/licence", "/v1/releases", "/downloads/cad/1.0/cad-1.0-linux-x86_64.zip"])
def test_a_token_opens_nothing_that_wants_a_licence_key(own_shop: Shop, path: str) -> None:
    secret = token(own_shop).secret
    for headers in (bearer(secret), license_header(secret)):
        response = own_shop.client.get(path, headers=headers)
        assert problem(response, 401)["code"] == "api_token_not_accepted"
        assert secret not in response.text
    response = own_shop.client.get(path, headers=basic_header(secret))
    assert response.status_code == 401


def test_two_authorization_headers_are_refused(own_shop: Shop) -> None:
    secret = token(own_shop).secret
    headers = [("Authorization", f"Bearer {secret}"), ("Authorization", "Bearer x")]
    assert problem(own_shop.client.get("/v1/token", headers=headers), 400)["code"] == "repeated_authorization"


def test_a_token_in_an_address_is_not_logged(own_shop: Shop) -> None:
    secret = token(own_shop).secret
    for target in (f"/v1/token?token={secret}", f"/v1/{secret}", f"/v1/{secret}x", f"/v1/{secret[:30]}"):
        assert secret[20:30] not in redacted(target)
