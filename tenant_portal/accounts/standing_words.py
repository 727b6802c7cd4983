"""The words for where a tenant stands, in one table: pages, mails, `contracts show` and the office's help read them.

What is said on the telephone is said to a voice. So no sentence for it holds an address, and none tells whether an
account exists, or in which state: who calls has proved nothing yet, and may be anybody.
"""

from typing import Any, NamedTuple

from ..i18n import lazy_gettext as _l


class Situation(NamedTuple):
    """A state in every wording."""

    word: Any
    #: The steps at which it may be met; 13 stands for what follows the twelve.
    steps: range
    #: As pages and mails say it to a tenant who has proved who he is.
    for_tenant: Any
    #: What it means and what to do.
    for_staff: Any
    #: To whoever calls.
    on_the_telephone: Any
    #: What stands beside it.
    not_to_say: Any


_NO_ACCOUNT_TOLD = _l("Ne dites pas si un compte existe, ni à quelle adresse mail.")
_NO_ADDRESS = _l("Ne dites pas l'adresse mail, même en partie : faites-la dire, puis comparez.")
_FORGOTTEN = _l(
    "Sur la page de connexion, cliquez sur « J'ai oublié mon mot de passe » et tapez votre référence contrat. Si un"
    " compte existe, un lien part à son adresse mail."
)
_BEFORE, _AFTER = range(2, 9), range(13, 14)

