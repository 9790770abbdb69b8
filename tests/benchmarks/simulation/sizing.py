"""How many machines so many installs need: the arithmetic of docs/scale.md, and the busiest minute simulated."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from tests.benchmarks.simulation import prices
from tests.benchmarks.simulation.costs import Costs
from tests.benchmarks.simulation.installs import DAY, MINUTE, Day
from tests.benchmarks.simulation.queueing import Answers, open_queue, poisson

AT_MOST_BUSY = 0.5
"""Of a core, in the busiest minute: half load, where issue 5 wants its latencies."""

REQUESTS_OF_A_CHECK = 3  # the check, the next root that is not there, the timestamp
METADATA_BYTES, METADATA_BYTES_AFTER_RELEASE = 893, 4_279  # on the wire, docs/performance/metadata.md
ROLE_BYTES_OF_A_BUILD = 350  # the same page: every client fetches the product's role once after each release
CHECK_BYTES = 2_600  # on the wire with the key and headers: 1.5 kB of answer, 0.7 of key
TLS_BYTES = 4_000  # a TLS 1.3 handshake with two P-256 certificates
DAYS_A_MONTH = 30.4
FRESH_SECONDS = 60  # how long a CDN keeps timestamp.json and the answer that there is no next root


@dataclass(frozen=True, slots=True)
class Vendor:
    """What is assumed of the releases; change it to your own."""

    releases_a_month: float = 1.0
    share_that_downloads: float = 0.7
    build_mb: float = 50.0
    builds_listed: int = 1_000  # in the product's role: those of all its releases so far
    edge_locations: int = 10  # of the CDN, each with its own cache


@dataclass(frozen=True, slots=True)
class Need:
    installs: int
    checks_per_second: float  # average
    busiest: float  # checks a second in the busiest minute
    found_lately: float  # share of checks
    reads_per_second: float  # of the database, in the busiest minute
    downloads_per_second: float  # redirects, in the busiest minute of a release day
    cpu_per_check: float  # seconds, with its share of redirects; without TLS
    cores: float  # busy ones, in the busiest minute of a release day
    tls_cores: float
    database_cores: float
    workers: int
    cdn_hits: float  # share of requests for metadata
    origin_metadata_per_second: float
    server_tb: float  # a month, past the CDN
    cdn_tb: float  # a month

    @property
    def machines(self) -> tuple[int, prices.Server]:
        """The cheapest that carry the busiest minute at half load while one of them is away."""
        vcpus = self.workers + self.tls_cores / AT_MOST_BUSY
        choices = [(max(2, math.ceil(vcpus / one.cores) + 1), one) for one in prices.SERVERS_OF_THE_LIST]
        return min(choices, key=lambda choice: choice[0] * choice[1].eur_a_month)

    @property
    def database(self) -> prices.Server:
        """The smallest that is half busy at most; there are two, one standing by."""
        fitting = (one for one in prices.SERVERS_OF_THE_LIST if one.cores * AT_MOST_BUSY >= self.database_cores)
        return next(fitting, prices.SERVERS_OF_THE_LIST[-1])

    @property
    def servers_eur(self) -> float:
        count, machine = self.machines
        return count * machine.eur_a_month + 2 * self.database.eur_a_month

    @property
    def traffic_eur(self) -> float:
        count, machine = self.machines
        return max(0.0, self.server_tb - count * machine.traffic_tb) * prices.EUR_PER_TB_MORE

    @property
    def cdn_eur(self) -> float:
        return prices.cdn_eur(self.cdn_tb)


def needed(installs: int, day: Day, costs: Costs, vendor: Vendor, *, found_lately: float = 0.0) -> Need:
    """``day`` is scaled: a minute of ten times the installs has ten times the checks."""
    scale = installs / day.installs
    average = day.total * scale / DAY
    busiest = day.busiest_minute * scale / MINUTE
    downloads = (
        busiest * vendor.share_that_downloads
    )  # the release came out the day before: everybody who asks takes it
    check = found_lately * costs.seen_lately + (1 - found_lately) * costs.never_seen
    redirected = check + vendor.share_that_downloads * costs.download
    misses = vendor.edge_locations * 2 / FRESH_SECONDS  # each location asks for both files once in that time
    asked = busiest * (REQUESTS_OF_A_CHECK - 1)
    cores = busiest * redirected + misses * costs.metadata
    checks_a_month = average * DAY * DAYS_A_MONTH
    downloads_a_month = installs * vendor.share_that_downloads * vendor.releases_a_month
    after_release = METADATA_BYTES_AFTER_RELEASE + ROLE_BYTES_OF_A_BUILD * vendor.builds_listed
    metadata = checks_a_month * METADATA_BYTES + installs * vendor.releases_a_month * after_release
    return Need(
        installs=installs,
        checks_per_second=average,
        busiest=busiest,
        found_lately=found_lately,
        reads_per_second=busiest * (1 - found_lately),
        downloads_per_second=downloads,
        cpu_per_check=redirected,
        cores=cores,
        tls_cores=busiest * costs.handshake,
        database_cores=busiest * (1 - found_lately) * costs.database,
        workers=max(1, math.ceil(cores / AT_MOST_BUSY)),
        cdn_hits=max(0.0, 1 - misses / asked),
        origin_metadata_per_second=misses,
        server_tb=checks_a_month * (CHECK_BYTES + TLS_BYTES) / 1e12,
        cdn_tb=(downloads_a_month * vendor.build_mb * 1e6 + metadata) / 1e12,
    )


def busiest_minute(need: Need, costs: Costs, seed: int) -> Answers:
    """One of the workers in it: whom a request goes to is chance, so each has a queue of its own."""
    chance = random.Random(seed)
    arrivals = poisson(need.busiest / need.workers, 10 * MINUTE, chance)
    return open_queue(arrivals, lambda: drawn(need.cpu_per_check, costs, chance))


def drawn(mean: float, costs: Costs, chance: random.Random) -> float:
    """A service time: as measured, and now and then one that is held up."""
    slow = chance.expovariate(1 / costs.slow_seconds) if chance.random() < costs.slow_share else 0.0
    return mean + slow
