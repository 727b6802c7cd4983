"""H07, H14: an account frozen from a mail, and a sign-up mended without another password."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.people import Tenant
from tests.support.post import Mailbox
from tests.support.steps import EMAIL, NEW_PASSWORD, Lease

from ..support.browser_steps import choose_new_password, fill_sign_up, identify, press
from .conftest import OpenPage


def button(page: Page, name: str) -> None:
    press(page.get_by_role("button", name=name))


@pytest.mark.parametrize("java_script_enabled", [True, False], ids=["with scripts", "without"])
def test_h07_owner_freezes_his_account_from_his_mail_and_comes_back(
    site: str, open_page: OpenPage, mailbox: Mailbox, an_account: Callable[..., Tenant], java_script_enabled: bool
) -> None:
    tenant = an_account(email=EMAIL)
    thief, owner = open_page(site), open_page(site, width=360, java_script_enabled=java_script_enabled)
    thief.goto("/connexion")
    identify(thief, tenant.lease)
    expect(thief).to_have_url(re.compile("/espace$"))
    owner.goto(mailbox.of_devices()[-1].link_not_me)
    expect(owner).to_have_url(re.compile("/ce-nest-pas-moi$"))
    button(owner, "Ce n’est pas moi")
    button(owner, "Non, revenir en arrière")
    expect(owner.get_by_role("heading", level=1)).to_have_text("Ce n’est pas vous ?")
    button(owner, "Ce n’est pas moi")
    owner.reload()
    button(owner, "Oui, je bloque le compte")
    expect(owner.get_by_role("status").first).to_contain_text("le compte est bloqué")
    thief.reload()
    expect(thief.get_by_role("heading", level=1)).to_have_text("Identifiez-vous")
    identify(thief, tenant.lease)
    expect(thief.get_by_role("alert")).to_contain_text("votre compte est bloqué, à votre demande")

    mailbox.read(to=EMAIL), mailbox.read(to=mailbox.landlord)
    owner.get_by_role("textbox", name=re.compile("^Ma référence contrat")).fill(tenant.lease.reference)
    button(owner, "Recevoir un lien par e-mail")
    choose_new_password(owner, mailbox.read(to=EMAIL).link)
    mailbox.read(to=EMAIL)
    identify(owner, tenant.lease, NEW_PASSWORD)
    expect(owner).to_have_url(re.compile("/espace$"))


def test_h14_tenant_mends_numbers_and_address_and_types_no_password_again(
    site: str, open_page: OpenPage, mailbox: Mailbox, a_contract: Callable[..., Lease]
) -> None:
    lease = a_contract()
    page = open_page(site, width=360)
    fill_sign_up(page, Lease(lease.reference, "1"), email="elodie@orange")
    button(page, "Je valide la création de mon compte")
    expect(page.get_by_role("alert").first).to_contain_text("Vérifiez le format de l’adresse mail")
    expect(page.locator("main")).to_contain_text("Nous ne trouvons aucun contrat avec ces deux numéros")
    expect(page.get_by_label(re.compile("^Créez un mot de passe"))).to_have_value("")
    expect(page.get_by_label(re.compile("^Créez un mot de passe"))).not_to_have_attribute("required", "")
    page.get_by_role("textbox", name=re.compile("^Votre numéro de module")).fill(lease.module)
    page.get_by_role("textbox", name=re.compile("^Votre adresse mail")).fill(EMAIL)
    button(page, "Je valide la création de mon compte")
    expect(page.get_by_role("heading", level=1)).to_have_text("Consultez vos e-mails")
    page.goto(mailbox.read(to=EMAIL).link)
    identify(page, lease)
    expect(page).to_have_url(re.compile("/espace$"))
    mailbox.read(to=EMAIL)
