"""The doctor passes a good installation, and names what is wrong with its setting."""

import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from flask import Flask
from sqlalchemy import text

from tenant_portal import create_app
from tenant_portal.db import begin_write, db
from tenant_portal.mail import outbox
from tenant_portal.models import Mail as MailRow
from tenant_portal.models import MailState

from ..conftest import SETTINGS, Clock, MakeApp, close
from ..support.certificates import serving_as
from ..support.live import run_python
from ..support.people import Roster, Tenant, run
from ..support.post import PostOffice
from ..support.services import RedisServer, free_port, missing

Doctor = Callable[..., tuple[int, str]]

KEY = secrets.token_hex(32)
GOOD: dict[str, Any] = {
    "TESTING": False,
    "SECRET_KEY": KEY,
    "PORTAL_PUBLIC_URL": "https://espace.habitat-du-val.fr",
    "PORTAL_PROXY_HOPS": 1,
    "PORTAL_ARGON2_MEMORY_KIB": 19_456,
    "PORTAL_ARGON2_PASSES": 2,
    "PORTAL_LEGAL_IDENTITY": "SA au capital de 1 000 €",
    "PORTAL_PUBLISHER": "Anne Roche",
    "PORTAL_HOSTING": "Hébergeur, 1 rue du Port, 02 61 91 00 13",
}
CLOSED_PORT = 1


@pytest.fixture
def good_app(make_app: MakeApp, tmp_path: Path) -> Callable[..., Flask]:
    """Return a function that makes a good portal, but for these settings."""
    (tmp_path / "data").mkdir()

    def make(**settings: Any) -> Flask:
        return make_app(**{**GOOD, **settings})

    return make


@pytest.fixture
def doctor(good_app: Callable[..., Flask], tmp_path: Path) -> Doctor:
    """Return a function that asks the doctor about it."""

    def ask(**settings: Any) -> tuple[int, str]:
        app = good_app(**settings)
        Roster(app, tmp_path).add()
        run(app, "staff", "add", "anne.moreau@habitat.example", "--owner")
        return run(app, "doctor")

    return ask


@pytest.fixture
def open_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a folder that every account can enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    monkeypatch.chdir(folder)
    yield folder
    shutil.rmtree(folder)


