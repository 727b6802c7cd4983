"""The landlord's side: find a tenant by what he says on the telephone, and see at which of the twelve steps he is."""

from flask import Blueprint, abort
from wtforms import StringField

from ..accounts import progress
from ..db import db
from ..i18n import lazy_gettext as _l
from ..models import Contract
from ..web import guards
from ..web.fields import Required
from ..web.forms import PortalForm
from ..web.pages import page
from . import search

screen = Blueprint("office", __name__, url_prefix="/gestion")


class SearchForm(PortalForm):
    """What a tenant gives on the telephone; sent by POST, as neither names nor addresses belong into addresses."""

    query = StringField(
        _l("Référence contrat, nom ou adresse mail"),
        [Required(_l("Saisissez une référence contrat, un nom ou une adresse mail."))],
        description=_l("Le début suffit. Exemples : 123456, Martin, nom@domaine.fr"),
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )


@screen.route("", methods=["GET", "POST"])
@guards.staff_required
def find(name: str):
    """Search the contracts by reference, name or address."""
    form = SearchForm()
    found = search.search(form.query.data) if form.validate_on_submit() else None
    return page("office/find.html", form=form, found=found, most=search.SEARCH_MAX, name=name)


@screen.get("/contrat/<portal_number:number>")
@guards.staff_required
def show(name: str, number: int):
    """Show where the tenant of a contract stands on the twelve steps, and what to do next."""
    contract = db.session.get(Contract, number) or abort(404)
    return page("office/show.html", contract=contract, standing=progress.onboarding_status(contract), name=name)
