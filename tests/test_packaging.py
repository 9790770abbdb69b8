"""The three distributions belong together, and a fresh machine gets exactly what was tested."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_architecture import imports_of, modules_under

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGES = {"signing": "tenure_signing", "client_sdk": "tenure_client", "server": "tenure_server"}
OURS = {"tenure-signing", "tenure-client", "tenure-server"}
# Import names that belong to a distribution of another name, or that it re-exports as part of its own interface.
BROUGHT_BY = {
    "bs4": "beautifulsoup4",
    "fpdf": "fpdf2",
    "botocore": "boto3",
    "markdown_it": "markdown-it-py",
    "markupsafe": "jinja2",
    "multipart": "python-multipart",
    "pydantic_core": "pydantic",
    "sqlalchemy": "sqlmodel",
    "nacl": "pynacl",
}
TYPES_ONLY = {"mypy-boto3-s3"}


def _project(folder: str) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((CHECKOUT / folder / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    return project


def _lines(file: str) -> list[str]:
    """The file's lines without comments and blank ones."""
    lines = (line.partition(" #")[0].strip() for line in (CHECKOUT / file).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _constraints() -> dict[str, str]:
    """Exact version by normalised name."""
    pairs = (line.split("==") for line in _lines("constraints.txt"))
    return {canonicalize_name(name): version for name, version in pairs}


def _requirements(folder: str) -> list[Requirement]:
    """What a distribution asks for, with all its extras."""
    project = _project(folder)
    extras = project.get("optional-dependencies", {}).values()
    return [Requirement(text) for text in (*project["dependencies"], *(text for extra in extras for text in extra))]


def _wanted() -> list[Requirement]:
    """What the developer's tools and the three distributions ask for by name, besides one another."""
    tools = [Requirement(line) for line in _lines("requirements-dev.txt") if not line.startswith("-")]
    return tools + [wish for folder in PACKAGES for wish in _requirements(folder) if wish.name not in OURS]


def test_the_three_distributions_have_one_version() -> None:
    assert len({_project(folder)["version"] for folder in PACKAGES}) == 1


def test_our_own_distributions_are_asked_for_at_exactly_this_version() -> None:
    for folder in PACKAGES:
        for requirement in _requirements(folder):
            if requirement.name in OURS:
                assert str(requirement.specifier) == f"=={_project(folder)['version']}", folder


@pytest.mark.parametrize("folder", PACKAGES)
def test_a_version_written_in_the_code_is_the_distribution_s(folder: str) -> None:
    texts = (path.read_text(encoding="utf-8") for path in (CHECKOUT / folder / "src").rglob("*.py"))
    written = {version for text in texts for version in re.findall(r'^__version__ = "(.*)"$', text, re.MULTILINE)}
    assert written <= {_project(folder)["version"]}


@pytest.mark.parametrize("folder", PACKAGES)
def test_each_distribution_asks_for_what_it_imports(folder: str) -> None:
    imported = {
        name.partition(".")[0] for module in modules_under(CHECKOUT / folder / "src") for _, name in imports_of(module)
    }
    asked_for = {canonicalize_name(requirement.name) for requirement in _requirements(folder)}
    needed = {BROUGHT_BY.get(name, name) for name in imported - sys.stdlib_module_names - {PACKAGES[folder]}}
    assert {canonicalize_name(name) for name in needed} - asked_for - TYPES_ONLY == set()


@pytest.mark.parametrize("folder", PACKAGES)
def test_each_distribution_carries_the_licence_and_says_that_it_is_typed(folder: str) -> None:
    assert (CHECKOUT / folder / "LICENSE").read_bytes() == (CHECKOUT / "LICENSE").read_bytes()
    assert not (CHECKOUT / folder / "LICENSE").is_symlink()
    assert (CHECKOUT / folder / "src" / PACKAGES[folder] / "py.typed").is_file()


def test_every_constraint_is_one_exact_version_and_names_no_place() -> None:
    assert [c for c in _lines("constraints.txt") if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", c)] == []


def test_everything_asked_for_by_name_is_constrained_to_a_version_that_fits() -> None:
    constraints = _constraints()
    for requirement in _wanted():
        version = constraints.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is missing from constraints.txt"
        assert requirement.specifier.contains(version), f"{requirement}, but constraints.txt says {version}"


@pytest.mark.parametrize("file", ["constraints.txt", "requirements-dev.txt", "Makefile", ".ci/run"])
def test_what_installs_names_no_package_index(file: str) -> None:
    text = (CHECKOUT / file).read_text(encoding="utf-8")
    assert re.findall(r"pypi\.|pythonhosted|://|--(?:extra-)?index|--find-links|--trusted-host", text) == []


def test_every_python_file_of_the_tests_compiles() -> None:
    for path in (CHECKOUT / "tests").rglob("*.py"):
        compile(path.read_bytes(), path, "exec", dont_inherit=True)
