"""The customer's page in a real Chromium, on the real server: by mouse, by keyboard, in the dark, on a telephone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from tenure_server.app import create_app
from tenure_server.domain.seats import ProductSeatRules
from tenure_server.settings import Settings
from tenure_server.use_cases.issue_licence import IssuedLicence, LicenceOrder
from tenure_signing.entitlement import LicenceStatus
from tenure_signing.names import Platform
from tests.server.databases import DATABASES, migrated
from tests.server.world import CAD, LINUX, MYR_1000, PRO, WHO, WINDOWS, World, body_of
from tests.services.web_server import running_web_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TELEPHONE = {"width": 390, "height": 844}
NOTES = """## Highlights

- Faster **hidden-line** removal
- <script>document.title = 'owned'</script>

|a|b|
|:-|-:|
|1|2|
"""


@dataclass
class Door:
    """Stands for the application until its address is known."""

    app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)


@dataclass(frozen=True)
class Site:
    """``ada`` is supported until 2027-01-31; ``bo``'s support ended on 2026-01-31; ``fay``'s licence was revoked.
    ``bo`` and ``lab`` have machines; seats expire after 90 days."""

    url: str
    ada: IssuedLicence
    bo: IssuedLicence
    fay: IssuedLicence
    lab: IssuedLicence


@pytest.fixture(scope="module", params=DATABASES)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    door = Door()
    with migrated(request, directory) as database, running_web_server(door) as url:
        world = World(directory, database, Settings(vendor_name="Harbour Software"))
        door.app = create_app(world.reopened(base_url=url))
        world.add_product()
        mac = Platform("macos", "universal2")
        world.publish("1.0", date(2025, 1, 10), platforms=(LINUX, WINDOWS, mac))
        world.publish("1.1", date(2025, 9, 2), platforms=(LINUX, WINDOWS, mac), notes=NOTES)
        world.publish("2.0", date(2026, 10, 1), platforms=(LINUX, WINDOWS, mac), notes=NOTES)
        fay = world.issue(date(2025, 2, 1), smp_years=2)
        world.change_status(fay.licence, LicenceStatus.REVOKED)
        long_name = "Konstruktionsbuerogemeinschaftsverwaltungsgesellschaft-am-Nordostseekanal"
        bo = world.issue(date(2025, 2, 1), smp_years=1, customer="Bo Lim")
        three = LicenceOrder(CAD, PRO, "Lab", MYR_1000, additional_users=2, additional_users_price=MYR_1000)
        lab = world.installation.issue_licence(three, who=WHO)
        world.installation.set_seat_rules(CAD, ProductSeatRules(expiry_days=90), who=WHO)
        for number, (issued, name) in enumerate([(bo, long_name), (lab, "Bench 1"), (lab, None)]):
            world.installation.activate_seat(issued.licence.licence_id, f"{number:x}" * 64, name=name)
        yield Site(
            url=url,
            ada=world.issue(date(2025, 2, 1), smp_years=2, customer=long_name),
            bo=bo,
            fay=fay,
            lab=lab,
        )


@dataclass
class Visit:
    """A person's browser, and everything it complained about."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def sign_in(self, key: str) -> None:
        self.page.goto(f"{self.url}/portal")
        self.page.get_by_label("Licence key").fill(key)
        self.page.get_by_role("button", name="Show my licence").click()

    def release(self, version: str) -> str:
        return self.page.get_by_role("article", name=f"CAD {version}").inner_text()


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    with browser.new_context() as context:
        yield Visit(context.new_page(), site.url)


def test_a_customer_pastes_the_key_sees_what_is_covered_and_downloads_it(
    visit: Visit, site: Site, tmp_path: Path
) -> None:
    page = visit.page
    key = site.bo.key
    visit.sign_in("\n".join(key[at : at + 64] for at in range(0, len(key), 64)))
    assert page.url == f"{site.url}/portal"
    assert page.get_by_role("heading", level=1).inner_text() == "CAD Pro"
    assert page.get_by_text("Support ended on 31 January 2026", exact=True).is_visible()
    periods = page.get_by_role("region", name="Support and maintenance").get_by_role("listitem").all_inner_texts()
    assert [" ".join(text.split()) for text in periods] == ["1 February 2025 to 31 January 2026 over"]

    assert "Not included" in visit.release("2.0")
    assert "after your support ended on 31 January 2026" in visit.release("2.0")
    assert "Yours: it was released while you had support." in visit.release("1.1")
    assert "Yours with the purchase on 1 February 2025." in visit.release("1.0")

    name = "cad-1.1-linux-x86_64.zip"
    shown_digest = page.get_by_role("article", name="CAD 1.1").locator("code.digest").all_text_contents()
    with page.expect_download() as download:
        page.get_by_role("link", name=f"Download {name}").click()
    saved = tmp_path / "saved.zip"
    download.value.save_as(saved)
    assert download.value.suggested_filename == name
    assert saved.read_bytes() == body_of(name)
    assert hashlib.sha256(saved.read_bytes()).hexdigest() in shown_digest
    assert key[:40] not in page.content()
    assert visit.complaints == []


def test_the_checksum_can_be_unfolded_and_selected_with_one_click(visit: Visit, site: Site) -> None:
    visit.sign_in(site.bo.key)
    card = visit.page.get_by_role("article", name="CAD 1.1")
    digest = card.locator("code.digest").first
    assert not digest.is_visible()
    card.locator("summary", has_text="SHA-256").first.click()
    digest.click()
    assert visit.page.evaluate("getSelection().toString()") == digest.inner_text()


