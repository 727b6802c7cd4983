"""Both sides of the counter in one browser, and the way back to the start."""

import secrets
import threading
from typing import Any

from flask import Flask, current_app, redirect, request, session, url_for

from ..accounts import signed_links
from ..db import db
from ..web.cookies import cookie_name, set_cookie
from ..web.forms import ButtonForm
from ..web.pages import flash_once
from . import calls, scene
from .people import JOINABLE, SAMPLES

#: The owner, to whom all pages are shown.
CLERK = ("Mme Roussel", "owner")
_COOKIE, _HOURS = "demo_clerk", 12


class Counter:
    """The demo's counter; `start` names the time since it began, or began anew."""

    samples, callers = (*SAMPLES, JOINABLE), (calls.LOCKED_OUT, calls.BOUNCED, calls.NOT_FOUND)

    def __init__(self) -> None:
        self.start = secrets.token_urlsafe()
        self._lock = threading.Lock()

    @property
    def calls(self) -> list[calls.Call]:
        """Return the three calls, as they stand."""
        return list(calls.current())

    def clerk(self) -> tuple[str, str] | None:
        """Return the clerk, if this browser stands on the landlord's side."""
        return (
            CLERK if signed_links.unseal(_COOKIE, request.cookies.get(cookie_name(_COOKIE), "")) == self.start else None
        )

    def begin_anew(self, start: str) -> None:
        """Put everything back, unless somebody has done so since `start`; all logins end."""
        with self._lock, current_app.app_context():
            if start != self.start:
                return
            scene.clear()
            scene.build()
            self.start = secrets.token_urlsafe()


def add_pages(app: Flask, counter: Counter) -> None:
    """Add the two buttons, and what the banner shows."""

    def landlord() -> Any:
        if not _is_pressed():
            return redirect(url_for("portal.login.home"))
        set_cookie(_COOKIE, signed_links.seal(_COOKIE, counter.start), _HOURS * 3600)
        return redirect(url_for("portal.office.todo.show"))

    def restart() -> Any:
        if _is_pressed():
            db.session.rollback()  # lets the other writer in
            counter.begin_anew(request.form.get("start", ""))
            session.clear()
            flash_once("demo_restarted")
        return redirect(url_for("portal.login.home"))

    for path, view in (("bailleur", landlord), ("recommencer", restart)):
        rule = f"/demonstration/{path}"
        app.add_url_rule(rule, f"portal.demo.{view.__name__}", view, methods=("GET", "POST"))
    app.jinja_env.globals["demo"] = counter


def _is_pressed() -> bool:
    """Tell whether a fresh button was pressed; a stale one is shown anew."""
    if request.method == "GET":
        return False
    is_fresh = ButtonForm().is_fresh()
    if not is_fresh:
        flash_once("page_renewed")
    return is_fresh
