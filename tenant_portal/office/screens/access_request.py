"""Requests of access (RGPD 15): what a copy holds, the check of who asks, and the ZIP."""

from datetime import date, timedelta
from typing import Any

from flask import abort
from wtforms import HiddenField, StringField, ValidationError

from ...accounts.office_acts import IDENTITIES
from ...contracts import lookup
from ...db import db
from ...i18n import gettext as _
from ...i18n import lazy_gettext as _l
from ...models import Contract
from ...web import downloads
from ...web.fields import QuestionField, Required
from ...web.forms import PortalForm
from ...web.pages import page
from .. import access_requests
from ..access_requests import ACCOUNT, CONTRACT
from ..clerks import Clerk

#: Requests that are listed.
LISTED = 50
#: An older one is a slip.
OLDEST = timedelta(days=366)
_WHOSE = {
    ACCOUNT: _l("La personne qui a le compte locataire"),
    CONTRACT: _l("Une autre personne du contrat (cotitulaire), sans ce compte"),
}
_CHECKS = {name: words for name, words in IDENTITIES.items() if name != "none"}


class RequestForm(PortalForm):
    """Who asks, how he was known, and when he asked; `mark` is whom the page is about."""

    mark = HiddenField()
    whose = QuestionField(_l("Qui demande ?"), _l("Dites qui demande."), _WHOSE)
    identity = QuestionField(
        _l("Comment son identité a-t-elle été vérifiée ?"), _l("Dites comment son identité a été vérifiée."), _CHECKS
    )
    asked_on = StringField(
        _l("Jour où la demande est arrivée"),
        [Required(_l("Choisissez le jour où la demande est arrivée."))],
        render_kw={"type": "date", "autocomplete": "off"},
    )

    def validate_whose(self, field: Any) -> None:
        """Refuse another answer than those of the list."""
        if field.data not in _WHOSE:
            raise ValidationError(_("Dites qui demande."))

    def validate_identity(self, field: Any) -> None:
        """Refuse no check at all: the copy must reach nobody else."""
        if field.data not in _CHECKS:
            raise ValidationError(_("Dites comment son identité a été vérifiée."))

    def validate_asked_on(self, field: Any) -> None:
        """Refuse what is no day, or a day to come."""
        try:
            asked_on = date.fromisoformat(field.data)
        except ValueError:
            raise ValidationError(_("Choisissez le jour où la demande est arrivée.")) from None
        if not lookup.today() - OLDEST <= asked_on <= lookup.today():
            raise ValidationError(
                _("Ce jour n'est pas possible : choisissez un jour de l'année passée, ou aujourd'hui.")
            )


def show(clerk: Clerk, number: int):
    """Show what the copy holds; hand it over as a ZIP once it is known who asks."""
    contract = db.session.get(Contract, number) or abort(404)
    subject = access_requests.subject_of(contract)
    form = RequestForm()
    if subject.account is None:
        form.whose.data = CONTRACT
    if form.validate_on_submit():
        asked_on = date.fromisoformat(form.asked_on.data)
        given = {"whose": form.whose.data, "identity": form.identity.data, "asked_on": asked_on}
        members = access_requests.give(number, clerk=clerk.name, mark=form.mark.data, **given)
        if members is not None:
            db.session.commit()
            return downloads.zipped(members, f"demande-acces-{lookup.today():%Y-%m-%d}.zip")
        contract = db.session.get_one(Contract, number)
    has_changed = form.is_submitted() and form.mark.data != access_requests.subject_of(contract).mark
    return _page(clerk, form, contract, has_changed=has_changed)


def past(clerk: Clerk):
    """List the requests that were answered, and say how to answer another one."""
    return page("office/access_request/past.html", clerk=clerk, past=access_requests.past(LISTED))


def _page(clerk: Clerk, form: RequestForm, contract: Contract, *, has_changed: bool) -> tuple[str, int]:
    subject = access_requests.subject_of(contract)
    form.mark.data = subject.mark
    form.asked_on.data = form.asked_on.data or lookup.today().isoformat()
    return page(
        "office/access_request/show.html",
        form=form,
        clerk=clerk,
        contract=contract,
        subject=subject,
        has_changed=has_changed,
        deadline=access_requests.deadline(lookup.today()),
    )
