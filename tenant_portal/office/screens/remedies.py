"""The remedies: before the click, what will happen and who is told; after it, what did (G05)."""

from typing import Any

from flask import abort, redirect, url_for
from wtforms import HiddenField, StringField, ValidationError

from ...accounts.office_acts import IDENTITIES, REASONS, SENTENCE_MAX
from ...db import begin_write, db
from ...i18n import gettext as _
from ...i18n import lazy_gettext as _l
from ...i18n import typeset
from ...web.fields import MailAddressField, QuestionField
from ...web.forms import PortalForm
from ...web.pages import flash_once, page
from .. import cases, remedies
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
        description=_l("Facultative, %(num)d signes au plus. Elle est dans notre e-mail.", num=SENTENCE_MAX),
        render_kw={"autocomplete": "off", "maxlength": SENTENCE_MAX},
    )
    #: What the page was based on.
    vu = HiddenField()

    def __init__(self, case: Case, view: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.case, self.view = case, view
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
            raise ValidationError(_("Écrivez %(num)d signes au plus.", num=SENTENCE_MAX))

    @property
    def noted(self) -> Noted:
        """Return what was filled in."""
        return Noted(self.identity.data, self.reason.data, typeset(self.sentence.data))


class ActivationForm(RemedyForm):
    """The same, with the address of the sign-up."""

    email = MailAddressField(
        _l("Adresse mail"), description=_l("Relisez-la avec le locataire. Corrigez-la si elle est fausse.")
    )

    def __init__(self, case: Case, view: str, **kwargs: Any) -> None:
        super().__init__(case, view, email=case.account.email if case.account is not None else "", **kwargs)
        self.email.render_kw = {**self.email.render_kw, "autocomplete": "off"}

    def validate_identity(self, field: Any) -> None:
        """Ask more where the address changes: whoever reads it could take the account."""
        super().validate_identity(field)
        if field.data not in remedies.proofs(self.case, self.view, email=self.email.data or ""):
            raise ValidationError(_("Pour changer l'adresse, il faut avoir reconnu le locataire."))

    @property
    def noted(self) -> Noted:
        """Return what was filled in."""
        return super().noted._replace(email=self.email.data)


def delay(clerk: Clerk, number: int) -> Any:
    """Lift the delay of logins."""
    return _answer(clerk, number, "delay")


def activation(clerk: Clerk, number: int) -> Any:
    """Send the activation again, perhaps to an address put right."""
    return _answer(clerk, number, "activation", ActivationForm)


def reset(clerk: Clerk, number: int) -> Any:
    """Send a link to choose another secret."""
    return _answer(clerk, number, "reset")


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
    case, trouble = cases.read(number, clerk.name) or abort(404), ""
    form = form_class(case, view)
    if form.is_submitted():
        is_fine = form.validate()
        begin_write()
        case = cases.read(number, clerk.name, lock=True) or abort(404)
        trouble = "" if form.refusal else remedies.overtaken(case, view, form.vu.data or "")
        if is_fine and not trouble and not remedies.why_not(case, view):
            after = remedies.perform(case, view, form.noted)
            db.session.commit()
            after()
            flash_once(f"office_{view}")
            return redirect(url_for("portal.office.contract.show", number=number), 303)
        db.session.rollback()
        case = cases.read(number, clerk.name) or abort(404)
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
