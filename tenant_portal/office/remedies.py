"""What a clerk can do for a stuck tenant: what will happen, what did, and why not now (G05).

How the tenant must have been recognised is the domain's (`accounts/office_rules.py`).
"""

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

from .. import formats
from ..accounts import office_acts, office_rules
from ..accounts.progress import OnboardingStatus
from ..db import utcnow
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..models import Account, Contract
from . import deeds, effects, new_address, noted_choice, since_freeze
from .cases import Case
from .deeds import Noted

#: On a contract, not on all of its account.
_OF_CONTRACT = ("detached", "reattached")


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
    plan = [] if why_not(case, view) else [*since(case, view), *REMEDIES[view].plan(case)]
    address = case.account.email if case.account is not None else ""
    digest = hashlib.sha256("\n".join([*plan, address, *proofs(case, view)]).encode()).hexdigest()[:32]
    return f"{last.id if last is not None else 0}.{digest}"


def since(case: Case, view: str) -> list[str]:
    """Return what happened since the freeze that a thaw would end."""
    return since_freeze.sentences(case.account) if view == "thaw" and case.account is not None else []


def overtaken(case: Case, view: str, sealed: str) -> str:
    """Return what happened since the page was made; an empty text if it still fits.

    Two clicks, two clerks, or clerk and tenant at once: who comes second does nothing and reads why.
    """
    if sealed == seal(case, view):
        return ""
    last, known = _newest(case, view), sealed.partition(".")[0]
    if last is not None and str(last.id) != known:
        day = formats.day(last.created_at)
        when = {"time": formats.time(last.created_at), "day": "" if day == formats.day(utcnow()) else f" ({day})"}
        if last.clerk == case.clerk:
            return _("Vous l'avez déjà fait à %(time)s%(day)s. Rien n'est fait une seconde fois.", **when)
        return _(
            "%(clerk)s l'a déjà fait à %(time)s%(day)s. Rien n'est fait une seconde fois.", clerk=last.clerk, **when
        )
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


#: By the name of their view; those that help a tenant in stand first.
REMEDIES = {
    "delay": Remedy(
        "delay_lifted",
        _l("Lever le délai de connexion"),
        _l("Trop d'essais : le locataire doit attendre."),
        ("too_many_tries", "on_request"),
        effects.delay,
        deeds.lift_delay,
    ),
    "activation": Remedy(
        "activation_sent",
        _l("Renvoyer l'e-mail d'activation"),
        _l("Corrige aussi une adresse mal tapée."),
        ("no_mail", "wrong_address", "on_request"),
        effects.activation,
        deeds.send_activation,
    ),
    "reset": Remedy(
        "reset_sent",
        _l("Envoyer un lien pour un nouveau mot de passe"),
        _l("Mot de passe oublié : le locataire en choisit un autre."),
        ("lost_password", "no_mail", "not_me", "on_request"),
        effects.reset,
        deeds.send_reset,
    ),
    "address": Remedy(
        "address_asked",
        _l("Noter une autre adresse mail"),
        _l("Boîte mail perdue : la nouvelle adresse se confirme."),
        ("lost_mailbox", "wrong_address", "not_me", "on_request"),
        effects.address,
        new_address.ask,
    ),
    "choice": Remedy(
        "choice_noted",
        _l("Noter un choix demandé par écrit"),
        _l("Lettre, e-mail ou formulaire du locataire."),
        ("on_request", "office_slip"),
        effects.choice,
        noted_choice.note,
    ),
    "thaw": Remedy(
        "thawed",
        _l("Débloquer le compte"),
        _l("Le compte est bien à ce locataire."),
        ("on_request", "not_me", "office_slip"),
        effects.thaw,
        deeds.thaw,
    ),
    "devices": Remedy(
        "sessions_ended",
        _l("Déconnecter tous les appareils"),
        _l("Appareil perdu, volé ou prêté."),
        ("on_request", "not_me"),
        effects.devices,
        deeds.end_sessions,
    ),
    "freeze": Remedy(
        "frozen",
        _l("Bloquer le compte"),
        _l("Quelqu'un d'autre s'en sert peut-être."),
        ("not_me", "on_request"),
        effects.freeze,
        deeds.freeze,
    ),
    "detach": Remedy(
        "detached",
        _l("Retirer le contrat de ce compte"),
        _l("Le compte n'est pas à ce locataire."),
        ("not_me", "holder_changed", "lost_mailbox", "on_request"),
        effects.detach,
        deeds.detach,
    ),
    "reattach": Remedy(
        "reattached",
        _l("Remettre le contrat dans son ancien compte"),
        _l("Le contrat a été retiré par erreur."),
        ("office_slip", "on_request"),
        effects.reattach,
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
