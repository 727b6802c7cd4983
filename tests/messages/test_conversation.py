"""Messages to the landlord: the trouble first, a number at once, never a password."""

import re

import pytest

from tenant_portal.accounts.limited_acts import ACTS, Per
from tenant_portal.db import db
from tenant_portal.messages.conversation import BODY_MAX
from tenant_portal.messages.models import Message, MessageEntry
from tenant_portal.models import Event

from ..support.page_text import plain
from ..support.steps import EMAIL, fill_message, sign_up, write_message

MESSAGES = {per: quota.uses for per, quota in ACTS["message"].limits.items()}
LANDLORD = "contact@habitat-du-val.example"
QUESTION = "Quel est votre problème"
LOST_NUMBER = "Je ne trouve pas ma référence ou mon numéro de module, ou ils sont refusés"
WAITING = (
    "Mon bail est récent : prévenez-moi quand mon contrat apparaîtra (donnez sa référence, le message est facultatif)"
)
ADDRESS = "Mon adresse mail est fausse, ou je n'y ai plus accès"
TROUBLE = "Le site me dit que mes deux numéros ne vont pas ensemble."


def number_on(page):
    return re.search(r"M-[0-9]{4}-[0-9]{4}", page.text)[0]


def text_of(app):
    with app.app_context():
        return db.session.scalars(db.select(MessageEntry.body)).first()


def messages_of(app):
    with app.app_context():
        return list(db.session.scalars(db.select(Message).order_by(Message.id)))


@pytest.mark.every_home
def test_t36_tenant_who_writes_gets_a_number_and_a_delay(portal, mailbox, app):
    page = write_message(portal, body=TROUBLE)
    assert page.path == "/message/envoye" and page.h1 == "Votre message est envoyé"
    number = number_on(page)
    assert page.says(EMAIL) and page.says("au plus tard le mercredi 25 novembre 2026") and page.says("02 41 00 00 00")
    receipt = mailbox.read(to=EMAIL)
    assert number in receipt.text and "au plus tard le mercredi 25 novembre 2026" in plain(receipt.text)
    letter = mailbox.read(to=LANDLORD)
    assert number in letter.subject and TROUBLE in letter.text and EMAIL in letter.text
    assert letter.message["Reply-To"] == EMAIL
    assert [m.number for m in messages_of(app)] == [number]


def test_t36_landlord_reads_where_the_tenant_stands_and_the_stranger_does_not(portal, mailbox, a_contract, app):
    lease = a_contract()
    sign_up(portal, lease, email=EMAIL)
    mailbox.read_all()
    stranger = portal.another_browser()
    known = write_message(stranger, reference=f"L/{lease.reference}", email="autre@free.fr")
    mailbox.read(to="autre@free.fr")
    letter = mailbox.read(to=LANDLORD).text
    assert "Étape à faire" in letter and "9 sur 12" in letter and lease.reference in letter
    unknown = write_message(portal.another_browser(), reference="987654", email="autre@free.fr")
    assert known.text.replace(number_on(known), "") == unknown.text.replace(number_on(unknown), "")
    mailbox.read(to="autre@free.fr")
    assert "Aucune référence connue" in mailbox.read(to=LANDLORD).text
    taken = messages_of(app)
    assert [m.contract_id is not None for m in taken] == [True, False]
    assert [m.reference for m in taken] == [lease.reference, "987654"], "digits only, whatever was typed"


def test_t36_tenant_who_pastes_his_password_has_it_masked_everywhere(portal, mailbox, app):
    secret = "girafe violette"
    body = f"Je n'entre pas. Mon mot de passe : {secret}"
    page = write_message(portal, body=body, email="pas une adresse")
    assert page.faults == ["Vérifiez le format de l'adresse mail. Exemple : nom@domaine.fr"]
    assert secret not in page.response.get_data(as_text=True) and "Je n’entre pas" not in page.faults
    assert "Je n'entre pas" in page.form("J'envoie mon message").value("Votre message")
    page.form("J'envoie mon message").fill("Votre message", body).fill("Votre adresse mail", EMAIL).click()
    mailbox.read(to=EMAIL)
    letter = mailbox.read(to=LANDLORD)
    assert secret not in letter.text + letter.html and "••••••" in letter.text
    assert secret not in text_of(app)


def test_t36_form_asks_for_no_password_and_no_telephone(portal):
    page = portal.get("/message")
    assert page.says("N'écrivez jamais votre mot de passe")
    kinds = {control.get("type") for control in page.tree.cssselect("main input")}
    assert not kinds & {"password", "tel"}


def test_t36_tenant_who_forgets_everything_is_told_what_to_do(portal):
    page = portal.get("/message").form("J'envoie mon message").click()
    assert page.faults == [
        "Choisissez un sujet dans la liste. Sinon, choisissez « Autre chose ».",
        "Écrivez votre message.",
        "Saisissez votre adresse mail.",
    ]
    assert page.title.startswith("Erreur : Laisser un message")


def test_tenant_whose_answer_is_refused_keeps_what_he_typed(portal):
    page = write_message(portal, topic=LOST_NUMBER, body=TROUBLE, reference="12A456", email="lea.martin@orange")
    form = page.form("J'envoie mon message")
    assert (
        form.error("Votre référence contrat")
        == "La référence contrat contient seulement des chiffres. Exemple : 123456"
    )
    assert form.error("Votre adresse mail") == "Vérifiez le format de l'adresse mail. Exemple : nom@domaine.fr"
    assert form.value(QUESTION) == LOST_NUMBER and form.value("Votre message") == TROUBLE
    assert form.value("Votre référence contrat") == "12A456" and form.value("Votre adresse mail") == "lea.martin@orange"


