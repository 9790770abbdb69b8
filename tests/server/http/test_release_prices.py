"""``/v1/products/<product>/prices``: releases that are sold singly."""

from __future__ import annotations

from tenure_server.domain.api_tokens import Scope
from tests.server.http.asking import answer, faults, problem
from tests.server.http.office import Office

PRICES = "/v1/products/cad/prices"
PRICE = {"minor_units": 12_000, "currency": "MYR"}


def test_a_program_puts_a_release_on_sale_singly_and_ends_it(office: Office) -> None:
    sales = office.bearer(Scope.SALES)
    assert answer(office.client.get(PRICES, headers=office.bearer())) == {"product": "cad", "prices": []}
    for version in ("3.10", "3.9"):
        answer(office.client.put(f"{PRICES}/{version}", json=PRICE, headers=sales))
    listed = answer(office.client.put(f"{PRICES}/3.9", json=PRICE, headers=sales))
    assert listed["prices"] == [{"version": "3.9", "price": PRICE}, {"version": "3.10", "price": PRICE}]
    left = answer(office.client.delete(f"{PRICES}/3.9", headers=sales))
    assert [one["version"] for one in left["prices"]] == ["3.10"]
    with office.world.database.reading() as records:
        assert len(records.audit.newest(action="release.price")) == 3


def test_only_sales_sets_prices_and_what_is_no_price_is_refused(office: Office) -> None:
    refused = office.client.put(f"{PRICES}/3.0", json=PRICE, headers=office.bearer(Scope.SUPPORT))
    assert problem(refused, 403)["code"] == "token_scope"
    sales = office.bearer(Scope.SALES)
    path = f"{PRICES}/3.0"
    assert "body.minor_units" in faults(office.client.put(path, json=PRICE | {"minor_units": -1}, headers=sales))
    assert "body.currency" in faults(office.client.put(path, json=PRICE | {"currency": "XXQ!"}, headers=sales))
    assert "path.version" in faults(office.client.put(f"{PRICES}/new", json=PRICE, headers=sales))
    elsewhere = office.client.put("/v1/products/cam/prices/3.0", json=PRICE, headers=sales)
    assert problem(elsewhere, 404)["code"] == "unknown_product"
