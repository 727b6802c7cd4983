"""Links of mails: opening changes nothing (F1), no header decides where they lead (F6).

A form acts on its own link alone (F20), and the cookie stays small (X09).
"""

import hashlib
from base64 import b32encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from tenant_portal.db import Base, begin_write, db
from tests.accounts.test_closing import close
from tests.accounts.test_email_change import asked
from tests.support.hosts import EXTENSION, STANDALONE
from tests.support.page_text import plain
from tests.support.people import run
from tests.support.portal_client import ANY_STATUS, Portal
from tests.support.steps import (
    NEW_PASSWORD,
    PASSWORD,
    change_password,
    fill_login,
    fill_not_me,
    finish,
    forget,
    log_in,
    reset_password,
    sign_up,
    write_message,
)

pytestmark = pytest.mark.security

FORGED = (
    {"Host": "evil.example"},
    {"Host": "evil.example:80"},
    {"X-Forwarded-Host": "evil.example"},
    {"X-Forwarded-Server": "evil.example"},
    {"X-Original-Host": "evil.example"},
    {"Forwarded": "host=evil.example;proto=http"},
    {"X-Forwarded-Prefix": "//evil.example"},
    {"X-Forwarded-Proto": "evil", "X-Forwarded-Port": "666"},
    {"Origin": "http://evil.example", "Referer": "http://evil.example/"},
)


def ask_for_a_link(browser, reference, **headers):
    """Ask for a reset with these headers; return the status."""
    form = browser.get("/mot-de-passe-oublie").form("mot de passe").fill("Ma référence contrat", reference)
    data = dict(form.node.form_values())
    cookie = "; ".join(f"{c.key}={c.value}" for c in browser.http._cookies.values())
    forger = browser.home.front.test_client(use_cookies=False)  # ours keeps its cookies from other hosts
    path = f"{browser.home.prefix}/mot-de-passe-oublie"
    answer = forger.post(path, data=data, headers={"Cookie": cookie, **headers})
    assert "evil" not in answer.text + str(answer.headers)
    return answer.status_code


@pytest.mark.every_home
def test_f01_activation_link_that_is_only_opened_changes_nothing(portal, mailbox, a_contract, database_dump):
    lease = a_contract()
    sign_up(portal, lease)
    link = mailbox.read().link
    before = database_dump()
    for method in ("GET", "HEAD", "GET"):
        scanner = portal.another_browser()
        scanner.http.open(link, method=method, follow_redirects=True)
    assert scanner.page is None and database_dump() == before
    assert scanner.get("/espace").path == "/connexion", "whoever opened it is nobody"
    assert finish(portal, link, lease.reference).path == "/espace", "and the tenant's own click still counts"
    mailbox.read()


@pytest.mark.every_home
def test_f06_no_header_of_a_request_decides_where_a_link_leads(portal, mailbox, an_account, clock):
    account = an_account()
    for headers in FORGED:
        clock.move(hours=1, minutes=1)
        if ask_for_a_link(portal, account.lease.reference, **headers) == 400:
            assert "Host" in headers and portal.home.kind != EXTENSION, f"{headers}: names that are not ours"
            continue
        mail = mailbox.read()
        assert mail.link.startswith(f"http://localhost{portal.home.prefix}/mot-de-passe/"), headers
        assert b"evil" not in mail.raw, headers


@pytest.mark.every_home(STANDALONE, EXTENSION)
def test_f06_behind_a_proxy_its_own_headers_decide_no_more(make_app, mailbox, an_account, home):
    account = an_account()
    app = make_app(PORTAL_PROXY_HOPS=1)
    for headers in FORGED[2:]:
        if ask_for_a_link(Portal(app), account.lease.reference, **headers) == 302:
            for mail in mailbox.read_all():
                assert mail.link.startswith(
                    "http://localhost/" if home == STANDALONE else "http://localhost/locataire/"
                )
    Portal(app).get("/connexion", status=ANY_STATUS)


def test_link_with_any_byte_changed_opens_nothing_nor_at_another_door(portal, mailbox, an_account, a_contract):
    tenant, lease = an_account(), a_contract()
    sign_up(portal, lease)
    forget(portal, tenant.lease.reference)
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
    """Tell whether two tokens decode alike: base64 leaves some bits of a last letter unused."""
    pairs = list(zip(forged.split("."), token.split("."), strict=False))
    if len(forged.split(".")) != len(token.split(".")):
        return False
    return all(
        urlsafe_b64decode(a + "==="[: -len(a) % 4]) == urlsafe_b64decode(b + "==="[: -len(b) % 4]) for a, b in pairs
    )


