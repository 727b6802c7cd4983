"""What each remedy will do and who is told, in the words that a clerk reads before his click (G05)."""

from .. import formats
from ..accounts import email_change, joining, office_email_change, office_rules, rate_limits, sessions, signed_links
from ..accounts.limited_acts import LONGEST_ORIGIN_WAIT
from ..documents import library
from ..i18n import gettext as _
from ..i18n import ngettext
from ..models import REOPENING, Account
from . import noted_choice
from .cases import Case


def _told(account: Account) -> list[str]:
    told = _("Un e-mail prévient le locataire, à l'adresse du compte : %(address)s.", address=account.email)
    failed = _("Attention : cette adresse a déjà refusé nos e-mails.") if account.email_failed_at else ""
    return [told, *([failed] if failed else [])]


def activation(case: Case) -> list[str]:
    """Return what sending the activation again does."""
    return [
        _("Adresse de l'inscription : %(address)s.", address=case.whose.email),
        _("Un e-mail avec le lien d'activation part à l'adresse ci-dessous : lui seul prévient le locataire."),
        _("Si vous corrigez l'adresse, le lien envoyé à l'ancienne ne marche plus. L'ancienne n'est pas prévenue."),
        _("Le mot de passe choisi à l'inscription reste le même. Le locataire se connecte lui-même."),
    ]


def reset(case: Case) -> list[str]:
    """Return what a link for a new password does."""
    lasts = formats.duration(signed_links.lifetime("reset"))
    plan = [
        _(
            "Un lien pour choisir un nouveau mot de passe part à l'adresse du compte : %(address)s."
            " Il marche une fois, pendant %(duration)s.",
            address=case.whose.email,
            duration=lasts,
        ),
        _("Cet e-mail prévient le locataire. L'ancien mot de passe marche jusqu'à ce qu'il en choisisse un autre."),
    ]
    if not office_rules.is_address_proven(case.whose):
        plan.append(_("Cette adresse a moins de 24 heures : seulement si la personne est au guichet."))
    if case.whose.is_frozen:
        plan.append(_("Le compte est bloqué à la demande du locataire : le nouveau mot de passe le débloque."))
    return plan


def address(case: Case) -> list[str]:
    """Return what another address does, and when it counts."""
    waiting, told = email_change.pending(case.whose), ", ".join(office_email_change.told(case.whose))
    lasts = formats.duration(signed_links.lifetime("office_email_change"))
    plan = [
        _("Un lien à confirmer part à la nouvelle adresse. Il marche pendant %(duration)s.", duration=lasts),
        _(
            "L'adresse d'avant (%(address)s) est prévenue tout de suite, et peut dire « Ce n'est pas moi ».",
            address=told,
        ),
        _("Si la personne est au guichet, la nouvelle adresse compte dès qu'elle est confirmée."),
        _("Sinon, elle compte au plus tôt dans 24 heures. D'ici là, aucun lien de mot de passe n'y part."),
        _("Quand elle compte, un e-mail y dit comment choisir un nouveau mot de passe."),
    ]
    if waiting is None:
        return plan
    at = formats.moment(waiting.created_at)
    return [_("Le changement demandé le %(at)s, qui attend encore, est remplacé.", at=at), *plan]


def choice(case: Case) -> list[str]:
    """Return the present answers, and what noting another one does."""
    of_month = formats.of_month(library.next_month())
    return [
        *(_("Aujourd'hui : %(answer)s.", answer=label) for label in noted_choice.labels(case.whose).values()),
        _(
            "La réponse compte tout de suite ; pour l'avis d'échéance, à partir de l'avis %(of_month)s.",
            of_month=of_month,
        ),
        _("Elle reste dans le registre du locataire, avec la sorte et la date de sa demande : c'est la preuve."),
        _("Passer de Non à Oui demande un responsable, car le locataire recevra des e-mails."),
        _("Un e-mail prévient le locataire, qui peut changer d'avis : %(address)s.", address=case.whose.email),
    ]


def delay(case: Case) -> list[str]:
    """Return what lifting the delay does, and which delay stays."""
    until = rate_limits.login_waits_until(case.whose.id)
    return [
        _(
            "Le délai, qui court jusqu'au %(until)s, finit tout de suite : le locataire peut se connecter.",
            until=formats.moment(until) if until is not None else "",
        ),
        _(
            "Le délai d'une adresse réseau ne peut pas être levé : il finit de lui-même, en %(duration)s au plus.",
            duration=formats.duration(LONGEST_ORIGIN_WAIT),
        ),
        *_told(case.whose),
    ]


def devices(case: Case) -> list[str]:
    """Return what logging out every device does."""
    return [
        ngettext(
            "%(num)d appareil est connecté : il est déconnecté.",
            "%(num)d appareils sont connectés : ils sont déconnectés.",
            len(sessions.running(case.whose)),
        ),
        _("Le mot de passe reste le même : qui le connaît peut se connecter à nouveau."),
        *_told(case.whose),
    ]


def freeze(case: Case) -> list[str]:
    """Return what freezing does and undoes."""
    plan = [
        _("Personne ne peut plus se connecter, même avec le bon mot de passe. Les appareils sont déconnectés."),
        _("Seul le bureau peut débloquer le compte. En attendant, les avis d'échéance partent sur papier."),
    ]
    if email_change.oldest_open(case.whose) is not None:
        plan.append(_("L'adresse changée depuis moins de 7 jours redevient celle d'avant, qui reçoit notre e-mail."))
    if case.whose.is_closed:
        plan.append(_("La fermeture du compte est annulée."))
    return [*plan, *_told(case.whose)]


def thaw(case: Case) -> list[str]:
    """Return what thawing does."""
    return [
        _("Le compte est débloqué. L'ancien mot de passe ne marche plus : le locataire en choisit un autre."),
        _("Les liens « Ce n'est pas moi » envoyés avant ne peuvent plus bloquer le compte."),
        *_told(case.whose),
    ]


def detach(case: Case) -> list[str]:
    """Return what taking the contract out of its account does."""
    others = [contract.reference for contract in case.whose.contracts if contract.id != case.contract.id]
    return [
        _(
            "Le contrat quitte ce compte avec ses documents, et ses réponses deviennent Non."
            " Son locataire peut alors s'inscrire."
        ),
        _("Ce compte garde : %(references)s.", references=", ".join(others))
        if others
        else _("Ce compte n'a pas d'autre contrat : il est fermé, et effacé après %(num)d jours.", num=REOPENING.days),
        _(
            "Vous pouvez remettre le contrat pendant %(num)d jours, tant que personne d'autre ne s'inscrit.",
            num=joining.RELEASE_UNDONE.days,
        ),
        *_told(case.whose),
    ]


def reattach(case: Case) -> list[str]:
    """Return what putting the contract back does."""
    left = joining.released(case.contract)
    at = formats.moment(left.created_at) if left is not None else ""
    plan = [_("Le contrat revient, avec ses documents, dans le compte d'où il est sorti le %(at)s.", at=at)]
    if not case.whose.contracts:
        plan.append(
            _("Ce compte est rouvert. Son ancien mot de passe ne marche plus : le locataire en choisit un autre.")
        )
    if case.whose.is_frozen:
        plan.append(_("Ce compte est bloqué, et le reste."))
    return [*plan, _("Les réponses restent sur Non : le locataire peut les changer."), *_told(case.whose)]
