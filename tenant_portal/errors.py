"""Refusals that we foresee; their texts stand in `problem.html`."""

from datetime import datetime


class PortalError(Exception):
    """A foreseen refusal; `code` names its text, `status` is its HTTP status."""

    code = "problem"
    status = 400


class ConfigError(PortalError):
    """Settings are missing or wrong; the message lists each."""

    def __init__(self, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(["The portal's settings are not usable:", *(f"- {m}" for m in mistakes)]))


class FormExpired(PortalError):
    """A form lacks a valid CSRF token, mostly after hours."""

    code = "form_expired"
    status = 400


class LinkError(PortalError):
    """A link cannot be used; `purpose` is its kind."""

    status = 410

    def __init__(self, purpose: str) -> None:
        self.purpose = purpose
        super().__init__(f"{purpose} link refused")


class LinkExpired(LinkError):
    """The link is genuine but expired (T10)."""

    code = "link_expired"

    def __init__(self, purpose: str, token: str, expired_at: datetime) -> None:
        super().__init__(purpose)
        self.token = token
        self.expired_at = expired_at


class LinkUsed(LinkError):
    """The link is genuine and used (T11)."""

    code = "link_used"


class LinkReplaced(LinkError):
    """The link is genuine, but its facts changed since."""

    code = "link_replaced"


class LinkInvalid(LinkError):
    """The token is not ours: cut by a mail program, or made up."""

    code = "link_invalid"
    status = 404


class RosterUnusable(PortalError):
    """The file is no roster or unreadable; nothing changed."""

    code = "roster_unusable"


class NoticesUnusable(PortalError):
    """The notices are unreadable; nothing changed."""

    code = "notices_unusable"


class BackupUnusable(PortalError):
    """The file is no archive, damaged, or of a newer portal; nothing changed."""

    code = "backup_unusable"


class DatabaseNotEmpty(PortalError):
    """The database holds rows that restoring would erase; nothing changed."""

    code = "database_not_empty"


class NoticeMissing(PortalError):
    """The file of a published notice is missing."""

    code = "notice_missing"
    status = 404


class TooManyMails(PortalError):
    """The quota of mails for one contract and hour is used up."""

    code = "too_many_mails"
    status = 429
