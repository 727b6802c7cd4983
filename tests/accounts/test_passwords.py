"""The rule of a good password, and how it is kept. Each page that takes one tests that it asks the rule."""

import base64

import argon2
import pytest
from sqlalchemy import select

from tenant_portal.accounts import passwords
from tenant_portal.db import begin_write, db
from tenant_portal.models import Account
from tests.support.portal_client import ANY_STATUS, Portal
from tests.support.steps import finish, log_in, sign_up

pytestmark = pytest.mark.security

#: Long enough, and guessed first.
COMMON = """
123456789012 1234567890123456 qwertyuiop123 azertyuiop123 passwordpassword motdepasse123 1q2w3e4r5t6y iloveyou1234
football12345 abcdefghijkl aaaaaaaaaaaa password12345 qwerty123456789 jetaimejetaime bonjourbonjour marseille13013
soleilsoleil azerty123456 charlie123456 123456azerty 111111111111 abc123abc123 azertyazerty dragon123456
letmein12345 princess12345 sunshine12345 welcome123456 admin1234567 loulou123456 doudou123456 chouchou1234
nicolas123456 0123456789012 987654321098 zxcvbnm12345 qazwsxedcrfv 1qaz2wsx3edc monkey123456 superman12345
jordan123456
"""
#: What a guesser knows in the table below.
KNOWN = ["417201", "60318401", "MARTIN", "Angers", "Habitat du Val", "elodie.martin@orange.fr"]
WEAK = {
    "short": ["court", "password1", "vrak toc 9m"],
    "long": ["a" * 129],
    "digits": ["1" * 12, "417201 60318401", "417201417201"],
    "guessable": [
        *("password1password1", "motdepasse" * 4, "a" * 16, "loyer loyer loyer", "p4$$w0rdp4$$w0rd"),
        *("habitatduval2026", "Habitat du Val 49", "elodie.martin@orange.fr", "martin 417201", "angers angers angers"),
    ],
}
KEPT = (
    "abcdefmnoqxvwyz",
    "quinze lettres ici",
    "été à la plage déjà",
    "œuf à la coque ☕ dès midi",
    "🐢🌧🎻🥖🧦🪁🛶🍋🧲🪵🧊🪴",
    "   espaces autour   ",
    "9182736450917283",
    "QJZ8#kf!2pVx",
)


@pytest.mark.parametrize(("reason", "password"), [(why, one) for why, them in WEAK.items() for one in them])
def test_weak_password_is_refused_for_its_reason(reason, password):
    assert passwords.weakness(password, KNOWN) == reason


def test_common_passwords_are_refused_without_asking_anybody():
    assert len(COMMON.split()) >= 40
    taken = [password for password in COMMON.split() if passwords.weakness(password, []) is None]
    assert not taken


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("vrak toc 9m", "Choisissez un mot de passe d'au moins 12 caractères."),
        ("a" * 129, "Choisissez un mot de passe de 128 caractères au plus."),
        ("{reference} {module}", "Ce mot de passe ne contient que des chiffres."),
        ("motdepasse123", "Ce mot de passe est trop courant"),
        ("Habitat du Val 49", "trop courant"),
        ("lea.martin@orange.fr", "trop courant"),
        ("locataire {reference}", "trop courant"),
    ],
)
def test_f10_weak_password_is_refused_with_the_reason(portal, a_contract, password, reason):
    lease = a_contract()
    typed = password.format(reference=lease.reference, module=lease.module)
    page = sign_up(portal, lease, password=typed, email="lea.martin@orange.fr")
    assert page.path == "/inscription" and len(page.faults) == 1
    assert reason in page.faults[0]


@pytest.mark.parametrize("password", KEPT)
def test_password_of_any_composition_is_taken_to_the_letter(portal, mailbox, a_contract, password):
    lease = a_contract()
    sign_up(portal, lease, password=password)
    link = mailbox.read().link
    assert finish(portal, link, lease.reference, password.strip() + "!").says("ne correspond pas")
    assert finish(portal, link, lease.reference, password).path == "/espace"
    mailbox.read()


def test_password_of_twelve_or_128_characters_is_taken(portal, mailbox, a_contract):
    for password in ("vrak toc 9 m", "vrak toc 9m " * 10 + "12345678"):
        assert sign_up(portal.another_browser(), a_contract(), password=password).path == "/inscription/courriel"
    mailbox.read_all()


def test_password_is_compared_to_its_last_character(portal, an_account):
    password = "cent caractères, pas un de moins : " + "tuile orange, " * 4 + "fin ici !"
    tenant = an_account(password=password)
    for wrong in (password[:-1] + "?", password[:-1], password + "!", password.upper()):
        browser = portal.another_browser()
        log_in(browser, tenant.lease.reference, wrong, status=ANY_STATUS)
        assert browser.get("/espace").path == "/connexion"
    browser = tenant.browser
    browser.get("/espace").click("Je me déconnecte")
    assert log_in(browser, tenant.lease.reference, password).path == "/espace"


