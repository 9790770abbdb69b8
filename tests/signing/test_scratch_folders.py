"""Folders for a moment do not pile up, and those in use stay."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tenure_signing.scratch_folders import YOUNG_SECONDS, scratch_folder

PREFIX = "tenure-test-"
KILLED = """
import os, signal
from tenure_signing.scratch_folders import scratch_folder
with scratch_folder("tenure-test-") as folder:
    (folder / "file").write_text("x")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def age(folder: Path) -> None:
    then = folder.stat().st_mtime - YOUNG_SECONDS - 1
    os.utime(folder, (then, then))


def test_a_folder_is_gone_after_its_block(temporary: Path) -> None:
    with scratch_folder(PREFIX) as folder:
        (folder / "file").write_text("x")
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next_one(temporary: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED], check=False)
    (left,) = temporary.iterdir()
    with scratch_folder(PREFIX):
        assert left.exists()  # so young that its owner may just not have locked it yet
    age(left)
    with scratch_folder(PREFIX):
        assert not left.exists()


def test_folders_in_use_and_things_of_others_stay(temporary: Path) -> None:
    other, target = temporary / "tenure-other-x", temporary / "target"
    other.mkdir()
    target.mkdir()
    link = temporary / f"{PREFIX}link"
    link.symlink_to(target)
    file = temporary / f"{PREFIX}file"
    file.write_text("x")
    with scratch_folder(PREFIX) as used:
        for each in (used, other, target, file):
            age(each)
        with scratch_folder(PREFIX):
            assert all(each.exists() for each in (used, other, target, link, file))
