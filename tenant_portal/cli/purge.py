"""`flask portal purge`."""

from collections import Counter
from typing import Any

import click
from flask.cli import with_appcontext

from .. import public_urls, signals
from ..accounts import lifecycle
from ..db import begin_write, db
from ..errors import NoticesUnusable
from ..i18n import gettext as _
from ..mail import notifications
from ..models import Account
from ..operations import after_lease, retention
from ..operations.preconditions import Unusable, with_database


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
        "office_acts": _("Journal du bureau"),
        "office_visits": _("Derniers passages des gestionnaires"),
        "drafts": _("Textes commencés"),
        "messages": _("Messages"),
        "warned": _("Baux terminés, dont le locataire est prévenu de l'effacement"),
        "leases": _("Baux terminés depuis longtemps, avec leurs documents"),
        **{table.__tablename__: str(table.purged_as) for table in retention.tables_with_own_rule()},
    }
    if not dry_run:
        begin_write()
    idle = retention.lock_idle()
    closed = [] if dry_run else [_close(account) for account in idle]
    gone = {"idle": len(idle), **(retention.count() if dry_run else retention.purge())}
    db.session.commit()
    _signal(closed)
    gone |= _settle_leases(dry_run=dry_run)
    click.echo(_("À effacer :") if dry_run else _("Effacé :"))
    for kind, number in gone.items():
        click.echo(f"- {names[kind]}\u00a0: {number}")


def _settle_leases(*, dry_run: bool) -> dict[str, int]:
    """Warn tenants of ended leases, and erase what was announced; each batch is a transaction of its own."""
    counts: Counter[str] = Counter()
    for batch in list(after_lease.batches()):
        if not dry_run:
            begin_write()
        try:
            done = after_lease.settle(batch, dry_run=dry_run)
        except NoticesUnusable as trouble:
            db.session.rollback()
            raise Unusable(str(trouble)) from None
        db.session.commit()
        counts.update(done.counts)
        _signal(done.closed)
    return {act.value: counts[act.value] for act in after_lease.Act}


def _signal(closed: list[dict[str, Any]]) -> None:
    for what in closed:
        signals.send_account_closed(**what)


def _close(account: Account) -> dict[str, Any]:
    """Close an idle account; return the arguments of its signal."""
    contract = account.contracts[0]
    withdrawn = lifecycle.close(account, actor="purge")
    login_link, reset_link = public_urls.public("login.log_in"), public_urls.public("password.forgotten")
    notifications.account_closed(account, contract, link=login_link, reset_link=reset_link, is_idle=True)
    return {"account": account.id, "reference": contract.reference, "withdrawn": withdrawn}
