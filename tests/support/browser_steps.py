"""The twelve steps, with mouse and keyboard."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.support.steps import EMAIL, NEW_PASSWORD, PASSWORD, QUESTIONS, Lease


def press(button: Locator) -> None:
    """Press a button and wait for the next page; `click` alone returns before it has come."""
    with button.page.expect_navigation():
        button.click()


def fill_sign_up(page: Page, lease: Lease, *, email: str = EMAIL) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Identifiez-vous")
    press(page.get_by_role("link", name="Je crée mon compte"))
    page.get_by_role("textbox", name=re.compile("^Votre référence contrat")).fill(f"L/{lease.reference}")
    page.get_by_role("textbox", name=re.compile("^Votre numéro de module")).fill(lease.module)
    page.get_by_label(re.compile("^Créez un mot de passe")).fill(PASSWORD)
    page.get_by_label(re.compile("^Confirmez votre mot de passe")).fill(PASSWORD)
    page.get_by_role("textbox", name=re.compile("^Votre adresse mail")).fill(email)
    questions = page.get_by_role("radiogroup")
    expect(questions).to_have_count(len(QUESTIONS))
    for question in questions.all():
        question.get_by_text("Non", exact=True).click()


def sign_up(page: Page, lease: Lease, *, email: str = EMAIL) -> None:
    fill_sign_up(page, lease, email=email)
    press(page.get_by_role("button", name="Je valide la création de mon compte"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Consultez vos e-mails")


def identify(page: Page, lease: Lease, password: str = PASSWORD) -> None:
    page.get_by_role("textbox", name=re.compile("^Ma référence contrat")).fill(lease.reference)
    page.get_by_label(re.compile("^Mon mot de passe")).fill(password)
    press(page.get_by_role("button", name="Je me connecte"))


def choose_new_password(page: Page, link: str) -> None:
    """Open a link for a new password, and choose one."""
    page.goto(link)
    for label in ("Créez un mot de passe", "Confirmez votre mot de passe"):
        page.get_by_label(re.compile(f"^{label}")).fill(NEW_PASSWORD)
    press(page.get_by_role("button", name="Enregistrer mon mot de passe"))


def fill_join(page: Page, lease: Lease, password: str = PASSWORD) -> None:
    """Fill and send « Rattacher un autre contrat »."""
    page.get_by_role("textbox", name=re.compile("^Référence de l’autre contrat")).fill(lease.reference)
    page.get_by_role("textbox", name=re.compile("^Numéro de module")).fill(lease.module)
    page.get_by_label(re.compile("^Mon mot de passe")).fill(password)
    press(page.get_by_role("button", name="Je rattache ce contrat"))