SITUATIONS = {
    "not_running": Situation(
        _l("bail pas en cours"),
        range(1, 13),
        _l("Votre bail n'est pas en cours."),
        _l("Le bail n'est pas en cours : vérifier ses dates et la dernière liste des contrats."),
        _l("Je vérifie les dates de votre contrat et je vous rappelle au numéro que nous avons."),
        _l("Ne donnez aucune date du bail : ce peut être celui de quelqu'un d'autre."),
    ),
    "not_started": Situation(
        _l("pas commencé"),
        range(1, 2),
        _l("Vous n'avez pas encore de compte."),
        _l("Le locataire n'a pas encore commencé : lui indiquer la page d'inscription et son avis d'échéance."),
        _l("Prenez votre dernier avis d'échéance, puis cliquez sur « Je crée mon compte » : il faut cinq minutes."),
        _l("Ne dictez ni la référence contrat ni le numéro de module : ils prouvent que l'avis est entre ses mains."),
    ),
    "refused": Situation(
        _l("essai refusé"),
        _BEFORE,
        _l("Une réponse est à revoir."),
        _l("Un essai a été refusé à cette étape : vérifier avec le locataire ce qu'il saisit."),
        _l("Lisez-moi la phrase en rouge sur la page : elle dit quelle réponse est à revoir."),
        _l("Ne demandez pas le mot de passe. Ne dictez pas le numéro de module."),
    ),
    "mismatch": Situation(
        _l("numéros qui ne vont pas ensemble"),
        range(2, 4),
        _l("Nous ne trouvons aucun contrat avec ces deux numéros."),
        _l("Les deux numéros saisis ne vont pas ensemble : relire avec le locataire la référence et le module."),
        _l("Prenez votre avis le plus récent et tapez les deux numéros tels qu'ils y sont imprimés, sans le « L/ »."),
        _l("Ne dites pas lequel des deux est faux, et ne dictez pas le bon."),
    ),
    "mail_waiting": Situation(
        _l("e-mail d'activation en attente"),
        range(9, 10),
        _l("Vous allez recevoir un e-mail d'activation de votre compte."),
        _l(
            "L'e-mail attend de partir. S'il attend plus d'un quart d'heure, prévenir qui tient le serveur :"
            " « flask portal mail send »."
        ),
        _l("Si vous venez de vous inscrire, attendez encore un peu notre e-mail : ne recommencez pas l'inscription."),
        _NO_ADDRESS,
    ),
    "mail_refused": Situation(
        _l("e-mail d'activation non remis"),
        range(9, 10),
        _l("Notre e-mail n'a pas pu être remis."),
        _l("L'e-mail n'a pas pu être remis : corriger l'adresse avec le locataire, puis renvoyer l'e-mail."),
        _l("Dites-moi l'adresse mail que vous avez tapée, lettre par lettre. Une faute y est vite arrivée."),
        _NO_ADDRESS,
    ),
    "mail_sent": Situation(
        _l("e-mail d'activation parti"),
        range(9, 10),
        _l(
            "Vous allez recevoir un e-mail d'activation de votre compte. Ouvrez-le et cliquez sur le lien pour activer"
            " votre compte."
        ),
        _l(
            "L'e-mail est parti : faire regarder les courriers indésirables, sinon « Renvoyer l'e-mail » après"
            " connexion avec la référence et le mot de passe."
        ),
        _l("Si vous vous êtes inscrit, cherchez notre e-mail, aussi dans les courriers indésirables."),
        _NO_ADDRESS,
    ),
    "link_expired": Situation(
        _l("lien d'activation périmé"),
        range(9, 10),
        _l("Ce lien n'est plus valable. Demandez-en un autre."),
        _l("Le lien n'est plus valable : le locataire se connecte et demande un autre e-mail."),
        _l("Si vous vous êtes inscrit, connectez-vous avec votre référence : la page propose de renvoyer l'e-mail."),
        _NO_ADDRESS,
    ),
    "activated": Situation(
        _l("lien ouvert, pas encore connecté"),
        range(10, 13),
        _l("Votre compte est activé. Connectez-vous pour terminer la création de votre compte."),
        _l("Le compte est activé : il reste à se connecter avec la référence et le mot de passe."),
        _l("Connectez-vous avec votre référence contrat, sans le « L/ », et le mot de passe que vous avez choisi."),
        _l("Ne demandez pas le mot de passe."),
    ),
    "password_refused": Situation(
        _l("mot de passe refusé, étape 11"),
        range(11, 12),
        _l("La référence contrat ou le mot de passe ne correspond pas."),
        _l("Le compte est activé, mais le mot de passe est refusé : proposer « J'ai oublié mon mot de passe »."),
        _l("Cliquez sur « Afficher » pour relire votre mot de passe. Vous l'avez oublié ? Inscrivez-vous à nouveau."),
        _l("Ne demandez pas le mot de passe, et n'en proposez aucun."),
    ),
    "password_ended": Situation(
        _l("mot de passe à choisir"),
        _AFTER,
        _l("Votre ancien mot de passe ne marche plus : choisissez-en un nouveau."),
        _l("L'ancien mot de passe ne marche plus : envoyer un lien pour en choisir un nouveau."),
        _FORGOTTEN,
        _NO_ACCOUNT_TOLD,
    ),
    "login_refused": Situation(
        _l("connexions refusées"),
        _AFTER,
        _l("La référence contrat ou le mot de passe ne correspond pas."),
        _l(
            "Le compte fonctionne, mais des essais de connexion ont été refusés depuis la dernière connexion : proposer"
            " « J'ai oublié mon mot de passe »."
        ),
        _FORGOTTEN,
        _NO_ACCOUNT_TOLD,
    ),
    "delayed": Situation(
        _l("trop d'essais"),
        range(11, 14),
        _l("Il y a eu trop d'essais."),
        _l(
            "Trop d'essais ont été refusés : attendre, lever le délai, ou faire choisir un nouveau mot de passe par le"
            " lien d'un e-mail."
        ),
        _l(
            "Si la page parle de trop d'essais, attendez l'heure qu'elle indique. « J'ai oublié mon mot de passe »"
            " marche tout de suite."
        ),
        _l("Ne dites pas combien d'essais il y a eu, ni quand : un autre les a peut-être faits."),
    ),
    "reset_asked": Situation(
        _l("lien de mot de passe demandé"),
        _AFTER,
        _l("Nous avons envoyé un lien pour choisir un nouveau mot de passe."),
        _l("Un lien pour un nouveau mot de passe est demandé : faire chercher l'e-mail, aussi parmi les indésirables."),
        _l("Si un compte existe, le lien est dans sa boîte mail : cherchez aussi dans les courriers indésirables."),
        _NO_ACCOUNT_TOLD,
    ),
    "address_failed": Situation(
        _l("adresse mail en erreur"),
        _AFTER,
        _l("Nos e-mails n'arrivent plus à votre adresse mail."),
        _l("Le compte fonctionne, mais son adresse mail ne reçoit plus rien : la faire corriger."),
        _l("Après connexion, ouvrez « Mon compte » : vous y lisez l'adresse mail et vous pouvez la changer."),
        _NO_ADDRESS,
    ),
    "address_doubted": Situation(
        _l("adresse mail à confirmer"),
        _AFTER,
        _l("Votre adresse mail est à confirmer."),
        _l(
            "L'adresse mail vient d'être changée et n'est pas prouvée : aucun lien pour un mot de passe n'y part avant"
            " que le locataire la confirme dans « Mon compte », avec son mot de passe."
        ),
        _l("Connectez-vous et ouvrez « Mon compte » : ce qui est à confirmer y est écrit."),
        _l("Ne dites ni l'ancienne adresse mail, ni la nouvelle : l'une des deux est peut-être à quelqu'un d'autre."),
    ),
    "closed": Situation(
        _l("compte fermé"),
        _AFTER,
        _l("Votre compte est fermé."),
        _l("Le compte est fermé : pour le rouvrir, le locataire se connecte avec sa référence et son mot de passe."),
        _l("Connectez-vous avec votre référence contrat et votre mot de passe : la page dit ce qui est possible."),
        _l("Ne dites pas que le compte est fermé, ni par qui : seul le mot de passe l'apprend."),
    ),
    "frozen": Situation(
        _l("compte bloqué par « Ce n'est pas moi »"),
        _AFTER,
        _l("Votre compte est bloqué."),
        _l(
            "Le compte est bloqué : « Ce n'est pas moi ». Le locataire le débloque en choisissant un nouveau mot de"
            " passe : proposer « J'ai oublié mon mot de passe »."
        ),
        _FORGOTTEN,
        _l("Ne dites ni qui a bloqué le compte, ni ce qui s'y est passé, avant d'avoir vérifié l'identité."),
    ),
    "disputed": Situation(
        _l("compte contesté"),
        _AFTER,
        _l("Notre bureau vérifie à qui est ce compte. Lui seul peut le débloquer."),
        _l(
            "Le compte est bloqué et contesté. Vérifier à qui est le contrat. S'il est au titulaire du compte,"
            " débloquer le compte. S'il est à quelqu'un d'autre, retirer le contrat du compte : cette personne pourra"
            " alors s'inscrire."
        ),
        _l("Je dois d'abord vérifier qui vous êtes : venez au guichet avec une pièce d'identité, ou je vous rappelle."),
        _l(
            "Ne dites rien de ce compte et ne rappelez pas à un numéro donné par l'appel : son adresse mail n'est"
            " peut-être pas celle du locataire."
        ),
    ),
    "lease_ended": Situation(
        _l("bail terminé"),
        _AFTER,
        _l("Votre bail est terminé."),
        _l(
            "Le bail est terminé. Le compte fonctionne jusqu'au jour affiché : le locataire y lit encore ses documents."
        ),
        _l("Après un départ, les documents se lisent encore quelque temps dans l'espace : il dit jusqu'à quel jour."),
        _l("Ne donnez aucune date du bail avant d'avoir vérifié l'identité."),
    ),
    "finished": Situation(
        _l("le compte fonctionne"),
        _AFTER,
        _l("Votre compte est prêt."),
        _l("Rien à faire : le compte fonctionne."),
        _l("Connectez-vous avec votre référence contrat et votre mot de passe. Que dit la page, mot pour mot ?"),
        _NO_ACCOUNT_TOLD,
    ),
}
