"""Find a tenant by what he says on the telephone."""

from flask import redirect, url_for
from wtforms import StringField

from ...contracts import ending, lookup
from ...i18n import lazy_gettext as _l
from ...web.fields import Required
from ...web.forms import PortalForm
from ...web.pages import page
from .. import search
from ..clerks import Clerk
from ..terms import QUERY_MAX


class SearchForm(PortalForm):
    """The search; a POST, so that no name or mail address is in a URL."""

    query = StringField(
        _l("Référence, module, nom, rue, ville, adresse mail ou numéro de message"),
        [Required(_l("Saisissez ce que dit le locataire : sa référence, son nom, sa rue ou son adresse mail."))],
        description=_l("Le début de chaque mot suffit. Exemples : 123456, Martin Lilas, @domaine.fr, M-1234-5678"),
        render_kw={"autocomplete": "off", "spellcheck": "false", "maxlength": str(QUERY_MAX)},
    )


def show(clerk: Clerk):
    """Find contracts and a message; a single one is opened at once."""
    form = SearchForm()
    found = search.search(form.query.data) if form.validate_on_submit() else None
    if found is not None and found.only is not None:
        return redirect(url_for("portal.office.contract.show", number=found.only.id), 303)
    if found is not None and found.message is not None and not found.contracts:
        return redirect(url_for("portal.office.messages.show", number=found.message.number), 303)
    return page(
        "office/find/show.html",
        form=form,
        clerk=clerk,
        found=found,
        ended_on=ending.ended_on,
        roster_day=lookup.last_import_day() if found is not None else None,
    )
