"""``python -m tenure_client`` and the command ``tenure-client``."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command and exits with its status."""
    from tenure_client.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