def test_what_we_sign_is_signed_with_sha_256(portal, mailbox, an_account):
    tenant = an_account()
    log_in(portal, tenant.lease.reference, tenant.password, remember=True)
    forget(portal.another_browser(), tenant.lease.reference)
    signed = [portal.cookie("portal_session"), portal.cookie("portal_remember"), mailbox.read().link.rsplit("/", 1)[1]]
    assert [len(text.rsplit(".", 1)[1]) for text in signed] == [43] * 3, "32 bytes in base64"


#: Each form that acts on a link or a sign-up: its page below, its button, another action.
DOORS = {
    "activation": ("activation", "Je me connecte", None),
    "activation, elsewhere": ("activation", "Activer mon compte, je m'identifierai ailleurs", None),
    "activation, a new link": ("activation", "Activer mon compte, je m'identifierai ailleurs", "nouveau-lien"),
    "reset": ("reset", "Enregistrer mon mot de passe", None),
    "change of address": ("email_change", "Je confirme mon adresse", None),
    "change of address, logged in": ("own_email_change", "Je confirme mon adresse", None),
    "not me": ("not_me", "Oui, je bloque le compte", None),
    "reopening": ("reopening", "Je rouvre mon compte", None),
    "sign-up, the mail again": ("sign_up", "Renvoyer l'e-mail", None),
    "sign-up, another address": ("sign_up", "Modifier mon adresse", None),
}
FIELDS = ("lien", "inscription")
#: Browsers drop larger ones.
COOKIE_BYTES_MAX = 4096


def made_up(length=3900):
    """Return unsigned characters that cannot be packed."""
    return urlsafe_b64encode(hashlib.shake_256(b"made up").digest(length)).decode()[:length]


def longest_address(seed):
    """Return an address of 254 characters that cannot be packed."""
    signs = b32encode(hashlib.shake_256(seed).digest(160)).decode().lower()
    address = f"{signs[:64]}@{signs[64:127]}.{signs[127:190]}.{signs[190:248]}.fr"
    assert len(address) == 254
    return address


@dataclass
class Carried:
    """A page, and what such pages carried before: dead by now."""

    page: object
    dead: str = ""

    @property
    def browser(self):
        return self.page.portal

    @property
    def field(self):
        """Return the hidden field that the page acts on."""
        return next(node for name in FIELDS for node in self.page.tree.cssselect(f"main input[name={name}]"))

    @property
    def value(self):
        return self.field.get("value")


def of_sign_up(portal, mailbox, lease):
    """Sign up twice; what came of the first time is dead."""
    browser = portal.another_browser()
    former = Carried(sign_up(browser, lease, email="slip@free.fr"))
    former_link = Carried(portal.another_browser().get(mailbox.read(to="slip@free.fr").link))
    present = Carried(sign_up(browser, lease, email="lea@free.fr"), former.value)
    link = mailbox.read(to="lea@free.fr").link
    return {"sign_up": present, "activation": Carried(portal.another_browser().get(link), former_link.value)}


def of_account(portal, mailbox, tenant, clock):
    """Ask for everything, end it all by a new password, and ask again."""
    pages = {}
    for _ in range(2):
        confirm, objection = asked(tenant, mailbox)
        forget(portal.another_browser(), tenant.lease.reference)
        reset = mailbox.read(to=tenant.email).link
        links = {"reset": reset, "email_change": confirm, "own_email_change": confirm, "not_me": objection}
        dead = {name: page.value for name, page in pages.items() if name != "not_me"}  # which no new password kills
        for name, link in links.items():
            browser = tenant.browser if name == "own_email_change" else portal.another_browser()
            page = browser.get(link)
            if name == "not_me":
                page = fill_not_me(page).page
            pages[name] = Carried(page, dead.get(name, ""))
        if not dead:
            change_password(tenant.browser)
            mailbox.read(to=tenant.email)
            tenant.password = NEW_PASSWORD
            clock.move(minutes=3)
    return pages


