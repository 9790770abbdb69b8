"""Products as the vendor set them up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tenure_signing.entitlement import ServicePacks
from tenure_signing.languages import ENGLISH, Language
from tenure_signing.names import ChannelName, EditionName, ProductName
from tenure_signing.releases import DEFAULT_CHANNELS


class LapsePolicy(StrEnum):
    """RULES.md, Support periods: what a licence may order once its last paid day has passed."""

    CLOSED = "closed"  # refused, contact sales
    GAP = "gap"  # a fresh term from the day of purchase; the gap stays uncovered
    BACKDATE = "backdate"  # a fresh term from the day after the old end


@dataclass(frozen=True, slots=True)
class Product:
    name: ProductName
    title: str
    editions: tuple[EditionName, ...]
    channels: tuple[ChannelName, ...] = DEFAULT_CHANNELS  # most stable first
    service_packs: ServicePacks = ServicePacks.PERIOD
    lapse_policy: LapsePolicy = LapsePolicy.CLOSED
    notes_language: Language = ENGLISH  # of the notes that every release has; others are translations
