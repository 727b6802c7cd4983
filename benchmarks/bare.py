"""The floor for a server to start: the bare application, with the same extensions imported as the portal has."""

import os
from pathlib import Path

import argon2
import email_validator
import flask_babel
import flask_login
import flask_mail
import flask_sqlalchemy
import flask_wtf
import itsdangerous
from flask import Flask

from .floor import create_app

EXTENSIONS = (argon2, email_validator, flask_babel, flask_login, flask_mail, flask_sqlalchemy, flask_wtf, itsdangerous)


def create() -> Flask:
    """Return the bare application of the folder that the environment names."""
    return create_app(
        Path(os.environ["BENCHMARK_FOLDER"]),
        memory=int(os.environ["FLASK_PORTAL_ARGON2_MEMORY_KIB"]),
        passes=int(os.environ["FLASK_PORTAL_ARGON2_PASSES"]),
    )
