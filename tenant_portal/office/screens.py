"""The pages of staff."""

from flask import Blueprint, abort
from wtforms import StringField

from ..accounts import progress
from ..db import db
from ..i18n import lazy_gettext as _l
from ..mail import remedies
from ..models import Contract
from ..web import guards
from ..web.fields import Required
from ..web.forms import PortalForm
from ..web.pages import page
from . import search

screen = Blueprint("office", __name__, url_prefix="/gestion")


class SearchForm(PortalForm):
    """The search; a POST, so that no name or mail address is in a URL."""

    query = StringField(
        _l("Référence contrat, nom ou adresse mail"),
        [Required(_l("Saisissez une référence contrat, un nom ou une adresse mail."))],
        description=_l("Le début suffit. Exemples : 123456, Martin, nom@domaine.fr"),
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )


@screen.route("", methods=["GET", "POST"])
@guards.staff_required
def find(name: str):
    """Find contracts."""
    form = SearchForm()
    found = search.search(form.query.data) if form.validate_on_submit() else None
    return page(
        "office/find.html", form=form, found=found, most=search.SEARCH_MAX, name=name, remedies=remedies.needed()
    )


@screen.get("/contrat/<portal_number:number>")
@guards.staff_required
def show(name: str, number: int):
    """Show how far a tenant is, and what to do next."""
    contract = db.session.get(Contract, number) or abort(404)
    return page("office/show.html", contract=contract, standing=progress.onboarding_status(contract), name=name)
