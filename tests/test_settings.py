"""Settings: all mistakes at once, no default secret, and the documentation's table."""

import re
from dataclasses import MISSING, fields
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tenant_portal import create_app, settings
from tenant_portal.errors import ConfigError
from tenant_portal.settings import Settings, key_of
from tests.support.paths import ROOT

DOCUMENT = ROOT / "docs" / "settings.md"

NEEDED: dict[str, Any] = {
    "SECRET_KEY": "k" * settings.SECRET_KEY_MIN,
    "PORTAL_PUBLIC_URL": "https://espace.habitat-du-val.example",
    "PORTAL_LANDLORD_NAME": "Habitat du Val",
    "PORTAL_LANDLORD_EMAIL": "contact@habitat-du-val.example",
}


def mistakes(**config: Any) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        settings.read({**NEEDED, **config})
    return refused.value.mistakes


def test_an_installer_who_sets_what_is_needed_gets_sound_defaults() -> None:
    read = settings.read(NEEDED)
    assert read.activation_hours == timedelta(hours=72)
    assert read.reset_hours == timedelta(hours=1)
    assert read.timezone == ZoneInfo("Europe/Paris")
    assert read.reference_length == (1, 12)
    assert read.throttle is True and read.is_https is True and read.demo is False
    assert (read.argon2_memory_kib, read.argon2_passes) == (19_456, 2)  # OWASP's floor for Argon2id


def test_an_installer_who_sets_nothing_is_told_everything_at_once() -> None:
    with pytest.raises(ConfigError) as refused:
        settings.read({})
    told = str(refused.value)
    for key in NEEDED:
        assert f"{key} is missing" in told


def test_an_installer_with_many_mistakes_is_told_each_with_its_key() -> None:
    config = {
        "SECRET_KEY": "short",
        "PORTAL_LANDLORD_NAME": None,
        "PORTAL_PUBLIC_URL": "espace.example",
        "PORTAL_ACTIVATION_HOURS": "soon",
        "PORTAL_REFERENCE_LENGTH": "12-6",
        "PORTAL_BRAND_COLOUR": "blue",
        "PORTAL_TIMEZONE": "Europe/Lutece",
        "PORTAL_LANDLORD_FAX": "02 41 00 00 01",
    }
    told = mistakes(**config)
    assert len(told) == len(config)
    for key, mistake in zip(config, sorted(told, key=lambda m: list(config).index(m.split()[0])), strict=True):
        assert mistake.startswith(key)


@pytest.mark.parametrize("key", ["", None, "x" * (settings.SECRET_KEY_MIN - 1), b"short", 10**40])
def test_a_secret_key_that_lacks_or_is_short_stops_the_start(key: Any) -> None:
    assert any(mistake.startswith("SECRET_KEY ") for mistake in mistakes(SECRET_KEY=key))


def test_a_former_key_that_is_short_stops_the_start() -> None:
    assert mistakes(SECRET_KEY_FALLBACKS=["x"]) and mistakes(SECRET_KEY_FALLBACKS="a" * 40)


def test_no_secret_is_told_in_a_mistake() -> None:
    assert "hunter2" not in "".join(mistakes(SECRET_KEY="hunter2", MAIL_PASSWORD="hunter2"))


