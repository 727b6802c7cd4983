"""The mailbox of delivery reports, read over IMAP (RFC 3501)."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from imaplib import IMAP4

from imap_tools import AND, MailBox
from imap_tools.errors import ImapToolsError

from ..db import utcnow
from ..settings import settings
from . import bounces

#: Seconds for each answer of the server.
TIMEOUT = 30
#: An older mail is no report that still matters.
LOOKS_BACK = timedelta(days=30)
#: The keyword of a mail that is no report, so that it is fetched once. People do not see it.
LOOKED_AT = "PortalLookedAt"
#: What is raised when the server cannot be reached, or refuses.
TROUBLES = (OSError, ImapToolsError, IMAP4.error)


@dataclass
class Reading:
    """What one look into the mailbox found, in numbers."""

    reports: int = 0
    #: Our mails that came back.
    returned: int = 0
    #: Mails that are no report about ours, left where they are.
    others: int = 0


def read_reports(note: Callable[[bytes], int | None]) -> Reading:
    """Have each new report noted, then move it to its folder; leave everything else as it was.

    `note` returns None for what is no report of ours. Raises one of `TROUBLES` when the server cannot be used.
    """
    reading = Reading()
    checked = ssl.create_default_context()  # `imaplib` itself looks at no certificate
    with MailBox(settings.imap_server, settings.imap_port, timeout=TIMEOUT, ssl_context=checked) as mailbox:
        # Not every server knows the second, which alone takes accents.
        enter = mailbox.login if settings.imap_password.isascii() else mailbox.login_utf8
        enter(settings.imap_username, settings.imap_password, settings.imap_folder)
        since = (utcnow() - LOOKS_BACK).date()
        for uid in mailbox.uids(AND(date_gte=since, size_lt=bounces.BYTES_MAX, no_keyword=LOOKED_AT, deleted=False)):
            _, found = mailbox.client.uid("FETCH", uid, "(BODY.PEEK[])")
            if not found or not isinstance(found[0], tuple):
                continue  # somebody has moved it meanwhile
            count = note(found[0][1])
            if count is None:
                reading.others += 1
                # Not `flag`, which would also expunge what people have deleted.
                mailbox.client.uid("STORE", uid, "+FLAGS.SILENT", f"({LOOKED_AT})")
                continue
            reading.reports, reading.returned = reading.reports + 1, reading.returned + count
            if not mailbox.folder.exists(settings.imap_done_folder):
                mailbox.folder.create(settings.imap_done_folder)
            mailbox.move(uid, settings.imap_done_folder)
    return reading
