"""The database's formats, from nothing to the newest, and one step back."""

import ast
import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import inspect, select, text

from tenant_portal import create_app
from tenant_portal.db import Base, begin_write, db, reading_schema
from tenant_portal.messages.models import Message
from tenant_portal.models import Account, Contract
from tenant_portal.office import models as _office_models  # noqa: F401 (its tables, which the commands know)
from tenant_portal.operations import migrations
from tenant_portal.text import beginnings_of
from tests.support.paths import ROOT

from ..conftest import SETTINGS, close
from ..support.live import start_python
from ..support.people import run

pytestmark = pytest.mark.databases("sqlite", "postgresql")


@pytest.fixture
def bare(empty_database: str) -> Iterator[Flask]:
    app = create_app({**SETTINGS, "SQLALCHEMY_DATABASE_URI": empty_database})
    yield app
    close(app)


def test_the_newest_format_has_no_drift_and_survives_a_step_back(bare: Flask) -> None:
    with bare.app_context():
        assert migrations.state() is migrations.State.EMPTY
        migrations.upgrade()
        assert migrations.state() is migrations.State.NEWEST
        assert migrations.drift() == []
        migrations.downgrade("-1")
        assert migrations.state() is not migrations.State.NEWEST
        migrations.upgrade()
        assert migrations.drift() == []
        assert set(Base.metadata.tables) < set(inspect(db.engine).get_table_names())


def test_constraints_carry_the_names_of_the_models(bare: Flask) -> None:
    with bare.app_context():
        migrations.upgrade()
        found = inspect(db.engine)
        for table in Base.metadata.sorted_tables:
            named = {c.name for c in table.constraints}
            there = {found.get_pk_constraint(table.name)["name"]}
            for constraints in (found.get_unique_constraints, found.get_check_constraints, found.get_foreign_keys):
                with reading_schema():
                    there |= {c["name"] for c in constraints(table.name)}
            assert named == there


def test_an_installer_upgrades_twice_and_is_told_that_nothing_changed(bare: Flask) -> None:
    assert run(bare, "db", "check")[0] == 1
    assert run(bare, "db", "upgrade")[0] == 0
    assert run(bare, "db", "check") == (0, "Le programme et la base de données s'accordent.")
    code, said = run(bare, "db", "upgrade")
    assert code == 0
    assert "rien n'a changé" in said


def test_a_command_before_the_upgrade_names_the_remedy(bare: Flask, tmp_path: Path) -> None:
    for args in (("contracts", "show", "1"), ("contracts", "import", str(tmp_path)), ("mail", "send"), ("db", "check")):
        code, said = run(bare, *args)
        assert code == 1
        assert "flask portal db upgrade" in said


def test_a_changed_table_is_told_as_drift(bare: Flask) -> None:
    run(bare, "db", "upgrade")
    with bare.app_context():
        begin_write()
        db.session.execute(text("ALTER TABLE portal_imports ADD COLUMN mood VARCHAR(5)"))
        db.session.commit()
    code, said = run(bare, "db", "check")
    assert code == 1
    assert "mood" in said


def test_tables_of_a_host_are_left_alone(bare: Flask) -> None:
    with bare.app_context():
        begin_write()
        db.session.execute(text("CREATE TABLE payroll (id INTEGER PRIMARY KEY)"))
        db.session.commit()
    run(bare, "db", "upgrade")
    assert run(bare, "db", "check")[0] == 0


def test_a_database_of_a_newer_portal_is_not_touched(bare: Flask) -> None:
    run(bare, "db", "upgrade")
    with bare.app_context():
        begin_write()
        db.session.execute(text("UPDATE portal_alembic_version SET version_num = '9999'"))
        db.session.commit()
    for args in (("db", "upgrade"), ("db", "check"), ("contracts", "show", "1")):
        code, said = run(bare, *args)
        assert code == 1
        assert "plus récente" in said


