"""Where a page of docs/ repeats a default or a limit, it says what the source says."""

from datetime import timedelta

import pytest

from tenant_portal import models, settings
from tenant_portal.accounts import passwords, sessions
from tenant_portal.contracts import numbers
from tenant_portal.mail import outbox
from tenant_portal.messages import conversation
from tenant_portal.operations import retention
from tenant_portal.text import EMAIL_MAX
from tenant_portal.web import concurrency, request_guards
from tenant_portal.web.forms import PortalForm
from tests.support.paths import ROOT
from tests.test_settings import NEEDED

DEFAULT = settings.read(NEEDED)


def hours(duration: timedelta) -> str:
    """Return a duration as the pages write it."""
    number = duration // timedelta(hours=1)
    return f"{number} hour" if number == 1 else f"{number} hours"


def days(duration: timedelta) -> str:
    """Return a duration as the pages write it."""
    return f"{duration.days} days"


def kib(size: int) -> str:
    """Return a size as the pages write it."""
    return f"{size // 1024} KiB"


LINKS = (DEFAULT.activation_hours, DEFAULT.reset_hours, DEFAULT.email_change_hours, models.OBJECTION)
SHORT, LONG = kib(request_guards._SHORT_FORM_BYTES_MAX), kib(request_guards.FORM_BYTES_MAX)
MEBIBYTES = f"{DEFAULT.argon2_memory_kib // 1024} MiB"
LOW, HIGH = DEFAULT.reference_length
*MINUTES, SIXTY = [minutes for minutes in outbox.RETRY_MINUTES if minutes <= 60]
*HOURS, DAY = [minutes // 60 for minutes in outbox.RETRY_MINUTES if minutes > 60]
SENTENCES = {
    "security.md": [
        f"{LOW} to {HIGH} of them, or as `PORTAL_REFERENCE_LENGTH` and `PORTAL_MODULE_LENGTH` say",
        f"more than {numbers.NUMBER_TEXT_MAX} characters are no number",
        f"{passwords.PASSWORD_MIN} to {passwords.PASSWORD_MAX} characters of any kind",
        f"digits alone from {passwords.PASSWORD_DIGITS_MIN}; zxcvbn score {passwords.PASSWORD_SCORE_MIN} of 4",
        f"{EMAIL_MAX} characters at most",
        f"up to {conversation.BODY_MAX:,} characters",
        f"A form has {SHORT} at most, a message {LONG}, each {request_guards.FIELDS_MAX} fields at most",
        f"| requests of one account answered at a time | {concurrency.ACCOUNT_REQUESTS_MAX} in each process |",
        f"activation link {hours(DEFAULT.activation_hours)}, reset link {hours(DEFAULT.reset_hours)}, change of address"
        f" {hours(DEFAULT.email_change_hours)}, form {hours(timedelta(seconds=PortalForm.Meta.csrf_time_limit))}",
        f"a button in « Mon compte » | {hours(DEFAULT.email_change_hours)} |",
        f"« Ce n'est pas moi » in its mail | {days(models.OBJECTION)} |",
        f"| account closed | whoever knows the password | a login | {days(models.REOPENING)} |",
        f"Tenants have a password of {passwords.PASSWORD_MIN} characters",
        f"A session is a random token of {8 * sessions.TOKEN_BYTES} bits",
        f"| ends when nothing is asked for | {DEFAULT.session_idle_minutes // timedelta(minutes=1)} minutes | – |",
        f"| ends in any case | {hours(DEFAULT.session_hours)} | {days(DEFAULT.remember_days)} |",
        f"Argon2id, {MEBIBYTES}, {DEFAULT.argon2_passes} passes, 1 lane",
        f"After {days(max(DEFAULT.remember_days, *LINKS))} (the longest of « Mémoriser » and of the links)",
    ],
    "settings.md": [
        f"{settings.SECRET_KEY_MIN} random characters or more",
        f"| `MAX_CONTENT_LENGTH` | {LONG} |",
        f"all forms but messages stop at {SHORT} anyway",
    ],
    "passwords.md": [
        f"**The default is {MEBIBYTES} with {DEFAULT.argon2_passes} passes.**",
        f"A password has {passwords.PASSWORD_MAX} characters at the most",
        f"zxcvbn is asked about the first {passwords._SCORED_MAX} characters only",
    ],
    "servers.md": [f"A form of more than {SHORT}, a message of more than {LONG}, is answered 413"],
    "mail.md": [
        f"tried again after {', '.join(map(str, MINUTES))} and {SIXTY} minutes,"
        f" then {', '.join(map(str, HOURS))} and {DAY} hours"
    ],
    "personal_data.md": [
        f"| Inscription non terminée | {DEFAULT.unfinished_days.days} jours | `PORTAL_UNFINISHED_DAYS` |",
        f"| Compte sans connexion | fermé après {retention.IDLE.days} jours",
        f"| Compte fermé | effacé après {models.REOPENING.days} jours",
        f"| Journal, connexions, e-mails, messages après leur dernier texte | {retention.JOURNAL.days} jours |",
        f"| Contrat, avis et quittances après la fin du bail | {DEFAULT.after_lease_months} mois,",
        f"| Ancienne et nouvelle adresse mail | {retention.EMAIL_CHANGES.days} jours |",
        f"| Compteurs d'essais refusés | {retention.COUNTERS.days} jours |",
    ],
    "embedding.md": [f"he can open it again for {days(models.REOPENING)}"],
    "cases.md": [
        f"can come back for {days(models.REOPENING)}",
        f"A password has {passwords.PASSWORD_MIN} characters or more",
        f"A sign-up that nobody finished is erased after {days(DEFAULT.unfinished_days)}",
    ],
}


@pytest.mark.parametrize(
    ("page", "sentence"), [(page, said) for page, all_said in SENTENCES.items() for said in all_said]
)
def test_page_repeats_what_the_source_says(page: str, sentence: str) -> None:
    text = " ".join((ROOT / "docs" / page).read_text(encoding="utf-8").split())
    assert sentence in text, f"docs/{page} should say: {sentence}"
