"""What may go wrong: each refusal has a code and a status; the words for people live in `problem.html`."""

from datetime import datetime


class PortalError(Exception):
    """A refusal that was foreseen; `code` names its text in `problem.html`, `status` is its HTTP status."""

    code = "problem"
    status = 400


class ConfigError(PortalError):
    """Settings are missing or wrong; the message lists every one of them with its key."""

    def __init__(self, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(["The portal's settings are not usable:", *(f"- {m}" for m in mistakes)]))


class FormExpired(PortalError):
    """A form came back without a valid CSRF token, mostly because its page stayed open too long."""

    code = "form_expired"
    status = 400


class LinkError(PortalError):
    """A link from a mail cannot be used; `purpose` tells which kind of link."""

    status = 410

    def __init__(self, purpose: str) -> None:
        self.purpose = purpose
        super().__init__(f"{purpose} link refused")


class LinkExpired(LinkError):
    """The link is genuine, but its time is over (T10)."""

    code = "link_expired"

    def __init__(self, purpose: str, token: str, expired_at: datetime) -> None:
        super().__init__(purpose)
        self.token = token
        self.expired_at = expired_at


class LinkUsed(LinkError):
    """The link is genuine and has done its work already (T11)."""

    code = "link_used"


class LinkReplaced(LinkError):
    """The link is genuine, but what it was made for has changed since: address, password or sign-up."""

    code = "link_replaced"


class LinkInvalid(LinkError):
    """The text is no link of ours: cut by a mail program, or made up."""

    code = "link_invalid"
    status = 404


class RosterUnusable(PortalError):
    """The file is no roster, or cannot be read; nothing was changed."""

    code = "roster_unusable"


class NoticesUnusable(PortalError):
    """The path is neither a folder nor a ZIP of notices, or cannot be read; nothing was changed."""

    code = "notices_unusable"


class BackupUnusable(PortalError):
    """The file is no archive of the portal, is harmed, or comes from a newer portal; nothing was changed."""

    code = "backup_unusable"


class DatabaseNotEmpty(PortalError):
    """The database holds something that restoring would erase; nothing was changed."""

    code = "database_not_empty"


class NoticeMissing(PortalError):
    """A notice was published, but its file is not where it was put."""

    code = "notice_missing"
    status = 404


class TooManyMails(PortalError):
    """So many mails were caused for one contract that no more leave within the hour."""

    code = "too_many_mails"
    status = 429
