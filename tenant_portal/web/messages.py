"""« Laisser un message »."""

import re
from typing import Any

from flask import Blueprint, redirect, request, session, url_for
from wtforms import Field, TextAreaField, ValidationError
from wtforms.validators import StopValidation

from .. import i18n, signals
from ..db import db
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..mail import notifications, rendering
from ..messages import conversation
from ..messages.conversation import BODY_MAX, Topic
from ..messages.masking import mask_passwords
from ..models import Contract
from ..settings import settings
from . import identity
from .address_typos import suggested_address
from .fields import ContractReferenceField, MailAddressField, QuestionField
from .forms import PortalForm
from .pages import page

screen = Blueprint("messages", __name__)

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
    "autre": Topic.OTHER,
}
TOPIC_LABELS = {
    Topic.NUMBER: _l("Je ne trouve pas ma référence ou mon numéro de module, ou ils sont refusés"),
    Topic.MAIL: _l("Je n'ai pas reçu l'e-mail d'activation"),
    Topic.ADDRESS: _l("Mon adresse mail est fausse, ou je n'y ai plus accès"),
    Topic.PASSWORD: _l("Je n'arrive pas à me connecter avec mon mot de passe"),
    Topic.TAKEN: _l("Une autre personne a déjà créé un compte pour mon contrat"),
    Topic.WAITING: _l(
        "Mon bail est récent : prévenez-moi quand mon contrat apparaîtra"
        " (donnez sa référence, le message est facultatif)"
    ),
    Topic.OTHER: _l("Autre chose"),
}

# Control characters except line ends and tabs.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _clean(typed: str | None) -> str:
    """Remove control characters and pasted passwords (T36)."""
    lines = (typed or "").replace("\r\n", "\n").replace("\r", "\n")
    return mask_passwords(_CONTROLS.sub("", lines).strip())


def _reference_where_needed(form: Any, field: Field) -> None:
    if field.data:
        return
    if form.topic.data == Topic.WAITING:
        raise StopValidation(_("Saisissez la référence de votre contrat : c'est elle que nous attendons."))
    raise StopValidation()


class MessageForm(PortalForm):
    """Topic, text, reference and address; never a telephone number or a password (L18)."""

    topic = QuestionField(
        _l("Quel est votre problème ?"),
        _l("Choisissez votre problème dans la liste. Sinon, choisissez « Autre chose »."),
        TOPIC_LABELS,
    )
    body = TextAreaField(
        _l("Votre message"),
        description=_l(
            "Dites ce que vous avez fait, et ce que la page vous a répondu. N'écrivez jamais votre mot de passe."
        ),
        filters=[_clean],
        render_kw={"rows": 6, "spellcheck": "true"},
    )
    reference = ContractReferenceField(
        _l("Votre référence contrat, si vous l'avez"),
        description=_l("Elle figure sur votre avis d'échéance, après « L/ ». Exemple : 123456"),
    )
    email = MailAddressField(
        _l("Votre adresse mail"), description=_l("Nous vous répondons à cette adresse. Exemple : nom@domaine.fr")
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Optional, except for a tenant who waits for that contract (T05).
        self.reference.validators = [_reference_where_needed, *self.reference.validators[1:]]
        self.reference.flags.required = False

    def validate_topic(self, field: Any) -> None:
        """Refuse an unknown topic."""
        if field.data not in TOPIC_LABELS:
            raise ValidationError(_("Choisissez votre problème dans la liste. Sinon, choisissez « Autre chose »."))

    def validate_body(self, field: Any) -> None:
        """Refuse a message that is too long or, unless the tenant waits for his contract, empty."""
        if not field.data and self.topic.data != Topic.WAITING:
            raise ValidationError(_("Écrivez votre message : dites ce qui vous bloque."))
        if len(field.data or "") > BODY_MAX:
            raise ValidationError(
                _(
                    "Votre message compte %(length)d caractères. Raccourcissez-le à %(most)d caractères au plus.",
                    length=len(field.data),
                    most=BODY_MAX,
                )
            )


@screen.route("/message", methods=["GET", "POST"])
def write():
    """Show the form, and send the message."""
    form = MessageForm(**_known())
    if not form.validate_on_submit():
        return _form_page(form)
    topic = Topic(form.topic.data)
    tenant = identity.current_tenant()
    account_id = tenant.session.account_id if tenant is not None else None
    written = conversation.write(
        topic,
        email=form.email.data,
        body=form.body.data,
        reference=form.reference.data or "",
        language=i18n.language(),
        origin=identity.origin(),
        account_id=account_id,
    )
    if written.message is None:
        db.session.commit()
        return (*_form_page(form, status=429, is_excessive=True), {"Retry-After": str(RETRY_AFTER)})
    number = written.message.number
    if not written.is_repeat:
        if written.has_receipt:
            notifications.message_received(written.message, days=settings.reply_days)
        notifications.message_to_landlord(written.message, standing_text=_standing(written.contract))
    what = {"reference": written.message.reference, "account": account_id}
    db.session.commit()
    if not written.is_repeat:
        signals.send(signals.message_received, number=number, topic=str(topic), **what)
    kept = {"number": number, "topic": topic, "email": form.email.data, "has_receipt": written.has_receipt}
    session["portal_message"] = kept
    return redirect(url_for(".sent"))


@screen.get("/message/envoye")
def sent():
    """Show the number of the message."""
    sent = session.get("portal_message")
    if sent is None:
        return redirect(url_for(".write"))
    return page(
        "messages/sent.html",
        number=sent["number"],
        email=sent["email"],
        has_receipt=sent["has_receipt"],
        is_waiting=sent["topic"] == Topic.WAITING,
        suggestion=suggested_address(sent["email"]),
    )


def _form_page(form: MessageForm, *, status: int = 200, is_excessive: bool = False) -> tuple[str, int]:
    return page(
        "messages/write.html",
        form=form,
        status=status,
        is_excessive=is_excessive,
        is_refused=is_excessive,
        suggestion=suggested_address(form.email.data or ""),
    )


def _known() -> dict[str, Any]:
    """Return initial values: the topic of the link, and what we know of the visitor."""
    topic = TOPICS_OF_LINKS.get(request.args.get("sujet", ""))
    known: dict[str, Any] = {"topic": topic}
    signup, tenant = session.get("portal_signup", {}), identity.current_tenant()
    if tenant is not None:
        account = tenant.session.account
        known |= {"email": account.email, "reference": account.contracts[0].reference if account.contracts else None}
    elif signup:
        known |= {"email": signup["email"], "reference": signup["reference"]}
    if topic is Topic.ADDRESS:
        known.pop("email", None)  # that address is the wrong one
    return known


def _standing(contract: Contract | None) -> str:
    with i18n.speaking("fr"):
        if contract is None:
            return _("Aucune référence connue : nous ne savons pas où en est cette personne.")
        return rendering.onboarding_text(contract)
