"""A host that breaks a condition reads one error that names the remedy."""

import re
import subprocess
import sys
import tomllib
from dataclasses import fields

import pytest
from flask import Blueprint, Flask
from flask_login import LoginManager
from flask_wtf import CSRFProtect

from tenant_portal import TenantPortal, mount
from tenant_portal.errors import ConfigError
from tenant_portal.settings import Settings, key_of
from tests.conftest import SETTINGS
from tests.support.hosts import PREFIX, hostile_host
from tests.support.paths import ROOT

from .conftest import log_staff_in

CONFIG = {**SETTINGS, "SQLALCHEMY_DATABASE_URI": "sqlite://", "PORTAL_URL_PREFIX": PREFIX}


def bare(**config):
    """Return a host with settings alone."""
    app = Flask("intranet", static_folder=None)
    app.config.update({**CONFIG, **config})
    return app


BROKEN = [
    (lambda app: app.config.pop("PORTAL_PUBLIC_URL"), "PORTAL_PUBLIC_URL is missing"),
    (lambda app: app.config.update(SECRET_KEY="short"), "SECRET_KEY is shorter than 32 characters"),
    (lambda app: app.config.update(PORTAL_PUBLIC_URL=f"http://localhost{PREFIX}"), "stand twice in each address"),
    (lambda app: (CSRFProtect(app), CSRFProtect(app)), "CSRFProtect was set up twice.*keep one"),
    (lambda app: TenantPortal(app), "call TenantPortal once"),
    (lambda app: app.register_blueprint(Blueprint("portal", "x")), "blueprint named 'portal'"),
    (lambda app: app.cli.command("portal")(lambda: None), "command named 'portal'"),
    (
        lambda app: app.add_url_rule(f"{PREFIX}/connexion", "mine", str),
        "connexion .*set PORTAL_URL_PREFIX",
    ),
    (lambda app: app.add_url_rule(f"{PREFIX}/activation/<x>", "mine", str), "is an address of the portal"),
]


@pytest.mark.parametrize(("break_it", "remedy"), BROKEN)
def test_host_that_breaks_a_condition_is_told_the_remedy(break_it, remedy):
    app = bare()
    break_it(app)
    with pytest.raises(ConfigError, match=remedy):
        TenantPortal(app)


@pytest.mark.parametrize(
    ("break_it", "remedy"),
    [
        (CSRFProtect, "CSRFProtect was set up twice"),
        (lambda app: app.add_url_rule(f"{PREFIX}/aide", "mine", str), "set PORTAL_URL_PREFIX"),
    ],
)
def test_host_that_breaks_a_condition_later_is_told_at_the_first_page(break_it, remedy):
    app = bare()
    CSRFProtect(app)
    TenantPortal(app)
    break_it(app)
    for _ in range(2):
        with pytest.raises(ConfigError, match=remedy):
            app.test_client().get(f"{PREFIX}/connexion")


@pytest.mark.parametrize("prefix", ["", "locataire", "/", "/a/", "/payroll", "/a b"])
def test_mount_refuses_a_prefix_that_cannot_be(prefix):
    with pytest.raises(ConfigError, match="prefix"):
        mount(hostile_host(SQLALCHEMY_DATABASE_URI="sqlite://"), prefix, config=CONFIG)


def test_mount_refuses_a_prefix_twice():
    host = bare()
    mount(host, PREFIX, config={**CONFIG, "PORTAL_URL_PREFIX": ""})
    with pytest.raises(ConfigError, match="used by the host already"):
        mount(host, PREFIX, config=CONFIG)


def test_page_for_hosts_quotes_what_a_host_is_told():
    told = []

    def note(act, app):
        with pytest.raises(ConfigError) as caught:
            act(app)
        told.append(str(caught.value))

    for break_it, _ in BROKEN:
        app = bare()
        break_it(app)
        note(TenantPortal, app)
    late = bare()
    TenantPortal(late)
    LoginManager(late)
    note(lambda app: app.test_client().get(f"{PREFIX}/connexion"), late)
    host = bare()
    host.add_url_rule(PREFIX, "mine", str)
    note(lambda app: mount(app, PREFIX, config=CONFIG), host)
    table = PAGE.split("| Condition | Error |")[1].split("\n\n")[0]
    quotes = [
        text for row in table.splitlines()[2:] for text in re.findall("`([^`]+)`", row.split("|")[2]) if " " in text
    ]
    assert len(quotes) >= 7
    for quote in quotes:
        pattern = ".*".join(re.escape(part) for part in quote.split("…"))
        assert any(re.search(pattern, text) for text in told), quote


