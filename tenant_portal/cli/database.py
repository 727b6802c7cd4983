"""`flask portal db …`."""

import click
from flask.cli import AppGroup

from ..i18n import gettext as _
from ..operations import migrations
from ..operations.preconditions import Stop, require_newest, with_answers, with_database

database = AppGroup("db", help=_("La base de données."))


@database.command("upgrade", help=_("Met la base de données au dernier format."))
@with_answers
def db_upgrade() -> None:
    """Run the migrations."""
    before = migrations.state()
    if before is migrations.State.AHEAD:
        require_newest()
    migrations.upgrade()
    if before is migrations.State.NEWEST:
        click.echo(_("La base de données est déjà au dernier format : rien n'a changé."))
    else:
        click.echo(_("La base de données est au dernier format."))


@database.command("check", help=_("Dit si le programme et la base de données s'accordent."))
@with_database
def db_check() -> None:
    """Compare the database with the models."""
    differences = migrations.drift()
    if differences:
        click.echo(_("La base de données diffère de ce que le programme attend :"), err=True)
        for difference in differences:
            click.echo(f"- {difference}", err=True)
        raise Stop(_("Rétablissez une sauvegarde, ou écrivez à qui a installé le portail."))
    click.echo(_("Le programme et la base de données s'accordent."))
