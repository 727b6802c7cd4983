"""Staff look up a tenant; for others these pages do not exist."""

import pytest

from ..support.people import run
from ..support.steps import sign_up


def search(staff, what):
    return staff.get("/gestion").form("Trouver").fill("Trouver un locataire", what).click("Trouver")


def test_nobody_but_staff_finds_the_back_office(portal, an_account):
    account = an_account()
    for browser in (portal, account.browser):
        for path in ("/gestion", "/gestion/contrat/1"):
            assert browser.get(path, status=404).says("page")
        assert browser.http.post("/gestion/chercher", data={"query": "x"}).status_code == 404


def test_staff_find_a_tenant_by_what_he_says(staff, a_contract, an_account):
    an_account(a_contract(reference="123456"))
    said = ("L/123456", "123456", "1234", "martin", "Élodie Mar", "ELODIE", "Martin Élo", "elodie.martin@orange.fr")
    for what in said:
        page = search(staff, what)
        assert what not in page.url, "neither names nor addresses stand in an address"
        assert page.says("les douze étapes sont faites")


@pytest.mark.every_home
def test_staff_see_at_which_step_a_tenant_is_and_what_to_do(staff, portal, mailbox, a_contract):
    contract = a_contract()
    sign_up(portal, contract)
    mailbox.read()
    page = search(staff, contract.reference)
    assert page.says("à l'étape 9 sur 12")
    assert page.says("L'e-mail est parti")
    assert not page.says("mot de passe :")


def test_staff_find_nothing_and_are_told_how_to_search(staff, a_contract):
    a_contract()
    assert search(staff, "zzz").says("Aucun contrat trouvé")
    assert search(staff, "%").says("Aucun contrat trouvé")
    assert search(staff, "artin").says("Aucun contrat trouvé"), "a name is found by the beginning of its words"
    assert search(staff, "").faults


def test_staff_see_the_text_of_a_roster_as_text(staff, a_contract):
    a_contract(last_name='=HYPERLINK("http://x")<script>alert(1)</script>')
    page = search(staff, "hyperlink")
    assert page.says("<script>alert(1)</script>")
    assert not page.tree.xpath("//main//script")


def test_staff_read_that_servers_refuse_our_mails_and_what_to_do(staff, portal, app, post_office, a_contract):
    assert not staff.get("/gestion").says("Attention")
    post_office.answers["*"] = "550 5.4.5 Daily user sending limit exceeded"
    sign_up(portal, a_contract())
    assert run(app, "mail", "send")[0] == 1
    page = staff.get("/gestion")
    assert page.says("Le nombre d'e-mails permis est atteint. E-mails qui attendent : 1.")
    assert page.says("demandez un quota plus grand")
