from __future__ import annotations

import hashlib
import re
from datetime import date

import pytest

from tenure_server.domain.orders import sale_for
from tenure_signing.entitlement import LineGrant, SupportPeriod
from tenure_signing.releases import Money
from tenure_signing.versions import Version
from tests.server.portal.counter import Counter, release_card, words
from tests.server.world import CAD, WHO, body_of


def test_a_supported_customer_sees_until_when_and_how_long(counter: Counter) -> None:
    said = words(counter.signed_in(counter.ada).get("/portal"))
    assert "Supported until 14 January 2027" in said
    assert "53 days left." in said
    assert "1 February 2024 to 31 January 2025 over" in said
    assert "1 February 2025 to 14 January 2026 not supported" in said
    assert "15 January 2026 to 14 January 2027 now; 53 days left" in said
    assert "Bought on 1 February 2024 for 1 seat." in said
    assert counter.ada.licence.licence_id in said


def test_a_lapsed_customer_sees_since_when(counter: Counter) -> None:
    said = words(counter.signed_in(counter.bo).get("/portal"))
    assert "Support ended on 31 January 2026" in said
    assert "296 days ago" in said
    assert "Support has ended and can no longer be renewed from here." in said


def test_a_customer_who_never_bought_support_is_told_what_is_theirs(counter: Counter) -> None:
    said = words(counter.signed_in(counter.cyn).get("/portal"))
    assert "Without support" in said
    assert "Everything released up to 1 April 2026 is yours for good." in said
    assert "Support can be ordered any day." in said


def test_the_renewal_shows_terms_and_prices_and_fakes_no_order(counter: Counter) -> None:
    response = counter.signed_in(counter.ada).get("/portal")
    said = words(response)
    assert "Support can be renewed now, up to and including 14 January 2027." in said
    assert "1 year 15 January 2027 to 14 January 2028 MYR 150.00" in said
    assert "2 years 15 January 2027 to 14 January 2029 MYR 200.00" in said
    assert "To order, contact Harbour Software" in said
    assert re.findall(r'<form[^>]* action="([^"]+)"', response.text) == ["/portal/session/end"]


def test_the_renewal_links_to_the_vendor_where_orders_are_taken_elsewhere(counter: Counter) -> None:
    response = counter.signed_in(counter.ada, renewal_url="https://shop.example/renew").get("/portal")
    assert 'href="https://shop.example/renew"' in response.text
    assert "Order at Harbour Software" in words(response)


@pytest.mark.parametrize(
    ("today", "sentence"),
    [
        (date(2026, 9, 1), "Support can be renewed from 16 October 2026 up to and including 14 January 2027."),
        (date(2027, 1, 14), "Last call: 1 day left to do so."),
        (date(2027, 1, 14), "Today is the last day."),
        (date(2026, 1, 10), "The next one begins on 15 January 2026."),
        (date(2026, 1, 10), "not supported; today is one of these days"),
    ],
)
def test_what_can_be_done_follows_the_day(own_counter: Counter, today: date, sentence: str) -> None:
    world = own_counter.world
    world.today = today
    issued = world.issue(date(2024, 2, 1), smp_years=1)
    again = SupportPeriod(date(2026, 1, 15), date(2027, 1, 14))
    world.installation.add_period_by_hand(issued.licence.licence_id, again, reason="came back", who=WHO)
    assert sentence in words(own_counter.signed_in(issued).get("/portal"))


def test_each_release_says_whether_it_is_included_and_why(counter: Counter) -> None:
    response = counter.signed_in(counter.ada).get("/portal")
    told = {
        "1.0": "Included Major release · 10 January 2024 Yours with the purchase on 1 February 2024.",
        "1.1": "Yours: it was released while you had support.",
        "2.0": "Not included Major release · 1 September 2025 It was released on 1 September 2025,"
        " a day without support.",
        "2.1.1": "Withdrawn Service pack · 1 March 2026 Harbour Software gives as the reason: “it loses layers”."
        " Use 2.2 in its place.",
        "2.2": "Included Minor release · 15 May 2026 Yours: it was released while you had support.",
        "2.2.1": "Paused Service pack · 1 June 2026 Harbour Software has paused it for now. Try again later.",
        "2.3b1": "Minor release, beta channel · 1 November 2026",
        "3.0": "It is a paid upgrade, and it has not been paid for yet. You had support on its day, so it costs"
        " MYR 150.00 a seat. To order it, contact Harbour Software and name the version and your licence number.",
    }
    for version, sentence in told.items():
        assert sentence in release_card(response, version), version
    assert "CAD 4.0" not in words(response)


