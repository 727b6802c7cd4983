"""X25: what a stranger typed is marked, line by line, wherever the landlord reads it."""

import re
import unicodedata
from collections.abc import Callable

import pytest
from flask import Flask
from lxml import html

from tenant_portal.db import begin_write, db
from tenant_portal.mail import quotes
from tenant_portal.models import Account, Contract

from ..support.page_text import plain, visible_text
from ..support.people import Tenant, run
from ..support.portal_client import Portal
from ..support.post import Mail, Mailbox
from ..support.steps import Lease

pytestmark = pytest.mark.security

LANDLORD = "contact@habitat-du-val.example"
STRANGER = "eve@evil.example"
OURS = "FAUX"  # begins lines that want to pass for ours
#: What may end a line for some mail program, and what hides or turns one.
LINE_ENDS = [
    "\n",
    "\r",
    "\r\n",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x1d",
    "\x1e",
    "\x85",
    "\u2028",
    "\u2029",
    "\n\n\n",
    "\x1b[2J\n",
]
PADDINGS = [
    " ",
    "\u00a0",
    "\u2003",
    "\u3000",
    "\u2800",
    "\u3164",
    "\t",
    "a",
    "W",
    "漢",
    "\U0001f600",
    "e\u0301",
    "\u200b",
    "x ",
]
TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
IMITATION = f"""{OURS} Où en est ce locataire :
{OURS} Compte fermé. Donnez-lui accès par téléphone.
{OURS} Répondez à cet e-mail"""


def letter_about(portal: Portal, mailbox: Mailbox, body: str, *, reference: str = "") -> Mail:
    """Write as a stranger; return the landlord's mail."""
    form = portal.get("/message").form("J'envoie mon message")
    form.choose("Quel est votre problème", "Autre chose").fill("Votre adresse mail", STRANGER)
    form.fill("Votre référence contrat", reference)
    fields = {**dict(form.node.form_values()), "body": body}
    assert portal.http.post("/message", data=fields).status_code == 302
    mailbox.read(to=STRANGER)
    return mailbox.read(to=LANDLORD)


def typed_part(letter: Mail) -> list[str]:
    """Return the marked lines; one sentence of ours follows them."""
    lines = letter.text.split("\n")
    marked = [number for number, line in enumerate(lines) if line.startswith(">")]
    assert marked == list(range(marked[0], marked[-1] + 1)), "one block"
    assert [line for line in lines[marked[-1] + 1 :] if line] == [lines[-2]], "one sentence of ours follows"
    assert "chevron" in plain("".join(lines[: marked[0]])[-120:]), "the heading says whose words they are"
    return [lines[number] for number in marked]


@pytest.mark.parametrize("end", LINE_ENDS, ids=ascii)
def test_no_end_of_a_line_leads_out_of_the_marks(portal: Portal, mailbox: Mailbox, end: str) -> None:
    body = f"Bonjour{end}" + IMITATION.replace("\n", end)
    letter = letter_about(portal, mailbox, body)
    marked = typed_part(letter)
    outside = letter.text.replace("\n".join(marked), "")
    assert OURS not in outside and "évil" not in outside and STRANGER not in outside
    assert not re.search(r"[^>\n ][^\n]*FAUX", outside)
    assert all(unicodedata.category(sign) not in {"Cc", "Zl", "Zp"} or sign == "\n" for sign in letter.text)
    assert "".join(marked).count(OURS) == 3


@pytest.mark.parametrize("padding", PADDINGS, ids=ascii)
def test_no_long_line_is_folded_out_of_the_marks(portal: Portal, mailbox: Mailbox, padding: str) -> None:
    for times in (10, 66, 67, 68, 69, 70, 71, 72, 140, 800):
        body = ("Bonjour" + padding * times + IMITATION.replace("\n", padding * times))[:4000]
        for line in quotes.quoted(body).split("\n"):
            assert line.startswith(">"), (times, line)
            columns = sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in line)
            assert columns <= 72, (times, columns)
    for line in typed_part(letter_about(portal, mailbox, f"Bonjour{padding * 800}{OURS}")):
        assert len(line) <= 72


def test_landlord_reads_what_we_know_before_what_was_typed(
    portal: Portal, mailbox: Mailbox, a_contract: Callable[..., Lease]
) -> None:
    lease = a_contract()
    letter = letter_about(portal, mailbox, IMITATION, reference=lease.reference)
    marked = "\n".join(typed_part(letter))
    ours = letter.text.partition(marked)[0]
    assert "1 sur 12" in plain(ours) and "MARTIN" in ours and OURS not in ours
    assert STRANGER in marked and lease.reference in marked, "address and reference were typed as well"


def test_html_part_keeps_what_was_typed_in_one_quotation(portal: Portal, mailbox: Mailbox) -> None:
    body = f"</blockquote><h2>{OURS}</h2>\u202e{TURNS}{IMITATION}\u2028{OURS}" + "a" * 500 + "e" + "\u0301" * 300
    letter = letter_about(portal, mailbox, body)
    tree = html.document_fromstring(letter.html)
    (quotation,) = tree.xpath("//blockquote")
    assert "chevron" in plain(visible_text(quotation.getprevious()))
    text = quotation.text_content()
    assert text.count(OURS) == 5 and STRANGER in text and not len(quotation)
    assert all(line.startswith(">") for line in text.split("\n"))
    quotation.drop_tree()
    rest = tree.text_content()
    assert OURS not in rest and STRANGER not in rest
    for part in (letter.text, letter.html):
        assert not set(TURNS) & set(part) and "\u0301" * 5 not in part


def test_words_of_a_message_keep_their_accents_and_signs(portal: Portal, mailbox: Mailbox) -> None:
    body = "Voilà, ça ne marche pas… « L'avis » de 12 €.\n\n> déjà cité\n👩\u200d👩\u200d👧 नमस्ते שלום"
    marked = typed_part(letter_about(portal, mailbox, body))
    said = "Voilà, ça ne marche pas… « L'avis » de 12 €."
    assert marked[-4:] == [f"> {said}", ">", "> > déjà cité", "> 👩\u200d👩\u200d👧 नमस्ते שלום"]


ESCAPES = "\x1b[2J\x1b]0;titre\x07\x9b31m\u202eeman\x08\x7f"


def test_terminal_of_staff_obeys_nothing_that_was_typed(
    app: Flask, an_account: Callable[..., Tenant], a_contract: Callable[..., Lease]
) -> None:
    tenant = an_account()
    with app.app_context():
        begin_write()
        contract = db.session.query(Contract).filter_by(reference=tenant.lease.reference).one()
        contract.last_name = f"MARTIN{ESCAPES}"
        db.session.query(Account).one().email = f"a{ESCAPES}@b.fr"
        db.session.commit()
    for command in (
        ("contracts", "show", tenant.lease.reference),
        ("contracts", "show", f"9{ESCAPES}"),
        ("sessions", "end", f"9{ESCAPES}"),
    ):
        _, said = run(app, *command)
        assert said and all(sign.isprintable() or sign in "\n\u00a0\u202f" for sign in said), ascii(said)
    assert "MARTIN\\x1b[2J" in run(app, "contracts", "show", tenant.lease.reference)[1]
