"""G06: a clerk answers a tenant from the page, takes an answer back, and notes what was answered otherwise."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime

import pytest
from flask import Flask
from sqlalchemy import func, select

from tenant_portal.accounts.office_acts import OfficeAct
from tenant_portal.db import begin_write, db
from tenant_portal.mail import outbox
from tenant_portal.messages.models import Author, Message, MessageEntry, MessageState
from tenant_portal.models import Account
from tenant_portal.office import message_queue
from tenant_portal.operations import personal_data
from tests.conftest import Clock
from tests.support.page_text import plain
from tests.support.paths import DATA
from tests.support.people import Tenant, must_run
from tests.support.portal_client import Page, Portal
from tests.support.post import Mailbox, PostOffice
from tests.support.steps import Lease, fill_not_me, sign_up_in_english, write_at_home, write_in_thread, write_message

OpenAccount = Callable[..., Tenant]
Desk = Callable[..., Portal]

REPAIR = "Mon logement ou une réparation"
LEAK = "La chaudière fuit depuis hier."
ANSWER = "Un plombier passe jeudi matin."
SEND, SEND_ANYWAY, RECALL, MARK = (
    "Envoyer la réponse",
    "Envoyer quand même",
    "Annuler l'envoi",
    "Marquer comme répondu",
)


def number_on(page: Page) -> str:
    found = re.search(r"M-[0-9]{4}-[0-9]{4}", page.text)
    assert found, page
    return found[0]


@pytest.fixture
def tenant(an_account: OpenAccount) -> Tenant:
    return an_account()


@pytest.fixture
def number(tenant: Tenant, mailbox: Mailbox) -> str:
    """Return the number of a message that waits for its answer."""
    number = number_on(write_at_home(tenant.browser, topic=REPAIR, body=LEAK))
    mailbox.read_all()
    return number


def answer(clerk: Portal, number: str, text: str = ANSWER) -> Page:
    return clerk.get(f"/gestion/messages/{number}").form(SEND).fill("Votre réponse", text).click(SEND)


def courier_round(app: Flask) -> None:
    """Have mails delivered as the thread does, and as `flask portal mail send` does."""
    with app.app_context():
        outbox.deliver_due()
        outbox.deliver_due(now=True)


def tenants_page(tenant: Tenant, number: str) -> Page:
    return tenant.browser.get(f"/espace/messages/{number}")


def copy_of(app: Flask, tenant: Tenant) -> str:
    """Return the data that the tenant may take."""
    with app.app_context():
        account = db.session.scalars(select(Account).where(Account.email == tenant.email)).one()
        return str(personal_data.gather(account.contracts, account))


def acts(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(OfficeAct.act).order_by(OfficeAct.id)))


def test_g06_clerk_answers_from_the_page_and_the_answer_leaves_after_sixty_seconds(
    app: Flask, staff: Portal, tenant: Tenant, number: str, mailbox: Mailbox, clock: Clock
) -> None:
    queue = staff.get("/gestion/messages")
    assert queue.says("1 message attend une réponse.") and queue.says("mercredi 25 novembre 2026")
    assert queue.says("le compte fonctionne")
    page = queue.click_link(REPAIR)
    assert page.path == f"/gestion/messages/{number}" and page.says(LEAK)
    assert page.says("La réponse part à e…n@orange.fr et se lit dans « Mes messages ».")
    page = page.form(SEND).fill("Votre réponse", ANSWER).click(SEND)
    assert page.path == f"/gestion/messages/{number}" and page.says("Le locataire ne la voit pas encore")
    assert staff.get("/gestion/messages").says("aucun message n'attend de réponse")

    clock.move(seconds=40)
    courier_round(app)
    before = tenants_page(tenant, number)
    assert not before.says(ANSWER) and before.says("Reçu. Réponse au plus tard le mercredi 25 novembre 2026")
    assert not tenant.browser.get("/espace/messages").says("Répondu")
    assert not mailbox.unread(), "whoever asks, it does not leave before"
    assert ANSWER not in copy_of(app, tenant)
    clock.move(seconds=21)
    mail = mailbox.read(to=tenant.email)
    assert plain(mail.subject) == f"Réponse à votre message {number}" and ANSWER in mail.text
    after = tenants_page(tenant, number)
    assert after.says(ANSWER) and after.says("Répondu") and not after.says("au plus tard")
    assert ANSWER in copy_of(app, tenant)
    page = staff.get(f"/gestion/messages/{number}")
    assert page.says("L'e-mail est parti.") and RECALL not in page.text
    assert acts(app) == ["message_viewed", "message_answered", "message_viewed", "message_viewed"]


def test_f29_answer_recalled_and_sent_at_once_is_never_sent(
    app: Flask, staff: Portal, tenant: Tenant, number: str, mailbox: Mailbox, clock: Clock
) -> None:
    page = answer(staff, number)
    clock.move(seconds=40)
    courier_round(app)
    recall = page.form(RECALL)
    page = recall.click()
    assert page.says("Rien n'est parti") and page.form(SEND).value("Votre réponse") == ANSWER
    clock.move(minutes=2)
    courier_round(app)
    assert not mailbox.unread()
    assert not tenants_page(tenant, number).says(ANSWER)
    assert tenants_page(tenant, number).says("Reçu. Réponse au plus tard le mercredi 25 novembre 2026")
    assert staff.get("/gestion/messages").says("1 message attend une réponse.")
    assert recall.click().says("il est trop tard"), "pressed twice"
    assert acts(app).count("message_recalled") == 1

    late = page.form(SEND).click(SEND)
    clock.move(seconds=61)
    assert ANSWER in mailbox.read(to=tenant.email).text
    assert late.form(RECALL).click().says("il est trop tard")
    assert tenants_page(tenant, number).says(ANSWER)


def test_f29_answer_on_a_stale_page_is_kept_and_shown_beside_the_new_entry(
    app: Flask, a_clerk: Desk, tenant: Tenant, number: str, mailbox: Mailbox, clock: Clock
) -> None:
    forms = [
        a_clerk().get(f"/gestion/messages/{number}").form(SEND).fill("Votre réponse", ANSWER),
        a_clerk().get(f"/gestion/messages/{number}").form(MARK).choose("Comment avez-vous répondu", "Par téléphone"),
    ]
    forms[1].fill("Ce que vous avez répondu", "Le plombier est prévenu.")
    closing = a_clerk().get(f"/gestion/messages/{number}").form("Clore sans réponse")
    write_in_thread(tenant.browser, number, "Il y a de l'eau partout !")
    mailbox.read_all()
    kept = forms[0].click(SEND)
    assert kept.says("ce message a changé pendant que vous écriviez") and kept.says("Il y a de l'eau partout !")
    assert len(kept.tree.cssselect("#nouveau mark")) == 1
    assert kept.form(SEND_ANYWAY).value("Votre réponse") == ANSWER
    line = forms[1].click()
    assert line.says("ce message a changé")
    assert line.form(MARK).value("Ce que vous avez répondu") == "Le plombier est prévenu."
    assert closing.click().says("Rien n'est encore fait")
    clock.move(minutes=2)
    assert not mailbox.unread() and not tenants_page(tenant, number).says(ANSWER)
    page = kept.form(SEND_ANYWAY).fill("Votre réponse", "Un plombier arrive.").click(SEND_ANYWAY)
    assert page.says("Le locataire ne la voit pas encore")
    clock.move(seconds=61)
    assert "Un plombier arrive." in mailbox.read(to=tenant.email).text


def test_g06_page_of_a_colleague_who_answered_meanwhile_is_stale_too(
    app: Flask, a_clerk: Desk, tenant: Tenant, number: str, mailbox: Mailbox, clock: Clock
) -> None:
    form = a_clerk("M. Roux").get(f"/gestion/messages/{number}").form(SEND).fill("Votre réponse", "Rappelez-nous.")
    first = answer(a_clerk("Mme Moreau"), number)
    page = a_clerk("M. Roux") and form.click(SEND)
    assert page.says("ce message a changé") and page.says(ANSWER)
    page = page.form(SEND_ANYWAY).fill("Votre réponse", "é" * 4001).click(SEND_ANYWAY)
    assert page.says("Votre message compte 4001 caractères")
    page = page.form(SEND).fill("Votre réponse", "Rappelez-nous." + "é" * 3900).click(SEND)
    assert len([b for b in page.tree.cssselect("button") if plain(b.text_content()) == RECALL]) == 2
    assert first.form(RECALL).click().says("Rien n'est parti"), "each recalls the answer that the button stands beside"
    assert staff_state(app, number) == (MessageState.ANSWERED, None)
    clock.move(seconds=61)
    assert "Rappelez-nous." in mailbox.read(to=tenant.email).text
    assert not tenants_page(tenant, number).says(ANSWER)


@pytest.mark.databases("sqlite", "postgresql")
def test_g06_of_two_clerks_who_answer_at_once_one_reads_the_others_answer_first(
    app: Flask, a_clerk: Desk, tenant: Tenant, number: str, mailbox: Mailbox, clock: Clock
) -> None:
    desks = {text: a_clerk() for text in ("Un plombier passe jeudi.", "Un plombier passe lundi.")}
    forms = [
        desk.get(f"/gestion/messages/{number}").form(SEND).fill("Votre réponse", text) for text, desk in desks.items()
    ]
    with ThreadPoolExecutor(2) as pool:
        pages = [one.result(60) for one in [pool.submit(form.click, SEND) for form in forms]]
    assert sorted(page.says("ce message a changé") for page in pages) == [False, True]
    clock.move(seconds=61)
    assert len(mailbox.read_all()) == 1


def staff_state(app: Flask, number: str) -> tuple[MessageState, date | None]:
    with app.app_context():
        message = db.session.scalars(select(Message).where(Message.number == number)).one()
        return message.state, message.due_on


def test_g06_tenant_who_writes_while_an_answer_waits_keeps_the_message_open(
    app: Flask, staff: Portal, tenant: Tenant, number: str, mailbox: Mailbox, clock: Clock
) -> None:
    page = answer(staff, number)
    write_in_thread(tenant.browser, number, "Toujours rien.")
    mailbox.read_all()
    page.form(RECALL).click()
    assert tenants_page(tenant, number).says("Reçu. Réponse au plus tard le mercredi 25 novembre 2026")
    answer(staff, number, "Demain matin.")
    clock.move(seconds=61)
    mailbox.read_all()
    assert tenants_page(tenant, number).says("Répondu")


def test_g06_page_and_queue_tell_who_opened_it_last(a_clerk: Desk, tenant: Tenant, number: str, clock: Clock) -> None:
    page = a_clerk("Mme R.").get(f"/gestion/messages/{number}")
    assert not page.says("Ouvert par")
    clock.move(hours=1, minutes=12)
    page = a_clerk("M. Roux").get("/gestion/messages")
    assert page.says("Ouvert par Mme R. à 9 h 30")
    page = page.click_link(REPAIR)
    assert page.says("Ouvert par Mme R. à 9 h 30") and not page.portal.reload().says("M. Roux à")
    clock.move(days=1)
    assert (
        a_clerk("Mme R.").get(f"/gestion/messages/{number}").says("Ouvert par M. Roux le lundi 23 novembre à 10 h 42")
    )


def test_g06_answered_otherwise_closes_and_the_tenants_thread_says_so(
    app: Flask, staff: Portal, tenant: Tenant, number: str, mailbox: Mailbox, clock: Clock
) -> None:
    clock.move(days=1)
    form = staff.get(f"/gestion/messages/{number}").form(MARK)
    assert form.value("Le jour de la réponse") == "2026-11-24"
    faults = form.fill("Le jour de la réponse", "").click().faults
    assert len(faults) == 3, faults
    form.choose("Comment avez-vous répondu", "Par téléphone").fill("Ce que vous avez répondu", "é" * 141)
    for day, said in (
        ("2026-11-25", "Ce jour est à venir"),
        ("2026-11-22", "Le message est arrivé le lundi 23 novembre 2026"),
        ("hier", "Saisissez un jour"),
    ):
        faults = form.fill("Le jour de la réponse", day).click().faults
        assert len(faults) == 2 and said in faults[0] and "141 caractères" in faults[1], faults
    form.fill("Le jour de la réponse", "2026-11-23").fill("Ce que vous avez répondu", "Le plombier passe jeudi.")
    page = form.click()
    assert page.says("ce message est clos") and page.says("Répondu par téléphone le lundi 23 novembre 2026")
    assert form.click().text.count("Le plombier passe jeudi.") == 1, "pressed twice"
    tenant.log_in(tenant.browser)
    page = tenants_page(tenant, number)
    assert page.says("Notre bureau vous a répondu par téléphone le lundi 23 novembre 2026.")
    assert page.says("Le plombier passe jeudi.") and page.says("Clos")
    assert tenants_page(tenant, f"{number}?langue=en").says("Our office answered you by telephone on")
    assert not mailbox.unread() and acts(app).count("message_answered_elsewhere") == 1


def test_g06_answer_that_the_server_refuses_reopens_the_message(
    app: Flask, staff: Portal, tenant: Tenant, number: str, mailbox: Mailbox, post_office: PostOffice, clock: Clock
) -> None:
    answer(staff, number)
    post_office.answers[tenant.email] = "550 5.1.1 User unknown"
    clock.move(days=5)  # a Saturday
    courier_round(app)
    assert staff_state(app, number) == (MessageState.RECEIVED, date(2026, 11, 30)), "the next day on which people work"
    assert staff.get("/gestion/messages").says("Notre réponse n'est pas arrivée")
    page = staff.get(f"/gestion/messages/{number}")
    assert page.says("cette adresse n'existe pas") and page.says("Répondez plutôt autrement")


def test_g06_answer_that_bounces_reopens_the_message_unless_it_was_answered_since(
    app: Flask, staff: Portal, tenant: Tenant, number: str, mailbox: Mailbox, clock: Clock
) -> None:
    answer(staff, number)
    clock.move(seconds=61)
    sent = mailbox.read(to=tenant.email)
    text = (DATA / "cases" / "R14_global_status.eml").read_text()
    report = text.replace("<b03@bailleur.example>", sent.message["Message-ID"]).encode()
    clock.move(days=1)
    must_run(app, "mail", "bounce", stdin=report)
    assert staff_state(app, number) == (MessageState.RECEIVED, date(2026, 11, 24))
    assert staff.get("/gestion/messages").says("Notre réponse n'est pas arrivée")
    form = staff.get(f"/gestion/messages/{number}").form(MARK).choose("Comment avez-vous répondu", "Par courrier")
    form.fill("Ce que vous avez répondu", "Nous avons écrit.").click()
    must_run(app, "mail", "bounce", stdin=report)
    assert staff_state(app, number) == (MessageState.CLOSED, None)
    assert not staff.get("/gestion/messages").says("n'est pas arrivée")


def test_g06_ready_made_answers_fit_topic_and_state_and_none_leaves_with_an_unfilled_field(
    app: Flask, staff: Portal, tenant: Tenant, number: str, mailbox: Mailbox
) -> None:
    page = staff.get(f"/gestion/messages/{number}")
    assert page.says("Rendez-vous dans le logement") and not page.says("Paiement reçu")
    page = page.form(SEND).fill("Votre réponse", "Merci.").click("Rendez-vous dans le logement")
    text = page.form(SEND).value("Votre réponse")
    assert plain(text).startswith("Merci. Bonjour, Quelqu'un passe chez vous le [jour]"), "what was typed stays"
    assert text.endswith("Cordialement,\nHabitat du Val")
    faults = page.form(SEND).click(SEND).faults
    assert faults == ["Complétez votre réponse avant de l'envoyer. À remplacer : [jour], [heure]"]
    for field in ("[jour]", "[heure]"):
        text = text.replace(field, "12")
    page = page.form(SEND).fill("Votre réponse", f"{text} [sic]").click(SEND)
    assert page.says("Le locataire ne la voit pas encore"), "other brackets are the clerk's"
    page.form(SEND).fill("Votre réponse", "").click("Rendez-vous dans le logement")
    with app.app_context():
        assert db.session.scalar(select(func.count()).where(MessageEntry.author == Author.OFFICE)) == 1


def test_g06_ready_made_answers_follow_the_state_of_a_sign_up_and_the_language_of_the_tenant(
    staff: Portal, portal: Portal, a_contract: Callable[..., Lease], mailbox: Mailbox
) -> None:
    lease = a_contract()
    sign_up_in_english(portal, lease, email="ann@example.com")
    mailbox.read_all()
    portal.get("/message?langue=en")
    form = portal.page.form("Send my message").choose("What is the problem", "I have not received the activation email")
    form.fill("Your message", "Nothing came.").fill("Your email address", "ann@example.com")
    number = number_on(form.fill("Your contract reference", lease.reference).click())
    mailbox.read_all()
    page = staff.get(f"/gestion/messages/{number}")
    assert page.says("étape 9 sur 12") and page.says("Écrit sans connexion")
    assert page.says("La réponse part à a…n@example.com.") and page.says("le texte est dans sa langue")
    page = page.form(SEND).click("L'e-mail d'activation est parti")
    assert "Our activation email has left." in page.form(SEND).value("Votre réponse")


def test_g06_answer_to_a_disputed_account_leaves_by_no_mail_which_the_page_says_before(
    app: Flask, staff: Portal, portal: Portal, tenant: Tenant, number: str, mailbox: Mailbox, clock: Clock
) -> None:
    tenant.log_in(portal.another_browser())
    fill_not_me(portal.get(mailbox.of_devices()[-1].link_not_me)).click()
    with app.app_context():
        begin_write()
        db.session.scalars(select(Message)).one().account.frozen_by = "contract_owner"
        db.session.commit()
    mailbox.read_all()
    page = staff.get(f"/gestion/messages/{number}")
    assert page.says("Aucun e-mail ne part : le compte est bloqué et contesté") and not page.says("orange.fr")
    page = page.form(SEND).fill("Votre réponse", ANSWER).click(SEND)
    page = page.form(RECALL).click()
    assert page.form(SEND).value("Votre réponse") == ANSWER, "without a mail it can be recalled as well"
    page.form(SEND).click(SEND)
    clock.move(minutes=2)
    courier_round(app)
    assert not mailbox.unread() and staff.get(f"/gestion/messages/{number}").says(ANSWER)


def test_g06_mail_to_the_landlord_leads_to_marking_it_as_answered(
    app: Flask, staff: Portal, portal: Portal, mailbox: Mailbox
) -> None:
    number = number_on(write_message(portal))
    mailbox.read(to="elodie.martin@orange.fr")
    letter = mailbox.read(to="contact@habitat-du-val.example")
    assert "Marquer comme répondu" in plain(letter.text) and letter.message["Reply-To"] == "elodie.martin@orange.fr"
    page = staff.get(letter.link)
    assert page.path == f"/gestion/messages/{number}"
    page.form(MARK).choose("Comment avez-vous répondu", "Par e-mail").fill("Ce que vous avez répondu", "Fait.").click()
    assert staff_state(app, number) == (MessageState.CLOSED, None)

    app.blueprints.pop("portal.office")  # as where the host has no staff
    write_message(portal.another_browser(), body="Encore une question.")
    mailbox.read(to="elodie.martin@orange.fr")
    letter = mailbox.read(to="contact@habitat-du-val.example")
    assert not letter.links and "Marquer comme répondu" not in plain(letter.text)


def test_g06_queue_has_the_first_due_first_tells_what_is_late_and_has_every_page(
    app: Flask, staff: Portal, tenant: Tenant, mailbox: Mailbox, clock: Clock
) -> None:
    with app.app_context():
        begin_write()
        for count in range(120):
            written = datetime.fromisoformat("2026-11-20T09:00:00+00:00")
            state = MessageState.RECEIVED if count < 60 else MessageState.CLOSED
            due_on = date(2026, 11, 24 if count else 20) if count < 60 else None
            facts = {"number": f"M-0000-{count:04}", "topic": "rent", "state": state, "due_on": due_on}
            db.session.add(Message(**facts, created_at=written, last_entry_at=written))
        db.session.commit()
    page = staff.get("/gestion/messages")
    assert page.says("60 messages attendent une réponse.") and page.says("1 est en retard.")
    shown = re.findall(r"M-0000-[0-9]{4}", page.text)
    assert len(shown) == message_queue.PER_PAGE and shown[0] == "M-0000-0000"
    assert page.says("En retard : due le vendredi 20 novembre 2026")
    older = page.click_link("Page suivante")
    assert len(re.findall(r"M-0000-[0-9]{4}", older.text)) == 10 and "Page suivante" not in older.text
    page = page.click_link("Répondus et clos")
    assert len(re.findall(r"M-0000-[0-9]{4}", page.text)) == message_queue.PER_PAGE and page.says("Clos")
    for odd in ("page=0", "page=-1", "page=x", "page=99999999999999999999", "vue=%27", "vue=termines&page=999"):
        staff.get(f"/gestion/messages?{odd}")
    staff.get("/gestion/messages?vue=sans-echeance")


def test_g06_clerk_closes_a_message_that_needs_no_answer(
    app: Flask, staff: Portal, tenant: Tenant, number: str, mailbox: Mailbox
) -> None:
    page = staff.get(f"/gestion/messages/{number}").form("Clore sans réponse").click()
    assert page.says("ce message est clos") and "Clore sans réponse" not in page.text
    assert tenants_page(tenant, number).says("Clos") and acts(app).count("message_closed") == 1


@pytest.mark.security
def test_g06_pages_of_messages_are_the_offices_alone_and_their_forms_need_a_token(
    app: Flask, a_clerk: Desk, tenant: Tenant, number: str, mailbox: Mailbox, clock: Clock
) -> None:
    where = f"/gestion/messages/{number}"
    forms = {where + below for below in ("/repondre", "/annuler", "/repondu-autrement", "/clore")}
    for address in ("/gestion/messages", where, *forms):
        tenant.browser.get(address, status=404)
    clerk = a_clerk()
    for address in forms:
        assert clerk.get(address).path == where, "the address of a form leads to its page"
        before = staff_state(app, number)
        clerk.http.post(address, data={"body": "x", "channel": "phone", "day": "2026-11-23", "line": "x"})
        assert clerk.http.post(address.replace(number, "M-0000-0000")).status_code == 404
        assert staff_state(app, number) == before
    form = clerk.get(where).form(SEND).fill("Votre réponse", "Votre mot de passe est girafe12")
    form.click(SEND)
    assert form.click(SEND).text.count("••••••") == 1, "pressed twice, and no password is kept"
    assert acts(app).count("message_answered") == 1
    clock.move(seconds=61)
    mailbox.read_all()


def test_g06_answer_by_command_leaves_at_once(
    app: Flask, staff: Portal, tenant: Tenant, number: str, mailbox: Mailbox
) -> None:
    must_run(app, "messages", "answer", number, "-", stdin=ANSWER.encode())
    assert ANSWER in mailbox.read(to=tenant.email).text
    assert RECALL not in staff.get(f"/gestion/messages/{number}").text
