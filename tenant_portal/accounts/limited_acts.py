"""What strangers can cause, and how far it may go: the table by which `rate_limits.py` decides.

docs/security.md prints it, and a test compares the two. Another test finds open pages that no act names.
"""

import enum
from datetime import timedelta
from typing import NamedTuple

#: CNIL 2022-100 asks for a wait of over a minute after 5 failures, and for at most 25 failures a day.
FREE_FAILURES = 5
DAILY_FAILURES = 25
HOUR, DAY = timedelta(hours=1), timedelta(hours=24)
#: The same request within this time is a double click or a page reloaded (T38).
REPEAT_WINDOW = timedelta(minutes=2)
#: A whole house may share a network address.
LONGEST_ORIGIN_WAIT = timedelta(minutes=15)


class Per(enum.StrEnum):
    """Whose acts are counted together."""

    ACCOUNT = "account"  # without one, the reference: both wait alike
    CAUSE = "cause"  # what a rule of the content policy stopped
    CONTRACT = "contract"
    DEVICE = "device"  # known to the account
    EVERYBODY = "everybody"
    LINK = "link"  # who opened the account's activation link
    ORIGIN = "origin"  # the network address
    RECIPIENT = "recipient"  # a typed mail address
    REFERENCE = "reference"


class FailureLimit(NamedTuple):
    """A limit on failures: after the first ones each doubles the wait."""

    longest_wait: timedelta = HOUR
    #: After so many, every try waits for the end of the day.
    per_day: int | None = DAILY_FAILURES


class Quota(NamedTuple):
    """A limit on uses, right or wrong."""

    uses: int
    period: timedelta = HOUR


class Act(NamedTuple):
    """What strangers can cause."""

    #: Endpoints of POST requests, without the blueprint's name.
    endpoints: tuple[str, ...]
    limits: dict[Per, FailureLimit | Quota]
    never_shut_out: str
    cost: str


ACTS = {
    "login": Act(
        ("login.home", "login.log_in", "signup.activation", "email_change.confirm", "contracts.hand_over"),
        {
            Per.ACCOUNT: FailureLimit(),
            Per.DEVICE: FailureLimit(),
            Per.LINK: FailureLimit(),
            Per.ORIGIN: FailureLimit(longest_wait=LONGEST_ORIGIN_WAIT, per_day=None),
        },
        "a device that logged in before, and whoever opened the activation link: each has a counter of its own;"
        " others choose a new password, which lifts the waits; a shared address waits for minutes at most,"
        " and whoever gets in takes five slips off it, once a day",
        "one hash, without a connection meanwhile; one mail to the owner at the fifth failure; one row an hour",
    ),
    "staff login": Act(
        ("office.entrance.log_in",),
        {
            Per.ACCOUNT: FailureLimit(),
            Per.DEVICE: FailureLimit(),
            Per.ORIGIN: FailureLimit(longest_wait=LONGEST_ORIGIN_WAIT, per_day=None),
        },
        "a device that logged in before has a counter of its own; others choose a new password, which lifts the waits",
        "one hash, without a connection meanwhile; one mail at the fifth failure; one row an hour",
    ),
    "staff code": Act(
        ("office.entrance.give_code",),
        {Per.ACCOUNT: FailureLimit()},
        "only who has just typed the password counts here",
        "no hash; one mail at the fifth failure; one row an hour",
    ),
    "staff reset": Act(
        ("office.entrance.forgotten",),
        {Per.ACCOUNT: Quota(3), Per.ORIGIN: Quota(10)},
        "a device that logged in before is not counted by its address; a colleague who is an owner can invite anew",
        "no hash; one mail; two rows",
    ),
    "pair": Act(
        ("signup.sign_up",),
        {Per.REFERENCE: FailureLimit(), Per.ORIGIN: FailureLimit(longest_wait=LONGEST_ORIGIN_WAIT, per_day=None)},
        "whoever has both numbers and comes from an address without slips: there the reference's counter stops nobody",
        "a tenth of a hash to weigh the password; two looks at the roster; no mail; one row an hour",
    ),
    "signup": Act(
        ("signup.sign_up",),
        {Per.CONTRACT: Quota(6)},
        "whoever lacks one of the two numbers counts nothing here",
        "one hash, without a connection meanwhile; two mails; ten rows",
    ),
    "keep": Act(
        ("signup.sign_up",),
        {Per.ORIGIN: Quota(30)},
        "who is above types the password once more",
        "no hash; one row, for the idle time of a visit",
    ),
    "resend": Act(
        ("signup.resend", "signup.change_address", "signup.new_link"),
        {Per.CONTRACT: Quota(3)},
        "only the page of a sign-up, or its link, can count; signing up anew stays possible",
        "no hash; two mails; three rows",
    ),
    "reset": Act(
        ("password.forgotten",),
        {Per.ACCOUNT: Quota(3), Per.ORIGIN: Quota(10)},
        "a device that logged in before is not counted by its address; an account counts the mails that left",
        "no hash; one mail, in the turn of its origin; two rows",
    ),
    "reset again": Act(
        ("password.forgotten",),
        {Per.ACCOUNT: Quota(1, REPEAT_WINDOW)},
        "the wish before it stands: its mail has left",
        "no mail, no row",
    ),
    "message": Act(
        ("messages.write",),
        {Per.ORIGIN: Quota(10), Per.ACCOUNT: Quota(10), Per.RECIPIENT: Quota(5)},
        "tenants at home are counted by their account; a typed address loses its receipts at most, never the message",
        "half of a hash to mask passwords; two mails; five rows",
    ),
    "data copy": Act(
        (),
        {Per.ACCOUNT: Quota(1, REPEAT_WINDOW)},
        "the copy is given each time to who types the password; a double click sends one mail",
        "one hash, one mail; the rows of the tenant, read once",
    ),
    "email_change": Act(
        (),
        {Per.ACCOUNT: Quota(3)},
        "only who types the password of the account counts here",
        "one hash, two mails",
    ),
    "handover": Act(
        (),
        {Per.CONTRACT: Quota(3)},
        "only who types the password of an account and both numbers of the contract counts here",
        "one hash; one mail to the contract's owner, or one to the account",
    ),
    "handover again": Act(
        (),
        {Per.ACCOUNT: Quota(1, REPEAT_WINDOW)},
        "the wish before it stands: its mail has left",
        "no mail, no row",
    ),
    "report": Act(
        ("csp_reports.receive",),
        {Per.CAUSE: Quota(1), Per.EVERYBODY: Quota(20)},
        "nobody needs it: a browser sends it by itself",
        "no connection; one line of the log",
    ),
    "link": Act(
        (
            "password.reset",
            "address_proof.confirm",
            "contracts.hand_over",
            "not_me.ask",
            "not_me.confirm",
            "signup.activate_elsewhere",
            "login.confirm_reopening",
            "unsubscribe.confirm",
            "office.invitation.accept",
            "office.entrance.choose_password",
        ),
        {},
        "only who holds a link that we signed gets beyond the signature, and each link acts once",
        "one hash, without a connection meanwhile; three mails; seven rows, once for each link",
    ),
    "logout": Act(
        ("account.log_out", "signup.leave", "office.entrance.log_out"),
        {},
        "everybody ends his own session alone",
        "no hash; one row for a session that ran",
    ),
    "refusal": Act(
        (),
        {Per.REFERENCE: Quota(1), Per.ORIGIN: Quota(1), Per.EVERYBODY: Quota(2_000)},
        "a refusal counts although it is not written down",
        "one row of the journal for each reference or address and hour, 2,000 rows an hour for all",
    ),
}
