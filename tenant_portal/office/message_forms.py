"""What a clerk types about a message."""

from datetime import date
from typing import Any

from wtforms import DateField, Field, StringField, TextAreaField, ValidationError

from ..contracts import lookup
from ..formats import day
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..messages.answers import LINE_MAX
from ..messages.models import Channel
from ..web.fields import QuestionField
from ..web.forms import PortalForm
from ..web.message_forms import EntryForm, cleaned
from . import ready_answers

#: How an answer was given, for the clerk.
CHANNELS = {
    Channel.PHONE: _l("Par téléphone"),
    Channel.COUNTER: _l("Au guichet"),
    Channel.LETTER: _l("Par courrier"),
    Channel.EMAIL: _l("Par e-mail"),
}
_CHOOSE = _l("Choisissez comment vous avez répondu.")


class AnswerForm(EntryForm):
    """An answer to a tenant."""

    body = TextAreaField(_l("Votre réponse"), filters=[cleaned], render_kw={"rows": 8, "spellcheck": "true"})

    def validate_body(self, field: Any) -> None:
        """Refuse an answer that is empty, too long, or still has a field to fill."""
        if not field.data:
            raise ValidationError(_("Écrivez votre réponse."))
        super().validate_body(field)
        if left := ready_answers.unfilled(field.data):
            raise ValidationError(
                _("Complétez votre réponse avant de l'envoyer. À remplacer : %(fields)s", fields=", ".join(left))
            )


class DayField(DateField):
    """A day, in the browser's own calendar."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read a day; WTForms would refuse it in English."""
        try:
            super().process_formdata([typed for typed in valuelist if typed.strip()])
        except ValueError:
            raise ValueError(_("Saisissez un jour, par exemple 23/11/2026.")) from None


class ElsewhereForm(PortalForm):
    """« Répondu autrement »: how, on which day, and one line that the tenant reads."""

    channel = QuestionField(_l("Comment avez-vous répondu ?"), _CHOOSE, CHANNELS)
    day = DayField(_l("Le jour de la réponse"))
    line = StringField(
        _l("Ce que vous avez répondu, en une ligne"),
        description=_l("%(most)d caractères au plus. Le locataire peut lire cette phrase.", most=LINE_MAX),
        filters=[lambda typed: " ".join(cleaned(typed).split())],
        render_kw={"autocomplete": "off", "spellcheck": "true"},
    )

    #: The day of the message, before which nobody answered it.
    since: date

    def validate_channel(self, field: Field) -> None:
        """Refuse another way."""
        if field.data not in set(Channel):
            raise ValidationError(str(_CHOOSE))

    def validate_day(self, field: Field) -> None:
        """Refuse no day, a day to come, and one before the message."""
        if field.process_errors:
            return
        if field.data is None:
            raise ValidationError(_("Saisissez le jour de la réponse."))
        if field.data > lookup.today():
            raise ValidationError(_("Ce jour est à venir : saisissez le jour où vous avez répondu."))
        if field.data < self.since:
            raise ValidationError(_("Le message est arrivé le %(day)s, donc après ce jour.", day=day(self.since)))

    def validate_line(self, field: Field) -> None:
        """Refuse an empty line, and one that is too long."""
        if not field.data:
            raise ValidationError(_("Dites en une ligne ce que vous avez répondu."))
        if len(field.data) > LINE_MAX:
            raise ValidationError(
                _(
                    "Cette ligne compte %(length)d caractères. Raccourcissez-la à %(most)d caractères au plus.",
                    length=len(field.data),
                    most=LINE_MAX,
                )
            )
