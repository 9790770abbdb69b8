"""Settings come from the environment, name every problem at once, and never show a secret."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from pathlib import Path

import pytest

from tenure_server.errors import SettingsError
from tenure_server.settings import Settings

README = Path(__file__).resolve().parents[2] / "README.md"


def test_without_any_setting_a_directory_is_a_complete_server() -> None:
    settings = Settings.from_environ({})
    assert settings.sqlalchemy_url == "sqlite:///tenure-data/tenure.db"
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.s3_bucket is None


def test_settings_are_read_from_the_environment() -> None:
    settings = Settings.from_environ(
        {
            "TENURE_DATA_DIR": "/srv/tenure",
            "TENURE_BASE_URL": "https://updates.example.com/",
            "TENURE_TIME_ZONE": "Asia/Kuala_Lumpur",
            "TENURE_ONE_YEAR_PERCENT": "17.5",
            "TENURE_PORT": "9000",
            "HOME": "/root",
        }
    )
    assert settings.data_dir == Path("/srv/tenure")
    assert settings.public_url == "https://updates.example.com"
    assert settings.zone.key == "Asia/Kuala_Lumpur"
    assert settings.prices.one_year_percent == Decimal("17.5")
    assert settings.port == 9000


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_environ(
            {"TENURE_PORT": "http", "TENURE_ONE_YEAR_PERCENT": "much", "TENURE_BASE_ULR": "https://example.com"}
        )
    assert "TENURE_PORT is not a whole number" in str(refused.value)
    assert "TENURE_ONE_YEAR_PERCENT is not a number" in str(refused.value)
    assert "TENURE_BASE_ULR is not a setting" in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TENURE_PORT", "70000"),
        ("TENURE_TIME_ZONE", "Mars/Olympus"),
        ("TENURE_TIME_ZONE", "../../etc/passwd"),
        ("TENURE_CURRENCY", "ringgit"),
        ("TENURE_ONE_YEAR_PERCENT", "-1"),
        ("TENURE_ONE_YEAR_PERCENT", "NaN"),
        ("TENURE_TWO_YEAR_PERCENT", "101"),
        ("TENURE_RENEWAL_WINDOW_DAYS", "0"),
        ("TENURE_LAST_CALL_DAYS", "91"),
        ("TENURE_CERTIFICATE_DAYS", "0"),
        ("TENURE_DOWNLOAD_LINK_SECONDS", "5"),
        ("TENURE_NGINX_LOCATION", "stored"),
        ("TENURE_NGINX_LOCATION", "/../"),
        ("TENURE_NGINX_LOCATION", "/a b/"),
        ("TENURE_METADATA_ACCESS", "nobody"),
        ("TENURE_BASE_URL", "ftp://example.com"),
        ("TENURE_BASE_URL", "https://example.com/?x=1"),
        ("TENURE_RENEWAL_URL", "javascript:alert(1)"),
        ("TENURE_DATABASE_URL", "mysql://root@localhost/x"),
        ("TENURE_S3_ADDRESSING", "sideways"),
        ("TENURE_S3_CHECKSUM_MODE", "never"),
        ("TENURE_S3_ACCESS_KEY_ID", "alone"),
        ("TENURE_SIGNER", "nobody"),
        ("TENURE_METRICS_LISTEN", "9100"),
        ("TENURE_METRICS_LISTEN", "localhost:http"),
        ("TENURE_EXPIRY_MAIL_DAYS", "soon"),
        ("TENURE_EXPIRY_MAIL_DAYS", "0"),
        ("TENURE_OPERATORS_MAIL", "nobody"),
        ("TENURE_OPERATORS_MAIL", "ops@vendor.example"),
        ("TENURE_SMTP_HOST", "mail.example.com"),
        ("TENURE_SMTP_PORT", "0"),
        ("TENURE_SMTP_SECURITY", "none"),
        ("TENURE_SMTP_USERNAME", "alone"),
        ("TENURE_SMTP_PASSWORD", "alone"),
        ("TENURE_SMTP_TIMEOUT_SECONDS", "0"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_the_name_of_its_setting(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        Settings.from_environ({variable: value})


def test_builds_in_s3_are_not_sent_by_nginx() -> None:
    with pytest.raises(SettingsError, match="exclude each other"):
        Settings.from_environ({"TENURE_NGINX_LOCATION": "/stored/", "TENURE_S3_BUCKET": "builds"})


def test_no_secret_is_shown() -> None:
    secrets = {
        "TENURE_DATABASE_URL": "postgresql://tenure:hunter2hunter2@db/tenure",
        "TENURE_S3_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "TENURE_S3_SECRET_ACCESS_KEY": "wJalrXUtnFEMI",
        "TENURE_SMTP_USERNAME": "tenure",
        "TENURE_SMTP_PASSWORD": "mellon",
        "TENURE_SIGNER_PIN": "987654",
    }
    settings = Settings.from_environ(secrets)
    assert "hunter2" not in repr(settings)
    assert "wJalr" not in repr(settings)
    assert "mellon" not in repr(settings)
    assert "987654" not in repr(settings)
    with pytest.raises(SettingsError) as refused:
        Settings.from_environ({**secrets, "TENURE_PORT": "x"})
    assert "hunter2" not in str(refused.value)


def test_a_postgresql_address_is_spelled_for_its_driver() -> None:
    for given in ("postgresql://u:p@h/d", "postgres://u:p@h/d"):
        settings = Settings.from_environ({"TENURE_DATABASE_URL": given})
        assert settings.sqlalchemy_url == "postgresql+psycopg://u:p@h/d"


def test_readme_lists_every_setting_with_its_default() -> None:
    table = README.read_text()
    for f in fields(Settings):
        default = "" if f.default is None else f"`{f.default}`" if str(f.default) else ""
        row = f"| `{f.metadata['variable']}` | {default} | {f.metadata['help']} |"
        assert row.replace("|  |", "| |") in table, row