PAGE = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")


def test_page_for_hosts_begins_with_the_package_and_its_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    install = PAGE.partition("\n## Install\n")[2].partition("\n## ")[0]
    assert f"`{project['name']}`" in install
    assert f"Python {project['requires-python'].removeprefix('>=')} or newer" in install
    assert set(re.search(r"\[([\w,]+)\]", install)[1].split(",")) <= set(extras)
    told = {}
    for left, right in re.findall(r"^\| (.*) \| ([0-9., ]+) \|$", install, re.MULTILINE):
        names = re.sub(r" with `\[\w+\]`", "", left).split(", ")
        told.update(zip(names, right.split(", "), strict=True))
    bounds = [line for line in project["dependencies"] + extras["postgresql"] + extras["redis"]]
    assert told == {re.split(r"[\[>]", line)[0]: line.split(">=")[1] for line in bounds}


def test_page_for_hosts_names_commands_addresses_and_settings_that_exist():
    app = bare()
    TenantPortal(app, staff=lambda: None)
    for command in set(re.findall("flask portal ([a-z ]+[a-z])", PAGE)):
        told = app.test_cli_runner().invoke(args=["portal", *command.split(), "--help"])
        assert told.exit_code == 0 and "No such command" not in told.output, command
    adapter = app.url_map.bind("localhost")
    for address in set(re.findall(f"{PREFIX}/[a-z]+", PAGE)):
        assert adapter.match(address), address
    named = set(re.findall("PORTAL_[A-Z_]*[A-Z]", PAGE)) - {"PORTAL_SECRET"}  # of the environment, in an example
    assert named and named <= {key_of(row) for row in fields(Settings)}


WEIGHT = """
import sys
from flask import Flask
from tenant_portal import TenantPortal, create_app
host = Flask("host")
host.config.from_mapping(%(config)r)
TenantPortal(host)
own = create_app(%(config)r)
print(*[sum("gestion" in rule.rule for rule in app.url_map.iter_rules()) for app in (host, own)])
print([name for name in sys.modules if name.startswith("tenant_portal.office.")])
"""


def test_g01_whoever_has_no_staff_carries_nothing_of_la_gestion():
    command = [sys.executable, "-c", WEIGHT % {"config": CONFIG}]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    counts, imported = done.stdout.splitlines()
    in_host, alone = map(int, counts.split())
    assert in_host == 0 and alone > 2
    assert imported == "[]"


def test_host_that_goes_through_the_checklist_finds_it_kept(app, portal, visitor):
    steps = PAGE.partition("\n## Checklist\n")[2]
    assert len(re.findall(r"^\d+\. ", steps, re.MULTILINE)) == 13
    done = app.test_cli_runner().invoke(args=["portal", "db", "check"])
    assert done.exit_code == 0, done.output
    health = visitor.get(f"{PREFIX}/healthz")
    assert f"`{health.text.strip()}`" in steps
    assert "Habitat du Val" in portal.get("/connexion").title
    assert visitor.get(f"{PREFIX}/gestion").status_code == 404
    log_staff_in(visitor)
    assert visitor.get(f"{PREFIX}/gestion").status_code == 200


QUIET = """
import os, sys, threading
seen = []
def note(event, args):
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if writes or event in {"socket.connect", "sqlite3.connect", "_thread.start_new_thread"}:
        seen.append((event, args))
sys.dont_write_bytecode = True
import flask
sys.addaudithook(note)
files = os.listdir("/proc/self/fd")
from tenant_portal import TenantPortal, mount
config = %r
mount(flask.Flask("one"), "/locataire", config=config)
host = flask.Flask("two")
host.config.update(config)
TenantPortal(host)
assert not seen, seen
assert threading.active_count() == 1
assert os.listdir("/proc/self/fd") == files
"""


def test_nothing_is_opened_or_started_before_the_first_request(tmp_path):
    config = {**SETTINGS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'portal.sqlite3'}"}
    done = subprocess.run([sys.executable, "-c", QUIET % config], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())
