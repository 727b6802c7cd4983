"""Where a tenant stands on the twelve steps, and what helps him on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from ..contracts.lookup import today
from ..db import db, utcnow
from ..i18n import lazy_gettext as _l
from ..models import Account, Contract, Event, Mail, MailState
from ..settings import settings
from . import freezing

#: The twelve steps of the help page.
STEPS = (
    _l("Cliquer sur « Je crée mon compte »"),
    _l("Saisir la référence contrat"),
    _l("Saisir le numéro de module"),
    _l("Créer un mot de passe"),
    _l("Confirmer le mot de passe"),
    _l("Saisir l'adresse mail"),
    _l("Répondre aux trois questions par Oui ou Non"),
    _l("Cliquer sur « Je valide la création de mon compte »"),
    _l("Ouvrir l'e-mail d'activation et cliquer sur le lien"),
    _l("Se connecter : saisir la référence contrat"),
    _l("Se connecter : saisir le mot de passe"),
    _l("Cliquer sur « Je me connecte »"),
)

REMEDIES = {
    "not_running": _l("Le bail n'est pas en cours : vérifier ses dates et la dernière liste des contrats."),
    "not_started": _l(
        "Le locataire n'a pas encore commencé : lui indiquer la page d'inscription et son avis d'échéance."
    ),
    "refused": _l("Un essai a été refusé à cette étape : vérifier avec le locataire ce qu'il saisit."),
    "mismatch": _l(
        "Les deux numéros saisis ne vont pas ensemble : relire avec le locataire la référence et le module."
    ),
    "mail_waiting": _l(
        "L'e-mail attend de partir : vérifier le serveur de messagerie, puis « flask portal mail send »."
    ),
    "mail_refused": _l(
        "L'e-mail n'a pas pu être remis : faire corriger l'adresse sur la page « Consultez vos e-mails »."
    ),
    "mail_sent": _l(
        "L'e-mail est parti : faire regarder les courriers indésirables, sinon « Renvoyer l'e-mail »"
        " après connexion avec la référence et le mot de passe."
    ),
    "link_expired": _l("Le lien n'est plus valable : le locataire se connecte et demande un autre e-mail."),
    "activated": _l("Le compte est activé : il reste à se connecter avec la référence et le mot de passe."),
    "password_refused": _l(
        "Le compte est activé, mais le mot de passe est refusé : proposer « J'ai oublié mon mot de passe »."
    ),
    "address_failed": _l("Le compte fonctionne, mais son adresse mail ne reçoit plus rien : la faire corriger."),
    "closed": _l(
        "Le compte est fermé : pour le rouvrir, le locataire se connecte avec sa référence et son mot de passe."
    ),
    "frozen": _l(
        "Le compte est bloqué : « Ce n'est pas moi ». Le locataire le débloque en choisissant un nouveau mot de passe :"
        " proposer « J'ai oublié mon mot de passe »."
    ),
    "disputed": _l(
        "Le compte est bloqué et contesté. Vérifier à qui est le contrat. S'il est au titulaire du compte :"
        " flask portal contracts thaw RÉFÉRENCE. S'il est à quelqu'un d'autre, qui pourra alors s'inscrire :"
        " flask portal contracts release RÉFÉRENCE."
    ),
    "finished": _l("Rien à faire : le compte fonctionne."),
}

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
    #: References of the other contracts in the account.
    others: list[str]

    @property
    def remedy(self) -> str:
        """Return what to do next."""
        return str(REMEDIES[self.situation])

    def mail_name(self, mail: Mail) -> str:
        """Return the kind of a mail."""
        return str(MAIL_NAMES.get(mail.kind, mail.kind))

    @property
    def steps(self) -> list[tuple[int, str, str]]:
        """Return number, title and state of each step: `done`, `next` or `later`."""
        return [
            (number, str(title), "done" if number < self.step else "next" if number == self.step else "later")
            for number, title in enumerate(STEPS, 1)
        ]


def onboarding_status(contract: Contract) -> OnboardingStatus:
    """Return where the tenant of a contract stands."""
    account = contract.account if contract.account is not None and not contract.account.is_gone else None
    mails = list(
        db.session.scalars(select(Mail).where(Mail.contract_id == contract.id).order_by(Mail.id.desc()).limit(10))
    )
    if account is None:
        step, situation, since = _before_sign_up(contract)
    elif account.is_frozen:
        situation = "disputed" if freezing.is_disputed(account) else "frozen"
        step, since = 13, account.frozen_at
    elif account.is_closed:
        step, situation, since = 13, "closed", account.closed_at
    elif account.is_finished:
        step, since = 13, account.completed_at
        situation = "address_failed" if account.email_failed_at else "finished"
    elif account.is_activated:
        refused = _last_event(contract, ("login_refused",), after=account.activated_at)
        step, situation = (11, "password_refused") if refused else (10, "activated")
        since = refused.created_at if refused else account.activated_at
    else:
        step, situation, since = 9, _mail_situation(account, mails), account.created_at
    if not contract.is_running(today()) and step < 13:
        situation = "not_running"
    held = account.contracts if account is not None else []
    others = [other.reference for other in held if other.id != contract.id]
    return OnboardingStatus(step, situation, since, account, mails, others)


def _before_sign_up(contract: Contract) -> tuple[int, str, datetime | None]:
    event = _last_event(contract, ("signup_refused", "signup_mismatch"))
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


def _last_event(contract: Contract, names: tuple[str, ...], after: datetime | None = None) -> Event | None:
    query = select(Event).where(Event.contract_id == contract.id, Event.name.in_(names))
    if after is not None:
        query = query.where(Event.created_at > after)
    return db.session.scalars(query.order_by(Event.id.desc()).limit(1)).one_or_none()
