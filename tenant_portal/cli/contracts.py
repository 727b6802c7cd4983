"""`flask portal contracts …`."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
from flask.cli import AppGroup

from .. import public_urls, roster, signals
from ..accounts import freezing, joining, office_acts
from ..accounts.freezing import Freezer
from ..accounts.locks import lock_account
from ..contracts import lookup, numbers
from ..db import begin_write, db
from ..errors import RosterUnusable
from ..i18n import gettext as _
from ..i18n import ngettext
from ..mail import notifications, rendering
from ..mail.notifications import OfficeWord
from ..messages import conversation, ownership
from ..models import Account, Contract
from ..operations.preconditions import SOME_REFUSED, Stop, Unusable, printable, shown, with_database

#: Different words that are shown.
WORDS_SHOWN = 20

contracts_group = AppGroup("contracts", help=_("Les contrats."))


@contracts_group.command("import", help=_("Importe la liste des contrats depuis un fichier CSV."))
@click.argument("file", metavar="FICHIER", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help=_("Dit ce qui changerait, sans rien enregistrer."))
@click.option(
    "--complete", is_flag=True, help=_("Le fichier est complet : les contrats qui n'y sont pas sont terminés.")
)
@click.option(
    "--force",
    is_flag=True,
    help=_("Même si plus d'un contrat sur dix perd son prélèvement, un nom, une adresse ou son bail."),
)
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


@contracts_group.command("thaw", help=_("Débloque un compte : « Ce n'est pas moi ». Un e-mail prévient le locataire."))
@click.argument("reference", metavar="RÉFÉRENCE")
@with_database
def contracts_thaw(reference: str) -> None:
    """Thaw the account of a contract; its tenant chooses another password."""
    begin_write()
    contract, account = _lock(reference)
    if not account.is_frozen:
        raise Stop(_("Ce compte n'est pas bloqué."))
    freezing.thaw(account, actor=Freezer.STAFF)
    office_acts.record(office_acts.COMMAND, "thawed", contract=contract)
    notifications.account_thawed(account, contract)
    db.session.commit()
    click.echo(_("Compte débloqué. Un e-mail demande au locataire de choisir un nouveau mot de passe."))


@contracts_group.command("freeze", help=_("Bloque un compte contesté : personne ne peut plus s'y connecter."))
@click.argument("reference", metavar="RÉFÉRENCE")
@with_database
def contracts_freeze(reference: str) -> None:
    """Freeze the account of a contract until the office thaws it."""
    begin_write()
    contract, account = _lock(reference)
    if not account.is_finished:
        raise Stop(_("La création de ce compte n'est pas finie : il n'y a rien à bloquer."))
    undone = freezing.freeze(account, Freezer.STAFF)
    if undone is None:
        raise Stop(_("Ce compte est déjà bloqué."))
    office_acts.record(office_acts.COMMAND, "frozen", contract=contract)
    notifications.account_frozen(account, contract, undone=undone, by_office=OfficeWord("frozen"))
    db.session.commit()
    click.echo(
        _("Compte bloqué. Pour le débloquer : flask portal contracts thaw %(reference)s", reference=contract.reference)
    )


@contracts_group.command(
    "release", help=_("Retire un contrat d'un compte qui n'est pas à son locataire : celui-ci peut alors s'inscrire.")
)
@click.argument("reference", metavar="RÉFÉRENCE")
@with_database
def contracts_release(reference: str) -> None:
    """Take a contract out of its account, for the tenant whose it is (T14)."""
    begin_write()
    contract, account = _lock(reference)
    if not account.is_finished:
        raise Stop(_("La création de ce compte n'est pas finie : le locataire peut s'inscrire sans cela."))
    office_acts.record(office_acts.COMMAND, "detached", contract=contract)
    withdrawn = joining.release(contract, account, actor="staff")
    notifications.contract_released(account, contract)
    number, name, is_frozen = account.id, contract.reference, account.is_frozen
    kept = [other.reference for other in account.contracts]
    db.session.commit()
    signals.send_contract_released(account=number, reference=name, withdrawn=withdrawn, keeps_others=bool(kept))
    click.echo(_("Le contrat %(reference)s n'a plus de compte : son locataire peut s'inscrire.", reference=name))
    click.echo(_("Un e-mail prévient l'adresse du compte qui l'avait."))
    if not kept:
        click.echo(_("Ce compte n'a plus de contrat : il est fermé."))
        return
    click.echo(_("Ce compte garde : %(references)s.", references=", ".join(kept)))
    if is_frozen:
        click.echo(
            _("Il reste bloqué. Pour le débloquer : flask portal contracts thaw %(reference)s", reference=kept[0])
        )


def _lock(reference: str) -> tuple[Contract, Account]:
    found = lookup.find(numbers.digits_of(reference))
    contract = lookup.lock(found.id) if found is not None else None
    account = lock_account(contract)
    if contract is None or account is None:
        raise Stop(_("Aucun compte pour la référence « %(value)s ».", value=shown(reference)))
    return contract, account


_TAB_NAMES = {"\\t": "\t", "tab": "\t", "TAB": "\t"}


def _tell_awaiting() -> int:
    """Write to each tenant whose awaited contract has appeared; return how many (T05)."""
    told = set()
    for message, contract in conversation.find_awaited():
        who = ownership.address_of(message), contract.id
        if who not in told:
            link, join_link = public_urls.public("signup.sign_up"), public_urls.public("contracts.join")
            notifications.contract_ready(message, contract, link=link, join_link=join_link)
            told.add(who)
        conversation.tell(message, contract)
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
    click.echo()
    for line in _reading(report, is_complete=is_complete):
        click.echo(printable(line))
    click.echo()
    _print_outcome(report, told=told, is_dry_run=is_dry_run)


def _reading(report: roster.Report, *, is_complete: bool) -> Iterator[str]:
    """Yield how the file was read, and what the import did not do."""
    labels = {name: column.label for name, column in roster.COLUMNS.items()}
    read = (f"« {shown(title)} » → {labels[name]}" for name, title in report.columns.items())
    yield _("Colonnes lues : %(columns)s.", columns=", ".join(read))
    if report.passed_over:
        titles = ", ".join(f"« {shown(title)} »" for title in report.passed_over)
        yield _("Colonnes laissées de côté : %(titles)s.", titles=titles)
    for title, double in report.doubles:
        yield _(
            "Deux colonnes disent la même chose : « %(title)s » est lue, l'autre (« %(double)s ») ne l'est pas.",
            title=shown(title),
            double=shown(double),
        )
    known = {*report.columns, *(["is_direct_debit"] if "payment" in report.columns else [])}
    missing = [label for name, label in labels.items() if name not in known]
    if missing:
        yield _("Absent du fichier, donc inchangé : %(labels)s.", labels=", ".join(missing))
    if report.unknown_payments:
        yield _(
            "Paiements inconnus, pris pour autre chose qu'un prélèvement : %(words)s. Classez-les avec les réglages"
            " PORTAL_DIRECT_DEBIT_WORDS et PORTAL_OTHER_PAYMENT_WORDS.",
            words=_counted(report.unknown_payments),
        )
    if report.emptied:
        yield _("Cases prises pour vides : %(words)s.", words=_counted(report.emptied))
    if report.refused:
        yield ngettext("%(num)d ligne n'a pas été prise.", "%(num)d lignes n'ont pas été prises.", report.refused)
    if not is_complete:
        yield _("Les contrats qui ne sont pas dans ce fichier n'ont pas été touchés (--complete les terminerait).")


def _counted(words: Counter[str]) -> str:
    most = words.most_common(WORDS_SHOWN)
    told = [f"« {shown(word)} » ({count})" for word, count in most]
    return ", ".join([*told, *(["…"] if len(words) > len(most) else [])])


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
