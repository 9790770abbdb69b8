"""What README tells operators, release engineers and developers to type, typed."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.server.cli.at_the_terminal import PASSPHRASE, Operator, Ran

README = Path(__file__).resolve().parents[2] / "README.md"
PLACEHOLDER = "7k3m-qx9p-2d4v-hj8w"


def examples(section: str, language: str = "") -> list[str]:
    """The code blocks of a section."""
    text = README.read_text().partition(f"## {section}\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands(section: str) -> list[str]:
    """Its shell commands, one each, without the remarks."""
    joined = "".join(examples(section)).replace("\\\n", " ")
    return [re.sub(r"\s+#.*$", "", line) for line in joined.splitlines() if line.strip()]


class Reader:
    """Types into a shell, in an empty folder, and never leaves it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        programs = Path(sys.executable).parent
        self.environment = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "TENURE_PASSPHRASE_FILE": str(home / "tenure-passphrase"),
        }
        (home / "tenure-passphrase").write_text(PASSPHRASE)

    def types(self, command: str) -> Ran:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def did(self, command: str) -> str:
        ran = self.types(command)
        assert ran.code == 0, f"{command}\n{ran.err}"
        return ran.out

    @contextmanager
    def serving(self) -> Iterator[str]:
        operator = Operator(self.home)
        with operator.serving() as server:
            yield server.url


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def test_the_whole_of_it_from_an_empty_folder(reader: Reader) -> None:
    setting_up = commands("For the operator")
    first_sale = next(number for number, command in enumerate(setting_up) if "licence issue" in command)
    assert setting_up[first_sale - 1] == "tenure serve"
    for command in setting_up[: first_sale - 1]:
        reader.did(command)
    licence, key = sell(reader, setting_up[first_sale])
    with reader.serving() as url:
        publish, *others = commands("For the release engineer")
        publish_each(reader, publish, "2.6.0", "2.6.1")
        run_the_snippet(reader, url, key)
        publish_each(reader, publish, "2.7.0", "2.8.0b1")
        for command in others:
            reader.did(command)
    for command in setting_up[first_sale + 1 :]:
        ran = reader.types(command.replace(PLACEHOLDER, licence))
        if "licence renew" in command:  # sold today: the window is far
            assert "too early" in ran.error
        else:
            assert ran.code == 0, f"{command}\n{ran.err}"


def sell(reader: Reader, command: str) -> tuple[str, str]:
    sold = reader.did(command)
    found = re.search(r"^licence +(\S+)$", sold, re.MULTILINE)
    assert found is not None
    assert re.fullmatch(PLACEHOLDER.translate(str.maketrans("0123456789abcdefghjkmnpqrstvwxyz", "." * 32)), found[1])
    return found[1], sold.splitlines()[-1]


def publish_each(reader: Reader, command: str, *versions: str) -> None:
    dist = reader.home / "dist"
    (reader.home / "CHANGES-2.6.md").write_text("# Faster hidden-line removal\n")
    (reader.home / "CHANGES-2.6.de.md").write_text("# Verdeckte Kanten schneller\n")
    for version in versions:
        shutil.rmtree(dist, ignore_errors=True)
        dist.mkdir()
        (dist / f"cad-{version}-linux-x86_64.tar.gz").write_bytes(version.encode() * 1000)
        (dist / f"cad-{version}.cdx.json").write_text("{}")
        assert "--yes" in reader.types(command).hint  # nobody is there to be asked
        this = command + " --yes" + (" --channel beta" if "b" in version else "")
        assert f"Published cad {version}." in reader.did(this)


def run_the_snippet(reader: Reader, url: str, key: str) -> None:
    (snippet,) = examples("For the product", "python")
    assert snippet.count("https://updates.example.com") == 1
    around = (
        "import os, pathlib\n"
        "ROOT_JSON = pathlib.Path('tenure-data/root.json').read_bytes()\n"
        "pasted_text, directory = os.environ.pop('KEY'), pathlib.Path('downloads')\n"
        f"{snippet.replace('https://updates.example.com', url)}\n"
        "print(answer.status, answer.offer and file.read_bytes()[:5])\n"
    )
    reader.environment["KEY"] = key
    said = reader.did(f"{sys.executable} - <<'END'\n{around}END")
    if platform.machine() == "x86_64" and sys.platform == "linux":
        assert said == "update_available b'2.6.1'\n"


def test_the_documents_that_it_points_to_are_there() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", README.read_text()):
        assert (README.parent / target).exists(), target


def test_the_targets_that_it_names_are_in_the_makefile() -> None:
    makefile = (README.parent / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", README.read_text(), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
