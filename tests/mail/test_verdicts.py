"""What servers answer, provider by provider, and whom each answer is about."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal.mail import bounces, verdicts
from tenant_portal.mail.verdicts import Verdict
from tests.support.paths import DATA

#: Answers as providers and programs publish them: Gmail, Yahoo, Microsoft, Orange, SFR, Free, La Poste, Apple, Amazon
#: SES, Postfix, Exim, Sendmail, qmail, Exchange, cPanel, Plesk, Barracuda, Mimecast.
ANSWERS = {
    Verdict.GONE: (
        "550 Recipient verify failed",
        "550 5.1.1 <t02@sfr.example>: User unknown",
        "550 5.5.0 Requested action not taken: mailbox unavailable",
        "550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 double-checking",
        "550 5.2.1 The email account that you tried to reach is disabled",
        "554 delivery error: dd This user doesn't have a yahoo.com account",
        "554 delivery error: dd Requested mail action aborted - mailbox not found",
        "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)",
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
        "550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416 [416]",
        "550 5.1.1 Boite du destinataire archivee. Archived recipient. OFR_418",
        "550 User unknown [free.fr]",
        "550 5.1.1 unknown user",
        "550 5.1.1 <a@icloud.com>: user does not exist",
        "550 5.1.2 Host or domain name not found. Name service error for name=gmial.fr type=A: Host not found",
        "556 5.1.10 Recipient address has null MX",
        "550 #5.1.0 Address rejected.",
        "550 5.1.0 <a@b.fr> address unknown",
        "Sorry, no mailbox here by that name. (#5.1.1)",
        "Sorry, I couldn't find any host named exemple.fr. (#5.1.2)",
        "550 No such user here",
        "550 unrouteable address",
        "550 5.4.4 SMTPSEND.DNS.NonExistentDomain; nonexistent domain",
        "550 5.2.1 <a@hotmail.fr>: Mailbox unavailable. Account disabled",
        "551 5.1.6 User has moved; please try <b@c.fr>",
        '550 5.1.1 Unknown address error 550-"5.1.1 <x@y>... User unknown"',
        "550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550",
        "550 permanent failure for one or more recipients (a@b.fr:550 5.1.1 RESOLVER.ADR.RecipNotFound; not found)",
        "550 utilisateur inconnu !",
        "550 5.1.1 a@laposte.net : Recipient address rejected: User unknown in relay recipient table",
        "550 <a@b.fr> is not a valid mailbox",
        "550 this account has been disabled or discontinued [#102].",
        "550 5.7.1 Mail rejected by Barracuda: user unknown",
    ),
    Verdict.FULL: (
        "552-5.2.2 The email account that you tried to reach is over quota",
        "452 4.2.2 The email account that you tried to reach is over quota.",
        "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents more",
        "552 5.1.1 Boite du destinataire pleine. Recipient overquota. OFR_417 [417]",
        "552 5.2.2 <a@icloud.com>: user is over quota",
        "550 Mailbox is full / Blocks limit exceeded / Inode limit exceeded",
        "554 5.2.2 mailbox full",
    ),
    Verdict.ABOUT_US: (
        "550 5.5.0 Service refuse. Veuillez essayer plus tard. service refused, please try later. LPN007",
        "550 Requested action not taken: mailbox unavailable. Reject due to policy restrictions.",
        "550-5.4.5 Daily user sending limit exceeded. For more information",
        "550 Domain bailleur.example has exceeded the max emails per hour (150/150 (100%)) allowed.",
        "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
        "554 5.7.0 ... limit on the number of allowed outgoing messages was exceeded. Try again later.",
        "550 5.7.26 Unauthenticated email from bailleur.example is not accepted due to domain's DMARC policy.",
        "421-4.7.0 Our system has detected an unusual rate of unsolicited mail originating from your IP address.",
        "550-5.7.1 Our system has detected that this message is likely unsolicited mail.",
        "553 5.7.2 [TSS09] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed.",
        "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints",
        "550 5.7.1 Recipient address rejected: Access denied",
        "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP",
        "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Your network is on our block list (S3140).",
        "550 5.7.511 Access denied, banned sender[192.0.2.1]",
        "550 5.2.0 Mail rejete. Mail rejected. ofr_506 [506]",
        "421 ... Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR_999",
        "550 5.7.1 Service refuse. Veuillez essayer plus tard. service refused, please try later. LPN105_510 [510]",
        "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
        "550 spam detecte / spam detected",
        "451 too many errors from your ip (192.0.2.1), please visit http://postmaster.free.fr/",
        "550 Sender verify failed",
        "550 Verification failed for <contact@bailleur.example> 550 Sender verify failed",
        "550 5.1.8 Sender address rejected: Domain not found",
        "550 5.7.1 Unable to relay",
        "554 5.7.1 <a@b.fr>: Relay access denied",
        "530 5.7.0 Must issue a STARTTLS command first",
        "535 5.7.8 Error: authentication failed",
        "554 Message rejected: Email address is not verified. The following identities failed: a@b.fr",
        "454 Throttling failure: Maximum sending rate exceeded.",
        "454 Throttling failure: Daily message quota exceeded.",
        "554 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137",
        "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
        "552 5.3.4 Message size exceeds fixed maximum message size",
        "550 5.7.1 Message contains spam or virus or sender is blocked : xyz",
        "550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy",
        "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required",
        "550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized",
        "550 relay not permitted",
        "504 5.5.2 <srv>: Helo command rejected: need fully-qualified hostname",
        "550 Please turn on SMTP Authentication in your mail client",
        "550 rejected because of reverse DNS",
        "550 Administrative prohibition - envelope blocked",
        "553 sorry, your envelope sender has been denied (#5.7.1)",
        "550 permanent failure for one or more recipients (a@b.fr:blocked)",
        "571 Delivery not authorized, message refused",
    ),
    Verdict.LATER: (
        "450 4.7.1 <a@b.fr>: Recipient address rejected: Greylisted, see http://postgrey",
        "451 4.7.1 Greylisting in action, please come back later",
        "Host or domain name not found. Name service error for name=x type=MX: Host not found, try again",
        "550 4.4.7 QUEUE.Expired; message expired",
        "554 Denied (Mode: normal)",
        "554 5.4.14 Hop count exceeded - possible mail loop",
        "421 4.3.2 Service shutting down",
    ),
}
MARK = "0123456789abcdef0123456789abcdef"
REPORTS = sorted((DATA / "reports").glob("*.eml"))


@pytest.mark.parametrize(
    ("answer", "verdict"), [(answer, verdict) for verdict, answers in ANSWERS.items() for answer in answers]
)
def test_answer_blames_the_address_only_where_it_speaks_of_the_mailbox(answer: str, verdict: Verdict) -> None:
    assert verdicts.read(answer) is verdict


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_report_in_every_dialect_tells_which_mail_came_back_and_why(path: Path) -> None:
    returned = bounces.read(path.read_bytes())
    if path.stem.startswith("nothing_") or path.stem.endswith("_late"):
        assert returned is None
        return
    assert returned is not None
    assert path.stem.endswith(returned.verdict.name.lower())
    assert MARK in returned.marks or f"<{MARK}@bailleur.example>" in returned.message_ids


@given(st.text(max_size=2_000))
def test_no_answer_stops_the_reader(text: str) -> None:
    assert verdicts.read(text) in Verdict


@given(st.binary(max_size=2_000))
def test_nothing_that_is_piped_in_stops_the_reader(raw: bytes) -> None:
    bounces.read(raw)
    for path in REPORTS[:3]:
        whole = path.read_bytes()
        bounces.read(whole[: len(whole) // 2] + raw + whole[len(whole) // 2 :])
