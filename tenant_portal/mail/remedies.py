"""What the landlord does when servers refuse his mails, in words for the office and the doctor."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, or_, select

from ..db import db, utcnow
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..models import Mail, MailState
from . import outbox
from .smtp import UNUSABLE
from .verdicts import Cause

_CAUSES = {
    Cause.SANDBOX: (
        _l("Le compte d'envoi est encore un compte d'essai : il n'écrit qu'à des adresses vérifiées."),
        _l("Demandez à l'hébergeur de l'ouvrir (Amazon SES : « production access »)."),
    ),
    Cause.SENDER: (
        _l("Les serveurs des locataires ne reconnaissent pas l'expéditeur."),
        _l("Vérifiez SPF, DKIM et DMARC du domaine de PORTAL_LANDLORD_EMAIL, voir docs/mail.md."),
    ),
    Cause.LOGIN: (
        _l("Le serveur de messagerie refuse le compte du portail."),
        _l("Vérifiez MAIL_USERNAME, MAIL_PASSWORD et le chiffrement (MAIL_USE_TLS ou MAIL_USE_SSL)."),
    ),
    Cause.RELAY: (
        _l("Le serveur de messagerie n'envoie rien au dehors pour cette machine."),
        _l("Donnez-lui un compte (MAIL_USERNAME, MAIL_PASSWORD), ou faites autoriser cette machine."),
    ),
    Cause.REPUTATION: (
        _l("L'adresse d'où partent les e-mails est sur une liste noire ou mal notée."),
        _l("Prévenez l'hébergeur du serveur de messagerie ; il demande à en être retiré."),
    ),
    Cause.QUOTA: (
        _l("Le nombre d'e-mails permis est atteint."),
        _l("Les e-mails repartiront d'eux-mêmes ; demandez un quota plus grand à l'hébergeur si cela revient."),
    ),
    Cause.CONTENT: (
        _l("Les e-mails sont pris pour des indésirables."),
        _l("Vérifiez SPF, DKIM et DMARC (docs/mail.md), puis écrivez à l'hébergeur des locataires concernés."),
    ),
    Cause.POLICY: (
        _l("Les serveurs refusent les e-mails par principe."),
        _l("Montrez la réponse notée à l'hébergeur du serveur de messagerie."),
    ),
}


class Remedy(NamedTuple):
    """What is wrong, and what to do."""

    what: str
    remedy: str
    #: Mails wait for it now.
    is_urgent: bool


#: The courier looks every minute, and tries a server that is away again as often.
LATE = timedelta(minutes=15)


def stopped_since() -> datetime | None:
    """Return since when no mail leaves, or None: one is long due, or met no server, and none has left lately."""
    late = utcnow() - LATE
    is_stuck = or_(Mail.due_at < late, Mail.error.startswith(UNUSABLE))
    oldest = db.session.scalar(select(func.min(Mail.created_at)).where(Mail.state == MailState.WAITING, is_stuck))
    if oldest is None or oldest > late:
        return None
    last = db.session.scalar(select(func.max(Mail.sent_at)))
    if last is not None and last > late:
        return None
    return max(oldest, last) if last is not None else oldest


def needed() -> list[Remedy]:
    """Return what the landlord must mend so that mails leave."""
    return [
        Remedy(
            _(
                "%(cause)s E-mails qui attendent : %(waiting)s. Abandonnés ou revenus : %(given_up)s.",
                cause=_CAUSES[trouble.cause][0],
                waiting=trouble.waiting,
                given_up=trouble.given_up,
            ),
            str(_CAUSES[trouble.cause][1]),
            trouble.waiting > 0,
        )
        for trouble in outbox.troubles()
    ]
