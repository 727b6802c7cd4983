"""T37, H13: who was logged out logs in and is where he was; what he was writing comes back, to him alone."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from tenant_portal.db import begin_write, db
from tenant_portal.messages import drafts
from tenant_portal.messages.models import Draft, MessageEntry
from tests.conftest import Clock
from tests.support.page_text import plain
from tests.support.people import Tenant, must_run
from tests.support.portal_client import Form, Page, Portal
from tests.support.post import Mailbox
from tests.support.steps import fill_login, log_in, write_at_home

SAID = "Vous avez été déconnecté. Identifiez-vous pour continuer."
KEPT = "Votre texte est gardé une heure"
TOPIC = "Mon loyer, mes charges ou un paiement"
TEXT = "J'ai payé deux fois le loyer d'octobre."

OpenAccount = Callable[..., Tenant]


def typed(tenant: Tenant, body: str = TEXT) -> Form:
    form = tenant.browser.get("/espace/messages/nouveau").form("J'envoie mon message")
    return form.choose("De quoi s'agit-il", TOPIC).fill("Votre message", body)


def come_back(page: Page, tenant: Tenant) -> Page:
    return fill_login(page, tenant.lease.reference, tenant.password).click("Je me connecte")


def written_on(page: Page) -> str:
    return plain(page.form("J'envoie mon message").value("Votre message"))


def drafts_of(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(Draft.body)))


@pytest.mark.every_home
def test_t37_text_of_a_new_message_comes_back_after_the_login(
    app: Flask, an_account: OpenAccount, mailbox: Mailbox, clock: Clock
) -> None:
    tenant = an_account()
    form = typed(tenant)
    clock.move(minutes=31)
    page = form.click()
    assert page.path == "/connexion" and page.says(SAID) and page.says("n'est pas encore parti") and page.says(KEPT)
    assert TEXT not in page.response.get_data(as_text=True)
    back = come_back(page, tenant)
    assert back.path == "/espace/messages/nouveau" and back.says("votre texte est revenu")
    assert written_on(back) == plain(TEXT) and back.form("J'envoie mon message").value("De quoi s'agit-il") == TOPIC
    assert not mailbox.read_all()
    sent = back.form("J'envoie mon message").click()
    assert sent.says("Votre message est parti") and sent.says("loyer d'octobre")
    assert len(mailbox.read_all()) == 2 and drafts_of(app) == []
    assert written_on(tenant.browser.get("/espace/messages/nouveau")) == ""


@pytest.mark.every_home
def test_t37_text_of_an_entry_comes_back_in_its_message(
    an_account: OpenAccount, mailbox: Mailbox, clock: Clock
) -> None:
    tenant = an_account()
    thread = write_at_home(tenant.browser, topic=TOPIC, body="Bonjour.")
    mailbox.read_all()
    form = thread.form("J'envoie mon message").fill("Votre message", TEXT)
    clock.move(minutes=31)
    back = come_back(form.click(), tenant)
    assert back.path == thread.path and written_on(back) == plain(TEXT)
    assert written_on(tenant.browser.get("/espace/messages/nouveau")) == "", "it belongs to that message"
    assert tenant.browser.get("/espace/messages").click_link("Reprendre ce message").path == thread.path
    assert written_on(tenant.browser.page) == plain(TEXT)


@pytest.mark.every_home
@pytest.mark.security
def test_t37_next_person_at_that_browser_sees_nothing_of_it(
    an_account: OpenAccount, mailbox: Mailbox, clock: Clock
) -> None:
    writer, other = an_account(email="lea@free.fr"), an_account(email="paul@free.fr")
    thread = write_at_home(writer.browser, topic=TOPIC, body="Bonjour.")
    mailbox.read_all()
    form = thread.form("J'envoie mon message").fill("Votre message", TEXT)
    clock.move(minutes=31)
    page = come_back(form.click(), other)
    assert page.path == "/espace", "the message is not his"
    for path in ("/espace/messages", "/espace/messages/nouveau", "/message", "/espace/compte"):
        source = plain(writer.browser.get(path).response.get_data(as_text=True))
        assert "deux fois" not in source and thread.path[-11:] not in source
    writer.browser.click("Je me déconnecte")
    assert written_on(
        come_back(writer.browser.get(f"/connexion?suite={writer.browser.home.prefix}{thread.path}"), writer)
    ) == plain(TEXT)


@pytest.mark.security
def test_t37_text_is_gone_after_an_hour_after_j_ai_fini_and_after_a_logout(
    app: Flask, an_account: OpenAccount, clock: Clock
) -> None:
    tenant = an_account()

    def lose_session() -> Page:
        form = typed(tenant)
        clock.move(minutes=31)
        return form.click()

    page = lose_session()
    clock.move(minutes=59)
    back = come_back(page, tenant)
    assert written_on(back) == plain(TEXT)
    clock.move(minutes=2)
    assert written_on(tenant.browser.get("/espace/messages/nouveau")) == ""
    must_run(app, "purge")
    assert drafts_of(app) == []

    page = lose_session()
    assert page.says("Cet ordinateur sert à d'autres personnes ?") and len(drafts_of(app)) == 1
    assert page.click("J'ai fini").says("ce navigateur ne garde plus rien de votre visite")
    assert drafts_of(app) == []

    assert not tenant.browser.get("/espace").says(SAID), "the next person was never here"
    tenant.log_in(tenant.browser)
    come_back(lose_session(), tenant)
    tenant.browser.click("Je me déconnecte")
    assert drafts_of(app) == []
    assert not tenant.browser.get("/connexion").says("J'ai fini")


def test_t37_text_sent_twice_is_kept_once_and_the_newest_counts(
    app: Flask, an_account: OpenAccount, clock: Clock
) -> None:
    tenant = an_account()
    form = typed(tenant)
    clock.move(minutes=31)
    form.click()
    form.fill("Votre message", "Plutôt ceci.")
    assert form.click().says(KEPT)
    assert drafts_of(app) == ["Plutôt ceci."]


@pytest.mark.security
def test_t36_password_pasted_into_a_text_that_is_kept_is_masked(
    app: Flask, an_account: OpenAccount, clock: Clock
) -> None:
    tenant = an_account()
    form = typed(tenant, "Mon mot de passe : girafe violette")
    clock.move(minutes=31)
    form.click()
    assert "girafe" not in drafts_of(app)[0]


@pytest.mark.security
def test_t37_text_on_a_page_of_another_login_is_kept_for_nobody(
    app: Flask, an_account: OpenAccount, clock: Clock
) -> None:
    """The page is the first one's, the session the second one's."""
    writer, other = an_account(email="lea@free.fr"), an_account(email="paul@free.fr")
    form = typed(writer)
    writer.browser.click("Je me déconnecte")
    other.log_in(writer.browser)
    clock.move(hours=13)
    assert form.click().says("Ce que vous venez d'envoyer n'est pas enregistré")
    assert drafts_of(app) == []


@pytest.mark.security
def test_t37_stranger_plants_no_text(app: Flask, portal: Portal, an_account: OpenAccount, clock: Clock) -> None:
    tenant = an_account()
    fields = {"topic": "rent", "body": TEXT}
    assert portal.http.post("/espace/messages/nouveau", data=fields).status_code == 302
    clock.move(minutes=31)
    assert tenant.browser.http.post("/espace/messages/nouveau", data=fields).status_code == 302, "without a token"
    assert drafts_of(app) == []


def test_t37_text_left_overnight_is_kept(app: Flask, an_account: OpenAccount, clock: Clock) -> None:
    tenant = an_account()
    form = typed(tenant)
    clock.move(hours=14)
    assert written_on(come_back(form.click(), tenant)) == plain(TEXT)


@pytest.mark.security
def test_t37_session_that_was_ended_on_purpose_leaves_no_text(app: Flask, an_account: OpenAccount) -> None:
    """Its cookie may be a thief's."""
    tenant = an_account()
    form = typed(tenant)
    must_run(app, "sessions", "end", tenant.lease.reference)
    page = form.click()
    assert page.says(SAID) and page.says("Ce que vous venez d'envoyer n'est pas enregistré")
    assert drafts_of(app) == [] and come_back(page, tenant).path == "/espace/messages/nouveau"


