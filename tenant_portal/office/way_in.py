"""To the login of the staff and back to where one was."""

from typing import Any

from flask import redirect, request, url_for

from ..web.pages import flash_once
from ..web.redirects import page_of
from . import OFFICE, OWNER, ROUTES, kept_forms, sessions

_ENDPOINTS = {f"portal.office.{route.view}" for route in ROUTES if route.role in (OFFICE, OWNER)}


def lead_to_login() -> Any:
    """Redirect to the login, which leads on to this page; what was typed in a form of it is kept for its clerk."""
    left_id = sessions.visit().left_id
    if request.method == "POST":
        has_kept = left_id is not None and kept_forms.keep(left_id)
        flash_once("staff_form_kept" if has_kept else "nothing_saved")
    elif left_id is not None:
        flash_once("session_over")
    return redirect(url_for("portal.office.entrance.log_in", suite=request.path))


def next_page(wanted: str | None) -> str:
    """Return the wanted page if it is one of la gestion, else its first one."""
    found = page_of(wanted)
    if found is None or found[0] not in _ENDPOINTS:
        return url_for("portal.office.todo.show")
    return url_for(found[0], **found[1])
