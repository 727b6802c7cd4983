"""H14: every fault of a sign-up is told in one round, and nobody types his password four times."""

import re

import pytest
from sqlalchemy import select

from tenant_portal.db import db
from tenant_portal.models import KeptPassword
from tests.support.people import must_run

from ..support.portal_client import ANY_STATUS
from ..support.steps import EMAIL, PASSWORD, SIGN_UP, Lease, fill_sign_up, finish, log_in, sign_up

MISMATCH = "Nous ne trouvons aucun contrat avec ces deux numéros"
ACCEPTED = "votre mot de passe est accepté"
FORMAT = "Vérifiez le format de l'adresse mail. Exemple : nom@domaine.fr"


def rows(app):
    with app.app_context():
        return list(db.session.scalars(select(KeptPassword.half)))


def test_h14_numbers_password_and_address_are_told_in_one_round(portal, a_contract):
    lease = a_contract()
    for password, fault in (("court", "au moins 12 caractères"), ("azertyuiop1234", "trop facile à deviner")):
        page = sign_up(portal, Lease(lease.reference, "1"), password=password, email="lea@free", general="")
        assert page.says(MISMATCH) and fault in page.faults[0] and page.faults[1] == FORMAT
        assert "informations générales" in page.faults[2]
    assert len(page.tree.cssselect("[autofocus]")) == 1, "the page opens on its first alert"


@pytest.mark.every_home
def test_h14_tenant_types_his_password_twice_whatever_else_is_wrong(portal, mailbox, a_contract, app):
    lease = a_contract()
    page = sign_up(portal, Lease(lease.reference, "1"), email="lea@free")
    assert page.says(MISMATCH) and page.says(ACCEPTED) and page.faults[0] == FORMAT
    form = page.form(SIGN_UP)
    assert form.value("Créez un mot de passe") == form.value("Confirmez votre mot de passe") == "", "U22"
    assert PASSWORD not in portal.answers[-1].get_data(as_text=True)
    page = form.fill("Votre numéro de module", "12 34").click(SIGN_UP)
    page = page.form(SIGN_UP).fill("Votre numéro de module", lease.module).click(SIGN_UP)
    assert page.says(ACCEPTED) and page.faults == [FORMAT]
    assert len(rows(app)) == 1, "one row for all rounds"
    page = page.form(SIGN_UP).fill("Votre adresse mail", EMAIL).click(SIGN_UP)
    assert page.path == "/inscription/courriel"
    assert finish(portal, mailbox.read().link, lease.reference).path == "/espace"
    mailbox.read()


def test_h14_another_password_takes_the_place_of_the_kept_one(portal, mailbox, a_contract):
    lease, other = a_contract(), "un tout autre secret, long"
    form = sign_up(portal, Lease(lease.reference, "1")).form(SIGN_UP).fill("Votre numéro de module", lease.module)
    page = form.fill("Créez un mot de passe", other).click(SIGN_UP)
    assert page.faults == ["Saisissez votre mot de passe une seconde fois."] and not page.says(ACCEPTED)
    form = page.form(SIGN_UP).fill("Créez un mot de passe", other).fill("Confirmez votre mot de passe", other)
    form.click(SIGN_UP)
    link = mailbox.read().link
    assert finish(portal, link, lease.reference).says("ne correspond pas")
    assert finish(portal, link, lease.reference, other).path == "/espace"
    mailbox.read()


def test_h14_double_click_with_a_kept_password_makes_one_sign_up(portal, mailbox, a_contract):
    lease = a_contract()
    form = sign_up(portal, Lease(lease.reference, "1")).form(SIGN_UP).fill("Votre numéro de module", lease.module)
    pages = [form.click(SIGN_UP) for _ in range(2)]
    assert {page.path for page in pages} == {"/inscription/courriel"}
    assert finish(portal, mailbox.read().link, lease.reference).path == "/espace"
    mailbox.read()


