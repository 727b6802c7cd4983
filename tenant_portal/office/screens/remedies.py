"""The remedies: before the click, what will happen and who is told; after it, what did (G05)."""

from typing import Any

from flask import abort, redirect, url_for
from wtforms import DateField, HiddenField, StringField, ValidationError
from wtforms.validators import InputRequired

from ...accounts import email_change, written_choices
from ...accounts.office_acts import IDENTITIES, REASONS, SENTENCE_MAX
from ...db import begin_write, db
from ...i18n import gettext as _
from ...i18n import lazy_gettext as _l
from ...i18n import typeset
from ...web.fields import MailAddressField, QuestionField, YesNoField
from ...web.forms import PortalForm
from ...web.pages import flash_once, page
from .. import cases, noted_choice, remedies
from ..cases import Case
from ..clerks import Clerk
from ..deeds import Noted


class RemedyForm(PortalForm):
    """How the tenant was recognised, why, and a sentence for him; there are no free notes."""

    identity = QuestionField(
        _l("Comment savez-vous que c'est le locataire ?"), _l("Dites comment vous l'avez reconnu."), IDENTITIES
    )
    reason = QuestionField(_l("Pourquoi ?"), _l("Choisissez une raison."), REASONS)
    sentence = StringField(
        _l("Le locataire peut lire cette phrase"),
        filters=[lambda typed: " ".join((typed or "").replace("\0", "").split())],
        description=_l("Facultative, %(num)d caractères au plus. Elle est dans notre e-mail.", num=SENTENCE_MAX),
        render_kw={"autocomplete": "off", "maxlength": SENTENCE_MAX},
    )
    #: What the page was based on.
    vu = HiddenField()

    def __init__(self, case: Case, view: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.case, self.view = case, view
        for name in ("identity", "reason", "sentence"):  # the list of faults follows the page
            self._fields[name] = self._fields.pop(name)
        known, reasons = remedies.proofs(case, view), remedies.REMEDIES[view].reasons
        self.identity.choices, self.reason.choices = list(known), list(reasons)

    def validate_identity(self, field: Any) -> None:
        """Refuse what is not on the list."""
        if field.data not in field.choices:
            raise ValidationError(_("Dites comment vous l'avez reconnu."))

    def validate_reason(self, field: Any) -> None:
        """Refuse what is not on the list."""
        if field.data not in field.choices:
            raise ValidationError(_("Choisissez une raison."))

    def validate_sentence(self, field: Any) -> None:
        """Refuse a long one: nothing is cut off unseen."""
        if len(field.data) > SENTENCE_MAX:
            raise ValidationError(_("Écrivez %(num)d caractères au plus.", num=SENTENCE_MAX))

    @property
    def noted(self) -> Noted:
        """Return what was filled in."""
        return Noted(self.identity.data, self.reason.data, typeset(self.sentence.data))


class AddressedForm(RemedyForm):
    """The same, with a mail address, which is not the clerk's own."""

    email: MailAddressField

    def __init__(self, case: Case, view: str, **kwargs: Any) -> None:
        super().__init__(case, view, **kwargs)
        self.email.render_kw = {**self.email.render_kw, "autocomplete": "off"}

    @property
    def noted(self) -> Noted:
        """Return what was filled in."""
        return super().noted._replace(email=self.email.data)


class ActivationForm(AddressedForm):
    """The same, with the address of the sign-up."""

    email = MailAddressField(
        _l("Adresse mail"), description=_l("Relisez-la avec le locataire. Corrigez-la si elle est fausse.")
    )

    def __init__(self, case: Case, view: str, **kwargs: Any) -> None:
        super().__init__(case, view, email=case.account.email if case.account is not None else "", **kwargs)

    def validate_identity(self, field: Any) -> None:
        """Ask more where the address changes: whoever reads it could take the account."""
        super().validate_identity(field)
        if field.data not in remedies.proofs(self.case, self.view, email=self.email.data or ""):
            raise ValidationError(_("Pour changer l'adresse, il faut avoir reconnu le locataire."))


class AddressForm(AddressedForm):
    """The same, with the new address of a finished account."""

    email = MailAddressField(_l("Nouvelle adresse mail"), description=_l("Relisez-la lettre par lettre."))

    def validate_email(self, field: Any) -> None:
        """Refuse the present address, unless it failed or is in doubt."""
        account = self.case.account
        if account is not None and not email_change.is_new(account, field.data):
            raise ValidationError(_("Cette adresse est déjà celle du compte."))


class ChoiceForm(RemedyForm):
    """The same, with what the tenant asked for in writing."""

    choice = QuestionField(_l("Quel choix ?"), _l("Dites quel choix."), {})
    yes = YesNoField(_l("Que demande le locataire ?"), _l("Répondez par Oui ou Non."))
    kind = QuestionField(_l("Comment l'a-t-il demandé ?"), _l("Dites comment il l'a demandé."), written_choices.KINDS)
    asked_on = DateField(
        _l("Date de sa demande"),
        [InputRequired(_l("Donnez la date qui est sur la demande. Exemple : 12/11/2026"))],
        format=["%Y-%m-%d", "%d/%m/%Y"],
        description=_l("Celle de la lettre, de l'e-mail ou du formulaire. Exemple : 12/11/2026"),
        render_kw={"autocomplete": "off"},
    )

    def __init__(self, case: Case, view: str, **kwargs: Any) -> None:
        super().__init__(case, view, **kwargs)
        self.choice.answers = noted_choice.labels(case.account) if case.account is not None else {}
        self.choice.choices = list(self.choice.answers)

    def validate(self, extra_validators: Any = None) -> bool:
        """Validate, then ask the domain; what stands in the way is told at its field."""
        if not super().validate(extra_validators) or self.case.account is None:
            return False
        code = "unknown"
        if (wanted := self.wanted) is not None:
            code = written_choices.obstacle(self.case.account, wanted, by_owner=self.case.is_owner)
        if code:
            name, text = WHY_NOT_NOTED[code]
            self[name].errors = [str(text)]
        return not code

    @property
    def wanted(self) -> written_choices.Request | None:
        """Return what the tenant asked for, if it is one of the account's choices."""
        choice = noted_choice.choice_of(self.case.whose, self.choice.data)
        facts = (self.yes.data, self.kind.data, self.asked_on.data)
        return written_choices.Request(choice, *facts) if choice is not None else None

    @property
    def noted(self) -> Noted:
        """Return what was filled in."""
        return super().noted._replace(written=self.wanted, by_owner=self.case.is_owner)


#: By the domain's code, at which field it is told.
WHY_NOT_NOTED = {
    "unknown": ("choice", _l("Dites quel choix.")),
    "stands": ("yes", _l("C'est déjà la réponse du locataire. Il n'y a rien à noter.")),
    "owner": (
        "yes",
        _l(
            "Passer à Oui demande un responsable : demandez à un responsable de le noter, avec la demande du locataire."
        ),
    ),
    "future": ("asked_on", _l("Cette date n'est pas encore venue. Relisez-la.")),
    "old": ("asked_on", _l("Cette demande a plus d'un an. Demandez au locataire de la refaire.")),
    "answered_since": (
        "asked_on",
        _l("Une réponse plus récente est dans le registre : c'est elle qui compte. Voyez avec le locataire."),
    ),
}


def delay(clerk: Clerk, number: int) -> Any:
    """Lift the delay of logins."""
    return _answer(clerk, number, "delay")


def activation(clerk: Clerk, number: int) -> Any:
    """Send the activation again, perhaps to an address put right."""
    return _answer(clerk, number, "activation", ActivationForm)


def reset(clerk: Clerk, number: int) -> Any:
    """Send a link to choose another secret."""
    return _answer(clerk, number, "reset")


def address(clerk: Clerk, number: int) -> Any:
    """Ask for another address of a finished account."""
    return _answer(clerk, number, "address", AddressForm)


def choice(clerk: Clerk, number: int) -> Any:
    """Note a choice that was asked for in writing."""
    return _answer(clerk, number, "choice", ChoiceForm)


def thaw(clerk: Clerk, number: int) -> Any:
    """Thaw an account."""
    return _answer(clerk, number, "thaw")


def devices(clerk: Clerk, number: int) -> Any:
    """Log out every device."""
    return _answer(clerk, number, "devices")


def freeze(clerk: Clerk, number: int) -> Any:
    """Freeze an account."""
    return _answer(clerk, number, "freeze")


def detach(clerk: Clerk, number: int) -> Any:
    """Take a contract out of its account."""
    return _answer(clerk, number, "detach")


def reattach(clerk: Clerk, number: int) -> Any:
    """Put a contract back into its account."""
    return _answer(clerk, number, "reattach")


def _answer(clerk: Clerk, number: int, view: str, form_class: type[RemedyForm] = RemedyForm) -> Any:
    """Show the page of a remedy, or act; whoever was overtaken reads by whom."""
    case, trouble = cases.read(number, clerk) or abort(404), ""
    form = form_class(case, view)
    if form.is_submitted():
        is_fine = form.validate()
        begin_write()
        case = cases.read(number, clerk, lock=True) or abort(404)
        trouble = "" if form.refusal else remedies.overtaken(case, view, form.vu.data or "")
        if is_fine and not trouble and not remedies.why_not(case, view):
            after = remedies.perform(case, view, form.noted)
            db.session.commit()
            after()
            flash_once(f"office_{view}")
            return redirect(url_for("portal.office.contract.show", number=number), 303)
        db.session.rollback()
        case = cases.read(number, clerk) or abort(404)
    return _show(clerk, case, view, form, trouble)


def _show(clerk: Clerk, case: Case, view: str, form: RemedyForm, trouble: str) -> Any:
    obstacle = remedies.why_not(case, view)
    form.vu.data = remedies.seal(case, view)
    return page(
        "office/remedies/act.html",
        form=form,
        clerk=clerk,
        contract=case.contract,
        remedy=remedies.REMEDIES[view],
        plan=[] if obstacle else remedies.REMEDIES[view].plan(case),
        since=remedies.since(case, view),
        obstacle=obstacle,
        trouble=trouble,
    )
