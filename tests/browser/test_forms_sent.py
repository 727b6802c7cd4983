"""A form in a real browser: stopped and sent again, pressed twice, come back to, translated, filled by a manager."""

import re
from collections.abc import Callable

from flask import Flask
from playwright.sync_api import Page, expect

from tests.support.people import Tenant
from tests.support.post import Mailbox
from tests.support.steps import PASSWORD, Lease

from ..support.browser_steps import fill_sign_up, press
from ..support.work import hashing_held_back
from .conftest import OpenPage

#: What translators of browsers do: text moves into elements of theirs, and the page gets another language.
TRANSLATE = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) if (walker.currentNode.data.trim()) texts.push(walker.currentNode);
  for (const text of texts) {
    if (text.parentElement.closest("[translate=no], script, style")) continue;
    const font = document.createElement("font");
    const inner = document.createElement("font");
    inner.textContent = `⟦${text.data}⟧`;
    font.append(inner);
    text.replaceWith(font);
  }
  document.documentElement.lang = "tr";
  document.documentElement.classList.add("translated-ltr");
}"""


def fill_login(page: Page, reference: str) -> None:
    page.goto("/connexion")
    page.get_by_role("textbox", name=re.compile("^Ma référence contrat")).fill(reference)
    page.get_by_label(re.compile("^Mon mot de passe")).fill(PASSWORD)


def test_form_that_was_stopped_on_its_way_is_sent_again(
    app: Flask, site: str, open_page: OpenPage, an_account: Callable[..., Tenant]
) -> None:
    tenant = an_account()
    page = open_page(site)
    fill_login(page, tenant.lease.reference)
    button = page.get_by_role("button", name="Je me connecte")
    with hashing_held_back(app) as waiting:
        page.evaluate("setTimeout(() => document.querySelector('main form button[type=submit]').click())")
        while not waiting():
            page.wait_for_timeout(50)
        page.context.new_cdp_session(page).send("Page.stopLoading")
        page.wait_for_timeout(1200)  # longer than a double click
    expect(page).to_have_url(re.compile("/connexion$"))
    press(button)
    expect(page).to_have_url(re.compile("/espace$"))


def test_double_click_sends_once_and_a_page_come_back_to_sends_again(
    site: str, open_page: OpenPage, a_contract: Callable[..., Lease], mailbox: Mailbox
) -> None:
    page = open_page(site)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.goto("/mot-de-passe-oublie")
    page.get_by_role("textbox").fill("417201")
    with page.expect_navigation():
        page.get_by_role("button", name="Recevoir un lien par e-mail").dblclick()
    assert len(sent) == 1
    page.go_back()
    page.get_by_role("textbox").fill("417201")
    press(page.get_by_role("button", name="Recevoir un lien par e-mail"))
    assert len(sent) == 2


def test_page_that_the_browser_translates_still_sends(
    site: str, open_page: OpenPage, a_contract: Callable[..., Lease], mailbox: Mailbox
) -> None:
    lease = a_contract()
    page = open_page(site)
    fill_sign_up(page, lease, email="elodie@gmial.com")
    suggestion = page.locator(".portal-suggestion button")
    expect(suggestion).to_have_text("elodie@gmail.com")
    page.evaluate(TRANSLATE)
    suggestion.click()
    press(page.locator("main form button[type=submit]"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Consultez vos e-mails")
    mail = mailbox.read()
    assert mail.to == "elodie@gmail.com"
    page.evaluate(TRANSLATE)
    press(page.get_by_role("button", name=re.compile("Renvoyer")).first)
    expect(page.locator("main")).to_contain_text("nous renvoyons")
    mailbox.read()
    page.goto(mail.link)
    page.get_by_role("textbox", name=re.compile("^Ma référence contrat")).fill(lease.reference)
    page.evaluate(TRANSLATE)
    page.locator("input[type=password]").fill(PASSWORD)
    press(page.locator("main form button.portal-button[type=submit]").first)
    expect(page).to_have_url(re.compile("/espace$"))
    mailbox.read()


def test_suggestions_while_typing_are_those_of_the_server(site: str, open_page: OpenPage) -> None:
    page = open_page(site)
    page.goto("/inscription")
    field = page.get_by_role("textbox", name=re.compile("^Votre adresse mail"))
    line = page.locator(".portal-suggestion button")
    for typed, meant in (
        ("x@gmail.fr", "x@gmail.com"),
        ("x@ymail.com", ""),
        ("x@srf.fr", "x@sfr.fr"),
        ("x@ge.com", ""),
    ):
        field.fill(typed)
        if meant:
            expect(line).to_have_text(meant)
        else:
            expect(line).to_be_hidden()
