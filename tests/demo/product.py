"""Builds the demonstration's product: a zipapp per version, each drawing a little better than the one before."""

from __future__ import annotations

import shutil
import zipapp
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("sketch")

_DRAWING = '''"""What version {version} draws."""

VERSION = "{version}"


def draw(text: str) -> str:
    line = f"{left} {{text}} (sketch {version}) {right}"
    return "\\n".join(("{top_left}" + "{bar}" * (len(line) - 2) + "{top_right}", line,
                      "{bottom_left}" + "{bar}" * (len(line) - 2) + "{bottom_right}"))
'''


@dataclass(frozen=True)
class Version:
    number: str
    frame: str  # top left, bar, top right, left, right, bottom left, bottom right
    notes: str


VERSIONS = (
    Version("1.0.0", "+-+||++", "The first release."),
    Version("1.1.0", "╭─╮││╰╯", "Boxes have round corners."),
    Version("2.0.0", "╔═╗║║╚╝", "Boxes have double lines."),
)


def build(version: Version, root: bytes, directory: Path) -> Path:
    """The version's zipapp, with the trusted root embedded, as a release engineer would build it."""
    folder = directory / f"sketch-{version.number}"
    (folder / "drawing").mkdir(parents=True)
    shutil.copy(SOURCE / "__main__.py", folder)
    top_left, bar, top_right, left, right, bottom_left, bottom_right = tuple(version.frame)
    (folder / "drawing" / "__init__.py").write_text(
        _DRAWING.format(
            version=version.number,
            bar=bar,
            left=left,
            right=right,
            top_left=top_left,
            top_right=top_right,
            bottom_left=bottom_left,
            bottom_right=bottom_right,
        ),
        encoding="utf-8",
    )
    (folder / "drawing" / "root.json").write_bytes(root)
    built = directory / f"sketch-{version.number}.pyz"
    zipapp.create_archive(folder, built, interpreter="/usr/bin/env python3")
    return built
