"""Fields and their validators; each fault has its own sentence."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from wtforms import BooleanField, EmailField, Field, PasswordField, RadioField, StringField, ValidationError
from wtforms.validators import StopValidation

from ..accounts.passwords import PASSWORD_MIN
from ..contracts.numbers import digits_of, is_number
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..mail_addresses import mail_address
from ..settings import settings
from .address_typos import COM_ONLY, MAIL_DOMAINS, REAL_DOMAINS

#: Numbers of a notice: never `type=number`, no `maxlength`, no `pattern` (U12).
_NUMBER = {"inputmode": "numeric", "spellcheck": "false", "autocapitalize": "off", "class": "portal-number"}
_PASSWORD = {"spellcheck": "false", "autocapitalize": "off", "autocorrect": "off"}
_NEW_PASSWORD = {**_PASSWORD, "autocomplete": "new-password"}


class Required:
    """Refuse an empty answer with this sentence."""

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
    """The module number."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        super().__init__(
            label,
            [Required(_l("Saisissez votre numéro de module.")), _module_digits],
            filters=[_number_filter],
            render_kw={**_NUMBER, "autocomplete": "off"},
            **kwargs,
        )


class MailAddressField(EmailField):
    """A mail address; no look-up of its domain, so a provider that is down blocks nobody."""

    def __init__(self, label: Any, *, autocomplete: str = "email", **kwargs: Any) -> None:
        super().__init__(
            label,
            [Required(_l("Saisissez votre adresse mail.")), _address],
            filters=[lambda typed: typed.strip() if typed else typed],
            render_kw={
                "autocomplete": autocomplete,
                "spellcheck": "false",
                "autocapitalize": "off",
                "size": 30,
                "data-domains": " ".join(MAIL_DOMAINS),  # for portal.js
                "data-real": " ".join(REAL_DOMAINS),
                "data-com-only": " ".join(COM_ONLY),
            },
            **kwargs,
        )


class NewPasswordField(PasswordField):
    """A new password."""

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
    """The new password, typed again."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        required = Required(_l("Saisissez votre mot de passe une seconde fois."))
        super().__init__(label, [required, _same_password], render_kw=_NEW_PASSWORD, **kwargs)


class CurrentPasswordField(PasswordField):
    """The password of the account, taken as typed (T20)."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        super().__init__(
            label,
            [Required(_l("Saisissez votre mot de passe."))],
            render_kw={**_PASSWORD, "autocomplete": "current-password"},
            **kwargs,
        )


class QuestionField(RadioField):
    """A question with its answers: values with labels. Without `message` it may stay open.

    WTForms 3.1 takes labels in tuples only, WTForms 3.3 warns of tuples. Both take plain values.
    """

    def __init__(self, label: Any, message: Any, answers: Mapping[Any, Any], **kwargs: Any) -> None:
        needed = [Required(message)] if message else []
        super().__init__(label, needed, choices=list(answers), validate_choice=False, **kwargs)
        self.answers = answers

    def __iter__(self) -> Iterator[Field]:
        """Yield a button for each answer."""
        for option in super().__iter__():
            option.label.text = self.answers[option.data]
            yield option


class YesNoField(QuestionField):
    """A question with two equal answers, none preselected; `data` is True, False or None (S34)."""

    def __init__(self, label: Any, message: Any = None, **kwargs: Any) -> None:
        values = {"oui": True, "non": False, True: True, False: False}
        super().__init__(label, message, {"oui": _l("Oui"), "non": _l("Non")}, coerce=values.get, **kwargs)


class RememberField(BooleanField):
    """«Mémoriser», unticked (U38)."""


def _number_filter(typed: str | None) -> str | None:
    return digits_of(typed) if typed else typed


def _reference_digits(form: Any, field: Field) -> None:
    only = _("La référence contrat contient seulement des chiffres. Exemple : 123456")
    _check_number(field.data, only, _("La référence contrat"), settings.reference_length)


def _module_digits(form: Any, field: Field) -> None:
    only = _("Le numéro de module contient seulement des chiffres. Exemple : 12345678")
    _check_number(field.data, only, _("Le numéro de module"), settings.module_length)


def _check_number(typed: str, only: str, subject: str, length: tuple[int, int]) -> None:
    if not typed.isascii() or not typed.isdigit():
        raise ValidationError(only)
    if is_number(typed, length):
        return
    low, high = length
    if low == high:
        what = _("%(subject)s compte %(num)d chiffres. Vérifiez sur votre avis d'échéance.", subject=subject, num=low)
    else:
        what = _(
            "%(subject)s compte de %(low)d à %(high)d chiffres. Vérifiez sur votre avis d'échéance.",
            subject=subject,
            low=low,
            high=high,
        )
    raise ValidationError(what)


def _same_password(form: Any, field: Field) -> None:
    if field.data != form["password"].data:
        raise ValidationError(_("Les deux mots de passe ne sont pas identiques. Saisissez-les à nouveau."))


def _address(form: Any, field: Field) -> None:
    try:
        field.data = mail_address(field.data)
    except ValueError:
        raise ValidationError(_("Vérifiez le format de l'adresse mail. Exemple : nom@domaine.fr")) from None