def test_what_was_answered_keeps_the_language_that_its_words_are_in(bare: Flask) -> None:
    english = "You agree to receive commercial information by email"
    asked = [
        ("commercial", "Vous acceptez de recevoir des informations commerciales par e-mail", "fr"),
        ("commercial", english, "en"),
        ("general", "You agree to receive general (non-commercial) information by email", "en"),
        (
            "e_notice",
            "You agree to receive your rent notice electronically (only for contracts paid by direct debit)",
            "en",
        ),
        ("general", english, "fr"),
        ("commercial", english.upper(), "fr"),
    ]
    with bare.app_context():
        migrations.upgrade("0005")
        with migrations.exclusive_connection() as connection:
            for statement in (
                "INSERT INTO portal_accounts (id, email, password_hash, signup_key, language, created_at)"
                " VALUES (1, 'a@example.org', '-', '-', 'en', '2026-11-23 08:00:00')",
                "INSERT INTO portal_contracts (id, reference, module, title, last_name, first_name, street, postcode,"
                " city, kind, payment, is_direct_debit, email, imported_at)"
                " VALUES (1, '1', '2', '', '', '', '', '', '', '', '', false, '', '2026-11-23 08:00:00')",
            ):
                connection.execute(text(statement))
            for purpose, wording, _language in asked:
                connection.execute(
                    text(
                        "INSERT INTO portal_consents (account_id, contract_id, purpose, answer, wording,"
                        " wording_version, channel, reason, created_at) VALUES"
                        " (1, 1, :purpose, true, :wording, '2026-11', 'form', '', '2026-11-23 08:00:00')"
                    ),
                    {"purpose": purpose, "wording": wording},
                )
        migrations.upgrade()
        found = db.session.execute(text("SELECT purpose, wording, language FROM portal_consents ORDER BY id")).all()
        assert [tuple(row) for row in found] == asked


def test_a_failing_migration_leaves_nothing_behind(bare: Flask) -> None:
    class Trouble(Exception):
        pass

    with bare.app_context():
        with pytest.raises(Trouble), migrations.exclusive_connection() as connection:
            connection.execute(text("CREATE TABLE portal_half (id INTEGER PRIMARY KEY)"))
            raise Trouble
        assert inspect(db.engine).get_table_names() == []


def test_a_table_rebuilt_by_sqlite_keeps_what_refers_to_it(tmp_path: Path) -> None:
    app = create_app({**SETTINGS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'p.sqlite3'}"})
    with app.app_context():
        migrations.upgrade()
        begin_write()
        account = Account(email="a@example.org", password_hash="-", signup_key="-")
        db.session.add(Contract(reference="1", module="2", account=account))
        db.session.commit()
        with migrations.exclusive_connection() as connection:  # as Alembic's batch mode does
            connection.execute(text("CREATE TABLE copy AS SELECT * FROM portal_accounts"))
            connection.execute(text("DROP TABLE portal_accounts"))
            connection.execute(text("CREATE TABLE portal_accounts (id INTEGER PRIMARY KEY)"))
            connection.execute(text("INSERT INTO portal_accounts SELECT id FROM copy"))
            connection.execute(text("DROP TABLE copy"))
        assert db.session.execute(text("SELECT account_id FROM portal_contracts")).scalar() == 1
        assert db.session.execute(text("PRAGMA foreign_keys")).scalar() == 1
    close(app)


UPGRADE_AT_THE_SIGNAL = """
import json, sys
from tenant_portal import create_app
app = create_app(json.loads(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
result = app.test_cli_runner().invoke(args=["portal", "db", "upgrade"])
sys.exit(result.output if result.exit_code else 0)
"""


@pytest.mark.program
def test_workers_that_upgrade_at_once_do_not_disturb_each_other(empty_database: str) -> None:
    settings = json.dumps({**SETTINGS, "SQLALCHEMY_DATABASE_URI": empty_database})
    with ExitStack() as stack:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), PIPE)
        start = partial(start_python, ROOT, "-c", UPGRADE_AT_THE_SIGNAL, settings, **pipes)
        workers = [stack.enter_context(start()) for _ in range(2)]
        assert [worker.stdout and worker.stdout.readline() for worker in workers] == ["ready\n"] * 2
        for worker in workers:
            assert worker.stdin
            print(file=worker.stdin, flush=True)
        said = [worker.communicate()[1] for worker in workers]
        assert [worker.returncode for worker in workers] == [0, 0], said


