"""Password managers learn whose password a form asks or sets, and take no other field for the name."""

from collections.abc import Callable

import pytest

from tests.accounts.test_email_change import asked
from tests.support.people import Tenant
from tests.support.portal_client import Page, Portal
from tests.support.post import Mailbox
from tests.support.steps import forget, log_in


def name_of(page: Page) -> str:
    """Return the name that a manager keeps the password under."""
    (field,) = page.tree.cssselect("main form input[autocomplete=username]")
    return str(field.get("value"))


@pytest.mark.every_home
def test_reset_link_in_a_browser_that_knows_the_tenant_names_his_reference(
    portal: Portal, an_account: Callable[..., Tenant], mailbox: Mailbox
) -> None:
    tenant = an_account()
    forget(portal, tenant.lease.reference)
    link = mailbox.read().link
    assert name_of(portal.get(link)) == tenant.lease.reference, "it was asked for here"
    tenant.browser.get("/espace").click("Je me déconnecte")
    assert name_of(tenant.browser.get(link)) == tenant.lease.reference, "the device has logged in"
    assert name_of(portal.another_browser().get(link)) == f"•••{tenant.lease.reference[-3:]}"


def test_every_form_that_asks_the_password_names_the_reference(
    portal: Portal, an_account: Callable[..., Tenant], mailbox: Mailbox
) -> None:
    tenant = an_account()
    tenant.log_in(portal)
    for path in ("adresse", "mot-de-passe", "fermeture"):
        assert name_of(portal.get(f"/espace/compte/{path}")) == tenant.lease.reference
    assert name_of(portal.get("/espace/connexions")) == tenant.lease.reference
    assert name_of(portal.get("/espace/contrats/ajout")) == tenant.lease.reference
    confirm, _ = asked(tenant, mailbox)
    portal.get("/espace").click("Je me déconnecte")
    assert name_of(portal.get(confirm)) == tenant.lease.reference


def test_no_other_field_of_a_form_with_a_password_is_taken_for_the_name(portal: Portal) -> None:
    for path in ("/connexion", "/inscription"):
        form = portal.get(path).form()
        kinds = {c.get("name"): c.get("autocomplete") for c in form.controls if c.get("type") in {"text", "email"}}
        assert kinds.pop("reference") == "username"
        assert set(kinds.values()) <= {"off", "email"}
    assert log_in(portal, "1", "faux").tree.cssselect("main form input[autocomplete=username]")


def test_other_contract_that_is_typed_beside_the_password_is_no_name(an_account: Callable[..., Tenant]) -> None:
    form = an_account().browser.get("/espace/contrats/ajout").form("Je rattache ce contrat")
    assert {c.get("autocomplete") for c in form.controls if c.get("name") in {"reference", "module"}} == {"off"}
