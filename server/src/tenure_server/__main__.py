"""``tenure`` and ``python -m tenure_server``."""

from __future__ import annotations

import sys

from tenure_server.cli.main import main as run


def main() -> None:
    sys.exit(run())


if __name__ == "__main__":
    main()
