"""Debian's Chromium, headless, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.services.leaving_out import leave_out

# The sandbox needs rights that root in a container lacks; the rest keeps the browser from talking to anyone but us.
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def installed_chromium() -> Path:
    """The program, or the test is left out."""
    found = shutil.which("chromium")
    if found is None:
        leave_out("Chromium", "not installed")
    return Path(found)


@contextmanager
def running_browser(program: Path) -> Iterator[Browser]:
    """A browser without a window; closes every page at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