@pytest.mark.security
def test_h14_kept_password_is_weighed_with_the_words_of_the_roster_once_the_numbers_are_right(portal, a_contract):
    lease = a_contract()
    page = sign_up(portal, Lease(lease.reference, "1"), password="angers angers angers")
    assert page.says(ACCEPTED), "X01: nothing of the roster shows yet"
    page = page.form(SIGN_UP).fill("Votre numéro de module", lease.module).click(SIGN_UP)
    assert not page.says(ACCEPTED) and "trop facile à deviner" in page.faults[0]


@pytest.mark.security
def test_x01_right_numbers_beside_another_fault_count_as_a_look(portal, a_contract, mailbox, clock):
    lease = a_contract()
    pages = [sign_up(portal, lease, email="lea@free", status=ANY_STATUS) for _ in range(6)]
    assert not pages[0].says(MISMATCH) and [page.status for page in pages] == [200] * 5 + [429]
    assert pages[5].says(ACCEPTED), "who has to wait types nothing anew"
    clock.move(minutes=2)
    pages[5].form(SIGN_UP).fill("Votre adresse mail", EMAIL).click(SIGN_UP)
    mailbox.read()
    assert sign_up(portal, lease, email="lea@free").status != 429, "right numbers take the slips off"


@pytest.mark.security
def test_h14_half_of_a_password_is_worth_nothing_without_the_other_and_its_browser(portal, app, mailbox, a_contract):
    lease = a_contract()
    page = sign_up(portal, Lease(lease.reference, "1"))
    (half,) = page.tree.cssselect("input[name=moitie]")
    (row,) = rows(app)
    for text in (half.get("value"), row):
        assert re.fullmatch(r"[\w-]{683}=", text), "as long as that of any password"
    again = sign_up(portal, Lease(lease.reference, "1"))
    assert again.tree.cssselect("input[name=moitie]")[0].get("value") != half.get("value")
    thief = portal.another_browser()
    form = fill_sign_up(thief, lease, password="")
    node = again.tree.makeelement("input", {"type": "hidden", "name": "moitie", "value": half.get("value")})
    form.node.append(node)
    assert "Saisissez un mot de passe d'au moins 12 caractères." in form.click(SIGN_UP).faults
    for made_up in ("", "x", "é" * 50, half.get("value")[:-4]):
        node.set("value", made_up)
        assert len(form.click(SIGN_UP, status=ANY_STATUS).faults) == 2
    assert mailbox.read_all() == []


@pytest.mark.security
def test_h14_kept_password_ends_with_the_idle_time_and_leaves_no_row(portal, app, mailbox, a_contract, clock):
    lease = a_contract()
    page = sign_up(portal, Lease(lease.reference, "1"))
    clock.move(minutes=31)
    page = page.form(SIGN_UP).fill("Votre numéro de module", lease.module).click(SIGN_UP, status=ANY_STATUS)
    assert "Saisissez un mot de passe d'au moins 12 caractères." in page.faults
    must_run(app, "purge")
    assert rows(app) == []
    sign_up(portal, Lease(lease.reference, "2"))
    clock.move(minutes=31)
    sign_up(portal.another_browser(), Lease(lease.reference, "3"))
    assert len(rows(app)) == 1, "who keeps one sweeps out the old ones"


@pytest.mark.security
def test_h14_stranger_who_fills_forms_fills_no_disk(portal, app, a_contract):
    lease = a_contract()
    pages = [sign_up(portal, Lease("12A456", lease.module)) for _ in range(32)]
    assert [page.says(ACCEPTED) for page in pages] == [True] * 30 + [False] * 2
    assert len(rows(app)) == 30
    form = fill_sign_up(portal, lease)
    assert log_in(portal, lease.reference, status=ANY_STATUS).path == "/connexion"
    assert form.click(SIGN_UP, status=ANY_STATUS).path == "/inscription/courriel", "he types it once more, and goes on"
