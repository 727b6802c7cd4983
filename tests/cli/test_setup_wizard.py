"""The set-up, and the `.env` that it writes."""

import io
import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from dotenv import dotenv_values
from flask import Config
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal.__main__ import main
from tenant_portal.cli.setup_wizard import env_line, write_env

from ..support.live import run_python
from ..support.post import PostOffice

pytestmark = pytest.mark.slow

ODD_TEXTS = [
    "0200000000",
    "33123",
    "1e5",
    "true",
    "null",
    '"quoted"',
    "[1]",
    "L'Été \"d'eau\" #1",
    "$HOME and ${HOME} and ${X:-y}",
    "back\\slash \\n \\' end\\",
    "two\nlines",
    " spaces ",
    "",
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder whose `.env` is read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHON_DOTENV_DISABLED", "0")
    return tmp_path


def options(office: PostOffice, **more: str) -> list[str]:
    """Return options that answer every question."""
    answers = {
        "landlord-name": "L'Habitat du Val #1",
        "landlord-email": "contact@habitat-du-val.example",
        "landlord-phone": "0261910012",
        "public-url": "https://espace.habitat-du-val.fr",
        "mail-server": "127.0.0.1",
        "mail-port": str(office.port),
        **more,
    }
    return [f"--{name}={answer}" for name, answer in answers.items()]


def set_up(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the set-up in its own process."""
    env = {"FLASK_SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'portal.sqlite3'}", **env}
    return run_python(folder, "-m", "tenant_portal", "setup", *arguments, **env)


def read_back(text: str) -> dict[str, Any]:
    """Return the configuration that a `.env` gives."""
    config = Config(".")
    before = dict(os.environ)
    try:
        os.environ.update({key: value or "" for key, value in dotenv_values(stream=io.StringIO(text)).items()})
        config.from_prefixed_env()
    finally:
        os.environ.clear()
        os.environ.update(before)
    return dict(config)


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_an_odd_answer_comes_back_to_the_letter(text: str) -> None:
    assert read_back(env_line("FLASK_X", text) + "\nFLASK_Y=1\n") == {"X": text, "Y": 1}


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=60))
def test_any_answer_comes_back_to_the_letter(text: str) -> None:
    assert read_back(env_line("FLASK_X", text) + "\nFLASK_Y=1\n") == {"X": text, "Y": 1}


def test_an_installer_sets_up_a_portal_in_one_go(folder: Path, post_office: PostOffice) -> None:
    done = set_up(folder, "--yes", *options(post_office, owner="anne.moreau@habitat-du-val.example"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "https://espace.habitat-du-val.fr/gestion/invitation/" in done.stdout
    env = folder / ".env"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "portal.sqlite3").stat().st_mode) == 0o600
    config = read_back(env.read_text(encoding="utf-8"))
    assert len(config["SECRET_KEY"]) == 64 and config["SECRET_KEY"] not in done.stdout
    assert config["PORTAL_LANDLORD_NAME"] == "L'Habitat du Val #1"
    assert config["PORTAL_LANDLORD_PHONE"] == "0261910012"
    assert config["MAIL_PORT"] == post_office.port and config["MAIL_USE_TLS"] is False
    assert "contracts import" in done.stdout and "Le portail peut être ouvert." in done.stdout
    assert sorted(path.name for path in folder.iterdir() if path.suffix not in {".sqlite3-wal", ".sqlite3-shm"}) == [
        ".env",
        "portal.sqlite3",
    ]


def test_a_second_set_up_changes_nothing_that_stands(folder: Path, post_office: PostOffice) -> None:
    set_up(folder, "--yes", *options(post_office))
    before = (folder / ".env").read_bytes()
    done = set_up(folder, "--yes", *options(post_office, **{"landlord-name": "Autre"}))
    assert done.returncode == 0 and "rien n'y est changé" in done.stdout
    assert (folder / ".env").read_bytes() == before


def test_an_installer_without_questions_hears_of_every_wrong_answer_at_once(folder: Path) -> None:
    done = set_up(folder, "--yes", "--landlord-email=bad", "--public-url=espace", "--mail-port=0")
    assert done.returncode == 2
    for option in ("--landlord-name", "--landlord-email", "--public-url", "--mail-server", "--mail-port"):
        assert option in done.stderr
    assert not (folder / ".env").exists() and not (folder / "portal.sqlite3").exists()


def test_an_installer_is_asked_again_with_the_reason(
    folder: Path, post_office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_SQLALCHEMY_DATABASE_URI", f"sqlite:///{folder / 'portal.sqlite3'}")
    answers = ["Habitat du Val", "contact", "contact@habitat.example", "", "ftp://x", "https://espace.habitat.fr"]
    answers += ["127.0.0.1", "port", str(post_office.port), "", ""]
    umask, environment = os.umask(0o022), dict(os.environ)
    try:
        done = CliRunner().invoke(main, ["setup"], input="\n".join(answers) + "\n")
    finally:
        os.umask(umask)
        for key in os.environ.keys() - environment.keys():  # from the new .env
            del os.environ[key]
    assert done.exit_code == 0, done.output
    for reason in ("« contact » ne convient pas", "« ftp://x » ne convient pas", "« port » ne convient pas"):
        assert reason in done.output
    config = read_back((folder / ".env").read_text(encoding="utf-8"))
    assert config["PORTAL_LANDLORD_EMAIL"] == "contact@habitat.example"
    assert "PORTAL_LANDLORD_PHONE" not in config and "MAIL_USERNAME" not in config


def test_the_password_of_the_mail_account_comes_from_the_environment_and_is_never_shown(
    folder: Path, post_office: PostOffice
) -> None:
    named = [*options(post_office), "--mail-username=portal"]
    refused = set_up(folder, "--yes", *named)
    assert refused.returncode == 2 and "FLASK_MAIL_PASSWORD" in refused.stderr
    done = set_up(folder, "--yes", *named, FLASK_MAIL_PASSWORD="s3cret $x")
    assert done.returncode == 1, "this server knows no accounts"
    assert "s3cret" not in done.stdout + done.stderr
    assert read_back((folder / ".env").read_text(encoding="utf-8"))["MAIL_PASSWORD"] == "s3cret $x"


@pytest.mark.parametrize(
    ("port", "expected"),
    [("465", {"MAIL_USE_SSL": True}), ("587", {"MAIL_USE_TLS": True}), ("25", {"MAIL_USE_TLS": True})],
)
def test_mails_to_another_machine_are_encrypted(
    folder: Path, post_office: PostOffice, port: str, expected: dict[str, bool]
) -> None:
    set_up(folder, "--yes", *options(post_office, **{"mail-server": "0.0.0.0", "mail-port": port}))  # noqa: S104
    config = read_back((folder / ".env").read_text(encoding="utf-8"))
    assert {key: value for key, value in config.items() if key.startswith("MAIL_USE")} == expected


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("FLASK_X=1\n")
    with pytest.raises(FileExistsError):
        write_env(env, {"X": 2})
    assert env.read_text() == "FLASK_X=1\n" and list(tmp_path.iterdir()) == [env]


def test_settings_that_stand_but_are_wrong_are_listed(folder: Path) -> None:
    (folder / ".env").write_text(f"FLASK_SECRET_KEY={json.dumps('k' * 40)}\n")
    refused = set_up(folder, "--yes")
    assert refused.returncode == 1 and "PORTAL_LANDLORD_NAME" in refused.stderr
    assert "Traceback" not in refused.stderr
