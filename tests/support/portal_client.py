"""A tenant's browser: it reads pages, fills forms by their labels, presses buttons, and checks every page."""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from werkzeug.test import TestResponse

from .hosts import home_of
from .page_checks import complaints_of
from .page_text import described_by, name_of, plain, visible_text

REDIRECTS_MAX = 5
#: As `status`: any answer will do.
ANY_STATUS = 0


class Browser(FlaskClient):
    """A browser for which typed paths begin at the portal's prefix."""

    prefix = ""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        if args and isinstance(args[0], str) and args[0].startswith("/"):
            path = urlsplit(args[0]).path
            if path != self.prefix and not path.startswith(f"{self.prefix}/") or not self.prefix:
                args = (self.prefix + args[0], *args[1:])
        return super().open(*args, **kwargs)


class Portal:
    """One browser with its own cookies."""

    def __init__(self, app: Flask) -> None:
        self.app, self.home = app, home_of(app)
        self.http = Browser(self.home.front, self.home.front.response_class, use_cookies=True)
        self.http.prefix = self.home.prefix
        self.page: Page = None  # type: ignore[assignment]
        #: Every answer so far, redirects too.
        self.answers: list[TestResponse] = []

    def get(self, address: str, *, status: int = 200) -> "Page":
        """Ask for an address and follow where it leads."""
        return self._settle(self.http.get(address), status)

    def click_link(self, text: str, *, status: int = 200) -> "Page":
        return self.page.click_link(text, status=status)

    def click(self, button: str, *, status: int = 200) -> "Page":
        return self.page.click(button, status=status)

    def reload(self, *, status: int = 200) -> "Page":
        return self.get(self.page.url, status=status)

    def another_browser(self) -> "Portal":
        """Return a browser without cookies."""
        return Portal(self.app)

    def cookie(self, name: str) -> str | None:
        if name == "portal_session":
            name = self.app.config["SESSION_COOKIE_NAME"]
        found = [c for c in self.http._cookies.values() if c.key == name]
        return found[0].value if found else None

    def submit(self, page: "Page", method: str, action: str, data: list[tuple[str, str]], status: int) -> "Page":
        """Send a form as a browser does."""
        fields: dict[str, list[str]] = {}
        for name, value in data:
            fields.setdefault(name, []).append(value)
        address = urljoin(page.url, action)
        headers = {"Referer": page.url, "Sec-Fetch-Site": "same-origin"}
        if method == "post":
            return self._settle(self.http.post(address, data=fields, headers=headers), status)
        return self._settle(self.http.get(address, query_string=fields, headers=headers), status)

    def _settle(self, response: TestResponse, status: int) -> "Page":
        self.answers.append(response)
        for _ in range(REDIRECTS_MAX):
            if response.status_code not in {301, 302, 303, 307, 308}:
                break
            response = self.http.get(urljoin(response.request.url, response.location))
            self.answers.append(response)
        page = Page(self, response)
        assert status in {0, response.status_code}, f"status {response.status_code} instead of {status}\n{page!r}"
        if page.is_html:
            faults = complaints_of(page.tree, response)
            assert not faults, f"{page.url} ({page.status}):\n- " + "\n- ".join(faults)
            self.page = page
        return page


class Page:
    """A page as a person sees it."""

    def __init__(self, portal: Portal, response: TestResponse) -> None:
        self.portal, self.response = portal, response
        self.url, self.status = response.request.url, response.status_code
        self.path = urlsplit(self.url).path.removeprefix(portal.home.prefix) or "/"
        self.is_html = response.mimetype == "text/html"
        self.tree = html.document_fromstring(response.get_data() or b"<html></html>") if self.is_html else None

    def __repr__(self) -> str:
        return f"<{self.status} {self.url}>\n{self.text}"

    @property
    def text(self) -> str:
        return visible_text(self.tree.body) if self.is_html else self.response.get_data(as_text=True)

    @property
    def title(self) -> str:
        return plain(self.tree.findtext(".//title") or "")

    @property
    def h1(self) -> str:
        return plain(self.tree.find(".//h1").text_content())

    @property
    def faults(self) -> list[str]:
        """Return the items of the summary of errors."""
        return [plain(item.text_content()) for item in self.tree.cssselect("main .portal-alert--error[role=alert] li")]

    def says(self, text: str) -> bool:
        """Tell whether the page shows a text, whatever its typography and capitals."""
        return plain(text).casefold() in plain(self.text).casefold()

    def link(self, text: str) -> str:
        """Return the address of a link."""
        links = [a for a in self.tree.cssselect("a[href]") if _reads(name_of(a), text)]
        assert links, f"no link «{text}» on {self!r}"
        return urljoin(self.url, links[0].get("href"))

    def click_link(self, text: str, *, status: int = 200) -> "Page":
        return self.portal.get(self.link(text), status=status)

    def click(self, button: str, *, status: int = 200) -> "Page":
        return self.form(button).click(button, status=status)

    def form(self, which: str | None = None) -> "Form":
        """Return the form with that button or heading, or part of it; without a name, the one to type in."""
        forms = [Form(self, node) for node in self.tree.cssselect("form") if not node.xpath("ancestor::*[@inert]")]
        found = [f for f in forms if f.is_typed_in] if which is None else []
        for names in (Form.buttons, Form.headings):
            found = found or [f for f in forms if which and any(_bare(which) in _bare(name) for name in names(f))]
        assert len(found) == 1, f"{len(found)} forms «{which or ''}» on {self!r}"
        return found[0]


