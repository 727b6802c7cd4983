"""The portal's style sheet changes no pixel and no computed style of its host's page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template
from jinja2 import DictLoader
from playwright.sync_api import Page

from tenant_portal import TenantPortal
from tests.conftest import SETTINGS, close, upgrade
from tests.support.live import serve_app

from .conftest import OpenPage

#: One of everything that a style sheet could reach.
SAMPLER = """
<header class="container"><nav><ul><li><a href="/">News</a></li><li><a href="#" role="button">Staff</a></li></ul></nav>
<hgroup><h1>Intranet</h1><p>of the landlord</p></hgroup></header>
<main class="container"><article><h2>Heading</h2><h3>Smaller</h3><p>Text <b>bold</b> <em>soft</em> <mark>marked</mark>
<abbr title="x">abbr</abbr> <code>code</code> <kbd>kbd</kbd> <del>old</del> <ins>new</ins> <small>small</small></p>
<blockquote>Quote <cite>someone</cite></blockquote><hr><pre>preformatted</pre>
<ul><li>one</li><li>two</li></ul><ol><li>one</li></ol><dl><dt>Term</dt><dd>Fact</dd></dl>
<table class="striped"><caption>Table</caption><thead><tr><th>A</th><th>B</th></tr></thead>
<tbody><tr><td>1</td><td>2</td></tr></tbody></table>
<figure><svg width="20" height="20"><rect width="20" height="20"/></svg><figcaption>Figure</figcaption></figure>
</article><form><fieldset><legend>Legend</legend><label for="t">Text</label>
<input id="t" type="text" placeholder="hint" required>
<input type="password" aria-invalid="true"><input type="number">
<input type="search"><input type="date"><input type="range">
<input type="color"><input type="file"><input type="checkbox" checked><input type="checkbox" role="switch">
<input type="radio" name="r" checked><select><option>one</option></select><textarea>text</textarea>
<progress value="3" max="9"></progress><button>Send</button><button class="secondary outline" disabled>Off</button>
<input type="submit" value="Go"><input type="reset"></fieldset></form>
<details open><summary>More</summary><p>inside</p></details><dialog open><article>dialog</article></dialog>
<div class="grid"><div>1</div><div>2</div></div><span aria-busy="true">busy</span>
<span data-tooltip="tip">tip</span></main>
<footer class="portal-footer">Footer <a href="https://example.com">link</a></footer>
"""
PAGES = {
    "intranet.html": '<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width">'
    "<title>{% block title %}Intranet{% endblock %}</title>"
    '<link rel="stylesheet" href="/own.css">{% block head %}{% endblock %}</head>'
    f'<body><div id="host">{SAMPLER}</div>{{% block main %}}{{% endblock %}}</body></html>',
    # As in docs/embedding.md.
    "portal/base.html": '{% extends "intranet.html" %}{% block title %}{% endblock %}'
    '{% block head %}{{ super() }}<link rel="stylesheet" href="{{ style_url }}">'
    '<script src="{{ script_url }}" defer></script>{% endblock %}'
    '{% block main %}<div class="pico portal">{% include "portal/said.html" %}{% block content %}{% endblock %}</div>'
    "{% endblock %}",
    "styled.html": '{% extends "intranet.html" %}{% block head %}'
    '<link rel="stylesheet" href="{{ style }}">{% endblock %}'
    '{% block main %}<div class="pico portal"><h1>Ours</h1><button>Ours</button></div>{% endblock %}',
}
OWN_CSS = "body { font-family: serif; margin: 12px; background: #fffbe8; color: #222 } h1 { color: #703 }"
#: All that a browser would paint of the host.
LOOKS = """() => [document.documentElement, document.body, ...document.querySelectorAll("#host *")].map(element =>
  [null, "::before", "::after", "::marker", "::placeholder", "::backdrop"].map(part => {
    const style = getComputedStyle(element, part);
    return [...style].map(name => `${element.tagName}${part || ""} ${name}: ${style[name]}`);
  })).flat(2)"""


@pytest.fixture
def intranet(address: str, tmp_path: Path, clock: object) -> Iterator[Flask]:
    app = Flask("intranet", static_folder=None)
    app.config.update(
        {
            **SETTINGS,
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'intranet.sqlite3'}",
            "PORTAL_PUBLIC_URL": address,
            "PORTAL_URL_PREFIX": "/locataire",
        }
    )
    app.jinja_loader = DictLoader(PAGES)  # type: ignore[assignment]
    TenantPortal(app)
    app.add_url_rule("/", "news", lambda: render_template("intranet.html"))
    app.add_url_rule("/own.css", "own", lambda: (OWN_CSS, {"Content-Type": "text/css"}))

    @app.get("/styled")
    def styled() -> str:
        page = app.test_client().get("/locataire/connexion").text
        style = next(part for part in page.split('"') if "/assets/" in part and ".css" in part)
        return render_template("styled.html", style=style)

    upgrade(app)
    yield app
    close(app)


@pytest.fixture
def site(intranet: Flask, address: str) -> Iterator[str]:
    yield from serve_app(intranet, address)


def picture(page: Page) -> bytes:
    """Return what the host's part looks like."""
    return page.locator("#host").screenshot(animations="disabled")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_host_page_looks_the_same_with_the_portals_style_sheet(
    site: str, open_page: OpenPage, width: int, scheme: Any
) -> None:
    page = open_page(site, width=width, color_scheme=scheme)
    page.goto("/")
    looks, seen = page.evaluate(LOOKS), picture(page)
    page.goto("/styled")
    ours = page.get_by_role("button", name="Ours")
    assert ours.evaluate("e => getComputedStyle(e).fontFamily") != "serif", "the style sheet was not loaded"
    ours.evaluate("e => e.parentElement.remove()")
    assert not set(page.evaluate(LOOKS)) ^ set(looks)
    assert picture(page) == seen


def test_portal_stands_in_the_hosts_layout_and_leaves_it_as_it_is(
    site: str, open_page: OpenPage, intranet: Flask
) -> None:
    page = open_page(site)
    page.goto("/")
    looks = page.evaluate(LOOKS)
    page.goto("/locataire/connexion")
    assert page.title().startswith("Identifiez-vous")
    assert page.locator(".pico.portal h1").inner_text() == "Identifiez-vous"
    assert page.locator(".pico.portal").evaluate("e => getComputedStyle(e).fontFamily") != "serif"
    page.locator(".pico.portal").evaluate("e => e.remove()")
    assert not set(page.evaluate(LOOKS)) ^ set(looks)
