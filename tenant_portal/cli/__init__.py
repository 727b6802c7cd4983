"""The commands `flask portal …`, in hosts too."""

import click
from flask.cli import AppGroup, with_appcontext

from ..errors import ConfigError
from ..operations import doctor
from ..operations.preconditions import Stop
from ..web import identity
from .backup import backup, restore
from .contracts import contracts_group
from .database import database
from .mail import mail_group
from .messages import messages_group
from .notices import notices_group
from .purge import purge
from .sessions import sessions_group


@click.group("portal", cls=AppGroup)
@with_appcontext
def portal() -> None:
    """Refuse to run in a host whose login cannot tell tenants from staff."""
    try:
        identity.check_loaders()
    except ConfigError as mistake:
        raise Stop(str(mistake)) from None


for command in (
    database,
    contracts_group,
    notices_group,
    mail_group,
    messages_group,
    sessions_group,
    purge,
    backup,
    restore,
    doctor.doctor,
):
    portal.add_command(command)
