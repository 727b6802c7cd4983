"""What holds on every page: structure, names, references, forms, headers, typography."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from werkzeug.test import TestResponse

from .page_text import described_by, name_of, plain, visible_text

#: Attributes that name ids.
_REFERENCES = (
    "aria-describedby",
    "aria-labelledby",
    "aria-controls",
    "aria-owns",
    "aria-errormessage",
    "for",
    "form",
    "list",
    "popovertarget",
    "headers",
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Type": "text/html; charset=utf-8",
}
_POLICY = ("default-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'", "object-src 'none'")
#: What differs each time a page is shown, and the pages found without fault.
_TOKEN, _FINE = re.compile(rb'(?<=name="csrf_token" type="hidden" value=")[^"]*'), set[bytes]()
#: Words of others and things to copy, shown as they are.
_VERBATIM = "[translate=no], .portal-typed, code, kbd, pre, textarea, output"


def complaints_of(tree: Any, response: TestResponse) -> list[str]:
    """Return all that is wrong with a page; one without fault, but for its token, is not read again."""
    text = _TOKEN.sub(b"", response.get_data())
    if text in _FINE:
        return list(_headers(response))
    checks = (_structure, _references, _names, _forms, _fields, _errors, _no_inline_code, _typography)
    found = [complaint for check in checks for complaint in check(tree)]
    if not found:
        _FINE.add(text)
    return [*_headers(response), *found]


def _headers(response: TestResponse) -> Iterator[str]:
    for name, wanted in _HEADERS.items():
        if response.headers.get(name) != wanted:
            yield f"header {name} is {response.headers.get(name)!r}, not {wanted!r}"
    policy = response.headers.get("Content-Security-Policy", "")
    yield from (f"content policy lacks {rule}" for rule in _POLICY if rule not in policy)
    if "unsafe" in policy:
        yield f"content policy allows what is unsafe: {policy}"
    if "Permissions-Policy" not in response.headers:
        yield "no Permissions-Policy"
    for cookie in response.headers.getlist("Set-Cookie"):
        if cookie.startswith("remember_token=;"):  # a host's Flask-Login removes its own
            continue
        yield from (f"cookie without {flag}: {cookie[:60]}" for flag in ("HttpOnly", "SameSite=") if flag not in cookie)


def _structure(tree: Any) -> Iterator[str]:
    if tree.get("lang") not in {"fr", "en"}:
        yield f"html lang is {tree.get('lang')!r}"
    headings = tree.xpath("//h1")
    if len(headings) != 1:
        yield f"{len(headings)} h1"
    title = plain(tree.findtext(".//title") or "")
    h1 = plain(headings[0].text_content()) if headings else ""
    error = "Erreur : " if tree.get("lang") == "fr" else "Error : "
    starts = [error + h1] if _summary(tree) is not None else [h1, error + h1]
    if not h1 or not title.startswith(tuple(starts)):
        yield f"title «{title}» does not begin with «{' or '.join(starts)}»"
    levels = [int(h.tag[1]) for h in tree.xpath("//h1|//h2|//h3|//h4|//h5|//h6")]
    jumps = [(low, high) for low, high in zip(levels, levels[1:], strict=False) if high > low + 1]
    yield from (f"h{low} is followed by h{high}" for low, high in jumps)
    for landmark in ("header", "main", "footer"):
        count = len(tree.xpath(f"//body/{landmark}|//body/div/{landmark}"))
        if count != 1:
            yield f"{count} landmarks <{landmark}>"
    first = next(iter(tree.xpath("//body//a|//body//button|//body//input")), None)
    main = next(iter(tree.xpath("//main")), None)
    if first is None or main is None or first.get("href") != f"#{main.get('id')}":
        yield "the first thing to reach is no link to the main content"


def _references(tree: Any) -> Iterator[str]:
    ids = Counter(tree.xpath("//@id"))
    yield from (f"id {name!r} stands {count} times" for name, count in ids.items() if count > 1)
    for attribute in _REFERENCES:
        for node in tree.xpath(f"//*[@{attribute}]"):
            missing = [name for name in node.get(attribute).split() if name not in ids]
            yield from (f"{attribute}={name!r} names nothing" for name in missing)
    for node in tree.xpath("//a[starts-with(@href, '#')]"):
        if node.get("href")[1:] not in ids:
            yield f"link to {node.get('href')} leads nowhere"
    for node in tree.xpath("//*[@src]|//link[@href]"):
        address = node.get("src") or node.get("href")
        if not address.startswith(("/", "data:image/")) or address.startswith("//"):
            yield f"{node.tag} loads {address} from elsewhere"


def _names(tree: Any) -> Iterator[str]:
    for node in tree.xpath("//input|//select|//textarea"):
        if node.get("type") not in {"hidden", "submit", "button"} and not _is_inert(node) and not plain(name_of(node)):
            yield f"control {node.get('name')!r} has no label"
    for node in tree.xpath("//a[@href]|//button|//fieldset|//summary"):
        if node.get("hidden") is None and not plain(name_of(node)):
            yield f"<{node.tag}> has no name: {_outline(node)}"
    for node in tree.xpath("//input[@type='radio']"):
        if not node.xpath("ancestor::fieldset/legend"):
            yield f"answers {node.get('name')!r} stand in no group with a question"
    yield from (f"picture without alternative: {_outline(i)}" for i in tree.xpath("//img[not(@alt)]"))
    for node in tree.xpath("//svg[not(@aria-hidden='true')]"):
        if node.get("role") != "img" or not (node.get("aria-label") or node.get("aria-labelledby")):
            yield f"drawing neither hidden nor named: {_outline(node)}"


def _forms(tree: Any) -> Iterator[str]:
    for form in tree.xpath("//form"):
        where = f"form {form.get('action') or ''!r}"
        if _is_inert(form):
            continue
        tokens = form.xpath(".//input[@type='hidden' and @name='csrf_token']/@value")
        if "/desabonnement/" in form.get("action", ""):  # its link is its token, and it needs no cookie
            continue
        if (form.get("method") or "").lower() == "post" and not (len(tokens) == 1 and tokens[0]):
            yield f"{where} has {len(tokens)} CSRF tokens"
        typed = form.xpath(".//input[not(@type='hidden' or @type='submit')]|.//select|.//textarea")
        if typed and form.get("novalidate") is None:
            yield f"{where} lacks novalidate"
        passwords = form.xpath(".//input[@type='password']")
        names = form.xpath(".//input[@autocomplete='username']")
        if passwords and len(names) != 1:
            yield f"{where} asks a password, and names {len(names)} owners for password managers"
        if not form.xpath(".//button|.//input[@type='submit']"):
            yield f"{where} has no button"
    buttons = [b for b in tree.cssselect("main .portal-button") if not _is_inert(b)]
    filled = [b for b in buttons if "portal-button--" not in b.get("class")]
    if len(filled) > 1:
        yield f"{len(filled)} filled buttons: {[plain(name_of(b)) for b in filled]}"


def _fields(tree: Any) -> Iterator[str]:
    for node in tree.xpath("//input|//textarea"):
        kind = node.get("type") or "text"
        is_limited = node.get("maxlength") or node.get("pattern")
        wrong = {
            "is of type number": kind == "number",
            "limits what is typed": node.get("inputmode") == "numeric" and is_limited,
            "has a placeholder": node.get("placeholder"),
            "has no autocomplete": kind in {"password", "email"} and not node.get("autocomplete"),
            "shows a password in the page's source": kind == "password" and node.get("value"),
        }
        if not _is_inert(node):
            yield from (f"field {node.get('name')!r} {fault}" for fault, is_so in wrong.items() if is_so)


def _errors(tree: Any) -> Iterator[str]:
    """Check that each item of the summary leads to its field, which says the same words (U22, U23).

    A refusal of two fields together is tied to both and marks neither (U25).
    """
    summary = _summary(tree)
    for link in summary.xpath(".//li//a[starts-with(@href, '#')]") if summary is not None else ():
        target = next(iter(tree.xpath("//*[@id=$i]", i=link.get("href")[1:])), None)
        if target is None:
            continue
        controls = [target, *target.xpath("ancestor::fieldset[1]")]
        if set((target.get("aria-describedby") or "").split()) & set(summary.xpath("descendant-or-self::*/@id")):
            continue
        if not any(node.get("aria-invalid") == "true" for node in controls):
            yield f"{link.get('href')} is refused but not marked aria-invalid"
        if not any(plain(link.text_content()) in plain(text) for node in controls for text in described_by(node)):
            yield f"the words «{plain(link.text_content())}» do not stand beside their field"


def _no_inline_code(tree: Any) -> Iterator[str]:
    yield from (f"inline script: {_outline(n)}" for n in tree.xpath("//script") if not n.get("src") or n.text)
    yield from (f"inline style: {_outline(n)}" for n in tree.xpath("//style|//*[@style]"))
    for node in tree.iter():
        if isinstance(node.tag, str):
            yield from (f"{name}= on {_outline(node)}" for name in node.attrib if name.startswith("on"))
    yield from ("a javascript: address" for a in tree.xpath("//@href|//@action") if a.lower().startswith("javascript:"))


def _typography(tree: Any) -> Iterator[str]:
    if tree.get("lang") != "fr":
        return
    yield from typography_faults(visible_text(tree.body, skip=f"{_VERBATIM}, [lang=en]"))
    for attribute in ("title", "alt", "aria-label"):
        for node in tree.xpath(f"//*[@{attribute}][not(ancestor-or-self::*[@lang='en'])]"):
            yield from typography_faults(node.get(attribute))
    yield from typography_faults(tree.findtext(".//title") or "")


def typography_faults(text: str) -> Iterator[str]:
    """Yield what breaks French typography, with the words around it."""
    text = re.sub(r"https?://\S+|\S+@\S+", "…", text)
    for pattern, rule in (
        (r"'", "straight apostrophe"),
        (r"(?<![\u00a0\u202f;!?])[;!?]", "no unbreakable space before"),
        (r"(?<![\u00a0\u202f])[:»]", "no unbreakable space before"),
        (r"«(?![\u00a0\u202f])", "no unbreakable space after"),
        (r"[0-9] (?:h|€|%)(?!\w)|\bh [0-9]", "breakable space in"),
        (r"\.\.\.", "three full stops"),
    ):
        for found in re.finditer(pattern, text):
            around = text[max(0, found.start() - 25) : found.end() + 25].replace("\n", "⏎")
            yield f"{rule} {found[0]!r}: «{around}»"


def _summary(tree: Any) -> Any:
    return next(iter(tree.cssselect("main .portal-alert--error[role=alert]")), None)


def _is_inert(node: Any) -> bool:
    """Tell whether a node belongs to a figure of a form."""
    return bool(node.xpath("ancestor-or-self::*[@inert]")) or node.get("disabled") is not None


def _outline(node: Any) -> str:
    return f"<{node.tag} {' '.join(f'{k}={v!r}' for k, v in node.attrib.items())}>"[:120]
