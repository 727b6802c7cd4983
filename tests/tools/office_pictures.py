"""Draw the pictures of docs/office.md: `make pictures`.

They show the demo's callers, and a portal whose staff have accounts of its own, as Chromium sees them.
"""

import base64
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tenant_portal import create_app, demo
from tests.support.live import serve_app
from tests.support.paths import ROOT
from tests.support.services import free_port
from tests.support.staff_steps import STAFF_PASSWORD, code_of

from ..conftest import SETTINGS, upgrade
from ..support.browser_steps import press
from ..support.people import must_run

FOLDER = ROOT / "docs" / "images" / "office"
WIDTH, HEIGHT, QUALITY = 1000, 900, 55
served = contextmanager(serve_app)
#: The demo's own bands are no part of la gestion.
HIDDEN = ".portal-demo, .portal-demo-panel { display: none !important; }"


def main() -> None:
    """Draw all pictures anew."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        draw_desk(browser, Path(folder))
        draw_first_day(browser, Path(folder))
        browser.close()


def draw_desk(browser: Browser, folder: Path) -> None:
    """Draw what a clerk of the demo sees when the three call."""
    address = f"http://127.0.0.1:{free_port()}"
    app = demo.application(folder / "demo", public_url=address)
    demo.furnish(app, folder / "demo")
    with served(app, address), opened(browser, address) as page:
        page.goto("/connexion")
        press(page.get_by_role("button", name="Côté bailleur"))
        take(page, "a-traiter")
        find(page, "Delmas")
        take(page, "contrat")
        press(page.get_by_role("link", name="Lever le délai de connexion").first)
        take(page, "remede", height=1100)
        page.goto("/gestion/messages?vue=sans-echeance")
        press(page.locator("main table a").first)
        take(page, "message")
        find(page, "Lacroix 345678")
        press(page.get_by_role("link", name="Demande d’accès"))
        take(page, "demande-acces")


def draw_first_day(browser: Browser, folder: Path) -> None:
    """Draw an invitation and the colleagues of an installation of its own."""
    address = f"http://127.0.0.1:{free_port()}"
    database = f"sqlite:///{folder / 'first_day.sqlite3'}"
    app = create_app({**SETTINGS, "PORTAL_PUBLIC_URL": address, "SQLALCHEMY_DATABASE_URI": database})
    upgrade(app)
    owner, colleague = "claire.roussel@habitat-du-val.example", "paul.girard@habitat-du-val.example"
    told = app.test_cli_runner().invoke(args=["portal", "staff", "add", owner, "--owner"])
    must_run(app, "staff", "add", colleague)
    link = re.search(r"http\S+", told.output)
    assert link is not None
    with served(app, address), opened(browser, address) as page:
        page.goto(link[0])
        take(page, "invitation", height=1400)
        secret = re.sub(r"\s", "", page.locator(".portal-office-secret").inner_text())
        page.get_by_label(re.compile("nom", re.I)).first.fill("Mme Roussel")
        for field in page.locator("input[type=password]").all():
            field.fill(STAFF_PASSWORD)
        page.locator("input[name=code]").fill(code_of(secret))
        press(page.get_by_role("button", name="Créer mon accès"))
        take(page, "codes")
        page.goto("/gestion/collegues")
        take(page, "collegues")


def find(page: Page, words: str) -> None:
    """Look for a tenant; one hit opens at once."""
    page.goto("/gestion")
    page.get_by_role("searchbox", name="Trouver un locataire").fill(words)
    press(page.get_by_role("button", name="Trouver", exact=True))


def take(page: Page, name: str, *, height: int = HEIGHT) -> None:
    """Write a picture of the page below the landlord's name, as small as WebP makes it."""
    page.add_style_tag(content=HIDDEN)
    page.evaluate("document.activeElement.blur(), scrollTo(0, 0)")
    main = page.get_by_role("main").bounding_box()
    assert main is not None
    clip = {"x": 0, "y": main["y"], "width": WIDTH, "height": min(height, main["height"]), "scale": 1}
    session = page.context.new_cdp_session(page)
    shot = session.send(
        "Page.captureScreenshot", {"format": "webp", "quality": QUALITY, "clip": clip, "captureBeyondViewport": True}
    )
    (FOLDER / f"{name}.webp").write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def opened(browser: Browser, address: str) -> Iterator[Page]:
    """Open a page that lets our style in."""
    context = browser.new_context(
        base_url=address, viewport={"width": WIDTH, "height": HEIGHT}, locale="fr-FR", bypass_csp=True
    )
    yield context.new_page()
    context.close()


if __name__ == "__main__":
    main()