def test_a_database_that_cannot_be_opened_is_told_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "broken.sqlite3"
    path.mkdir()
    app = create_app({**SETTINGS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{path}"})
    for args in (("db", "upgrade"), ("db", "check"), ("contracts", "show", "1")):
        code, said = run(app, *args)
        assert code == 1
        assert said.startswith("La base de données ne répond pas")
    close(app)


@pytest.mark.parametrize(
    "name",
    ["", "MARTIN", "Élodie", "D'ARC-LE GOFF", "Strauß Müller müller", "x_y 2e", "Œuvre ﬁn", "李 明", "e" * 300, " - "],
)
def test_what_is_sought_is_taken_apart_as_the_search_does(name: str) -> None:
    step: Any = ScriptDirectory.from_config(migrations.config()).get_revision("0010").module
    assert step.beginnings_of(name) == beginnings_of(name)


@pytest.mark.parametrize("path", sorted((ROOT / "migrations" / "versions").glob("*.py")), ids=lambda path: path.stem)
def test_a_migration_imports_nothing_of_the_portal_that_may_change_or_move(path: Path) -> None:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named |= {node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in named} <= {"alembic", "sqlalchemy", *sys.stdlib_module_names}


def test_revisions_form_one_line() -> None:
    assert len(ScriptDirectory.from_config(migrations.config()).get_heads()) == 1
    assert sqlite3.sqlite_version_info >= (3, 35)  # UPDATE … FROM and RETURNING


def test_what_tenants_wrote_before_threads_stands_as_their_first_entries(bare: Flask) -> None:
    moment = "2026-11-20 08:00:00.000000"
    with bare.app_context():
        with migrations.exclusive_connection() as connection:
            migrations.upgrade_on(connection, "0006")
        begin_write()
        db.session.execute(
            text(
                "INSERT INTO portal_contracts (id, reference, module, title, last_name, first_name, street, postcode,"
                " city, kind, payment, is_direct_debit, email, imported_at)"
                " VALUES (1, '765432', '1', '', '', '', '', '', '', '', '', false, '', :moment)"
            ),
            {"moment": moment},
        )
        for number, topic, reference, told_at in (
            ("M-1", "other", "", None),
            ("M-2", "waiting", "765432", moment),
            ("M-3", "waiting", "999999", None),
        ):
            db.session.execute(
                text(
                    "INSERT INTO portal_messages (number, topic, reference, email, body, language, created_at, told_at)"
                    " VALUES (:number, :topic, :reference, 'a@b.fr', 'Où est « tout » ?', 'fr', :moment, :told_at)"
                ),
                {"number": number, "topic": topic, "reference": reference, "moment": moment, "told_at": told_at},
            )
        db.session.commit()
        migrations.upgrade()
        found = db.session.scalars(select(Message).order_by(Message.number)).all()
        assert [(m.state, m.contract_id, m.due_on, m.account_id) for m in found] == [
            ("received", None, None, None),
            ("closed", 1, None, None),
            ("received", None, None, None),
        ]
        for message in found:
            (entry,) = message.entries
            assert (entry.author, entry.body) == ("tenant", "Où est « tout » ?")
            assert entry.created_at == message.created_at == message.last_entry_at
        db.session.rollback()
        migrations.downgrade("0007")
        texts = db.session.execute(text("SELECT body FROM portal_messages")).scalars().all()
        assert texts == ["Où est « tout » ?"] * 3
