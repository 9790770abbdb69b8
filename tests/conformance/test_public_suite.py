"""The SDK passes every case of the public TUF client conformance suite. See README.md beside this file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.services.leaving_out import leave_out_optional

CLIENT = Path(__file__).with_name("tenure_tuf_client.py")
CHECKOUT = "TENURE_TEST_TUF_CONFORMANCE"
CASES = 113  # of commit eec841c (2026-08-17); newer ones have more


@pytest.fixture
def suite() -> Path:
    """The checkout of the suite, with the environment that its ``make dev`` makes."""
    named = os.environ.get(CHECKOUT)
    if not named:
        leave_out_optional("public TUF conformance suite", f"{CHECKOUT} names no checkout")
    suite = Path(named)
    assert (suite / "env" / "bin" / "python").exists(), f"make dev was not run in {CHECKOUT}"
    assert shutil.which("faketime"), "the suite needs the program faketime"
    return suite


def test_every_case_passes(suite: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    ran = subprocess.run(
        [
            *(suite / "env" / "bin" / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tuf_conformance"),
            *(f"--entrypoint={CLIENT}", f"--junit-xml={report}"),
        ],
        cwd=suite,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTEST_ADDOPTS": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    cases = ElementTree.parse(report).getroot().findall(".//testcase")
    assert len(cases) >= CASES
    assert not [case.get("name") for case in cases if len(case)], "skipped or expected to fail"
