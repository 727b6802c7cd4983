"""`flask portal backup` and `flask portal restore`."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from .. import formats
from ..errors import BackupUnusable, DatabaseNotEmpty, NoticesUnusable
from ..i18n import gettext as _
from ..i18n import ngettext
from ..operations import backup as archive
from ..operations import migrations
from ..operations.preconditions import SOME_REFUSED, Stop, Unusable, require_newest, shown, with_answers


@click.command("backup", help=_("Enregistre la base de données et les avis d'échéance dans un seul fichier."))
@click.argument("file", metavar="FICHIER", type=click.Path(path_type=Path))
@with_appcontext
@with_answers
def backup(file: Path) -> None:
    """Save database and notices of a running portal."""
    if migrations.state() is not migrations.State.BEHIND:
        require_newest()
    try:
        saved = archive.save(file)
    except BackupUnusable as trouble:
        raise Stop(_("%(cause)s Aucun fichier n'a changé.", cause=trouble)) from None
    except OSError as trouble:
        raise Stop(
            _("La sauvegarde n'a pas pu être écrite : %(cause)s. Aucun fichier n'a changé.", cause=trouble.strerror)
        ) from None
    click.echo(_("Sauvegarde écrite dans %(file)s : %(what)s.", file=file, what=_what(saved)))
    click.echo(_("Elle contient des données personnelles et des secrets : gardez-la en lieu sûr."))
    if saved.missing:
        click.echo(
            _("Avis d'échéance publiés dont le fichier manque ou est abîmé ; la sauvegarde est faite sans eux :")
        )
        _list_missing(saved)
        click.get_current_context().exit(SOME_REFUSED)


@click.command("restore", help=_("Remet la base de données et les avis d'échéance comme dans une sauvegarde."))
@click.argument("file", metavar="FICHIER", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help=_("Efface ce que contient la base de données."))
@with_appcontext
@with_answers
def restore(file: Path, force: bool) -> None:
    """Restore an archive and upgrade it to the newest format."""
    try:
        saved = archive.restore(file, force=force)
    except (BackupUnusable, NoticesUnusable) as trouble:
        raise Unusable(_("%(cause)s Rien n'a changé.", cause=trouble)) from None
    except DatabaseNotEmpty:
        raise Stop(
            _(
                "La base de données contient déjà quelque chose. Rien n'a changé."
                " Pour l'effacer et mettre la sauvegarde à sa place : --force"
            )
        ) from None
    click.echo(_("Sauvegarde du %(at)s remise en place : %(what)s.", at=formats.moment(saved.at), what=_what(saved)))
    if saved.revision != migrations.newest():
        click.echo(_("Elle était d'un format antérieur : la base de données est maintenant au dernier format."))
    if saved.missing:
        click.echo(_("Avis d'échéance dont la sauvegarde n'a pas le fichier ; publiez-les à nouveau :"))
        _list_missing(saved)


def _list_missing(saved: archive.Saved) -> None:
    for reference, period in saved.missing:
        click.echo(f"- {shown(reference)}, {formats.month(period)}")


def _what(saved: archive.Saved) -> str:
    rows = ngettext("%(num)d ligne", "%(num)d lignes", saved.rows)
    documents = ngettext("%(num)d avis d'échéance", "%(num)d avis d'échéance", len(saved.documents))
    return f"{rows}, {documents}"
