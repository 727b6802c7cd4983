"""`flask portal notices …`."""

import codecs
import csv
import io
import re
import sys
from datetime import date
from operator import attrgetter
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from .. import public_urls, signals
from ..db import db
from ..documents import archive, delivery, publishing
from ..documents.kinds import KINDS
from ..errors import NoticesUnusable
from ..formats import month
from ..i18n import gettext as _
from ..i18n import ngettext
from ..mail import notifications
from ..models import Contract, DocumentKind
from ..operations.preconditions import SOME_REFUSED, Unusable, shown, with_database

_MAILS = {
    DocumentKind.NOTICE: notifications.notice_published,
    DocumentKind.RECEIPT: notifications.receipt_published,
}
#: Characters shown of a file name.
NAME_SHOWN = 120
#: What begins a formula in a spreadsheet.
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")

notices_group = AppGroup("notices", help=_("Les avis d'échéance et les quittances."))
#: The kinds as staff write them.
_KINDS = {words.word: kind for kind, words in KINDS.items()}


def _month(context: click.Context, option: click.Parameter, value: str | None) -> date | None:
    if value is None:
        return None
    if not re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", value):
        raise click.BadParameter(_("Écrivez l'année puis le mois. Exemple : 2026-11"))
    return date.fromisoformat(f"{value}-01")


@notices_group.command(
    "publish", help=_("Publie les avis d'échéance ou quittances (PDF) d'un dossier ou d'un fichier ZIP.")
)
@click.argument("path", metavar="CHEMIN", type=click.Path(path_type=Path))
@click.option(
    "--kind", type=click.Choice(list(_KINDS)), default="avis", show_default=True, help=_("Sorte de document.")
)
@click.option(
    "--period", metavar="AAAA-MM", callback=_month, help=_("Mois des documents, si leurs noms ne le disent pas.")
)
@click.option("--dry-run", is_flag=True, help=_("Dit ce qui changerait, sans rien enregistrer."))
@with_database
def notices_publish(path: Path, kind: str, period: date | None, dry_run: bool) -> None:
    """Publish documents of a kind, and write to tenants who chose so."""
    try:
        with (
            archive.open_files(path) as files,
            click.progressbar(files, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar,
        ):
            report = publishing.publish(bar, kind=_KINDS[kind], source=path.name, period=period, dry_run=dry_run)
    except NoticesUnusable as trouble:
        db.session.rollback()
        raise Unusable(_("%(cause)s Rien n'a changé.", cause=trouble)) from None
    told, news = _tell(report.published)
    db.session.commit()
    _print_report(report, told=told, is_dry_run=dry_run)
    for what in news:
        signals.send(signals.notice_published, **what)
    if report.refusals:
        click.get_current_context().exit(SOME_REFUSED)


@notices_group.command(
    "paper", help=_("Écrit la liste (CSV) des contrats dont l'avis d'un mois part par courrier, avec le motif.")
)
@click.argument("month", metavar="AAAA-MM", callback=_month)
@with_database
def notices_paper(month: date) -> None:
    """List whose notice goes on paper and why, to the standard output as spreadsheets read it."""
    header = (_("Référence contrat"), _("N° de module"), _("Nom"), _("Adresse"), _("Motif"))
    click.echo(codecs.BOM_UTF8 + _csv_line(*header), nl=False)
    count = 0
    for contract, paper in delivery.on_paper(month):
        town = f"{contract.postcode} {contract.city}".strip()
        address = ", ".join(part for part in (contract.street, town) if part)
        reason = str(delivery.REASONS[paper].for_staff)
        line = _csv_line(contract.reference, contract.module, contract.tenant_name, address, reason)
        click.echo(line, nl=False)
        count += 1
    click.echo(ngettext("%(num)d avis part par courrier.", "%(num)d avis partent par courrier.", count), err=True)


def _csv_line(*cells: str) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line, delimiter=";", lineterminator="\r\n").writerow(map(_harmless, cells))
    return line.getvalue().encode()


def _harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_SIGNS) else cell


def _tell(published: list[publishing.Published]) -> tuple[int, list[dict[str, Any]]]:
    """Write mails about the newest month of each contract; return their number, and what hosts hear."""
    newest = {one.contract_id: one for one in sorted(published, key=attrgetter("period"))}
    link = public_urls.public("documents.notices")
    told, news = 0, []
    for one, contract, recipient in publishing.contracts_of(published):
        if recipient is not None and newest[one.contract_id] is one:
            write = _MAILS[one.kind]
            write(recipient, contract, period=one.period, link=link, is_correction=one.is_correction)
            told += 1
        news.append(_news(one, contract))
    return told, news


def _news(one: publishing.Published, contract: Contract) -> dict[str, Any]:
    account = contract.account
    return {
        "notice": one.id,
        "kind": str(one.kind),
        "account": account.id if account is not None and account.is_finished and not account.is_closed else None,
        "reference": contract.reference,
        "period": f"{one.period:%Y-%m}",
    }


def _print_report(report: publishing.Report, *, told: int, is_dry_run: bool) -> None:
    counts = [
        (_("Ajoutés"), report.added),
        (_("Remplacés"), len(report.replaced)),
        (_("Inchangés"), report.unchanged),
        (_("Refusés"), len(report.refusals)),
    ]
    for label, count in counts:
        click.echo(f"{label:<10} {count:>9}")
    replaced = [f"- {reference}, {month(period)}" for reference, period in report.replaced]
    refused = [
        _("- « %(name)s » : %(reason)s", name=shown(name, NAME_SHOWN), reason=reason)
        for name, reason in report.refusals
    ]
    for title, lines in (
        (_("Documents remplacés par un autre fichier :"), replaced),
        (_("Fichiers refusés :"), refused),
    ):
        if lines:
            click.echo("\n".join(("", title, *lines)))
    if replaced or refused:
        click.echo()
    if report.is_without_effect and not report.refusals:
        click.echo(_("Rien n'a changé : ces documents étaient déjà publiés."))
    elif report.is_without_effect:
        click.echo(_("Rien n'a changé."))
    if told:
        click.echo(
            ngettext("%(num)d locataire est prévenu par e-mail.", "%(num)d locataires sont prévenus par e-mail.", told)
        )
    if is_dry_run:
        click.echo(_("C'était un essai : rien n'a été enregistré."))
