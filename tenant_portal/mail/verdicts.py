"""What a mail server's answer means, given at hand-over or quoted in a delivery report.

Only an answer that speaks of the mailbox blames an address. Servers give one code to many troubles, so words come
first: a full mailbox, then a recipient who is clearly unknown, then what speaks of us, then weaker words, then codes.

Sources: RFC 5321 4.2.3 (replies), RFC 3463 and its IANA registry (enhanced codes), RFC 7505 (null MX), and what the
named providers and programs publish.
"""

import re
from enum import StrEnum
from functools import lru_cache

from . import answer_words


class Verdict(StrEnum):
    """Whom a refusal is about, which decides what follows."""

    #: The mailbox or its domain does not exist, or is closed: the address is marked.
    GONE = "gone"
    #: The mailbox is full or away for now: the address is not marked.
    FULL = "full"
    #: Quota, reputation, authentication, policy, content, relay or sender: the landlord must act, the mail waits.
    ABOUT_US = "about us"
    #: The answer says none of these.
    LATER = "later"


class Cause(StrEnum):
    """What the landlord must mend where an answer is about us."""

    SANDBOX = "sandbox"  # a trial account, which writes to verified addresses only
    SENDER = "sender"  # SPF, DKIM, DMARC, HELO, or the address that sends
    LOGIN = "login"
    RELAY = "relay"
    REPUTATION = "reputation"
    QUOTA = "quota"
    CONTENT = "content"
    POLICY = "policy"  # none of these


_ADDRESS = re.compile(r"<?[^\s<>()\[\],;:\"]+@[^\s<>()\[\],;:\"]+>?")
_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<![\d.])([245]\d\d)(?=[ -])")
#: Subject and detail of enhanced codes (RFC 3463, 3.2 to 3.8).
_CODES = {
    Verdict.GONE: {(1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (1, 6), (1, 10), (2, 1), (4, 4)},
    Verdict.FULL: {(2, 2), (3, 1)},
    Verdict.ABOUT_US: {(1, 7), (1, 8), (1, 9), (2, 3), (3, 4), (4, 5)},
}
#: Replies that ask for a login (RFC 4954).
_LOGIN_CODES = {530, 534, 535, 538}
#: All of these subjects: content, and security or policy.
_SUBJECTS_ABOUT_US = {6, 7}


def read(text: str, *, code: int = 0, status: str = "", is_final: bool = False) -> Verdict:
    """Return what an answer means: its words, reply code and enhanced status; `is_final` where the sender gave up."""
    words = _folded(text)
    enhanced = _ENHANCED.search(words) or _ENHANCED.search(status)
    if not code and (reply := _REPLY.search(words)):
        code = int(reply[1])
    is_permanent = is_final or code >= 500 or (not code and enhanced is not None and enhanced[1] == "5")
    detail = (int(enhanced[2]), int(enhanced[3])) if enhanced else None
    if _says(answer_words.FULL, words) and not _says(answer_words.SENDING, words) or detail in _CODES[Verdict.FULL]:
        return Verdict.FULL
    if not is_permanent:
        return Verdict.ABOUT_US if _says(answer_words.ABOUT_US, words) else Verdict.LATER
    if detail == (4, 1) and "recipient address rejected" in words:  # Exchange Online knows no such recipient
        return Verdict.GONE
    speaks_of_sender = _says(answer_words.SENDER, words)
    if _says(answer_words.GONE, words) and not speaks_of_sender:
        return Verdict.GONE
    if speaks_of_sender or _says(answer_words.ABOUT_US, words):
        return Verdict.ABOUT_US
    if _says(answer_words.PERHAPS_GONE, words):
        return Verdict.GONE
    if detail is not None and detail[0] in _SUBJECTS_ABOUT_US:
        return Verdict.ABOUT_US
    return next((verdict for verdict, details in _CODES.items() if detail in details), Verdict.LATER)


def named(verdict: Verdict, text: str, code: int = 0) -> str:
    """Return a verdict as the outbox notes it, with the cause of one that is about us."""
    return f"{verdict}, {cause(text, code)}" if verdict is Verdict.ABOUT_US else str(verdict)


def cause(text: str, code: int = 0) -> Cause:
    """Return what an answer that is about us complains of."""
    words = _folded(text)
    tables = ((Cause(name), table) for name, table in answer_words.CAUSES.items())
    if code in _LOGIN_CODES:
        return Cause.LOGIN
    return next((found for found, table in tables if _says(table, words)), Cause.POLICY)


def _folded(text: str) -> str:
    return _ADDRESS.sub("address", " ".join(text.lower().split()))


def _says(table: str, words: str) -> bool:
    return _compiled(table).search(words) is not None


@lru_cache(maxsize=16)
def _compiled(table: str) -> re.Pattern[str]:
    return re.compile(answer_words.pattern(table))
