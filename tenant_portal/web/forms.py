"""The two forms of the help page, which the guide shows as well: rename a field here and its figures follow."""

from typing import Any, ClassVar

from wtforms import HiddenField, ValidationError

from ..accounts import passwords, registration
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..models import ConsentPurpose
from .fields import (
    ContractReferenceField,
    CurrentPasswordField,
    MailAddressField,
    ModuleField,
    NewPasswordField,
    PortalForm,
    RememberField,
    YesNoField,
    judge_new_password,
)

_WHERE_IS_REFERENCE = _l(
    "La référence contrat est imprimée sur votre avis d'échéance, après « L/ ». Tapez seulement les chiffres."
)
_WHERE_IS_MODULE = _l("Le numéro de module est imprimé sur votre avis d'échéance, près de la référence contrat.")


class LoginForm(PortalForm):
    """« Identifiez-vous » (S02 to S08); the same form finishes the account on the activation page."""

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
    password = NewPasswordField(
        _l("Créez un mot de passe"),
        _l("Saisissez un mot de passe d'au moins 12 caractères."),
        description=_l(
            "12 caractères minimum. Choisissez celui que vous voulez et notez-le : nous n'y avons pas accès."
        ),
    )
    confirmation = NewPasswordField(
        _l("Confirmez votre mot de passe"), _l("Saisissez votre mot de passe une seconde fois.")
    )
    email = MailAddressField(
        _l("Votre adresse mail"),
        description=_l(
            "Vérifiez bien votre adresse : nous vous y envoyons le lien d'activation. Exemple : nom@domaine.fr"
        ),
    )
    e_notice = YesNoField(
        _l(
            "Vous acceptez de recevoir votre avis d'échéance par voie électronique"
            " (Réservé aux contrats en prélèvement automatique)"
        ),
        _l("Choisissez Oui ou Non pour l'avis d'échéance par voie électronique."),
    )
    commercial = YesNoField(
        _l("Vous acceptez de recevoir des informations commerciales par e-mail"),
        _l("Choisissez Oui ou Non pour les informations commerciales."),
    )
    general = YesNoField(
        _l("Vous acceptez de recevoir des informations générales (non commerciales) par e-mail"),
        _l("Choisissez Oui ou Non pour les informations générales."),
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
        """Tell whether everything holds; the password is weighed last, without what the roster knows (X01, X03)."""
        fine = super().validate(extra_validators)
        if self.password.errors or self.is_expired:
            return fine
        return self.judge_password([]) and fine

    def judge_password(self, known_words: list[str]) -> bool:
        """Tell whether who knows this tenant would guess the password; what is faulty elsewhere does not count.

        With words of the roster it is judged a second time, but only if it may hold one of them.
        """
        if known_words and not passwords.may_hold(self.password.data, known_words):
            return True
        typed = [f.data for f in (self.reference, self.module, self.email) if f.data and not f.errors]
        return judge_new_password(self.password, registration.guessable_words(None, *typed, *known_words))

    def validate_confirmation(self, field: Any) -> None:
        """Refuse two passwords that differ."""
        if field.data != self.password.data:
            raise ValidationError(_("Les deux mots de passe ne sont pas identiques. Saisissez-les à nouveau."))

    @property
    def choices(self) -> dict[ConsentPurpose, bool]:
        """Return the three answers, each apart from the others."""
        return {
            ConsentPurpose.E_NOTICE: self.e_notice.data,
            ConsentPurpose.COMMERCIAL: self.commercial.data,
            ConsentPurpose.GENERAL: self.general.data,
        }
