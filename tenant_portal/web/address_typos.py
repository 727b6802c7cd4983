"""Slips in mail addresses (T06)."""

#: The providers that French tenants use most.
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
#: Other providers that look like a slip.
REAL_DOMAINS = ("ymail.com", "mail.com", "email.com", "hotmail.gr", "yahoo.gr", "live.gr", "protonmail.ch", "cloud.com")
#: Providers without national endings.
COM_ONLY = ("gmail", "icloud", "protonmail", "msn")
#: Of a shorter name each neighbour is somebody else's.
_NAME_MIN = 4


def suggested_address(address: str) -> str | None:
    """Return the address that was probably meant, or None; `portal.js` does the same while the tenant types.

    A slip is an edit distance of 1, or of 2 with the same letters (« gmial.com »), or a national ending that does not
    exist (« gmail.fr »).
    """
    local, at, domain = address.strip().rpartition("@")
    domain = domain.lower()
    name = domain.partition(".")[0]
    if not at or not local or domain in MAIL_DOMAINS or domain in REAL_DOMAINS:
        return None
    if name in COM_ONLY and "." in domain:
        return f"{local}@{name}.com"
    known = next((known for known in MAIL_DOMAINS if _is_near(domain, known)), None)
    return f"{local}@{known}" if known else None


def _is_near(domain: str, known: str) -> bool:
    distance = _edit_distance(domain, known, limit=2)
    if distance == 2:
        return sorted(domain) == sorted(known)
    name = known.partition(".")[0]
    return distance == 1 and (len(name) >= _NAME_MIN or domain.startswith(f"{name}."))


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