def test_a_release_that_a_renewal_would_include_says_so(own_counter: Counter) -> None:
    own_counter.world.publish("2.4", date(2026, 11, 20))
    response = own_counter.signed_in(own_counter.cyn).get("/portal")
    assert "no support was bought. Contact Harbour Software" in release_card(response, "2.4")
    own_counter.world.publish("2.5", date(2026, 11, 23))
    response = own_counter.signed_in(own_counter.cyn).get("/portal")
    assert "Support from 23 November 2026 to 22 November 2027 would include it" in release_card(response, "2.5")


def test_what_is_not_included_says_when_support_ended(counter: Counter) -> None:
    response = counter.signed_in(counter.bo).get("/portal")
    assert "after your support ended on 31 January 2026." in release_card(response, "2.2")
    assert "Download" not in release_card(response, "2.2")
    assert "It costs MYR 450.00 a seat." in release_card(response, "3.0")
    assert "It was withdrawn besides. Use 2.2 in its place." in release_card(response, "2.1.1")


def test_what_is_sold_says_its_price_where_to_order_it_and_that_it_is_only_to_be_paid(own_counter: Counter) -> None:
    installation, licence = own_counter.world.installation, own_counter.bo.licence
    users = sale_for(licence, additional_users=2, additional_users_price=Money(30_000, "MYR"))
    number = installation.place_order(lambda _: (licence.customer_id, users), who=WHO).number
    installation.confirm_payment(number, who=WHO)
    installation.set_release_price(CAD, Version("2.2"), Money(8_000, "MYR"), who=WHO)
    shop = "https://shop.example.com/"
    response = own_counter.signed_in(own_counter.bo, renewal_url=shop).get("/portal")
    assert "It costs MYR 450.00 a seat, MYR 1,350.00 for your 3 seats." in release_card(response, "3.0")
    assert "It can be bought by itself for MYR 80.00 a seat, MYR 240.00 for your 3" in release_card(response, "2.2")
    assert "Order 2.2 at Harbour Software" in release_card(response, "2.2")
    assert response.text.count(f'href="{shop}"') == 3
    upgrade = sale_for(licence, upgrade=LineGrant(3, 0))
    waiting = installation.place_order(lambda _: (licence.customer_id, upgrade), who=WHO)
    card = release_card(own_counter.signed_in(own_counter.bo, renewal_url=shop).get("/portal"), "3.0")
    assert f"You ordered it on 23 November 2026: it is yours once order {waiting.number} is paid." in card
    assert "Order 3.0" not in card
    installation.confirm_payment(waiting.number, who=WHO)
    card = release_card(own_counter.signed_in(own_counter.bo).get("/portal"), "3.0")
    assert "Yours: it was bought as an upgrade or given to this licence." in card


def test_downloads_show_size_platform_and_checksum(counter: Counter) -> None:
    card = release_card(counter.signed_in(counter.ada).get("/portal"), "2.2")
    body = body_of("cad-2.2-windows-x86_64.zip")
    assert "Windows, 64-bit Intel or AMD" in card
    assert hashlib.sha256(body).hexdigest() in card
    assert f"{len(body):,} bytes" in card
    assert "4.0 kB" in card


