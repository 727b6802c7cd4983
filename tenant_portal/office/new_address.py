"""Another address for a finished account, asked for at the desk (F27)."""

from collections.abc import Callable

from .. import formats
from ..accounts import email_change, office_email_change, signed_links
from ..i18n import gettext as _
from ..mail import notifications
from ..models import Account, Contract
from ..web import links
from .deeds import Noted, nothing_more

PURPOSE = "office_email_change"


def plan(account: Account) -> list[str]:
    """Return what will happen and who is told."""
    waiting, told = email_change.pending(account), ", ".join(office_email_change.told(account))
    lasts = formats.duration(signed_links.lifetime(PURPOSE))
    sentences = [
        _("Un lien à confirmer part à la nouvelle adresse. Il marche pendant %(duration)s.", duration=lasts),
        _(
            "L'adresse d'avant est prévenue tout de suite, et peut dire « Ce n'est pas moi » : %(address)s.",
            address=told,
        ),
        _("Si la personne est au guichet, la nouvelle adresse compte dès qu'elle est confirmée."),
        _("Sinon, elle compte au plus tôt dans 24 heures. D'ici là, aucun lien de mot de passe n'y part."),
        _("Quand elle compte, un e-mail y dit comment choisir un nouveau mot de passe."),
    ]
    if waiting is not None:
        at = formats.moment(waiting.created_at)
        sentences.insert(0, _("Le changement demandé le %(at)s, qui attend encore, est remplacé.", at=at))
    return sentences


def ask(contract: Contract, account: Account, noted: Noted) -> Callable[[], None]:
    """Ask for another address; a double click writes no mail."""
    at_counter = noted.identity == "counter"
    change = office_email_change.ask(account, noted.email, at_counter=at_counter)
    if change is not None and change.counts_at is not None:
        link = links.address(PURPOSE, change, contract)
        notifications.office_email_change(change, contract, link=link, until=signed_links.expires_at(PURPOSE))
        counts_at = "" if at_counter else change.counts_at.isoformat()
        for address in office_email_change.told(account):
            notifications.office_acted(account, contract, by_office=noted.word, address=address, counts_at=counts_at)
    return nothing_more
