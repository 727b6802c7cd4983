"""What happened to an account since it was frozen, for the clerk who is asked to thaw it (G05)."""

from sqlalchemy import func, or_, select

from .. import formats
from ..accounts.freezing import Freezer
from ..db import db
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..models import Account, Event

#: Events that tell who still uses the account, or what changed.
_WORDS = {
    "logged_in": _l("connexion"),
    "login_frozen": _l("essai de connexion avec le bon mot de passe"),
    "login_refused": _l("essai de connexion avec un autre mot de passe"),
    "reset_requested": _l("nouveau mot de passe demandé"),
    "choices_changed": _l("choix changés"),
    "contract_joined": _l("contrat entré dans le compte"),
    "contract_released": _l("contrat retiré du compte"),
    "message_written": _l("message écrit"),
    "message_continued": _l("message complété"),
}
_FREEZERS = {
    Freezer.TENANT: _l("par la personne qui lit l'adresse mail du compte"),
    Freezer.ROSTER: _l("par la personne qui lit l'adresse mail de notre liste"),
    Freezer.STAFF: _l("par le bureau"),
}


def sentences(account: Account) -> list[str]:
    """Return since when and by whom it is frozen, and what happened since, with the last time of each."""
    if account.frozen_at is None:
        return []
    own = or_(Event.account_id == account.id, Event.contract_id.in_([contract.id for contract in account.contracts]))
    rows = select(Event.name, func.max(Event.created_at)).where(own, Event.created_at >= account.frozen_at)
    happened = [
        _("%(what)s, la dernière fois le %(at)s", what=_WORDS[name], at=formats.moment(at))
        for name, at in db.session.execute(rows.where(Event.name.in_(_WORDS)).group_by(Event.name).order_by(Event.name))
    ]
    since, by = formats.moment(account.frozen_at), _FREEZERS[Freezer(account.frozen_by)]
    return [
        _("Le compte est bloqué depuis le %(since)s, %(by)s.", since=since, by=by),
        _("Depuis : %(events)s.", events=" ; ".join(happened)) if happened else _("Depuis, rien ne s'y est passé."),
    ]
