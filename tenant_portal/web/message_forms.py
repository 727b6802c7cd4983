"""The forms of messages, and what is sent with each text that is kept."""

from typing import Any

from wtforms import Field, TextAreaField, ValidationError
from wtforms.validators import StopValidation

from .. import i18n, signals
from ..db import db
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..mail import landlord_mails, notifications, rendering
from ..messages.conversation import BODY_MAX, Topic, WriteResult
from ..messages.masking import mask_passwords
from ..messages.models import Message, MessageState
from ..messages.typed_text import clean
from ..models import Contract
from .fields import ContractReferenceField, MailAddressField, QuestionField
from .forms import PortalForm

#: Retry-After for who wrote too often.
RETRY_AFTER = 3600
#: Values of `?sujet=` in links, which preselect a topic.
TOPICS_OF_LINKS = {
    "numero": Topic.NUMBER,
    "activation": Topic.MAIL,
    "adresse": Topic.ADDRESS,
    "mot-de-passe": Topic.PASSWORD,
    "deja-inscrit": Topic.TAKEN,
    "attente": Topic.WAITING,
    "logement": Topic.HOME,
    "loyer": Topic.RENT,
    "document": Topic.DOCUMENT,
    "depart": Topic.LEAVING,
    "choix": Topic.CHOICES,
    "autre": Topic.OTHER,
}
_BEFORE_LOGIN = {
    Topic.MAIL: _l("Je n'ai pas reçu l'e-mail d'activation"),
    Topic.PASSWORD: _l("Je n'arrive pas à me connecter avec mon mot de passe"),
}
_OF_ACCOUNT = {
    Topic.NUMBER: _l("Je ne trouve pas ma référence ou mon numéro de module, ou ils sont refusés"),
    Topic.ADDRESS: _l("Mon adresse mail est fausse, ou je n'y ai plus accès"),
    Topic.TAKEN: _l("Une autre personne a déjà créé un compte pour mon contrat"),
    Topic.WAITING: _l(
        "Mon bail est récent : prévenez-moi quand mon contrat apparaîtra"
        " (donnez sa référence, le message est facultatif)"
    ),
}
_AT_HOME = {
    Topic.HOME: _l("Mon logement ou une réparation"),
    Topic.RENT: _l("Mon loyer, mes charges ou un paiement"),
    Topic.DOCUMENT: _l("Un document qui me manque"),
    Topic.LEAVING: _l("Mon départ ou mon nouveau logement"),
    Topic.CHOICES: _l("Changer mes choix"),
}
_OTHER = {Topic.OTHER: _l("Autre chose")}
#: In the order of the page of a stranger: login troubles first.
TOPIC_LABELS = {Topic.NUMBER: _OF_ACCOUNT[Topic.NUMBER], **_BEFORE_LOGIN, **_OF_ACCOUNT, **_AT_HOME, **_OTHER}
#: In the order of the page of a tenant, who has come in.
TOPICS_AT_HOME = {**_AT_HOME, **_OF_ACCOUNT, **_OTHER}
#: Of a message that was sent.
TOPIC_TITLES = {**TOPIC_LABELS, Topic.WAITING: _l("J'attends mon contrat")}
#: The words for how far a message is.
STATE_LABELS = {
    MessageState.RECEIVED: _l("Reçu"),
    MessageState.ANSWERED: _l("Répondu"),
    MessageState.CLOSED: _l("Clos"),
}
_CHOOSE = _l("Choisissez un sujet dans la liste. Sinon, choisissez « Autre chose ».")


def cleaned(typed: str | None) -> str:
    """Return what is kept of a typed text: no control characters, no pasted password (T36)."""
    return mask_passwords(clean(typed or ""))


def _body_field(description: Any = "") -> TextAreaField:
    render = {"rows": 6, "spellcheck": "true"}
    return TextAreaField(_l("Votre message"), description=description, filters=[cleaned], render_kw=render)


def _reference_field(label: Any) -> ContractReferenceField:
    where = _l("Elle figure sur votre avis d'échéance, après « L/ ». Exemple : 123456")
    return ContractReferenceField(label, description=where)


class EntryForm(PortalForm):
    """What a tenant writes in a message that stands."""

    body = _body_field()

    def validate_body(self, field: Any) -> None:
        """Refuse a text that is too long or empty."""
        if not field.data:
            raise ValidationError(_("Écrivez votre message."))
        _refuse_long(field.data)


class OwnMessageForm(PortalForm):
    """A new message of who is logged in: his address is known."""

    topic = QuestionField(_l("De quoi s'agit-il ?"), _CHOOSE, TOPICS_AT_HOME)
    body = _body_field(
        _l("Dites ce qui s'est passé et ce que vous attendez de nous. N'écrivez jamais votre mot de passe.")
    )
    reference = _reference_field(_l("La référence du contrat concerné"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Optional, except for a tenant who waits for that contract (T05).
        self.reference.validators = [_reference_where_needed, *self.reference.validators[1:]]
        self.reference.flags.required = False

    def validate_topic(self, field: Any) -> None:
        """Refuse an unknown topic."""
        if field.data not in TOPIC_LABELS:
            raise ValidationError(str(_CHOOSE))

    def validate_body(self, field: Any) -> None:
        """Refuse a message that is too long or, unless the tenant waits for his contract, empty."""
        if not field.data and self.topic.data != Topic.WAITING:
            raise ValidationError(_("Écrivez votre message."))
        _refuse_long(field.data or "")


class MessageForm(OwnMessageForm):
    """Topic, text, reference and address of a stranger; never a telephone number or a password (L18)."""

    topic = QuestionField(_l("Quel est votre problème ?"), _CHOOSE, TOPIC_LABELS)
    body = _body_field(
        _l("Dites ce que vous avez fait, et ce que la page vous a répondu. N'écrivez jamais votre mot de passe.")
    )
    reference = _reference_field(_l("Votre référence contrat, si vous l'avez"))
    email = MailAddressField(
        _l("Votre adresse mail"), description=_l("Nous vous répondons à cette adresse. Exemple : nom@domaine.fr")
    )


def send(written: WriteResult) -> None:
    """Add the mails of what was just written, commit, and tell the host."""
    message = written.message
    if message is None or written.is_repeat:
        db.session.commit()
        return
    if written.has_receipt:
        notifications.message_received(message)
    landlord_mails.message_to_landlord(message, standing_text=_standing(message.contract))
    news = _news(message)
    db.session.commit()
    signals.send(signals.message_received, **news)


def _news(message: Message) -> dict[str, Any]:
    whose = {"reference": message.reference, "account": message.account_id}
    return {"number": message.number, "topic": message.topic, **whose}


def _standing(contract: Contract | None) -> str:
    with i18n.speaking("fr"):
        if contract is None:
            return _("Aucune référence connue : nous ne savons pas où en est cette personne.")
        return rendering.onboarding_text(contract)


def _reference_where_needed(form: Any, field: Field) -> None:
    if field.data:
        return
    if form.topic.data == Topic.WAITING:
        raise StopValidation(_("Saisissez la référence de votre contrat : c'est elle que nous attendons."))
    raise StopValidation()


def _refuse_long(text: str) -> None:
    if len(text) > BODY_MAX:
        raise ValidationError(
            _(
                "Votre message compte %(length)d caractères. Raccourcissez-le à %(most)d caractères au plus.",
                length=len(text),
                most=BODY_MAX,
            )
        )
