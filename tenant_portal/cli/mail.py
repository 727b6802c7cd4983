"""`flask portal mail …`."""

import sys

import click
from flask.cli import AppGroup
from sqlalchemy.exc import OperationalError

from ..i18n import gettext as _
from ..i18n import ngettext
from ..mail import courier, outbox, report_mailbox
from ..operations.preconditions import Stop, require_newest, with_database
from ..settings import settings

mail_group = AppGroup("mail", help=_("Les e-mails."))


class TryLater(Stop):
    """Ends a command that a mail server calls: it keeps its mail and calls again (EX_TEMPFAIL of sysexits.h)."""

    exit_code = 75


@mail_group.command("send", help=_("Envoie les e-mails qui attendent."))
@click.option("--now", is_flag=True, help=_("Tous, même ceux qui ne doivent repartir que plus tard."))
@click.option("--watch", is_flag=True, help=_("Continue, jusqu'à ce qu'on l'arrête."))
@with_database
def mail_send(now: bool, watch: bool) -> None:
    """Deliver the mails of the outbox."""
    done = courier.deliver(now=now)
    _print_delivery(done)
    if watch:
        courier.watch(report=_print_delivery)
    elif done.is_down or done.failed and not done.sent:
        raise Stop(
            _(
                "Le serveur de messagerie ne prend pas nos e-mails (%(reason)s). Ils attendent, aucun n'est perdu."
                " Pour savoir quoi faire : flask portal doctor",
                reason=done.trouble,
            )
        )


@mail_group.command("bounce", help=_("Lit un rapport de non-remise sur l'entrée standard."))
@click.option("--imap", is_flag=True, help=_("Lit tous ceux qui attendent dans la boîte des rapports."))
def mail_bounce(imap: bool) -> None:
    """Mark the mails of delivery reports as bounced; what is none of ours is no fault."""
    try:
        require_newest()
        if imap:
            _read_mailbox()
            return
        count = outbox.note_report(sys.stdin.buffer.read())
    except OperationalError as trouble:
        raise TryLater(_("La base de données ne répond pas : %(cause)s", cause=trouble.orig)) from None
    except Stop as trouble:
        raise trouble if imap else TryLater(trouble.message) from None
    if count:
        click.echo(ngettext("%(num)d e-mail noté comme non remis.", "%(num)d e-mails notés comme non remis.", count))


def _read_mailbox() -> None:
    if not settings.imap_server:
        raise Stop(_("Aucune boîte des rapports n'est réglée. Donnez FLASK_PORTAL_IMAP_SERVER, voir docs/mail.md."))
    try:
        reading = report_mailbox.read_reports(outbox.note_report)
    except report_mailbox.TROUBLES as trouble:
        raise Stop(
            _(
                "La boîte des rapports %(where)s ne se laisse pas lire : %(cause)s",
                where=f"{settings.imap_username}, {settings.imap_server}",
                cause=trouble,
            )
        ) from None
    click.echo(
        _(
            "Rapports lus et rangés : %(reports)s. E-mails notés comme non remis : %(returned)s."
            " Laissés en place : %(others)s.",
            reports=reading.reports,
            returned=reading.returned,
            others=reading.others,
        )
    )


def _print_delivery(done: outbox.Delivery) -> None:
    click.echo(
        _(
            "Partis : %(sent)s. À réessayer : %(failed)s. Refusés : %(refused)s. En attente : %(waiting)s.",
            sent=done.sent,
            failed=done.failed,
            refused=done.refused,
            waiting=done.waiting,
        )
    )
