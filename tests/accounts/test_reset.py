"""« J'ai oublié mon mot de passe »."""

import pytest

from ..support.journey_steps import PASSWORD, log_in, sign_up

pytestmark = pytest.mark.every_home

NEW = "un nouveau secret bien long"


def forget(portal, reference):
    """Ask for a new password for a reference, from the login page."""
    portal.get("/connexion")
    page = portal.click_link("J'ai oublié mon mot de passe")
    return page.form("mot de passe").fill("Ma référence contrat", reference).click()


def choose(portal, link, password=NEW, *, status=200):
    """Open a reset link and choose a password there."""
    form = portal.get(link).form("mot de passe").fill("Créez un mot de passe", password)
    return form.fill("Confirmez votre mot de passe", password).click(status=status)


def test_t17_tenant_chooses_a_new_password_by_mail(portal, mailbox, an_account):
    account = an_account(email="lea@free.fr")
    logged_in = portal.another_browser()
    log_in(logged_in, account.lease.reference, account.password, remember=True)

    page = forget(portal, f"L/{account.lease.reference}")
    assert page.says("Si un compte existe, un e-mail vient de partir")
    assert page.says("Je n'ai plus accès à cette adresse")
    mail = mailbox.read(to="lea@free.fr")
    page = choose(portal, mail.link)
    assert page.h1 == "Identifiez-vous"
    assert page.says("mot de passe")
    told = mailbox.read(to="lea@free.fr")
    assert "mot de passe" in told.subject.lower()
    assert log_in(portal, account.lease.reference, account.password).says("ne correspond pas")
    assert log_in(portal, account.lease.reference, NEW).path == "/espace"
    assert logged_in.get("/espace").h1 == "Identifiez-vous", "every session has ended"
    assert portal.another_browser().get(mail.link, status=410).says("lien"), "a link is good for one time"


def test_t17_unknown_reference_gets_the_same_page_and_no_mail(portal, mailbox, an_account, a_contract):
    account, contract = an_account(), a_contract()
    pages = [
        forget(portal.another_browser(), r).text for r in (account.lease.reference, contract.reference, "31415926")
    ]
    assert pages[0] == pages[1] == pages[2]
    mailbox.read(to=account.email)
    assert mailbox.read_all() == []


def test_t17_three_mails_an_hour_at_the_most(portal, mailbox, an_account, clock):
    account = an_account()
    for _ in range(18):
        clock.move(minutes=3)
        assert forget(portal, account.lease.reference).says("Si un compte existe")
    assert len(mailbox.read_all()) == 3
    clock.move(hours=1, minutes=1)
    forget(portal, account.lease.reference)
    mailbox.read()


def test_t38_pressing_the_button_twice_sends_one_mail(portal, mailbox, an_account, clock):
    account = an_account()
    forget(portal, account.lease.reference)
    forget(portal, account.lease.reference)
    mailbox.read()


def test_t17_link_is_good_for_an_hour(portal, mailbox, an_account, clock):
    account = an_account()
    forget(portal, account.lease.reference)
    link = mailbox.read().link
    clock.move(minutes=61)
    page = portal.get(link, status=410)
    assert page.says("n'est plus valable")
    page.click_link("Recevoir un nouveau lien")
    assert portal.page.path == "/mot-de-passe-oublie"


def test_t17_weak_or_differing_password_is_refused_with_the_reason(portal, mailbox, an_account):
    account = an_account()
    forget(portal, account.lease.reference)
    link = mailbox.read().link
    assert "trop courant" in choose(portal, link, "motdepasse123").faults[0]
    form = portal.get(link).form("mot de passe").fill("Créez un mot de passe", NEW)
    page = form.fill("Confirmez votre mot de passe", NEW + "?").click()
    assert page.faults == ["Les deux mots de passe ne sont pas identiques. Saisissez-les à nouveau."]
    assert choose(portal, link).h1 == "Identifiez-vous"
    mailbox.read()


def test_opening_a_reset_link_changes_nothing(portal, mailbox, an_account, database_dump):
    account = an_account()
    forget(portal, account.lease.reference)
    link = mailbox.read().link
    before = database_dump()
    portal.another_browser().get(link)
    assert database_dump() == before


def test_a_reset_kills_every_other_open_link(portal, mailbox, an_account, clock):
    account = an_account()
    forget(portal, account.lease.reference)
    clock.move(minutes=3)
    forget(portal, account.lease.reference)
    first, second = mailbox.read_all()
    choose(portal, second.link)
    mailbox.read()
    assert portal.another_browser().get(first.link, status=410).says("lien")


def test_an_activation_token_opens_no_reset_page(portal, mailbox, a_contract):
    contract = a_contract()
    sign_up(portal, contract.reference, contract.module)
    token = mailbox.read().link.rsplit("/", 1)[1]
    assert portal.get(f"/mot-de-passe/{token}", status=404).says("lien")


def test_forged_host_does_not_reach_the_mail(portal, mailbox, an_account):
    account = an_account()
    page = portal.get("/mot-de-passe-oublie")
    form = page.form("mot de passe").fill("Ma référence contrat", account.lease.reference)
    data = dict(form.node.form_values())
    answer = portal.http.post(
        "/mot-de-passe-oublie", data=data, headers={"Host": "evil.example", "Cookie": _cookies(portal)}
    )
    if answer.status_code != 400:
        mail = mailbox.read()
        assert "evil" not in mail.text
        assert mail.link.startswith("http://localhost/")


def test_tenant_who_never_activated_gets_his_activation_mail_instead(portal, mailbox, a_contract, clock):
    contract = a_contract()
    sign_up(portal, contract.reference, contract.module, email="lea@free.fr")
    mailbox.read()
    clock.move(hours=5)
    forget(portal.another_browser(), contract.reference)
    mail = mailbox.read(to="lea@free.fr")
    assert mail.subject == "Activez votre compte locataire"
    assert any(link.endswith("/inscription") for link in mail.links)
    assert portal.get(mail.link).form("Je me connecte")
    assert PASSWORD not in mail.text


def _cookies(portal):
    return f"portal_session={portal.cookie('portal_session')}"
