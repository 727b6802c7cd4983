"""A session that ended meanwhile: the login, then on where one was (T37)."""

from typing import Any

from flask import redirect, request, session, url_for

from ..db import db
from ..errors import FormExpired
from ..messages import drafts
from . import identity
from .message_forms import EntryForm
from .pages import flash_once

#: In the session: whose draft was kept from this browser, for « J'ai fini ».
DRAFT_OF = "portal_draft"
#: Forms of which the text is kept.
_WRITING = {"portal.threads.write", "portal.threads.show"}


def lead_to_login(*, said: str | None = None) -> Any:
    """Redirect to the login, which leads on to this page; `said` tells of another way out than a lost session."""
    if said is not None:
        flash_once(said)
        return redirect(url_for("portal.login.log_in"))
    if request.method == "POST":
        flash_once("draft_kept" if _keep_draft() else "nothing_saved")
    elif identity.was_logged_in():
        flash_once("session_over")
    return redirect(url_for("portal.login.log_in", suite=request.path))


def _keep_draft() -> bool:
    """Keep the text of a message for the account whose session it was; tell whether there was one.

    A token of another session means that somebody else may have typed it.
    """
    account_id = identity.left_account() if request.endpoint in _WRITING else None
    if account_id is None:
        return False
    form = EntryForm()
    form.validate()
    if form.refusal not in {None, FormExpired} or not form.body.data:
        return False
    number = (request.view_args or {}).get("number", "")
    drafts.keep(account_id, form.body.data, number=number, topic=request.form.get("topic", ""))
    db.session.commit()
    session[DRAFT_OF] = account_id
    return True
