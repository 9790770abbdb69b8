"""``GET /v1/reports/…``: the numbers for other programs."""

from __future__ import annotations

from xml.etree import ElementTree

from tenure_server.domain.api_tokens import Scope
from tests.server.http.asking import answer, faults, problem
from tests.server.http.office import Office
from tests.server.world import TODAY


def test_a_report_is_json_csv_and_a_picture(office: Office) -> None:
    token = office.bearer()
    office.world.issue(TODAY)
    months = {"first": "2026-10", "last": "2026-12"}
    told = answer(office.client.get("/v1/reports/income", params=months, headers=token))
    assert told["title"] == "SMP income, 2026-10 to 2026-12"
    assert told["rows"][1] == {
        "month": "2026-11", "currency": "MYR", "with_licence": "150.00", "later": "0.00", "total": "150.00",
        "refunded": "0.00", "net": "150.00",
    }  # fmt: skip
    as_csv = office.client.get("/v1/reports/income", params={**months, "form": "csv"}, headers=token)
    assert as_csv.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert as_csv.text.splitlines()[2] == "2026-11,MYR,150.00,0.00,150.00,0.00,150.00"
    picture = office.client.get("/v1/reports/income", params={**months, "form": "svg"}, headers=token)
    assert picture.headers["content-type"] == "image/svg+xml"
    assert "default-src 'none'" in picture.headers["content-security-policy"]
    ElementTree.fromstring(picture.text)


def test_every_report_has_months_of_its_own_choice(office: Office) -> None:
    office.world.issue(TODAY)
    token = office.bearer()
    for name in ("income", "renewals", "lapsed", "versions"):
        found = answer(office.client.get(f"/v1/reports/{name}", headers=token))
        assert all(row.keys() == set(found["columns"]) for row in found["rows"])


def test_faults_are_named_and_other_tokens_refused(office: Office) -> None:
    token = office.bearer()
    get = office.client.get
    asked = {"first": "2026-13", "form": "pdf", "last": "2026-01"}
    assert faults(get("/v1/reports/income", params=asked, headers=token)).keys() == {"query.first", "query.form"}
    assert "path.report" in faults(get("/v1/reports/profit", headers=token))
    assert "query" in faults(get("/v1/reports/income", params={"first": "2026-01"}, headers=token))
    backwards = {"first": "2026-02", "last": "2026-01"}
    assert "query" in faults(get("/v1/reports/income", params=backwards, headers=token))
    unknown = get("/v1/reports/income", params={"product": "nothing"}, headers=token)
    assert problem(unknown, 404)["code"] == "unknown_product"
    assert problem(get("/v1/reports/income", headers=office.bearer(Scope.SUPPORT)), 403)["code"] == "token_scope"
