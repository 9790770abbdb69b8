from __future__ import annotations

import logging
from datetime import timedelta
from itertools import product
from types import SimpleNamespace

import pytest

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.errors import AuthenticationRequired, DatabaseUnavailable
from tenure_server.portal.session import COOKIE
from tenure_server.portal.wording import key_problem
from tenure_signing import errors
from tenure_signing.entitlement import LicenceStatus
from tests.server.portal.counter import OWN_PAGE, PUBLIC_URL, Counter, open_counter, sign_in, words


def test_the_page_asks_for_a_key_first(counter: Counter) -> None:
    response = counter.client().get("/portal")
    assert response.status_code == 200
    assert "Paste it from the mail you got with your purchase." in words(response)
    assert "Harbour Software" in words(response)


def test_a_pasted_key_opens_the_licence_and_leaves_a_cookie_that_scripts_and_other_sites_cannot_use(
    counter: Counter,
) -> None:
    client = counter.client()
    response = sign_in(client, counter.ada.key)
    assert response.status_code == 303
    assert response.headers["location"] == "/portal"
    cookie = response.headers["set-cookie"]
    for attribute in ("HttpOnly", "Secure", "SameSite=strict", "Path=/portal", "Max-Age=28800"):
        assert attribute in cookie
    assert "Ada Tan" in words(client.get("/portal"))


def test_over_plain_http_the_cookie_is_not_marked_secure(counter: Counter) -> None:
    client = counter.client(base_url="http://127.0.0.1:8000")
    cookie = sign_in(client, counter.ada.key, {"Origin": "http://127.0.0.1:8000"}).headers["set-cookie"]
    assert "Secure" not in cookie
    assert "HttpOnly" in cookie


def test_what_mail_programs_put_into_a_key_does_no_harm(counter: Counter) -> None:
    key = counter.ada.key
    broken = "\r\n".join(f"  {key[at : at + 60]} \u200b" for at in range(0, len(key), 60))
    assert sign_in(counter.client(), broken).status_code == 303


def test_the_key_is_in_no_page_cookie_address_or_log(counter: Counter, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = counter.client()
    key, signature = counter.ada.key, counter.ada.key.rpartition(".")[2]
    for response in (
        sign_in(client, key),
        client.get("/portal"),
        sign_in(client, key + "x"),
        sign_in(client, key[:90]),
    ):
        seen = response.text + str(response.headers) + str(client.cookies)
        assert signature not in seen
        assert key[:60] not in seen
    assert signature not in caplog.text


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda key: "", "The field is empty."),
        (lambda key: " \n\t", "The field is empty."),
        (lambda key: "hello", "This is not a whole licence key."),
        (lambda key: key[: len(key) // 2], "This is not a whole licence key."),
        (lambda key: key[:-8] + ("A" * 8), "This licence key has been changed on its way"),
        (lambda key: key * 20, "This is longer than any licence key."),
        (lambda key: "<script>alert(1)</script>", "This is not a whole licence key."),
        (lambda key: "ключ лицензии", "This is not a whole licence key."),
    ],
)
def test_a_key_that_is_no_key_gets_a_kind_and_exact_sentence_and_nothing_is_kept(
    counter: Counter, spoil: object, sentence: str
) -> None:
    assert callable(spoil)
    client = counter.client()
    response = sign_in(client, spoil(counter.ada.key))
    assert response.status_code == 401
    assert "Basic" not in response.headers["www-authenticate"]
    assert sentence in words(response)
    assert "<script>alert" not in response.text
    assert "set-cookie" not in response.headers
    assert not client.cookies


def test_a_certificate_is_told_from_a_licence_key(counter: Counter) -> None:
    with counter.world.database.reading() as records:
        licence = records.licences.get(counter.ada.licence.licence_id)
    assert licence is not None
    certificate = counter.world.installation.show_licence(licence).certificate
    assert "it is another document" in words(sign_in(counter.client(), certificate))


def test_a_key_of_another_server_is_told_as_such(counter: Counter, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = open_counter(tmp_path_factory.mktemp("other"), MemoryDatabase())
    assert "was not made for this server" in words(sign_in(counter.client(), other.ada.key))


def _codes(kind: type[errors.InvalidStatement]) -> set[str]:
    return {f"licence_key_{kind.code}"}.union(*map(_codes, kind.__subclasses__()))


def test_every_reason_to_refuse_a_key_has_a_sentence_of_its_own() -> None:
    codes = _codes(errors.InvalidStatement) | {"unknown_licence", "licence_key_missing"}
    sentences = {key_problem(AuthenticationRequired("", code=code)) for code in codes}
    assert len(codes) >= 12
    assert len(sentences) == len(codes)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://updates.example.com.evil.example"},
        {"Origin": PUBLIC_URL, "Sec-Fetch-Site": "cross-site"},
        {"Origin": PUBLIC_URL, "Sec-Fetch-Site": "same-site"},
        {"Origin": PUBLIC_URL, "Sec-Fetch-Site": "none"},
    ],
)
@pytest.mark.parametrize("path", ["/portal/session", "/portal/session/end"])
def test_a_form_of_another_site_is_refused(counter: Counter, headers: dict[str, str], path: str) -> None:
    response = counter.client().post(path, data={"key": counter.ada.key}, headers=headers)
    assert response.status_code == 403
    assert "The form was not sent from this page." in words(response)
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("headers", [{"Origin": PUBLIC_URL}, {"Sec-Fetch-Site": "same-origin"}, OWN_PAGE])
def test_a_form_of_our_own_page_is_accepted_from_old_and_new_browsers(
    counter: Counter, headers: dict[str, str]
) -> None:
    assert sign_in(counter.client(), counter.ada.key, headers).status_code == 303


