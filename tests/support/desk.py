"""A clerk in a real browser, with the mouse or by keyboard alone, who counts his clicks."""

from playwright.sync_api import Locator, Page, expect

from .browser_steps import press
from .staff_steps import STAFF_PASSWORD, Colleague

#: The most presses of the Tab key to reach something on a page.
TABS_MAX = 60


def typeset(text: str) -> str:
    """Return a text with the apostrophes of the pages."""
    return text.replace("'", "’")


class Desk:
    """Somebody who works for the landlord, logged in."""

    def __init__(self, page: Page, clerk: Colleague, *, by_keys: bool = False) -> None:
        self.page, self.clerk, self.by_keys = page, clerk, by_keys
        #: Since the search; what is typed or chosen in a form is none.
        self.clicks = 0

    def log_in(self) -> None:
        """Log in on the page that asks for it."""
        self.fill(self.page.get_by_label("Mon adresse mail"), self.clerk.email)
        self.fill(self.page.locator("#password"), STAFF_PASSWORD)
        self.press("Continuer")
        self.fill(self.page.get_by_label("Mon code"), self.clerk.code())
        self.press("Je me connecte")
        expect(self.page.locator("main")).to_contain_text(f"Connecté : {self.clerk.name}")

    def find(self, words: str) -> None:
        """Look for a tenant with the field that stands on every page."""
        self.clicks = 0
        self.fill(self.page.get_by_role("searchbox", name="Trouver un locataire"), words)
        self.press("Trouver")

    def remedy(self, name: str, *, is_first: bool = True) -> None:
        """Open the page of a remedy, which is the first button or stands below it."""
        if not is_first:
            self.activate(self.page.get_by_text("Autres remèdes"))
        self.follow(name)
        expect(self.page.get_by_role("heading", level=1)).to_have_text(typeset(name))
        self.says("Ce qui va se passer")

    def confirm(self, how: str, why: str) -> None:
        """Say how the tenant was recognised and why, and do it."""
        self.choose("Comment savez-vous", how)
        self.choose("Pourquoi", why)
        self.press(self.page.get_by_role("heading", level=1).inner_text())
        self.says("C'est fait :")

    def says(self, text: str) -> None:
        """Require a text on the page."""
        expect(self.page.locator("main")).to_contain_text(typeset(text))

    def follow(self, link: str) -> None:
        self.activate(self.page.locator("main").get_by_role("link", name=typeset(link)).first, leads_on=True)

    def press(self, button: str) -> None:
        self.activate(self.page.locator("main").get_by_role("button", name=typeset(button), exact=True), leads_on=True)

    def fill(self, field: Locator, text: str) -> None:
        """Type into an empty field, or write over what stands there."""
        if self.by_keys:
            self._tab_to(field)
            self.page.keyboard.type(text)
        else:
            field.fill(text)

    def choose(self, question: str, answer: str) -> None:
        """Choose an answer of a list."""
        group = self.page.get_by_role("radiogroup", name=typeset(question))
        radio = group.get_by_role("radio", name=typeset(answer))
        if self.by_keys:
            self._tab_to(group.get_by_role("radio").first)
            self.page.keyboard.press("Space")
            for _ in range(group.get_by_role("radio").count()):
                if not radio.is_checked():
                    self.page.keyboard.press("ArrowDown")
        else:
            radio.check()
        expect(radio).to_be_checked()

    def activate(self, target: Locator, *, leads_on: bool = False) -> None:
        """Click something, or press Enter on it; wait for the next page if it leads on."""
        self.clicks += 1
        if self.by_keys:
            self._tab_to(target)
            if leads_on:
                with self.page.expect_navigation():
                    self.page.keyboard.press("Enter")
            else:
                self.page.keyboard.press("Enter")
        elif leads_on:
            press(target)
        else:
            target.click()

    def _tab_to(self, target: Locator) -> None:
        for _ in range(TABS_MAX):
            self.page.keyboard.press("Tab")
            if target.evaluate("target => target === document.activeElement"):
                return
        raise AssertionError(f"the Tab key does not reach {target} on {self.page.url}")
