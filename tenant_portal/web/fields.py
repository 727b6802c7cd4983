"""Fields, validators and the form all pages share: one list of nouns per form, one sentence per fault."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from email_validator import EmailNotValidError, validate_email
from flask import current_app, render_template, request, session
from flask_wtf import FlaskForm
from flask_wtf.csrf import generate_csrf
from wtforms import BooleanField, EmailField, Field, PasswordField, RadioField, StringField, ValidationError
from wtforms.validators import StopValidation

from ..accounts import passwords, signed_links
from ..accounts.passwords import PASSWORD_DIGITS_MIN, PASSWORD_MAX, PASSWORD_MIN
from ..contracts.numbers import digits_of, is_number
from ..db import db
from ..errors import FormExpired
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..settings import settings
from ..text import EMAIL_MAX
from .address_typos import MAIL_DOMAINS

#: Field attributes of every number printed on a notice: never `type=number`, no `maxlength`, no `pattern` (U12).
_NUMBER = {"inputmode": "numeric", "spellcheck": "false", "autocapitalize": "off", "class": "portal-number"}
_PASSWORD = {"spellcheck": "false", "autocapitalize": "off", "autocorrect": "off"}
_NEW_PASSWORD = {**_PASSWORD, "autocomplete": "new-password"}


class Required:
    """Refuse an empty answer with the sentence of this field, and mark the field as required."""

    field_flags: ClassVar[dict[str, bool]] = {"required": True}

    def __init__(self, message: Any) -> None:
        self.message = message

    def __call__(self, form: Any, field: Field) -> None:
        if field.data is None or (isinstance(field.data, str) and not field.data.strip()):
            raise StopValidation(str(self.message))


class ContractReferenceField(StringField):
    """The contract reference: forgives « L/ » and spaces, then takes ASCII digits only (S30, T01, T02)."""

    def __init__(self, label: Any, *, autocomplete: str = "username", **kwargs: Any) -> None:
        super().__init__(
            label,
            [Required(_l("Saisissez votre référence contrat.")), _reference_digits],
            filters=[_number_filter],
            render_kw={**_NUMBER, "autocomplete": autocomplete},
            **kwargs,
        )


class ModuleField(StringField):
    """The module number: the second proof, as printed on the notice."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        super().__init__(
            label,
            [Required(_l("Saisissez votre numéro de module.")), _module_digits],
            filters=[_number_filter],
            render_kw={**_NUMBER, "autocomplete": "off"},
            **kwargs,
        )


class MailAddressField(EmailField):
    """A mail address; its domain is not looked up, so a provider that is down blocks nobody."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        super().__init__(
            label,
            [Required(_l("Saisissez votre adresse mail.")), _address],
            filters=[lambda typed: typed.strip() if typed else typed],
            render_kw={
                "autocomplete": "email",
                "spellcheck": "false",
                "autocapitalize": "off",
                "size": 30,
                "data-domains": " ".join(MAIL_DOMAINS),  # for the typo helper of portal.js
            },
            **kwargs,
        )


class NewPasswordField(PasswordField):
    """A password to choose; a weak one is refused by the form, which knows the tenant."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        super().__init__(
            label,
            [Required(_l("Saisissez un mot de passe d'au moins %(num)d caractères.", num=PASSWORD_MIN))],
            description=_l(
                "%(num)d caractères minimum. Choisissez celui que vous voulez et notez-le : nous n'y avons pas accès.",
                num=PASSWORD_MIN,
            ),
            render_kw=_NEW_PASSWORD,
            **kwargs,
        )


class ConfirmationField(PasswordField):
    """The new password, typed once more."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        required = Required(_l("Saisissez votre mot de passe une seconde fois."))
        super().__init__(label, [required, _same_password], render_kw=_NEW_PASSWORD, **kwargs)


class CurrentPasswordField(PasswordField):
    """The password of the account; never altered, not even by a space taken off (T20)."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        super().__init__(
            label,
            [Required(_l("Saisissez votre mot de passe."))],
            render_kw={**_PASSWORD, "autocomplete": "current-password"},
            **kwargs,
        )


