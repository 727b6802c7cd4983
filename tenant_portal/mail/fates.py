"""What became of a mail, in the five words of the office: waiting, leaving, taken by a server, refused, returned.

No word says that somebody received or read it: nobody can know. A server that took a mail may be a relay, which
returns it later.
"""

from typing import Any, NamedTuple

from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..models import Mail, MailState
from .verdicts import Verdict

#: The `error` of a row that is being handed over, and of one whose link died before it could leave.
CLAIMED, EXPIRED = "on its way", "expired"


class Fate(NamedTuple):
    """A word, what it means, and what to say or do."""

    word: Any
    meaning: Any
    advice: Any


#: In the order in which a mail may go through them.
FATES = {
    "waiting": Fate(
        _l("en attente"),
        _l("Elle n'a pas quitté le portail."),
        _l("Elle part d'elle-même. Si cela dure plus d'un quart d'heure, voyez « À traiter »."),
    ),
    "leaving": Fate(
        _l("partie"),
        _l("Elle vient de quitter le portail, et le serveur d'envoi n'a pas encore répondu."),
        _l("Rouvrez la page dans une minute."),
    ),
    "taken": Fate(
        _l("acceptée par …"),
        _l(
            "Ce serveur d'envoi l'a prise en charge. Personne ne sait si elle est arrivée, ni si quelqu'un l'a ouverte."
        ),
        _l("Faites chercher l'expéditeur, aussi dans les courriers indésirables."),
    ),
    "refused": Fate(
        _l("refusée"),
        _l("Un serveur n'en a pas voulu. La raison est entre parenthèses."),
        _l(
            "Adresse inexistante : faites-la corriger. Boîte pleine : faites-la vider. À cause de nous : voyez « À"
            " traiter »."
        ),
    ),
    "returned": Fate(
        _l("revenue"),
        _l("Le serveur d'envoi l'avait acceptée, puis un autre serveur l'a renvoyée. La raison est entre parenthèses."),
        _l("Comme pour « refusée »."),
    ),
}
_REASONS = {
    Verdict.GONE: _l("inexistante"),
    Verdict.FULL: _l("pleine"),
    Verdict.ABOUT_US: _l("à cause de nous"),
}


def fate_of(mail: Mail) -> str:
    """Return the word for a mail, with its reason or the server's name."""
    if mail.state is MailState.SENT:
        return _("acceptée par %(server)s", server=mail.taken_by or _("le serveur d'envoi"))
    if mail.state is MailState.WAITING and mail.error == CLAIMED:
        return str(FATES["leaving"].word)
    if mail.error == EXPIRED:
        return _("en attente trop longtemps : son lien n'était plus valable, elle n'est jamais partie")
    words = {MailState.WAITING: "waiting", MailState.REFUSED: "refused", MailState.BOUNCED: "returned"}
    word = FATES[words.get(mail.state, "waiting")].word
    reason = next((said for verdict, said in _REASONS.items() if mail.error.startswith(verdict)), "")
    return _("%(word)s (%(reason)s)", word=word, reason=reason) if reason else str(word)
