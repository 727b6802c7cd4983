"""Passwords and links as secrets: what is taken, how it is kept, and what a made-up one opens."""

import base64

import pytest
from sqlalchemy import select

from tenant_portal.accounts import passwords
from tenant_portal.db import db
from tenant_portal.models import Account
from tests.support.hosts import HOMES
from tests.support.journey_steps import fill_sign_up, finish, log_in, sign_up
from tests.support.portal_client import ANY_STATUS, Portal

pytestmark = pytest.mark.security

#: Long enough for the rule of length, and among the first that a guesser tries.
COMMON = [
    "123456789012",
    "1234567890123456",
    "qwertyuiop123",
    "azertyuiop123",
    "passwordpassword",
    "motdepasse123",
    "1q2w3e4r5t6y",
    "iloveyou1234",
    "football12345",
    "abcdefghijkl",
    "aaaaaaaaaaaa",
    "password12345",
    "qwerty123456789",
    "jetaimejetaime",
    "bonjourbonjour",
    "marseille13013",
    "soleilsoleil",
    "azerty123456",
    "charlie123456",
    "123456azerty",
    "111111111111",
    "abc123abc123",
    "azertyazerty",
    "dragon123456",
    "letmein12345",
    "princess12345",
    "sunshine12345",
    "welcome123456",
    "admin1234567",
    "loulou123456",
    "doudou123456",
    "chouchou1234",
    "nicolas123456",
    "0123456789012",
    "987654321098",
    "zxcvbnm12345",
    "qazwsxedcrfv",
    "1qaz2wsx3edc",
    "monkey123456",
    "superman12345",
    "jordan123456",
]
KEPT = (
    "abcdefmnoqxvwyz",
    "quinze lettres ici",
    "été à la plage déjà",
    "🐢🌧🎻🥖🧦🪁🛶🍋🧲🪵🧊🪴",
    "   espaces autour   ",
    "9182736450917283",
    "QJZ8#kf!2pVx",
)


@pytest.mark.parametrize("password", KEPT)
def test_password_of_any_composition_is_taken(portal, mailbox, a_contract, password):
    lease = a_contract()
    assert sign_up(portal, lease.reference, lease.module, password=password).path == "/inscription/courriel"
    assert finish(portal, mailbox.read().link, lease.reference, password).path == "/espace"
    mailbox.read()


def test_password_of_eleven_characters_is_refused_and_of_twelve_or_128_taken(portal, mailbox, a_contract):
    for password, is_taken in (
        ("vrak toc 9 m", True),
        ("vrak toc 9m", False),
        ("vrak toc 9m " * 10 + "12345678", True),
    ):
        lease = a_contract()
        page = sign_up(portal.another_browser(), lease.reference, lease.module, password=password)
        assert (page.path == "/inscription/courriel") is is_taken, len(password)
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


def test_common_passwords_are_refused_without_asking_anybody():
    assert len(COMMON) >= 40
    taken = [password for password in COMMON if passwords.weakness(password, []) is None]
    assert not taken


def test_passwords_are_kept_as_argon2id_at_the_cost_that_is_asked_for(make_app, mailbox, a_contract, app):
    defaults = make_app(PORTAL_ARGON2_MEMORY_KIB=None, PORTAL_ARGON2_PASSES=None)
    lease = a_contract()
    sign_up(Portal(defaults), lease.reference, lease.module)
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


