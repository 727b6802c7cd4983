"""The steps of tenants, in the words of the pages; `fill_…` returns a form that is not sent yet."""

from dataclasses import dataclass

from .portal_client import Form, Page, Portal

EMAIL = "elodie.martin@orange.fr"
#: Nobody guesses them.
PASSWORD = "girafe violette sous l'évier"
NEW_PASSWORD = "un nouveau secret bien long"
QUESTIONS = (
    "Vous acceptez de recevoir votre avis d'échéance par voie électronique",
    "Vous acceptez de recevoir des informations commerciales par e-mail",
    "Vous acceptez de recevoir des informations générales (non commerciales) par e-mail",
)
ENGLISH_QUESTIONS = (
    "You agree to receive your rent notice electronically (only for contracts paid by direct debit)",
    "You agree to receive commercial information by email",
    "You agree to receive general (non-commercial) information by email",
)
SIGN_UP = "Je valide la création de mon compte"
ELSEWHERE = "Activer mon compte, je m'identifierai ailleurs"


@dataclass(frozen=True)
class Lease:
    """The two numbers of a paper notice."""

    reference: str
    module: str


def fill_sign_up(
    browser: Portal,
    lease: Lease,
    *,
    email: str = EMAIL,
    password: str = PASSWORD,
    confirmation: str | None = None,
    e_notice: str = "Non",
    commercial: str = "Non",
    general: str = "Oui",
) -> Form:
    """Go to the sign-up form and fill it; an empty answer leaves a question open."""
    form = browser.get("/").click_link("Je crée mon compte").form(SIGN_UP)
    form.fill("Votre référence contrat", lease.reference).fill("Votre numéro de module", lease.module)
    form.fill("Créez un mot de passe", password)
    form.fill("Confirmez votre mot de passe", password if confirmation is None else confirmation)
    form.fill("Votre adresse mail", email)
    for question, answer in zip(QUESTIONS, (e_notice, commercial, general), strict=True):
        if answer:
            form.choose(question, answer)
    return form


def sign_up(browser: Portal, lease: Lease, *, status: int = 200, **typed: str) -> Page:
    return fill_sign_up(browser, lease, **typed).click(SIGN_UP, status=status)


def sign_up_in_english(
    browser: Portal, lease: Lease, *, email: str, answers: tuple[str, ...] = ("Yes", "No", "Yes")
) -> Page:
    form = browser.get("/inscription?langue=en").form("Confirm my account")
    form.fill("Your contract reference", lease.reference).fill("Your module number", lease.module)
    form.fill("Create a password", PASSWORD).fill("Confirm your password", PASSWORD).fill("Your email address", email)
    for question, answer in zip(ENGLISH_QUESTIONS, answers, strict=True):
        form.choose(question, answer)
    return form.click("Confirm my account")


def fill_login(page: Page, reference: str, password: str = PASSWORD) -> Form:
    form = page.form("Je me connecte").fill("Ma référence contrat", reference)
    return form.fill("Mon mot de passe", password)


def log_in(
    browser: Portal, reference: str, password: str = PASSWORD, *, remember: bool = False, status: int = 200
) -> Page:
    form = fill_login(browser.get("/connexion"), reference, password)
    return form.tick("Mémoriser", ticked=remember).click("Je me connecte", status=status)


def finish(browser: Portal, link: str, reference: str, password: str = PASSWORD, *, status: int = 200) -> Page:
    """Open the activation link and log in there."""
    return fill_login(browser.get(link), reference, password).click("Je me connecte", status=status)


def forget(browser: Portal, reference: str) -> Page:
    """Ask for a reset link."""
    form = browser.get("/mot-de-passe-oublie").form("mot de passe")
    return form.fill("Ma référence contrat", reference).click()


def fill_new_password(page: Page, password: str = NEW_PASSWORD, confirmation: str | None = None) -> Form:
    """Fill the form behind a reset link."""
    form = page.form("Enregistrer mon mot de passe").fill("Créez un mot de passe", password)
    return form.fill("Confirmez votre mot de passe", password if confirmation is None else confirmation)


def reset_password(browser: Portal, link: str, password: str = NEW_PASSWORD, *, status: int = 200) -> Page:
    return fill_new_password(browser.get(link), password).click(status=status)


def change_password(
    browser: Portal,
    present: str = PASSWORD,
    new: str = NEW_PASSWORD,
    confirmation: str | None = None,
    *,
    status: int = 200,
) -> Page:
    form = browser.get("/espace/compte/mot-de-passe").form("Enregistrer")
    form.fill("Mon mot de passe actuel", present).fill("Mon nouveau mot de passe", new)
    form.fill("Confirmez votre nouveau mot de passe", new if confirmation is None else confirmation)
    return form.click(status=status)


def ask_email_change(browser: Portal, email: str, password: str = PASSWORD, *, status: int = 200) -> Page:
    form = browser.get("/espace/compte/adresse").form("Recevoir le lien")
    return form.fill("Ma nouvelle adresse mail", email).fill("Mon mot de passe", password).click(status=status)


def fill_not_me(page: Page) -> Form:
    """Press the button of the page « Ce n'est pas moi »; return the second question."""
    return page.click("Ce n'est pas moi").form("Oui, je bloque le compte")


def close_account(browser: Portal, password: str = PASSWORD, *, status: int = 200) -> Page:
    form = browser.get("/espace/compte/fermeture").form("Je ferme mon compte")
    return form.fill("Mon mot de passe", password).click(status=status)


def fill_message(
    browser: Portal,
    *,
    topic: str = "Autre chose",
    body: str = "Je ne trouve pas mon numéro de module.",
    reference: str | None = None,
    email: str = EMAIL,
) -> Form:
    """Fill the form of a message; without topic or reference these stay as they are."""
    form = browser.get("/message").form("J'envoie mon message")
    if topic:
        form.choose("Quel est votre problème", topic)
    if reference is not None:
        form.fill("Votre référence contrat", reference)
    return form.fill("Votre message", body).fill("Votre adresse mail", email)


def write_at_home(browser: Portal, *, topic: str, body: str, status: int = 200) -> Page:
    """Write a new message as a tenant who is logged in."""
    form = browser.get("/espace/messages/nouveau").form("J'envoie mon message")
    return form.choose("De quoi s'agit-il", topic).fill("Votre message", body).click(status=status)


def write_in_thread(browser: Portal, number: str, body: str, *, status: int = 200) -> Page:
    """Write again in a message."""
    form = browser.get(f"/espace/messages/{number}").form("J'envoie mon message")
    return form.fill("Votre message", body).click(status=status)


def write_message(browser: Portal, *, status: int = 200, **typed: str) -> Page:
    return fill_message(browser, **typed).click(status=status)


def fill_join(browser: Portal, lease: Lease, *, password: str = PASSWORD) -> Form:
    """Fill « Rattacher un autre contrat »."""
    form = browser.get("/espace/contrats/ajout").form("Je rattache ce contrat")
    form.fill("Référence de l'autre contrat", lease.reference).fill("Numéro de module de l'autre contrat", lease.module)
    return form.fill("Mon mot de passe", password)


def join(browser: Portal, lease: Lease, *, password: str = PASSWORD, status: int = 200) -> Page:
    return fill_join(browser, lease, password=password).click(status=status)


def hand_over(browser: Portal, link: str, password: str, *, status: int = 200) -> Page:
    """Open the link of a contract's owner and agree."""
    form = browser.get(link).form("Je transfère ce contrat")
    return form.fill("Mon mot de passe", password).click(status=status)
