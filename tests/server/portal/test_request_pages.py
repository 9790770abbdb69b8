"""Customers ask for support on the page, read the answers and write again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.domain.support_requests import Category, RequestChannel, RequestStatus, SupportRequest
from tests.server.portal.counter import OWN_PAGE, Counter, open_counter, words

QUESTION = {
    "category": "bug_report",
    "priority": "high",
    "subject": "It crashes",
    "text": "When I save.\r\nAlways.",
    "version": "2.2",
    "name": "Ada Tan",
    "email": "ada@anker.example",
}


@pytest.fixture
def shop(tmp_path: Path) -> Counter:
    return open_counter(tmp_path, MemoryDatabase())


def ask(client: TestClient, once: str = "form-1", **changed: str) -> Response:
    return client.post("/portal/requests", data=QUESTION | {"once": once} | changed, headers=OWN_PAGE)


def answer(client: TestClient, number: str, fields: Mapping[str, str]) -> Response:
    return client.post(f"/portal/requests/{number}", data=dict(fields), headers=OWN_PAGE)


def requests_of(shop: Counter) -> list[SupportRequest]:
    with shop.world.database.reading() as records:
        return list(records.support_requests.of_customer(shop.ada.licence.customer_id))


def test_what_is_asked_on_the_page_is_a_request_with_the_terms_of_the_licence(shop: Counter) -> None:
    client = shop.signed_in(shop.ada)
    form = client.get("/portal/requests/new")
    assert "You have an answer within 16 working hours, within 4 if it is urgent." in words(form)
    asked = ask(client)
    assert (asked.status_code, asked.headers["location"]) == (303, "/portal/requests/R-1001")
    (request,) = requests_of(shop)
    assert (request.category, request.channel, request.installed_version) == (
        Category.BUG_REPORT,
        RequestChannel.PORTAL,
        "2.2",
    )
    page = words(client.get("/portal/requests/R-1001"))
    assert "It crashes R-1001 · Something does not work" in page
    assert "When I save. Always." in page
    assert "It crashes" in words(client.get("/portal/requests"))


def test_a_double_click_asks_once(shop: Counter) -> None:
    client = shop.signed_in(shop.ada)
    assert ask(client).headers["location"] == ask(client).headers["location"]
    assert len(requests_of(shop)) == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"category": ""}, "Choose what it is about."),
        ({"category": "free_lunch"}, "Choose what it is about."),
        ({"subject": ""}, "A subject is a printable line"),
        ({"text": "  "}, "There is nothing in the message yet."),
        ({"email": "nobody"}, "The contact's e-mail address is not one."),
        ({"email": ""}, "Your e-mail address is needed for the answer."),
        ({"name": ""}, "A contact's name has 1 to 200 printable characters."),
    ],
)
def test_a_form_with_a_fault_comes_back_as_it_was_filled_in(shop: Counter, changed: dict[str, str], said: str) -> None:
    refused = ask(shop.signed_in(shop.ada), **changed)
    assert refused.status_code == 400
    assert said in words(refused)
    assert "ada@anker.example" in refused.text or "email" in changed
    assert re.search(r'name="once" value="form-1"', refused.text)
    assert requests_of(shop) == []


def test_operators_answers_stand_on_the_page_and_their_notes_do_not(shop: Counter) -> None:
    client = shop.signed_in(shop.ada)
    ask(client)
    installation = shop.world.installation
    installation.reply_to_request("R-1001", "Which file?\n<b>?</b>", who="mei (command line)")
    installation.note_on_request("R-1001", "Looks like P-3", who="mei (command line)")
    page = client.get("/portal/requests/R-1001")
    assert "Your answer is needed" in words(page)
    assert "Harbour Software" in words(page)
    assert "&lt;b&gt;?&lt;/b&gt;" in page.text
    assert "P-3" not in page.text
    assert "mei" not in page.text
    assert answer(client, "R-1001", {"text": "plan.cad", "once": "a"}).status_code == 303
    assert answer(client, "R-1001", {"text": "plan.cad", "once": "a"}).status_code == 303
    assert words(client.get("/portal/requests/R-1001")).count("plan.cad") == 1
    assert requests_of(shop)[0].status is RequestStatus.OPEN


def test_the_customer_says_that_it_is_solved_and_may_write_again(shop: Counter) -> None:
    client = shop.signed_in(shop.ada)
    ask(client)
    assert answer(client, "R-1001", {"solved": "yes", "text": ""}).status_code == 303
    assert requests_of(shop)[0].status is RequestStatus.RESOLVED
    answer(client, "R-1001", {"text": "It is back.", "once": "b"})
    assert requests_of(shop)[0].status is RequestStatus.OPEN
    assert "There is nothing in the message yet." in words(answer(client, "R-1001", {"text": ""}))


def test_a_licence_sees_its_own_requests_only(shop: Counter) -> None:
    ask(shop.signed_in(shop.ada))
    other = shop.signed_in(shop.bo)
    assert other.get("/portal/requests/R-1001").status_code == 404
    assert answer(other, "R-1001", {"text": "hello", "once": "c"}).status_code == 404
    assert "Nothing has been asked" in words(other.get("/portal/requests"))


def test_who_is_not_signed_in_or_comes_from_another_page_asks_nothing(shop: Counter) -> None:
    assert ask(shop.client()).status_code == 401
    assert shop.client().get("/portal/requests").status_code == 401
    signed_in = shop.signed_in(shop.ada)
    foreign = signed_in.post("/portal/requests", data=QUESTION, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert requests_of(shop) == []


def test_without_support_no_answer_is_promised_and_the_request_is_taken_all_the_same(shop: Counter) -> None:
    client = shop.signed_in(shop.bo)
    assert "no answer is promised by a certain time" in words(client.get("/portal/requests/new"))
    assert ask(client).status_code == 303


def test_a_licence_key_that_is_pasted_is_not_kept(shop: Counter) -> None:
    client = shop.signed_in(shop.ada)
    ask(client, text=f"My key is {shop.ada.key}.")
    assert "My key is [removed]." in words(client.get("/portal/requests/R-1001"))
