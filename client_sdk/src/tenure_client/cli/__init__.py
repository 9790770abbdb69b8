"""The command ``tenure-client``: results to standard output, everything else to standard error.

Exit status: 0 done; 1 anything unforeseen; 2 usage or settings; 3 licence; 4 the release is refused (not covered,
withdrawn, a downgrade); 5 the server was not reached or the download broke off; 6 something was not signed as it has to
be; 7 another update is running; 8 a file or folder; 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tenure_client.cli.arguments import parser
from tenure_client.cli.commands import perform
from tenure_client.errors import (
    AnotherUpdateRuns,
    ConfigurationError,
    DownloadInterrupted,
    LicenceError,
    ReleaseRefused,
    ServerError,
    StateError,
    TenureClientError,
    TrustError,
)
from tenure_client.problems import shown

EXIT_STATUSES: tuple[tuple[type[TenureClientError], int], ...] = (
    (ConfigurationError, 2),
    (LicenceError, 3),
    (ReleaseRefused, 4),
    (ServerError, 5),
    (DownloadInterrupted, 5),
    (TrustError, 6),
    (AnotherUpdateRuns, 7),
    (StateError, 8),
)
INTERRUPTED = 130


def run(arguments: Sequence[str]) -> int:
    """Runs the command; the exit status."""
    options = parser().parse_args(arguments)
    try:
        return perform(options)
    except TenureClientError as error:
        sys.stderr.write(f"error: {shown(str(error))}\n")
        if error.hint is not None:
            sys.stderr.write(f"hint: {shown(error.hint)}\n")
        return next((status for kind, status in EXIT_STATUSES if isinstance(error, kind)), 1)
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\nhint: run it again: a download goes on where it stopped\n")
        return INTERRUPTED
