"""What a page says: visible text, names and descriptions of controls."""

import re
from typing import Any

_IN_A_LINE = frozenset({"a", "abbr", "b", "cite", "code", "em", "i", "kbd", "mark", "q", "small", "span", "strong"})
_IN_A_LINE |= {"sub", "sup", "svg", "path", "time", "wbr", "img", "input", "output", "data"}
_UNSEEN = frozenset({"script", "style", "template", "head", "title"})


def plain(text: str) -> str:
    """Return a text with plain spaces and apostrophes, for comparison."""
    text = re.sub(r"[\u00a0\u202f]", " ", text).replace("’", "'").replace("\u00ad", "")
    return re.sub(r" ?([;!?»]|:(?!//))", r" \1", re.sub(r"« ?", "« ", " ".join(text.split()))).replace("  ", " ")


def visible_text(node: Any, *, skip: str = "") -> str:
    """Return what a person reads, a line for each block; `skip` is a CSS selector."""
    left_out = set(node.cssselect(skip)) if skip else set()
    parts: list[str] = []

    def walk(element: Any) -> None:
        if not isinstance(element.tag, str) or element.tag in _UNSEEN or element in left_out:
            return
        if element.get("hidden") is not None:
            return
        is_block = element.tag not in _IN_A_LINE
        parts.append("\n" if is_block else "")
        parts.append(_one_line(element.text))
        for child in element:
            walk(child)
            parts.append(_one_line(child.tail))
        parts.append("\n" if is_block else "")

    walk(node)
    lines = (re.sub(r"[ \t]+", " ", line).strip(" \t") for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line)


def name_of(node: Any) -> str:
    """Return the accessible name of a control, a link, a button or a group."""
    if node.get("aria-label"):
        return str(node.get("aria-label"))
    if node.get("aria-labelledby"):
        return " ".join(_by_ids(node, "aria-labelledby"))
    if node.tag == "fieldset":
        return "".join(legend.text_content() for legend in node.xpath("./legend"))
    if node.tag in {"input", "select", "textarea"}:
        if node.get("type") in {"submit", "button"}:
            return str(node.get("value") or "")
        labels = [lb for lb in node.getroottree().iter("label") if node.get("id") and lb.get("for") == node.get("id")]
        labels = labels or list(node.iterancestors("label"))
        return " ".join(visible_text(label).replace("\n", " ") for label in labels)
    return visible_text(node).replace("\n", " ") or " ".join(i.get("alt") or "" for i in node.iter("img"))


def described_by(node: Any, css: str = "*") -> list[str]:
    """Return the texts that describe a control."""
    ids = (node.get("aria-describedby") or "").split()
    found = [e for wanted in ids for e in node.getroottree().xpath("//*[@id=$wanted]", wanted=wanted)]
    return [e.text_content() for e in found if css == "*" or e in set(node.getroottree().getroot().cssselect(css))]


def _by_ids(node: Any, attribute: str) -> list[str]:
    root = node.getroottree()
    ids = (node.get(attribute) or "").split()
    return [e.text_content() for wanted in ids for e in root.xpath("//*[@id=$wanted]", wanted=wanted)]


def _one_line(text: str | None) -> str:
    return re.sub(r"[ \t\r\n\f]+", " ", text or "")
