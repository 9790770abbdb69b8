"""Public list prices, each with where and when it was read. Net of VAT; nothing is said of discounts."""

from __future__ import annotations

from dataclasses import dataclass

USD_PER_EUR = 1.1133  # ECB reference rate of 2026-10-28, as in SERVERS

SERVERS = (
    "https://raw.githubusercontent.com/moveinfra/eu-cloud-prices/main/data/eu-cloud-prices.csv,"
    " of 2026-10-28 (CC BY 4.0)"
)
TRAFFIC = (
    "20 TB with each server, then EUR 1.00 per TB: Hetzner Cloud API `/v1/pricing` of 2026-05-27, as quoted in"
    " https://github.com/devantler-tech/platform/commit/cb791c6f"
)
CDN = "https://docs.bunny.net/cdn/pricing.md, volume tier; a copy read on 2026-11-24"
OTHER_CDN = "https://aws.amazon.com/cloudfront/pricing, Europe and North America; a copy read on 2026-11-24"


@dataclass(frozen=True, slots=True)
class Server:
    name: str
    cores: int
    memory_gb: int
    eur_a_month: float
    traffic_tb: float


SMALL = Server("Hetzner CCX13", 2, 8, 42.99, 20)
MIDDLE = Server("Hetzner CCX23", 4, 16, 85.99, 20)
LARGE = Server("Hetzner CCX33", 8, 32, 138.49, 20)
SERVERS_OF_THE_LIST = (SMALL, MIDDLE, LARGE)
SAME_AT_AWS = Server("AWS m6a.2xlarge", 8, 32, 271.46, 0)

EUR_PER_TB_MORE = 1.00
_CDN_USD_PER_GB = ((500_000.0, 0.005), (1_000_000.0, 0.004), (2_000_000.0, 0.003))
_OTHER_CDN_USD_PER_GB = (
    (10_000.0, 0.085),
    (50_000.0, 0.080),
    (150_000.0, 0.060),
    (500_000.0, 0.040),
    (1_024_000.0, 0.030),
    (5_120_000.0, 0.025),
    (float("inf"), 0.020),
)


def cdn_eur(terabytes: float) -> float:
    """A month of so much; what is beyond the list's last step is counted at its price."""
    return _stepped(terabytes * 1_000, _CDN_USD_PER_GB) / USD_PER_EUR


def other_cdn_eur(terabytes: float) -> float:
    """The same at CloudFront's list, without its price of requests."""
    return _stepped(terabytes * 1_000, _OTHER_CDN_USD_PER_GB) / USD_PER_EUR


def _stepped(amount: float, steps: tuple[tuple[float, float], ...]) -> float:
    total, below = 0.0, 0.0
    for limit, price in steps:
        total += max(0.0, min(amount, limit) - below) * price
        below = limit
    return total + max(0.0, amount - below) * steps[-1][1]
