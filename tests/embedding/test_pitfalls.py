"""The 25 pitfalls of living inside another application."""

import gc
import re
import subprocess
import sys

import pytest
from flask import render_template_string
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import inspect, select

from tenant_portal import mount, public_urls
from tenant_portal.errors import ConfigError
from tenant_portal.mail.smtp import TimeoutMail
from tenant_portal.models import Account
from tests.conftest import SETTINGS
from tests.support.hosts import EXTENSION, MOUNT, PREFIX, home_of, hostile_host
from tests.support.paths import ROOT
from tests.support.portal_client import Portal
from tests.support.steps import log_in, sign_up

from .conftest import log_staff_in, token_on

in_host = pytest.mark.parametrize("home", [EXTENSION], indirect=True)
mounted = pytest.mark.parametrize("home", [MOUNT], indirect=True)
SQLITE = {"SQLALCHEMY_DATABASE_URI": "sqlite://"}


def cookies_of(browser):
    return {cookie.key: cookie for cookie in browser._cookies.values()}


def test_pitfall_01_tenant_finds_the_pages_of_staff_closed_and_stays_logged_in(host, an_account):
    browser = an_account().browser
    assert browser.http.get("http://localhost/payroll").status_code == 401
    assert browser.http.get("http://localhost/who").get_json()["employee"] is None
    assert browser.get("/espace").path == "/espace"


@in_host
@pytest.mark.parametrize("late", ["manager", "loader", "request_loader"])
def test_pitfall_02_host_sets_its_login_up_after_the_portal_and_is_told(app, portal, late):
    manager = LoginManager(app) if late == "manager" else app.login_manager
    if late == "request_loader":
        manager.request_loader(lambda request: None)
    else:
        manager.user_loader(lambda number: None)
    with pytest.raises(ConfigError, match="before TenantPortal"):
        portal.get("/connexion")
    told = app.test_cli_runner().invoke(args=["portal", "db", "upgrade"])
    assert told.exit_code == 1 and "before TenantPortal" in told.output


@in_host
def test_pitfall_03_tenant_login_ends_the_staff_login_of_that_browser(host, an_account):
    account = an_account()
    browser = Portal(host)
    log_staff_in(browser.http)
    log_in(browser, account.lease.reference, account.password)
    assert browser.http.get("http://localhost/payroll").status_code == 401
    assert browser.get("/espace").path == "/espace"


def test_pitfall_04_stranger_is_sent_to_the_portals_login_not_to_the_hosts(host, portal):
    assert portal.get("/espace").path == "/connexion"


@mounted
def test_pitfall_05_mount_with_the_hosts_secret_shares_no_cookie(make_app, an_account, host):
    app = make_app(SECRET_KEY=host.config["SECRET_KEY"])
    account = an_account()
    browser = Portal(app)
    log_in(browser, account.lease.reference, account.password, remember=True)
    own = cookies_of(browser.http)
    assert not {"session", "remember_token"} & set(own)
    assert {cookie.path for cookie in own.values()} == {PREFIX}
    thief = host.test_client()
    for name in ("session", "remember_token"):
        for cookie in own.values():
            thief.set_cookie(name, cookie.value)
            assert thief.get("/payroll").status_code == 401


@in_host
def test_pitfall_06_login_and_logout_leave_the_hosts_session_alone(host, an_account):
    account = an_account()
    browser = Portal(host)
    log_staff_in(browser.http)
    log_in(browser, account.lease.reference, account.password, remember=True)
    assert "remember_token" not in cookies_of(browser.http)
    assert cookies_of(browser.http)["session"].expires is None, "how long the cookie lasts is the host's affair"
    browser.get("/espace").click("Je me déconnecte")
    assert browser.http.get("http://localhost/who").get_json()["cart"] == "three pencils"


@in_host
def test_pitfall_07_messages_of_host_and_portal_do_not_mix(host, an_account):
    account = an_account()
    page = log_in(Portal(host), account.lease.reference, account.password)
    browser = page.portal
    browser.http.get("http://localhost/say")
    assert not browser.click("Je me déconnecte").says("for the intranet")
    assert browser.http.get("http://localhost/who").get_json()["said"] == ["for the intranet"]


@in_host
def test_pitfall_08_there_is_one_csrf_check_and_forms_pass_with_it_and_without(host, portal, a_contract):
    checks = [f for f in host.before_request_funcs[None] if f.__module__ == "flask_wtf.csrf"]
    assert len(checks) == 1
    assert portal.http.post("/connexion", data={"reference": "1"}).status_code == 400
    assert portal.get("/connexion").form("Je me connecte").click().faults
    host.config["WTF_CSRF_CHECK_DEFAULT"] = False
    assert portal.http.post("/deconnexion").status_code == 400, "our forms check by themselves"


@in_host
def test_pitfall_09_forms_pass_the_referrer_check_of_https(make_app):
    portal = Portal(make_app(PORTAL_PUBLIC_URL="https://localhost"))
    page = portal.get(f"https://localhost{PREFIX}/connexion")
    assert page.response.headers["Referrer-Policy"] == "same-origin"
    assert page.form("Je me connecte").click().faults


