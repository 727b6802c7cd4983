"""The words of mail servers, one regular expression a line, with who writes them; `verdicts` says in which order.

`_` stands for up to 60 signs within a sentence, `BOX` for a mailbox and `WHO` for its owner, in the words of servers.
"""

_WHO = (
    "user|mail ?box|recipients?|address(?:es|ee)?|account|person|customer|subscriber|local[ -]?part|e-?mail|alias|party"
)
_NAMES = {
    "BOX": "(?:mail ?(?:box|dir|folder)|inbox|account|user|recipient|customer|destinataire|bo[iî]te)",
    "WHO": f"(?:{_WHO})",
    "_": r"[^.;]{0,60}?",
}

#: The mailbox has no room, or is away for a while.
FULL = r"""
BOX_ full
full (?:mail ?box|inbox)
BOX_ pleine
over ?quota
quota (?:has been |was )?(?:exceed|violat|full|reach|deplet)
quota_d[ée]pass
(?:over|exceed\w*|out of|beyond|reached|above)_(?:quota|storage|capacity|disk)
BOX_(?:exceed|over (?:its|the|their)|size limit|too many messages|out of space|storage limit)
(?:space|room) (?:is )?not enough
(?:insufficient|not enough|no) (?:disk |storage |system |free )*(?:space|storage|room)
would exceed
space has been used up
no space left
disk (?:quota|full)
receiving (?:mail|email|messages) (?:at|too)
BOX_(?:temporarily|currently|momentarily)_(?:unavailable|locked|disabled|suspended|inactive|deferred|busy|frozen)
(?:temporarily|currently) (?:locked|suspended|frozen)
mailbox (?:is )?(?:busy|locked|frozen)
"""
#: «quota» and «limit» speak of what we send, not of the mailbox.
SENDING = r"""
sending (?:limit|quota|rate)|(?:limit|quota|rate|max|emails)[^.;]{0,30}\bsen[dt]
user sending|sender
submission
outgoing|outbound
throttl
daily|hourly|per (?:hour|day|minute)
max emails
"""
#: Nobody of that name, or no such domain: clear whatever else the answer says.
GONE = r"""
user unknown
unknown (?:or \w+ |local |virtual |destination )*(?:user|recipient|mail ?box|account|address|person|alias|rcpt)
unknown e-?mail address
no such (?:\w+ )?(?:user|recipient|mail ?box|account|address|person|party|alias|domain|host|name|employee)
no (?:valid |known |local )?(?:mail ?box|account|user|recipient|one)_(?:by that name|here|at this|of that|exists?)
not a (?:known|valid|local) (?:user|recipient|mail ?box|account|address|customer)
(?:invalid|illegal|bad|non-?exist\w+|wrong|unrecogni[sz]ed) (?:local |e-?mail |mail )*(?:user|recipient|mail ?box|rcpt)
invalid (?:\w+ ){0,2}user ?id
WHO_ (?:unknown|invalid|not (?:known|found|exist\w*|valid|present|here|listed|defined|recogni[sz]ed|local))
WHO_ (?:does|do|did|is|are|was) ?n[o'’]t (?:exist|found|known|valid|present|listed|here|have)
WHO_ (?:does|do|did|is|are|was) ?not (?:a valid|a known|an? active|recogni[sz]ed|available here)
WHO_ (?:doesn|isn|wasn)['’]?t (?:exist|have|found|known|valid|here)
WHO_ (?:could|can) ?not be found
WHO_ no longer (?:exists?|valid|here|available|in use|active|with)
WHO_(?:has been |was |been |is |are )(?:permanently )?(?:disabled|deactivated|closed|deleted|terminated|discontinued)
WHO_(?:has been |was |been |is |are )(?:permanently )?(?:removed|cancel+ed|inactive|archiv\w+|expired|not active)
(?:disabled|inactive|deactivated|closed|expired|deleted|discontinued|dormant) (?:user|mail ?box|account|recipient)
user not active
extended inactivity
has (?:left|moved)
no longer (?:accepts?|receiv\w+) (?:mail|email|messages)
# Exchange and Exchange Online
resolver\.adr
recipnotfound
smtpsend\.dns\.nonexistentdomain
# qmail and Postfix
badrcptto|badrecipientto|validrcptto
local recipient table
virtual (?:mailbox|alias) table
# Orange, Free, La Poste and others in French
utilisateur inconnu
destinataire (?:inconnu|invalide)
adresse_(?:invalide|inconnue|n['’ ]existe)
compte_(?:inexistant|ferm[ée])
n['’ ]existe pas
bo[iî]te_(?:archiv|ferm|inconnu|d[ée]sactiv)
archived recipient
# other languages
unbekannt|existiert nicht
no existe|desconocido
non esiste|nessun utente|inesistente
usu[áa]rio (?:desconhecido|inexistente)|n[ãa]o existe
# domains: Postfix, Sendmail, Exim, qmail, RFC 7505
(?:host|domain)(?: or domain)?(?: name)?_ (?:unknown|not found|not known|must exist)
host unknown|unknown (?:host|domain)
domain_(?:does not exist|doesn['’]t exist)
unroute?able (?:mail )?(?:address|domain)
null ?mx
does not accept (?:e-?)?mail
nxdomain
name or service not known
no mail (?:exchanger|hosts?)
could not find a gateway
all relevant mx records
find any host
"""
#: Who speaks of the sender means us, whatever does not exist.
SENDER = r"""
sender
envelope[ -]from
mail from
return[- ]path|reverse[- ]path
from (?:header|domain)|from address (?:is|was|not|reject|refus|denied|verif)\w*
\bfrom:
e-?mail address is not verified
identit(?:y|ies)
"""
#: What speaks of us, by what it complains of; the first that fits is told. All of them together say «about us».
CAUSES = {
    # Amazon SES and others before they open an account
    "sandbox": r"""
(?:address|identit\w*)_(?:is |are |was )?not verified
following identities failed
sandbox
""",
    # SPF, DKIM, DMARC, PTR, HELO
    "sender": r"""
\bspf\b|\bdkim|\bdmarc|\bptr\b|reverse dns|\brdns\b|\bhelo\b|\behlo\b
unauthenticated
cannot find your|may not be mail exchanger
""",
    "login": r"""
authenticat|login|password|credential|starttls|encryption|certificate
""",
    "relay": r"""
relay|rcpthosts
administrative(?:ly)? prohibit
""",
    # Spamhaus and its like, Orange OFR, SFR LNN, La Poste LPN, Yahoo TSS, Apple CS01, Microsoft S3140
    "reputation": r"""
reputation
(?:black|block|deny) ?-?list
\bdnsbl|\brbls?\b|spamhaus|spamcop|barracuda|proofpoint|sorbs|uceprotect|senderscore|cloudmark
\bblocked\b|blocking|bloqu[ée]
\blisted (?:in|at|by|on)
\bofr[_ ]?\d|\blnn|\blpn\d|\btss?\d\d|\bcs01|\bs3140
\bbanned|complaint|poor |abus
your (?:ip|host|domain|server|network|isp|mta|account)
client host|remote ?host(?! said)|dynamic ip
""",
    # Gmail 5.4.5, cPanel, Plesk, Exchange Online, OVH, Brevo, Mailjet, Amazon SES
    "quota": r"""
(?:sending|sender|send|sent|outgoing|outbound|hourly|daily|monthly|submission)_(?:limit|quota|rate|credits?)
submissionquota
max(?:imum)? \w* ?(?:e?mails|messages|defers)
outgoing messages
(?:e?mails?|messages?|connections?|recipients?) (?:per|an|every) (?:hour|day|minute|second|connection|session)
rate[ -]?limit|throttl|unusual rate
too many (?!hops)(?:\w+ ){0,2}(?:connections?|messages|errors|e?mails|recipients|sessions|requests)
too many (?:bad|invalid|unknown|failed)
trop (?:de|souvent)
slow down|too fast
""",
    "content": r"""
spam|virus|malware|phish|\bjunk|\bu[bc]e\b|unsolicited|bulk|suspicious
content|attachment
score|filter|\burl\b|rfc ?[2-8]\d{2,3}|non-compliant|bare (?:lf|cr)
(?:missing|invalid|no|bad|duplicate)_(?:header|field)
too (?:large|big|much)|(?:line|header)s? too long
(?:size|length)_(?:exceed|limit)
exceeds?_(?:size|length|limit)
8bit|smtputf8|conversion
""",
    # by rule, or because of who may write to this address
    "policy": r"""
polic(?:y|ies)|security|organization|protocol violation|prohibited|forbidden|authori[sz]
not (?:permitted|allowed)|access denied|permission denied|no access
(?:message|mail|content|transaction|delivery) (?:\w+ ){0,3}(?:reject|refus|filter|discard|quarantin|not accept|denied)
rejected (?:by|due|as|for)|refused by
not accept\w* (?:for|due|from)
service refus
restrict|members? only|moderat|only accept|preference|notauth|user reject
recipient (?:has )?(?:blocked|refus)
not accepting (?:mail|messages|email) from
""",
}
ABOUT_US = "\n".join(CAUSES.values())
#: Speaks of the mailbox, but providers also write it when they mean us.
PERHAPS_GONE = r"""
mail ?box (?:is )?(?:currently )?(?:unavail\w*|inactive|disabled|not available)
(?:recipient|address)(?:es)?[^.;]{0,40}(?:rejected|denied|refused|not ok)
(?:rejected|invalid|bad|illegal|incorrect|malformed) (?:\w+ )?address
address (?:rejected|invalid|error)
no valid recipients|does not like recipient|not (?:our|a) customer|cannot deliver to
recipient verify failed
\bunknown$|no such box
"""


def pattern(table: str) -> str:
    """Return one regular expression for a table of words."""
    lines = [line for line in table.splitlines() if line and not line.startswith("#")]
    return "|".join(f"(?:{_written_out(line)})" for line in lines)


def _written_out(line: str) -> str:
    for name in ("BOX", "WHO"):
        line = line.replace(name, _NAMES[name])
    # `_` alone, not the one of `[_ ]`
    return line.replace("[_ ]", "[\0 ]").replace("_", _NAMES["_"]).replace("\0", "_")
