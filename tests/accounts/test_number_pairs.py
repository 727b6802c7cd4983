"""X01, X08: nobody guesses the two numbers that prove the paper, and guesses shut nobody out."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from tests.support.portal_client import ANY_STATUS
from tests.support.steps import PASSWORD, Lease, fill_sign_up, finish, forget, log_in, sign_up

pytestmark = pytest.mark.security

#: Refused only where both numbers are those of one contract.
OF_THE_TOWN = "angers angers angers"
EASY = "trop facile à deviner"
MISMATCH = "Nous ne trouvons aucun contrat avec ces deux numéros"
WAIT = "il y a eu trop d'essais"
_ORIGINS = count(1)


def elsewhere(portal):
    """Return a browser at an origin of its own."""
    browser = portal.another_browser()
    number = next(_ORIGINS)
    browser.http.environ_base["REMOTE_ADDR"] = f"198.51.{number // 250}.{number % 250 + 1}"
    return browser


def guess(browser, reference, module, *, password=OF_THE_TOWN):
    return sign_up(browser, Lease(reference, module), password=password, status=ANY_STATUS)


def test_x01_easy_password_tells_nobody_which_module_is_right_without_being_counted(portal, mailbox, a_contract):
    lease, thief = a_contract(), elsewhere(portal)
    pages = [guess(thief, lease.reference, f"{module:08}") for module in range(12)]
    assert not [page for page in pages if page.says(EASY)]
    assert [page.status for page in pages[:5]] == [200] * 5 and pages[0].says(MISMATCH)
    assert {page.status for page in pages[5:]} == {429}, "each look was counted"
    assert not guess(thief, lease.reference, lease.module).says(EASY), "and not even the right one is judged now"
    assert mailbox.read_all() == []


def test_x01_what_the_roster_knows_is_judged_after_the_pair_and_counts_as_a_look(portal, mailbox, a_contract, clock):
    lease = a_contract()
    tenant = elsewhere(portal)
    for _ in range(5):
        assert guess(tenant, lease.reference, lease.module).says(EASY), "he holds the paper"
    assert guess(tenant, lease.reference, lease.module).status == 429
    clock.move(minutes=2)
    assert sign_up(tenant, lease).path == "/inscription/courriel"
    mailbox.read()


def test_x01_wrong_pairs_get_one_page_whatever_the_password_is_made_of(portal, a_contract):
    lease, other = a_contract(), a_contract(city="Rennes")
    texts = [
        guess(elsewhere(portal), *numbers, password=password).text
        for password in (OF_THE_TOWN, PASSWORD)
        for numbers in ((lease.reference, "1"), (lease.reference, other.module), ("999999", lease.module))
    ]
    bare = {text.replace(lease.reference, "…").replace("999999", "…") for text in texts}
    modules = {lease.module, other.module}
    for module in modules:
        bare = {text.replace(module, "…") for text in bare}
    assert len(bare) == 1


@pytest.mark.databases("sqlite", "postgresql")
def test_x01_looks_that_come_all_at_once_are_counted_too(portal, a_contract):
    lease, thief = a_contract(), elsewhere(portal)
    forms = [fill_sign_up(thief, Lease(lease.reference, f"{n:08}"), password=OF_THE_TOWN) for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda form: form.click("Je valide la création de mon compte", status=ANY_STATUS), forms))
    assert sum(page.status == 200 for page in pages) <= 6, "five are free, the others wait"


def test_x08_wrong_modules_from_everywhere_do_not_shut_the_tenant_out(portal, mailbox, a_contract):
    lease = a_contract()
    for number in range(30):
        assert guess(elsewhere(portal), lease.reference, f"{number:08}").says(MISMATCH), "each network looks once"
    stranger = elsewhere(portal)
    guess(stranger, lease.reference, "1")
    assert guess(stranger, lease.reference, lease.module).status == 429, (
        "a network that slipped waits with the reference"
    )
    tenant = elsewhere(portal)
    assert sign_up(tenant, lease).path == "/inscription/courriel"
    assert finish(tenant, mailbox.read().link, lease.reference).path == "/espace"
    mailbox.read()


def test_x08_right_numbers_take_ones_own_slips_off(portal, mailbox, a_contract):
    lease, other = a_contract(), a_contract()
    tenant = elsewhere(portal)
    for _ in range(4):
        guess(tenant, lease.reference, "1")
    sign_up(tenant, lease)
    for _ in range(4):
        assert guess(tenant, other.reference, "1").says(MISMATCH)
    assert sign_up(tenant, other).path == "/inscription/courriel"
    mailbox.read_all()


@pytest.mark.parametrize("is_activated", [False, True], ids=["not activated", "activated elsewhere"])
def test_x08_wrong_passwords_do_not_shut_out_who_holds_the_activation_link(portal, mailbox, a_contract, is_activated):
    lease = a_contract()
    sign_up(portal, lease)
    link = mailbox.read().link
    if is_activated:
        elsewhere(portal).get(link).click("Activer mon compte, je m'identifierai ailleurs")
    for _ in range(30):
        log_in(elsewhere(portal), lease.reference, "devinette de voleur", status=ANY_STATUS)
    tenant = elsewhere(portal)
    assert log_in(tenant, lease.reference, status=429).says(WAIT)
    assert finish(tenant, link, lease.reference).path == "/espace"
    mailbox.read()


def test_x08_reset_of_an_account_that_is_not_activated_brings_its_link_once_more(portal, mailbox, a_contract, clock):
    lease = a_contract()
    sign_up(portal, lease)
    mailbox.read()
    for _ in range(30):
        log_in(elsewhere(portal), lease.reference, "devinette de voleur", status=ANY_STATUS)
    tenant = elsewhere(portal)
    forget(tenant, lease.reference)
    mail = mailbox.read()
    assert mail.subject.startswith("Activez votre compte locataire") and PASSWORD not in mail.text
    assert mail.link_to("/inscription"), "who has forgotten the password signs up anew"
    assert finish(tenant, mail.link, lease.reference).path == "/espace"
    mailbox.read()


def test_x08_holder_of_the_link_is_slowed_down_as_well_when_he_guesses(portal, mailbox, a_contract):
    lease = a_contract()
    sign_up(portal, lease)
    link, thief = mailbox.read().link, elsewhere(portal)
    pages = [finish(thief, link, lease.reference, "devinette de voleur", status=ANY_STATUS) for _ in range(7)]
    assert [page.status for page in pages] == [200] * 5 + [429] * 2


def test_one_address_for_many_people_slips_often_and_still_lets_in_who_is_right(portal, an_account, mailbox, clock):
    tenant = an_account()
    browser = elsewhere(portal)
    for number in range(25):
        clock.move(minutes=15, seconds=1)
        assert log_in(browser, f"9000{number}", "pas le bon mot de passe").says("ne correspond pas")
    assert log_in(browser, tenant.lease.reference, tenant.password, status=429).says("15 minutes")
    clock.move(minutes=15, seconds=1)
    assert log_in(browser, tenant.lease.reference, tenant.password).path == "/espace"
    mailbox.read_all()
