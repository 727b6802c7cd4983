"""« J'ai oublié mon mot de passe »."""

import pytest

from ..support.page_text import plain
from ..support.steps import NEW_PASSWORD, fill_new_password, forget, log_in, reset_password


@pytest.mark.every_home
def test_t17_tenant_chooses_a_new_password_by_mail(portal, mailbox, an_account):
    account = an_account(email="lea@free.fr")
    logged_in = portal.another_browser()
    log_in(logged_in, account.lease.reference, remember=True)

    form = portal.get("/connexion").click_link("J'ai oublié mon mot de passe").form("mot de passe")
    page = form.fill("Ma référence contrat", f"L/{account.lease.reference}").click()
    assert page.says("Si un compte existe, un e-mail vient de partir")
    assert page.says("Je n'ai plus accès à cette adresse")
    mail = mailbox.read(to="lea@free.fr")
    page = reset_password(portal, mail.link)
    assert page.h1 == "Identifiez-vous"
    assert page.says("mot de passe")
    told = mailbox.read(to="lea@free.fr")
    assert "mot de passe" in told.subject.lower()
    assert log_in(portal, account.lease.reference).says("ne correspond pas")
    assert log_in(portal, account.lease.reference, NEW_PASSWORD).path == "/espace"
    assert logged_in.get("/espace").h1 == "Identifiez-vous", "every session has ended"
    assert portal.another_browser().get(mail.link, status=410).says("lien"), "a link is good for one time"


@pytest.mark.every_home
def test_t17_link_is_good_for_an_hour(portal, mailbox, an_account, clock):
    account = an_account()
    forget(portal, account.lease.reference)
    link = mailbox.read().link
    clock.move(minutes=61)
    page = portal.get(link, status=410)
    assert page.says("n'est plus valable")
    assert page.click_link("Recevoir un nouveau lien").path == "/mot-de-passe-oublie"


def test_t18_no_page_before_the_login_shows_the_address_not_even_a_part(portal, mailbox, an_account, clock):
    account = an_account(email="lea.martin@free.fr")
    pages = [forget(portal, account.lease.reference), log_in(portal, account.lease.reference, "une devinette")]
    link = mailbox.read().link
    pages.append(portal.get(link))
    clock.move(minutes=61)
    pages += [portal.get(link, status=410), portal.get("/message?sujet=adresse")]
    for page in pages:
        assert not any(word in page.response.get_data(as_text=True) for word in ("lea.martin", "martin@", "•@")), page


@pytest.mark.every_home
def test_t19_tenant_who_lost_his_mailbox_writes_with_the_topic_chosen_and_the_landlord_reads_it(
    portal, mailbox, an_account
):
    account = an_account(email="lea@free.fr")
    page = forget(portal, account.lease.reference).click_link("Je n'ai plus accès à cette adresse")
    form = page.form("J'envoie mon message").fill("Votre message", "Ma boîte n'existe plus.")
    form.fill("Votre référence contrat", account.lease.reference).fill("Votre adresse mail", "neuve@laposte.net")
    assert form.click().says("Votre message est envoyé")
    mailbox.read(to="neuve@laposte.net")
    task = mailbox.read(to="contact@habitat-du-val.example")
    assert "son adresse mail est à corriger" in plain(task.text)
    assert mailbox.read(to="lea@free.fr").link, "the account and its address stand as they did"


def test_t17_weak_or_differing_password_is_refused_with_the_reason(portal, mailbox, an_account):
    account = an_account()
    forget(portal, account.lease.reference)
    link = mailbox.read().link
    for weak in ("motdepasse123", f"martin {account.lease.reference}"):
        assert "trop courant" in reset_password(portal, link, weak).faults[0]
    page = fill_new_password(portal.page, confirmation="une autre phrase").click()
    assert page.faults == ["Les deux mots de passe ne sont pas identiques. Saisissez-les à nouveau."]
    assert fill_new_password(page).click().h1 == "Identifiez-vous"
    mailbox.read()


def test_a_reset_kills_every_other_open_link(portal, mailbox, an_account, clock):
    account = an_account()
    forget(portal, account.lease.reference)
    clock.move(minutes=3)
    forget(portal, account.lease.reference)
    first, second = mailbox.read_all()
    reset_password(portal, second.link)
    mailbox.read()
    assert portal.another_browser().get(first.link, status=410).says("lien")


@pytest.mark.security
def test_f08_twenty_requests_send_three_mails_an_hour_and_show_one_page(portal, mailbox, an_account, clock):
    account = an_account()
    pages = set()
    for _ in range(20):
        clock.move(minutes=2, seconds=30)
        pages.add(forget(portal.another_browser(), account.lease.reference).text)
    assert len(pages) == 1 and "Si un compte existe" in pages.pop()
    assert [mail.to for mail in mailbox.read_all()] == [account.email] * 3
    clock.move(hours=1, minutes=1)
    forget(portal, account.lease.reference)
    mailbox.read()
