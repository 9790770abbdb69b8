"""Whatever is sent, the server answers in its own words: never a 500, never anybody else's page."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.http.conftest import Shop
from tests.server.world import license_header

ANYTHING = st.text(st.characters(codec="utf-8"), max_size=40)
PLAUSIBLE = {
    "product": st.sampled_from(["cad", "cam", "CAD", "root", "nothing", ""]),
    "version": st.sampled_from(["1.0", "1.5b1", "1.3", "0", "99", "1.0.0.0.0", "1.0.post1.dev2", "1e9"]),
    "os": st.sampled_from(["linux", "win32", "DARWIN", "any", "beos"]),
    "arch": st.sampled_from(["x86_64", "amd64", "universal2", "any", "ARM64", "?"]),
    "channel": st.sampled_from(["stable", "beta", "alpha", "nightly"]),
    "install_id": st.sampled_from(["install-1", "x" * 64, "x" * 65, ""]),
    "manual": st.sampled_from(["true", "false", "1"]),
    "limit": st.sampled_from(["1", "500", "0", "-1", "99999999999999999999"]),
    "cursor": st.sampled_from(["1.2", "zzz"]),
}
QUERIES = st.lists(
    st.one_of(
        st.sampled_from(sorted(PLAUSIBLE)).flatmap(lambda name: st.tuples(st.just(name), PLAUSIBLE[name] | ANYTHING)),
        st.tuples(ANYTHING, ANYTHING),
    ),
    max_size=10,
)
HEADERS = st.dictionaries(
    st.sampled_from(["Tenure-Certificate", "If-None-Match", "Range", "Host", "Accept", "X-Forwarded-Host"]),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=40),
)
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def answers_in_its_own_words(shop: Shop, url: str, headers: dict[str, str]) -> None:
    raw = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    response = shop.client.get(f"http://testserver{url}", headers=raw)
    assert response.status_code in (200, 302, 304, 400, 401, 403, 404, 405, 410, 414), (url, response.text)
    if response.status_code >= 400:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["code"]


@given(
    path=st.sampled_from(["/v1/update-check", "/v1/releases", "/v1/licence", "/readyz", "/openapi.json"]),
    query=QUERIES,
    headers=HEADERS,
    name=st.sampled_from(["ada", "bo", "dee", "eve"]),
)
@MANY
def test_any_query(shop: Shop, path: str, query: list[tuple[str, str]], headers: dict[str, str], name: str) -> None:
    answers_in_its_own_words(shop, f"{path}?{urlencode(query)}", headers | license_header(shop.licences[name].key))


@given(query=st.binary(max_size=60))
@MANY
def test_any_bytes_as_a_query(shop: Shop, query: bytes) -> None:
    escaped = quote(query, safe="=&%+;")
    answers_in_its_own_words(shop, f"/v1/update-check?{escaped}", license_header(shop.bo.key))


@given(
    area=st.sampled_from(["downloads", "downloads/_trust", "downloads/cad/1.2", "metadata", "store", "v1", ""]),
    rest=st.lists(ANYTHING | st.sampled_from(["..", ".", "%2e", "cad", "1.2", "timestamp.json"]), max_size=4),
)
@MANY
def test_any_path(shop: Shop, area: str, rest: list[str]) -> None:
    path = "/".join(quote(part, safe="%") for part in rest)
    answers_in_its_own_words(shop, f"/{area}/{path}", license_header(shop.bo.key))


@given(header=st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=80))
@MANY
def test_any_authorization_header(shop: Shop, header: str) -> None:
    for scheme in ("", "License ", "Basic ", "Bearer "):
        answers_in_its_own_words(shop, "/v1/licence", {"Authorization": scheme + header})
