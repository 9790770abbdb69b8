"""``tenure edge``: a server with a snapshot and public keys, and nothing that could be stolen. docs/edge.md."""

from __future__ import annotations

import logging.config
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from tenure_server.adapters.database.snapshot_only import SnapshotOnly
from tenure_server.adapters.sodium import by_sodium
from tenure_server.http.access_log import logging_config
from tenure_server.http.edge_routes import EdgeParts, edge_application
from tenure_server.http.fast_routes import FastApplication
from tenure_server.http.load_shedding import LoadShedding
from tenure_server.http.request_counts import RequestCounts
from tenure_server.parts.resources import utc_now, vendor_policy
from tenure_server.periodic import PeriodicTask, running
from tenure_server.serving import answer_on, listening, until_a_signal
from tenure_server.settings import Settings
from tenure_server.use_cases.catalogue import CatalogueSource
from tenure_server.use_cases.check_for_update import CheckForUpdate
from tenure_server.use_cases.identify_licence import IdentifyLicence
from tenure_server.use_cases.licence_cache import LicenceCache
from tenure_server.use_cases.ports import Clock

LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class EdgeServer:
    """Raises ``DatabaseUnavailable`` if the snapshot cannot be used."""

    settings: Settings
    database: SnapshotOnly
    clock: Clock = utc_now

    def application(self) -> FastApplication:
        catalogue, counts = CatalogueSource(self.database), RequestCounts()
        check = CheckForUpdate(catalogue, self.clock, vendor_policy(self.settings), None, lambda: self.database.as_of)
        return edge_application(
            EdgeParts(
                database=self.database,
                clock=self.clock,
                identify_licence=IdentifyLicence(
                    self.database, catalogue, self.clock, LicenceCache(verifier=by_sodium)
                ),
                check_for_update=check,
                public_url=self.settings.public_url,
                metadata_is_public=self.settings.metadata_access == "public",
                request_counts=counts,
                load=LoadShedding(self.settings.longest_wait_milliseconds / 1000, counts),
            )
        )


def run_edge(
    settings: Settings,
    snapshot: Path,
    *,
    host: str,
    port: int,
    access_log: bool,
    announce: Callable[[str, datetime], None],
) -> None:
    """Serve until a signal ends it. Raises ``CannotListen`` and ``DatabaseUnavailable``."""
    with until_a_signal(), listening(host, port) as listener:
        logging.config.dictConfig(logging_config(access=access_log))
        settings = replace(settings, host=host, port=listener.getsockname()[1])
        with closing(SnapshotOnly(snapshot)) as database:
            app = EdgeServer(settings, database).application()
            look = PeriodicTask("look for a newer snapshot", LOOK_SECONDS, database.look)
            with running((look,)):
                announce(f"http://{host}:{settings.port}", database.as_of)
                answer_on(listener, app, access_log=access_log)
