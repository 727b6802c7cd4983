"""The demo's mails: kept in memory, shown on a page."""

import hashlib
import re
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask, Response, abort, render_template, request
from flask_mail import Connection, Mail, Message
from markupsafe import Markup, escape

from ..db import utcnow
from ..resources import PACKAGE

#: Older mails are dropped.
MAILS_KEPT = 200
#: A mail may use its own styles and follow clicks: no script, no form, no other server.
LETTER_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'self';"
    " sandbox allow-top-navigation-by-user-activation"
)


@dataclass(frozen=True)
class KeptMail:
    """A mail as it would have been sent."""

    number: int
    at: datetime
    sender: str
    recipients: str
    subject: str
    text: str
    html: str


class Letterbox(Mail):
    """Replaces Flask-Mail and keeps all mails in memory."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        self.letters: deque[KeptMail] = deque(maxlen=MAILS_KEPT)

    @property
    def count(self) -> int:
        """Return how many mails were sent since the start."""
        return self.letters[0].number if self.letters else 0

    def connect(self) -> Connection:
        """Return a connection to this letterbox."""
        return _Slot(self)


class _Slot(Connection):
    mail: Letterbox

    def configure_host(self) -> Any:
        """Connect to nothing."""
        return None

    def send(self, message: Message, envelope_from: Any = None) -> None:
        """Keep the mail."""
        letters = self.mail.letters
        letters.appendleft(
            KeptMail(
                number=self.mail.count + 1,
                at=utcnow(),
                sender=str(message.sender),
                recipients=", ".join(sorted(map(str, message.send_to))),
                subject=str(message.subject),
                text=message.body or "",
                html=message.html or "",
            )
        )


def add_pages(app: Flask, letterbox: Letterbox) -> None:
    """Add the pages of the mails."""

    def letters() -> str:
        return render_template("portal/demo/letterbox.html", letters=list(letterbox.letters))

    def letter(number: int) -> Response:
        found = next((letter for letter in letterbox.letters if letter.number == number), None)
        if found is None:
            abort(404)
        response = Response(found.html.replace("<head>", '<head><base target="_top">', 1))
        response.headers["Content-Security-Policy"] = LETTER_POLICY
        return response

    def count() -> Response:
        return Response(str(letterbox.count), mimetype="text/plain")

    @app.after_request
    def allow_frames(response: Response) -> Response:
        if request.endpoint == "portal.demo.letters":
            response.headers["Content-Security-Policy"] += "; frame-src 'self'"
        return response

    for path, view in (("", letters), ("/<portal_number:number>", letter), ("/compte", count)):
        app.add_url_rule(f"/demonstration/courrier{path}", f"portal.demo.{view.__name__}", view)
    script = hashlib.sha256((PACKAGE / "static" / "demo.js").read_bytes()).hexdigest()[:16]
    app.jinja_env.globals.update(demo_letterbox=letterbox, demo_version=script)
    app.jinja_env.filters["linked"] = _linked


def _linked(text: str) -> Markup:
    """Return a text as HTML with links."""
    return Markup(re.sub(r"https?://[^\s<>]+", r'<a href="\g<0>">\g<0></a>', str(escape(text))))  # noqa: S704 (escaped)
