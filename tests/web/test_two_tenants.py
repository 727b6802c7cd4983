"""F21: nothing of one tenant stands on another's page, and what is remembered between requests cannot see a tenant."""

from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import DictLoader, UndefinedError

from tenant_portal.office import ROUTES

from ..conftest import MakeApp
from ..support.page_text import plain
from ..support.paths import ROOT
from ..support.people import open_account
from ..support.portal_client import ANY_STATUS, Page, Portal
from ..support.post import Mailbox
from ..support.rent_notices import in_folder, pdf, publish
from ..support.steps import Lease, join, log_in, sign_up, write_at_home

pytestmark = pytest.mark.security

TEMPLATES = ROOT / "templates"
AGENTS = {
    "Firefox, Android": "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0",
    "Opera, Windows": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 OPR/126.0",
    "Safari, iPhone": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
    "Edge, Linux": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0 Edg/142.0",
}


@dataclass
class Person:
    """Somebody at his browser; `marks` are words that stand on his pages alone."""

    browser: Portal
    marks: tuple[str, ...]
    answers: tuple[str, ...] = ()
    seen: set[str] = field(default_factory=set)
    thread: str = ""

    def look(self, address: str) -> Page:
        """Ask for a page; note which of the own marks it shows."""
        page = self.browser.get(address, status=ANY_STATUS)
        said = words(page)
        self.seen |= {mark for mark in self.marks if mark in said}
        return page


def words(page: Page) -> str:
    """Return all that stands in the source of a page, in plain typography; of a ZIP, what can be read as it is."""
    return plain(unescape(page.response.get_data().decode("utf-8", "replace")))


def tokens(page: Page) -> set[str]:
    """Return the tokens of the forms of a page: those of its session, and those of links and sign-ups."""
    inputs = (
        page.tree.xpath("//input[@type='hidden' and string-length(@value) > 30 and @name!='suite']")
        if page.is_html
        else []
    )
    return {node.get("value") for node in inputs}


def browser_named(app: Flask, name: str) -> Portal:
    """Return a new browser that calls itself so."""
    browser = Portal(app)
    browser.http.environ_base["HTTP_USER_AGENT"] = AGENTS[name]
    return browser


@pytest.fixture
def people(app: Flask, mailbox: Mailbox, a_contract: Callable[..., Lease], tmp_path: Path) -> list[Person]:
    """Return two tenants who share nothing, and two newcomers before their first login."""

    def tenant(
        name: str, street: str, city: str, devices: tuple[str, str], month: str, answers: tuple[str, ...]
    ) -> Person:
        lease = a_contract(last_name=name.upper(), street=street, city=city, kind=f"Logement {name}")
        email, new_email = f"{name}@free.fr", f"{name}.ailleurs@free.fr"
        choices = dict(zip(("e_notice", "commercial", "general"), answers, strict=True))
        browser = browser_named(app, devices[0])
        owner = open_account(browser, mailbox, lease, email=email, **choices)
        garage = a_contract(last_name=name.upper(), street=f"impasse {name}", city=city, kind=f"Garage {name}")
        join(browser, garage)
        log_in(browser_named(app, devices[1]), lease.reference, owner.password)
        publish(app, in_folder(tmp_path / name, {f"{lease.reference}_{month}.pdf": pdf(name)}))
        form = browser.get("/espace/compte/adresse").form("nouvelle adresse")
        form.fill("Ma nouvelle adresse mail", new_email).fill("Mon mot de passe", owner.password).click()
        thread = write_at_home(browser, topic="Mon logement ou une réparation", body=f"Texte {name}.").path
        home = (f"Texte {name}", name.upper(), street, city, f"Logement {name}", lease.reference)
        other = (f"impasse {name}", f"Garage {name}", garage.reference)
        return Person(browser, (*home, *other, email, new_email, *devices), answers, thread=thread)

    def newcomer(email: str) -> Person:
        browser, lease = Portal(app), a_contract()
        sign_up(browser, lease, email=email)
        return Person(browser, (email, lease.reference))

    devices = tuple(AGENTS)
    found = [
        tenant("durand", "1 rue du Lac", "Nantes", devices[:2], "2026-10", ("Oui", "Non", "Oui")),
        tenant("lefort", "2 quai Vert", "Rennes", devices[2:], "2025-03", ("Non", "Oui", "Non")),
        newcomer("zoe@sfr.fr"),
        newcomer("max@sfr.fr"),
    ]
    mailbox.read_all()
    return found


