"""The invitation of a colleague: his name, his password, and a code of his telephone that proves the second factor."""

from typing import Any

from flask import redirect, url_for
from wtforms import HiddenField, StringField, ValidationError
from wtforms.validators import Length

from ...accounts import passwords, signed_links
from ...db import db
from ...i18n import gettext as _
from ...i18n import lazy_gettext as _l
from ...web.fields import ConfirmationField, NewPasswordField, Required
from ...web.links import FIELD
from ...web.pages import page
from .. import links, opened_links, second_factor, sessions, staff
from ..models import NAME_MAX, Staff
from .entrance import PasswordForm

#: Of the sealed secret in the page.
_NEW = "staff.totp"


class InvitationForm(PasswordForm):
    """All that an account needs, in one page."""

    name = StringField(
        _l("Votre nom, que voient vos collègues"),
        [Required(_l("Saisissez votre nom.")), Length(max=NAME_MAX, message=_l("Saisissez un nom plus court."))],
        description=_l("Exemple : Mme Moreau"),
        filters=[lambda typed: " ".join(typed.replace("\0", "").split()) if typed else typed],
        render_kw={"autocomplete": "name", "spellcheck": "false"},
    )
    password = NewPasswordField(_l("Créez un mot de passe"))
    confirmation = ConfirmationField(_l("Confirmez votre mot de passe"))
    code = StringField(
        _l("Le code à 6 chiffres que montre l'application"),
        [Required(_l("Tapez le code que montre l'application."))],
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"},
    )
    #: The new secret, signed by us; the page shows it anyway.
    secret = HiddenField()

    def judge_all(self, of: Staff) -> int | None:
        """Return the half minute of the code if password and code are good; else say what to do."""
        is_strong = self.judge(of, self.name.data)
        step = second_factor.step_of(signed_links.unseal(_NEW, self.secret.data or ""), self.code.data)
        if step is None:
            self.code.data, self.code.errors = (
                "",
                [_("Ce code ne correspond pas. Attendez le code suivant, puis tapez-le.")],
            )
        return step if is_strong else None

    def validate_name(self, field: StringField) -> None:
        """Refuse what is no name."""
        if not any(sign.isalpha() for sign in field.data) or not field.data.isprintable():
            raise ValidationError(_("Saisissez votre nom."))


def open_link(token: str):
    """Move the token from the address into the session; change nothing."""
    opened_links.keep("invitation", token)
    return redirect(url_for("portal.office.invitation.accept"))


def accept():
    """Make the account; the link has served then. The recovery codes are shown once."""
    token = opened_links.token_of("invitation")
    of = links.verify("invitation", token)
    if of is None:
        return opened_links.over("invitation")
    form = InvitationForm(name=of.name)
    secret = signed_links.unseal(_NEW, form.secret.data or "") or second_factor.new_secret()
    step = form.judge_all(of) if form.validate_on_submit() else None
    if step is not None:
        email = of.email
        db.session.rollback()  # release the connection while hashing
        password_hash = passwords.hash(form.password.data)
        staff.begin()
        of = links.verify("invitation", token, lock=True)
        if of is None:
            return opened_links.over("invitation")
        try:
            codes = staff.enrol(of, name=form.name.data, password_hash=password_hash, secret=secret, step=step)
        except staff.NameTaken:
            form.name.errors = [_("Un collègue porte déjà ce nom. Ajoutez un prénom ou une initiale.")]
        else:
            sessions.start(of, is_proved=True)
            db.session.commit()
            opened_links.forget("invitation")
            return page("office/invitation/recovery_codes.html", codes=codes, email=email)
        db.session.rollback()
    drawn, groups = second_factor.square(secret, of.email), second_factor.in_groups(secret)
    carried = {FIELD: token, "secret": signed_links.seal(_NEW, secret)}
    context: dict[str, Any] = {"square": drawn, "groups": groups, "carried": carried}
    return page("office/invitation/accept.html", form=form, email=of.email, **context)
