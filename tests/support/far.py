"""The tests' browser on a server in another process."""

import http.client
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Flask

from .live import ANSWER_SECONDS
from .portal_client import Portal

Connect = Callable[[], http.client.HTTPConnection]
#: Headers of one connection alone (RFC 9110, 7.6.1).
_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade"}


def far_portal(connect: Connect | int, *, address: str = "http://localhost") -> Portal:
    """Return a browser for the server at that port or over these connections; it believes to be at `address`."""
    parts = urlsplit(address)
    app = Flask("far")
    app.config.update(
        SERVER_NAME=parts.netloc,
        PREFERRED_URL_SCHEME=parts.scheme,
        SESSION_COOKIE_NAME="__Host-portal_session" if parts.scheme == "https" else "portal_session",
    )
    if isinstance(connect, int):
        port = connect
        app.wsgi_app = _Line(lambda: http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS))  # type: ignore[method-assign]
    else:
        app.wsgi_app = _Line(connect)  # type: ignore[method-assign]
    return Portal(app)


class _Line:
    """Passes each request on to the server."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        if environ.get("CONTENT_TYPE"):
            headers["Content-Type"] = environ["CONTENT_TYPE"]
        target = quote(environ["PATH_INFO"].encode("latin-1")) + (
            f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
        )
        connection = self._connect()
        try:
            connection.request(environ["REQUEST_METHOD"], target, body or None, headers)
            answer = connection.getresponse()
            kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
            text = answer.read()
        finally:
            connection.close()
        start_response(f"{answer.status} {answer.reason}", kept)
        return [text]
