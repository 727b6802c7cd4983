"""The example intranet, both ways."""

import contextlib
import importlib.util
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_mail import email_dispatched
from lxml import html

from tenant_portal import mount
from tests.support.paths import ROOT

from ..support.portal_client import Portal
from ..support.steps import Lease, fill_login, sign_up

ADDRESS = "http://localhost"
START_SECONDS = 60
LEASE = Lease("417201", "60318401")


@pytest.fixture(scope="module")
def example() -> Iterator[ModuleType]:
    """Return the example as a module."""
    path = ROOT / "examples" / "intranet" / "app.py"
    spec = importlib.util.spec_from_file_location("examples_intranet_app", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(params=["mount", "extension"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def intranet(example: ModuleType, way: str, tmp_path: Path) -> Iterator[Flask]:
    app = example.create_app(way, ADDRESS, tmp_path)
    yield app
    email_dispatched.disconnect(example.print_mail)


def send(client: FlaskClient, path: str, **answers: str) -> str:
    """Send a form of the intranet."""
    token = html.fromstring(client.get(path).text).xpath("string(//input[@name='csrf_token']/@value)")
    return client.post(path, data={"csrf_token": token, **answers}, follow_redirects=True).text


def test_tenant_opens_his_account_inside_the_intranet(
    intranet: Flask, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    browser = Portal(intranet)
    prefixed = Below(browser, "/locataire")
    assert sign_up(prefixed, LEASE).path.startswith("/locataire/")  # type: ignore[arg-type]
    said = printed(capsys, f"{ADDRESS}/locataire/")
    link = next(word for word in said.split() if word.startswith(f"{ADDRESS}/locataire/"))
    form = fill_login(browser.get(link), LEASE.reference, "girafe violette sous l'évier")
    page = form.click("Je me connecte")
    assert page.path == "/locataire/espace"
    for name in (
        "Mes avis",
        "Mes choix",
        "Mes messages",
        "Mon compte",
        "English",
        "Mentions légales",
    ):  # H01, in the host's layout too
        assert page.link(name)
    assert "The tenant of contract 417201 has opened his account." in printed(capsys, "to elodie.martin@orange.fr")
    assert browser.http.get("/annuaire").status_code == 302, "a tenant is no member of staff"
    assert browser.http.get("/locataire/gestion").status_code == 404
    assert page.click("Je me déconnecte").says("Vous êtes déconnecté.")


def test_staff_use_the_back_office_without_a_second_login(intranet: Flask, way: str) -> None:
    staff = intranet.test_client()
    assert staff.get("/locataire/gestion").status_code == 404
    assert "M. Petit, poste 34" in send(staff, "/login", username="moreau", password="intranet")
    assert staff.get("/locataire/gestion").status_code == 200
    assert "Mme Moreau" in staff.get("/").text
    staff.post("/logout", data={"csrf_token": html.fromstring(staff.get("/").text).xpath("//input/@value")[0]})
    assert staff.get("/locataire/gestion").status_code == 404


def test_portal_wears_the_look_of_the_intranet_as_an_extension_alone(intranet: Flask, way: str) -> None:
    page = intranet.test_client().get("/locataire/connexion").text
    assert ("intranet.css" in page) is (way == "extension")
    assert 'class="pico portal"' in page
    assert "portal.css" not in intranet.test_client().get("/").text


@pytest.mark.slow
def test_visitor_starts_the_intranet_by_one_command(way: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    options = ["--extension"] if way == "extension" else []
    command = [sys.executable, "-W", "error", "-m", "examples.intranet.app", "--port", str(port), *options]
    console = tmp_path / "console.txt"
    with console.open("w") as out:
        running = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
    try:
        page, end = "", time.monotonic() + START_SECONDS
        while not page:
            assert running.poll() is None and time.monotonic() < end, console.read_text()
            with contextlib.suppress(urllib.error.URLError):
                page = (
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/locataire/connexion", timeout=30).read().decode()
                )
            time.sleep(0.1)
    finally:
        running.terminate()  # background jobs ignore Ctrl-C
        running.wait(30)
    assert "Je crée mon compte" in page
    assert ("intranet.css" in page) is (way == "extension")


def printed(capsys: pytest.CaptureFixture[str], text: str) -> str:
    """Return the console, once that text is in it."""
    said, end = capsys.readouterr().out, time.monotonic() + START_SECONDS
    while text not in said:
        assert time.monotonic() < end, said
        time.sleep(0.05)
        said += capsys.readouterr().out
    return said


class Below:
    def __init__(self, browser: Portal, prefix: str) -> None:
        self.browser, self.prefix = browser, prefix

    def get(self, address: str) -> object:
        return self.browser.get(self.prefix + address)


# What docs/embedding.md shows


def snippets(heading: str) -> str:
    """Return the Python of a section of the hosts' page."""
    page = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return section.split("```python\n")[1].split("```")[0]


def a_host(folder: Path) -> Flask:
    app = Flask("host")
    app.config["SECRET_KEY"] = "a secret of the host, long enough for us."
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{folder / 'host.sqlite3'}"
    return app


@pytest.mark.parametrize("heading", ["The mount", "The extension"])
def test_host_that_copies_the_lines_of_the_page_has_the_portal(
    heading: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_SECRET", "a secret of the portal, long enough for it.")
    app = a_host(tmp_path)
    code = snippets(heading).replace("sqlite:////srv/portal/portal.sqlite3", f"sqlite:///{tmp_path}/portal.sqlite3")
    names: dict[str, object] = {"app": app, "current_staff": lambda: "Mme Moreau"}
    exec(code, names)  # noqa: S102 (our own page)
    done = app.test_cli_runner().invoke(args=["portal", "db", "upgrade"])
    assert done.exit_code == 0, done.output
    host = app.test_client()
    page = host.get("/locataire/connexion", base_url="https://intranet.landlord.fr")
    assert page.status_code == 200 and "Habitat du Val" in page.text
    assert host.get("/locataire/gestion", base_url="https://intranet.landlord.fr").status_code == 200
    portal = names.get("portal", app)
    assert isinstance(portal, Flask)
    more = {"portal": portal, "rows": [{"reference": "417201", "module": "60318401"}]}
    exec(snippets("Contracts from the host's own tables"), more)  # noqa: S102 (our own page)
    exec(snippets("Signals"), {})  # noqa: S102 (our own page)
    exec(snippets("Mail"), {"app": app})  # noqa: S102 (our own page)


def test_host_dresses_a_mounted_portal_by_a_folder(tmp_path: Path) -> None:
    app = a_host(tmp_path)
    (tmp_path / "portal").mkdir()
    (tmp_path / "portal" / "base.html").write_text("<p>Intranet</p>{% block content %}{% endblock %}", encoding="utf-8")
    config = {
        "SECRET_KEY": "a secret of the portal, long enough for it.",
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'portal.sqlite3'}",
        "PORTAL_PUBLIC_URL": ADDRESS,
        "PORTAL_LANDLORD_NAME": "Habitat du Val",
        "PORTAL_LANDLORD_EMAIL": "contact@landlord.fr",
        "PORTAL_MAIL_AFTER_RESPONSE": False,  # it has no tables
    }
    portal = mount(app, "/locataire", config=config)
    portal.template_folder = str(tmp_path)
    assert "<p>Intranet</p>" in app.test_client().get("/locataire/connexion").text
