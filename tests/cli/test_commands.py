"""The staff's commands: output, exit codes, and sentences for troubles."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from tenant_portal.db import db
from tenant_portal.mail import notifications
from tenant_portal.messages import conversation
from tenant_portal.messages.models import Message
from tenant_portal.models import Contract, Import
from tests.support.paths import ROOT

from ..support.people import run
from ..support.post import Mailbox
from ..support.services import free_port
from ..support.steps import Lease

DATA = ROOT / "tests" / "data"
HEADER = "Référence contrat;N° module;Nom;E-mail"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Return a function that writes a roster."""

    def make(*lines: str, name: str = "contrats.csv") -> str:
        path = tmp_path / name
        path.write_text("\n".join((HEADER, *lines)) + "\n", encoding="utf-8")
        return str(path)

    return make


def counts(said: str) -> dict[str, int]:
    return {words[0]: int(words[1]) for words in (line.split() for line in said.splitlines()[:5])}


def write_message(app: Flask) -> None:
    with app.app_context():
        written = conversation.write(
            conversation.Topic.OTHER, email="a@example.org", body="Bonjour", reference="", language="fr", origin="1"
        )
        assert written.message is not None
        notifications.message_received(written.message)
        db.session.commit()


def import_file(app: Flask, *args: str, code: int = 0) -> str:
    """Import; the exit code must be as expected."""
    exit_code, said = run(app, "contracts", "import", *args)
    assert exit_code == code, said
    return said


def test_staff_import_a_roster_twice_and_read_that_nothing_changed(app: Flask) -> None:
    said = import_file(app, str(DATA / "contrats.csv"))
    assert counts(said) == {"Ajoutés": 2000, "Changés": 0, "Inchangés": 0, "Terminés": 0, "Refusés": 0}
    said = import_file(app, str(DATA / "contrats.csv"))
    assert counts(said) == {"Ajoutés": 0, "Changés": 0, "Inchangés": 2000, "Terminés": 0, "Refusés": 0}
    assert "Rien n'a changé" in said


def test_staff_read_each_refused_line_with_number_column_value_and_reason(app: Flask) -> None:
    said = import_file(app, str(DATA / "contrats_sales.csv"), code=3)
    assert counts(said)["Refusés"] == 8
    assert "- ligne 43, Référence contrat, « 12A456 » : Ce numéro contient une lettre" in said
    assert "- ligne 57, E-mail, « pas-d-adresse » :" in said


def test_a_value_cannot_play_with_the_terminal(app: Flask, write: Callable[..., str]) -> None:
    said = import_file(app, write("12\x1b[2J34\u202e;5;MARTIN;"), code=3)
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "\\x1b[2J" in said


def test_a_dry_run_tells_all_and_keeps_nothing(app: Flask) -> None:
    said = import_file(app, str(DATA / "contrats.csv"), "--dry-run")
    assert counts(said)["Ajoutés"] == 2000
    assert "rien n'a été enregistré" in said
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Contract)) == 0
        assert db.session.scalar(select(func.count()).select_from(Import)) == 0


