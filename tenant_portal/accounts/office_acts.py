"""The journal of the office: what it looked at and did, kept for twelve months (L24).

The tenant reads its acts in « Mes connexions »: day, act, reason and the sentence meant for him, without the clerk's
name. Looking is in the copy of his data alone.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, ForeignKey, Index, String, and_, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from .. import audit
from ..db import Base, UtcDateTime, db, utcnow
from ..i18n import lazy_gettext as _l
from ..models import Account, Contract
from .moves import has_moved_since

#: The longest sentence that a clerk writes for the tenant.
SENTENCE_MAX = 140
#: Acts that « Mes connexions » shows.
TOLD_MAX = 20
#: The act of opening a contract, and for how long a colleague reads who did.
LOOK, SHOWN_LOOK = "viewed", timedelta(hours=12)
#: Acts that only look.
LOOKS = (LOOK, "message_viewed")
#: Who stands in a line for a command: it runs for the office, and says no name.
COMMAND = "flask portal"


class OfficeAct(Base):
    """One line of the journal."""

    __tablename__ = "portal_office_acts"
    __table_args__ = (
        Index("ix_portal_office_acts_contract_id_id", "contract_id", "id"),
        Index("ix_portal_office_acts_about_id", "about", "id"),
        Index("ix_portal_office_acts_clerk_id", "clerk", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)
    #: The name that colleagues know.
    clerk: Mapped[str] = mapped_column(String(100))
    act: Mapped[str] = mapped_column(String(40))
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("portal_contracts.id", ondelete="SET NULL"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("portal_accounts.id", ondelete="SET NULL"), index=True)
    #: What else it was about: the number of a message, a colleague.
    about: Mapped[str] = mapped_column(String(100), default="")
    #: How the clerk knew whom he helped, and why he did: keys of `IDENTITIES` and `REASONS`.
    identity: Mapped[str] = mapped_column(String(20), default="")
    reason: Mapped[str] = mapped_column(String(20), default="")
    #: Which the tenant may read.
    sentence: Mapped[str] = mapped_column(String(SENTENCE_MAX), default="")


class Act(NamedTuple):
    """What an act is called, for the office and for the tenant; he is told of no look."""

    for_staff: Any
    for_tenant: Any = ""


ACTS = {
    LOOK: Act(_l("page du contrat ouverte")),
    "staff_invited": Act(_l("collègue invité")),
    "staff_reset": Act(_l("accès d'un collègue réinitialisé")),
    "staff_role_changed": Act(_l("rôle d'un collègue changé")),
    "staff_removed": Act(_l("collègue retiré")),
    # What the tenant should know of these stands in his message.
    "message_viewed": Act(_l("message ouvert")),
    "message_answered": Act(_l("réponse à un message")),
    "message_recalled": Act(_l("réponse annulée avant son départ")),
    "message_answered_elsewhere": Act(_l("réponse donnée autrement")),
    "message_closed": Act(_l("message clos sans réponse")),
    "activation_sent": Act(_l("e-mail d'activation renvoyé"), _l("renvoyé l'e-mail d'activation")),
    "activation_corrected": Act(
        _l("adresse mail corrigée, e-mail d'activation envoyé"),
        _l("corrigé votre adresse mail et envoyé l'e-mail d'activation"),
    ),
    "reset_sent": Act(
        _l("lien pour un nouveau mot de passe envoyé"), _l("envoyé un lien pour choisir un nouveau mot de passe")
    ),
    "delay_lifted": Act(_l("délai de connexion levé"), _l("levé le délai de connexion de votre compte")),
    "sessions_ended": Act(_l("appareils déconnectés"), _l("déconnecté tous les appareils de votre compte")),
    "frozen": Act(_l("compte bloqué"), _l("bloqué votre compte")),
    "thawed": Act(_l("compte débloqué"), _l("débloqué votre compte")),
    "detached": Act(_l("contrat retiré du compte"), _l("retiré un contrat de votre compte")),
    "reattached": Act(_l("contrat remis dans le compte"), _l("remis un contrat dans votre compte")),
    "address_asked": Act(
        _l("autre adresse mail demandée"), _l("noté une nouvelle adresse mail (à confirmer) pour votre compte")
    ),
    "choice_noted": Act(_l("choix noté par écrit"), _l("noté un choix que vous avez demandé par écrit")),
    "journal_viewed": Act(_l("journal du bureau ouvert")),
    "data_given": Act(
        _l("copie des données remise (demande d'accès)"), _l("remis une copie des données, sur demande d'accès")
    ),
}
_TOLD = [name for name, act in ACTS.items() if act.for_tenant]
#: How the clerk knew that it was the tenant.
IDENTITIES = {
    "counter": _l("au guichet, pièce d'identité vue"),
    "call_back": _l("rappel au numéro connu"),
    "letter_code": _l("lettre à code"),
    "written": _l("demande écrite"),
    "none": _l("aucune vérification"),
}
REASONS = {
    "lost_password": _l("mot de passe oublié"),
    "lost_mailbox": _l("boîte mail perdue ou fermée"),
    "wrong_address": _l("adresse mail mal tapée"),
    "no_mail": _l("e-mail non reçu"),
    "too_many_tries": _l("trop d'essais de connexion"),
    "not_me": _l("compte ouvert ou utilisé par quelqu'un d'autre"),
    "holder_changed": _l("changement de titulaire"),
    "on_request": _l("à la demande du locataire"),
    "office_slip": _l("erreur de notre bureau"),
}


def record(
    clerk: str,
    act: str,
    *,
    contract: Contract | int | None = None,
    account: Account | int | None = None,
    about: str = "",
    identity: str = "",
    reason: str = "",
    sentence: str = "",
) -> None:
    """Add a line to the journal in this transaction. A contract's account is noted without being named."""
    if isinstance(contract, Contract):
        account = account if account is not None else contract.account_id
        contract = contract.id
    number = account.id if isinstance(account, Account) else account
    facts = {"identity": identity, "reason": reason, "sentence": sentence[:SENTENCE_MAX], "about": about[:100]}
    assert act in ACTS
    db.session.add(OfficeAct(clerk=clerk[:100], act=act, contract_id=contract, account_id=number, **facts))
    audit.note("office_act", act=act, account=number, contract=contract)