def test_a_good_installation_passes(doctor: Doctor) -> None:
    code, said = doctor()
    assert code == 0, said
    assert "aucun défaut, aucun avertissement" in said


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"PORTAL_THROTTLE": False}, "PORTAL_THROTTLE"),
        ({"PORTAL_DEMO": True}, "PORTAL_DEMO"),
        ({"TESTING": True}, "TESTING"),
        ({"MAIL_SUPPRESS_SEND": True}, "MAIL_SUPPRESS_SEND"),
        ({"MAIL_DEBUG": 1}, "MAIL_DEBUG"),
        ({"PORTAL_ARGON2_MEMORY_KIB": 8}, "PORTAL_ARGON2_MEMORY_KIB"),
        ({"PORTAL_ARGON2_PASSES": 1}, "PORTAL_ARGON2_MEMORY_KIB"),
        ({"PORTAL_PUBLIC_URL": "http://espace.habitat-du-val.fr"}, "PORTAL_PUBLIC_URL"),
        ({"SECRET_KEY": "ab" * 20}, "SECRET_KEY"),
        ({"PORTAL_DATA_DIR": "/nowhere/at/all"}, "PORTAL_DATA_DIR"),
        ({"PORTAL_RATE_STORAGE_URI": f"redis://127.0.0.1:{CLOSED_PORT}/0"}, "PORTAL_RATE_STORAGE_URI"),
        ({"PORTAL_RATE_STORAGE_URI": "redys://localhost"}, "PORTAL_RATE_STORAGE_URI"),
        ({"SECRET_KEY_FALLBACKS": ["cd" * 20]}, "SECRET_KEY_FALLBACKS"),
        ({"SECRET_KEY_FALLBACKS": [KEY]}, "SECRET_KEY"),
        ({"PORTAL_METRICS_TOKEN": KEY}, "SECRET_KEY"),
        ({"MAIL_USERNAME": "portal", "MAIL_PASSWORD": KEY}, "SECRET_KEY"),
        ({"PORTAL_METRICS_TOKEN": "ab" * 20}, "PORTAL_METRICS_TOKEN"),
        ({"SQLALCHEMY_ECHO": True}, "SQLALCHEMY_ECHO"),
        ({"MAIL_PORT": CLOSED_PORT}, "MAIL_SERVER"),
        ({"MAIL_SERVER": "0.0.0.0"}, "MAIL_USE_TLS"),  # noqa: S104 (answers here, yet counts as another machine)
        ({"MAIL_USE_TLS": True}, "MAIL_USE_TLS"),
        ({"MAIL_USE_SSL": True}, "MAIL_USE_SSL"),
        ({"MAIL_USERNAME": "portal"}, "MAIL_PASSWORD"),
        ({"MAIL_USERNAME": "portal", "MAIL_PASSWORD": "secret"}, "MAIL_USERNAME"),
    ],
)
def test_the_doctor_names_the_setting_that_is_wrong(doctor: Doctor, settings: dict[str, Any], named: str) -> None:
    code, said = doctor(**settings)
    assert code == 1, said
    assert f"DÉFAUT {named} : " in said
    assert "Remède : " in said
    if settings.get("MAIL_PASSWORD"):
        assert settings["MAIL_PASSWORD"] not in said


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"PORTAL_PUBLIC_URL": "http://localhost:8000", "PORTAL_PROXY_HOPS": 0}, "PORTAL_PUBLIC_URL"),
        ({"PORTAL_PROXY_HOPS": 0}, "PORTAL_PROXY_HOPS"),
        ({"PORTAL_TIMEZONE": "UTC"}, "PORTAL_TIMEZONE"),
        ({"PORTAL_LANDLORD_ADDRESS": ""}, "PORTAL_LANDLORD_ADDRESS"),
        ({"PORTAL_LANDLORD_PHONE": ""}, "PORTAL_LANDLORD_PHONE"),
        ({"PORTAL_PUBLISHER": ""}, "PORTAL_PUBLISHER"),
        ({"PORTAL_HOSTING": ""}, "PORTAL_HOSTING"),
        ({"PORTAL_LEGAL_IDENTITY": ""}, "PORTAL_LEGAL_IDENTITY"),
    ],
)
def test_the_doctor_warns_of_what_forbids_nothing(doctor: Doctor, settings: dict[str, Any], named: str) -> None:
    code, said = doctor(**settings)
    assert code == 0, said
    assert f"ATTENTION {named} : " in said


@pytest.mark.parametrize("name", ["SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY"])
def test_the_doctor_names_cookies_that_a_host_does_not_protect(good_app: Callable[..., Flask], name: str) -> None:
    app = good_app()
    app.config[name] = False
    code, said = run(app, "doctor")
    assert code == 1 and f"DÉFAUT {name} : " in said


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("FLASK_DEBUG", "4", "DEBUG"),
        ("WEB_CONCURRENCY", "4", "PORTAL_RATE_STORAGE_URI"),
        ("GRANIAN_WORKERS", "4", "PORTAL_RATE_STORAGE_URI"),
        ("PORTAL_SERVER_OPTIONS", "--host 10.0.0.1 --workers 2", "PORTAL_RATE_STORAGE_URI"),
    ],
)
def test_the_doctor_names_what_the_environment_makes_wrong(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, named: str
) -> None:
    monkeypatch.setenv(variable, value)
    code, said = doctor(PORTAL_RATE_STORAGE_URI="memory://")
    assert code == 1 and f"DÉFAUT {named} : " in said


def test_the_doctor_names_counters_that_others_can_reach(doctor: Doctor, redis_server: RedisServer) -> None:
    code, said = doctor(PORTAL_RATE_STORAGE_URI=f"redis://0.0.0.0:{redis_server.port}/0")  # counts as another machine
    assert code == 1 and "DÉFAUT PORTAL_RATE_STORAGE_URI : qui atteint Redis" in said
    assert "ATTENTION PORTAL_RATE_STORAGE_URI : la liaison avec Redis n'est pas chiffrée" in said


def test_the_doctor_warns_of_a_way_to_the_database_that_may_be_plain(
    good_app: Callable[..., Flask], postgres_url: str
) -> None:
    address = postgres_url.replace("127.0.0.1", "0.0.0.0") + "?sslmode=prefer"  # noqa: S104 (counts as another machine)
    code, said = run(good_app(SQLALCHEMY_DATABASE_URI=address), "doctor")
    assert "ATTENTION SQLALCHEMY_DATABASE_URI : la liaison avec la base" in said


