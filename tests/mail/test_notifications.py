"""What each mail says and how it is made (U39-U42)."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parseaddr, parsedate_to_datetime
from functools import partial
from typing import Any

import pytest
from flask import Flask
from lxml import html
from sqlalchemy import delete, select

from tenant_portal.accounts import registration
from tenant_portal.accounts.email_change import EmailChange
from tenant_portal.accounts.freezing import Freezer, Undone
from tenant_portal.accounts.signed_links import Handover
from tenant_portal.db import begin_write, db, utcnow
from tenant_portal.mail import contents, landlord_mails, notifications, outbox, rendering, security_mails
from tenant_portal.mail.notifications import OfficeWord
from tenant_portal.messages.models import Author, Message, MessageEntry
from tenant_portal.models import Account, ConsentPurpose, Contract
from tenant_portal.models import Mail as MailRow

from ..support.page_text import plain, visible_text
from ..support.post import Mail, PostOffice

LINK = "https://espace.habitat-du-val.example/activation/" + "jeton-" * 20
OTHER_LINK = "https://espace.habitat-du-val.example/inscription"
#: 18:30 in Paris.
UNTIL = datetime(2026, 11, 25, 17, 30, tzinfo=UTC)

#: A choice that the office noted.
NOTICES = {"purpose": "e_notice", "month": "2026-12-01"}


class Desk:
    """Writes mails for one tenant."""

    def __init__(self, app: Flask, office: PostOffice) -> None:
        self.app, self.office = app, office

    def send(self, write: Callable[[Account, Contract, Message], None], **choices: bool) -> Mail:
        """Write one mail and return what arrived."""
        with self.app.app_context():
            account, contract, message = _tenant(**choices)
            write(account, contract, message)
            db.session.commit()
            assert outbox.deliver_due().sent == 1
        return self.office.mails[-1]


@pytest.fixture
def desk(app: Flask, post_office: PostOffice) -> Desk:
    return Desk(app, post_office)


def _tenant(*, direct_debit: bool = True, e_notice: bool = False) -> tuple[Account, Contract, Message]:
    begin_write()
    contract = Contract(reference="0123456", module="12345678", title="M.", last_name="O'Neil <b>")
    contract.is_direct_debit, contract.email = direct_debit, "ancienne@free.fr"
    db.session.add(contract)
    db.session.commit()
    choices = {ConsentPurpose.E_NOTICE: e_notice, ConsentPurpose.COMMERCIAL: False, ConsentPurpose.GENERAL: True}
    submission = registration.Submission(email="elodie@orange.fr", choices=choices)
    signed = registration.sign_up(contract, submission, password="girafe", language="fr")
    text = "Bonjour,\n\n<b>rien</b> reçu !"
    message = Message(
        number="M-0123-4567",
        topic="mail",
        email="elodie@orange.fr",
        due_on=date(2026, 11, 25),
        entries=[MessageEntry(author=Author.TENANT, body=text)],
    )
    db.session.add(message)
    db.session.flush()
    assert signed.account is not None
    return signed.account, contract, message


def _closed(account: Account, write: Callable[[], None]) -> None:
    account.closed_at = UNTIL
    write()


def _released(account: Account, contract: Contract, write: Callable[[], None]) -> None:
    contract.account = None
    _closed(account, write)


def _finished(account: Account, write: Callable[[], None]) -> None:
    account.completed_at = UNTIL
    write()


def _noted(account: Account, contract: Contract, act: str, **facts: str) -> None:
    write = partial(notifications.office_acted, account, contract, by_office=OfficeWord(act), **facts)
    _finished(account, write)


def _frozen(account: Account, by: Freezer, write: Callable[[], None]) -> None:
    account.frozen_at, account.frozen_by = UNTIL, by
    write()


def _replied(message: Message, author: Author, write: Callable[[], None]) -> None:
    message.entries.append(MessageEntry(author=author, body="Voici.\n\n- <b>un</b>\n- deux"))
    write()


def _at_home(account: Account, message: Message, write: Callable[[], None]) -> None:
    account.completed_at, message.account = UNTIL, account
    _replied(message, Author.OFFICE, write)


def _about_choices(message: Message, write: Callable[[], None]) -> None:
    message.topic = "choices"
    write()


def _wish(account: Account) -> EmailChange:
    return EmailChange(account=account, old_email=account.email, new_email="marc@free.fr", created_at=UNTIL)


def _offices(account: Account, *, at_counter: bool = False) -> EmailChange:
    change = _wish(account)
    change.counts_at = UNTIL if at_counter else UNTIL + timedelta(hours=24)
    return change


def _done(account: Account) -> EmailChange:
    change = _wish(account)
    change.confirmed_at, account.email = utcnow(), change.new_email
    db.session.add(change)
    return change


WRITERS: dict[str, Callable[[Account, Contract, Message], None]] = {
    "activation": lambda a, c, m: notifications.activation(a, c, link=LINK, until=UNTIL),
    "activation, asked for a new password": lambda a, c, m: notifications.activation(
        a, c, link=LINK, until=UNTIL, signup_link=OTHER_LINK
    ),
    "activation, at an address with an account": lambda a, c, m: notifications.activation(
        a, c, link=LINK, until=UNTIL, join_link=OTHER_LINK
    ),
    "already_registered": lambda a, c, m: notifications.already_registered(
        a, c, login_link=LINK, reset_link=OTHER_LINK
    ),
    "already_registered, closed": lambda a, c, m: _closed(
        a, lambda: notifications.already_registered(a, c, login_link=LINK, reset_link=OTHER_LINK)
    ),
    "already_registered, frozen": lambda a, c, m: _frozen(
        a, Freezer.TENANT, lambda: notifications.already_registered(a, c, login_link=LINK, reset_link=OTHER_LINK)
    ),
    "account_closed": lambda a, c, m: _closed(
        a, lambda: notifications.account_closed(a, c, link=LINK, reset_link=OTHER_LINK)
    ),
    "account_closed, nobody came": lambda a, c, m: _closed(
        a, lambda: notifications.account_closed(a, c, link=LINK, reset_link=OTHER_LINK, is_idle=True)
    ),
    "account_reopened": lambda a, c, m: notifications.account_reopened(a, c),
    "contract_taken": lambda a, c, m: notifications.contract_taken("marc@free.fr", c, message_link=LINK),
    "welcome": lambda a, c, m: notifications.welcome(a, c, link=LINK),
    "reset": lambda a, c, m: notifications.reset(a, c, link=LINK, until=UNTIL),
    "password_changed": lambda a, c, m: notifications.password_changed(a, c),
    "staff_invitation": lambda a, c, m: landlord_mails.staff_invitation(a.email, link=LINK, until=UNTIL),
    "staff_reset": lambda a, c, m: landlord_mails.staff_reset(a.email, link=LINK, until=UNTIL),
    **{
        f"staff_changed, {what}": lambda a, c, m, what=what: landlord_mails.staff_changed(a.email, what=what, left=1)
        for what in ("password", "reset", "recovery", "tries", "codes")
    },
    "password_changed, no contract": lambda a, c, m: notifications.password_changed(a, None),
    "email_change": lambda a, c, m: notifications.email_change(_wish(a), c, link=LINK, until=UNTIL),
    "email_change_asked": lambda a, c, m: notifications.email_change_asked(_wish(a), c),
    "email_changed, to the former address": lambda a, c, m: notifications.email_changed(
        _done(a), c, address="elodie@orange.fr"
    ),
    "email_changed, to the new address": lambda a, c, m: notifications.email_changed(
        _done(a), c, address="marc@free.fr"
    ),
    "email_changed, asked for by the office": lambda a, c, m: notifications.email_changed(
        _done(a), c, address="marc@free.fr", link=LINK
    ),
    "office_email_change": lambda a, c, m: notifications.office_email_change(_offices(a), c, link=LINK, until=UNTIL),
    "office_email_change, at the counter": lambda a, c, m: notifications.office_email_change(
        _offices(a, at_counter=True), c, link=LINK, until=UNTIL
    ),
    "email_change_undone": lambda a, c, m: notifications.email_change_undone(a, c, address="marc@free.fr"),
    "account_created": lambda a, c, m: notifications.account_created(a, c),
    "account_created, joined": lambda a, c, m: notifications.account_created(a, c, is_joined=True),
    "account_frozen": lambda a, c, m: _frozen(a, Freezer.TENANT, lambda: notifications.account_frozen(a, c)),
    "account_frozen, disputed": lambda a, c, m: _frozen(a, Freezer.ROSTER, lambda: notifications.account_frozen(a, c)),
    "account_thawed": lambda a, c, m: notifications.account_thawed(a, c),
    "account_disputed": lambda a, c, m: landlord_mails.account_disputed(
        a, Contract(reference="0777111"), Undone("marc@free.fr", True), by=Freezer.TENANT, standing_text="Que faire ?"
    ),
    "account_disputed, by the address of the roster": lambda a, c, m: landlord_mails.account_disputed(
        a, Contract(reference="0777111"), Undone(None, False), by=Freezer.ROSTER, standing_text="Que faire ?"
    ),
    "contract_joined": lambda a, c, m: notifications.contract_joined(a, c, link=LINK),
    "handover": lambda a, c, m: notifications.handover(Handover(c, a), address=a.email, link=LINK, until=UNTIL),
    "contract_handed_over": lambda a, c, m: notifications.contract_handed_over(a, c, is_emptied=False),
    "contract_handed_over, the last": lambda a, c, m: _closed(
        a, lambda: notifications.contract_handed_over(a, c, is_emptied=True)
    ),
    "contract_released": lambda a, c, m: notifications.contract_released(a, c),
    "contract_released, from a frozen account": lambda a, c, m: _frozen(
        a, Freezer.ROSTER, lambda: notifications.contract_released(a, c)
    ),
    "contract_released, the last": lambda a, c, m: _released(a, c, lambda: notifications.contract_released(a, c)),
    "e_notice_changed": lambda a, c, m: notifications.e_notice_changed(
        a, [(c, True)], month=date(2026, 12, 1), link=LINK
    ),
    "e_notice_changed, two contracts on paper": lambda a, c, m: notifications.e_notice_changed(
        a,
        [(c, False), (Contract(reference="0777456", is_direct_debit=False), True)],
        month=date(2026, 10, 1),
        link=LINK,
    ),
    "office_acted": lambda a, c, m: _finished(
        a, lambda: notifications.office_acted(a, c, by_office=OfficeWord("delay_lifted", "À <b>lundi</b>."))
    ),
    "office_acted, an account without password": lambda a, c, m: _finished(
        a, lambda: notifications.office_acted(a, c, by_office=OfficeWord("reattached"), link=LINK)
    ),
    "office_acted, another address": lambda a, c, m: _noted(
        a, c, "address_asked", address=a.email, counts_at=UNTIL.isoformat()
    ),
    "office_acted, another address at the counter": lambda a, c, m: _noted(
        a, c, "address_asked", address=a.email, counts_at=""
    ),
    "office_acted, a choice about notices": lambda a, c, m: _noted(
        a, c, "choice_noted", link=LINK, **NOTICES, answer="yes", waits=""
    ),
    "office_acted, a choice that waits": lambda a, c, m: _noted(
        a, c, "choice_noted", link=LINK, **NOTICES, answer="yes", waits="yes"
    ),
    "office_acted, a choice about news": lambda a, c, m: _noted(
        a, c, "choice_noted", link=LINK, purpose="general", answer="yes", unsubscribe=OTHER_LINK
    ),
    "activation, from the office": lambda a, c, m: notifications.activation(
        a, c, link=LINK, until=UNTIL, by_office=OfficeWord("activation_corrected", "À lundi.")
    ),
    "reset, from the office": lambda a, c, m: notifications.reset(
        a, c, link=LINK, until=UNTIL, by_office=OfficeWord("reset_sent", "À lundi.")
    ),
    "account_frozen, from the office": lambda a, c, m: _frozen(
        a, Freezer.STAFF, lambda: notifications.account_frozen(a, c, by_office=OfficeWord("frozen", "À lundi."))
    ),
    "account_thawed, from the office": lambda a, c, m: notifications.account_thawed(
        a, c, by_office=OfficeWord("thawed", "À lundi.")
    ),
    "new_device": lambda a, c, m: notifications.new_device(a, c, device_name="Firefox, Android", link=LINK),
    "new_device, without a name": lambda a, c, m: notifications.new_device(a, c, device_name="", link=LINK),
    "attempts": lambda a, c, m: notifications.attempts(a, c, link=LINK),
    "message_received": lambda a, c, m: notifications.message_received(m),
    "message_to_landlord, once more": lambda a, c, m: _replied(
        m, Author.TENANT, lambda: landlord_mails.message_to_landlord(m, standing_text="")
    ),
    "message_to_landlord, about choices": lambda a, c, m: _about_choices(
        m, lambda: landlord_mails.message_to_landlord(m, standing_text="")
    ),
    "message_answered": lambda a, c, m: _replied(
        m, Author.OFFICE, lambda: notifications.message_answered(m, link=LINK)
    ),
    "message_answered, at home": lambda a, c, m: _at_home(a, m, lambda: notifications.message_answered(m, link=LINK)),
    "contract_ready": lambda a, c, m: notifications.contract_ready(m, c, link=LINK, join_link=OTHER_LINK),
    "contract_ready, at home": lambda a, c, m: _at_home(
        a, m, lambda: notifications.contract_ready(m, c, link=LINK, join_link=OTHER_LINK)
    ),
    "data_copied": lambda a, c, m: notifications.data_copied(a, c),
    "data_copied, by the office": lambda a, c, m: notifications.data_copied(a, c, given="account"),
    "data_copied, to another holder": lambda a, c, m: notifications.data_copied(a, c, given="contract"),
    "documents_ending": lambda a, c, m: notifications.documents_ending(
        a, c, ended_on=date(2023, 11, 30), kept_until=date(2026, 11, 30), link=LINK, ends_account=True
    ),
    "documents_ending, another lease runs": lambda a, c, m: notifications.documents_ending(
        a, c, ended_on=date(2023, 11, 30), kept_until=date(2026, 11, 30), link=LINK, ends_account=False
    ),
    "receipt_published": lambda a, c, m: notifications.receipt_published(
        a, c, period=date(2026, 10, 1), link=LINK, is_correction=False
    ),
    "receipt_published, corrected": lambda a, c, m: notifications.receipt_published(
        a, c, period=date(2026, 10, 1), link=LINK, is_correction=True
    ),
    "notice_published": lambda a, c, m: notifications.notice_published(
        a, c, period=date(2026, 10, 1), link=LINK, is_correction=False
    ),
    "notice_published, corrected": lambda a, c, m: notifications.notice_published(
        a, c, period=date(2026, 11, 1), link=LINK, is_correction=True
    ),
    "message_to_landlord": lambda a, c, m: landlord_mails.message_to_landlord(
        m, standing_text="Étape à faire : 9 sur 12.\n[x] 1"
    ),
}
#: They tell of nothing that somebody may have done in a tenant's name.
NO_ALARM = {
    "account_disputed",  # to the landlord
    "account_frozen",  # the alarm was given
    "activation",  # nothing stands yet
    "contract_ready",
    "contract_released",  # the office did it
    "contract_taken",  # to whoever typed another address
    "email_change",  # to an address that is none of the account's yet
    "email_change_undone",  # to an address that is none of the account's any more
    "handover",  # who ignores it keeps his contract
    "documents_ending",  # the lease is over
    "message_answered",
    "office_email_change",  # to an address that is none of the account's yet
    "message_received",
    "message_to_landlord",
    "notice_published",
    "receipt_published",
    "reset",  # nothing has changed; anybody may ask
    "staff_changed",  # to the landlord's own people
    "staff_invitation",
    "staff_reset",
    "welcome",  # what he has just done himself
}
every_mail = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())


def test_no_kind_of_mail_keeps_a_link_or_what_was_typed_once_it_has_left(app: Flask) -> None:
    with app.app_context():
        for name, write in WRITERS.items():
            write(*_tenant())
            db.session.flush()
            row = db.session.scalars(select(MailRow).order_by(MailRow.id.desc()).limit(1)).one()
            content = contents.kept(row.kind, row.content)
            letter = rendering.as_seen(row)
            assert not re.search(r"://|jeton|ce-nest-pas-moi|rien</b>", str(content)), name
            assert (letter is None) == (content is None) == (row.recipient == "contact@habitat-du-val.example"), name
            assert letter is None or not re.search(r"jeton|/ce-nest-pas-moi/", letter.text), name
            assert (
                letter is None
                or letter.subject
                and (contents.BLACKED in letter.text) == (contents.BLACKED in str(content))
            ), name
            db.session.rollback()
            begin_write()
            db.session.execute(delete(Contract))
            db.session.commit()


def _words(text: str) -> list[str]:
    return re.sub(r"[:,.;!?()«»]+(?=\s|$)|(?<=\s)[(«]", " ", plain(text)).split()


@every_mail
def test_every_mail_says_the_same_in_text_and_in_html_who_and_how_to_get_help_and_no_secret(
    desk: Desk, write: Any
) -> None:
    letter = desk.send(write)
    body = html.document_fromstring(letter.html).body
    assert _words(visible_text(body)) == _words(letter.text)
    is_to_tenant = letter.to != "contact@habitat-du-val.example"
    assert not is_to_tenant or not letter.complaints()
    for text in (letter.text, letter.html, letter.subject):
        assert not re.search("123456|girafe|€", text), "a secret, a whole reference or an amount"
    assert letter.text.startswith("Habitat du Val\n") and letter.subject and "\n" not in letter.subject
    if is_to_tenant:
        ending = plain(letter.text).rpartition("Besoin d'aide ?")[2]
        assert "02 41 00 00 00" in ending and "contact@habitat-du-val.example" in ending and "9 h à 17 h" in ending


@every_mail
def test_every_mail_program_can_read_each_mail(desk: Desk, write: Any) -> None:
    letter = desk.send(write)
    assert letter.raw.isascii()
    assert max(len(line) for line in letter.raw.split(b"\r\n")) <= 998 and letter.raw.count(b"\n") == letter.raw.count(
        b"\r\n"
    )
    parsed = message_from_bytes(letter.raw, policy=policy.SMTP)
    assert not [part.defects for part in parsed.walk() if part.defects]
    assert not [value.defects for value in parsed.values() if getattr(value, "defects", ())]
    assert [part.get_content_type() for part in parsed.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert {part["Content-Transfer-Encoding"] for part in parsed.iter_parts()} == {"quoted-printable"}
    assert all(len(parsed.get_all(name, [])) == 1 for name in ("From", "To", "Subject", "Date", "Message-ID"))
    is_a_persons = parsed["Reply-To"] is not None
    assert (parsed["Auto-Submitted"], parsed["X-Auto-Response-Suppress"]) == (
        (None, None) if is_a_persons else ("auto-generated", "All")
    )
    assert parsed["Content-Language"] == "fr" and html.document_fromstring(letter.html).get("lang") == "fr"
    assert "Habitat du Val" in str(parsed["From"]) and "contact@habitat-du-val.example" in str(parsed["From"])
    with desk.app.app_context():
        row = db.session.scalars(select(MailRow)).one()
        assert parsed["Message-ID"] == row.message_id and row.message_id.endswith("@habitat-du-val.example>")
        assert abs((parsedate_to_datetime(str(parsed["Date"])) - row.created_at).total_seconds()) < 1


def test_activation_mail_says_who_what_until_when_and_what_if_it_was_not_you(desk: Desk) -> None:
    letter = desk.send(WRITERS["activation"])
    text = plain(letter.text)
    assert letter.subject == "Activez votre compte locataire"
    assert letter.link == LINK and letter.to == "elodie@orange.fr"
    order = [
        "Étape 9 sur 12",
        "Vous avez demandé un compte locataire pour le contrat dont la référence se termine par 456.",
        "Pour l'activer, cliquez sur ce lien avant le mercredi 25 novembre à 18 h 30.",
        LINK,
        "Ensuite, connectez-vous avec votre référence contrat et votre mot de passe.",
        "Vous n'avez rien demandé ? Ignorez cet e-mail.",
        "Besoin d'aide ?",
    ]
    places = [plain(text).find(plain(part)) for part in order]
    assert -1 not in places and places == sorted(places)
    page = html.document_fromstring(letter.html)
    assert page.xpath("//td[@bgcolor]/a/@href") == letter.whole_links and visible_text(page.body).count(LINK) == 1
    assert not page.xpath("//img|//script|//link|//style")


def test_t17_tenant_who_never_activated_learns_how_to_choose_another_password(desk: Desk) -> None:
    letter = desk.send(WRITERS["activation, asked for a new password"])
    assert letter.links == [LINK, OTHER_LINK]
    assert "pas encore activé" in plain(letter.text) and "Inscrivez-vous à nouveau" in letter.text


def test_t13_owner_and_stranger_are_told_apart(desk: Desk) -> None:
    owner = desk.send(WRITERS["already_registered"])
    assert owner.subject == "Vous avez déjà un compte locataire" and owner.links[:2] == [LINK, OTHER_LINK]


def test_t35_owner_of_a_closed_account_learns_until_when_and_how_he_can_come_back(desk: Desk) -> None:
    closed = desk.send(WRITERS["account_closed"])
    text = plain(closed.text)
    assert closed.subject == "Votre compte locataire est fermé" and closed.links[:2] == [LINK, OTHER_LINK]
    assert "est fermé depuis le mercredi 25 novembre à 18 h 30." in text
    assert "avant le mercredi 9 décembre à 18 h 30" in text
    assert text.index(plain(OTHER_LINK)) < text.index("Ce n'est pas vous ?")


def test_t13_who_typed_another_address_sees_no_address(desk: Desk) -> None:
    stranger = desk.send(WRITERS["contract_taken"])
    assert stranger.to == "marc@free.fr" and stranger.link == LINK
    assert stranger.subject == "Ce contrat a déjà un compte" and "elodie" not in stranger.text + stranger.html


@pytest.mark.parametrize("kind", ["email_change_asked", "email_changed, to the former address"])
def test_f03_former_address_can_say_not_me_and_never_reads_the_new_one(desk: Desk, kind: str) -> None:
    letter = desk.send(WRITERS[kind])
    assert letter.links == [letter.link_not_me] and "marc" not in letter.text + letter.html
    assert "Ce n'est pas vous ? Dites « Ce n'est pas moi » avant le" in plain(letter.text)


@every_mail
def test_h07_every_security_mail_holds_the_link_not_me_and_no_other_mail_does(
    desk: Desk, write: Any, request: pytest.FixtureRequest
) -> None:
    letter = desk.send(write)
    with desk.app.app_context():
        kind = db.session.scalars(select(MailRow.kind)).one()
    assert (kind in security_mails.SECURITY_MAILS) is not (kind in NO_ALARM), "each mail is one of the two"
    links = [link for link in letter.links if "/ce-nest-pas-moi/" in link]
    is_emptied = request.node.callspec.id == "contract_handed_over, the last"  # nothing is left to freeze
    assert len(links) == (kind in security_mails.SECURITY_MAILS and not is_emptied)


def test_t21_owner_is_told_that_several_tries_failed(desk: Desk) -> None:
    letter = desk.send(WRITERS["attempts"])
    assert letter.subject == "Plusieurs essais ont échoué" and letter.link == LINK


@pytest.mark.parametrize(
    ("direct_debit", "e_notice", "is_told"), [(False, True, True), (True, True, False), (False, False, False)]
)
def test_t22_welcome_mail_tells_that_notices_stay_on_paper(
    desk: Desk, direct_debit: bool, e_notice: bool, is_told: bool
) -> None:
    letter = desk.send(WRITERS["welcome"], direct_debit=direct_debit, e_notice=e_notice)
    sentence = "Votre contrat n'est pas en prélèvement automatique : vos avis continuent d'arriver par courrier."
    assert (plain(sentence) in plain(letter.text)) is is_told
    assert "Vous pouvez changer vos trois choix à tout moment" in plain(letter.text)


def test_t36_tenant_gets_the_number_and_the_delay(desk: Desk) -> None:
    text = plain(desk.send(WRITERS["message_received"]).text)
    assert "M-0123-4567" in text and "au plus tard le mercredi 25 novembre 2026" in text


def test_t05_tenant_who_waits_is_told_that_we_write(desk: Desk) -> None:
    def write(account: Account, contract: Contract, message: Message) -> None:
        message.due_on = None
        notifications.message_received(message)

    assert "dès que votre contrat apparaîtra" in plain(desk.send(write).text)


def test_t36_landlord_answers_the_tenant_and_sees_where_he_stands(desk: Desk) -> None:
    letter = desk.send(WRITERS["message_to_landlord"])
    assert letter.to == "contact@habitat-du-val.example" and letter.message["Reply-To"] == "elodie@orange.fr"
    assert "Étape à faire : 9 sur 12.\n[x] 1" in letter.text and "<b>rien</b> reçu !" in letter.text
    assert "il n'a pas reçu l'e-mail d'activation" in plain(letter.text)
    assert "&lt;b&gt;rien&lt;/b&gt;" in letter.html and "<b>rien</b>" not in letter.html


def test_u31_words_of_a_tenant_are_no_template(desk: Desk) -> None:
    def write(account: Account, contract: Contract, message: Message) -> None:
        message.entries[0].body = "{{ 7*7 }} %(number)s {% raw %}"
        landlord_mails.message_to_landlord(message, standing_text="")

    assert "{{ 7*7 }} %(number)s {% raw %}" in desk.send(write).text


def test_line_breaks_cannot_begin_a_header(make_app: Any, post_office: PostOffice) -> None:
    desk = Desk(make_app(PORTAL_LANDLORD_NAME="Habitat\r\nBcc: a@evil.example\x0b du Val"), post_office)

    def write(account: Account, contract: Contract, message: Message) -> None:
        message.number = "M\r\nBcc: b@x.io\n\u2028y"
        landlord_mails.message_to_landlord(message, standing_text="\r\n.\r\nMAIL FROM:<c@evil.example>")

    letter = desk.send(write)
    assert letter.recipients == ["contact@habitat-du-val.example"] and len(post_office.mails) == 1
    assert letter.message["Bcc"] is None and not letter.message.defects


@pytest.mark.parametrize(
    "address", ["a@b.fr\r\nBcc: c@evil.example", "a@b.fr, c@evil.example", "a b@c.fr", "é@c.fr", "a"]
)
def test_an_address_that_is_none_reaches_nobody(app: Flask, post_office: PostOffice, address: str) -> None:
    with app.app_context():
        begin_write()
        account, contract, _ = _tenant()
        outbox.put("reset", address, content={"digits": "1", "link": LINK, "until": UNTIL.isoformat()})
        db.session.commit()
        assert outbox.deliver_due().failed == 1
    assert not post_office.mails


@pytest.mark.parametrize(
    "name",
    [
        "Habitat du Val",
        'SA « L\'Été », "HLM" (siège) ; agence\\nord',
        "Office public de l'habitat, de la métropole de l'Île-de-France et de la Côte-d'Or, agence du Châtelet",
        "Office, " * 14 + "fin",
        "x" * 120,
        "=?utf-8?q?Autre?=",
    ],
)
def test_landlord_of_any_name_stands_as_the_sender(make_app: Any, post_office: PostOffice, name: str) -> None:
    letter = Desk(make_app(PORTAL_LANDLORD_NAME=name), post_office).send(WRITERS["activation"])
    raw_from = message_from_bytes(letter.raw)["From"]
    encoded, address = parseaddr(raw_from.replace("\r\n", ""))
    assert address == "contact@habitat-du-val.example"
    assert str(make_header(decode_header(encoded))) == name
    assert len(message_from_bytes(letter.raw, policy=policy.SMTP)["From"].addresses) == 1


def test_tenant_at_a_domain_with_accents_is_reached_by_its_ascii_name(app: Flask, post_office: PostOffice) -> None:
    with app.app_context():
        begin_write()
        outbox.put("reset", "jean@hôtel.example", content={"digits": "1", "link": LINK, "until": UNTIL.isoformat()})
        db.session.commit()
        assert outbox.deliver_due().sent == 1
    assert post_office.mails[0].recipients == ["jean@xn--htel-vqa.example"]


def test_each_mail_is_rendered_in_the_language_of_its_row(app: Flask, post_office: PostOffice) -> None:
    with app.app_context():
        begin_write()
        content = {"digits": "456", "link": LINK, "until": UNTIL.isoformat()}
        outbox.put("reset", "a@b.example", language="en", content=content)
        db.session.commit()
        assert outbox.deliver_due().sent == 1
    letter = post_office.mails[0]
    assert letter.message["Content-Language"] == "en" and 'lang="en"' in letter.html
    assert "Wednesday 25 November at 18:30" in letter.text


@pytest.mark.parametrize(("colour", "ink"), [("#1d5c63", "#ffffff"), ("#ffe600", "#000000"), ("#b4552d", "#ffffff")])
def test_the_button_is_readable_in_any_colour_of_the_landlord(
    make_app: Any, post_office: PostOffice, colour: str, ink: str
) -> None:
    letter = Desk(make_app(PORTAL_BRAND_COLOUR=colour), post_office).send(WRITERS["activation"])
    button = html.document_fromstring(letter.html).xpath("//td[@bgcolor]/a")[0]
    assert f"color:{ink}" in button.get("style")


def test_the_same_mail_has_the_same_headers_each_time(app: Flask) -> None:
    def headers(row: MailRow) -> list[tuple[str, str]]:
        found: Iterator[tuple[str, str]] = iter(message_from_bytes(rendering.compose(row).as_bytes()).items())
        return [(name, value) for name, value in found if name != "Content-Type"]

    with app.app_context():
        account, contract, _ = _tenant()
        notifications.activation(account, contract, link=LINK, until=UNTIL)
        db.session.commit()
        row = db.session.scalars(select(MailRow)).one()
        assert headers(row) == headers(row)


def test_nobodys_mail_is_written_like_any_other(app: Flask, post_office: PostOffice) -> None:
    with app.app_context():
        begin_write()
        notifications.reset(None, None, link="", until=utcnow())
        notifications.attempts(None, None, link=LINK)
        db.session.commit()
        assert [row.recipient for row in db.session.scalars(select(MailRow))] == ["", ""]
        outbox.deliver_due()
        assert {(row.state, row.content) for row in db.session.scalars(select(MailRow))} == {("nobody", None)}
    assert not post_office.mails
