"""What a clerk sent after the end of his session: kept for an hour, for him alone, on the server (T37)."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from flask import current_app, g, request
from werkzeug.datastructures import MultiDict

from ..db import begin_write, db, utcnow
from ..errors import FormExpired
from ..web.forms import PortalForm
from . import PREFIX, staff
from .models import KEPT, KeptForm, Staff
from .sessions import Visit

#: Words in names of fields whose content is never kept.
_SECRET = {"password", "confirmation", "current", "code", "secret", "token", "lien", "csrf"}


def keep(staff_id: int) -> bool:
    """Keep the fields of this request; tell whether there was anything, sent from a page of his own session."""
    form, token_field = PortalForm(), str(current_app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token"))
    form.validate()
    fields = {
        name: request.form.getlist(name)
        for name in request.form
        if name != token_field and _SECRET.isdisjoint(name.lower().split("_"))
    }
    if form.refusal not in {None, FormExpired} or not any(text for texts in fields.values() for text in texts):
        return False
    begin_write()
    if db.session.get(Staff, staff_id, with_for_update=True) is None:  # a double click comes one after the other
        return False
    staff.forget_kept_form(staff_id)
    db.session.add(KeptForm(staff_id=staff_id, path=request.path, page=_page_of_form(), fields=fields))
    db.session.commit()
    return True


def show_again(visit: Visit) -> None:
    """Have the forms of this page hold what was kept from it; a form that is sent needs it no more."""
    staff_id = visit.staff_id or 0
    kept = db.session.get(KeptForm, staff_id)
    if kept is None or kept.created_at <= utcnow() - KEPT or request.path not in {kept.path, kept.page}:
        return
    if request.method == "GET":
        g.portal_kept_fields = MultiDict(kept.fields)
    elif request.path == kept.path:
        begin_write()
        staff.forget_kept_form(staff_id)
        db.session.commit()


def shown_again() -> Mapping[str, str]:
    """Return the fields that this page shows again, by name."""
    return g.get("portal_kept_fields") or {}


def _page_of_form() -> str:
    """Return the path of the page that sent this form, which its browser tells us alone."""
    came_from = urlsplit(request.referrer or "")
    is_ours = came_from.netloc == request.host
    path = came_from.path.removeprefix(request.root_path.rstrip("/"))
    return path if is_ours and PREFIX in path else request.path
