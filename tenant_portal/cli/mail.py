"""`flask portal mail …`."""

import sys

import click
from flask.cli import AppGroup

from ..i18n import gettext as _
from ..i18n import ngettext
from ..mail import outbox
from .preconditions import Stop, with_database

mail_group = AppGroup("mail", help=_("Les e-mails."))


@mail_group.command("send", help=_("Fait partir les e-mails qui attendent."))
@click.option("--now", is_flag=True, help=_("Tous, même ceux qui ne doivent repartir que plus tard."))
@click.option("--watch", is_flag=True, help=_("Continue, jusqu'à ce qu'on l'arrête."))
@with_database
def mail_send(now: bool, watch: bool) -> None:
    """Deliver the mails of the outbox."""
    done = outbox.deliver_due(now=now)
    _print_delivery(done)
    if watch:
        outbox.watch(report=_print_delivery)
    elif done.is_down:
        raise Stop(_("Le serveur de messagerie ne répond pas. Les e-mails attendent, aucun n'est perdu."))


@mail_group.command("bounce", help=_("Lit un avis de non-remise sur l'entrée standard."))
@with_database
def mail_bounce() -> None:
    """Mark the mails of a delivery report as bounced."""
    count = outbox.bounce(sys.stdin.buffer.read())
    if not count:
        raise Stop(_("Cet avis ne parle d'aucun de nos e-mails."))
    click.echo(ngettext("%(num)d e-mail noté comme non remis.", "%(num)d e-mails notés comme non remis.", count))


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
