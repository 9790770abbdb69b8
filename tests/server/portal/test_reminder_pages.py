"""The link in a reminder: it asks, it stops reminders, and it does nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tenure_server.adapters.memory import MemoryDatabase
from tenure_server.app import create_app
from tenure_server.http.access_log import redacted
from tenure_server.installation import Installation
from tests.server.world import TODAY, WHO, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, MemoryDatabase())
    world.add_product()
    return world


def client(installation: Installation) -> TestClient:
    return TestClient(create_app(installation), follow_redirects=False)


def is_opted_out(world: World, licence_id: str) -> bool:
    with world.database.reading() as records:
        return records.reminders.opted_out(licence_id)


def test_opening_the_link_asks_and_changes_nothing(world: World) -> None:
    licence_id = world.issue(TODAY).licence.licence_id
    path = f"/portal/reminders/{world.installation.reminder_links.token_of(licence_id)}"
    page = client(world.installation).get(path)
    assert page.status_code == 200
    assert "Stop reminders" in page.text
    assert f'action="{path}"' in page.text
    assert page.headers["cache-control"] == "no-store"
    assert not is_opted_out(world, licence_id)


def test_the_button_of_a_mail_program_stops_reminders_without_cookie_or_origin(world: World) -> None:
    """RFC 8058, 3.2: a POST with List-Unsubscribe=One-Click, answered without a redirect."""
    licence_id = world.issue(TODAY).licence.licence_id
    path = f"/portal/reminders/{world.installation.reminder_links.token_of(licence_id)}"
    browser = client(world.installation)
    for _ in range(2):
        done = browser.post(path, data={"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200
        assert "no more reminders" in done.text
    assert is_opted_out(world, licence_id)
    with world.database.reading() as records:
        (audited,) = records.audit.newest(subject=licence_id, action="reminder")
    assert audited.who == "customer (link in a reminder)"


def test_a_link_that_was_changed_is_none_of_ours(world: World) -> None:
    one, other = (world.issue(TODAY).licence.licence_id for _ in range(2))
    token = world.installation.reminder_links.token_of(one)
    for forged in (
        token[:-1] + ("a" if token[-1] != "a" else "b"),
        token.replace(one, other),
        one,
        f"{one}.",
        "x",
        "é.é",
    ):
        browser = client(world.installation)
        assert browser.get(f"/portal/reminders/{forged}").status_code == 404
        assert browser.post(f"/portal/reminders/{forged}").status_code == 404
    assert not is_opted_out(world, one)
    assert not is_opted_out(world, other)


def test_the_page_speaks_the_vendors_language_of_mail(world: World) -> None:
    licence_id = world.issue(TODAY).licence.licence_id
    german = world.reopened(language="de")
    page = client(german).get(f"/portal/reminders/{german.reminder_links.token_of(licence_id)}")
    assert "Nicht mehr erinnern" in page.text
    assert 'lang="de"' in page.text


@pytest.mark.parametrize(
    ("known", "general", "said"),
    [
        ("fr", "de", "Arrêter les rappels"),
        ("zh-CN", "en", "停止提醒"),
        ("en", "de", "Nicht mehr erinnern"),
        ("pt-BR", "de", "Stop reminders"),
    ],
)
def test_the_page_speaks_the_customers_language_as_the_mail_did(
    world: World, known: str, general: str, said: str
) -> None:
    licence = world.issue(TODAY).licence
    installation = world.reopened(language=general)
    installation.change_customer(licence.customer_id, {"language": known}, who=WHO)
    path = f"/portal/reminders/{installation.reminder_links.token_of(licence.licence_id)}"
    browser = client(installation)
    asked, done = browser.get(path), browser.post(path)
    assert said in asked.text
    assert re.findall('<html lang="([a-z]+)">', asked.text) == re.findall('<html lang="([a-z]+)">', done.text)
    assert said not in done.text


def test_the_access_log_does_not_show_the_link() -> None:
    assert redacted("/portal/reminders/abcd.secret") == "/portal/reminders/[redacted]"
