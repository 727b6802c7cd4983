"""The command `flask portal purge`."""

import click
from flask.cli import with_appcontext

from .. import retention
from ..db import begin_write, db
from ..i18n import gettext as _
from .guard import with_database


@click.command("purge", help=_("Efface ce qui a dépassé sa durée de conservation."))
@click.option("--dry-run", is_flag=True, help=_("Compte seulement, n'efface rien."))
@with_appcontext
@with_database
def purge(dry_run: bool) -> None:
    """Apply the retention rules."""
    names = {
        "unfinished": _("Inscriptions non terminées"),
        "attempts": _("Compteurs d'essais"),
        "mails": _("E-mails partis"),
        "logins": _("Connexions"),
        "events": _("Journal"),
        "messages": _("Messages"),
    }
    if not dry_run:
        begin_write()
    gone = retention.count() if dry_run else retention.purge()
    db.session.commit()
    click.echo(_("À effacer :") if dry_run else _("Effacé :"))
    for kind, number in gone.items():
        click.echo(f"- {names[kind]}\u00a0: {number}")
