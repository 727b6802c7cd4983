"""The commands `flask portal …`: one group, also present in a host application; one file for each family."""

from flask.cli import AppGroup

from .. import doctor
from ..i18n import gettext as _
from .contracts import contracts_group
from .database import database
from .mail import mail_group
from .notices import notices_group
from .purge import purge

portal = AppGroup("portal", help=_("Le portail des locataires."))

for command in (database, contracts_group, notices_group, mail_group, purge, doctor.doctor):
    portal.add_command(command)