def test_pitfall_10_headers_of_the_portal_stay_on_its_own_pages(host, visitor, portal):
    for path in ("/", "/nowhere", "/payroll"):
        headers = visitor.get(path).headers
        assert headers["X-Intranet"] == "1"
        assert not {"Content-Security-Policy", "Cache-Control", "Referrer-Policy"} & set(headers.keys())
    refused = portal.http.post("/connexion")
    assert refused.status_code == 400 and "Content-Security-Policy" in refused.headers


@in_host
def test_pitfall_11_unknown_addresses_below_the_prefix_are_the_hosts(host, visitor):
    answer = visitor.get(f"{PREFIX}/nowhere")
    assert (answer.status_code, answer.text) == (404, "the intranet has no such page")


@in_host
def test_pitfall_12_csrf_refusal_of_the_host_is_told_kindly_and_in_french(host, portal):
    answer = portal.http.post("/connexion", headers={"Accept-Language": "de"})
    assert answer.status_code == 400
    assert 'lang="fr"' in answer.text and "ouverte" in answer.text
    assert "<h1>Bad Request</h1>" in host.test_client().post("/mail").text, "its own refusals stay its own"


@in_host
def test_pitfall_13_templates_of_the_same_name_stay_apart(host, portal, visitor):
    assert "INTRANET" in visitor.get("/").text
    assert "INTRANET" not in portal.get("/connexion").response.text
    portal.get("/activation/none", status=404)
    with host.app_context():
        assert render_template_string("{% include 'problem.html' %}") == "problem of the intranet"


@in_host
def test_pitfall_14_context_of_the_portal_stays_in_the_portal_and_mails_need_none(host, portal, mailbox, roster):
    assert host.test_client().get("/context").text == "nobody Monday of the intranet"
    form = portal.get("/message?sujet=attente").form("J'envoie mon message")
    form.fill("Votre référence contrat", "123456").fill("Votre adresse mail", "a@orange.fr").click()
    mailbox.read_all()
    roster.add(reference="123456")  # without a request
    mail = mailbox.read(to="a@orange.fr")
    assert "Habitat du Val" in mail.text and "of the intranet" not in mail.text
    assert mail.link == f"http://localhost{PREFIX}/inscription"


def test_pitfall_15_static_files_are_found_and_are_not_the_hosts(host, portal, visitor):
    page = portal.get("/connexion")
    for address in page.tree.xpath("//link[@rel='stylesheet']/@href|//script/@src"):
        assert address.startswith(PREFIX)
        with portal.http.get(address) as answer:
            assert answer.status_code == 200
    assert visitor.get("/static/portal.js").status_code == 404


def test_pitfall_16_there_is_one_group_of_commands(host):
    names = {name for name in host.cli.commands if "portal" in name or name in {"login", "signup", "staff"}}
    assert names == {"portal"}
    assert host.test_cli_runner().invoke(args=["portal", "db", "check"]).exit_code == 0


@mounted
def test_pitfall_17_two_portals_live_in_one_process_as_two_mounts(app, portal, host, tmp_path):
    other = {**SETTINGS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'other.sqlite3'}"}
    second = mount(hostile_host(**SQLITE), "/autre", config={**other, "PORTAL_LANDLORD_NAME": "Autre bailleur"})
    mount(host, "/troisieme", config=other)
    assert {"portal", "portal-troisieme"} <= set(host.cli.commands)
    assert second.extensions["portal"].settings.landlord_name == "Autre bailleur"
    assert portal.get("/connexion").title.endswith("Habitat du Val")


MIGRATING = """
import pathlib, sys
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from tenant_portal import TenantPortal, mount
from tests.conftest import SETTINGS

folder, way = pathlib.Path(sys.argv[1]), sys.argv[2]
app = Flask("intranet")
app.config.update(SETTINGS, SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder / 'one.sqlite3'}")
database = SQLAlchemy(app)

class Employee(database.Model):
    id = database.Column(database.Integer, primary_key=True)

def set_up_migrate():
    Migrate(
        app, database, directory=str(folder / "migrations"),
        include_name=lambda name, kind, parents: name != "by_name",
        include_object=lambda thing, name, kind, is_found, other: name != "by_object",
    )

def run(*command):
    done = app.test_cli_runner().invoke(args=command)
    assert done.exit_code == 0, done.output
    return done.output

set_up = [set_up_migrate, lambda: mount(app, "/locataire", config=app.config) if "mount" in way else TenantPortal(app)]
for step in reversed(set_up) if "after" in way else set_up:
    step()
    with app.app_context():  # a host that looks at its tables meanwhile
        database.session.execute(database.text("SELECT 1"))
with app.app_context(), database.engine.begin() as connection:
    connection.execute(database.text("CREATE TABLE by_name (id INTEGER)"))
    connection.execute(database.text("CREATE TABLE by_object (id INTEGER)"))
run("portal", "db", "upgrade")
run("db", "init")
run("db", "migrate")
run("db", "upgrade")
print(run("db", "migrate"))
(version,) = (folder / "migrations" / "versions").glob("*.py")
print(version.read_text())
app.extensions["migrate"].configure_args.pop("include_name")
print("UNGUARDED", run("db", "migrate"))
"""