def of_closed_account(portal, mailbox, tenant):
    """Close an account, reopen it, and close it again."""
    close(tenant, mailbox)
    former = Carried(tenant.log_in(portal.another_browser()))
    tenant.log_in(tenant.browser).click("Je rouvre mon compte")
    mailbox.read(to=tenant.email)
    close(tenant, mailbox)
    return {"reopening": Carried(tenant.log_in(portal.another_browser()), former.value)}


@pytest.fixture
def carried(portal, mailbox, a_contract, an_account, clock):
    """Open every page that acts on a link or a sign-up, each in its own browser."""
    tenant, closed = an_account(email="lea@free.fr"), an_account(email="marc@free.fr")
    pages = of_sign_up(portal, mailbox, lease := a_contract())
    pages |= of_account(portal, mailbox, tenant, clock)
    pages |= of_closed_account(portal, mailbox, closed)
    fresh = "un secret tout neuf et long"
    typed = {
        "activation": {"Ma référence contrat": lease.reference, "Mon mot de passe": PASSWORD},
        "reset": {"Créez un mot de passe": fresh, "Confirmez votre mot de passe": fresh},
        "email_change": {"Mon mot de passe": tenant.password},
        "not_me": {},
        "sign_up": {"Votre adresse mail": "lea@laposte.net"},
    }
    return pages, typed


def test_f20_form_with_a_link_that_is_not_its_own_acts_on_nothing(app, mailbox, carried, database_dump):
    pages, typed = carried
    cookies = {name: dict(page.browser.http._cookies) for name, page in pages.items()}
    bring_back = brought_back(app)
    for door, (name, button, action) in DOORS.items():
        for other, kept in cookies.items():
            pages[other].browser.http._cookies = dict(kept)
        form = pages[name].page.form(button)
        for label, text in typed[name].items() if form.is_typed_in else ():
            form.fill(label, text)
        if action:
            form.node.set("action", form.node.get("action").replace("ailleurs", action))
        field = next(node for node in form.node.iter("input") if node.get("name") in FIELDS)
        assert name == "not_me" or pages[name].dead and pages[name].dead != pages[name].value
        others = {f"of {other}": page.value for other, page in pages.items() if page.value != pages[name].value}
        assert len(others) >= 5
        wrong = {"old": pages[name].dead, "empty": "", "made up": "Zm9v.YmFy.YmF6", "long": made_up(), **others}
        genuine, before = field.get("value"), database_dump()
        for kind, value in {**wrong, "cut": genuine[:-1], "longer": f"{genuine}A"}.items():
            field.set("value", value)
            form.click(button, status=ANY_STATUS)
            changed = {table for table, rows in database_dump().items() if rows != before[table]}
            assert not changed, f"{door}, {kind}: {changed}"
        assert mailbox.read_all() == [], door
        field.set("value", genuine)
        form.click(button, status=ANY_STATUS)
        assert database_dump() != before, f"{door}: the page's own link acts"
        mailbox.read_all()
        bring_back()


def brought_back(app):
    """Note every row; return a function that restores them."""
    tables = Base.metadata.sorted_tables
    with app.app_context():
        rows = {table: [dict(row) for row in db.session.execute(select(table)).mappings()] for table in tables}

    def bring_back():
        with app.app_context():
            begin_write()
            for table in reversed(tables):
                db.session.execute(table.delete())
            for table in tables:
                db.session.execute(table.insert(), rows[table]) if rows[table] else None
            db.session.commit()

    return bring_back


def test_f20_link_of_another_account_wants_the_password_of_that_account(portal, mailbox, a_contract, an_account, app):
    leases = [a_contract(), a_contract()]
    tenants = [
        an_account(email="lea@free.fr"),
        an_account(email="marc@free.fr", password="une autre phrase bien longue"),
    ]
    activations, confirmations = [], []
    for lease in leases:
        sign_up(portal.another_browser(), lease)
        activations.append(Carried(portal.another_browser().get(mailbox.read().link)))
    for number, tenant in enumerate(tenants):
        link, _ = asked(tenant, mailbox, f"{number}@orange.fr")
        confirmations.append(Carried(portal.another_browser().get(link)))
    for own, other in (activations, confirmations):
        own.field.set("value", other.value)
    page = fill_login(activations[0].page, leases[0].reference).click()
    assert page.says("cette référence n'est pas celle du compte à activer")
    assert page.says(f"se termine par {leases[1].reference[-3:]}"), "the page is that of the link"
    page = confirmations[0].page.form("Je confirme").fill("Mon mot de passe", tenants[0].password).click()
    assert page.says("ce mot de passe n'est pas celui de votre compte") and page.says("1@orange.fr")
    for lease in leases:
        assert "Étape à faire : 9 sur 12" in plain(run(app, "contracts", "show", lease.reference)[1])
    for tenant in tenants:
        assert tenant.browser.get("/espace/compte").says(tenant.email)


