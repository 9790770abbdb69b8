"""``tenure serve`` with the demonstration's clock: ``serve.py CLOCK_FILE DATA_DIRECTORY``."""

from __future__ import annotations

import sys
from pathlib import Path

from tenure_server.cli.context import CommandContext
from tenure_server.cli.main import main
from tests.demo.clock import DemoClock

if __name__ == "__main__":
    context = CommandContext(clock=DemoClock(Path(sys.argv[1])))
    sys.exit(main(["--data-dir", sys.argv[2], "serve", "--port", "0", "--access-log"], context))