def test_the_doctor_names_a_database_in_memory(good_app: Callable[..., Flask]) -> None:
    code, said = run(good_app(SQLALCHEMY_DATABASE_URI="sqlite://"), "doctor")
    assert code == 1 and "DÉFAUT SQLALCHEMY_DATABASE_URI : la base est en mémoire" in said


@pytest.mark.parametrize(
    ("format_", "remedy"), [("0001", "portal db upgrade"), ("9999", "installez la version récente")]
)
def test_the_doctor_names_a_database_of_another_format(
    good_app: Callable[..., Flask], format_: str, remedy: str
) -> None:
    app = good_app()
    with app.app_context():
        begin_write()
        db.session.execute(text("UPDATE portal_alembic_version SET version_num = :format"), {"format": format_})
        db.session.commit()
    code, said = run(app, "doctor")
    assert code == 1 and "DÉFAUT SQLALCHEMY_DATABASE_URI" in said and remedy in said


def test_the_doctor_names_a_clock_that_lags(
    good_app: Callable[..., Flask], an_account: Callable[..., Tenant], clock: Clock
) -> None:
    an_account()
    clock.move(hours=-2)
    code, said = run(good_app(), "doctor")
    assert code == 1 and "DÉFAUT horloge : " in said


def test_the_doctor_names_documents_that_every_account_can_read(doctor: Doctor, open_folder: Path) -> None:
    code, said = doctor(PORTAL_DATA_DIR=str(open_folder))
    assert code == 1 and "DÉFAUT PORTAL_DATA_DIR : " in said and "chmod 700" in said
    open_folder.chmod(0o700)
    assert doctor(PORTAL_DATA_DIR=str(open_folder))[0] == 0


def test_the_doctor_names_a_database_that_is_not_there(good_app: Callable[..., Flask], tmp_path: Path) -> None:
    missing = tmp_path / "elsewhere.sqlite3"
    app = good_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{missing}")
    code, said = run(app, "doctor")
    assert code == 1 and "DÉFAUT SQLALCHEMY_DATABASE_URI" in said
    assert not missing.exists()


def test_the_doctor_names_a_database_without_its_tables(good_app: Callable[..., Flask], tmp_path: Path) -> None:
    empty = tmp_path / "empty.sqlite3"
    empty.touch()
    app = good_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{empty}")
    code, said = run(app, "doctor")
    assert code == 1 and "portal db upgrade" in said


def test_the_doctor_names_a_database_server_out_of_reach(tmp_path: Path, post_office: PostOffice) -> None:
    uri = f"postgresql+psycopg://portal:secret@127.0.0.1:{CLOSED_PORT}/portal"
    settings = {"MAIL_PORT": post_office.port, "PORTAL_DATA_DIR": str(tmp_path), "SQLALCHEMY_DATABASE_URI": uri}
    app = create_app({**SETTINGS, **GOOD, **settings})
    code, said = run(app, "doctor")
    close(app)
    assert code == 1 and "DÉFAUT SQLALCHEMY_DATABASE_URI" in said
    assert "secret" not in said


def test_the_doctor_names_files_that_every_account_can_read(
    good_app: Callable[..., Flask], migrated_database: Path, open_folder: Path
) -> None:
    database, env = open_folder / "portal.sqlite3", open_folder / ".env"
    shutil.copy(migrated_database, database)
    env.write_text("")
    for mode, expected in ((0o644, 1), (0o600, 0)):
        database.chmod(mode)
        env.chmod(mode)
        app = good_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{database}")
        code, said = run(app, "doctor")
        assert code == expected, said
        assert (f"chmod 600 {database}" in said) is bool(expected)
        assert (f"chmod 600 {env}" in said) is bool(expected)


def test_the_doctor_names_a_secret_key_that_git_keeps(doctor: Doctor, open_folder: Path) -> None:
    settings = open_folder / "settings.sh"
    settings.write_text(f"export FLASK_SECRET_KEY={GOOD['SECRET_KEY']}\n")
    git = shutil.which("git") or missing("git")
    subprocess.run([str(git), "init", "--quiet"], check=True)
    assert doctor()[0] == 0
    subprocess.run([str(git), "add", "settings.sh"], check=True)
    code, said = doctor()
    assert code == 1 and "settings.sh" in said and GOOD["SECRET_KEY"] not in said


