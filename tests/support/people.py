"""People for tests: a landlord who exports his roster, and tenants who take the twelve steps."""

import csv
import itertools
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from tenant_portal.roster.columns import COLUMNS

from .page_text import plain
from .portal_client import Page, Portal
from .post import Mailbox

#: A password that nobody guesses, with a space and accents.
PASSWORD = "girafe violette sous l'évier"

E_NOTICE = "Vous acceptez de recevoir votre avis d'échéance par voie électronique"
COMMERCIAL = "Vous acceptez de recevoir des informations commerciales"
GENERAL = "Vous acceptez de recevoir des informations générales"

ENGLISH_QUESTIONS = (
    "You agree to receive your rent notice electronically (only for contracts paid by direct debit)",
    "You agree to receive commercial information by email",
    "You agree to receive general (non-commercial) information by email",
)

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


@dataclass(frozen=True)
class Lease:
    """What a tenant reads on his paper notice."""

    reference: str
    module: str


class Roster:
    """The landlord's list of contracts, as his management program exports it."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self.app, self.folder = app, folder
        self._numbers = itertools.count(1)

    def add(self, **columns: str) -> Lease:
        """Put one contract on the roster and import it; what is not given is what most contracts have."""
        number = next(self._numbers)
        row = {"reference": str(417_200 + number), "module": str(60_318_400 + number), **_USUAL, **columns}
        self.take([row])
        return Lease(row["reference"], row["module"])

    def take(self, rows: list[dict[str, str]], *options: str) -> str:
        """Import these contracts with the command of the landlord's staff, and return what it prints."""
        path = self.folder / f"contrats-{next(self._numbers)}.csv"
        with path.open("w", encoding="cp1252", newline="") as file:
            writer = csv.DictWriter(file, list(_LABELS), delimiter=";")
            writer.writerow(_LABELS)
            writer.writerows(rows)
        result = self.app.test_cli_runner().invoke(args=["portal", "contracts", "import", str(path), *options])
        assert result.exit_code == 0, result.output
        return result.output


def run(app: Flask, *command: str) -> tuple[int, str]:
    """Run a command of the landlord's staff; return its exit code and what it says, in plain typography."""
    result = app.test_cli_runner().invoke(args=["portal", *command])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, "\n".join(plain(line) for line in result.output.splitlines())


@dataclass
class Tenant:
    """A tenant with an account; `browser` is the one he signed up with, still logged in."""

    lease: Lease
    email: str
    password: str
    browser: Portal

    def log_in(self, browser: Portal, *, remember: bool = False, status: int = 200) -> Page:
        """Log in with another browser."""
        return log_in(browser, self.lease.reference, self.password, remember=remember, status=status)


def fill_sign_up(
    browser: Portal,
    lease: Lease,
    *,
    email: str = "elodie.martin@orange.fr",
    password: str = PASSWORD,
    e_notice: str = "Non",
    commercial: str = "Non",
    general: str = "Oui",
    status: int = 200,
) -> Page:
    """Take the steps 1 to 8, from the login page to « Je valide la création de mon compte »."""
    form = browser.get("/").click_link("Je crée mon compte").form("Je valide la création de mon compte")
    form.fill("Votre référence contrat", lease.reference)
    form.fill("Votre numéro de module", lease.module)
    form.fill("Créez un mot de passe", password)
    form.fill("Confirmez votre mot de passe", password)
    form.fill("Votre adresse mail", email)
    form.choose(E_NOTICE, e_notice)
    form.choose(COMMERCIAL, commercial)
    form.choose(GENERAL, general)
    return form.click("Je valide la création de mon compte", status=status)


def sign_up_in_english(
    browser: Portal, lease: Lease, *, email: str, answers: tuple[str, ...] = ("Yes", "No", "Yes")
) -> Page:
    """Take the steps 1 to 8 in English."""
    form = browser.get("/inscription?langue=en").form("Confirm my account")
    form.fill("Your contract reference", lease.reference).fill("Your module number", lease.module)
    form.fill("Create a password", PASSWORD).fill("Confirm your password", PASSWORD).fill("Your email address", email)
    for question, answer in zip(ENGLISH_QUESTIONS, answers, strict=True):
        form.choose(question, answer)
    return form.click("Confirm my account")


def log_in(browser: Portal, reference: str, password: str, *, remember: bool = False, status: int = 200) -> Page:
    """Type reference and password into the login form, on the present page if it has one, else on the login page."""
    form = browser.get("/connexion").form("Je me connecte")
    form.fill("Ma référence contrat", reference).fill("Mon mot de passe", password)
    if remember:
        form.tick("Mémoriser")
    return form.click("Je me connecte", status=status)


def open_account(
    browser: Portal, mailbox: Mailbox, lease: Lease, *, email: str = "elodie.martin@orange.fr", **answers: str
) -> Tenant:
    """Take all twelve steps; the activation mail and the welcome mail are read."""
    fill_sign_up(browser, lease, email=email, **answers)
    password = answers.get("password", PASSWORD)
    form = browser.get(mailbox.read(to=email).link).form("Je me connecte")
    form.fill("Ma référence contrat", lease.reference).fill("Mon mot de passe", password).click("Je me connecte")
    mailbox.read(to=email)
    return Tenant(lease, email, password, browser)
