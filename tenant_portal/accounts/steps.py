"""The twelve steps of the help page, in the words of the office."""

from typing import Any, NamedTuple

from ..i18n import lazy_gettext as _l


class Step(NamedTuple):
    """One of the twelve steps of the help page, what goes wrong there, and what to say."""

    title: Any
    trouble: Any
    say: Any


STEPS = (
    Step(
        _l("Cliquer sur « Je crée mon compte »"),
        _l("Il cherche à se connecter sans avoir de compte."),
        _l("Sur la page de connexion, le cadre « Je n'ai pas encore de compte » mène à l'inscription."),
    ),
    Step(
        _l("Saisir la référence contrat"),
        _l("Il tape un autre numéro de l'avis, ou l'avis d'un ancien logement."),
        _l("Elle est sur votre avis d'échéance, après « L/ ». Les zéros du début comptent."),
    ),
    Step(
        _l("Saisir le numéro de module"),
        _l("Il ne va pas avec la référence, ou le contrat n'est pas encore dans la liste."),
        _l("Les deux numéros sont sur le même avis : prenez le plus récent."),
    ),
    Step(
        _l("Créer un mot de passe"),
        _l("Il est trop court, trop courant, ou fait du nom ou de la référence."),
        _l("Douze caractères au moins : trois ou quatre mots sans rapport suffisent. Notez-le."),
    ),
    Step(
        _l("Confirmer le mot de passe"),
        _l("Les deux ne sont pas identiques."),
        _l("Cliquez sur « Afficher » pour les relire, puis tapez-les à nouveau."),
    ),
    Step(
        _l("Saisir l'adresse mail"),
        _l("Une lettre manque, ou la boîte n'est plus ouverte."),
        _l("Tapez l'adresse d'une boîte que vous pouvez ouvrir maintenant."),
    ),
    Step(
        _l("Répondre aux trois questions par Oui ou Non"),
        _l("Une question est restée sans réponse."),
        _l("Oui ou Non : le compte est créé dans les deux cas, et vous pourrez changer d'avis."),
    ),
    Step(
        _l("Cliquer sur « Je valide la création de mon compte »"),
        _l("La page est restée ouverte trop longtemps, ou le navigateur refuse les cookies."),
        _l("Lisez-moi la phrase en rouge, en haut de la page."),
    ),
    Step(
        _l("Ouvrir l'e-mail d'activation et cliquer sur le lien"),
        _l("L'e-mail est parmi les indésirables, l'adresse est fausse, ou le lien n'est plus valable."),
        _l("Cherchez notre e-mail, aussi dans les courriers indésirables."),
    ),
    Step(
        _l("Se connecter : saisir la référence contrat"),
        _l("Il tape le « L/ », ou la référence d'un autre contrat."),
        _l("C'est la référence de votre inscription, sans le « L/ »."),
    ),
    Step(
        _l("Se connecter : saisir le mot de passe"),
        _l("Il en tape un autre que celui de l'inscription."),
        _l("C'est le mot de passe que vous avez choisi. Cliquez sur « Afficher » pour le relire."),
    ),
    Step(
        _l("Cliquer sur « Je me connecte »"),
        _l("Trop d'essais ont été refusés : il faut attendre."),
        _l("Attendez l'heure que la page indique, puis essayez une fois."),
    ),
)
