"""Two servers whose clocks differ: what one has signed is good at the other, up to a minute."""

from collections.abc import Callable

import pytest

from tests.conftest import Clock
from tests.support.people import Tenant
from tests.support.portal_client import Portal
from tests.support.post import Mailbox
from tests.support.steps import Lease, fill_login, fill_new_password, finish, forget, sign_up

#: How far the clock of the first server is ahead, in seconds.
AHEAD = (5, 58)


@pytest.mark.parametrize("seconds", AHEAD)
def test_session_and_form_of_a_server_ahead_are_good_at_the_other(
    an_account: Callable[..., Tenant], portal: Portal, clock: Clock, seconds: int
) -> None:
    tenant = an_account()
    form = fill_login(portal.get("/connexion"), tenant.lease.reference, tenant.password)
    clock.move(seconds=-seconds)
    assert form.click().path == "/espace"
    clock.move(seconds=-seconds)
    assert portal.get("/espace").path == "/espace"
    assert portal.click("Je me déconnecte").says("Vous êtes déconnecté")


@pytest.mark.parametrize("seconds", AHEAD)
def test_links_of_a_server_ahead_are_good_at_the_other(
    portal: Portal, mailbox: Mailbox, a_contract: Callable[..., Lease], clock: Clock, seconds: int
) -> None:
    lease = a_contract()
    sign_up(portal, lease)
    link = mailbox.read().link
    clock.move(seconds=-seconds)
    assert finish(portal, link, lease.reference).path == "/espace"
    mailbox.read()
    forget(portal.another_browser(), lease.reference)
    link = mailbox.read().link
    clock.move(seconds=-seconds)
    page = fill_new_password(portal.another_browser().get(link)).click()
    assert page.says("votre mot de passe est modifié")
    mailbox.read()


def test_what_was_signed_long_ahead_is_worth_nothing(
    portal: Portal, mailbox: Mailbox, an_account: Callable[..., Tenant], clock: Clock
) -> None:
    tenant = an_account()
    forget(portal, tenant.lease.reference)
    link = mailbox.read().link
    clock.move(minutes=-2)
    assert tenant.browser.get("/espace").path == "/connexion"
    portal.get(link, status=410)
