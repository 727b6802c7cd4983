"""The commands `flask portal …`."""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.exc import OperationalError

from . import contracts, doctor, i18n, links, mail, migrate, outbox, progress, retention, roster, rules
from .db import begin_write, db, utcnow
from .errors import RosterUnusable
from .i18n import gettext as _
from .i18n import ngettext

#: Exit code of `contracts import` when some lines were refused and the others taken.
SOME_REFUSED = 3
#: Characters of a cell that a line about it shows.
VALUE_SHOWN = 40

portal = AppGroup("portal", help=_("Le portail des locataires."))

portal.add_command(doctor.doctor)


class Stop(click.ClickException):
    """Ends a command with a sentence instead of a traceback."""

    def show(self, file: Any = None) -> None:
        """Say the sentence on standard error."""
        click.echo(self.message, file=file, err=True)


class Unusable(Stop):
    """The file is no roster; nothing was changed."""

    exit_code = 2


def with_database(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command run only on a database that is there and at the newest migration."""

    @wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            _require_newest()
            return command(*args, **kwargs)
        except OperationalError as trouble:
            raise Stop(_("La base de données ne répond pas : %(cause)s", cause=trouble.orig)) from None

    return guarded


def _require_newest() -> None:
    state = migrate.state()
    if state is migrate.State.EMPTY:
        raise Stop(_("La base de données est vide. Lancez d'abord : flask portal db upgrade"))
    if state is migrate.State.BEHIND:
        raise Stop(_("La base de données est d'une version antérieure. Lancez d'abord : flask portal db upgrade"))
    if state is migrate.State.AHEAD:
        raise Stop(
            _(
                "La base de données vient d'une version plus récente du portail."
                " Installez cette version, ou une plus récente."
            )
        )


@portal.group("db", help=_("La base de données."))
def database() -> None:
    """Group the commands of the database."""


@database.command("upgrade", help=_("Met la base de données au dernier format."))
def db_upgrade() -> None:
    """Bring the database to the newest migration."""
    try:
        before = migrate.state()
        if before is migrate.State.AHEAD:
            _require_newest()
        migrate.upgrade()
    except OperationalError as trouble:
        raise Stop(_("La base de données ne répond pas : %(cause)s", cause=trouble.orig)) from None
    if before is migrate.State.NEWEST:
        click.echo(_("La base de données est déjà au dernier format : rien n'a changé."))
    else:
        click.echo(_("La base de données est au dernier format."))


@database.command("check", help=_("Dit si le programme et la base de données s'accordent."))
@with_database
def db_check() -> None:
    """Tell whether code and database agree."""
    differences = migrate.drift()
    if differences:
        click.echo(_("La base de données diffère de ce que le programme attend :"), err=True)
        for difference in differences:
            click.echo(f"- {difference}", err=True)
        raise Stop(_("Rétablissez une sauvegarde, ou écrivez à qui a installé le portail."))
    click.echo(_("Le programme et la base de données s'accordent."))


# --- contracts ------------------------------------------------------------------------------------------------------


@portal.group("contracts", help=_("Les contrats."))
def contracts_group() -> None:
    """Group the commands about contracts."""


@contracts_group.command("import", help=_("Prend la liste des contrats dans un fichier CSV."))
@click.argument("file", metavar="FICHIER", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help=_("Dit ce qui changerait, sans rien enregistrer."))
@click.option(
    "--complete", is_flag=True, help=_("Le fichier est complet : les contrats qui n'y sont pas sont terminés.")
)
@click.option("--force", is_flag=True, help=_("Avec --complete : même si plus d'un contrat sur cinq se termine."))
@click.option("--encoding", metavar="E", help=_("Encodage du fichier, s'il est mal reconnu (windows-1252, utf-8…)."))
@click.option("--delimiter", metavar="D", help=_("Séparateur des colonnes, s'il est mal reconnu."))
@with_database
def contracts_import(
    file: Path, dry_run: bool, complete: bool, force: bool, encoding: str | None, delimiter: str | None
) -> None:
    """Bring the contracts to what a roster file says, and tell whoever waited for his contract."""
    try:
        rows = roster.read(file, encoding=encoding, delimiter=_TAB_NAMES.get(delimiter or "", delimiter))
        with click.progressbar(length=rows.size, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
            report = roster.take(
                rows,
                name=file.name,
                complete=complete,
                force=force,
                dry_run=dry_run,
                progress=lambda: bar.update(rows.position() - bar.pos),
            )
    except RosterUnusable as trouble:
        db.session.rollback()
        raise Unusable(_("%(cause)s Rien n'a changé.", cause=trouble)) from None
    told = 0 if dry_run else _tell_awaiting()
    db.session.commit()
    _print_report(report, told=told, is_complete=complete, is_dry_run=dry_run)
    if report.refused:
        click.get_current_context().exit(SOME_REFUSED)


@contracts_group.command("show", help=_("Dit où en est un locataire, étape par étape, et que faire."))
@click.argument("reference", metavar="RÉFÉRENCE")
@with_database
def contracts_show(reference: str) -> None:
    """Tell where the tenant of a contract stands on the twelve steps."""
    contract = contracts.find(rules.digits_of(reference))
    if contract is None:
        raise Stop(_("Aucun contrat ne porte la référence « %(value)s ».", value=_shown(reference)))
    template = current_app.jinja_env.get_template("portal/staff/standing.txt")
    text = template.render(contract=contract, standing=progress.standing(contract), **i18n.FOR_TEXT)
    click.echo(text.rstrip("\n"))


_TAB_NAMES = {"\\t": "\t", "tab": "\t", "TAB": "\t"}


def _tell_awaiting() -> int:
    """Write to each tenant who asked to be told when his contract appears; return how many (T05)."""
    told = set()
    for message, contract in roster.awaited():
        if (message.email, contract.id) not in told:
            mail.contract_ready(message, contract, link=links.public("signup.inscription"))
            told.add((message.email, contract.id))
        message.told_at = utcnow()
    return len(told)


def _print_report(report: roster.Report, *, told: int, is_complete: bool, is_dry_run: bool) -> None:
    counts = [
        (_("Ajoutés"), report.added),
        (_("Changés"), report.changed),
        (_("Inchangés"), report.unchanged),
        (_("Terminés"), report.ended),
        (_("Refusés"), report.refused),
    ]
    for label, count in counts:
        click.echo(f"{label:<10} {count:>9}")
    for title, faults in (
        (_("Lignes refusées :"), report.refusals),
        (_("Lignes prises, à vérifier :"), report.warnings),
    ):
        for number, fault in enumerate(faults):
            if number == 0:
                click.echo(f"\n{title}")
            click.echo(_fault_line(fault))
    if report.refused or report.warnings:
        click.echo()
    if report.is_without_effect and not report.refused:
        click.echo(_("Rien n'a changé : les contrats disaient déjà la même chose que ce fichier."))
    elif report.is_without_effect:
        click.echo(_("Rien n'a changé."))
    if told:
        click.echo(
            ngettext(
                "%(num)d locataire attendait son contrat : un e-mail le prévient.",
                "%(num)d locataires attendaient leur contrat : un e-mail les prévient.",
                told,
            )
        )
    if is_dry_run:
        click.echo(_("C'était un essai : rien n'a été enregistré."))


def _fault_line(fault: roster.Fault) -> str:
    if not fault.column:
        return _(
            "- ligne %(line)s, « %(value)s » : %(reason)s",
            line=fault.line,
            value=_shown(fault.value),
            reason=fault.reason,
        )
    return _(
        "- ligne %(line)s, %(column)s, « %(value)s » : %(reason)s",
        line=fault.line,
        column=_shown(fault.column),
        value=_shown(fault.value),
        reason=fault.reason,
    )


def _shown(value: str) -> str:
    """Return a value as it can be shown on any terminal: short, and its control characters spelt out."""
    short = value if len(value) <= VALUE_SHOWN else value[: VALUE_SHOWN - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)


# --- mail -----------------------------------------------------------------------------------------------------------


@portal.group("mail", help=_("Les e-mails."))
def mail_group() -> None:
    """Group the commands about mails."""


@mail_group.command("send", help=_("Fait partir les e-mails qui attendent."))
@click.option("--now", is_flag=True, help=_("Tous, même ceux qui ne doivent repartir que plus tard."))
@click.option("--watch", is_flag=True, help=_("Continue, jusqu'à ce qu'on l'arrête."))
@with_database
def mail_send(now: bool, watch: bool) -> None:
    """Deliver what waits in the outbox."""
    done = outbox.deliver_due(now=now)
    _print_delivery(done)
    if watch:
        outbox.watch(report=_print_delivery)
    elif done.is_down:
        raise Stop(_("Le serveur de messagerie ne répond pas. Les e-mails attendent, aucun n'est perdu."))


@mail_group.command("bounce", help=_("Lit un avis de non-remise sur l'entrée standard."))
@with_database
def mail_bounce() -> None:
    """Note the mails that a delivery report says came back."""
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


# --- retention ------------------------------------------------------------------------------------------------------


@portal.command("purge", help=_("Efface ce qui a dépassé sa durée de conservation."))
@click.option("--dry-run", is_flag=True, help=_("Compte seulement, n'efface rien."))
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
