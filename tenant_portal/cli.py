"""The commands `flask portal …`."""

from flask.cli import AppGroup

portal = AppGroup("portal", help="The tenant account portal.")
