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


class FormRefused(PortalError):
    """A form lacks a valid CSRF token: each class is a reason with its own sentence."""


class FormExpired(FormRefused):
    """The page stood open for hours."""

    code = "form_expired"


class FormOutdated(FormRefused):
    """The token is not that of this session: a login or logout in another page has renewed it."""

    code = "form_outdated"


class FormForged(FormOutdated):
    """There is no token, or one that we did not sign."""


class CookiesRefused(FormRefused):
    """The browser did not send the cookie that came with the page."""

    code = "cookies_refused"


class SessionOver(PortalError):
    """The account of a session is gone, or has lost its only contract, since the request began."""

    code = "session_over"


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

    def __init__(self, purpose: str, account_id: int) -> None:
        super().__init__(purpose)
        self.account_id = account_id


class LinkReplaced(LinkError):
    """The link is genuine, but its facts changed since."""

    code = "link_replaced"

    def __init__(self, purpose: str, account_id: int) -> None:
        super().__init__(purpose)
        self.account_id = account_id


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


class DocumentMissing(PortalError):
    """The file of a published document is missing."""

    code = "document_missing"
    status = 404


class TooManyMails(PortalError):
    """The quota of mails for one contract and hour is used up."""

    code = "too_many_mails"
    status = 429
