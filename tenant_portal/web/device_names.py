"""The name of a browser as people know it, « Firefox, Android », from what it calls itself.

Each browser claims to be others too, so the first mark found counts. The order is that of `_BROWSERS`.
"""

_BROWSERS = (
    ("DuckDuckGo", ("DuckDuckGo/", " Ddg/")),
    ("Samsung Internet", ("SamsungBrowser/",)),
    ("Opera", ("OPR/", "OPT/", "OPX/", "OPiOS/", "Opera/", "Opera Mini/")),
    ("Vivaldi", ("Vivaldi/",)),
    ("Ecosia", ("Ecosia ", "(Ecosia")),
    ("Qwant", ("QwantMobile/", "QwantiOS/", "QwantBrowser/")),
    ("Silk", ("Silk/",)),
    ("Huawei", ("HuaweiBrowser/",)),
    ("Mi Browser", ("MiuiBrowser/",)),
    ("Yandex", ("YaBrowser/",)),
    ("Google", ("GSA/",)),
    ("Facebook", ("FBAN/", "FBAV/", "FB_IAB/")),
    ("Instagram", ("Instagram ",)),
    ("Edge", ("Edg/", "EdgA/", "EdgiOS/", "Edge/")),
    ("Firefox", ("Firefox/", "FxiOS/", "Focus/", "Klar/")),
    ("Chrome", ("Chrome/", "CriOS/", "Chromium/")),
    ("Safari", ("Safari/",)),
)
#: Android says Linux too, and an iPhone says that it is like Mac OS X.
_SYSTEMS = (
    ("Windows", ("Windows",)),
    ("iPhone", ("iPhone", "iPod")),
    ("iPad", ("iPad",)),
    ("Android", ("Android", "HarmonyOS", "SamsungBrowser/")),
    ("Chrome OS", ("CrOS",)),
    ("Mac", ("Macintosh", "Mac OS X")),
    ("Linux", ("Linux", "X11")),
)
#: An iPad asks for the pages of a Mac; other browsers than Safari still have the marks of its system.
_OF_IPAD = ("CriOS/", "FxiOS/", "EdgiOS/", "OPT/", "OPX/", "OPiOS/", "GSA/", "Mobile/")
_OF_SAFARI = ("iPhone", "iPad", "Mac")


def device_name(user_agent: str) -> str:
    """Return browser and system of a `User-Agent`, or what of it is known."""
    browser, system = (_first(table, user_agent) for table in (_BROWSERS, _SYSTEMS))
    if system == "Mac" and _has(user_agent, _OF_IPAD):
        system = "iPad"
    if browser == "Safari" and system not in _OF_SAFARI:  # what other browsers are built of
        browser = ""
    return ", ".join(name for name in (browser, system) if name)


def _first(table: tuple[tuple[str, tuple[str, ...]], ...], user_agent: str) -> str:
    return next((name for name, marks in table if _has(user_agent, marks)), "")


def _has(user_agent: str, marks: tuple[str, ...]) -> bool:
    return any(mark in user_agent for mark in marks)
