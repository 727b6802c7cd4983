"""Who is at the desk, and in which role; how he logged in is asked nowhere else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import abort, g, request

from ..settings import state
from ..web.identity import current_tenant, use_anonymous_user
from . import OFFICE, OPEN, OWNER, has_own_accounts, kept_forms, sessions, staff, way_in


@dataclass(frozen=True)
class Clerk:
    """Somebody who works for the landlord. No way leads from here to a tenant's session."""

    name: str
    role: str = OFFICE

    @property
    def is_owner(self) -> bool:
        """Tell whether he may see colleagues, lists with addresses and requests by law."""
        return self.role == OWNER


def admit(role: str, view: Callable[..., Any], **values: Any) -> Any:
    """Call a view with the clerk of this request; a page for everybody gets none.

    Others get 404. Who is not logged in to an account of the portal's own gets its login, unless he is a tenant.
    """
    if has_own_accounts() and not staff.exist():
        abort(404)
    if role == OPEN:
        if not has_own_accounts():
            abort(404)
        sessions.visit()
        use_anonymous_user()  # whatever tenant is logged in here too
        return view(**values)
    clerk = current()
    if clerk is None and has_own_accounts():
        has_typed = request.method == "POST" and sessions.visit().left_id is not None
        if has_typed or current_tenant() is None:
            return way_in.lead_to_login()
    if clerk is None or (role == OWNER and not clerk.is_owner):
        abort(404)
    g.portal_clerk = clerk
    if has_own_accounts():
        use_anonymous_user()
        kept_forms.show_again(sessions.visit())
    return view(clerk, **values)


def current() -> Clerk | None:
    """Return who is logged in: here, or in the host as it says.

    With a login that host and portal share, a tenant is never staff: a careless callback asks only whether somebody is
    logged in.
    """
    if has_own_accounts():
        own = sessions.visit()
        return Clerk(own.name, own.role) if own.is_proved else None
    named = state.options.get("staff")
    if named is None or (not state.options.get("owns_session") and current_tenant() is not None):
        return None
    who = named()
    if not who:
        return None
    name, role = who if isinstance(who, tuple) else (who, OFFICE)
    return Clerk(str(name), OWNER if role == OWNER else OFFICE)
