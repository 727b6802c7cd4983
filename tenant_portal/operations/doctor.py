"""`flask portal doctor`: what is wrong with an installation, and whether it may go live."""

import click
from flask.cli import with_appcontext

from . import service_checks, settings_checks
from .settings_checks import Finding

CHECKS = (
    settings_checks.check_trial_settings,
    settings_checks.check_address,
    settings_checks.check_secrets,
    service_checks.check_database,
    service_checks.check_mail,
    service_checks.check_counters,
    service_checks.check_folder,
    settings_checks.check_texts,
)


@click.command("doctor")
@with_appcontext
def doctor() -> None:
    """Vérifier chaque réglage et chaque service ; code 1 si le portail ne doit pas être ouvert ainsi."""
    if report(examine()):
        raise SystemExit(1)


def examine() -> list[Finding]:
    """Return the findings of all checks, faults first."""
    found = [finding for check in CHECKS for finding in check()]
    return sorted(found, key=lambda finding: not finding.is_fault)


def report(findings: list[Finding]) -> bool:
    """Print the findings; return whether one is a fault."""
    for finding in findings:
        click.secho("DÉFAUT    " if finding.is_fault else "ATTENTION ", nl=False, bold=True)
        click.echo(f"{finding.name} : {finding.what}\n          Remède : {finding.remedy}.")
    faults = sum(finding.is_fault for finding in findings)
    warnings = len(findings) - faults
    click.echo(f"{_count(faults, 'défaut')}, {_count(warnings, 'avertissement')}.")
    click.echo("Le portail ne doit pas être ouvert ainsi." if faults else "Le portail peut être ouvert.")
    return faults > 0


def _count(number: int, noun: str) -> str:
    return f"{number or 'aucun'} {noun}{'s' if number > 1 else ''}"
