"""What is a valid reference, module, address or password: constants and pure functions, nothing of ours imported."""

import ipaddress
import re
import unicodedata

# A notice prints « L/123456 », people copy it with spaces of every kind (S30).
_SPACES = re.compile(r"\s+")
_SEPARATORS = re.compile(r"[/\\.|\-]")
_PREFIX = re.compile(r"^[Ll](?=[0-9])")
_DIGITS = re.compile(r"[0-9]+")
_WORD = re.compile(r"[^\W_]+")
_DIGEST = re.compile(r"[0-9a-f]{64}")

#: Longest text that a digits field is looked at; more is no number, and no regular expression should meet it.
NUMBER_TEXT_MAX = 100

#: Signs of a word that a search compares.
WORD_MAX = 200
EMAIL_MAX = 254  # RFC 5321, 4.5.3.1.3 with its angle brackets taken off
PASSWORD_MIN = 12
PASSWORD_MAX = 128
#: Digits are a small alphabet: 16 of them carry about 53 bits, 12 only 40 (U32).
PASSWORD_DIGITS_MIN = 16
#: zxcvbn's scale goes from 0 to 4; 3 means «safely unguessable» where tries are limited.
PASSWORD_SCORE_MIN = 3
#: Words that a guesser would try first on a tenants' portal; passwords made of them score low.
PASSWORD_CONTEXT = (
    "locataire",
    "locataires",
    "loyer",
    "loyers",
    "bailleur",
    "contrat",
    "module",
    "avis",
    "echeance",
    "échéance",
    "logement",
    "appartement",
    "motdepasse",
    "mot de passe",
    "azerty",
    "azertyuiop",
    "bonjour",
    "soleil",
    "doudou",
    "chouchou",
    "loulou",
    "marseille",
    "portail",
    "espace",
)

#: Providers that French tenants use most; the typo helper compares what was typed with them (T06).
MAIL_DOMAINS = (
    "gmail.com",
    "orange.fr",
    "hotmail.fr",
    "hotmail.com",
    "wanadoo.fr",
    "free.fr",
    "yahoo.fr",
    "yahoo.com",
    "sfr.fr",
    "laposte.net",
    "outlook.fr",
    "outlook.com",
    "live.fr",
    "icloud.com",
    "bbox.fr",
    "neuf.fr",
    "numericable.fr",
    "msn.com",
    "gmx.fr",
    "proton.me",
    "protonmail.com",
    "me.com",
    "aol.com",
    "club-internet.fr",
    "cegetel.net",
    "aliceadsl.fr",
)


def digits_of(typed: str) -> str:
    """Return what was typed as a number without the « L/ » of the notice, its spaces and its separators.

    Forgives only what a person adds around digits; letters elsewhere stay, for `is_number` to refuse (S30, T01).
    """
    if len(typed) > NUMBER_TEXT_MAX:
        return typed
    text = _SPACES.sub("", unicodedata.normalize("NFC", typed).replace("\u200b", "").replace("\ufeff", ""))
    return _PREFIX.sub("", _SEPARATORS.sub("", text))


def is_number(text: str, length: tuple[int, int]) -> bool:
    """Tell whether `text` is ASCII digits only, of a length within the two bounds (both included)."""
    low, high = length
    return low <= len(text) <= high and _DIGITS.fullmatch(text) is not None


def is_digest(value: object) -> bool:
    """Tell whether this is a SHA-256 as we write it: nothing else may become the name of a file."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def padded_variants(number: str, length: tuple[int, int]) -> list[str]:
    """Return the number with every count of leading zeros that the length allows, itself first (T02).

    An empty number has no variant, so it matches nothing.
    """
    if not number:
        return []
    core = number.lstrip("0") or "0"
    padded = (core.zfill(width) for width in range(len(core), length[1] + 1))
    return [number, *(variant for variant in padded if variant != number)]


def normal_password(password: str) -> str:
    """Return the password in Unicode NFC, so that each keyboard's way of typing « é » gives the same bytes."""
    return unicodedata.normalize("NFC", password)


