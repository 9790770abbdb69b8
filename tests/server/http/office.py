"""A small vendor with one product and no history, for addresses that take an API token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from starlette.testclient import TestClient

from tenure_server.domain.api_tokens import Scope
from tenure_server.use_cases.api_tokens import TokenWish
from tests.server.world import WHO, World


@dataclass(frozen=True, slots=True)
class Office:
    world: World
    client: TestClient

    def bearer(self, scope: Scope = Scope.READ) -> dict[str, str]:
        """The header with a new token of that scope."""
        wish = TokenWish("crm", frozenset({scope}), self.world.now() + timedelta(days=9))
        return {"Authorization": f"Bearer {self.world.installation.create_token(wish, who=WHO).secret}"}
