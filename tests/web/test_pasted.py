"""What tenants paste into fields: signs that nobody sees, spaces, and a mail program's decoration are dropped."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from tenant_portal.db import db
from tenant_portal.models import Account, Contract
from tests.support.people import Roster, Tenant
from tests.support.portal_client import Portal
from tests.support.post import Mailbox
from tests.support.steps import EMAIL, Lease, log_in, sign_up

#: In each, «@» stands for what is meant.
AROUND_NUMBERS = (
    "\u202d@\u202c",
    "\ufeff@",
    "\u2066@\u2069\u200f",
    "«\u00a0@\u00a0»",
    "L/@.",
    "tel:@",
    "@\u00ad,",
    "'@",
    "L\u2011@",
)
AROUND_ADDRESSES = (
    "{}\u200b",
    "<{}>",
    "mailto:{}",
    "MAILTO:{}?subject=Mon%20loyer",
    "Élodie Martin <{}>",
    '"Martin, Élodie" <{}>;',
    "'{}'",
    "«\u202f{}\u202f»",
    "{}.",
    "{} ,",
    "\u202a{}\u202c",
    "{0} [mailto:{0}]",
    "[{0}](mailto:{0})",
)


@pytest.mark.parametrize("around", AROUND_NUMBERS)
def test_number_pasted_with_what_stands_around_it_is_taken(
    portal: Portal, a_contract: Callable[..., Lease], mailbox: Mailbox, around: str
) -> None:
    lease = a_contract()
    pasted = Lease(around.replace("@", lease.reference), around.replace("L/", "").replace("@", lease.module))
    assert sign_up(portal, pasted).h1 == "Consultez vos e-mails"
    mailbox.read()


@pytest.mark.parametrize("around", AROUND_ADDRESSES)
def test_address_pasted_with_what_stands_around_it_is_taken(
    portal: Portal, a_contract: Callable[..., Lease], mailbox: Mailbox, around: str
) -> None:
    page = sign_up(portal, a_contract(), email=around.format(EMAIL))
    assert page.h1 == "Consultez vos e-mails" and page.says(f"à {EMAIL}.")
    assert mailbox.read().to == EMAIL


@pytest.mark.parametrize(
    "typed", ["elodie @orange.fr", "elodie@ orange.fr", "elodie@orange\u00a0.fr", "elo\u00addie@orange.fr"]
)
def test_space_inside_an_address_is_dropped(
    portal: Portal, a_contract: Callable[..., Lease], mailbox: Mailbox, typed: str
) -> None:
    sign_up(portal, a_contract(), email=typed)
    assert mailbox.read().to == "elodie@orange.fr"


@pytest.mark.parametrize("typed", ["a@b.fr; c@d.fr", "a@b.fr c@d.fr", "<>", "mailto:", "Nom <a>", "\u200b"])
def test_what_is_no_single_address_is_still_refused(
    portal: Portal, a_contract: Callable[..., Lease], typed: str
) -> None:
    page = sign_up(portal, a_contract(), email=typed)
    assert page.h1 == "Formulaire d'inscription" and len(page.faults) == 1


def test_tenant_logs_in_with_a_pasted_reference(an_account: Callable[..., Tenant], portal: Portal) -> None:
    tenant = an_account()
    page = log_in(portal, f"\u202dL\u2011{tenant.lease.reference}\u202c", tenant.password)
    assert page.path == "/espace"


def test_roster_drops_around_numbers_and_addresses_what_a_form_drops(app: Flask, roster: Roster) -> None:
    path = roster.folder / "pasted.csv"
    path.write_text(
        "Référence contrat;N° module;E-mail\n"
        "\u202d417301\u202c;\u200b60318501;Marc <marc@free.fr>\n"
        "417\u00ad302;60318502.;mailto:lea@free.fr\n"
        "«\u00a0417303\u00a0»;'60318503;paul@free.fr\u200b,\n",
        encoding="utf-8",
    )
    result = app.test_cli_runner().invoke(args=["portal", "contracts", "import", str(path)])
    assert result.exit_code == 0, result.output
    with app.app_context():
        rows = db.session.execute(select(Contract.reference, Contract.module, Contract.email).order_by(Contract.id))
        assert [tuple(row) for row in rows] == [
            ("417301", "60318501", "marc@free.fr"),
            ("417302", "60318502", "lea@free.fr"),
            ("417303", "60318503", "paul@free.fr"),
        ]


@pytest.mark.parametrize(
    ("typed", "recipient"),
    [
        ("marc@xn--strae-oqa.de", "marc@xn--strae-oqa.de"),
        ("marc@straße.de", "marc@xn--strae-oqa.de"),
        ("marc@STRASSE.de", "marc@strasse.de"),
        ("marc@société.fr", "marc@xn--socit-esab.fr"),
        ("marc@SOCIÉTÉ.fr", "marc@xn--socit-esab.fr"),
        ("marc@βόλος.gr", "marc@xn--nxasmm1c.gr"),
    ],
)
def test_domain_with_accents_receives_the_mail_and_no_domain_like_it(
    app: Flask, portal: Portal, a_contract: Callable[..., Lease], mailbox: Mailbox, typed: str, recipient: str
) -> None:
    lease = a_contract()
    sign_up(portal, lease, email=typed)
    assert mailbox.read().to == recipient
    with app.app_context():
        stored = db.session.scalars(select(Account.email)).one()
    assert sign_up(portal, lease, email=stored).h1 == "Consultez vos e-mails"
    assert not mailbox.unread(), "the same address: the sign-up is the same one"


@pytest.mark.parametrize(
    "typed",
    [
        "marc@i❤.ws",
        "marc@xn--i-7iq.ws",
        "marc@xn--0.pt",
        "marc@xn--a.de",
        "élodie@free.fr",
    ],
)
def test_address_that_no_server_would_take_is_refused(
    portal: Portal, a_contract: Callable[..., Lease], typed: str
) -> None:
    page = sign_up(portal, a_contract(), email=typed)
    assert page.faults == ["Vérifiez le format de l'adresse mail. Exemple : nom@domaine.fr"]
