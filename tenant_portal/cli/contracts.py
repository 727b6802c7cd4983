"""`flask portal contracts …`."""

import sys
from pathlib import Path

import click
from flask.cli import AppGroup

from .. import public_urls, roster
from ..contracts import lookup, numbers
from ..db import db, utcnow
from ..errors import RosterUnusable
from ..i18n import gettext as _
from ..i18n import ngettext
from ..mail import notifications, rendering
from ..messages import conversation
from .preconditions import SOME_REFUSED, Stop, Unusable, printable, shown, with_database

contracts_group = AppGroup("contracts", help=_("Les contrats."))


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
    """Import a roster file, and write to tenants whose contract appeared."""
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
    """Print how far the tenant of a contract is."""
    contract = lookup.find(numbers.digits_of(reference))
    if contract is None:
        raise Stop(_("Aucun contrat ne porte la référence « %(value)s ».", value=shown(reference)))
    click.echo(printable(rendering.onboarding_text(contract).rstrip("\n")))


_TAB_NAMES = {"\\t": "\t", "tab": "\t", "TAB": "\t"}


def _tell_awaiting() -> int:
    """Write to each tenant whose awaited contract has appeared; return how many (T05)."""
    told = set()
    for message, contract in conversation.find_awaited():
        if (message.email, contract.id) not in told:
            notifications.contract_ready(message, contract, link=public_urls.public("signup.sign_up"))
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
    _print_outcome(report, told=told, is_dry_run=is_dry_run)


def _print_outcome(report: roster.Report, *, told: int, is_dry_run: bool) -> None:
    if report.is_without_effect and not report.refused:
        click.echo(_("Rien n'a changé : les contrats disaient déjà la même chose que ce fichier."))
    elif report.is_without_effect:
        click.echo(_("Rien n'a changé."))
    if report.ended and report.nameless:
        click.echo(
            ngettext(
                "%(num)d ligne refusée ne nomme aucun contrat : le sien est peut-être parmi les terminés.",
                "%(num)d lignes refusées ne nomment aucun contrat : les leurs sont peut-être parmi les terminés.",
                report.nameless,
            )
        )
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
            value=shown(fault.value),
            reason=fault.reason,
        )
    return _(
        "- ligne %(line)s, %(column)s, « %(value)s » : %(reason)s",
        line=fault.line,
        column=shown(fault.column),
        value=shown(fault.value),
        reason=fault.reason,
    )
