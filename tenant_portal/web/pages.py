"""What views answer with."""

from typing import Any

from flask import render_template, session

from .forms import PortalForm


def page(template: str, *, status: int = 200, form: PortalForm | None = None, **context: Any) -> tuple[str, int]:
    """Return a rendered page and its status: 400 for a refused token; the form keeps what was typed."""
    if form is not None and form.refusal:
        status = 400
    return render_template(f"portal/{template}", form=form, said=pop_flash("portal_said"), **context), status


def pop_flash(key: str) -> Any:
    """Take a value of the previous page; an unchanged session sends no cookie."""
    return session.pop(key) if key in session else None


def flash_once(code: str) -> None:
    """Have the next page show a message of `said.html` once."""
    session["portal_said"] = code
