"""Ready-made answers, by what a message is about and where its tenant stands.

A word in square brackets is a field that the clerk fills; no answer leaves with one.
"""

import re
from collections.abc import Collection
from typing import Any, NamedTuple

from .. import i18n
from ..i18n import lazy_gettext as _l
from ..messages.conversation import Topic
from ..settings import settings


class ReadyAnswer(NamedTuple):
    """One text: its title for the clerk, and when it fits; no topic or situation means any."""

    title: Any
    text: Any
    topics: Collection[str] = ()
    situations: Collection[str] = ()


_SIGN_UP = (Topic.NUMBER, Topic.MAIL, Topic.PASSWORD, Topic.OTHER)
_LOGIN = (Topic.PASSWORD, Topic.MAIL, Topic.NUMBER, Topic.OTHER)

#: By a name that no tenant sees; what fits a situation stands before what fits any.
READY = {
    "spam": ReadyAnswer(
        _l("L'e-mail d'activation est parti"),
        _l(
            "Notre e-mail d'activation est bien parti. Cherchez-le aussi dans les courriers indésirables. S'il n'y est"
            " pas, connectez-vous avec votre référence contrat et votre mot de passe, puis cliquez sur « Renvoyer"
            " l'e-mail »."
        ),
        _SIGN_UP,
        ("mail_sent", "mail_waiting"),
    ),
    "wrong_address": ReadyAnswer(
        _l("L'adresse mail ne reçoit rien"),
        _l(
            "Notre e-mail n'a pas pu vous être remis : l'adresse mail est sans doute mal tapée. Connectez-vous avec"
            " votre référence contrat et votre mot de passe. La page « Consultez vos e-mails » vous permet de corriger"
            " l'adresse, et un nouvel e-mail part."
        ),
        (*_SIGN_UP, Topic.ADDRESS),
        ("mail_refused",),
    ),
    "link_expired": ReadyAnswer(
        _l("Le lien d'activation n'est plus valable"),
        _l(
            "Le lien d'activation n'est plus valable. Connectez-vous avec votre référence contrat et votre mot de"
            " passe, puis demandez un autre e-mail. Ouvrez ensuite le plus récent."
        ),
        _SIGN_UP,
        ("link_expired",),
    ),
    "activated": ReadyAnswer(
        _l("Le compte est activé : se connecter"),
        _l(
            "Votre compte est activé. Il vous reste à vous connecter avec votre référence contrat et votre mot de"
            " passe. Si le mot de passe est refusé, cliquez sur « J'ai oublié mon mot de passe »."
        ),
        _LOGIN,
        ("activated", "password_refused"),
    ),
    "forgotten": ReadyAnswer(
        _l("Mot de passe oublié"),
        _l(
            "Votre compte fonctionne. Pour choisir un nouveau mot de passe, cliquez sur « J'ai oublié mon mot de"
            " passe » : un e-mail part à l'adresse de votre compte. Personne chez nous ne connaît votre mot de passe."
        ),
        (Topic.PASSWORD, Topic.OTHER),
        ("finished", "password_refused", "frozen"),
    ),
    "closed": ReadyAnswer(
        _l("Le compte est fermé"),
        _l(
            "Votre compte est fermé. Pour le rouvrir, connectez-vous avec votre référence contrat et votre mot de"
            " passe."
        ),
        _LOGIN,
        ("closed",),
    ),
    "numbers": ReadyAnswer(
        _l("Où sont la référence et le numéro de module"),
        _l(
            "La référence contrat et le numéro de module sont imprimés sur votre avis d'échéance. La référence est"
            " après « L/ » : tapez seulement les chiffres. Prenez le dernier avis, celui de [mois]."
        ),
        (Topic.NUMBER,),
    ),
    "own_address": ReadyAnswer(
        _l("Changer d'adresse mail soi-même"),
        _l(
            "Vous pouvez changer votre adresse mail vous-même : connectez-vous, puis ouvrez « Mon compte ». Un lien"
            " part à la nouvelle adresse : ouvrez-le pour confirmer."
        ),
        (Topic.ADDRESS,),
        ("finished", "address_failed"),
    ),
    "at_counter": ReadyAnswer(
        _l("Venir au guichet avec une pièce d'identité"),
        _l(
            "Pour protéger votre compte, nous devons vérifier votre identité. Venez à notre guichet le [jour] à"
            " [heure], avec une pièce d'identité."
        ),
        (Topic.ADDRESS, Topic.TAKEN, Topic.PASSWORD),
    ),
    "taken": ReadyAnswer(
        _l("Compte créé par quelqu'un d'autre : nous vérifions"),
        _l(
            "Nous vérifions qui a créé un compte pour votre contrat. Nous vous appelons le [jour], au numéro de"
            " téléphone que nous connaissons."
        ),
        (Topic.TAKEN,),
    ),
    "awaited": ReadyAnswer(
        _l("Le contrat n'est pas encore arrivé"),
        _l("Votre contrat apparaîtra sur cet espace le [jour]. Vous recevrez alors un e-mail pour vous inscrire."),
        (Topic.WAITING, Topic.NUMBER),
    ),
    "visit": ReadyAnswer(
        _l("Rendez-vous dans le logement"),
        _l(
            "Quelqu'un passe chez vous le [jour], entre [heure] et [heure]. Si cela ne vous va pas, écrivez-nous ici"
            " ou appelez-nous."
        ),
        (Topic.HOME,),
    ),
    "payment": ReadyAnswer(
        _l("Paiement reçu"),
        _l("Nous avons bien reçu votre paiement de [montant] le [jour]. Votre compte de loyer est à jour."),
        (Topic.RENT,),
    ),
    "document_online": ReadyAnswer(
        _l("Le document est dans « Mes avis »"),
        _l("Le document est maintenant dans « Mes avis » : connectez-vous, puis choisissez l'année [année]."),
        (Topic.DOCUMENT,),
        ("finished", "address_failed"),
    ),
    "document_by_letter": ReadyAnswer(
        _l("Le document part par courrier"),
        _l("Le document part par courrier le [jour], à l'adresse de votre logement."),
        (Topic.DOCUMENT,),
    ),
    "leaving": ReadyAnswer(
        _l("Donner congé"),
        _l(
            "Pour donner congé, envoyez-nous une lettre recommandée, ou remettez votre lettre à notre guichet contre un"
            " reçu. Votre préavis commence le jour où nous la recevons. Nous fixons alors l'état des lieux avec vous."
        ),
        (Topic.LEAVING,),
    ),
    "choices": ReadyAnswer(
        _l("Changer ses choix soi-même"),
        _l("Vous pouvez changer vos choix vous-même, à tout moment : connectez-vous, puis ouvrez « Mes choix »."),
        (Topic.CHOICES,),
        ("finished", "address_failed"),
    ),
    "later": ReadyAnswer(
        _l("Une réponse suit"),
        _l("Nous avons bien reçu votre message et nous nous en occupons. Nous vous répondons avant le [jour]."),
    ),
}
_FIELD = re.compile(r"\[[^\[\]\n]{1,30}\]")


def fitting(topic: str, situation: str) -> dict[str, ReadyAnswer]:
    """Return the texts for a message, those for its tenant's situation first."""
    found = {
        name: each
        for name, each in READY.items()
        if (not each.topics or topic in each.topics) and (not each.situations or situation in each.situations)
    }
    return dict(sorted(found.items(), key=lambda item: (not item[1].situations, not item[1].topics)))


def text_of(name: str, language: str) -> str:
    """Return a whole answer in the tenant's language, with greeting and the landlord's name; empty for no such text."""
    if name not in READY:
        return ""
    with i18n.speaking(language):
        greeting, thanks = i18n.gettext("Bonjour,"), i18n.gettext("Cordialement,")
        return f"{greeting}\n\n{READY[name].text}\n\n{thanks}\n{settings.landlord_name}"


def unfilled(text: str) -> list[str]:
    """Return the fields of ready-made answers that a text still holds, in any language."""
    return list(dict.fromkeys(field for field in _FIELD.findall(text) if field in _fields()))


def _fields() -> set[str]:
    found: set[str] = set()
    for language in i18n.LANGUAGES:
        with i18n.speaking(language):
            found |= {field for each in READY.values() for field in _FIELD.findall(str(each.text))}
    return found