def test_link_with_any_byte_changed_opens_nothing_nor_at_another_door(portal, mailbox, an_account, a_contract):
    tenant, lease = an_account(), a_contract()
    sign_up(portal, lease.reference, lease.module)
    form = portal.get("/mot-de-passe-oublie").form("mot de passe").fill("Ma référence contrat", tenant.lease.reference)
    form.click()
    tokens = {mail.link.split("/")[-2]: mail.link.split("/")[-1] for mail in mailbox.read_all()}
    doors = {"activation": "/activation", "mot-de-passe": "/mot-de-passe"}
    assert set(tokens) == set(doors)
    visitor = portal.another_browser()
    for door, token in tokens.items():
        for place, letter in enumerate(token):
            for other in ("A" if letter != "A" else "B", "."):
                forged = f"{token[:place]}{other}{token[place + 1 :]}"
                if forged != token and not _is_same(forged, token):
                    answer = visitor.http.get(f"{doors[door]}/{forged}", follow_redirects=True)
                    assert answer.status_code == 404, f"{door}: byte {place}"
        (elsewhere,) = [path for name, path in doors.items() if name != door]
        visitor.get(f"{elsewhere}/{token}", status=404)
    assert visitor.get(f"/mot-de-passe/{tokens['mot-de-passe']}").form("mot de passe")


def _is_same(forged, token):
    """Tell whether the last letter of a part stands for the same bytes: base64 leaves some of its bits unused."""
    pairs = list(zip(forged.split("."), token.split("."), strict=False))
    if len(forged.split(".")) != len(token.split(".")):
        return False
    return all(
        base64.urlsafe_b64decode(a + "==="[: -len(a) % 4]) == base64.urlsafe_b64decode(b + "==="[: -len(b) % 4])
        for a, b in pairs
    )


def test_what_we_sign_is_signed_with_sha_256(portal, mailbox, an_account):
    tenant = an_account()
    log_in(portal, tenant.lease.reference, tenant.password, remember=True)
    form = portal.another_browser().get("/mot-de-passe-oublie").form("mot de passe")
    form.fill("Ma référence contrat", tenant.lease.reference).click()
    signed = [portal.cookie("portal_session"), portal.cookie("portal_remember"), mailbox.read().link.rsplit("/", 1)[1]]
    assert [len(text.rsplit(".", 1)[1]) for text in signed] == [43] * 3, "32 bytes in base64"


@pytest.mark.parametrize("home", HOMES, indirect=True)
def test_every_private_page_shows_the_way_out(app, an_account):
    browser = an_account().browser
    private = [
        rule.rule.removeprefix(browser.home.prefix)
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "portal_guard", "") == "account"
        and "GET" in (rule.methods or ())
        and not rule.arguments
    ]
    assert len(private) >= 4
    for path in private:
        assert browser.get(path).form("Je me déconnecte"), path
    answer = browser.http.post("/deconnexion", data=dict(browser.page.form("Je me déconnecte").node.form_values()))
    assert "cache" in answer.headers["Clear-Site-Data"] and "no-store" in answer.headers["Cache-Control"]


def test_longest_session_still_fits_a_cookie(portal, mailbox, a_contract):
    lease = a_contract()
    email = f"{'l' * 64}@{'.'.join(['d' * 60] * 3)}.fr"
    form = fill_sign_up(portal, lease.reference, lease.module, email=email)
    form.click()
    cookies = [cookie for answer in portal.answers for cookie in answer.headers.getlist("Set-Cookie")]
    assert cookies and max(len(cookie) for cookie in cookies) < 4096
    mailbox.read()


@pytest.mark.parametrize("home", HOMES, indirect=True)
@pytest.mark.parametrize(
    "path",
    [
        "/.git/config",
        "/.git/HEAD",
        "/.env",
        "/.svn/entries",
        "/wsgi.py",
        "/instance/portal.sqlite3",
        "/portal.sqlite3",
        "/requirements.txt",
        "/console",
        "/debug",
        "/admin",
        "/server-status",
        "/actuator",
        "/phpinfo.php",
        "/assets/",
        "/assets/../settings.py",
        "/assets/%2e%2e/app.py",
        "/static/",
        "/openapi.json",
        "/docs",
        "/courrier-de-demonstration",
        "/demo",
        "/backup.zip",
        "/metrics",
    ],
)
def test_nothing_lies_about_beside_the_pages(portal, path):
    answer = portal.http.get(path, buffered=True)
    assert answer.status_code in {308, 400, 404}
    for word in ("Werkzeug", "Traceback", "SECRET_KEY", "sqlite", "python"):
        assert word not in answer.text + str(answer.headers)