@pytest.mark.parametrize(
    ("key", "value", "read"),
    [
        ("PORTAL_PUBLIC_URL", "https://habitat.example/espace/", "https://habitat.example/espace"),
        ("PORTAL_URL_PREFIX", "/locataire/", "/locataire"),
        ("PORTAL_REFERENCE_LENGTH", 6, (6, 6)),
        ("PORTAL_REFERENCE_LENGTH", "4-8", (4, 8)),
        ("PORTAL_THROTTLE", "non", False),
        ("PORTAL_THROTTLE", "true", True),
        ("PORTAL_RESET_HOURS", "2", timedelta(hours=2)),
        ("PORTAL_BRAND_COLOUR", "#AABBCC", "#aabbcc"),
        ("PORTAL_LOGO_URL", "/media/logo.svg", "/media/logo.svg"),
        ("PORTAL_TIMEZONE", "Indian/Reunion", ZoneInfo("Indian/Reunion")),
        ("PORTAL_LANDLORD_NAME", "  Habitat du Val ", "Habitat du Val"),
        ("PORTAL_DIRECT_DEBIT_WORDS", " PA, prlv 5,, ", ("PA", "prlv 5")),
        ("PORTAL_OTHER_PAYMENT_WORDS", ["ZZ", "03"], ("ZZ", "03")),
    ],
)
def test_a_good_value_is_read(key: str, value: Any, read: Any) -> None:
    assert getattr(settings.read({**NEEDED, key: value}), key.removeprefix("PORTAL_").lower()) == read


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("PORTAL_PUBLIC_URL", "ftp://habitat.example"),
        ("PORTAL_PUBLIC_URL", "https://user@habitat.example"),
        ("PORTAL_PUBLIC_URL", "https://habitat.example/?a=1"),
        ("PORTAL_URL_PREFIX", "locataire"),
        ("PORTAL_URL_PREFIX", "/../x"),
        ("PORTAL_LANDLORD_EMAIL", "contact"),
        ("PORTAL_LANDLORD_EMAIL", "a@b.fr\nBcc: c@d.fr"),
        ("PORTAL_REFERENCE_LENGTH", "0-6"),
        ("PORTAL_REFERENCE_LENGTH", "1-99"),
        ("PORTAL_THROTTLE", "maybe"),
        ("PORTAL_RESET_HOURS", "0"),
        ("PORTAL_RESET_HOURS", True),
        ("PORTAL_ACTIVATION_HOURS", "1.5"),
        ("PORTAL_BRAND_COLOUR", "#12345"),
        ("PORTAL_BRAND_COLOUR", "#123456;}"),
        ("PORTAL_LOGO_URL", "//evil.example/logo.svg"),
        ("PORTAL_LOGO_URL", "javascript:alert(1)"),
        ("PORTAL_TIMEZONE", "../../etc/passwd"),
        ("PORTAL_ACCESSIBILITY", "conforme"),
        ("PORTAL_ARGON2_MEMORY_KIB", 4),
    ],
)
def test_a_wrong_value_is_told_with_its_key(key: str, value: Any) -> None:
    told = mistakes(**{key: value})
    assert len(told) == 1 and told[0].startswith(f"{key} is {value!r}, but must be ")


def test_an_unknown_portal_key_is_told() -> None:
    assert mistakes(PORTAL_ACTIVATION_HOUR=72) == [
        "PORTAL_ACTIVATION_HOUR is not a setting of the portal; see the table of settings"
    ]


def test_an_application_with_a_mistake_does_not_start(tmp_path: Path) -> None:
    database = tmp_path / "portal.sqlite3"
    with pytest.raises(ConfigError):
        create_app({**NEEDED, "SECRET_KEY": "", "SQLALCHEMY_DATABASE_URI": f"sqlite:///{database}"})
    assert not database.exists()


def test_no_secret_has_a_default() -> None:
    secrets = [row for row in fields(Settings) if re.search("secret|password|token", row.name)]
    assert not [row.name for row in secrets if row.metadata["default"] not in (MISSING, "")]


def test_settings_are_frozen_once_read() -> None:
    with pytest.raises(AttributeError):
        settings.read(NEEDED).landlord_name = "Autre"  # type: ignore[misc]


def documented(row: Any) -> str:
    """Return the documentation's line for a setting."""
    default = row.metadata["default"]
    if default is MISSING:
        shown = "**to be given**"
    else:
        shown = f"`{str(default).lower() if isinstance(default, bool) else default}`" if default != "" else "empty"
    try:
        row.metadata["parse"]("\x00")
        allowed = "any text"
    except ValueError as wrong:
        allowed = str(wrong)
    return f"| `{key_of(row)}` | {shown} | {row.metadata['meaning']} | {allowed} |"


@pytest.mark.parametrize("row", [row for row in fields(Settings) if row.type is timedelta], ids=key_of)
def test_the_key_of_a_duration_ends_with_its_unit(row: Any) -> None:
    """The documentation has no column for units."""
    unit = row.name.rpartition("_")[2]
    assert row.metadata["parse"](row.metadata["default"]) == timedelta(**{unit: row.metadata["default"]})


@pytest.mark.parametrize("row", fields(Settings), ids=key_of)
def test_each_setting_stands_in_the_documentation(row: Any) -> None:
    line = documented(row)
    assert line in DOCUMENT.read_text(encoding="utf-8").splitlines(), f"docs/settings.md lacks this row:\n{line}"


def test_the_documentation_names_no_setting_that_is_none() -> None:
    named = set(re.findall(r"`(PORTAL_[A-Z0-9_]+)`", DOCUMENT.read_text(encoding="utf-8")))
    assert named == {key_of(row) for row in fields(Settings)}