@pytest.mark.parametrize("way", ["before the extension", "after the extension", "after the mount"])
def test_pitfall_18_migrations_of_the_host_leave_our_tables_alone_without_a_line_of_its_own(tmp_path, way):
    command = [sys.executable, "-c", MIGRATING, str(tmp_path), way]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    guarded, unguarded = done.stdout.split("UNGUARDED")
    assert "create_table('employee'" in guarded and "No changes in schema detected" in guarded
    assert not {name for name in ("portal_", "by_name", "by_object") if name in guarded}
    assert {"removed table 'portal_accounts'", "removed table 'by_name'"} <= set(
        re.findall("removed table '.*'", unguarded)
    )


@in_host
def test_pitfall_19_portal_never_commits_what_the_host_left_pending(host, an_account):
    account = an_account()
    database, employee = host.extensions["sqlalchemy"], host.extensions["employee"]

    host.extensions["leaves_pending"].append("a name that nobody committed")

    browser = Portal(host)
    log_in(browser, account.lease.reference, account.password)
    browser.get("/espace")
    with host.app_context():
        assert database.session.scalars(select(employee.name)).all() == ["Mme Moreau"]


@in_host
def test_pitfall_20_portal_uses_the_hosts_database_and_makes_no_second_one(host, an_account):
    account = an_account()
    found = {id(one) for one in gc.get_objects() if isinstance(one, SQLAlchemy) and host in one._app_engines}
    assert found == {id(host.extensions["sqlalchemy"])}
    with host.app_context():
        assert host.extensions["sqlalchemy"].session.scalars(select(Account.email)).all() == [account.email]
        assert {"employee", "portal_accounts"} <= set(inspect(host.extensions["sqlalchemy"].engine).get_table_names())


@in_host
def test_pitfall_21_mails_go_through_the_hosts_mail_and_name_the_landlord(host, portal, mailbox, a_contract):
    assert not isinstance(host.extensions["mail"], TimeoutMail)
    sign_up(portal, a_contract())
    mail = mailbox.read()
    assert "contact@habitat-du-val.example" in mail.message["From"]
    browser = host.test_client()
    browser.post("/mail", data={"csrf_token": token_on(browser)})
    assert "intranet@habitat.example" in mailbox.unread()[0].message["From"], "the host's own mails go as before"
    mailbox.office.empty()


def test_pitfall_22_links_in_mails_do_not_follow_the_host_header(app, portal, mailbox, an_account):
    account = an_account()
    form = portal.get("/mot-de-passe-oublie").form("mot de passe")
    data = dict(form.fill("Ma référence contrat", account.lease.reference).node.form_values())
    cookie = "; ".join(f"{c.key}={c.value}" for c in portal.http._cookies.values())
    forger = home_of(app).front.test_client(use_cookies=False)
    headers = {"Host": "evil.example", "Cookie": cookie}
    answer = forger.post(f"{PREFIX}/mot-de-passe-oublie", data=data, headers=headers)
    if home_of(app).kind == MOUNT:
        assert answer.status_code == 400 and "evil" not in answer.text
    else:  # the host trusts all names
        assert mailbox.read().link.startswith(f"http://localhost{PREFIX}/")
    with app.app_context():
        assert public_urls.public("login.log_in") == f"http://localhost{PREFIX}/connexion"


@in_host
def test_pitfall_23_settings_are_frozen_and_the_hosts_proxies_are_its_own_affair(app, portal):
    app.config["PORTAL_LANDLORD_NAME"] = "Somebody else"
    assert portal.get("/connexion").title.endswith("Habitat du Val")
    portal.http.get("/connexion", headers={"X-Forwarded-Prefix": "/x", "X-Forwarded-Host": "evil.example"})
    assert "evil" not in portal.http.get("/connexion", headers={"X-Forwarded-Host": "evil.example"}).text


@in_host
def test_pitfall_24_hosts_loader_never_sees_an_id_of_ours(host, an_account):
    browser = an_account().browser  # int(id) would raise
    for path in ("/", "/payroll", "/who", "/login", "/de/news", "/nowhere"):
        assert browser.http.get(f"http://localhost{path}").status_code in {200, 401, 404}


def test_pitfall_25_mail_scanner_that_opens_a_link_changes_nothing(app, portal, mailbox, a_contract):
    sign_up(portal, a_contract())
    link = mailbox.read().link
    scanner = portal.another_browser()
    scanner.http.head(link)
    scanner.get(link)
    with app.app_context():
        account = app.extensions["sqlalchemy"].session.scalars(select(Account)).one()
        assert not account.is_activated