class QuestionField(RadioField):
    """A question with its possible answers: their values with their labels.

    WTForms 3.1 knows choices with labels as tuples only, WTForms 3.3 warns of those; both know plain values.
    """

    def __init__(self, label: Any, message: Any, answers: Mapping[Any, Any], **kwargs: Any) -> None:
        super().__init__(label, [Required(message)], choices=list(answers), validate_choice=False, **kwargs)
        self.answers = answers

    def __iter__(self) -> Iterator[Field]:
        """Yield a button for each answer."""
        for option in super().__iter__():
            option.label.text = self.answers[option.data]
            yield option


class YesNoField(QuestionField):
    """A question with two equal answers, neither chosen beforehand; `data` is True, False or None (S34)."""

    def __init__(self, label: Any, message: Any, **kwargs: Any) -> None:
        values = {"oui": True, "non": False, True: True, False: False}
        super().__init__(label, message, {"oui": _l("Oui"), "non": _l("Non")}, coerce=values.get, **kwargs)


class RememberField(BooleanField):
    """«Mémoriser», unticked; its hint says how long and where not (U38)."""


class CheckedToken(FlaskForm.Meta.csrf_class):
    """Flask-WTF's check of a form's token; a new one is signed by the page that shows it, so not for what was sent."""

    def generate_csrf_token(self, csrf_token_field: Field) -> str:
        """Return nothing: templates ask `form_token`."""
        return ""


class PortalForm(FlaskForm):
    """A form of the portal: its own CSRF check whatever the host does, and its page kept when that check fails.

    `steps` numbers the fields as the help page does; `infos` holds what stands behind ⓘ.
    """

    steps: ClassVar[Mapping[str, int]] = {}
    infos: ClassVar[Mapping[str, Any]] = {}
    is_expired = False
    #: Whether there is nothing to type, so that nothing was lost.
    is_button = False

    class Meta(FlaskForm.Meta):
        """CSRF is always on; a page may stay open for half a day, and over a change of keys."""

        csrf = True
        csrf_class = CheckedToken
        csrf_time_limit = 12 * 3600  # seconds, as Flask-WTF compares them

        @property
        def csrf_secret(self) -> Any:
            """Return the keys for Flask-WTF's signer, which takes a list although it reads no fallbacks itself."""
            own = current_app.config.get("WTF_CSRF_SECRET_KEY")  # a host may sign its forms with another key
            return own or signed_links.keys()

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """Return what the form sent; Flask-WTF would take any JSON for a form, and fail on most."""
            return None if request.is_json else super().wrap_formdata(form, formdata)

        def get_translations(self, form: Any) -> Any:
            """Use no texts of WTForms: each of our validators says its own sentence."""
            return None

    def validate(self, extra_validators: Any = None) -> bool:
        """Tell whether everything holds; a token that is too old keeps what was typed (U11)."""
        fine = super().validate(extra_validators)
        self.is_expired = bool(self.csrf_field.errors)
        return bool(fine)

    @property
    def csrf_field(self) -> Any:
        """Return the field of the CSRF token, whose name a host may have chosen."""
        return self[self.meta.csrf_field_name]

    @property
    def is_blank(self) -> bool:
        """Tell whether the form is as everyone gets it: nothing was sent, nothing is filled in."""
        return not self.is_submitted() and not any(field.data for field in self if field is not self.csrf_field)

    @property
    def faults(self) -> list[tuple[str, str]]:
        """Return each sentence of refusal with the id of the control to put right, in the order of the page."""
        return [
            (f"{field.id}-0" if isinstance(field, RadioField) else field.id, str(message))
            for field in self
            if field is not self.csrf_field
            for message in field.errors
        ]

    @property
    def failed_step(self) -> int | None:
        """Return the first of the twelve steps that went wrong."""
        return min((self.steps[f.short_name] for f in self if f.errors and f.short_name in self.steps), default=None)


