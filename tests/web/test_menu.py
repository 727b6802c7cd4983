"""H01: the menu of each page after login, and the languages."""

from collections.abc import Callable

from flask import Flask

from ..support.people import Tenant
from ..support.portal_client import Page, Portal
from ..support.url_map import pages

MENU = {
    "Mes avis": "/espace/avis",
    "Mes choix": "/espace/choix",
    "Mes messages": "/espace/messages",
    "Mon compte": "/espace/compte",
}


def menu(page: Page) -> dict[str, str]:
    """Return the entries of a page's menu, each with its address."""
    return {link.text_content(): link.get("href") for link in page.tree.cssselect("nav.portal-menu a")}


def here(page: Page) -> list[str]:
    """Return the entry of the page that is shown."""
    return [link.text_content() for link in page.tree.cssselect("nav.portal-menu a[aria-current]")]


def test_h01_each_page_after_login_has_the_menu_and_says_where_one_is(
    app: Flask, an_account: Callable[..., Tenant]
) -> None:
    tenant = an_account()
    seen = []
    for path in pages(app):
        page = tenant.browser.get(path)
        if not page.is_html or page.path != path:
            continue
        assert menu(page) == MENU and page.says("Je me déconnecte"), path
        if path.startswith("/espace/"):
            below = path.replace("/espace/connexions", "/espace/compte").replace("/espace/contrats", "/espace/compte")
            assert here(page) == [name for name, address in MENU.items() if below.startswith(address)], path
        seen.append(path)
    assert set(MENU.values()) <= set(seen) and len(seen) > 10


def test_h01_each_entry_opens_a_page_of_that_name(an_account: Callable[..., Tenant]) -> None:
    home = an_account().browser.get("/espace")
    for name in MENU:
        assert home.click_link(name).h1 == name


def test_stranger_sees_the_languages_and_no_menu(portal: Portal) -> None:
    page = portal.get("/connexion")
    assert not menu(page) and not here(page)
    assert page.click_link("English").h1 == "Log in"
