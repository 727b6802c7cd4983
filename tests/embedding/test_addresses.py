"""Every address is right below a prefix, behind a proxy and under a name of its own."""

from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from lxml import html

from tenant_portal import public_urls
from tests.support.hosts import EXTENSION, MOUNT, PREFIX, STANDALONE, home_of

BEHIND = {"X-Forwarded-Prefix": "/ville", "X-Forwarded-Host": "www.val.example", "X-Forwarded-Proto": "https"}
#: The legal pages link to them.
ELSEWHERE = {"formulaire.defenseurdesdroits.fr", "www.defenseurdesdroits.fr", "www.cnil.fr"}


def crawl(app: Flask, root: str, headers: dict[str, str]) -> set[str]:
    """Follow every address that a stranger can reach."""
    client = home_of(app).front.test_client()
    seen: set[str] = set()
    waiting = [f"{root}/connexion"]
    while waiting:
        address = waiting.pop().partition("#")[0]
        if address in seen:
            continue
        seen.add(address)
        assert address.startswith(root), address
        parts = urlsplit(address)
        asked = parts.path.removeprefix(headers.get("X-Forwarded-Prefix", ""))
        base = "http://localhost" if headers else f"{parts.scheme}://{parts.netloc}"
        with client.get(asked, query_string=parts.query, base_url=base, headers=headers) as answer:
            assert answer.status_code < 400, f"{address}: {answer.status_code}"
            for cookie in answer.headers.getlist("Set-Cookie"):
                if "portal_" in cookie.partition("=")[0]:
                    assert f"Path={urlsplit(root).path or '/'};" in f"{cookie};", cookie
            found = [answer.location] if answer.location else []
            if answer.mimetype == "text/html":
                tree = html.document_fromstring(answer.get_data())
                found += tree.xpath("//a/@href|//link/@href|//script/@src|//img/@src|//form[@method='get']/@action")
                assert all(urljoin(address, a).startswith(root) for a in tree.xpath("//form/@action"))
        found = [urljoin(address, a) for a in found if not a.startswith(("tel:", "mailto:", "data:"))]
        waiting += [a for a in found if urlsplit(a).hostname not in ELSEWHERE]
    return seen


@pytest.mark.parametrize(
    ("home", "settings", "root", "headers"),
    [
        (EXTENSION, {}, f"http://localhost{PREFIX}", {}),
        (MOUNT, {}, f"http://localhost{PREFIX}", {}),
        (STANDALONE, {"PORTAL_URL_PREFIX": "/espace-locataire"}, "http://localhost/espace-locataire", {}),
        (STANDALONE, {"PORTAL_PUBLIC_URL": "https://locataire.val.example"}, "https://locataire.val.example", {}),
        (MOUNT, {"PORTAL_PUBLIC_URL": "https://intra.val.example"}, f"https://intra.val.example{PREFIX}", {}),
        (EXTENSION, {"SERVER_NAME": "intra.val.example"}, f"http://intra.val.example{PREFIX}", {}),
        (STANDALONE, {"PORTAL_PROXY_HOPS": 1}, "https://www.val.example/ville", BEHIND),
        (MOUNT, {"PORTAL_PROXY_HOPS": 1}, f"https://www.val.example/ville{PREFIX}", BEHIND),
    ],
    indirect=["home"],
)
def test_tenant_finds_every_address_right(make_app, settings, root, headers):
    prefix = PREFIX if root.endswith(PREFIX) else settings.get("PORTAL_URL_PREFIX", "")
    app = make_app(**{"PORTAL_PUBLIC_URL": root.removesuffix(prefix), **settings})
    seen = crawl(app, root, headers)
    assert {f"{root}/{page}" for page in ("inscription", "aide", "message", "mentions-legales")} <= seen
    assert any("/assets/" in address and ".css" in address for address in seen)
    with app.app_context():
        assert public_urls.public("login.log_in") == f"{root}/connexion"
