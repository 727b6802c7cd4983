"""What a clerk can do for a stuck tenant: what will happen, what did, and why not now (G05).

How the tenant must have been recognised is the domain's (`accounts/office_rules.py`).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from .. import formats
from ..accounts import email_change, joining, locks, office_acts, office_rules, rate_limits, sessions
from ..accounts import signed_links as links
from ..accounts.limited_acts import LONGEST_ORIGIN_WAIT
from ..accounts.progress import OnboardingStatus
from ..contracts import lookup
from ..db import db
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..i18n import ngettext
from ..models import REOPENING, Account, Contract
from . import deeds, new_address, noted_choice, since_freeze
from .clerks import Clerk
from .deeds import Noted

#: On a contract, not on all of its account.
_OF_CONTRACT = ("detached", "reattached")


@dataclass(frozen=True)
class Case:
    """A contract as a clerk sees it; without account, perhaps with the one that it was taken out of."""

    clerk: str
    contract: Contract
    account: Account | None
    former: Account | None
    is_owner: bool = False

    @property
    def whose(self) -> Account:
        """Return the account that a remedy is about."""
        account = self.account or self.former
        assert account is not None
        return account


class Remedy(NamedTuple):
    """One thing that the office can do; its key in `REMEDIES` names its view."""

    act: str
    label: Any
    #: What it is good for, in a few words.
    about: Any
    reasons: tuple[str, ...]
    #: Returns what will happen and who is told.
    plan: Callable[[Case], list[str]]
    #: Acts and writes the mail; returns what to do after the commit.
    do: Callable[[Contract, Account, Noted], Callable[[], None]]


class Offer(NamedTuple):
    """A remedy that is possible now."""

    label: Any
    endpoint: str
    about: Any


def read(number: int, clerk: Clerk, *, lock: bool = False) -> Case | None:
    """Return a contract with its account as they stand, and lock them until the transaction ends."""
    contract = db.session.get(Contract, number)
    if contract is None:
        return None
    if lock:
        contract = lookup.lock(number)
        left = joining.released(contract)
        locks.lock_accounts(contract.account_id, left.account_id if left is not None else None)
    account = contract.account if contract.account is not None and not contract.account.is_gone else None
    former = office_rules.former_account(contract) if account is None else None
    return Case(clerk.name, contract, account, former, clerk.is_owner)


def offered(contract: Contract, standing: OnboardingStatus) -> list[Offer]:
    """Return what can be done now, what helps first at the head."""
    return [
        Offer(remedy.label, f"portal.office.remedies.{view}", remedy.about)
        for view, remedy in REMEDIES.items()
        if not office_rules.obstacle(remedy.act, contract, standing.account)
    ]


def why_not(case: Case, view: str) -> str:
    """Return why a remedy is not possible now, and who was faster; an empty text if it is possible."""
    code = office_rules.obstacle(REMEDIES[view].act, case.contract, case.account)
    return str(OBSTACLES[code]) if code else ""


def proofs(case: Case, view: str, *, email: str = "") -> tuple[str, ...]:
    """Return which ways to recognise the tenant are enough."""
    return office_rules.proofs(act_of(case, view, email), case.contract, case.account, clerk=case.clerk)


def act_of(case: Case, view: str, email: str = "") -> str:
    """Return the key of the act in the journal."""
    is_corrected = view == "activation" and case.account is not None and email not in ("", case.account.email)
    return "activation_corrected" if is_corrected else REMEDIES[view].act


def seal(case: Case, view: str) -> str:
    """Return what the page of a remedy is based on: the newest such act, the address, and what will happen."""
    last = _newest(case, view)
    plan = "" if why_not(case, view) else "\n".join(REMEDIES[view].plan(case))
    address = case.account.email if case.account is not None else ""
    digest = hashlib.sha256("\n".join([plan, address, *proofs(case, view)]).encode()).hexdigest()[:32]
    return f"{last.id if last is not None else 0}.{digest}"


def overtaken(case: Case, view: str, sealed: str) -> str:
    """Return what happened since the page was made; an empty text if it still fits.

    Two clicks, two clerks, or clerk and tenant at once: who comes second does nothing and reads why.
    """
    if sealed == seal(case, view):
        return ""
    last, known = _newest(case, view), sealed.partition(".")[0]
    if last is not None and str(last.id) != known:
        when = formats.moment(last.created_at)
        if last.clerk == case.clerk:
            return _("Vous l'avez déjà fait : %(at)s. Rien n'est fait une seconde fois.", at=when)
        return _("%(clerk)s l'a déjà fait : %(at)s. Rien n'est fait une seconde fois.", clerk=last.clerk, at=when)
    return _("La situation a changé depuis que cette page est ouverte. Rien n'est fait. Relisez, puis confirmez.")


def perform(case: Case, view: str, noted: Noted) -> Callable[[], None]:
    """Act, tell the tenant and note it, in this transaction; the caller holds the locks.

    Returns what to do after the commit.
    """
    act = act_of(case, view, noted.email)
    if noted.identity not in office_rules.proofs(act, case.contract, case.account, clerk=case.clerk):
        raise ValueError(f"{act}: the tenant was not recognised well enough")
    facts = {"identity": noted.identity, "reason": noted.reason, "sentence": noted.sentence}
    office_acts.record(case.clerk, act, contract=case.contract, account=case.whose, **facts)
    return REMEDIES[view].do(case.contract, case.whose, noted._replace(act=act))


def _newest(case: Case, view: str) -> office_acts.OfficeAct | None:
    act = REMEDIES[view].act
    acts = (act, "activation_corrected") if view == "activation" else (act,)
    return office_acts.newest(case.contract, None if act in _OF_CONTRACT else case.account, *acts)


# What will happen


def _told(account: Account) -> list[str]:
    told = _("Un e-mail prévient le locataire, à l'adresse du compte : %(address)s.", address=account.email)
    failed = _("Attention : cette adresse a déjà refusé nos e-mails.") if account.email_failed_at else ""
    return [told, *([failed] if failed else [])]


def _plan_activation(case: Case) -> list[str]:
    return [
        _("Adresse de l'inscription : %(address)s.", address=case.whose.email),
        _("Un e-mail avec le lien d'activation part à l'adresse ci-dessous : lui seul prévient le locataire."),
        _("Si vous corrigez l'adresse, le lien envoyé à l'ancienne ne marche plus. L'ancienne n'est pas prévenue."),
        _("Le mot de passe choisi à l'inscription reste le même. Le locataire se connecte lui-même."),
    ]


def _plan_reset(case: Case) -> list[str]:
    lasts = formats.duration(links.lifetime("reset"))
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


def _plan_delay(case: Case) -> list[str]:
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


def _plan_devices(case: Case) -> list[str]:
    return [
        ngettext(
            "%(num)d appareil est connecté : il est déconnecté.",
            "%(num)d appareils sont connectés : ils sont déconnectés.",
            len(sessions.running(case.whose)),
        ),
        _("Le mot de passe reste le même : qui le connaît peut se connecter à nouveau."),
        *_told(case.whose),
    ]


def _plan_freeze(case: Case) -> list[str]:
    plan = [
        _("Personne ne peut plus se connecter, même avec le bon mot de passe. Les appareils sont déconnectés."),
        _("Seul le bureau peut débloquer le compte. En attendant, les avis d'échéance partent sur papier."),
    ]
    if email_change.oldest_open(case.whose) is not None:
        plan.append(_("L'adresse changée depuis moins de 7 jours redevient celle d'avant, qui reçoit notre e-mail."))
    if case.whose.is_closed:
        plan.append(_("La fermeture du compte est annulée."))
    return [*plan, *_told(case.whose)]


def _plan_thaw(case: Case) -> list[str]:
    return [
        *since_freeze.sentences(case.whose),
        _("Le compte est débloqué. L'ancien mot de passe ne marche plus : le locataire en choisit un autre."),
        _("Les liens « Ce n'est pas moi » envoyés avant ne peuvent plus bloquer le compte."),
        *_told(case.whose),
    ]


def _plan_detach(case: Case) -> list[str]:
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


def _plan_reattach(case: Case) -> list[str]:
    left = joining.released(case.contract)
    at = formats.moment(left.created_at) if left is not None else ""
    plan = [_("Le contrat revient, avec ses documents, dans le compte d'où il est sorti le %(at)s.", at=at)]
    if not case.whose.contracts:
        plan.append(
            _("Ce compte est rouvert. Son ancien mot de passe ne marche plus : le locataire en choisit un autre.")
        )
    return [*plan, _("Les réponses restent sur Non : le locataire peut les changer."), *_told(case.whose)]


#: By the name of their view; those that help a tenant in stand first.
REMEDIES = {
    "delay": Remedy(
        "delay_lifted",
        _l("Lever le délai de connexion"),
        _l("Trop d'essais : le locataire doit attendre."),
        ("too_many_tries", "on_request"),
        _plan_delay,
        deeds.lift_delay,
    ),
    "activation": Remedy(
        "activation_sent",
        _l("Renvoyer l'e-mail d'activation"),
        _l("Corrige aussi une adresse mal tapée."),
        ("no_mail", "wrong_address", "on_request"),
        _plan_activation,
        deeds.send_activation,
    ),
    "reset": Remedy(
        "reset_sent",
        _l("Envoyer un lien pour un nouveau mot de passe"),
        _l("Mot de passe oublié : le locataire en choisit un autre."),
        ("lost_password", "no_mail", "not_me", "on_request"),
        _plan_reset,
        deeds.send_reset,
    ),
    "address": Remedy(
        "address_asked",
        _l("Noter une autre adresse mail"),
        _l("Boîte mail perdue : la nouvelle adresse se confirme."),
        ("lost_mailbox", "wrong_address", "not_me", "on_request"),
        lambda case: new_address.plan(case.whose),
        new_address.ask,
    ),
    "choice": Remedy(
        "choice_noted",
        _l("Noter un choix demandé par écrit"),
        _l("Lettre, e-mail ou formulaire du locataire."),
        ("on_request", "office_slip"),
        lambda case: noted_choice.plan(case.whose),
        noted_choice.note,
    ),
    "thaw": Remedy(
        "thawed",
        _l("Débloquer le compte"),
        _l("Le compte est bien à ce locataire."),
        ("on_request", "not_me", "office_slip"),
        _plan_thaw,
        deeds.thaw,
    ),
    "devices": Remedy(
        "sessions_ended",
        _l("Déconnecter tous les appareils"),
        _l("Appareil perdu, volé ou prêté."),
        ("on_request", "not_me"),
        _plan_devices,
        deeds.end_sessions,
    ),
    "freeze": Remedy(
        "frozen",
        _l("Bloquer le compte"),
        _l("Quelqu'un d'autre s'en sert peut-être."),
        ("not_me", "on_request"),
        _plan_freeze,
        deeds.freeze,
    ),
    "detach": Remedy(
        "detached",
        _l("Retirer le contrat de ce compte"),
        _l("Le compte n'est pas à ce locataire."),
        ("not_me", "holder_changed", "lost_mailbox", "on_request"),
        _plan_detach,
        deeds.detach,
    ),
    "reattach": Remedy(
        "reattached",
        _l("Remettre le contrat dans son ancien compte"),
        _l("Le contrat a été retiré par erreur."),
        ("office_slip", "on_request"),
        _plan_reattach,
        deeds.reattach,
    ),
}

OBSTACLES = {
    "no_account": _l("Ce contrat n'a pas de compte."),
    "finished": _l("La création du compte est finie : il n'y a plus rien à activer."),
    "unfinished": _l(
        "La création de ce compte n'est pas finie. Si le locataire a oublié son mot de passe, il s'inscrit à nouveau."
    ),
    "closed": _l("Le compte est fermé : le locataire le rouvre en se connectant, ou s'inscrit à nouveau plus tard."),
    "doubted": _l(
        "L'adresse mail du compte n'est pas sûre : le mot de passe a changé peu après elle. Le locataire la confirme,"
        " ou notez une autre adresse."
    ),
    "disputed": _l("Le compte est bloqué et contesté. Vérifiez à qui est le contrat, puis débloquez ou retirez-le."),
    "frozen": _l("Le compte est bloqué : personne ne peut s'y connecter. Débloquez-le d'abord."),
    "address_failed": _l("L'adresse mail du compte ne reçoit plus rien : il faut d'abord une autre adresse."),
    "no_delay": _l(
        "Aucun délai ne court pour ce compte. Celui d'une adresse réseau finit de lui-même en quelques minutes."
    ),
    "no_session": _l("Aucun appareil n'est connecté à ce compte."),
    "not_frozen": _l("Ce compte n'est pas bloqué."),
    "never_detached": _l("Ce contrat n'a pas été retiré d'un compte par le bureau."),
    "signed_up_again": _l(
        "Quelqu'un s'est inscrit depuis pour ce contrat : il ne peut plus revenir dans l'ancien compte."
    ),
    "too_late": _l("Le contrat a été retiré il y a plus de 7 jours : il ne peut plus revenir dans l'ancien compte."),
    "former_gone": _l("L'ancien compte est effacé : le contrat ne peut plus y revenir."),
}
