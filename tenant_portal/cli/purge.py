"""`flask portal purge`."""

import click
from flask.cli import with_appcontext

from .. import public_urls, signals
from ..accounts import lifecycle
from ..db import begin_write, db
from ..i18n import gettext as _
from ..mail import notifications
from ..models import Account
from ..operations import retention
from .preconditions import with_database


@click.command("purge", help=_("Efface ce qui a dépassé sa durée de conservation."))
@click.option("--dry-run", is_flag=True, help=_("Compte seulement, n'efface rien."))
@with_appcontext
@with_database
def purge(dry_run: bool) -> None:
    """Apply the retention rules. Tenants of idle accounts get a mail and can come back (L26)."""
    names = {
        "idle": _("Comptes sans connexion depuis deux ans, qui se ferment"),
        "unfinished": _("Inscriptions non terminées"),
        "closed": _("Comptes fermés"),
        "email_changes": _("Changements d'adresse mail"),
        "attempts": _("Compteurs d'essais"),
        "kept_passwords": _("Mots de passe d'inscriptions en cours"),
        "mails": _("E-mails partis"),
        "logins": _("Connexions"),
        "events": _("Journal"),
        "drafts": _("Textes commencés"),
        "messages": _("Messages"),
    }
    if not dry_run:
        begin_write()
    idle = retention.lock_idle()
    closed = [] if dry_run else [_close(account) for account in idle]
    gone = {"idle": len(idle), **(retention.count() if dry_run else retention.purge())}
    db.session.commit()
    for number, reference, withdrawn in closed:
        signals.send_account_closed(account=number, reference=reference, withdrawn=withdrawn)
    click.echo(_("À effacer :") if dry_run else _("Effacé :"))
    for kind, number in gone.items():
        click.echo(f"- {names[kind]}\u00a0: {number}")


def _close(account: Account) -> tuple[int, str, list[str]]:
    """Close an idle account; return the arguments of its signal."""
    contract = account.contracts[0]
    withdrawn = lifecycle.close(account, actor="purge")
    login_link, reset_link = public_urls.public("login.log_in"), public_urls.public("password.forgotten")
    notifications.account_closed(account, contract, link=login_link, reset_link=reset_link, is_idle=True)
    return account.id, contract.reference, withdrawn