class ButtonForm(PortalForm):
    """A button and nothing else: « Renvoyer », « Je me déconnecte »."""

    is_button = True

    def require_fresh(self) -> None:
        """Raise `FormExpired` when the page of the button was open too long, or was not ours."""
        if not self.validate_on_submit():
            raise FormExpired

    def is_fresh(self) -> bool:
        """Tell whether the button counts; a login in another tab takes its token away, and its page can be shown again.

        Raises `FormExpired` where the browser keeps nothing that it could be shown with.
        """
        if not session:
            self.require_fresh()
        return bool(self.validate_on_submit())


def form_token() -> tuple[str, str]:
    """Return name and value of the token that each of our forms carries; a button needs no form object for it."""
    meta = PortalForm.Meta()
    return meta.csrf_field_name, generate_csrf(meta.csrf_secret, meta.csrf_field_name)


def judge_new_password(field: Field, context: list[str]) -> bool:
    """Tell whether a password is strong enough; a weak one gets the reason and the way out (PRODUCT 1, U31, U32).

    It is weighed without a connection to the database, which others may need meanwhile.
    """
    db.session.rollback()
    reason = passwords.weakness(field.data or "", context)
    if reason is None:
        return True
    sentences = {
        "short": _("Choisissez un mot de passe d'au moins %(num)d caractères.", num=PASSWORD_MIN),
        "long": _("Choisissez un mot de passe de %(num)d caractères au plus.", num=PASSWORD_MAX),
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


def page(template: str, *, status: int = 200, form: PortalForm | None = None, **context: Any) -> tuple[str, int]:
    """Return a rendered page and its status; a form that came too late answers 400 with everything still in it."""
    if form is not None and form.is_expired:
        status = 400
    return render_template(f"portal/{template}", form=form, said=pop_flash("portal_said"), **context), status


def pop_flash(key: str) -> Any:
    """Take what the page before left in the session; a session that is not touched sends no cookie."""
    return session.pop(key) if key in session else None


def flash_once(code: str) -> None:
    """Have the next page show that message, once; its words stand in `said.html`."""
    session["portal_said"] = code


def _number_filter(typed: str | None) -> str | None:
    return digits_of(typed) if typed else typed


def _reference_digits(form: Any, field: Field) -> None:
    if not field.data.isascii() or not field.data.isdigit():
        raise ValidationError(_("La référence contrat contient seulement des chiffres. Exemple : 123456"))
    if not is_number(field.data, settings.reference_length):
        raise ValidationError(_length_sentence(_("La référence contrat"), settings.reference_length))


def _module_digits(form: Any, field: Field) -> None:
    if not field.data.isascii() or not field.data.isdigit():
        raise ValidationError(_("Le numéro de module contient seulement des chiffres. Exemple : 12345678"))
    if not is_number(field.data, settings.module_length):
        raise ValidationError(_length_sentence(_("Le numéro de module"), settings.module_length))


def _length_sentence(subject: str, length: tuple[int, int]) -> str:
    low, high = length
    if low == high:
        return _("%(subject)s compte %(num)d chiffres. Vérifiez sur votre avis d'échéance.", subject=subject, num=low)
    return _(
        "%(subject)s compte de %(low)d à %(high)d chiffres. Vérifiez sur votre avis d'échéance.",
        subject=subject,
        low=low,
        high=high,
    )


def _same_password(form: Any, field: Field) -> None:
    if field.data != form["password"].data:
        raise ValidationError(_("Les deux mots de passe ne sont pas identiques. Saisissez-les à nouveau."))


def _address(form: Any, field: Field) -> None:
    try:
        if len(field.data) > EMAIL_MAX:
            raise EmailNotValidError
        field.data = validate_email(field.data, check_deliverability=False, allow_smtputf8=False).normalized
    except EmailNotValidError:
        raise ValidationError(_("Vérifiez le format de l'adresse mail. Exemple : nom@domaine.fr")) from None