def pages(app: Flask) -> list[str]:
    """Return the address of every page that a browser can ask for without knowing anything."""
    return [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("portal.") and "GET" in (rule.methods or ()) and not rule.arguments
    ]


@pytest.mark.every_home
def test_f21_nothing_of_one_tenant_stands_on_the_page_of_another(app: Flask, people: list[Person]) -> None:
    """Ask for every page in turns, twice, so that each has been drawn for everybody before."""
    addresses = [*pages(app), *(person.thread for person in people if person.thread)]
    given = [set[str]() for _ in people]
    assert len([address for address in addresses if "/espace" in address]) >= 7
    for language in ("fr", "en", "fr", "en"):
        for person in people:
            person.look(f"/aide?langue={language}")
        for address in addresses:
            for number, person in enumerate(people):
                page = person.look(address)
                said = words(page)
                others = {mark for other in people if other is not person for mark in other.marks}
                assert not [mark for mark in others if mark in said], f"{address} of {person.marks}"
                given[number] |= tokens(page)
                if person.answers and page.path == "/espace":
                    shown = [plain(node.text_content()) for node in page.tree.cssselect(".portal-short li")]
                    yes = "Oui" if language == "fr" else "Yes"
                    wanted = [answer == "Oui" for answer in person.answers]
                    assert [text.endswith(yes) for text in shown] == [*wanted, *wanted[1:]], "the second joined"
    for person in people:
        assert person.seen == set(person.marks), "a mark that is never seen proves nothing"
    assert sum(map(len, given)) == len(set[str]().union(*given)), "a token on two people's pages"


def test_f21_nothing_of_one_tenant_stands_on_the_page_that_a_clerk_opens_of_another(
    app: Flask, people: list[Person]
) -> None:
    app.extensions["portal"].options["staff"] = lambda: ("Mme Moreau", "owner")
    clerk, tenants = Portal(app), people[:2]
    rules = [route.rule for route in ROUTES if "<portal_number:number>" in route.rule and "collegues" not in route.rule]
    for rule in [*rules, *rules]:
        for number, person in enumerate(tenants):
            own, joined = 1 + 2 * number, 2 + 2 * number
            for contract in (own, joined):
                page = clerk.get(f"/gestion{rule}".replace("<portal_number:number>", str(contract)))
                said = words(page)
                others = {mark for other in people if other is not person for mark in other.marks}
                assert not [mark for mark in others if mark in said], f"{rule} of {person.marks}"
                person.seen |= {mark for mark in person.marks if mark in said}
    for person in tenants:
        page = clerk.get(person.thread.replace("/espace", "/gestion"))
        said = words(page)
        assert [mark in said for one in tenants for mark in one.marks[:1]] == [one is person for one in tenants]
        unseen = set(person.marks) - person.seen
        assert unseen <= {person.marks[0], *AGENTS}, "a mark that is never seen proves nothing"


@pytest.mark.parametrize("template", ["parts.html", "fields.html"])
@pytest.mark.parametrize(
    "planted",
    [
        "{{ email }}",
        "{{ tenant }}",
        "{{ contract.reference }}",
        "{{ form.email.data }}",
        "{{ said }}",
        "{{ request.path }}",
        "{{ session.portal_signup }}",
        "{{ g.portal_spoken }}",
        "{{ config }}",
        "{{ current_user }}",
        "{{ language_link('en') }}",
    ],
)
def test_f21_what_is_remembered_cannot_see_who_asks(make_app: MakeApp, template: str, planted: str) -> None:
    with pytest.raises(UndefinedError):
        Portal(app_with(make_app, template, planted)).http.get("/connexion")


def test_f21_part_that_is_remembered_cannot_hold_the_token_of_a_form(make_app: MakeApp) -> None:
    with pytest.raises(UndefinedError, match="form_token"):
        Portal(app_with(make_app, "parts.html", "{{ f.csrf() }}")).http.get("/connexion")


def app_with(make_app: MakeApp, template: str, planted: str) -> Flask:
    """Return an application in which somebody has put this into the first macro that a page uses."""
    app = make_app()
    text = (TEMPLATES / "portal" / template).read_text(encoding="utf-8")
    macro = "{%- macro head() -%}" if template == "parts.html" else "{%- macro house() -%}"
    assert macro in text
    changed = {f"portal/{template}": text.replace(macro, macro + planted)}
    app.jinja_loader = DictLoader(changed)  # type: ignore[assignment]
    return app