def test_f20_button_that_a_login_in_another_tab_made_too_old_shows_its_own_page_again(
    portal, mailbox, a_contract, an_account, clock
):
    tenant, lease, late = an_account(), a_contract(), a_contract()
    page = sign_up(portal, lease, email="lea@free.fr")
    mailbox.read(to="lea@free.fr")
    log_in(portal, tenant.lease.reference, tenant.password)
    page = page.click("Renvoyer l'e-mail")
    assert page.path == "/inscription/courriel" and page.says("rien n'est encore fait")
    assert page.says(f"se termine par {lease.reference[-3:]}") and mailbox.read_all() == []
    assert page.click("Renvoyer l'e-mail").says("nous renvoyons l'e-mail")
    mailbox.read(to="lea@free.fr")

    sign_up(portal.another_browser(), late, email="marc@free.fr")
    link = mailbox.read(to="marc@free.fr").link
    clock.move(hours=73)
    page = portal.get(link, status=410)
    log_in(portal, tenant.lease.reference, tenant.password)
    page = page.click("Recevoir un nouveau lien", status=410)
    assert page.says("Ce lien n'est plus valable") and mailbox.read_all() == []
    assert page.click("Recevoir un nouveau lien").says("nous renvoyons l'e-mail")
    mailbox.read(to="marc@free.fr")


def test_f20_button_of_a_browser_that_keeps_no_cookie_says_so(portal, mailbox, a_contract):
    lease = a_contract()
    sign_up(portal, lease)
    page = portal.get(mailbox.read().link)
    portal.http._cookies.clear()
    button = "Activer mon compte, je m'identifierai ailleurs"
    assert page.click(button, status=400).says("Votre navigateur refuse nos cookies")


def assert_small_cookies(browser):
    given = [cookie for answer in browser.answers for cookie in answer.headers.getlist("Set-Cookie")]
    assert given and max(map(len, given)) < COOKIE_BYTES_MAX


@pytest.mark.every_home
def test_x09_made_up_link_leaves_every_form_of_its_browser_working(portal, mailbox, an_account):
    tenant = an_account()
    for place in ("activation", "mot-de-passe", "adresse", "ce-nest-pas-moi"):
        for length in (3900, 3, 500):
            portal.get(f"/{place}/{made_up(length)}", status=404)
    assert forget(portal, tenant.lease.reference).says("Si un compte existe")
    mailbox.read()
    assert tenant.log_in(portal).path == "/espace"
    assert_small_cookies(portal)


@pytest.mark.every_home
def test_x09_whatever_is_opened_in_one_browser_its_cookie_stays_small(portal, mailbox, a_contract, an_account):
    tenant, closed, lease = an_account(email="lea@free.fr"), an_account(email="marc@free.fr"), a_contract()
    longest, longest_too = longest_address(b"one"), longest_address(b"two")
    close(closed, mailbox)
    confirm, objection = asked(tenant, mailbox)
    forget(portal.another_browser(), tenant.lease.reference)
    reset = mailbox.read(to=tenant.email).link
    write_message(portal, email=longest_too)
    mailbox.read_all()
    assert closed.log_in(portal).path == "/reouverture"
    sign_up(portal, lease, email=longest)
    activation = mailbox.read(to=longest).link
    for link in (activation, reset, confirm, objection, f"/activation/{made_up()}"):
        portal.get(link, status=ANY_STATUS)
    assert_small_cookies(portal)
    for path in ("/reouverture", "/activation", "/adresse", "/ce-nest-pas-moi", "/mot-de-passe"):
        assert portal.get(path).path == path, "every one of them can be shown again"
    assert portal.get("/message/envoye").says(longest_too) and portal.get("/inscription/courriel").says(longest)
    assert reset_password(portal, "/mot-de-passe").says("votre mot de passe est modifié")
    mailbox.read(to=tenant.email)
    assert finish(portal, activation, lease.reference).path == "/espace"
    mailbox.read(to=longest)
    assert_small_cookies(portal)
