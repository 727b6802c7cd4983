"""Where a tenant stands on the twelve steps, and what helps him on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from ..contracts import ending
from ..contracts.lookup import today
from ..db import db, utcnow
from ..i18n import lazy_gettext as _l
from ..models import Account, Contract, Event, Mail, MailState
from ..settings import settings
from . import freezing, login_facts, passwords
from .login_facts import LoginFacts
from .standing_words import SITUATIONS, Situation
from .steps import STEPS

#: Mails as staff call them.
MAIL_NAMES = {
    "activation": _l("activation du compte"),
    "already_registered": _l("compte déjà créé"),
    "contract_taken": _l("contrat déjà pris"),
    "welcome": _l("bienvenue"),
    "reset": _l("nouveau mot de passe demandé"),
    "password_changed": _l("mot de passe changé"),
    "new_device": _l("nouvel appareil"),
    "email_change": _l("nouvelle adresse à confirmer"),
    "email_change_asked": _l("changement d'adresse demandé"),
    "email_changed": _l("adresse mail changée"),
    "email_change_undone": _l("changement d'adresse arrêté"),
    "office_email_change": _l("nouvelle adresse à confirmer, demandée par le bureau"),
    "account_closed": _l("compte fermé"),
    "account_reopened": _l("compte rouvert"),
    "account_created": _l("compte créé, à l'adresse que nous avions"),
    "account_frozen": _l("compte bloqué"),
    "account_thawed": _l("compte débloqué"),
    "account_disputed": _l("contestation, au bailleur"),
    "attempts": _l("essais de connexion refusés"),
    "message_received": _l("message reçu"),
    "message_to_landlord": _l("message au bailleur"),
    "message_answered": _l("réponse à un message"),
    "contract_ready": _l("contrat arrivé"),
    "e_notice_changed": _l("choix de l'avis d'échéance changé"),
    "notice_published": _l("avis d'échéance disponible"),
    "contract_joined": _l("contrat rattaché"),
    "handover": _l("contrat demandé par un autre compte"),
    "contract_handed_over": _l("contrat transféré"),
    "contract_released": _l("contrat retiré du compte"),
    "office_acted": _l("action de notre bureau"),
    "data_copied": _l("copie des données demandée"),
    "documents_ending": _l("fin des documents après le bail"),
    "receipt_published": _l("quittance disponible"),
    "staff_invitation": _l("invitation d'un collègue"),
    "staff_reset": _l("nouveau mot de passe d'un collègue"),
    "staff_changed": _l("alerte sur l'accès d'un collègue"),
}


@dataclass(frozen=True)
class OnboardingStatus:
    """Where one tenant stands; `step` is the next one, 13 after the twelve."""

    step: int
    situation: str
    since: datetime | None
    account: Account | None
    mails: list[Mail]
    #: The other contracts in the account.
    others: list[Contract]
    #: Of an account whose activation link was opened.
    login: LoginFacts | None = None

    @property
    def words(self) -> Situation:
        """Return the row of the table of words."""
        return SITUATIONS[self.situation]

    @property
    def on_the_telephone(self) -> str:
        """Return what to say to whoever calls; for a refused answer, what its step asks for."""
        return str(STEPS[self.step - 1].say if self.situation == "refused" else self.words.on_the_telephone)

    def mail_name(self, mail: Mail) -> str:
        """Return the kind of a mail."""
        return str(MAIL_NAMES.get(mail.kind, mail.kind))

    @property
    def steps(self) -> list[tuple[int, str, str]]:
        """Return number, title and state of each step: `done`, `next` or `later`."""
        return [
            (number, str(step.title), "done" if number < self.step else "next" if number == self.step else "later")
            for number, step in enumerate(STEPS, 1)
        ]


def onboarding_status(contract: Contract, *, most: int = 10) -> OnboardingStatus:
    """Return where the tenant of a contract stands, with so many of his newest mails."""
    account = contract.account if contract.account is not None and not contract.account.is_gone else None
    mails = _mails(contract, account, most)
    facts = login_facts.of(account) if account is not None and account.is_activated else None
    if account is None:
        step, situation, since = _before_sign_up(contract)
    elif facts is None:
        step, situation, since = 9, _mail_situation(account, mails), account.created_at
    elif not account.is_finished:
        step, situation, since = _before_first_login(account, facts)
    else:
        step, (situation, since) = 13, _after_first_login(contract, account, facts)
    if not contract.is_running(today()) and step < 13:
        situation = "not_running"
    held = account.contracts if account is not None else []
    return OnboardingStatus(
        step, situation, since, account, mails, [other for other in held if other.id != contract.id], facts
    )


def _mails(contract: Contract, account: Account | None, most: int) -> list[Mail]:
    """Return the newest mails about a contract, and those about its account alone; each by its index."""
    rows = select(Mail).where(Mail.recipient != "").order_by(Mail.id.desc()).limit(most)
    found = list(db.session.scalars(rows.where(Mail.contract_id == contract.id)))
    if account is not None:
        found += db.session.scalars(rows.where(Mail.account_id == account.id, Mail.contract_id.is_(None)))
    return sorted(found, key=lambda mail: -mail.id)[:most]


def _before_sign_up(contract: Contract) -> tuple[int, str, datetime | None]:
    refused = select(Event).where(
        Event.contract_id == contract.id, Event.name.in_(("signup_refused", "signup_mismatch"))
    )
    event = db.session.scalars(refused.order_by(Event.id.desc()).limit(1)).one_or_none()
    if event is None:
        return 1, "not_started", None
    return event.step or 2, "mismatch" if event.name == "signup_mismatch" else "refused", event.created_at


def _mail_situation(account: Account, mails: list[Mail]) -> str:
    mail = next((m for m in mails if m.kind == "activation" and m.account_id == account.id), None)
    if mail is not None and mail.error == "expired":
        return "link_expired"  # it died before the mail could leave
    if account.email_failed_at or (mail and mail.state in {MailState.REFUSED, MailState.BOUNCED}):
        return "mail_refused"
    if mail is None or mail.state is MailState.WAITING:
        return "mail_waiting"
    return "link_expired" if utcnow() - mail.created_at > settings.activation_hours else "mail_sent"


def _before_first_login(account: Account, facts: LoginFacts) -> tuple[int, str, datetime | None]:
    if facts.waits_until is not None:
        return 11, "delayed", facts.refused_at
    return (11, "password_refused", facts.refused_at) if facts.refused else (10, "activated", account.activated_at)


def _after_first_login(contract: Contract, account: Account, facts: LoginFacts) -> tuple[str, datetime | None]:
    """Return what stands in the way of a login, the worst first."""
    found = {
        "disputed": (account.is_frozen and freezing.is_disputed(account), account.frozen_at),
        "frozen": (account.is_frozen, account.frozen_at),
        "closed": (account.is_closed, account.closed_at),
        "delayed": (facts.waits_until is not None, facts.refused_at),
        "address_failed": (account.email_failed_at is not None, account.email_failed_at),
        "address_doubted": (account.email_doubted_at is not None, account.email_doubted_at),
        "reset_asked": (facts.reset_asked_at is not None, facts.reset_asked_at),
        "password_ended": (not passwords.is_usable(account.password_hash), account.thawed_at),
        "login_refused": (facts.refused > 0, facts.refused_at),
        "lease_ended": (ending.ended_on(contract) is not None, facts.last_login_at),
    }
    ready = "finished", facts.last_login_at or account.completed_at
    return next(((situation, since) for situation, (holds, since) in found.items() if holds), ready)
