"""Passwords that tenants paste into messages are masked before anything is kept (T36)."""

import re

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
