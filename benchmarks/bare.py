"""The floor for a server to start: the bare application, with all that the portal asks for imported too."""

import os
from pathlib import Path

import argon2
import dotenv
import email_validator
import flask_babel
import flask_login
import flask_mail
import flask_sqlalchemy
import flask_wtf
import itsdangerous
import limits
import zxcvbn_rs_py
from flask import Flask

from .floor import create_app

EXTENSIONS = (
    argon2,
    dotenv,
    email_validator,
    flask_babel,
    flask_login,
    flask_mail,
    flask_sqlalchemy,
    flask_wtf,
    itsdangerous,
    limits,
    zxcvbn_rs_py,
)


def create() -> Flask:
    """Return the bare application of the folder that the environment names."""
    return create_app(
        Path(os.environ["BENCHMARK_FOLDER"]),
        memory=int(os.environ["FLASK_PORTAL_ARGON2_MEMORY_KIB"]),
        passes=int(os.environ["FLASK_PORTAL_ARGON2_PASSES"]),
    )
