"""Who may see a page."""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

from flask import abort, request, session

from ..accounts import sessions
from ..errors import SessionOver
from ..settings import state
from . import session_over
from .identity import current_tenant
from .pages import flash_once

#: In the session: by which form the tenant left, and what it told him.
_DEPARTURE = "portal_departure"


def note_departure(code: str) -> None:
    """Have the next page tell that the tenant left, and again if the same form is sent a second time."""
    flash_once(code)
    session[_DEPARTURE] = {request.endpoint: code}


def session_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """Pass the tenant's session to the view; send others to the login."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        tenant = current_tenant()
        if tenant is not None:
            with suppress(SessionOver):  # in this very moment, by another page
                return view(tenant.session, *args, **kwargs)
        is_sent = request.method == "POST"
        return session_over.lead_to_login(said=session.get(_DEPARTURE, {}).get(request.endpoint) if is_sent else None)

    guarded.portal_guard = "account"  # type: ignore[attr-defined]
    return guarded


def account_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """Pass the tenant's account to the view; send others to the login."""

    @session_required
    @wraps(view)
    def guarded(own: sessions.Session, *args: Any, **kwargs: Any) -> Any:
        return view(own.account, *args, **kwargs)

    return guarded


def staff_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """Admit only users named by the host's `staff` callback; everyone else gets 404.

    With a shared login a tenant is never staff: a careless callback asks only whether somebody is logged in.
    """

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        who = state.options.get("staff")
        is_tenant = not state.options.get("owns_session") and current_tenant() is not None
        name = who() if who is not None and not is_tenant else None
        if not name:
            abort(404)
        return view(str(name), *args, **kwargs)

    guarded.portal_guard = "staff"  # type: ignore[attr-defined]
    return guarded
