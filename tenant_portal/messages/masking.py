"""Mask passwords in messages before anything is kept (T36)."""

import re

# Matches « mot de passe : azerty 123 », « mdp c'est azerty », « password azerty123 ».
# Repetitions are bounded, so that no text takes long.
_NAMED = r"\b(?:mots?\s{1,3}de\s{1,3}passe|mdp|code\s{1,3}secret|password|passe)\b(?:\s{1,3}actuel)?"
_IS = r"(?:c\s?['’]?\s?est|est|was|is|était)"
#: Words after « mon mot de passe est » that are no password.
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


def mask_passwords(text: str) -> str:
    """Mask what follows « mot de passe : » and similar, to the end of the sentence."""
    for pasted in (_PASTED_PASSWORD, _PASTED_WORD):
        text = pasted.sub(lambda found: found.group(1) + "••••••", text)
    return text
