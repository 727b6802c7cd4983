"""Mail addresses as people paste them, and domains as servers know them."""

import re

import idna
from email_validator import EmailNotValidError, validate_email

from .text import EMAIL_MAX, PASTED_MAX, pasted

#: «Nom <a@b.fr>», «a@b.fr [mailto:a@b.fr]», «mailto:a@b.fr?subject=…».
_LINKED = re.compile(r"(?i)[<\[(]([^<>\[\]()@]+@[^<>\[\]()@]+)[>\])]|mailto:(.+)")


def mail_address(typed: str) -> str:
    """Return a pasted mail address in normal form, its domain by IDNA 2008; raise `ValueError` for what is none.

    Nothing is looked up, so that a provider that is down blocks nobody.
    """
    text = pasted(typed)
    if linked := _LINKED.search(typed[:PASTED_MAX]):
        text = pasted(linked[1] or linked[2]).partition("?")[0]
    try:
        if len(text) > EMAIL_MAX:
            raise EmailNotValidError
        return str(validate_email(text, check_deliverability=False, allow_smtputf8=False).normalized)
    except EmailNotValidError:
        raise ValueError("no mail address") from None


def ascii_domain(name: str) -> str:
    """Return a host name as servers know it (IDNA 2008): «straße.de» is not «strasse.de», as Python's codec says."""
    try:
        return name if name.isascii() else idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise ValueError("a host name, such as smtp.landlord.fr") from None
