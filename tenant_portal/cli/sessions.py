"""`flask portal sessions …`."""

import click
from flask.cli import AppGroup

from .. import audit
from ..accounts import office_acts, sessions
from ..contracts import lookup, numbers
from ..db import begin_write, db
from ..i18n import gettext as _
from ..i18n import ngettext
from ..operations.preconditions import Stop, Unusable, shown, with_database

sessions_group = AppGroup("sessions", help=_("Les connexions des locataires."))


@sessions_group.command("end", help=_("Déconnecte un locataire de tous ses appareils, ou tous les locataires."))
@click.argument("reference", metavar="RÉFÉRENCE", required=False)
@click.option("--all", "everybody", is_flag=True, help=_("Tous les locataires."))
@with_database
def sessions_end(reference: str | None, everybody: bool) -> None:
    """End the sessions of one account or of all, remembered devices too (ASVS 7.4.5)."""
    if everybody == (reference is not None):
        raise Unusable(_("Donnez une référence, ou --all : l'une ou l'autre."))
    begin_write()
    contract = lookup.find(numbers.digits_of(reference)) if reference is not None else None
    account = contract.account if contract is not None else None
    if account is None and not everybody:
        raise Stop(_("Aucun compte pour la référence « %(value)s ».", value=shown(reference or "")))
    ended = sessions.end_all(account)
    audit.record("sessions_ended", account=account, contract=contract, actor="staff", detail=str(ended))
    office_acts.record(office_acts.COMMAND, "sessions_ended", contract=contract, account=account)
    db.session.commit()
    click.echo(ngettext("%(num)d connexion terminée.", "%(num)d connexions terminées.", ended))
