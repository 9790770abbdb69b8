"""``tenure publish --server``: from a laptop or a build server with a token, a key and the first root."""

from __future__ import annotations

import importlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.server.cli.at_the_terminal import PROGRAM, Operator
from tests.server.cli.laptop import Laptop

CI = Path(__file__).resolve().parents[3] / "deploy" / "ci"


def test_an_unattended_build_publishes_with_a_token_from_a_file(laptop: Laptop) -> None:
    file = laptop.engineer.directory / "token"
    file.write_text(laptop.token + "\n")
    ran = laptop.publish("--yes", TENURE_TOKEN=None, TENURE_TOKEN_FILE=str(file))
    assert ran.code == 0, ran.err
    assert ran.out.startswith("Published cad 1.0.\n")
    assert laptop.versions() == ["1.0"]
    assert laptop.token not in ran.out + ran.err
    assert not laptop.engineer.data_dir.exists()
    event = laptop.operator.did("audit", "--subject", "cad 1.0", "--json").json[0]
    assert event["who"].startswith("token ci (")
    again = laptop.publish("--yes")
    assert again.out.startswith("Already published: cad 1.0.\n")


def test_a_dry_run_shows_everything_and_changes_nothing(laptop: Laptop) -> None:
    ran = laptop.engineer.run(*laptop.arguments("--dry-run"), TENURE_TOKEN=laptop.token)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("Would publish cad 1.0.\n")
    for word in ("beta", "pro", "cad-1.0.zip", "release day"):
        assert word in ran.out
    assert "bytes would be uploaded" in ran.err
    as_json = laptop.engineer.did(*laptop.arguments("--dry-run", "--json"), TENURE_TOKEN=laptop.token).json
    assert as_json["dry_run"]
    assert as_json["is_new"]
    assert laptop.versions() == []
    assert laptop.operator.audit_trail("cad 1.0") == []


def test_without_a_terminal_and_without_yes_nothing_is_signed(laptop: Laptop) -> None:
    ran = laptop.publish()
    assert ran.code == 1
    assert "nobody is here" in ran.error.lower()
    assert "--yes" in ran.hint
    assert laptop.versions() == []


def test_a_person_is_shown_what_will_be_signed_and_may_say_no(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(question: str, **_: object) -> bool:
        asked.append(question)
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", answer)
    ran = laptop.publish()
    assert ran.code == 130
    assert asked == ["Sign and publish?"]
    assert "cad-1.0.zip" in ran.err
    assert laptop.versions() == []


@pytest.mark.parametrize(
    ("options", "settings", "words"),
    [
        (("--yes",), {"TENURE_TOKEN": None}, "takes an api token"),
        (("--yes",), {"TENURE_TOKEN": "secret-but-no-token"}, "api token is none"),
        (("--yes",), {"TENURE_TOKEN": None, "TENURE_TOKEN_FILE": "/nowhere"}, "token file /nowhere cannot be read"),
        (("--yes",), {"TENURE_TOKEN": "tenure_aaaaaaaaaaaa_" + "a" * 32}, "does not know the api token"),
        (("--yes", "--channel", "nightly"), {}, "no channel nightly"),
    ],
)
def test_what_is_missing_or_wrong_is_said_in_one_line(
    laptop: Laptop, options: tuple[str, ...], settings: dict[str, str | None], words: str
) -> None:
    ran = laptop.publish(*options, **settings)
    assert ran.code == 1
    assert words in ran.error.lower()
    assert "secret-but-no-token" not in ran.err
    assert laptop.versions() == []


def test_a_key_and_a_root_are_needed(laptop: Laptop) -> None:
    ran = laptop.engineer.run(*laptop.arguments("--yes"), TENURE_TOKEN=laptop.token)
    assert "signs with your key" in ran.error
    laptop.root.unlink()
    assert "first root cannot be read" in laptop.publish("--yes").error


def test_the_token_is_not_sent_over_plain_http(laptop: Laptop) -> None:
    laptop.url = "http://updates.example.com"
    assert "in the clear" in laptop.publish("--yes").error


def test_a_dry_run_on_the_server_itself_changes_nothing_either(operator: Operator) -> None:
    file = operator.build("cad-1.0.zip")
    options = ("publish", file, "--product", "cad", "--version", "1.0", "--platform", "any", "--dry-run")
    ran = operator.did(*options, TENURE_PASSPHRASE_FILE=None)
    assert ran.out.startswith("Would publish cad 1.0.\n")
    assert operator.did("releases", "--json").json == []
    operator.publish("1.0")
    assert operator.did(*options).out.startswith("Already published: cad 1.0.\n")
    alone = ("publish", file, "--product", "cad", "--version", "1.0", "--platform", "any", "--root", "x")
    assert "--root goes with --server" in operator.run(*alone).error


def scripts_of(example: str) -> str:
    """Every line that the pipeline gives to a shell, as its YAML has it."""
    yaml = importlib.import_module("yaml")  # uvicorn reads its settings with it; it has no types
    pipeline = yaml.safe_load((CI / example).read_text(encoding="utf-8"))
    jobs = pipeline.get("jobs", pipeline).values()
    steps = [step for job in jobs if isinstance(job, dict) for step in job.get("steps", [job])]
    lines: list[str] = []
    for step in steps:
        lines += [step["run"]] if "run" in step else [*step.get("before_script", []), *step.get("script", [])]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("example", ["github-actions.yml", "gitlab-ci.yml"])
def test_the_ready_made_pipelines_publish(laptop: Laptop, example: str) -> None:
    """Their very commands in a shell, with the key in a file where they have it in a key service."""
    script = scripts_of(example)
    checked = subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    commands = [line for line in script.splitlines() if line.startswith("tenure publish")]
    assert ["--dry-run" in command for command in commands] == [True, False]
    folder = laptop.engineer.directory
    (folder / "dist").mkdir()
    for name in ("cad-1.0-linux-x86_64.tar.gz", "cad-1.0-win-x64.zip", "cad-1.0.cdx.json", "SHA256SUMS"):
        laptop.engineer.build(f"dist/{name}")
    laptop.engineer.build("RELEASE_NOTES.md", b"# First")
    laptop.engineer.build("RELEASE_NOTES.de.md", b"# Das Erste")
    laptop.engineer.build("tenure.toml", (CI / "tenure.toml").read_bytes())
    environment = laptop.engineer.environment | {
        "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}",
        "TENURE_TOKEN": laptop.token,
        "SERVER_URL": laptop.url,
        "SIGNER_URI": f"file:{laptop.key}",
    }
    ran = subprocess.run(
        ["sh", "-ec", "\n".join(commands)], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert laptop.token not in ran.stdout + ran.stderr
    release = laptop.operator.did("releases", "--json").json[0]
    assert (release["version"], release["channel"], release["editions"]) == ("1.0", "beta", ["lite", "pro"])
    assert {build["platform"] for build in release["builds"]} == {"linux-x86_64", "windows-x86_64"}
    assert {file["kind"] for file in release["side_files"]} == {"sbom", "checksum"}
    assert release["notes_languages"] == ["de"]