def test_a_file_that_is_no_roster_changes_nothing_and_exits_2(
    app: Flask, tmp_path: Path, write: Callable[..., str]
) -> None:
    taken = write("1;2;A;")
    import_file(app, taken)
    for name, content in {
        "a.xlsx": b"PK\x03\x04 and so on",
        "a.pdf": b"%PDF-1.7\n",
        "empty.csv": b"",
        "blank.csv": b"\n \n\n",
        "prose.csv": "Cher collègue,\nvoici la liste.\n".encode(),
        "titles.csv": f"{HEADER}\n".encode(),
        "half.csv": "Référence contrat;Nom\n1;A\n".encode(),
        "twice.csv": "Référence contrat;N° module;Contrat\n1;2;3\n".encode(),
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        said = import_file(app, str(path), code=2)
        assert said.endswith("Rien n'a changé."), said
        assert "\n" not in said
    for path in (tmp_path, tmp_path / "absent.csv"):
        assert "Rien n'a changé." in import_file(app, str(path), code=2)
    assert "Enregistrez la liste en CSV" in import_file(app, str(tmp_path / "a.xlsx"), code=2)
    assert "N'existe pas".lower() in import_file(app, taken, "--encoding", "klingon", code=2)
    assert "séparateur" in import_file(app, taken, "--delimiter", ";;", code=2)
    assert counts(import_file(app, taken))["Inchangés"] == 1


def test_a_complete_roster_ends_what_it_lacks_but_not_more_than_a_tenth(app: Flask, write: Callable[..., str]) -> None:
    lines = [f"{n};{n};A;" for n in range(100, 110)]
    import_file(app, write(*lines))
    assert counts(import_file(app, write(*lines[1:]), "--complete"))["Terminés"] == 1
    said = import_file(app, write(*lines[4:]), "--complete", code=2)
    assert "parmi les 9 en cours" in said and ": 3 (101, 102, 103)" in said
    assert "--force" in said
    with app.app_context():
        running = select(func.count()).select_from(Contract).where(Contract.ended_at.is_(None))
        assert db.session.scalar(running) == 9
        assert db.session.scalar(select(func.count()).select_from(Import)) == 2
    assert counts(import_file(app, write(*lines[4:]), "--complete", "--force"))["Terminés"] == 3
    assert counts(import_file(app, write(*lines)))["Changés"] == 4


def test_staff_read_how_many_refused_lines_named_no_contract_when_some_were_ended(
    app: Flask, write: Callable[..., str]
) -> None:
    lines = [f"{n};{n};A;" for n in range(100, 110)]
    import_file(app, write(*lines))
    said = import_file(app, write("?;?;A;", *lines[1:]), "--complete", code=3)
    assert counts(said) | {"Terminés": 1, "Refusés": 1} == counts(said)
    assert "1 ligne refusée ne nomme aucun contrat" in said
    said = import_file(app, write("?;?;A;", ";;A;", *lines[2:]), "--complete", "--force", code=3)
    assert "2 lignes refusées ne nomment aucun contrat" in said
    assert "ne nomme" not in import_file(app, write("?;?;A;", *lines[2:]), code=3), "nothing was ended"


def test_t05_who_waited_for_his_contract_is_told_once_when_it_appears(
    app: Flask, mailbox: Mailbox, write: Callable[..., str]
) -> None:
    with app.app_context():
        conversation.write(
            conversation.Topic.WAITING,
            email="nouveau@example.org",
            body="",
            reference="000777",
            language="fr",
            origin="1",
        )
        db.session.commit()
    assert "attendait" not in import_file(app, write("888;1;A;"))
    assert "1 locataire attendait" not in import_file(app, write("777;1;A;"), "--dry-run")
    assert "1 locataire attendait" in import_file(app, write("777;1;A;"))
    assert "attendait" not in import_file(app, write("777;1;B;"))
    letter = mailbox.read("nouveau@example.org")
    assert "/inscription" in letter.text
    with app.app_context():
        assert db.session.scalars(select(Message.told_at)).one() is not None


def test_staff_see_where_a_tenant_stands(app: Flask, a_contract: Callable[..., Lease]) -> None:
    lease = a_contract()
    for typed in (lease.reference, f"L/{lease.reference}", f"L {lease.reference} "):
        code, said = run(app, "contracts", "show", typed)
        assert code == 0
        assert f"Contrat {lease.reference}" in said
        assert "12. " in said


def test_staff_who_mistype_a_reference_read_a_sentence(app: Flask) -> None:
    code, said = run(app, "contracts", "show", "99\x1b9")
    assert code == 1
    assert "Aucun contrat ne porte la référence « 99\\x1b9 »" in said


def test_staff_send_the_mails_that_wait(app: Flask, mailbox: Mailbox) -> None:
    write_message(app)
    code, said = run(app, "mail", "send")
    assert code == 0
    assert "Partis : 1." in said
    mailbox.read("a@example.org")


def test_staff_read_that_the_mail_server_is_down(make_app: Callable[..., Flask]) -> None:
    app = make_app(MAIL_PORT=free_port())
    write_message(app)
    code, said = run(app, "mail", "send")
    assert code == 1
    assert "Le serveur de messagerie ne prend pas nos e-mails" in said
    assert "En attente : 1." in said
