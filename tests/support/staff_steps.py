"""The steps of staff with accounts of the portal's own."""

import re
from dataclasses import dataclass
from typing import Any

import pyotp
from flask import Flask

from .people import must_run
from .portal_client import Form, Page, Portal
from .post import Mailbox

#: Nobody guesses it.
STAFF_PASSWORD = "tournesol oblique sous la pluie"


@dataclass
class Colleague:
    """A member of staff with an account, and the telephone that shows his codes."""

    email: str
    name: str
    browser: Portal
    secret: str
    recovery_codes: list[str]
    #: Moves on by half a minute before each code, as a code counts once.
    clock: Any

    def code(self) -> str:
        """Return a code that nobody has used yet."""
        self.clock.move(seconds=30)
        return code_of(self.secret)

    def log_in(self, browser: Portal | None = None, *, password: str = STAFF_PASSWORD) -> Page:
        """Log in with password and code."""
        browser = browser or self.browser
        return give_code(give_password(browser, self.email, password), self.code())


def code_of(secret: str) -> str:
    """Return the code that a telephone shows now."""
    return pyotp.TOTP(secret).now()


def invite(app: Flask, mailbox: Mailbox, email: str, *options: str) -> str:
    """Invite somebody by command; return the link of the mail."""
    said = must_run(app, "staff", "add", email, *options)
    link = mailbox.read(to=email).link
    assert link.rpartition("/")[2] in said
    return link


def fill_invitation(page: Page, *, name: str, password: str = STAFF_PASSWORD, code: str = "") -> Form:
    form = page.form("Créer mon accès").fill("Votre nom", name)
    form.fill("Créez un mot de passe", password).fill("Confirmez votre mot de passe", password)
    return form.fill("Le code à 6 chiffres", code or code_of(secret_on(page)))


def enrol(app: Flask, mailbox: Mailbox, clock: Any, email: str, name: str, *options: str) -> Colleague:
    """Invite somebody and use the invitation; his browser is logged in."""
    browser = Portal(app)
    page = browser.get(invite(app, mailbox, email, *options))
    secret = secret_on(page)
    codes = fill_invitation(page, name=name).click("Créer mon accès")
    printed = [node.text for node in codes.tree.cssselect("ol.portal-office-codes code")]
    return Colleague(email, name, browser, secret, printed, clock)


def secret_on(page: Page) -> str:
    """Return the secret that the page shows in groups of four."""
    (groups,) = (node.text for node in page.tree.cssselect("code.portal-office-secret"))
    assert re.fullmatch(r"([A-Z2-7]{4} ){7}[A-Z2-7]{4}", groups)
    return str(groups.replace(" ", ""))


def give_password(browser: Portal, email: str, password: str = STAFF_PASSWORD, *, status: int = 200) -> Page:
    form = browser.get("/gestion/connexion").form("Continuer").fill("Mon adresse mail", email)
    return form.fill("Mon mot de passe", password).click(status=status)


def give_code(page: Page, code: str, *, status: int = 200) -> Page:
    return page.form("Je me connecte").fill("Mon code", code).click(status=status)
