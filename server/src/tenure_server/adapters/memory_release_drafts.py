"""Release drafts in memory, for ``adapters/memory.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tenure_server.domain.release_drafts import DraftState, ReleaseDraft
from tenure_signing.names import ProductName


@dataclass
class MemoryReleaseDrafts:
    drafts: dict[str, ReleaseDraft]

    def get(self, draft_id: str) -> ReleaseDraft | None:
        return self.drafts.get(draft_id)

    def put(self, draft: ReleaseDraft) -> None:
        self.drafts[draft.draft_id] = draft

    def open(self, product: ProductName | None = None) -> tuple[ReleaseDraft, ...]:
        return tuple(reversed([one for one in self._newest(product) if not one.state.is_over]))

    def newest(self, product: ProductName | None = None, *, limit: int = 100) -> tuple[ReleaseDraft, ...]:
        return tuple(self._newest(product)[: max(limit, 0)])

    def has_ready(self, now: datetime) -> bool:
        return any(one.state is DraftState.READY and one.is_due(now) for one in self.drafts.values())

    def _newest(self, product: ProductName | None) -> list[ReleaseDraft]:
        found = (one for one in self.drafts.values() if product in (None, one.product))
        return sorted(found, key=lambda one: (one.made_at, one.draft_id), reverse=True)


@dataclass
class MemoryApprovalRules:
    numbers: dict[ProductName, int]
    require_product: Callable[[ProductName], None]

    def of(self, product: ProductName) -> int:
        return self.numbers.get(product, 0)

    def set(self, product: ProductName, approvals: int) -> None:
        self.require_product(product)
        self.numbers[product] = approvals