def test_something_that_is_no_form_is_refused_with_a_page(counter: Counter) -> None:
    client = counter.client()
    as_json = client.post("/portal/session", json={"key": counter.ada.key}, headers=OWN_PAGE)
    assert (as_json.status_code, "This is not a form." in words(as_json)) == (400, True)
    fields = "&".join(f"a{n}=1" for n in range(50))
    form = {**OWN_PAGE, "Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/portal/session", content=fields, headers=form).status_code == 400


def test_signing_out_ends_it(counter: Counter) -> None:
    client = counter.signed_in(counter.ada)
    assert client.post("/portal/session/end", headers=OWN_PAGE).status_code == 303
    assert "Paste it from the mail" in words(client.get("/portal"))


def test_a_session_is_over_after_eight_hours(own_counter: Counter) -> None:
    world = own_counter.world
    client = own_counter.signed_in(own_counter.ada)
    world.today += timedelta(days=1)
    response = client.get("/portal")
    assert "You have been signed out." in words(response)
    assert not client.cookies
    assert "You have been signed out." not in words(client.get("/portal"))


@pytest.mark.parametrize("spoil", [lambda text: text + "x", lambda text: "x" + text, lambda _: "", lambda _: "a" * 900])
def test_a_forged_cookie_opens_nothing(counter: Counter, spoil: object) -> None:
    assert callable(spoil)
    genuine = counter.signed_in(counter.ada).cookies[COOKIE]
    response = counter.client().get("/portal", headers={"Cookie": f"{COOKIE}={spoil(genuine)}"})
    assert "Ada Tan" not in response.text
    assert "Licence key" in words(response)


def test_the_cookie_of_another_installation_opens_nothing(counter: Counter, own_counter: Counter) -> None:
    cookie = own_counter.signed_in(own_counter.ada).cookies[COOKIE]
    response = counter.client().get("/portal", headers={"Cookie": f"{COOKIE}={cookie}"})
    assert "Ada Tan" not in response.text


def test_a_revocation_holds_at_once(own_counter: Counter) -> None:
    client = own_counter.signed_in(own_counter.ada)
    own_counter.world.change_status(own_counter.ada.licence, LicenceStatus.REVOKED)
    assert "This licence was revoked" in words(client.get("/portal"))
    assert client.get("/portal/downloads/cad/2.2/cad-2.2-linux-x86_64.zip").status_code == 403


PAGES = ("/portal", "/portal/releases?before=2.0", "/portal/nowhere", "/portal/downloads/cad/3.0/x.zip")


@pytest.mark.parametrize(("path", "is_signed_in"), list(product(PAGES, (False, True))))
def test_every_page_is_private_and_runs_nothing(counter: Counter, path: str, is_signed_in: bool) -> None:
    client = counter.signed_in(counter.ada) if is_signed_in else counter.client()
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", ["/portal/", "/portal/session", "/portal/session/end"])
def test_addresses_that_people_reach_by_accident_lead_home(counter: Counter, path: str) -> None:
    response = counter.client().get(path)
    assert (response.status_code, response.headers["location"]) == (303, "/portal")


def test_a_failure_is_told_as_a_page_with_a_number_and_no_details(
    counter: Counter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    installation = counter.world.reopened()
    client = counter.client(installation)

    def fail(_: str) -> None:
        raise RuntimeError("secret details")

    vars(installation)["identify_licence"] = SimpleNamespace(by_key=fail, database=installation.database)
    client = counter.client(installation)
    response = sign_in(client, counter.ada.key)
    assert response.status_code == 500
    assert "Tell the vendor the incident number" in words(response)
    assert "secret details" not in response.text
    assert "secret details" in caplog.text


def test_a_database_that_does_not_answer_is_told_as_a_page(counter: Counter) -> None:
    installation = counter.world.reopened()

    def fail(_: str) -> None:
        raise DatabaseUnavailable("connection to db.internal refused")

    vars(installation)["identify_licence"] = SimpleNamespace(by_key=fail, database=installation.database)
    response = sign_in(counter.client(installation), counter.ada.key)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert "db.internal" not in response.text
    assert "does not answer at the moment" in words(response)
