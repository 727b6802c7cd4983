"""X17: only settings decide the portal's path, and no request fills the memory."""

import gc
import importlib
import pkgutil
import re
from collections.abc import Callable
from functools import _lru_cache_wrapper
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

import tenant_portal

from ..conftest import MakeApp
from ..support.hosts import EXTENSION, home_of
from ..support.live import Live, serve
from ..support.people import Tenant
from ..support.portal_client import Portal
from .test_fuzz import answer_to

pytestmark = pytest.mark.security

EVIL = ["//evil.example", "/evil", "/evil.example/", "//evil.example/locataire", "/a" * 50, "/\x00", 'x"><b>', "/é"]


def entries(kept: Any, depth: int = 4) -> int:
    """Count what a cache holds."""
    if depth == 0 or not isinstance(kept, dict | set | list | tuple):
        return 1
    values = kept.values() if isinstance(kept, dict) else kept
    return 1 + sum(entries(value, depth - 1) for value in values)


@pytest.mark.every_home
def test_path_that_a_request_made_up_stands_in_no_page_and_fills_no_memory(app: Flask, home: str) -> None:
    browser = Portal(app)
    for path in ("/connexion", "/aide", "/nulle-part"):
        browser.http.get(path)
    cache = app.extensions["portal"].cache
    before = entries(cache)
    for number, script_name in enumerate([*EVIL, *(f"/evil{number}" for number in range(50))]):
        raw = {"SCRIPT_NAME": script_name.encode().decode("latin-1")}
        for path in ("/connexion", "/aide"):
            answer = browser.http.get(path, environ_overrides=raw)
            assert answer.status_code == (400 if home == EXTENSION else 200), (script_name, number)
            assert "evil" not in answer.text + str(answer.headers), script_name
        answer = browser.http.get("/espace", environ_overrides=raw)
        assert "evil" not in answer.text + str(answer.headers), script_name
    assert entries(cache) == before
    assert browser.get("/connexion").h1


@pytest.mark.every_home
def test_path_of_the_public_address_is_believed(make_app: MakeApp, home: str) -> None:
    app = make_app(PORTAL_PUBLIC_URL="http://localhost/ville")
    front, prefix = home_of(app).front, home_of(app).prefix
    for script_name in ("/ville", ""):
        answer = front.test_client().get(f"{prefix}/connexion", environ_overrides={"SCRIPT_NAME": script_name})
        assert answer.status_code == 200
        links = set(re.findall(r'href="([^"]*/aide)"', answer.text))
        assert links == {f"{script_name.rstrip('/')}{prefix}/aide"}, script_name


def test_no_cache_grows_by_what_is_asked(app: Flask, an_account: Callable[..., Tenant]) -> None:
    """`with_reference_in` and `newest` hold a few values."""
    for module in pkgutil.walk_packages(tenant_portal.__path__, "tenant_portal."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    ours = [one for one in gc.get_objects() if isinstance(one, _lru_cache_wrapper)]
    ours = [one for one in ours if one.__module__.startswith("tenant_portal")]
    unbounded = {one.__name__ for one in ours if one.cache_parameters()["maxsize"] is None}
    assert ours and unbounded == {"with_reference_in", "newest"}
    tenant = an_account().browser

    def ask_around(number: int) -> None:
        odd = f"odd{number}"
        for browser in (tenant, Portal(app)):
            for path in (
                "/connexion",
                "/espace",
                "/aide",
                f"/{odd}",
                f"/assets/{odd}/portal.css",
                f"/activation/{odd}",
            ):
                headers = {"Accept-Language": odd, "User-Agent": odd, "X-Request-ID": odd * 5, "Accept-Encoding": odd}
                with browser.http.get(f"{path}?{odd}={odd}&langue={odd}&v={odd}", headers=headers):
                    pass
            browser.http.post("/connexion", data={"reference": str(number), "password": odd})
            browser.http.get(f"/assets/portal.js?v={odd}").close()
        report = f'{{"csp-report": {{"document-uri": "http://localhost/", "blocked-uri": "https://{odd}.example/"}}}}'
        browser.http.post("/rapport-de-securite", data=report, content_type="application/csp-report")

    ask_around(0)
    spelt = next(one for one in ours if one.__name__ == "with_reference_in")
    before = entries(app.extensions["portal"].cache), spelt.cache_info().currsize
    for number in range(1, 20):
        ask_around(number)
    assert entries(app.extensions["portal"].cache) == before[0]
    assert spelt.cache_info().currsize - before[1] <= 20, "one statement for each length of a number"


@pytest.fixture
def gunicorn(tmp_path: Path, live_settings: dict[str, Any]) -> Any:
    """Run gunicorn without a proxy before it."""
    with serve(["gunicorn", "--bind", "127.0.0.1:{port}", "wsgi:app"], tmp_path, live_settings) as live:
        yield live


@pytest.mark.slow
def test_gunicorn_takes_no_path_from_a_header(gunicorn: Live) -> None:
    for path, script_name in (
        ("//evil.example", "//evil.example"),
        ("/evil", "/evil"),
        ("", "/evil"),
        ("", "evil\x00"),
    ):
        for name in ("SCRIPT_NAME", "Script_Name", "script_name"):
            request = f"GET {path}/connexion HTTP/1.1\r\nHost: localhost\r\n{name}: {script_name}\r\n\r\n"
            answer = answer_to(gunicorn, request.encode()).decode(errors="replace")
            assert re.match("HTTP/1.1 (200|40[04]) ", answer), answer[:500]
            assert "evil.example/" not in answer.partition("\r\n\r\n")[2] and "/evil/" not in answer, (path, name)
    for name in ("PATH_INFO", "Path_Info", "PATH-INFO"):
        answer = answer_to(gunicorn, f"GET /nulle-part HTTP/1.1\r\nHost: localhost\r\n{name}: /aide\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 404 "), name
    assert "Traceback" not in gunicorn.said()
