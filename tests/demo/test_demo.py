"""The demo in its own process, over HTTP."""

import re
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener, urlopen

import pytest
from lxml import html

from ..support.live import run_python, start_python
from ..support.page_text import plain
from ..support.portal_client import Portal
from ..support.services import free_port

pytestmark = pytest.mark.slow

PASSWORD = "citron vert quatorze nuages"
START_SECONDS = 60
DEMO = ("-m", "tenant_portal", "demo")


class Demo:
    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self.folder, self.port = folder, port or free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.console = folder / "console.txt"
        with self.console.open("w") as out:
            self.process = start_python(folder, *DEMO, "--port", str(self.port), stdout=out, stderr=out)

    @property
    def said(self) -> str:
        return self.console.read_text(encoding="utf-8")

    def wait(self) -> "Demo":
        end = time.monotonic() + START_SECONDS
        while "Ctrl-C" not in self.said:
            assert self.process.poll() is None and time.monotonic() < end, self.said
            time.sleep(0.1)
        return self

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


class Visitor:
    """A browser without JavaScript."""

    def __init__(self) -> None:
        self.http: OpenerDirector = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, address: str, data: dict[str, str] | None = None) -> html.HtmlElement:
        with self.http.open(address, urlencode(data).encode() if data is not None else None, timeout=30) as answer:
            page = html.document_fromstring(answer.read(), base_url=answer.url)
        return page

    def send(self, page: html.HtmlElement, answers: dict[str, str]) -> html.HtmlElement:
        form = next(f for f in page.forms if set(answers) <= set(f.fields.keys()))
        fields = {name: value for name, value in form.form_values() if name not in answers}
        return self.get(urljoin(page.base_url, form.action or ""), {**fields, **answers})


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Return a function that starts a demo."""
    started: list[Demo] = []

    def make(**options: int) -> Demo:
        started.append(Demo(tmp_path, **options))
        return started[-1]

    yield make
    for demo in started:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.process.wait(30)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = Demo(tmp_path_factory.mktemp("demo")).wait()
    yield running
    running.stop()


def newest_mail(demo: Demo, visitor: Visitor, subject: str) -> html.HtmlElement:
    """Return the newest mail of that subject, once it has come."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        page = visitor.get(f"{demo.address}/demonstration/courrier")
        found = page.xpath(f"//article[h2[contains(., '{subject}')]]")
        if found:
            return found[0]
        time.sleep(0.1)
    raise AssertionError(f"no mail «{subject}»: {page.text_content()}")


def test_a_visitor_goes_from_a_printed_contract_to_his_home(demo: Demo) -> None:
    """With what the console printed, and the link of the mails' page."""
    sides = ("Côté locataire", demo.address, "Côté bailleur", "Trois contrats")
    assert sorted(sides, key=demo.said.index) == list(sides)
    printed = re.search(r"Prélèvement automatique +référence (\d+) +module (\d+)", demo.said)
    assert printed
    visitor = Visitor()
    answers = {"reference": f"L/{printed[1]}", "module": printed[2], "password": PASSWORD, "confirmation": PASSWORD}
    choices = {"e_notice": "oui", "commercial": "non", "general": "oui"}
    page = visitor.get(f"{demo.address}/inscription")
    page = visitor.send(page, {**answers, **choices, "email": "odile@example.com"})
    assert "odile@example.com" in page.text_content()

    letter = newest_mail(demo, visitor, "Activez")
    links = letter.xpath(".//pre//a/@href")
    rendered = visitor.get(urljoin(demo.address, letter.xpath(".//iframe/@src")[0]))
    assert links[0] in rendered.xpath("//a/@href")
    assert rendered.xpath("//base/@target") == ["_top"]

    page = visitor.get(links[0])
    page = visitor.send(page, {"reference": printed[1], "password": PASSWORD})
    assert page.base_url == f"{demo.address}/espace"
    newest_mail(demo, visitor, "prêt")

    standing = run_python(demo.folder, *DEMO, "--port", str(demo.port), "show", printed[1])
    assert standing.returncode == 0, standing.stderr
    assert "odile@example.com" in standing.stdout or "o•••@example.com" in standing.stdout


def test_a_visitor_logs_in_to_the_account_that_stands_already(demo: Demo) -> None:
    printed = re.search(r"Compte déjà créé +référence (\d+) .* mot de passe (\S+)", demo.said)
    assert printed
    visitor = Visitor()
    page = visitor.get(f"{demo.address}/connexion")
    page = visitor.send(page, {"reference": printed[1], "password": printed[2]})
    assert page.base_url == f"{demo.address}/espace"
    notices = visitor.get(f"{demo.address}/espace/avis").xpath("//main//li/a[1]/@href")
    assert len(notices) == 5, "of two leases, one of which has ended"
    with visitor.http.open(urljoin(demo.address, notices[0]), timeout=30) as answer:
        assert answer.read().startswith(b"%PDF-")