def test_tenant_who_writes_a_novel_is_asked_to_shorten_it(portal, mailbox):
    page = write_message(portal, body="à" * (BODY_MAX + 1))
    assert page.faults == ["Votre message compte 4001 caractères. Raccourcissez-le à 4000 caractères au plus."]
    assert write_message(portal, body="à" * BODY_MAX).path == "/message/envoye"
    mailbox.read_all()


def test_t05_tenant_whose_contract_is_not_known_yet_asks_to_be_told(portal, mailbox, app):
    form = portal.get("/message?sujet=attente").form("J'envoie mon message")
    assert form.value(QUESTION) == WAITING
    page = form.fill("Votre adresse mail", EMAIL).click()
    assert page.faults == ["Saisissez la référence de votre contrat : c'est elle que nous attendons."]
    page = page.form("J'envoie mon message").fill("Votre référence contrat", "L / 765 432").click()
    assert page.says("Nous vous écrirons dès que votre contrat apparaîtra")
    assert "dès que votre contrat apparaîtra" in mailbox.read(to=EMAIL).text
    assert "il veut être prévenu" in mailbox.read(to=LANDLORD).text
    (message,) = messages_of(app)
    assert (message.topic, message.reference, message.email, message.told_at) == ("waiting", "765432", EMAIL, None)


@pytest.mark.parametrize(
    ("subject", "chosen"),
    [
        ("numero", LOST_NUMBER),
        ("adresse", ADDRESS),
        ("choix", "Changer mes choix"),
        ("number", ""),
        ("<script>", ""),
        ("", ""),
    ],
)
def test_t03_link_chooses_the_trouble_and_nothing_else(portal, subject, chosen):
    form = portal.get("/message?email=x@y.fr&body=Bonjour&sujet=" + subject).form("J'envoie mon message")
    assert form.value(QUESTION) == chosen
    assert form.value("Votre adresse mail") == "" and form.value("Votre message") == ""


@pytest.mark.every_home
def test_t07_tenant_who_signs_up_does_not_type_his_address_again(portal, mailbox, a_contract):
    lease = a_contract()
    sign_up(portal, lease, email=EMAIL)
    mailbox.read_all()
    form = portal.get("/message").form("J'envoie mon message")
    assert form.value("Votre adresse mail") == EMAIL and form.value("Votre référence contrat") == lease.reference
    assert portal.get("/message?sujet=adresse").form("J'envoie mon message").value("Votre adresse mail") == ""


@pytest.mark.every_home
def test_tenant_at_home_does_not_type_what_we_know(an_account):
    tenant = an_account()
    page = tenant.browser.get("/message?sujet=adresse")
    form = page.form("J'envoie mon message")
    assert page.path == "/espace/messages/nouveau" and form.value("De quoi s'agit-il") == ADDRESS
    assert form.value("La référence du contrat concerné") == tenant.lease.reference
    assert not page.tree.cssselect("main input[type=email]")


def test_t38_tenant_who_sends_twice_gets_one_number_and_one_mail(portal, mailbox, app, clock):
    form = fill_message(portal)
    number = number_on(form.click())
    assert number_on(form.click()) == number
    assert len(mailbox.read_all()) == 2 and len(messages_of(app)) == 1
    clock.move(minutes=3)
    assert number_on(form.click()) != number
    assert len(mailbox.read_all()) == 2


def test_stranger_who_floods_is_stopped_with_a_kind_sentence(portal, mailbox, app, clock):
    for turn in range(MESSAGES[Per.ORIGIN]):
        write_message(portal, body=f"message {turn}", email=f"autre{turn}@free.fr")
    page = write_message(portal, body="un de trop", status=429)
    assert page.says("votre message n'est pas parti") and page.says("02 41 00 00 00")
    assert page.response.headers["Retry-After"] == "3600"
    assert page.form("J'envoie mon message").value("Votre message") == "un de trop"
    assert page.title.startswith("Erreur : ")
    assert len(messages_of(app)) == MESSAGES[Per.ORIGIN]
    clock.move(hours=1, minutes=1)
    assert write_message(portal, body="me revoilà").path == "/message/envoye"
    mailbox.read_all()


def test_nobody_reads_the_number_of_another(portal, mailbox):
    write_message(portal)
    mailbox.read_all()
    assert portal.another_browser().get("/message/envoye").path == "/message"


def test_message_leaves_one_line_in_the_journal(portal, mailbox, a_contract, app):
    lease = a_contract()
    write_message(portal, topic=LOST_NUMBER, body=TROUBLE, reference=lease.reference)
    mailbox.read_all()
    with app.app_context():
        event = db.session.scalars(db.select(Event).where(Event.name == "message_written")).one()
        assert event.step == 2 and event.contract_id is not None
        assert EMAIL not in event.detail and TROUBLE not in event.detail


def test_text_of_any_kind_arrives_as_text(portal, mailbox, app):
    page = fill_message(portal).page
    token = page.tree.xpath("//main//input[@name='csrf_token']/@value")[0]
    body = 'Bonjour,\n<b>O\'Neil & {{ 7*7 }} %(name)s "é" \x00\x07</b>\r\nBcc: x@y.fr'
    answers = [("csrf_token", token), ("topic", "other"), ("body", body), ("reference", ""), ("email", EMAIL)]
    assert portal.submit(page, "post", "", answers, 200).path == "/message/envoye"
    mailbox.read(to=EMAIL)
    letter = mailbox.read(to=LANDLORD)
    assert "{{ 7*7 }} %(name)s" in letter.text and "&lt;b&gt;O&#39;Neil" in letter.html
    assert letter.recipients == [LANDLORD] and letter.message["Bcc"] is None
    assert "\x00" not in text_of(app) and "\r" not in text_of(app)