@pytest.mark.every_home
@pytest.mark.parametrize("path", ["/espace/choix", "/espace/avis", "/espace/compte/mot-de-passe"])
def test_h13_who_was_logged_out_goes_on_where_he_was(an_account: OpenAccount, clock: Clock, path: str) -> None:
    tenant = an_account()
    tenant.browser.get(path)
    clock.move(minutes=31)
    page = tenant.browser.reload()
    assert page.path == "/connexion" and page.says(SAID)
    assert not come_back(page, tenant).says(SAID) and tenant.browser.page.path == path


def test_h13_form_that_came_too_late_changes_nothing_and_is_there_again(
    an_account: OpenAccount, clock: Clock, database_dump: Callable[[], dict[str, list[object]]]
) -> None:
    tenant = an_account()
    form = tenant.browser.get("/espace/choix").form("J'enregistre mes choix")
    clock.move(minutes=31)
    before = database_dump()
    page = form.click()
    assert page.says(SAID) and page.says("Ce que vous venez d'envoyer n'est pas enregistré")
    assert database_dump() == before
    assert come_back(page, tenant).path == "/espace/choix"


def test_h13_who_never_logged_in_is_told_of_no_end(portal: Portal, an_account: OpenAccount) -> None:
    assert not portal.get("/espace/choix").says("déconnecté")
    tenant = an_account()
    tenant.browser.click("Je me déconnecte")
    assert not tenant.browser.get("/espace").says(SAID), "he left himself"


