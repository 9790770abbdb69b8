"""Every setting of the server, read once from the environment. README lists them; a test compares."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tenure_server.domain.customers import is_email
from tenure_server.domain.pricing import SmpPrices
from tenure_server.domain.reminder_words import WORDS
from tenure_server.domain.reminders import ReminderRules
from tenure_server.domain.seats import MOST_EXPIRY_DAYS, SeatLimit, SeatRules
from tenure_server.domain.smp import RenewalRules
from tenure_server.domain.support_terms import MOST_HOURS, ResponseRules, WorkingHours, parse_working_hours
from tenure_server.errors import SettingsError


def _setting(variable: str, help: str, default: Any = None, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"variable": variable, "help": help})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The defaults make a complete server out of one directory."""

    data_dir: Path = _setting(
        "TENURE_DATA_DIR", "directory of the embedded database, store and keys", Path("tenure-data")
    )
    database_url: str | None = _setting(
        "TENURE_DATABASE_URL",
        "`postgresql://user:password@host/name`; default: SQLite in the data directory",
        secret=True,
    )
    base_url: str | None = _setting(
        "TENURE_BASE_URL", "how customers reach this server; links begin with it; default: host and port below"
    )
    host: str = _setting("TENURE_HOST", "address to listen on", "127.0.0.1")
    port: int = _setting("TENURE_PORT", "port to listen on", 8000)
    workers: int = _setting("TENURE_WORKERS", "processes that answer requests, 1 to 64", 1)
    longest_wait_milliseconds: int = _setting(
        "TENURE_LONGEST_WAIT_MILLISECONDS",
        "how long requests may wait before update checks in the background are refused for now, 20 to 10000",
        200,
    )
    access_log: Literal["off", "on"] = _setting("TENURE_ACCESS_LOG", "`on`: a line for each request", "off")
    time_zone: str = _setting("TENURE_TIME_ZONE", "the vendor's time zone: it decides which day it is", "UTC")
    currency: str = _setting("TENURE_CURRENCY", "ISO 4217 currency of prices where none is given", "MYR")
    one_year_percent: Decimal = _setting(
        "TENURE_ONE_YEAR_PERCENT", "one-year plan, percent of the total purchase price", Decimal(15)
    )
    two_year_percent: Decimal = _setting(
        "TENURE_TWO_YEAR_PERCENT", "two-year plan, percent of the total purchase price per year", Decimal(10)
    )
    renewal_window_days: int = _setting(
        "TENURE_RENEWAL_WINDOW_DAYS", "days before the last paid day from which a renewal can be ordered", 90
    )
    last_call_days: int = _setting(
        "TENURE_LAST_CALL_DAYS", "days before the last paid day when the last call begins", 14
    )
    payment_days: int = _setting("TENURE_PAYMENT_DAYS", "days in which an order is to be paid, 1 to 366", 30)
    shop_secret: str | None = _setting(
        "TENURE_SHOP_SECRET", "secret of 32 characters or more with which your shop signs payments", secret=True
    )
    stripe_webhook_secret: str | None = _setting(
        "TENURE_STRIPE_WEBHOOK_SECRET", "the signing secret that Stripe shows for this server's webhook", secret=True
    )
    quote_days: int = _setting("TENURE_QUOTE_DAYS", "days for which a quote holds, 1 to 366", 30)
    quote_terms: str = _setting("TENURE_QUOTE_TERMS", "terms of business, printed on quotes", "")
    quote_font: Path | None = _setting(
        "TENURE_QUOTE_FONT",
        "TrueType file for PDF quotes with other than Western letters; default: DejaVu Sans, Droid Sans Fallback",
    )
    vendor_address: str = _setting("TENURE_VENDOR_ADDRESS", "printed on quotes; `\\n` begins a new line", "")
    renewal_url: str | None = _setting(
        "TENURE_RENEWAL_URL", "where customers renew; default: this server's customer page"
    )
    vendor_name: str = _setting("TENURE_VENDOR_NAME", "the vendor's name on the customer page", "Software vendor")
    certificate_days: int = _setting(
        "TENURE_CERTIFICATE_DAYS", "days after which an SMP certificate should be refreshed", 30
    )
    download_link_seconds: int = _setting(
        "TENURE_DOWNLOAD_LINK_SECONDS", "how long a signed download link works, 10 to 86400", 300
    )
    nginx_location: str | None = _setting(
        "TENURE_NGINX_LOCATION",
        "internal location by which nginx sends builds of the data directory, such as `/stored/`; default: we do",
    )
    metadata_access: Literal["public", "any_valid_licence"] = _setting(
        "TENURE_METADATA_ACCESS", "who may read TUF metadata: `public` or `any_valid_licence`", "public"
    )
    api_token_max_days: int = _setting(
        "TENURE_API_TOKEN_MAX_DAYS", "longest life of an API token in days, 1 to 3660", 366
    )
    seat_limit: Literal["refuse", "warn"] = _setting(
        "TENURE_SEAT_LIMIT", "what happens to one machine more than a licence has seats: `refuse` or `warn`", "refuse"
    )
    seat_expiry_days: int | None = _setting(
        "TENURE_SEAT_EXPIRY_DAYS", "days without contact after which a machine's seat is free again; default: never"
    )
    support_hours: str = _setting(
        "TENURE_SUPPORT_HOURS", "when support works, in `TENURE_TIME_ZONE`", "Mon-Fri 09:00-17:00"
    )
    support_holidays: str = _setting(
        "TENURE_SUPPORT_HOLIDAYS", "days on which it does not, such as `2026-12-25,2027-01-01`", ""
    )
    support_one_year_hours: int = _setting(
        "TENURE_SUPPORT_ONE_YEAR_HOURS", "working hours in which the one-year plan is answered, 1 to 2000", 16
    )
    support_two_year_hours: int = _setting(
        "TENURE_SUPPORT_TWO_YEAR_HOURS", "working hours in which the two-year plan is answered", 8
    )
    support_priority_hours: int = _setting(
        "TENURE_SUPPORT_PRIORITY_HOURS", "working hours in which priority incidents of both are answered", 4
    )
    support_quotation_hours: int = _setting(
        "TENURE_SUPPORT_QUOTATION_HOURS", "working hours in which support quoted free is answered", 16
    )
    s3_bucket: str | None = _setting("TENURE_S3_BUCKET", "keep builds in this S3 bucket instead of the data directory")
    s3_prefix: str = _setting("TENURE_S3_PREFIX", "prefix of all keys in the bucket", "")
    s3_endpoint_url: str | None = _setting("TENURE_S3_ENDPOINT_URL", "endpoint of an S3-compatible store; default: AWS")
    s3_public_endpoint_url: str | None = _setting(
        "TENURE_S3_PUBLIC_ENDPOINT_URL", "endpoint that customers reach, if it is another one"
    )
    s3_region: str = _setting("TENURE_S3_REGION", "region of the bucket", "us-east-1")
    s3_addressing: Literal["path", "virtual", "auto"] = _setting(
        "TENURE_S3_ADDRESSING", "`path`, `virtual` or `auto`", "path"
    )
    s3_access_key_id: str | None = _setting(
        "TENURE_S3_ACCESS_KEY_ID", "access key; default: boto3's own search (environment, profile, instance role)"
    )
    s3_secret_access_key: str | None = _setting("TENURE_S3_SECRET_ACCESS_KEY", "its secret", secret=True)
    s3_checksum_mode: Literal["when_supported", "when_required"] = _setting(
        "TENURE_S3_CHECKSUM_MODE", "`when_supported`, or `when_required` for older stores", "when_supported"
    )
    keys_dir: Path | None = _setting("TENURE_KEYS_DIR", "directory of the keys; default: `keys` in the data directory")
    signer: Literal["embedded", "external"] = _setting(
        "TENURE_SIGNER",
        "who signs snapshot and timestamp: `embedded` in `tenure serve`, or `external`: `tenure signer`",
        "embedded",
    )
    snapshot_key: str | None = _setting(
        "TENURE_SNAPSHOT_KEY", "signer URIs of the snapshot key on a token or in a key service; default: a file"
    )
    timestamp_key: str | None = _setting("TENURE_TIMESTAMP_KEY", "the same of the timestamp key")
    signer_pin: str | None = _setting("TENURE_SIGNER_PIN", "PIN of the token that holds them", secret=True)
    signer_pin_file: Path | None = _setting("TENURE_SIGNER_PIN_FILE", "file that holds the PIN instead")
    metrics_listen: str | None = _setting(
        "TENURE_METRICS_LISTEN", "`host:port` that serves `/metrics` without a token, and nothing else"
    )
    operators_mail: str | None = _setting(
        "TENURE_OPERATORS_MAIL",
        "addresses, with commas, that are told when signed metadata is about to expire or a webhook was disabled",
    )
    expiry_mail_days: str = _setting(
        "TENURE_EXPIRY_MAIL_DAYS", "how many days before, for each one mail; with commas", "30,14,7,3,1"
    )
    smtp_host: str | None = _setting("TENURE_SMTP_HOST", "mail server; without one no mail is sent")
    smtp_port: int | None = _setting("TENURE_SMTP_PORT", "its port; default: 587, 465 with `tls`, 25 with `loopback`")
    smtp_security: Literal["starttls", "tls", "loopback"] = _setting(
        "TENURE_SMTP_SECURITY",
        "`starttls`, `tls` from the first byte, or `loopback`: unencrypted, to this machine only",
        "starttls",
    )
    smtp_username: str | None = _setting("TENURE_SMTP_USERNAME", "user name at the mail server, if it wants one")
    smtp_password: str | None = _setting("TENURE_SMTP_PASSWORD", "its password", secret=True)
    smtp_password_file: Path | None = _setting("TENURE_SMTP_PASSWORD_FILE", "file that holds the password instead")
    smtp_from: str | None = _setting("TENURE_SMTP_FROM", "sender of all mail, `Name <name@example.com>`")
    support_address: str | None = _setting(
        "TENURE_SUPPORT_ADDRESS", "where answers to mail about support requests go; default: the sender"
    )
    smtp_ca_file: Path | None = _setting(
        "TENURE_SMTP_CA_FILE", "authorities that may vouch for the mail server, PEM; default: the system's"
    )
    language: str = _setting(
        "TENURE_LANGUAGE", "of mail to customers whose language is not known: en, de, fr or zh", "en"
    )
    reminder_days: str = _setting(
        "TENURE_REMINDER_DAYS",
        "days before support ends on which customers are reminded; `none` for never",
        "90,60,30,14,7,1",
    )
    reminder_opt_out: Literal["allowed", "refused"] = _setting(
        "TENURE_REMINDER_OPT_OUT", "whether customers may do without reminders: `allowed` or `refused`", "allowed"
    )
    smtp_timeout_seconds: int = _setting(
        "TENURE_SMTP_TIMEOUT_SECONDS", "how long to wait for each answer of the mail server, 1 to 300", 20
    )
    mirror_s3_endpoint_url: str | None = _setting(
        "TENURE_MIRROR_S3_ENDPOINT_URL", "endpoint of the buckets that `tenure mirror` fills; default: the store's"
    )
    mirror_s3_region: str | None = _setting("TENURE_MIRROR_S3_REGION", "their region; default: the store's")
    mirror_s3_access_key_id: str | None = _setting(
        "TENURE_MIRROR_S3_ACCESS_KEY_ID", "access key for them; default: the store's"
    )
    mirror_s3_secret_access_key: str | None = _setting("TENURE_MIRROR_S3_SECRET_ACCESS_KEY", "its secret", secret=True)

    @property
    def public_url(self) -> str:
        """How customers reach this server, without a slash at the end."""
        return (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def prices(self) -> SmpPrices:
        return SmpPrices(self.one_year_percent, self.two_year_percent)

    @property
    def renewal_rules(self) -> RenewalRules:
        return RenewalRules(self.renewal_window_days, self.last_call_days)

    @property
    def response_rules(self) -> ResponseRules:
        """Raises ``ValueError``."""
        return self._response_rules_in(parse_working_hours(self.support_hours, self.zone, self.support_holidays))

    def _response_rules_in(self, hours: WorkingHours) -> ResponseRules:
        return ResponseRules(
            self.support_one_year_hours,
            self.support_two_year_hours,
            self.support_priority_hours,
            self.support_quotation_hours,
            hours,
        )

    @property
    def reminder_rules(self) -> ReminderRules:
        """With the day of the last call, unless nobody is reminded of anything."""
        rules = _reminder_rules(self.reminder_days)
        if not rules.days_before or self.last_call_days < 1:
            return rules
        return ReminderRules(tuple(sorted({*rules.days_before, self.last_call_days}, reverse=True)))

    @property
    def certificate_lifetime(self) -> timedelta:
        return timedelta(days=self.certificate_days)

    @property
    def metrics_address(self) -> tuple[str, int] | None:
        """Raises ``ValueError`` for what is not written ``host:port``."""
        if self.metrics_listen is None:
            return None
        host, colon, port = self.metrics_listen.rpartition(":")
        if not host or not colon or not 1 <= int(port) <= 65535:
            raise ValueError("no host and port")
        return host.strip("[]"), int(port)

    @property
    def operators(self) -> tuple[str, ...]:
        return tuple(each.strip() for each in (self.operators_mail or "").split(",") if each.strip())

    @property
    def expiry_stages(self) -> tuple[int, ...]:
        """Raises ``ValueError`` for what is no list of days from 1 to 365."""
        days = tuple(int(each) for each in self.expiry_mail_days.split(","))
        if not all(1 <= each <= 365 for each in days):
            raise ValueError("no days")
        return days

    @property
    def keys_path(self) -> Path:
        return self.keys_dir or self.data_dir / "keys"

    @property
    def online_key_uris(self) -> Mapping[str, tuple[str, ...]]:
        """Signer URIs of the online roles: the present one and, around a ceremony, the one that follows."""
        given = {"snapshot": self.snapshot_key, "timestamp": self.timestamp_key}
        return {role: tuple(uris.split()) for role, uris in given.items() if uris is not None}

    @property
    def seat_rules(self) -> SeatRules:
        days = self.seat_expiry_days
        return SeatRules(SeatLimit(self.seat_limit), timedelta(days=days) if days is not None else None)

    @property
    def sqlite_path(self) -> Path:
        """The embedded database, used unless another one is set."""
        return self.data_dir / "tenure.db"

    @property
    def sqlalchemy_url(self) -> str:
        """The database's URL in SQLAlchemy's spelling. It may hold a password: never show it."""
        if self.database_url is None:
            return f"sqlite:///{self.sqlite_path}"
        for prefix in ("postgresql://", "postgres://"):
            if self.database_url.startswith(prefix):
                return "postgresql+psycopg://" + self.database_url.removeprefix(prefix)
        return self.database_url

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings. Raises ``SettingsError`` that names every problem at once, without the values."""
        values: dict[str, Any] = {}
        problems: list[str] = []
        known = {f.metadata["variable"]: f for f in fields(cls)}
        for variable in sorted(environ):
            if variable.startswith("TENURE_") and variable not in known and not variable.startswith(_OTHER_PREFIXES):
                problems.append(f"{variable} is not a setting")
        for variable, f in known.items():
            text = environ.get(variable, "").strip()
            if not text:
                continue
            try:
                values[f.name] = _CONVERSIONS.get(str(f.type), str)(text)
            except (ValueError, InvalidOperation):
                problems.append(f"{variable} is not a {_TYPE_NAMES.get(str(f.type), 'text')}")
        if not problems:
            settings = cls(**values)
            problems = settings._problems()
            if not problems:
                return settings
        raise SettingsError("; ".join(problems), hint="README lists every setting with its default")

    def _problems(self) -> list[str]:
        checks = [
            (0 <= self.port <= 65535, "TENURE_PORT is not a port"),
            (1 <= self.workers <= 64, "TENURE_WORKERS is not from 1 to 64"),
            (
                20 <= self.longest_wait_milliseconds <= 10_000,
                "TENURE_LONGEST_WAIT_MILLISECONDS is not from 20 to 10000",
            ),
            (self.access_log in ("off", "on"), "TENURE_ACCESS_LOG is neither off nor on"),
            (_is_zone(self.time_zone), "TENURE_TIME_ZONE is not a time zone such as Asia/Kuala_Lumpur"),
            (_is_currency(self.currency), "TENURE_CURRENCY is not three capital letters"),
            (0 <= self.one_year_percent <= 100, "TENURE_ONE_YEAR_PERCENT is not from 0 to 100"),
            (0 <= self.two_year_percent <= 100, "TENURE_TWO_YEAR_PERCENT is not from 0 to 100"),
            (1 <= self.renewal_window_days <= 366, "TENURE_RENEWAL_WINDOW_DAYS is not from 1 to 366"),
            (
                0 <= self.last_call_days <= self.renewal_window_days,
                "TENURE_LAST_CALL_DAYS is not from 0 to the renewal window",
            ),
            (
                self.shop_secret is None or len(self.shop_secret) >= 32,
                "TENURE_SHOP_SECRET has fewer than 32 characters",
            ),
            (
                self.stripe_webhook_secret is None or self.stripe_webhook_secret.startswith("whsec_"),
                "TENURE_STRIPE_WEBHOOK_SECRET does not begin with whsec_",
            ),
            (1 <= self.quote_days <= 366, "TENURE_QUOTE_DAYS is not from 1 to 366"),
            (1 <= self.payment_days <= 366, "TENURE_PAYMENT_DAYS is not from 1 to 366"),
            (1 <= self.certificate_days <= 366, "TENURE_CERTIFICATE_DAYS is not from 1 to 366"),
            (10 <= self.download_link_seconds <= 86400, "TENURE_DOWNLOAD_LINK_SECONDS is not from 10 to 86400"),
            (
                self.nginx_location is None or re.fullmatch(r"/(?:[A-Za-z0-9_-]+/)+", self.nginx_location) is not None,
                "TENURE_NGINX_LOCATION is no path of letters and digits between slashes, such as /stored/",
            ),
            (
                self.nginx_location is None or self.s3_bucket is None,
                "TENURE_NGINX_LOCATION and TENURE_S3_BUCKET exclude each other: builds in S3 do not pass nginx",
            ),
            (1 <= self.api_token_max_days <= 3660, "TENURE_API_TOKEN_MAX_DAYS is not from 1 to 3660"),
            (
                self.metadata_access in ("public", "any_valid_licence"),
                "TENURE_METADATA_ACCESS is neither public nor any_valid_licence",
            ),
            (self.seat_limit in ("refuse", "warn"), "TENURE_SEAT_LIMIT is neither refuse nor warn"),
            (
                self.seat_expiry_days is None or 1 <= self.seat_expiry_days <= MOST_EXPIRY_DAYS,
                "TENURE_SEAT_EXPIRY_DAYS is not from 1 to 3660",
            ),
            (
                self.database_url is None or self.database_url.startswith(("postgresql", "postgres:", "sqlite:")),
                "TENURE_DATABASE_URL is neither a postgresql nor an sqlite address",
            ),
            (
                (self.s3_access_key_id is None) == (self.s3_secret_access_key is None),
                "TENURE_S3_ACCESS_KEY_ID and TENURE_S3_SECRET_ACCESS_KEY go together",
            ),
            (
                (self.mirror_s3_access_key_id is None) == (self.mirror_s3_secret_access_key is None),
                "TENURE_MIRROR_S3_ACCESS_KEY_ID and TENURE_MIRROR_S3_SECRET_ACCESS_KEY go together",
            ),
            (self.s3_addressing in ("path", "virtual", "auto"), "TENURE_S3_ADDRESSING is not path, virtual or auto"),
            (
                self.s3_checksum_mode in ("when_supported", "when_required"),
                "TENURE_S3_CHECKSUM_MODE is neither when_supported nor when_required",
            ),
        ]
        checks += self._support_checks()
        checks += self._mail_checks()
        checks += [
            (self.language in WORDS, f"TENURE_LANGUAGE is none of {', '.join(WORDS)}"),
            (
                _can_be_read(lambda: _reminder_rules(self.reminder_days)),
                "TENURE_REMINDER_DAYS is neither none nor days from 1 to 366, such as 30,7,1",
            ),
            (
                self.reminder_opt_out in ("allowed", "refused"),
                "TENURE_REMINDER_OPT_OUT is neither allowed nor refused",
            ),
            (_can_be_read(lambda: self.metrics_address), "TENURE_METRICS_LISTEN is not written host:port"),
            (
                _can_be_read(lambda: self.expiry_stages),
                "TENURE_EXPIRY_MAIL_DAYS are not days from 1 to 365, with commas",
            ),
            (all("@" in each for each in self.operators), "TENURE_OPERATORS_MAIL are not addresses, with commas"),
            (
                not self.operators or self.smtp_host is not None,
                "TENURE_OPERATORS_MAIL needs a mail server: TENURE_SMTP_HOST",
            ),
            (self.signer in ("embedded", "external"), "TENURE_SIGNER is neither embedded nor external"),
            (
                self.signer_pin is None or self.signer_pin_file is None,
                "TENURE_SIGNER_PIN and TENURE_SIGNER_PIN_FILE exclude each other",
            ),
        ]
        checks += [
            (url is None or _is_http_url(url), f"{variable} is not an http or https address without query")
            for variable, url in (
                ("TENURE_BASE_URL", self.base_url),
                ("TENURE_RENEWAL_URL", self.renewal_url),
                ("TENURE_S3_ENDPOINT_URL", self.s3_endpoint_url),
                ("TENURE_S3_PUBLIC_ENDPOINT_URL", self.s3_public_endpoint_url),
                ("TENURE_MIRROR_S3_ENDPOINT_URL", self.mirror_s3_endpoint_url),
            )
        ]
        return [problem for holds, problem in checks if not holds]

    def _support_checks(self) -> list[tuple[bool, str]]:
        all_hours = {
            "TENURE_SUPPORT_ONE_YEAR_HOURS": self.support_one_year_hours,
            "TENURE_SUPPORT_TWO_YEAR_HOURS": self.support_two_year_hours,
            "TENURE_SUPPORT_PRIORITY_HOURS": self.support_priority_hours,
            "TENURE_SUPPORT_QUOTATION_HOURS": self.support_quotation_hours,
        }
        in_range = [
            (1 <= hours <= MOST_HOURS, f"{variable} is not from 1 to {MOST_HOURS}")
            for variable, hours in all_hours.items()
        ]
        written = [
            (
                _can_be_read(lambda: parse_working_hours(self.support_hours, UTC)),
                "TENURE_SUPPORT_HOURS is not written Mon-Fri 09:00-17:00",
            ),
            (
                _can_be_read(lambda: parse_working_hours("Mon-Fri 09:00-17:00", UTC, self.support_holidays)),
                "TENURE_SUPPORT_HOLIDAYS are not days such as 2026-12-25, with commas",
            ),
        ]
        if not all(holds for holds, _ in [*in_range, *written]):
            return [*in_range, *written]
        hours = parse_working_hours(self.support_hours, UTC, self.support_holidays)
        enough = _can_be_read(lambda: self._response_rules_in(hours))
        return [(enough, "TENURE_SUPPORT_HOURS are too few for the hours in which support answers")]

    def _mail_checks(self) -> list[tuple[bool, str]]:
        passwords = [each for each in (self.smtp_password, self.smtp_password_file) if each is not None]
        return [
            (
                (self.smtp_host is None) == (self.smtp_from is None),
                "TENURE_SMTP_HOST and TENURE_SMTP_FROM go together",
            ),
            (
                self.support_address is None or is_email(self.support_address),
                "TENURE_SUPPORT_ADDRESS is not an address",
            ),
            (self.smtp_port is None or 1 <= self.smtp_port <= 65535, "TENURE_SMTP_PORT is not a port"),
            (
                self.smtp_security in ("starttls", "tls", "loopback"),
                "TENURE_SMTP_SECURITY is not starttls, tls or loopback",
            ),
            (
                len(passwords) == (0 if self.smtp_username is None else 1),
                "TENURE_SMTP_USERNAME goes with one of TENURE_SMTP_PASSWORD and TENURE_SMTP_PASSWORD_FILE",
            ),
            (1 <= self.smtp_timeout_seconds <= 300, "TENURE_SMTP_TIMEOUT_SECONDS is not from 1 to 300"),
        ]


def _reminder_rules(text: str) -> ReminderRules:
    """Raises ``ValueError``."""
    return ReminderRules(() if text == "none" else tuple(int(days) for days in text.split(",")))


def _can_be_read(read: Callable[[], object]) -> bool:
    try:
        read()
    except ValueError:
        return False
    return True


def _finite(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError("not a number")
    return number


# Variables that belong to the command line or to the tests, not to the server's settings.
_OTHER_PREFIXES = (
    "TENURE_TEST_",
    "TENURE_PASSPHRASE",
    "TENURE_ACTOR",
    "TENURE_CLIENT_",
    "TENURE_LICENCE_KEY",
    "TENURE_TOKEN",
)
_CONVERSIONS: Mapping[str, Any] = {
    "int": int,
    "int | None": int,
    "Decimal": _finite,
    "Path": Path,
    "Path | None": Path,
}
_TYPE_NAMES: Mapping[str, str] = {
    "int": "whole number",
    "int | None": "whole number",
    "Decimal": "number",
}


def _is_http_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not parts.fragment
    except ValueError:
        return False


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _is_currency(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()