def test_the_doctor_warns_of_a_roster_that_is_missing_or_old(
    good_app: Callable[..., Flask], tmp_path: Path, clock: Clock
) -> None:
    app = good_app()
    code, said = run(app, "doctor")
    assert code == 0 and "ATTENTION contrats" in said
    Roster(app, tmp_path).add()
    assert "contrats" not in run(app, "doctor")[1]
    clock.move(days=46)
    code, said = run(app, "doctor")
    assert code == 0 and "ATTENTION contrats" in said and "23/11/2026" in said


def test_the_doctor_warns_of_mails_that_wait_for_long(good_app: Callable[..., Flask], clock: Clock) -> None:
    app = good_app()
    with app.app_context():
        begin_write()
        db.session.add(MailRow(kind="reset", recipient="a@example.com", message_id="<1@x>", state=MailState.WAITING))
        db.session.commit()
    assert "courrier" not in run(app, "doctor")[1]
    clock.move(hours=2)
    code, said = run(app, "doctor")
    assert code == 0 and "ATTENTION courrier" in said


def test_the_doctor_names_a_sender_that_the_mail_server_refuses(doctor: Doctor, post_office: PostOffice) -> None:
    post_office.answers["*"] = "550 5.7.1 relaying denied"
    code, said = doctor()
    assert code == 1 and "DÉFAUT PORTAL_LANDLORD_EMAIL" in said
    assert not post_office.mails


def test_the_doctor_names_a_password_that_the_mail_server_refuses(doctor: Doctor) -> None:
    def refuse(*_: Any) -> AuthResult:
        return AuthResult(success=False, handled=False)

    server = Controller(object(), hostname="127.0.0.1", port=free_port(), authenticator=refuse, auth_require_tls=False)
    server.start()
    try:
        code, said = doctor(MAIL_PORT=server.port, MAIL_USERNAME="portal", MAIL_PASSWORD="wrong and secret")
    finally:
        server.stop()
    assert code == 1 and "DÉFAUT MAIL_PASSWORD" in said
    assert "wrong and secret" not in said


def test_the_doctor_names_a_certificate_that_is_for_another_name(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = serving_as(tmp_path, "smtp.hebergeur.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    server = Controller(object(), hostname="127.0.0.1", port=free_port(), tls_context=context)
    server.start()
    try:
        code, said = doctor(MAIL_SERVER="localhost", MAIL_PORT=server.port, MAIL_USE_TLS=True)
    finally:
        server.stop()
    assert code == 1 and "DÉFAUT MAIL_SERVER" in said
    assert "certificate is not valid for 'localhost'" in said and "le nom qui figure dans le certificat" in said


def test_the_doctor_names_the_cause_of_mails_that_servers_refuse_because_of_us(
    good_app: Callable[..., Flask], post_office: PostOffice, tmp_path: Path
) -> None:
    post_office.answers_to_data["*"] = "554 Message rejected: Email address is not verified."
    app = good_app()
    with app.app_context():
        begin_write()
        outbox.put(
            "attempts",
            "a@example.com",
            content={"digits": "456", "link": "https://x.example/", "failed_at": "2026-11-23T09:30:00+01:00"},
        )
        db.session.commit()
    assert run(app, "mail", "send")[0] == 1
    code, said = run(app, "doctor")
    assert code == 1 and "DÉFAUT courrier" in said
    assert "compte d'essai" in said and "production access" in said


def test_the_doctor_sends_nothing(doctor: Doctor, post_office: PostOffice) -> None:
    assert doctor()[0] == 0
    assert not post_office.mails


@pytest.mark.program
def test_settings_that_cannot_be_read_are_listed_with_code_1(tmp_path: Path) -> None:
    (tmp_path / "wsgi.py").write_text("from tenant_portal import create_app\napp = create_app()\n")
    command = ("-m", "flask", "--app", "wsgi", "portal", "doctor")
    asked = run_python(tmp_path, *command, FLASK_PORTAL_BRAND_COLOUR="red")
    assert asked.returncode == 1
    for key in ("SECRET_KEY", "PORTAL_PUBLIC_URL", "PORTAL_LANDLORD_NAME", "PORTAL_BRAND_COLOUR"):
        assert key in asked.stderr
