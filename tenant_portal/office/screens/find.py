"""Find a tenant by what he says on the telephone."""

from flask import redirect, url_for
from wtforms import StringField

from ...i18n import lazy_gettext as _l
from ...web.fields import Required
from ...web.forms import PortalForm
from ...web.pages import page
from .. import search
from ..clerks import Clerk


class SearchForm(PortalForm):
    """The search; a POST, so that no name or mail address is in a URL."""

    query = StringField(
        _l("Référence contrat, nom ou adresse mail"),
        [Required(_l("Saisissez une référence contrat, un nom ou une adresse mail."))],
        description=_l("Le début suffit. Exemples : 123456, Martin, nom@domaine.fr"),
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )


def show(clerk: Clerk):
    """Find contracts; a single one is opened at once."""
    form = SearchForm()
    found = search.search(form.query.data) if form.validate_on_submit() else None
    if found is not None and len(found) == 1:
        return redirect(url_for("portal.office.contract.show", number=found[0].id), 303)
    return page("office/find/show.html", form=form, clerk=clerk, found=found, most=search.SEARCH_MAX)