def test_a_download_leads_to_a_link_of_the_store(counter: Counter) -> None:
    client = counter.signed_in(counter.ada)
    response = client.get("/portal/downloads/cad/2.2/cad-2.2-linux-x86_64.zip")
    assert response.status_code == 302
    assert response.headers["cache-control"] == "no-store"
    assert client.get(response.headers["location"]).content == body_of("cad-2.2-linux-x86_64.zip")


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("cad/2.0/cad-2.0-linux-x86_64.zip", 403, "on a day that no support period covers"),
        ("cad/3.0/cad-3.0-linux-x86_64.zip", 403, "cad 3.0 is a paid upgrade"),
        ("cad/2.1.1/cad-2.1.1-linux-x86_64.zip", 410, "it loses layers"),
        ("cad/2.2.1/cad-2.2.1-linux-x86_64.zip", 403, "halted for now"),
        ("cad/4.0/cad-4.0-linux-x86_64.zip", 404, "There is no such release."),
        ("cad/2.2/other.zip", 404, "no such file"),
        ("cad/2.2/..%2f..%2fetc%2fpasswd", 404, "There is no such page."),
        ("cad/2.2/%2e%2e", 404, "There is no such file."),
        ("CAD/2.2/x.zip", 404, "There is no such file."),
        ("cad/two/x.zip", 400, "The address holds no version."),
        ("cam/1.0/cam.zip", 404, "There is no such product."),
    ],
)
def test_a_download_that_is_not_to_be_had_says_why_on_a_page(
    counter: Counter, path: str, status: int, sentence: str
) -> None:
    response = counter.signed_in(counter.ada).get(f"/portal/downloads/{path}")
    assert response.status_code == status
    assert sentence in words(response)
    assert "Back to your licence" in words(response)
    assert "renew at https://updates.example.com/portal" not in response.text


def test_without_a_session_a_download_asks_for_the_key(counter: Counter) -> None:
    response = counter.client().get("/portal/downloads/cad/2.2/cad-2.2-linux-x86_64.zip")
    assert response.status_code == 401
    assert "Paste your licence key first." in words(response)
    assert "location" not in response.headers


@pytest.mark.parametrize(("who", "title"), [("eve", "This licence is suspended"), ("fay", "This licence was revoked")])
def test_a_suspended_or_revoked_licence_is_told_clearly(counter: Counter, who: str, title: str) -> None:
    client = counter.signed_in(getattr(counter, who))
    response = client.get("/portal")
    said = words(response)
    assert title in said
    assert "Nothing can be downloaded" in said
    assert "“invoice unpaid”" in said
    assert "/portal/downloads/" not in response.text
    assert "Update address" not in said
    assert "Renewal" not in said
    assert client.get("/portal/downloads/cad/1.0/cad-1.0-linux-x86_64.zip").status_code == 403


def test_the_feed_address_is_that_of_the_api(counter: Counter) -> None:
    client = counter.signed_in(counter.ada)
    api = client.get("/v1/licence", headers={"Authorization": f"License {counter.ada.key}"}).json()
    assert api["feeds"]["velopack"] in client.get("/portal").text


def test_release_notes_are_shown_as_markdown(counter: Counter) -> None:
    text = counter.signed_in(counter.ada).get("/portal").text
    assert "<h5>Highlights</h5>" in text
    assert "<li>Faster <strong>hidden-line</strong> removal</li>" in text


def test_names_with_markup_in_them_stay_text(own_counter: Counter) -> None:
    issued = own_counter.world.issue(date(2026, 1, 1), customer="<img src=x onerror=alert(1)> & Söhne")
    text = own_counter.signed_in(issued).get("/portal").text
    assert "<img" not in text
    assert "&lt;img src=x onerror=alert(1)&gt; &amp; Söhne" in text


@pytest.mark.parametrize("before", ["", "x", "1+1", "9" * 100])
def test_a_page_of_older_releases_needs_a_version(counter: Counter, before: str) -> None:
    response = counter.signed_in(counter.ada).get("/portal/releases", params={"before": before})
    assert response.status_code == 400
    assert "The address holds no version." in words(response)


def test_the_stylesheet_and_icon_are_ours(counter: Counter) -> None:
    client = counter.client()
    assert client.get("/portal/portal.css").headers["content-type"] == "text/css; charset=utf-8"
    assert client.get("/portal/icon.svg").headers["content-type"] == "image/svg+xml"
    assert "://" not in client.get("/portal/portal.css").text
