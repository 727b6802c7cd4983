"""A browser without a network: it asks a WSGI application in this process, keeps cookies, and follows forms."""

import io
import re
import sys
import time
from typing import Any
from urllib.parse import urlencode

_TOKEN = re.compile(rb'name="csrf_token"[^>]*value="([^"]+)"')


class Browser:
    """One browser; `clock` adds up the seconds that its requests took, its own work left out."""

    def __init__(self, app: Any) -> None:
        self.app, self.cookies = app, dict[str, str]()
        self.clock = 0.0
        self.page = b""

    def get(self, path: str) -> bytes:
        """Ask for a page and return it."""
        return self._ask("GET", path, b"")

    def send(self, path: str, *, follow: bool = True, **fields: str) -> bytes:
        """Send the form of the present page, with its token, and return the page where the answer leads."""
        found = _TOKEN.search(self.page)
        assert found, self.page[:2000]
        body = urlencode({"csrf_token": found[1].decode(), **fields}).encode()
        return self._ask("POST", path, body, follow=follow)

    def _ask(self, method: str, path: str, body: bytes, *, follow: bool = True) -> bytes:
        environ = _environ(method, path, body, "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        status, headers = "", list[tuple[str, str]]()

        def start_response(given: str, these: list[tuple[str, str]], error: Any = None) -> None:
            nonlocal status, headers
            status, headers = given, these

        begun = time.perf_counter()
        answer = self.app(environ, start_response)
        self.page = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        self.clock += time.perf_counter() - begun
        said = [(name.lower(), value) for name, value in headers]
        for cookie in (value for name, value in said if name == "set-cookie"):
            name, _, content = cookie.partition(";")[0].partition("=")
            self.cookies[name] = content
        if status[0] == "3":
            return self._ask("GET", dict(said)["location"], b"") if follow else b""
        assert status[0] == "2", (status, self.page[:3000])
        return self.page


def log_in(browser: Browser, reference: str, password: str) -> None:
    """Log in anew: form, POST, the page behind it; of what was before, only the mark of the device is kept."""
    browser.cookies = {name: value for name, value in browser.cookies.items() if name.endswith("device")}
    browser.get("/")
    page = browser.send("/", reference=reference, password=password)
    assert reference.encode() in page and b'name="password"' not in page, page[:3000]


def send_login(browser: Browser, reference: str, password: str) -> None:
    """Send the login form, and leave it open as it was: the page behind it is not asked for."""
    form, cookies = browser.page, dict(browser.cookies)
    assert not browser.send("/", follow=False, reference=reference, password=password), "refused"
    browser.page, browser.cookies = form, cookies


def sign_up(browser: Browser, reference: str, module: str, password: str) -> None:
    """Sign up: form, POST, the page behind it."""
    browser.cookies = {}
    browser.get("/inscription")
    page = browser.send(
        "/inscription",
        reference=reference,
        module=module,
        password=password,
        confirmation=password,
        email=f"tenant{reference}@orange.fr",
        e_notice="non",
        commercial="non",
        general="oui",
    )
    assert b"Consultez vos e-mails" in page, page[:3000]


def _environ(method: str, path: str, body: bytes, cookies: str) -> dict[str, Any]:
    path, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "HTTP_USER_AGENT": "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0",
        "HTTP_ACCEPT_LANGUAGE": "fr,fr-FR;q=0.8,en;q=0.5",
        "HTTP_ACCEPT_ENCODING": "gzip, deflate, br",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if body:
        environ |= {"CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": str(len(body))}
    if cookies:
        environ["HTTP_COOKIE"] = cookies
    return environ
