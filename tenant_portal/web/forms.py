"""The base of all forms, the login form and the sign-up form."""

import hmac
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from flask import current_app, g, request, session
from flask_wtf import FlaskForm
from flask_wtf.csrf import generate_csrf
from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer
from wtforms import Field, HiddenField, RadioField, ValidationError

from ..accounts import passwords, registration, signed_links
from ..accounts.consents import QUESTIONS
from ..accounts.passwords import PASSWORD_DIGITS_MIN, PASSWORD_MAX, PASSWORD_MIN
from ..accounts.signed_links import PatientSigner
from ..db import db
from ..errors import CookiesRefused, FormExpired, FormForged, FormOutdated, FormRefused
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..models import ConsentPurpose
from .fields import (
    ConfirmationField,
    ContractReferenceField,
    CurrentPasswordField,
    MailAddressField,
    ModuleField,
    NewPasswordField,
    RememberField,
    YesNoField,
)

_WHERE_IS_REFERENCE = _l(
    "La référence contrat est imprimée sur votre avis d'échéance, après « L/ ». Tapez seulement les chiffres."
)
_WHERE_IS_MODULE = _l("Le numéro de module est imprimé sur votre avis d'échéance, près de la référence contrat.")

#: Flask-WTF's.
_SALT_OF_FORMS = "wtf-csrf-token"


class FormOwner(NamedTuple):
    """A login beside the tenant's to which the forms of a page belong, in `g`: its cookie, and what tokens hold."""

    cookie: str
    secret: str


class CheckedToken(FlaskForm.Meta.csrf_class):
    """Flask-WTF's token; only a page that shows the form signs a new one."""

    def validate_csrf_token(self, form: Any, field: Field) -> None:
        """Check the token as Flask-WTF does, but for clocks that differ."""
        meta = self.meta
        owner: FormOwner | None = g.get("portal_form_owner")
        known = owner.secret if owner is not None else session.get(meta.csrf_field_name)
        if not field.data:
            raise ValidationError("The CSRF token is missing.")
        if not known:
            raise ValidationError("The CSRF session token is missing.")
        signer = URLSafeTimedSerializer(meta.csrf_secret, salt=_SALT_OF_FORMS, signer=PatientSigner)
        try:
            token = signer.loads(field.data, max_age=meta.csrf_time_limit)
        except SignatureExpired as late:
            if late.payload is None or not hmac.compare_digest(str(known), str(signer.load_payload(late.payload))):
                raise ValidationError("The CSRF tokens do not match.") from None
            raise ValidationError("The CSRF token has expired.") from None
        except BadData:
            raise ValidationError("The CSRF token is invalid.") from None
        if not hmac.compare_digest(str(known), str(token)):
            raise ValidationError("The CSRF tokens do not match.")

    def generate_csrf_token(self, csrf_token_field: Field) -> str:
        """Sign nothing."""
        return ""


class PortalForm(FlaskForm):
    """A form with its own CSRF check; a failed check keeps what was typed.

    `steps` maps fields to the steps of the help page, `infos` to the texts behind ⓘ.
    """

    steps: ClassVar[Mapping[str, int]] = {}
    infos: ClassVar[Mapping[str, Any]] = {}
    #: Why the token was refused, if it was.
    refusal: type[FormRefused] | None = None
    #: Whether there is nothing to type.
    is_button = False

    class Meta(FlaskForm.Meta):
        """CSRF is always on, for half a day, and over a change of keys."""

        csrf = True
        csrf_class = CheckedToken
        csrf_time_limit = 12 * 3600  # seconds

        @property
        def csrf_secret(self) -> Any:
            """Return a list of keys: Flask-WTF passes it to its signer."""
            own = current_app.config.get("WTF_CSRF_SECRET_KEY")  # a host's own key
            return own or signed_links.keys()

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """Return the sent fields, or those kept from a session that ran out, to be shown again.

            Flask-WTF would read JSON as a form and fail on most of it.
            """
            sent = None if request.is_json else super().wrap_formdata(form, formdata)
            is_shown = sent is None and formdata is not None and request.method == "GET"
            return g.get("portal_kept_fields") if is_shown else sent

        def get_translations(self, form: Any) -> Any:
            """Use no texts of WTForms."""
            return None

    def validate(self, extra_validators: Any = None) -> bool:
        """Validate; a refused token sets `refusal` (U11)."""
        fine = super().validate(extra_validators)
        if self.csrf_field.errors:
            self.refusal = why_refused(str(self.csrf_field.errors[0]))
        return bool(fine)

    @property
    def csrf_field(self) -> Any:
        """Return the token's field, whose name a host may have chosen."""
        return self[self.meta.csrf_field_name]

    @property
    def is_blank(self) -> bool:
        """Tell whether nothing was sent and nothing is filled in."""
        return not self.is_submitted() and not any(field.data for field in self if field is not self.csrf_field)

    @property
    def faults(self) -> list[tuple[str, str]]:
        """Return the id of each refused control with its sentence."""
        return [
            (f"{field.id}-0" if isinstance(field, RadioField) else field.id, str(message))
            for field in self
            if field is not self.csrf_field
            for message in field.errors
        ]

    @property
    def failed_step(self) -> int | None:
        """Return the first of the twelve steps that failed."""
        return min((self.steps[f.short_name] for f in self if f.errors and f.short_name in self.steps), default=None)


class ButtonForm(PortalForm):
    """A form with a button only."""

    is_button = True

    def is_fresh(self) -> bool:
        """Tell whether the token is valid; a login in another tab invalidates it.

        Raises `CookiesRefused` without a cookie: the next try would end in the same way.
        """
        is_valid = bool(self.validate_on_submit())
        if self.refusal is CookiesRefused:
            raise CookiesRefused
        return is_valid


