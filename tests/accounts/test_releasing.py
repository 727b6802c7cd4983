"""T14: a dispute in the true tenant's favour: the office takes his contract out of the account, and he signs up."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from tenant_portal import signals
from tenant_portal.db import db
from tenant_portal.models import Account, Consent, Event
from tests.conftest import Clock
from tests.support.page_text import plain
from tests.support.people import Tenant, must_run, open_account, run
from tests.support.portal_client import Portal
from tests.support.post import Mailbox
from tests.support.steps import (
    PASSWORD,
    Lease,
    close_account,
    fill_not_me,
    join,
    log_in,
    sign_up,
)

from .test_joining import OTHERS, OWN, THEIRS, asked, events, holders, owner

pytestmark = pytest.mark.security

TRUE = "vraie.locataire@free.fr"

AContract = Callable[..., Lease]
AnAccount = Callable[..., Tenant]


@pytest.fixture
def stolen(an_account: AnAccount, a_contract: AContract, mailbox: Mailbox, portal: Portal) -> tuple[Tenant, Lease]:
    """A stranger with a contract of his own, into whose account another tenant's has come; she disputes it."""
    stranger, lease = an_account(e_notice="Oui"), a_contract(email=TRUE)
    page = join(stranger.browser, lease)
    choices = page.form("J'enregistre mes choix")
    legend = [text for text in map(_legend, choices.node.cssselect("legend")) if lease.reference in text][0]
    choices.choose(legend, "Oui").click()
    link = next(mail for mail in mailbox.read_all() if mail.to == TRUE).link_not_me
    fill_not_me(portal.another_browser().get(link)).click()
    return stranger, lease


def _legend(node: object) -> str:
    return plain(node.text_content())  # type: ignore[attr-defined]


def test_t14_true_tenant_signs_up_after_the_office_has_released_her_contract(
    app: Flask, portal: Portal, mailbox: Mailbox, stolen: tuple[Tenant, Lease]
) -> None:
    stranger, lease = stolen
    task = next(mail for mail in mailbox.read_all() if mail.to == mailbox.landlord)
    assert f"contracts release {lease.reference}" in plain(task.text)
    assert f"Autres contrats du même compte : {stranger.lease.reference}" in plain(task.text)
    shown = must_run(app, "contracts", "show", lease.reference)
    assert f"Autres contrats du même compte : {stranger.lease.reference}" in shown
    assert "flask portal contracts release" in shown

    heard: list[dict[str, object]] = []
    with signals.choices_changed.connected_to(lambda _, **what: heard.append(what), sender=app):
        said = must_run(app, "contracts", "release", lease.reference)
    assert [(what["reference"], what["choices"]["e_notice"]) for what in heard] == [(lease.reference, False)]  # type: ignore[index]
    assert lease.reference in said and f"contracts thaw {stranger.lease.reference}" in said
    letter = mailbox.read(to=OWN)
    text = plain(letter.text)
    assert letter.subject == "Un contrat a quitté votre compte" and lease.reference not in text and not letter.links
    assert "Vos autres contrats restent dans votre compte. Votre compte reste bloqué : appelez-nous." in text
    assert "02 41 00 00 00" in text and TRUE not in text
    assert holders(app) == {stranger.lease.reference: OWN, lease.reference: ""}
    with app.app_context():
        last = db.session.scalars(select(Consent).order_by(Consent.id.desc()).limit(1)).one()
        assert (last.answer, last.channel, str(last.purpose)) == (False, "release", "e_notice")
        event = db.session.scalars(select(Event).where(Event.name == "contract_released")).one()
        assert event.actor == "staff" and event.contract_id == last.contract_id

    tenant = open_account(portal.another_browser(), mailbox, lease, email=TRUE)
    assert tenant.browser.get("/espace").says(lease.reference)
    must_run(app, "contracts", "thaw", stranger.lease.reference)
    mailbox.read_all()
    assert holders(app) == {stranger.lease.reference: OWN, lease.reference: TRUE}


def test_t14_account_that_loses_its_only_contract_is_closed_and_erased(
    app: Flask, portal: Portal, mailbox: Mailbox, an_account: AnAccount, clock: Clock
) -> None:
    tenant = an_account(e_notice="Oui")
    closed: list[dict[str, object]] = []
    with signals.account_closed.connected_to(lambda _, **what: closed.append(what), sender=app):
        said = must_run(app, "contracts", "release", tenant.lease.reference)
    assert len(closed) == 1 and "il est fermé" in said
    text = plain(mailbox.read(to=OWN).text)
    assert "Votre compte n'a plus de contrat : il est fermé, et il sera effacé le " in text
    assert tenant.browser.get("/espace").path == "/connexion"
    assert log_in(portal, tenant.lease.reference, PASSWORD).path == "/connexion"
    assert events(app).count("contract_released") == 1
    code, said = run(app, "contracts", "release", tenant.lease.reference)
    assert code == 1 and "Aucun compte" in said
    open_account(portal.another_browser(), mailbox, tenant.lease, email=TRUE)
    clock.move(days=15)
    must_run(app, "purge")
    mailbox.read_all()
    with app.app_context():
        assert db.session.scalars(select(Account.email)).all() == [TRUE]


def test_t14_disputed_account_without_another_contract_is_closed_too(
    app: Flask, portal: Portal, mailbox: Mailbox, a_contract: AContract
) -> None:
    lease = a_contract(email=TRUE)
    open_account(portal, mailbox, lease, email=OWN)
    link = mailbox.read(to=TRUE).link_not_me
    fill_not_me(portal.another_browser().get(link)).click()
    mailbox.read_all()
    must_run(app, "contracts", "release", lease.reference)
    assert "est fermé" in plain(mailbox.read(to=OWN).text)
    portal.another_browser().get(link, status=410)
    open_account(portal.another_browser(), mailbox, lease, email=TRUE)
    assert events(app).count("account_frozen") == 1


def test_contract_is_released_from_a_closed_account_and_the_open_request_for_it_dies(
    app: Flask, portal: Portal, mailbox: Mailbox, an_account: AnAccount
) -> None:
    asker, other = an_account(), owner(an_account)
    close_account(other.browser, THEIRS)
    mailbox.read_all()
    link = asked(asker, other.lease, mailbox)
    assert portal.get(link).path == "/rattachement"
    must_run(app, "contracts", "release", other.lease.reference)
    mailbox.read(to=OTHERS)
    portal.another_browser().get(link, status=404)
    portal.get("/rattachement", status=404)


def test_office_is_told_where_there_is_nothing_to_release(
    app: Flask, portal: Portal, a_contract: AContract, mailbox: Mailbox
) -> None:
    lease = a_contract()
    for reference in (lease.reference, "987654", "", "٣"):
        code, said = run(app, "contracts", "release", reference)
        assert code == 1 and "Aucun compte pour la référence" in said
    sign_up(portal, lease, email=OWN)
    mailbox.read_all()
    code, said = run(app, "contracts", "release", lease.reference)
    assert code == 1 and "n'est pas finie" in said