def test_a_visitor_reads_the_three_contracts_on_each_page(demo: Demo) -> None:
    visitor = Visitor()
    for path in ("/connexion", "/inscription", "/aide", "/demonstration/courrier"):
        banner = plain(
            visitor.get(f"{demo.address}{path}").xpath("//aside[contains(@class, 'portal-demo')]")[0].text_content()
        )
        for words in ("123456", "12345678", "234567", "23456789", "345678", "34567890", "Courrier de démonstration"):
            assert words in banner, path


def test_a_mail_of_the_demo_can_run_nothing(demo: Demo) -> None:
    visitor = Visitor()
    page = visitor.get(f"{demo.address}/mot-de-passe-oublie")
    visitor.send(page, {"reference": "345678"})
    letter = newest_mail(demo, visitor, "mot de passe")
    with urlopen(urljoin(demo.address, letter.xpath(".//iframe/@src")[0]), timeout=30) as answer:  # noqa: S310
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "sandbox" in policy and "script" not in policy


def test_staff_ask_where_each_of_the_three_stands_with_the_printed_command(demo: Demo) -> None:
    commands = re.findall(r"^  \S+ -m tenant_portal demo (.*)$", demo.said, flags=re.M)
    assert len(commands) == 3
    for line in commands:
        standing = run_python(demo.folder, *DEMO, *line.split())
        assert standing.returncode == 0, standing.stderr
        assert line.split()[-1] in standing.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_leaves_nothing_behind(start: Callable[..., Demo], number: int) -> None:
    demo = start().wait()
    assert demo.stop(number) == 0, demo.said
    assert not (demo.folder / ".demo").exists()
    assert "Traceback" not in demo.said and "effacées" in demo.said


def test_a_demo_that_was_killed_starts_anew(start: Callable[..., Demo]) -> None:
    demo = start().wait()
    demo.stop(signal.SIGKILL)
    assert (demo.folder / ".demo").exists()
    start(port=demo.port).wait()


def test_a_demo_refuses_a_port_that_is_taken(start: Callable[..., Demo]) -> None:
    demo = start().wait()
    refused = run_python(demo.folder, *DEMO, "--port", str(demo.port))
    assert refused.returncode == 1 and "--port" in refused.stderr
    with urlopen(f"{demo.address}/connexion", timeout=30) as answer:  # noqa: S310
        assert answer.status == 200


@pytest.mark.parametrize("where", ["environment", ".env"])
def test_a_demo_refuses_a_database_that_a_setting_names(tmp_path: Path, where: str) -> None:
    real = tmp_path / "real.sqlite3"
    uri = f"sqlite:///{real}"
    if where == ".env":
        (tmp_path / ".env").write_text(f"FLASK_SQLALCHEMY_DATABASE_URI='{uri}'\n")
    more = {"FLASK_SQLALCHEMY_DATABASE_URI": uri} if where == "environment" else {"PYTHON_DOTENV_DISABLED": "0"}
    refused = run_python(tmp_path, *DEMO, "--port", str(free_port()), **more)
    assert refused.returncode == 1 and "FLASK_SQLALCHEMY_DATABASE_URI" in refused.stderr
    assert not real.exists() and not (tmp_path / ".demo").exists()


@pytest.mark.parametrize("held", ["another program's", "a real roster", "no database"])
def test_a_demo_refuses_a_database_that_holds_anything_else(tmp_path: Path, held: str) -> None:
    port = free_port()
    database = tmp_path / ".demo" / str(port) / "portal.sqlite3"
    database.parent.mkdir(parents=True)
    if held == "no database":
        database.write_text("rent book")
    else:
        with closing(sqlite3.connect(database)) as connection:
            if held == "a real roster":
                connection.execute(f"PRAGMA application_id = {0x64656D6F}")
            connection.execute("CREATE TABLE portal_contracts (reference TEXT)")
            connection.execute("INSERT INTO portal_contracts VALUES ('598395')")
            connection.commit()
    before = database.read_bytes()
    refused = run_python(tmp_path, *DEMO, "--port", str(port))
    assert refused.returncode == 1 and "autre chose" in refused.stderr
    assert database.read_bytes() == before


def test_a_demo_takes_nothing_from_a_real_installation(tmp_path: Path, start: Callable[..., Demo]) -> None:
    (tmp_path / ".env").write_text("FLASK_PORTAL_LANDLORD_NAME='Vrai bailleur'\nFLASK_PORTAL_NOWHERE=1\n")
    demo = start().wait()
    with urlopen(f"{demo.address}/connexion", timeout=30) as answer:  # noqa: S310
        text = answer.read().decode()
    assert "Habitat du Val" in text and "Vrai bailleur" not in text


def test_nobody_shows_a_demo_that_does_not_run(tmp_path: Path) -> None:
    refused = run_python(tmp_path, *DEMO, "--port", str(free_port()), "show", "123456")
    assert refused.returncode == 1 and "Aucune démonstration" in refused.stderr


def test_a_portal_that_is_no_demo_has_no_page_of_mails(portal: Portal) -> None:
    portal.get("/demonstration/courrier", status=404)
    assert not portal.get("/connexion").tree.cssselect(".portal-demo")