def test_u11_page_says_what_becomes_of_the_text(an_account: OpenAccount) -> None:
    page = an_account().browser.get("/espace/messages/nouveau")
    assert page.says("Sans activité pendant 30 minutes, vous êtes déconnecté") and page.says("gardé une heure")


@pytest.mark.databases("sqlite", "postgresql")
def test_draft_is_one_for_each_account(app: Flask, an_account: OpenAccount) -> None:
    an_account()
    with app.app_context():
        account_id = db.session.scalars(select(Draft.account_id)).first() or 1
        for body in ("une", "deux\0"):
            drafts.keep(account_id, body, topic="t" * 99)
        db.session.commit()
        kept = drafts.find(account_id)
        assert kept is not None and (kept.body, len(kept.topic)) == ("deux", 30)
        begin_write()
        drafts.discard(account_id)
        db.session.commit()
        assert drafts.find(account_id) is None and not db.session.scalars(select(MessageEntry)).all()


def test_log_in_of_the_same_tenant_on_another_device_shows_it_too(
    app: Flask, an_account: OpenAccount, clock: Clock
) -> None:
    tenant = an_account()
    form = typed(tenant)
    clock.move(minutes=31)
    form.click()
    elsewhere = Portal(app)
    log_in(elsewhere, tenant.lease.reference)
    assert written_on(elsewhere.get("/espace/messages/nouveau")) == plain(TEXT)


def test_h13_who_wanted_all_his_documents_as_one_file_is_on_their_page(an_account: OpenAccount, clock: Clock) -> None:
    tenant = an_account()
    clock.move(minutes=31)
    assert come_back(tenant.browser.get("/espace/avis/tout"), tenant).path == "/espace/avis"


def test_h10_language_that_a_link_names_holds_over_the_login_of_a_later_visit(
    an_account: OpenAccount, clock: Clock
) -> None:
    tenant = an_account()
    clock.move(hours=2)
    page = tenant.browser.get("/espace/avis?langue=en")
    form = page.form("Log in").fill("My contract reference", tenant.lease.reference)
    page = form.fill("My password", tenant.password).click("Log in")
    assert page.path == "/espace/avis" and page.h1 == "My notices"