def folded(text: str) -> str:
    """Return a text for comparison: small letters without accents, single spaces."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(plain.split())


def words_of(text: str) -> list[str]:
    """Return the words of a text for a search, each once: folded, hyphens, apostrophes and all other signs aside."""
    return list(dict.fromkeys(word[:WORD_MAX] for word in _WORD.findall(folded(text))))


def suggested_address(address: str) -> str | None:
    """Return the address that was probably meant, where the domain is one slip away from a common one (T06).

    One slip is an edit distance of 1, or of 2 with the same letters (« gmial.com »).
    """
    local, at, domain = address.strip().rpartition("@")
    domain = domain.lower()
    if not at or not local or domain in MAIL_DOMAINS:
        return None
    for known in MAIL_DOMAINS:
        distance = _edit_distance(domain, known, limit=2)
        if distance == 1 or (distance == 2 and sorted(domain) == sorted(known)):
            return f"{local}@{known}"
    return None


def _edit_distance(left: str, right: str, *, limit: int) -> int:
    """Return the Levenshtein distance, or `limit` + 1 when it is larger."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        above, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (a != b))
    return min(row[-1], limit + 1)


def full_name(title: str, first_name: str, last_name: str) -> str:
    """Return a person's name as the roster has it; any part of it may be missing."""
    return " ".join(part for part in (title, first_name, last_name) if part)


def masked_reference(reference: str) -> str:
    """Return the last three digits, all that mails and logs may show of a reference."""
    return reference[-3:]


def masked_address(address: str) -> str:
    """Return the address with all of its local part but the first letter hidden."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"


def origin_of(address: str | None) -> str:
    """Return the address of origin that counters use: IPv4 whole, IPv6 cut to its /64, which one home owns."""
    try:
        ip = ipaddress.ip_address((address or "").split("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None:
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(getattr(ip, "ipv4_mapped", None) or ip)


# « mot de passe : azerty 123 », « mdp c'est azerty », « password azerty123 »: tenants do paste it into messages (T36).
# Every repetition is bounded or stops at the line's end, so that no text takes long.
_NAMED = r"\b(?:mots?\s{1,3}de\s{1,3}passe|mdp|code\s{1,3}secret|password|passe)\b(?:\s{1,3}actuel)?"
_IS = r"(?:c\s?['’]?\s?est|est|was|is|était)"
#: What follows « mon mot de passe est » without being one.
_STATES = (
    r"(?:pas|plus|jamais|bien|bon|faux|trop|toujours|encore|déjà|très|tout|re[fj]\w*|oubli\w*|perdu\w*|incorrect\w*"
    r"|correct\w*|inconnu\w*|invalide\w*|expir\w*|bloqu\w*|accept\w*|not|wrong|forgotten|lost)\b"
)
_QUOTE = r"[«»\"“”]"
_PASTED_PASSWORD = re.compile(
    rf"(?im)({_NAMED}(?:\s{{0,3}}{_IS})?\s{{0,3}}(?:[:=]\s{{0,3}}{_QUOTE}?|{_QUOTE})[^\S\n]{{0,3}}"
    rf"|{_NAMED}\s{{1,3}}{_IS}\s{{1,3}}(?!{_STATES}))"
    rf"(?=[^\s•])[^\n«»\"“”]+?(?=[^\S\n]?{_QUOTE}|[,;.!?](?:\s|$)|$)"
)
_PASTED_WORD = re.compile(rf"(?i)({_NAMED}\s{{1,3}})(?=[^\s0-9]{{0,40}}[0-9])[^\s,;]+")


def without_passwords(text: str) -> str:
    """Return the text with what follows « mot de passe : » and its like masked, to the end of the sentence (T36)."""
    for pasted in (_PASTED_PASSWORD, _PASTED_WORD):
        text = pasted.sub(lambda found: found.group(1) + "••••••", text)
    return text
