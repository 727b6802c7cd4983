"""Who may see a page."""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

from flask import request, session

from ..accounts import sessions
from ..errors import SessionOver
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
