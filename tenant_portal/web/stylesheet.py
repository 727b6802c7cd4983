"""The style sheet: Pico, ours, and the landlord's colour."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from flask import Response, abort, request

from ..contrast import DARK_GROUND, LIGHT_GROUND, ink, readable
from ..resources import PACKAGE
from ..settings import settings, state

#: Pico's rules for whole pages, and what confines them to `.pico`.
CONFINEMENT = (
    (r":root", ".pico"),
    (r"(?<=\})\*,::after,::before(?=\{)", ":where(.pico,.pico *),:where(.pico) ::after,:where(.pico) ::before"),
    (r"(?<=\})::after,::before(?=\{)", ":where(.pico) ::after,:where(.pico) ::before"),
    (r"(?<=[{},])(?=\[data-theme)", ".pico"),
    (r"(?<=[{},])(?=body\{|main\{|\[type=reset\]\.|\.container|\.grid|\.modal-|:where\((?:nav|\.modal))", ".pico "),
)
#: Confined selectors, or none; and the commas between selectors, not within brackets.
_CONFINED = re.compile(r"\.pico|^:host|^:where\(:host|^@|^(?:from|to|\d+%)$")
_COMMA = re.compile(r",(?![^(]*\))")


def style(version: str) -> Response:
    """Return the style sheet.

    Another version gets 404, or a cache would keep this one for a year under its address.
    """
    if version != sheet_version():
        abort(404)
    is_packed = request.accept_encodings.quality("gzip") > 0
    response = Response(_packed(_sheet()) if is_packed else _sheet(), mimetype="text/css")
    if is_packed:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    response.set_etag(version, weak=True)
    response.make_conditional(request)
    return response


def sheet_version() -> str:
    """Return a digest of the style sheet, for its address."""
    if "style_version" not in state.cache:
        state.cache["style_version"] = hashlib.sha256(_sheet().encode()).hexdigest()[:16]
    return str(state.cache["style_version"])


@lru_cache
def digests() -> Mapping[str, str]:
    """Return a digest of each static file, for its address."""
    files = [path for path in (PACKAGE / "static").iterdir() if path.is_file()]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in files}


def is_for_ever(response: Response) -> bool:
    """Tell whether a response is the version that its address names."""
    if request.endpoint not in {"portal.style", "portal.static"} or response.status_code not in {200, 304}:
        return False
    if request.endpoint == "portal.style":
        return True
    version = digests().get((request.view_args or {}).get("filename", ""))
    return version is not None and request.args.get("v") == version


def logo_origin() -> str:
    """Return the origin of an external logo, for the content policy."""
    parts = urlsplit(settings.logo_url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _sheet() -> str:
    if "style_sheet" not in state.cache:
        files = [_pico(), _static("portal.css")]
        brand = settings.brand_colour
        light, dark = readable(brand, LIGHT_GROUND), readable(brand, DARK_GROUND)
        files.append(
            f".portal{{--portal-brand-light:{light};--portal-brand-dark:{dark};"
            f"--portal-on-light:{ink(light)};--portal-on-dark:{ink(dark)}}}"
        )
        state.cache["style_sheet"] = "\n".join(files)
    sheet: str = state.cache["style_sheet"]
    return sheet


@lru_cache(maxsize=4)
def _packed(sheet: str) -> bytes:
    return gzip.compress(sheet.encode(), mtime=0)


def _static(filename: str) -> str:
    return (PACKAGE / "static" / filename).read_text(encoding="utf-8")


@lru_cache
def _pico() -> str:
    css = _static("pico.conditional.min.css")
    for pattern, words in CONFINEMENT:
        css = re.sub(pattern, words, css)
    return re.sub(
        r"(?<![^{}])[^{}]++(?=\{)", lambda found: ",".join(_inside(one) for one in _COMMA.split(found[0])), css
    )


def _inside(selector: str) -> str:
    """Return a selector confined to `.pico`, with the same specificity."""
    return selector if _CONFINED.search(selector) else f":where(.pico) {selector}"