class LoginForm(PortalForm):
    """« Identifiez-vous » (S02 to S08), also on the activation page."""

    reference = ContractReferenceField(
        _l("Ma référence contrat (Chiffres uniquement)"),
        description=_l("Elle figure sur votre avis d'échéance. Ne tapez pas le « L/ » du début. Exemple : 123456"),
    )
    password = CurrentPasswordField(_l("Mon mot de passe"))
    remember = RememberField(_l("Mémoriser"))
    suite = HiddenField()

    steps: ClassVar = {"reference": 10, "password": 11}


class SignupForm(PortalForm):
    """« Formulaire d'inscription » (S13 to S23), in the order of the help page."""

    reference = ContractReferenceField(
        _l("Votre référence contrat (Chiffres uniquement)"),
        description=_l("Elle figure sur votre avis d'échéance. Ne tapez pas le « L/ » du début. Exemple : 123456"),
    )
    module = ModuleField(
        _l("Votre numéro de module (voir avis d'échéance)"),
        description=_l("Il figure aussi sur votre avis d'échéance. Exemple : 12345678"),
    )
    password = NewPasswordField(_l("Créez un mot de passe"))
    confirmation = ConfirmationField(_l("Confirmez votre mot de passe"))
    email = MailAddressField(
        _l("Votre adresse mail"),
        description=_l(
            "Vérifiez bien votre adresse : nous vous y envoyons le lien d'activation. Exemple : nom@domaine.fr"
        ),
    )
    e_notice = YesNoField(
        QUESTIONS[ConsentPurpose.E_NOTICE], _l("Choisissez Oui ou Non pour l'avis d'échéance par voie électronique.")
    )
    commercial = YesNoField(
        QUESTIONS[ConsentPurpose.COMMERCIAL], _l("Choisissez Oui ou Non pour les informations commerciales.")
    )
    general = YesNoField(
        QUESTIONS[ConsentPurpose.GENERAL], _l("Choisissez Oui ou Non pour les informations générales.")
    )

    steps: ClassVar = {
        "reference": 2,
        "module": 3,
        "password": 4,
        "confirmation": 5,
        "email": 6,
        "e_notice": 7,
        "commercial": 7,
        "general": 7,
    }
    infos: ClassVar = {"reference": _WHERE_IS_REFERENCE, "module": _WHERE_IS_MODULE}

    def validate(self, extra_validators: Any = None) -> bool:
        """Validate the form; the password is judged last, without words of the roster (X01, X03)."""
        fine = super().validate(extra_validators)
        if self.password.errors or self.refusal:
            return fine
        return self.judge_password([]) and fine

    def judge_password(self, known_words: list[str]) -> bool:
        """Tell whether the password is strong, given the other fields and words of the roster.

        The second call, with words of the roster, judges only a password that may contain one.
        """
        if known_words and not passwords.may_hold(self.password.data, known_words):
            return True
        typed = [f.data for f in (self.reference, self.module, self.email) if f.data and not f.errors]
        return judge_new_password(self.password, registration.guessable_words(None, *typed, *known_words))

    @property
    def choices(self) -> dict[ConsentPurpose, bool]:
        """Return the three answers."""
        return {
            ConsentPurpose.E_NOTICE: self.e_notice.data,
            ConsentPurpose.COMMERCIAL: self.commercial.data,
            ConsentPurpose.GENERAL: self.general.data,
        }


def why_refused(told: str) -> type[FormRefused]:
    """Return why a token was refused, by what Flask-WTF told."""
    if told in {"The CSRF token is missing.", "The CSRF token is invalid."}:
        return FormForged
    owner: FormOwner | None = g.get("portal_form_owner")
    if (owner.cookie if owner is not None else current_app.config["SESSION_COOKIE_NAME"]) not in request.cookies:
        return CookiesRefused
    return FormExpired if "expired" in told else FormOutdated


def form_token() -> tuple[str, str]:
    """Return name and value of the CSRF token; a button needs no form object for it."""
    meta = PortalForm.Meta()
    owner: FormOwner | None = g.get("portal_form_owner")
    if owner is not None:
        return meta.csrf_field_name, URLSafeTimedSerializer(meta.csrf_secret, salt=_SALT_OF_FORMS).dumps(owner.secret)
    return meta.csrf_field_name, generate_csrf(meta.csrf_secret, meta.csrf_field_name)


def judge_new_password(field: Field, context: list[str]) -> bool:
    """Tell whether a password is strong; a weak one gets the reason and a way out (U31, U32).

    This takes a while, so first release the database connection.
    """
    db.session.rollback()
    reason = passwords.weakness(field.data or "", context)
    if reason is None:
        return True
    sentences = {
        "short": _("Choisissez un mot de passe d'au moins %(num)d caractères.", num=PASSWORD_MIN),
        "long": _("Choisissez un mot de passe de %(num)d caractères au plus.", num=PASSWORD_MAX),
        "control": _("Ce mot de passe contient un caractère invisible. Effacez-le, puis tapez-le au clavier."),
        "digits": _(
            "Ce mot de passe ne contient que des chiffres. Ajoutez des lettres, ou tapez au moins %(num)d chiffres.",
            num=PASSWORD_DIGITS_MIN,
        ),
        "guessable": _(
            "Ce mot de passe est trop courant ou trop facile à deviner. Choisissez-en un autre :"
            " par exemple quatre mots sans rapport entre eux, ni avec votre logement."
        ),
    }
    field.errors = [*field.errors, sentences[reason]]
    return False
