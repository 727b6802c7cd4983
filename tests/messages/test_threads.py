"""H06, « Mes messages »: what a tenant wrote, what was answered, until when, and whose words anybody sees."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from tenant_portal.accounts.limited_acts import ACTS, Per
from tenant_portal.db import db
from tenant_portal.messages.models import Message, MessageEntry
from tenant_portal.models import Event
from tests.conftest import Clock
from tests.support.page_text import plain
from tests.support.people import Roster, Tenant, must_run, run
from tests.support.portal_client import Page, Portal
from tests.support.post import Mailbox
from tests.support.steps import (
    NEW_PASSWORD,
    Lease,
    ask_email_change,
    close_account,
    fill_not_me,
    finish,
    forget,
    join,
    log_in,
    reset_password,
    sign_up,
    write_at_home,
    write_in_thread,
    write_message,
)

LANDLORD = "contact@habitat-du-val.example"
REPAIR = "Mon logement ou une réparation"
LEAK = "La chaudière fuit depuis hier.\nJe suis là le matin."
ANSWER = "Un plombier passe jeudi matin.\nMerci de lui ouvrir."

OpenAccount = Callable[..., Tenant]


def number_on(page: Page) -> str:
    found = re.search(r"M-[0-9]{4}-[0-9]{4}", page.text)
    assert found, page
    return found[0]


def written(tenant: Tenant, mailbox: Mailbox, *, body: str = LEAK) -> str:
    """Write a new message at home, and return its number."""
    number = number_on(write_at_home(tenant.browser, topic=REPAIR, body=body))
    mailbox.read_all()
    return number


def answered(app: Flask, number: str, text: str = ANSWER) -> str:
    return must_run(app, "messages", "answer", number, "-", stdin=text.encode())


@pytest.mark.every_home
def test_h06_tenant_writes_reads_the_answer_and_goes_on_in_the_same_message(
    app: Flask, an_account: OpenAccount, mailbox: Mailbox, clock: Clock
) -> None:
    tenant = an_account()
    browser = tenant.browser
    assert browser.get("/espace/messages").says("Vous ne nous avez pas encore écrit")
    page = write_at_home(browser, topic=REPAIR, body=LEAK)
    number = number_on(page)
    assert page.path == f"/espace/messages/{number}" and page.h1 == REPAIR
    assert page.says("Votre message est parti") and page.says("Reçu. Réponse au plus tard le mercredi 25 novembre 2026")
    assert "au plus tard le mercredi 25 novembre" in plain(mailbox.read(to=tenant.email).text)
    letter = mailbox.read(to=LANDLORD)
    assert number in letter.subject and "Je suis là le matin." in letter.text
    assert letter.message["Reply-To"] == tenant.email

    said = answered(app, number)
    assert number in said and tenant.email in said and "Mes messages" in said
    mail = mailbox.read(to=tenant.email)
    assert plain(mail.subject) == f"Réponse à votre message {number}" and "Merci de lui ouvrir." in mail.text
    elsewhere = Portal(app)
    page = log_in_at(elsewhere.get(mail.link), tenant)
    assert page.path == f"/espace/messages/{number}" and page.says("Un plombier passe jeudi matin.")
    assert page.says("Répondu") and not page.says("Réponse au plus tard")

    clock.move(days=4)  # a Friday
    page = write_in_thread(log_in_again(tenant), number, "Personne n'est venu.")
    assert page.says("Reçu. Réponse au plus tard le mardi 1er décembre 2026")
    assert [text for text in ("fuit", "plombier", "Personne") if page.says(text)] == ["fuit", "plombier", "Personne"]
    mailbox.read(to=tenant.email)
    letter = mailbox.read(to=LANDLORD)
    assert number in letter.subject and "Personne n'est venu." in letter.text and "fuit" not in letter.text
    assert "a écrit à nouveau" in plain(letter.text)


def log_in_at(page: Page, tenant: Tenant) -> Page:
    form = page.form("Je me connecte").fill("Ma référence contrat", tenant.lease.reference)
    return form.fill("Mon mot de passe", tenant.password).click()


def log_in_again(tenant: Tenant) -> Portal:
    tenant.log_in(tenant.browser)
    return tenant.browser


def test_h06_list_has_the_newest_first_with_state_and_day(
    app: Flask, an_account: OpenAccount, mailbox: Mailbox, clock: Clock
) -> None:
    tenant = an_account()
    first = written(tenant, mailbox)
    clock.move(minutes=5)
    second = written(tenant, mailbox, body="Et la porte ferme mal.")
    page = tenant.browser.get("/espace/messages")
    assert page.text.index(second) < page.text.index(first)
    clock.move(minutes=5)
    answered(app, first)
    mailbox.read_all()
    page = tenant.browser.get("/espace/messages")
    assert page.text.index(first) < page.text.index(second), "an answer is news"
    assert page.says("Répondu") and page.says("Reçu. Réponse au plus tard le mercredi 25 novembre 2026")
    assert page.click_link(REPAIR).says(first)


def test_h06_tenant_says_that_it_is_settled_and_can_still_write(
    an_account: OpenAccount, mailbox: Mailbox, clock: Clock
) -> None:
    tenant = an_account()
    number = written(tenant, mailbox)
    page = tenant.browser.get(f"/espace/messages/{number}")
    settled = page.click("C'est réglé")
    assert settled.path == f"/espace/messages/{number}" and settled.says("Clos") and not settled.says("au plus tard")
    assert "C'est réglé" not in settled.text
    assert page.click("C'est réglé").says("Clos"), "pressed twice"
    assert tenant.browser.get(f"/espace/messages/{number}/regle").path == f"/espace/messages/{number}"
    assert write_in_thread(tenant.browser, number, "Cela recommence.").says("Reçu. Réponse au plus tard")
    mailbox.read_all()


def test_h06_overdue_answer_is_owned_and_the_telephone_named(
    an_account: OpenAccount, mailbox: Mailbox, clock: Clock
) -> None:
    tenant = an_account()
    number = written(tenant, mailbox)
    clock.move(days=3)
    page = log_in_again(tenant).get(f"/espace/messages/{number}")
    assert page.says("La réponse était due le mercredi 25 novembre 2026.")
    assert page.says("Appelez-nous au 02 41 00 00 00 et donnez le numéro de votre message.")


@pytest.mark.every_home
def test_t38_entry_sent_twice_stands_once(app: Flask, an_account: OpenAccount, mailbox: Mailbox, clock: Clock) -> None:
    tenant = an_account()
    form = tenant.browser.get("/espace/messages/nouveau").form("J'envoie mon message")
    form.choose("De quoi s'agit-il", REPAIR).fill("Votre message", LEAK)
    number = number_on(form.click())
    assert number_on(form.click()) == number
    assert len(mailbox.read_all()) == 2
    form = tenant.browser.get(f"/espace/messages/{number}").form("J'envoie mon message")
    form.fill("Votre message", "Encore une fois.").click()
    assert form.click().text.count("Encore une fois.") == 1
    assert len(mailbox.read_all()) == 2
    clock.move(minutes=3)
    assert form.click().text.count("Encore une fois.") == 2, "later it is meant"
    mailbox.read_all()


@pytest.mark.security
def test_h06_message_of_another_tenant_is_not_there(
    app: Flask, an_account: OpenAccount, mailbox: Mailbox, database_dump: Callable[[], object]
) -> None:
    owner, other = an_account(email="lea@free.fr"), an_account(email="paul@free.fr")
    number = written(owner, mailbox)
    own = written(other, mailbox, body="Autre chose.")
    page = other.browser.get(f"/espace/messages/{own}")
    before = database_dump()
    assert other.browser.get(f"/espace/messages/{number}", status=404).status == 404
    for path in (f"/espace/messages/{number}", f"/espace/messages/{number}/regle"):
        fields = {**dict(page.form("J'envoie mon message").node.form_values()), "body": "Je suis un autre."}
        assert other.browser.http.post(path, data=fields).status_code == 404
    assert database_dump() == before
    assert number not in other.browser.get("/espace/messages").text
    for odd in ("M-1234", "m-1234-5678", "M-12345678", "1", "M-%00234-5678", "M-1234-567%C2%B2"):
        other.browser.get(f"/espace/messages/{odd}", status=404)


@pytest.mark.security
def test_h06_message_written_without_login_is_his_whose_contract_and_address_it_names(
    app: Flask, portal: Portal, an_account: OpenAccount, a_contract: Callable[..., Lease], mailbox: Mailbox
) -> None:
    """A stranger may type any reference, and an address may have a slip: both must fit."""
    lease = a_contract()
    typed = {
        "his own": (lease.reference, "Lea@Free.fr"),
        "by a stranger about his contract": (lease.reference, "eve@evil.example"),
        "of his neighbour, with a slip in the address": (a_contract().reference, "lea@free.fr"),
        "without a reference": ("", "lea@free.fr"),
    }
    for number, (body, (reference, email)) in enumerate(typed.items()):
        browser = portal.another_browser()
        write_message(browser, body=f"Message {number}, {body}", reference=reference, email=email)
    mailbox.read_all()
    tenant = an_account(lease, email="lea@free.fr")
    page = tenant.browser.get("/espace/messages")
    (link,) = page.tree.cssselect("main li h2 a")
    page = page.portal.get(link.get("href"))
    assert page.says("Message 0, his own")
    assert write_in_thread(tenant.browser, number_on(page), "Me voici.").says("Me voici.")
    mailbox.read_all()


def test_h06_answer_to_a_stranger_goes_by_mail_alone(app: Flask, portal: Portal, mailbox: Mailbox) -> None:
    number = number_on(write_message(portal, email="claire@free.fr"))
    mailbox.read_all()
    said = answered(app, number)
    assert "claire@free.fr" in said and "Mes messages" not in said
    mail = mailbox.read(to="claire@free.fr")
    assert "Un plombier passe jeudi" in mail.text and not mail.links
    assert "répondez à cet e-mail" in plain(mail.text)


def test_h06_answer_to_who_signed_up_since_leads_to_his_space(
    app: Flask, portal: Portal, a_contract: Callable[..., Lease], mailbox: Mailbox, an_account: OpenAccount
) -> None:
    lease = a_contract()
    sign_up(portal, lease, email="lea@free.fr")
    link = mailbox.read().link
    number = number_on(write_message(portal, reference=lease.reference, email="lea@free.fr"))
    mailbox.read_all()
    finish(portal, link, lease.reference)
    mailbox.read_all()
    answered(app, number)
    assert f"/espace/messages/{number}" in mailbox.read(to="lea@free.fr").link


def test_h06_answer_in_english_to_who_wrote_in_english(app: Flask, portal: Portal, mailbox: Mailbox) -> None:
    portal.get("/message?langue=en")
    form = portal.page.form("Send my message").choose("What is the problem", "Something else")
    number = number_on(form.fill("Your message", "I am stuck.").fill("Your email address", "ann@example.com").click())
    mailbox.read_all()
    answered(app, number, "We will call you.")
    mail = mailbox.read(to="ann@example.com")
    assert mail.subject == f"Answer to your message {number}" and mail.message["Content-Language"] == "en"


def test_h06_answer_given_twice_leaves_once(app: Flask, an_account: OpenAccount, mailbox: Mailbox) -> None:
    tenant = an_account()
    number = written(tenant, mailbox)
    answered(app, number)
    assert "Rien n'a changé" in answered(app, number.lower().replace("-", " "))
    assert len(mailbox.read_all()) == 1
    assert tenant.browser.get(f"/espace/messages/{number}").text.count("plombier") == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "est vide"),
        (b"\xef\xbb\xbf \r\n\x00 ", "est vide"),
        (b"Voil\xe0 la r\xe9ponse.", "n'est pas un texte en UTF-8"),
        ("é".encode() * 4001, "est trop longue : 4000 caractères au plus"),
        ("😀".encode() * 9000, "est trop longue"),
    ],
    ids=["empty", "blank", "Windows-1252", "4001 letters", "too many bytes"],
)
def test_h06_office_is_told_what_is_wrong_with_its_answer(
    app: Flask, portal: Portal, mailbox: Mailbox, content: bytes, said: str
) -> None:
    number = number_on(write_message(portal))
    mailbox.read_all()
    code, told = run(app, "messages", "answer", number, "-", stdin=content)
    assert code == 2 and said in told and "Rien n'a changé" in told
    with app.app_context():
        assert db.session.scalars(select(MessageEntry.author)).all() == ["tenant"]


def test_h06_office_is_told_of_a_number_or_file_that_is_not_there(app: Flask, tmp_path: object) -> None:
    for number in ("M-0000-0000", "'; --", "", "٣"):
        code, told = run(app, "messages", "answer", number, "-", stdin=b"Bonjour.")
        assert code == 1 and "Aucun message ne porte le numéro" in told
        assert run(app, "messages", "close", number)[0] == 1
    for path in (f"{tmp_path}/rien.txt", str(tmp_path)):
        code, told = run(app, "messages", "answer", "M-0000-0000", path)
        assert code == 2 and "ne se lit pas" in told


def test_h06_office_answers_from_a_file_and_closes(
    app: Flask, an_account: OpenAccount, mailbox: Mailbox, tmp_path: object
) -> None:
    tenant = an_account()
    number = written(tenant, mailbox)
    path = f"{tmp_path}/reponse.txt"
    with open(path, "wb") as file:
        file.write(b"\xef\xbb\xbfBonjour,\r\n\r\nvoil\xc3\xa0.\r\n")
    must_run(app, "messages", "answer", number, path)
    assert "Bonjour,\n\nvoilà." in mailbox.read(to=tenant.email).text
    assert f"Le message {number} est clos." in must_run(app, "messages", "close", number)
    assert "était déjà clos" in must_run(app, "messages", "close", number)
    page = tenant.browser.get(f"/espace/messages/{number}")
    assert page.says("Clos") and page.says("voilà.") and "\ufeff" not in page.text
    with app.app_context():
        events = db.session.scalars(select(Event).where(Event.name.like("message_%")).order_by(Event.id)).all()
        assert [(event.name, event.actor) for event in events] == [
            ("message_written", "tenant"),
            ("message_answered", "staff"),
            ("message_closed", "staff"),
        ]
        assert all(event.account_id and "fuit" not in event.detail for event in events)


def test_h06_tenant_who_floods_his_message_is_stopped_and_keeps_his_text(
    app: Flask, an_account: OpenAccount, mailbox: Mailbox
) -> None:
    tenant = an_account()
    number = written(tenant, mailbox)
    for turn in range(ACTS["message"].limits[Per.ACCOUNT].uses - 1):  # type: ignore[union-attr]
        write_in_thread(tenant.browser, number, f"Encore {turn}.")
    page = write_in_thread(tenant.browser, number, "Un de trop.", status=429)
    assert page.says("votre message n'est pas parti") and page.response.headers["Retry-After"] == "3600"
    assert page.form("J'envoie mon message").value("Votre message") == "Un de trop."
    page = write_at_home(tenant.browser, topic=REPAIR, body="Un autre de trop.", status=429)
    assert page.form("J'envoie mon message").value("Votre message") == "Un autre de trop."
    mailbox.read_all()


def test_t36_password_pasted_into_an_entry_is_masked(an_account: OpenAccount, mailbox: Mailbox) -> None:
    tenant = an_account()
    number = written(tenant, mailbox)
    page = write_in_thread(tenant.browser, number, "Mon mot de passe : girafe violette")
    assert "girafe" not in page.response.get_data(as_text=True) and page.says("••••••")
    assert all("girafe" not in letter.text for letter in mailbox.read_all())


def test_h06_entry_that_is_empty_or_too_long_is_asked_again(an_account: OpenAccount, mailbox: Mailbox) -> None:
    tenant = an_account()
    number = written(tenant, mailbox)
    assert write_in_thread(tenant.browser, number, " ").faults == ["Écrivez votre message."]
    assert write_in_thread(tenant.browser, number, "à" * 4001).faults == [
        "Votre message compte 4001 caractères. Raccourcissez-le à 4000 caractères au plus."
    ]
    assert write_at_home(tenant.browser, topic=REPAIR, body="").faults == ["Écrivez votre message."]


def test_h06_wish_to_change_choices_says_where_and_changes_nothing(
    an_account: OpenAccount, mailbox: Mailbox, database_dump: Callable[[], dict[str, object]]
) -> None:
    tenant = an_account()
    page = tenant.browser.get("/espace/messages/nouveau?sujet=choix")
    assert page.form("J'envoie mon message").value("De quoi s'agit-il") == "Changer mes choix"
    assert page.says("un message ne les change pas")
    before = database_dump()["portal_consents"]
    page.form("J'envoie mon message").fill("Votre message", "Passez tout sur Oui.").click()
    assert database_dump()["portal_consents"] == before
    mailbox.read(to=tenant.email)
    assert "Ce message ne change aucun choix" in mailbox.read(to=LANDLORD).text


def test_h06_tenant_finds_what_is_not_about_login_first_and_a_stranger_last(
    portal: Portal, an_account: OpenAccount
) -> None:
    def topics(page: Page) -> list[str]:
        return [label.text_content().strip() for label in page.tree.cssselect(".portal-topics label")]

    strangers, own = topics(portal.get("/message")), topics(an_account().browser.get("/espace/messages/nouveau"))
    lost = {"Je n’ai pas reçu l’e-mail d’activation", "Je n’arrive pas à me connecter avec mon mot de passe"}
    assert set(strangers) - set(own) == lost, "he has come in"
    assert strangers[-1] == own[-1] == "Autre chose"
    assert own[0] == REPAIR and strangers[0].startswith("Je ne trouve pas ma référence")
    assert strangers.index(REPAIR) == 6


def test_h06_message_stays_for_a_year_after_its_last_entry(
    app: Flask, an_account: OpenAccount, mailbox: Mailbox, clock: Clock
) -> None:
    tenant = an_account()
    number = written(tenant, mailbox)
    clock.move(days=300)
    answered(app, number)
    mailbox.read_all()
    clock.move(days=300)
    must_run(app, "purge")
    assert log_in_again(tenant).get(f"/espace/messages/{number}").says("plombier")
    clock.move(days=66)
    assert "Messages : 1" in must_run(app, "purge", "--dry-run")
    must_run(app, "purge")
    with app.app_context():
        assert not db.session.scalars(select(Message)).all() and not db.session.scalars(select(MessageEntry)).all()
    mailbox.read_all()


def test_t05_wish_for_a_contract_is_closed_when_it_appears_and_stands_in_his_space(
    app: Flask, portal: Portal, roster: Roster, mailbox: Mailbox, an_account: OpenAccount
) -> None:
    form = portal.get("/message?sujet=attente").form("J'envoie mon message")
    form.fill("Votre référence contrat", "765432").fill("Votre adresse mail", "lea@free.fr").click()
    mailbox.read_all()
    lease = roster.add(reference="765432")
    mailbox.read(to="lea@free.fr")
    page = an_account(lease, email="lea@free.fr").browser.get("/espace/messages")
    assert page.says("J'attends mon contrat") and page.says("Clos") and not page.says("au plus tard")
    assert page.click_link("J'attends mon contrat").says("Aucun texte.")


def awaited(tenant: Tenant, mailbox: Mailbox, reference: str) -> None:
    """Ask at home to be told when a contract appears."""
    form = tenant.browser.get("/espace/messages/nouveau?sujet=attente").form("J'envoie mon message")
    form.fill("La référence du contrat concerné", reference).click()
    mailbox.read_all()


def test_t05_tenant_who_awaits_another_contract_at_home_is_led_to_joining_it(
    an_account: OpenAccount, mailbox: Mailbox, roster: Roster
) -> None:
    tenant = an_account(email="couple@free.fr")
    awaited(tenant, mailbox, "765432")
    ask_email_change(tenant.browser, "lea@laposte.net")
    tenant.browser.get(mailbox.read(to="lea@laposte.net").link).click("Je confirme mon adresse")
    mailbox.read_all()
    lease = roster.add(reference="765432")
    (mail,) = mailbox.read_all()
    assert mail.to == "lea@laposte.net" and plain(mail.subject) == "Vous pouvez rattacher ce contrat à votre compte"
    assert "créez votre compte" not in mail.text and "inscription" not in mail.text
    page = tenant.browser.get(mail.link)
    assert page.path == "/espace/contrats/ajout"
    assert join(tenant.browser, lease).says("le contrat est dans votre compte")
    mailbox.read_all()


def test_t05_tenant_who_closed_his_account_meanwhile_is_led_to_the_sign_up(
    an_account: OpenAccount, mailbox: Mailbox, roster: Roster
) -> None:
    tenant = an_account(email="lea@free.fr")
    awaited(tenant, mailbox, "765432")
    close_account(tenant.browser)
    mailbox.read_all()
    roster.add(reference="765432")
    mail = mailbox.read(to="lea@free.fr")
    assert mail.subject == "Vous pouvez créer votre compte locataire" and "/inscription" in mail.link


def test_h06_answer_follows_the_account_to_its_new_address(
    app: Flask, an_account: OpenAccount, mailbox: Mailbox
) -> None:
    """T31: the mailbox of then may be read by who has left."""
    tenant = an_account(email="couple@free.fr")
    number = written(tenant, mailbox)
    form = tenant.browser.get("/espace/compte/adresse").form("Recevoir le lien")
    form.fill("Ma nouvelle adresse mail", "lea@laposte.net").fill("Mon mot de passe", tenant.password).click()
    tenant.browser.get(mailbox.read(to="lea@laposte.net").link).click("Je confirme mon adresse")
    mailbox.read_all()
    answered(app, number)
    assert [mail.to for mail in mailbox.read_all()] == ["lea@laposte.net"]


@pytest.mark.security
def test_h06_answer_follows_who_closes_his_account_too_and_leads_to_no_page_of_it(
    app: Flask, an_account: OpenAccount, mailbox: Mailbox
) -> None:
    tenant = an_account(email="couple@free.fr")
    number = written(tenant, mailbox)
    ask_email_change(tenant.browser, "lea@laposte.net")
    tenant.browser.get(mailbox.read(to="lea@laposte.net").link).click("Je confirme mon adresse")
    close_account(tenant.browser)
    mailbox.read_all()
    said = answered(app, number)
    assert "lea@laposte.net" in said and "Mes messages" not in said
    (mail,) = mailbox.read_all()
    assert mail.to == "lea@laposte.net" and not mail.links and "répondez à cet e-mail" in plain(mail.text)


@pytest.mark.security
@pytest.mark.parametrize("is_at_home", [True, False])
def test_h06_answer_to_a_disputed_account_stays_in_the_message_and_the_office_is_told_why(
    app: Flask, portal: Portal, an_account: OpenAccount, mailbox: Mailbox, is_at_home: bool
) -> None:
    tenant = an_account(email="lea@free.fr")
    if is_at_home:
        number = written(tenant, mailbox)
    else:
        number = number_on(write_message(portal, reference=tenant.lease.reference, email=tenant.email))
        mailbox.read_all()
    must_run(app, "contracts", "freeze", tenant.lease.reference)
    mailbox.read_all()
    said = answered(app, number)
    assert "Aucun e-mail ne part : le compte est bloqué et contesté" in said and "Appelez le locataire" in said
    assert tenant.email not in said and not mailbox.unread()
    assert "Rien n'a changé" in answered(app, number)
    must_run(app, "contracts", "thaw", tenant.lease.reference)
    forget(portal, tenant.lease.reference)
    reset_password(portal, mailbox.read_all()[-1].link)
    mailbox.read_all()
    log_in(portal, tenant.lease.reference, NEW_PASSWORD)
    assert portal.get(f"/espace/messages/{number}").says("Un plombier passe jeudi matin.")


def test_h06_answer_to_who_froze_his_account_himself_is_mailed_and_the_office_reads_that_he_cannot_log_in(
    app: Flask, portal: Portal, an_account: OpenAccount, mailbox: Mailbox
) -> None:
    tenant = an_account(email="lea@free.fr")
    number = written(tenant, mailbox)
    tenant.log_in(portal.another_browser())
    fill_not_me(portal.get(mailbox.of_devices()[-1].link_not_me)).click()
    mailbox.read_all()
    said = answered(app, number)
    assert tenant.email in said and "une fois le compte débloqué" in said and "la lit aussi" not in said
    mail = mailbox.read(to=tenant.email)
    assert "Un plombier passe" in mail.text and not mail.links


def test_who_logs_in_while_he_writes_keeps_his_text(portal: Portal, an_account: OpenAccount, mailbox: Mailbox) -> None:
    tenant = an_account()
    form = portal.get("/message?sujet=logement").form("J'envoie mon message")
    form.fill("Votre message", LEAK).fill("Votre adresse mail", tenant.email)
    log_in(portal, tenant.lease.reference)
    page = form.click()
    assert page.path == "/espace/messages/nouveau" and page.says("votre texte est revenu")
    restored = page.form("J'envoie mon message")
    assert restored.value("De quoi s'agit-il") == REPAIR and "Je suis là le matin." in restored.value("Votre message")
    assert restored.click().says("Votre message est parti")
    mailbox.read_all()