class Form:
    """A form as a person fills it."""

    def __init__(self, page: Page, node: Any) -> None:
        self.page, self.node = page, node
        self.controls = [c for c in node.xpath(".//input|.//select|.//textarea") if c.get("type") not in _NOT_TYPED]

    @property
    def is_typed_in(self) -> bool:
        return bool(self.controls)

    def buttons(self) -> list[str]:
        return [name_of(node) for node in self._buttons()]

    def headings(self) -> list[str]:
        return [name_of(n) for n in self.node.xpath(".//h1|.//h2|.//h3|(preceding::h1|preceding::h2)[last()]")]

    def fill(self, label: str, value: str) -> "Form":
        """Type into the field whose label begins so, or choose from its list."""
        control = self._labelled(label)
        if control.tag == "select":
            control.value = next(o.get("value") for o in control.iter("option") if _reads(o.text_content(), value))
        else:
            control.value = value
        return self

    def choose(self, question: str, answer: str) -> "Form":
        """Answer a question: `choose("… commerciales", "Oui")`."""
        controls = list(self._group(question))
        found = [c for reads in (_reads, _begins) for c in controls if reads(name_of(c), answer)]
        assert found, f"no answer «{answer}» to «{question}» on {self.page!r}"
        for control in controls:  # lxml unchecks no other answer
            control.checked = control is found[0]
        return self

    def tick(self, label: str, *, ticked: bool = True) -> "Form":
        self._labelled(label).checked = ticked
        return self

    def value(self, label: str) -> str:
        """Return what stands in a field or answers a question."""
        if groups := [g for g in self.node.cssselect("fieldset") if _begins(self._question(g), label)]:
            chosen = [name_of(c) for c in self._group(label) if c.checked]
            assert len(groups) == 1 and len(chosen) < 2, f"«{label}» is not one question on {self.page!r}"
            return plain(chosen[0]) if chosen else ""
        return (self._labelled(label).value or "").removeprefix("\n")  # browsers drop the first line end

    def error(self, label: str) -> str:
        """Return what is said against a field or a question."""
        groups = [g for g in self.node.cssselect("fieldset") if _begins(self._question(g), label)]
        nodes = [groups[0], *self._group(label)] if groups else [self._labelled(label)]
        is_refused = any(node.get("aria-invalid") == "true" for node in nodes)
        texts = [text for node in nodes for text in described_by(node, ".portal-error")]
        return plain(texts[0]) if is_refused and texts else ""

    def click(self, button: str | None = None, *, status: int = 200) -> Page:
        """Press that button, or the only one."""
        found = [b for b in self._buttons() if button is None or _reads(name_of(b), button)]
        assert found, f"no button «{button}» on {self.page!r}"
        pressed = found[0]
        data = [(name, value) for name, value in self.node.form_values()]
        if pressed.get("name"):
            data.append((pressed.get("name"), pressed.get("value") or ""))
        action = pressed.get("formaction") or self.node.get("action") or ""
        return self.page.portal.submit(self.page, self.node.method.lower(), action, data, status)

    def _buttons(self) -> list[Any]:
        xpath = ".//button[not(@type) or @type='submit']|.//input[@type='submit']"
        return list(self.node.xpath(xpath))

    def _question(self, group: Any) -> str:
        return name_of(group)

    def _group(self, question: str) -> Iterator[Any]:
        groups = [g for g in self.node.cssselect("fieldset") if _begins(self._question(g), question)]
        assert len(groups) == 1, f"{len(groups)} questions «{question}» on {self.page!r}"
        yield from groups[0].xpath(".//input[@type='radio' or @type='checkbox']")

    @cached_property
    def _names(self) -> list[tuple[str, Any]]:
        return [(name_of(control), control) for control in self.controls]

    def _labelled(self, label: str) -> Any:
        reading = [control for name, control in self._names if _reads(name, label)]
        found = reading or [control for name, control in self._names if _begins(name, label)]
        assert len(found) == 1, f"{len(found)} fields «{label}» among {[plain(name) for name, _ in self._names]}"
        return found[0]


_NOT_TYPED = {"hidden", "submit", "button", "image", "reset"}


def _reads(text: str, wanted: str) -> bool:
    """Compare without star and final stop."""
    return _bare(text) == _bare(wanted)


def _begins(text: str, wanted: str) -> bool:
    return _bare(text).startswith(_bare(wanted))


def _bare(text: str) -> str:
    return re.sub(r"[\s*.…]+$", "", plain(text)).casefold()
