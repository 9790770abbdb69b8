"""``make demo`` tells its story, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
KEY_LINES = (
    "The vendor sets up a server and a product",
    "✓ support runs until ",
    "✓ 1.0.0 is up to date",
    "✓ the product replaced itself and runs as 1.1.0",
    "✓ the server says why, and offers none",
    "✓ asking for it by name is refused",
    "✓ the server's gate answers 403 after_support without the SDK",
    "✓ the product believes what was signed, not the server",
    "✓ the SDK refuses the file although the bytes are there for the taking",
    "✓ 1.1.0 stays and works, for ever",
    "✓ the release arrives, and the product runs as 2.0.0",
    "GET /v1/update-check?",
    "All of it happened as told",
)


def processes_that_mention(text: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended
            continue
        if text in command:
            found.append(command)
    return found


def test_the_demonstration_happens_as_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TENURE_")},
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "TENURE_PORT": "what the visitor has set does not matter",
    }
    done = subprocess.run(
        [sys.executable, CHECKOUT / "tests" / "demo" / "run.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert done.stderr == ""
    told = iter(done.stdout.splitlines())
    for line in KEY_LINES[:-2]:
        assert any(line in each for each in told), line
    for line in KEY_LINES[-2:]:
        assert line in done.stdout
    assert "Traceback" not in done.stdout
    assert list(temporary.iterdir()) == []
    assert list(home.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "tmp"]
    assert processes_that_mention(str(temporary)) == []
