"""The landlord with his roster and commands, and tenants with accounts."""

import csv
import itertools
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from tenant_portal.db import begin_write, db
from tenant_portal.models import Contract
from tenant_portal.roster.words import COLUMNS

from .page_text import plain
from .portal_client import Page, Portal
from .post import Mailbox
from .steps import EMAIL, NEW_PASSWORD, PASSWORD, Lease, finish, forget, log_in, reset_password, sign_up

_LABELS = {name: column.label for name, column in COLUMNS.items()}
_USUAL = {
    "title": "Mme",
    "last_name": "MARTIN",
    "first_name": "Élodie",
    "street": "12, rue des Lilas",
    "postcode": "49000",
    "city": "Angers",
    "kind": "Logement",
    "payment": "Prélèvement automatique",
    "starts_on": "01/03/2019",
}


class Roster:
    """The landlord's list of contracts."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self.app, self.folder = app, folder
        self._numbers = itertools.count(1)

    def add(self, **columns: str) -> Lease:
        """Import one contract; columns not given are usual ones."""
        number = next(self._numbers)
        row = {"reference": str(417_200 + number), "module": str(60_318_400 + number), **_USUAL, **columns}
        self.take([row])
        return Lease(row["reference"], row["module"])

    def take(self, rows: list[dict[str, str]], *options: str) -> str:
        """Import contracts by command; return what it prints."""
        path = self.folder / f"contrats-{next(self._numbers)}.csv"
        with path.open("w", encoding="cp1252", newline="") as file:
            writer = csv.DictWriter(file, list(_LABELS), delimiter=";")
            writer.writerow(_LABELS)
            writer.writerows(rows)
        result = self.app.test_cli_runner().invoke(args=["portal", "contracts", "import", str(path), *options])
        assert result.exit_code == 0, result.output
        return result.output


def run(app: Flask, *command: str, stdin: bytes = b"") -> tuple[int, str]:
    """Run a command of the staff; return its exit code and output, in plain typography."""
    result = app.test_cli_runner().invoke(args=["portal", *command], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, "\n".join(plain(line) for line in result.output.splitlines())


def must_run(app: Flask, *command: str, stdin: bytes = b"") -> str:
    """Run a command that must succeed; return its output."""
    code, said = run(app, *command, stdin=stdin)
    assert code == 0, said
    return said


@dataclass
class Tenant:
    """A tenant with an account, logged in with `browser`."""

    lease: Lease
    email: str
    password: str
    browser: Portal

    def log_in(self, browser: Portal, *, remember: bool = False, status: int = 200) -> Page:
        return log_in(browser, self.lease.reference, self.password, remember=remember, status=status)


def second_contract(app: Flask, lease: Lease, other: Lease) -> None:
    """Add another contract to the account of a lease."""
    with app.app_context():
        begin_write()
        by_reference = {c.reference: c for c in db.session.scalars(select(Contract))}
        by_reference[other.reference].account = by_reference[lease.reference].account
        db.session.commit()


def open_account(browser: Portal, mailbox: Mailbox, lease: Lease, *, email: str = EMAIL, **answers: str) -> Tenant:
    """Take all twelve steps and read both mails."""
    sign_up(browser, lease, email=email, **answers)
    password = answers.get("password", PASSWORD)
    finish(browser, mailbox.read(to=email).link, lease.reference, password)
    mailbox.read(to=email)
    return Tenant(lease, email, password, browser)


def choose_password(
    browser: Portal, mailbox: Mailbox, lease: Lease, *, email: str, password: str = NEW_PASSWORD
) -> Page:
    """Ask for a reset link, choose a password by it, and read both mails."""
    forget(browser, lease.reference)
    page = reset_password(browser, mailbox.read(to=email).link, password)
    mailbox.read(to=email)
    return page
