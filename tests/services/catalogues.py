"""Real release histories of public projects, beside the checkout; ``TENURE_TEST_CATALOGUES`` names another folder."""

from __future__ import annotations

import os
from pathlib import Path

from tests.services.leaving_out import leave_out


def catalogue_files() -> Path:
    """The folder with ``ruff.json``, ``numpy.json`` and ``pyside6-essentials.json``, or the test is left out."""
    beside_the_checkout = Path(__file__).resolve().parents[2].parent / "shared" / "catalogs"
    directory = Path(os.environ.get("TENURE_TEST_CATALOGUES") or beside_the_checkout)
    if not any(directory.glob("*.json")):
        leave_out("release histories", "no catalogues beside the checkout")
    return directory
