"""Mails as rows: written with what they tell of, delivered after the answer, retried, never lost and never doubled."""

from flask import Response
from flask_mail import Mail as FlaskMail


class PatientMail(FlaskMail):
    pass


def deliver_after(response: Response) -> None:
    pass
