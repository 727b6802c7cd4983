"""What tenants do, step by step, in the words of the help page: journeys are told with these."""

from tests.support.portal_client import Form, Page, Portal

PASSWORD = "quatre chats dorment dehors"
QUESTIONS = (
    "Vous acceptez de recevoir votre avis d'échéance par voie électronique",
    "Vous acceptez de recevoir des informations commerciales par e-mail",
    "Vous acceptez de recevoir des informations générales (non commerciales) par e-mail",
)


def fill_sign_up(
    portal: Portal,
    reference: str,
    module: str,
    *,
    email: str = "lea.martin@orange.fr",
    password: str = PASSWORD,
    confirmation: str | None = None,
    answers: tuple[str, str, str] = ("Oui", "Non", "Oui"),
) -> Form:
    """Go from the login page to the sign-up form and fill it (steps 1 to 7)."""
    portal.get("/connexion")
    form = portal.click_link("Je crée mon compte").form("Je valide la création de mon compte")
    form.fill("Votre référence contrat", reference).fill("Votre numéro de module", module)
    form.fill("Créez un mot de passe", password)
    form.fill("Confirmez votre mot de passe", password if confirmation is None else confirmation)
    form.fill("Votre adresse mail", email)
    for question, answer in zip(QUESTIONS, answers, strict=True):
        if answer:
            form.choose(question, answer)
    return form


def sign_up(portal: Portal, reference: str, module: str, *, status: int = 200, **more: object) -> Page:
    """Sign up and press the button (steps 1 to 8)."""
    form = fill_sign_up(portal, reference, module, **more)  # type: ignore[arg-type]
    return form.click("Je valide la création de mon compte", status=status)


def log_in(
    portal: Portal, reference: str, password: str = PASSWORD, *, remember: bool = False, status: int = 200
) -> Page:
    """Identify oneself on the login page."""
    form = portal.get("/connexion").form("Je me connecte")
    form.fill("Ma référence contrat", reference).fill("Mon mot de passe", password)
    return form.tick("Mémoriser", ticked=remember).click("Je me connecte", status=status)


def finish(portal: Portal, link: str, reference: str, password: str = PASSWORD, *, status: int = 200) -> Page:
    """Open the activation link and identify oneself there (steps 9 to 12)."""
    form = portal.get(link).form("Je me connecte")
    form.fill("Ma référence contrat", reference).fill("Mon mot de passe", password)
    return form.click("Je me connecte", status=status)


def forget(portal: Portal, reference: str) -> Page:
    """Ask for a link to another password."""
    form = portal.get("/mot-de-passe-oublie").form("mot de passe")
    return form.fill("Ma référence contrat", reference).click()