def test_a_damaged_key_is_explained_and_not_kept(visit: Visit, site: Site) -> None:
    visit.sign_in(site.ada.key[:-6] + "AAAAAA")
    page = visit.page
    assert "has been changed on its way" in page.get_by_role("alert").inner_text()
    field_ = page.get_by_label("Licence key")
    assert field_.input_value() == ""
    assert field_.evaluate("element => element === document.activeElement")
    assert page.context.cookies() == []
    assert [text for text in visit.complaints if "401" not in text] == []


def test_everything_can_be_done_with_the_keyboard_alone(visit: Visit, site: Site) -> None:
    page = visit.page
    page.goto(f"{site.url}/portal")
    press = page.keyboard.press
    press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    press("Enter")
    press("Tab")
    assert page.evaluate("document.activeElement.id") == "key"
    page.keyboard.insert_text(site.bo.key)
    press("Tab")
    press("Enter")
    page.get_by_role("heading", name="CAD Pro").wait_for()
    for _ in range(40):
        press("Tab")
        focused = page.evaluate("document.activeElement.textContent.replace(/\\s+/g, ' ').trim()")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        if focused.startswith("Download cad-1.1-macos-universal2.zip"):
            break
    else:
        pytest.fail("no Tab leads to the download")
    with page.expect_download() as download:
        press("Enter")
    assert download.value.suggested_filename == "cad-1.1-macos-universal2.zip"
    page.get_by_role("button", name="Sign out").focus()
    press("Enter")
    page.get_by_label("Licence key").wait_for()
    assert page.context.cookies() == []
    assert visit.complaints == []


def test_a_revoked_licence_is_told_before_everything_else(visit: Visit, site: Site) -> None:
    visit.sign_in(site.fay.key)
    assert "This licence was revoked" in visit.page.get_by_role("alert").inner_text()
    assert visit.page.get_by_role("link", name="Download").count() == 0
    assert visit.complaints == []


def test_markup_in_release_notes_stays_text(visit: Visit, site: Site) -> None:
    visit.sign_in(site.ada.key)
    assert visit.page.title() == "CAD licence · Harbour Software"
    assert "<script>document.title" in visit.page.get_by_role("article", name="CAD 2.0").inner_text()
    assert visit.complaints == []


def test_the_page_works_without_javascript(browser: Browser, site: Site) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        visit = Visit(context.new_page(), site.url)
        visit.sign_in(site.ada.key)
        assert visit.page.get_by_text("Supported until 31 January 2027", exact=True).is_visible()


def test_a_customer_releases_the_seat_of_a_machine_without_javascript(browser: Browser, site: Site) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        visit = Visit(context.new_page(), site.url)
        page = visit.page
        visit.sign_in(site.lab.key)
        machines = page.get_by_role("region", name="Machines")
        assert "2 of 3 seats taken" in machines.inner_text()
        assert "free again after 21 February 2027 unless seen before" in machines.inner_text()
        page.get_by_role("link", name="Release the seat of Bench 1, 111111111111").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Release this seat?"
        page.get_by_role("link", name="Keep it").click()
        assert "2 of 3 seats taken" in machines.inner_text()
        page.get_by_role("link", name="Release the seat of Bench 1, 111111111111").click()
        page.get_by_role("button", name="Release the seat").click()
        assert machines.get_by_role("status").inner_text() == "The seat was released. Another machine can have it."
        assert "1 of 3 seats taken" in machines.inner_text()
        assert machines.get_by_role("listitem").all_inner_texts()[0].startswith("Machine without a name")
        assert visit.complaints == []


def test_it_is_light_by_day_and_dark_by_night_and_readable_in_both(browser: Browser, site: Site) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        with browser.new_context(color_scheme=scheme) as context:
            visit = Visit(context.new_page(), site.url)
            visit.sign_in(site.bo.key)
            grounds.append(visit.page.evaluate("getComputedStyle(document.body).backgroundColor"))
            assert visit.page.evaluate(_FAINT_TEXTS) == [], scheme
            for address in ("nowhere", f"machines/{'0' * 64}"):
                visit.page.goto(f"{site.url}/portal/{address}")
                assert visit.page.evaluate(_FAINT_TEXTS) == [], scheme
    light, dark = (sum(map(int, ground[4:-1].split(","))) for ground in grounds)
    assert light > 600
    assert dark < 150


@pytest.mark.parametrize("who", ["ada", "bo", "fay"])
def test_on_a_telephone_nothing_has_to_be_scrolled_sideways(browser: Browser, site: Site, who: str) -> None:
    with browser.new_context(viewport=TELEPHONE, has_touch=True, is_mobile=True) as context:  # type: ignore[arg-type]
        visit = Visit(context.new_page(), site.url)
        page = visit.page
        page.goto(f"{site.url}/portal")
        assert page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"]
        visit.sign_in(getattr(site, who).key)
        for summary in page.locator("summary").all():
            summary.evaluate("element => element.parentElement.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"]
        assert visit.complaints == []


_FAINT_TEXTS = """() => {
  const luminance = ([r, g, b]) => [r, g, b]
    .map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const numbers = color => color.match(/[\\d.]+/g).map(Number);
  const ground = element => {
    for (let e = element; e; e = e.parentElement) {
      const color = numbers(getComputedStyle(e).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.body.querySelectorAll('*')) {
    const has_text = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!has_text || element.closest('.unseen, .skip') || !element.checkVisibility()) continue;
    const [a, b] = [numbers(getComputedStyle(element).color), ground(element)].map(luminance).sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faint.push(element.textContent.trim() + ' ' + ratio.toFixed(2));
  }
  return faint;
}"""
"""Texts whose contrast is below WCAG's 4.5 : 1."""
