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


def suggested_address(address: str) -> str | None:
    """Return the address that was probably meant, or None.

    A slip is an edit distance of 1, or of 2 with the same letters (« gmial.com »).
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