def told(act: str) -> str:
    """Return what follows « Notre bureau a … »."""
    return str(ACTS[act].for_tenant)


def newest(contract: Contract, account: Account | None, *acts: str) -> OfficeAct | None:
    """Return the newest of these acts on a contract or its account; by default of all that the tenant is told of."""
    whose = OfficeAct.contract_id == contract.id
    if account is not None:
        whose = or_(whose, OfficeAct.account_id == account.id)
    rows = select(OfficeAct).where(whose, OfficeAct.act.in_(acts or _TOLD)).order_by(OfficeAct.id.desc())
    return db.session.scalars(rows.limit(1)).one_or_none()


def done_to(contract_id: int, *, most: int) -> list[OfficeAct]:
    """Return what the office did last about a contract, for the office."""
    rows = select(OfficeAct).where(OfficeAct.contract_id == contract_id, OfficeAct.act.not_in(LOOKS))
    return list(db.session.scalars(rows.order_by(OfficeAct.id.desc()).limit(most)))


def last_look(contract_id: int, *, but: str) -> OfficeAct | None:
    """Return who opened a contract last, within a day, but for one clerk."""
    of_others = OfficeAct.act == LOOK, OfficeAct.clerk != but[:100], OfficeAct.created_at > utcnow() - SHOWN_LOOK
    rows = select(OfficeAct).where(OfficeAct.contract_id == contract_id, *of_others)
    return db.session.scalars(rows.order_by(OfficeAct.id.desc()).limit(1)).one_or_none()


def nobodys(contract_ids: Collection[int]) -> ColumnElement[bool]:
    """Tell acts without account about these contracts, but those of who had them before: he may be erased by now."""
    return and_(OfficeAct.account_id.is_(None), OfficeAct.contract_id.in_(contract_ids), ~has_moved_since(OfficeAct))


def told_to(account: Account) -> list[OfficeAct]:
    """Return the newest acts that the tenant reads, of his account and of his contracts."""
    whose = or_(OfficeAct.account_id == account.id, nobodys([contract.id for contract in account.contracts]))
    rows = select(OfficeAct).where(whose, OfficeAct.act.in_(_TOLD), OfficeAct.created_at >= account.created_at)
    return list(db.session.scalars(rows.order_by(OfficeAct.id.desc()).limit(TOLD_MAX)))