def test_passwords_are_kept_as_argon2id_at_the_cost_that_is_asked_for(make_app, mailbox, a_contract, app):
    defaults = make_app(PORTAL_ARGON2_MEMORY_KIB=None, PORTAL_ARGON2_PASSES=None)
    lease = a_contract()
    sign_up(Portal(defaults), lease)
    mailbox.read()
    with app.app_context():
        kept = db.session.scalars(select(Account.password_hash)).one()
    _, name, version, cost, salt, digest = kept.split("$")
    numbers = dict(part.split("=") for part in cost.split(","))
    assert (name, version) == ("argon2id", "v=19")
    assert int(numbers["m"]) >= {1: 47_104, 2: 19_456}[int(numbers["t"])] and numbers["p"] == "1"
    assert len(base64.b64decode(salt + "==")) >= 16 and len(base64.b64decode(digest + "==")) >= 16


def test_new_portal_has_no_account(app, portal):
    with app.app_context():
        assert db.session.scalars(select(Account)).all() == []
    for reference in ("admin", "0", "1", "123456"):
        browser = portal.another_browser()
        log_in(browser, reference, "admin", status=ANY_STATUS)
        assert browser.get("/espace").path == "/connexion"


SPACES = "\u00a0\u1680\u2000\u2003\u2009\u200a\u202f\u205f\u3000"


@pytest.mark.parametrize("space", SPACES, ids=lambda sign: f"U+{ord(sign):04X}")
def test_password_with_any_kind_of_space_is_the_same_password(portal, an_account, space):
    tenant = an_account(password=f"où est{space}Félix ? ici !")
    typed = f"où{space}est Fe\u0301lix{space}? ici{space}!"
    assert log_in(portal, tenant.lease.reference, typed).path == "/espace"


@pytest.mark.parametrize(
    ("chosen", "typed"),
    [
        ("ﬁlet de bœuf ce soir", "filet de bœuf ce soir"),
        ("ＡＢＣ girafe violette", "ABC girafe violette"),
        ("x² girafe violette", "x2 girafe violette"),
    ],
)
def test_signs_that_only_look_alike_stay_different(portal, an_account, chosen, typed):
    tenant = an_account(password=chosen)
    assert log_in(portal, tenant.lease.reference, typed).says("ne correspond pas")
    assert log_in(portal, tenant.lease.reference, chosen).path == "/espace"


def keep_as_earlier_portals(app, password):
    """Store the hash of a password with the spaces that were typed."""
    with app.app_context():
        begin_write()
        account = db.session.scalars(select(Account)).one()
        account.password_hash = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)
        db.session.commit()
        return account.password_hash


def hash_of(app):
    with app.app_context():
        return db.session.scalars(select(Account.password_hash)).one()


@pytest.mark.parametrize("former", ["où est\u00a0Félix\u202f? ici", "girafe\tviolette\x7f sous l'évier"])
def test_hash_that_stands_stays_good_and_is_made_anew(portal, app, an_account, former):
    tenant = an_account()
    kept = keep_as_earlier_portals(app, former)
    assert log_in(portal, tenant.lease.reference, former + "!").says("ne correspond pas")
    assert log_in(portal, tenant.lease.reference, former).path == "/espace"
    has_spaces = "\u00a0" in former
    assert (hash_of(app) != kept) is has_spaces
    portal.click("Je me déconnecte")
    again = former.replace("\u00a0", " ").replace("\u202f", " ")
    assert log_in(portal, tenant.lease.reference, again).path == "/espace"


@pytest.mark.parametrize(("password", "count"), [("un mot de passe faux", 1), ("un mot de\u00a0passe faux", 2)])
def test_wrong_password_costs_one_hash_for_each_form(app, portal, an_account, monkeypatch, password, count):
    """Known and unknown accounts cost the same."""
    tenant = an_account()
    log_in(portal, tenant.lease.reference, password)  # makes what is kept
    with app.app_context():
        tried = []
        monkeypatch.setattr(passwords, "_is_right", lambda kept, form: tried.append(form))
        for kept in (hash_of(app), None):
            tried.clear()
            assert not passwords.verify(kept, password)
            assert len(tried) == count


@pytest.mark.parametrize("sign", "\t\x7f\x85")
def test_control_character_in_a_new_password_is_refused_with_a_sentence(portal, a_contract, sign):
    page = sign_up(portal, a_contract(), password=f"girafe violette{sign} sous l'évier")
    assert page.faults == ["Ce mot de passe contient un caractère invisible. Effacez-le, puis tapez-le au clavier."]


@pytest.mark.parametrize("sign", "\x00\x07\x1b\n")
def test_any_control_character_is_one(sign):
    assert passwords.weakness(f"girafe violette{sign} sous l'évier", []) == "control"
