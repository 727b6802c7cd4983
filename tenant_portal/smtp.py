"""The former place of the mail extension with time limits, which a host may import."""

from .mail.smtp import TimeoutMail

PatientMail = TimeoutMail
