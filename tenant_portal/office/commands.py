"""`flask portal staff …`: the staff's own accounts, for an installation without a host."""

import click
from flask.cli import AppGroup

from ..db import db
from ..formats import exact_moment
from ..i18n import gettext as _
from ..mail_addresses import mail_address
from ..operations.preconditions import Stop, Unusable, shown, with_database
from . import OWNER, sessions, staff
from .models import Staff
from .staff import Invitation

staff_group = AppGroup("staff", help=_("Les personnes qui travaillent à la gestion."))


@staff_group.command("add", help=_("Invite une personne par e-mail ; l'inviter à nouveau renouvelle son lien."))
@click.argument("email", metavar="ADRESSE")
@click.option("--owner", is_flag=True, help=_("Responsable : aussi les collègues, les listes et les demandes d'accès."))
@click.option(
    "--one-person", is_flag=True, help=_("Une seule personne lit cette adresse, même si elle semble partagée.")
)
@with_database
def add(email: str, owner: bool, one_person: bool) -> None:
    """Invite somebody, and print his link."""
    try:
        address = mail_address(email)
    except ValueError:
        raise Unusable(_("« %(value)s » n'est pas une adresse mail.", value=shown(email))) from None
    if staff.looks_shared(address) and not one_person:
        raise Unusable(
            _(
                "Cette adresse semble partagée : %(address)s. Chaque personne a son propre accès."
                " Est-ce bien l'adresse d'une seule personne ? Alors ajoutez --one-person.",
                address=address,
            )
        )
    staff.begin()
    invitation = staff.invite(address, role=OWNER if owner else "")
    if invitation is None:
        raise Stop(
            _("%(address)s a déjà un accès. Pour le renouveler : flask portal staff reset %(address)s", address=address)
        )
    db.session.commit()
    _tell(invitation)


@staff_group.command("list", help=_("Montre qui peut entrer à la gestion."))
@with_database
def show_all() -> None:
    """Print a line for each: address, name, role, last login."""
    for each in staff.everybody():
        role = _("responsable") if each.is_owner else _("gestionnaire")
        click.echo(" ; ".join([each.email, each.name or "-", role, _standing(each)]))


@staff_group.command(
    "reset", help=_("Ferme les connexions d'une personne et l'invite à nouveau : mot de passe et code.")
)
@click.argument("email", metavar="ADRESSE")
@with_database
def reset(email: str) -> None:
    """Reset somebody, and print his link."""
    invitation = staff.reset(_find(email))
    db.session.commit()
    _tell(invitation)


@staff_group.command("remove", help=_("Retire une personne : ses connexions se ferment."))
@click.argument("email", metavar="ADRESSE")
@with_database
def remove(email: str) -> None:
    """Remove somebody, but the last owner."""
    try:
        staff.remove(_find(email))
    except staff.LastOwner:
        raise Stop(
            _("C'est le dernier responsable : invitez-en d'abord un autre (staff add ADRESSE --owner).")
        ) from None
    db.session.commit()
    click.echo(_("%(address)s ne peut plus entrer.", address=email))


def _find(email: str) -> Staff:
    staff.begin()
    found = staff.find(email)
    if found is None:
        raise Stop(_("Personne n'a l'adresse « %(value)s ».", value=shown(email)))
    return found


def _standing(each: Staff) -> str:
    login = sessions.last_login(each)
    if not each.is_enrolled:
        return _("Invitation envoyée le %(at)s, pas encore utilisée", at=exact_moment(each.invited_at))
    return _("Dernière connexion : %(at)s", at=exact_moment(login.created_at)) if login is not None else "-"


def _tell(invitation: Invitation) -> None:
    click.echo(_("Un e-mail part à %(address)s, avec ce lien :", address=invitation.staff.email))
    click.echo(invitation.link)
    click.echo(_("Il marche une fois, jusqu'au %(until)s.", until=exact_moment(invitation.until)))
