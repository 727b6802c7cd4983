"""Devices are called by the names that people know: browsers as they call themselves, one a line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal.web.device_names import device_name

_APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_CHROMIUM = "AppleWebKit/537.36 (KHTML, like Gecko)"
_WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROMIUM}"
_MAC = f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_CHROMIUM}"
_MAC_APPLE = f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_APPLE}"
_LINUX = f"Mozilla/5.0 (X11; Linux x86_64) {_CHROMIUM}"
_ANDROID = f"Mozilla/5.0 (Linux; Android 10; K) {_CHROMIUM}"
_IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {_APPLE}"
_IPAD = f"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) {_APPLE}"

AGENTS = {
    # Chrome
    f"{_ANDROID} Chrome/131.0.0.0 Mobile Safari/537.36": "Chrome, Android",
    f"{_ANDROID} Chrome/131.0.0.0 Safari/537.36": "Chrome, Android",  # a tablet
    f"{_IPHONE} CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1": "Chrome, iPhone",
    f"{_IPAD} CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1": "Chrome, iPad",
    f"{_MAC_APPLE} CriOS/131 Version/11.1.1 Safari/605.1.15": "Chrome, iPad",  # desktop pages
    f"{_WINDOWS} Chrome/131.0.0.0 Safari/537.36": "Chrome, Windows",
    f"{_MAC} Chrome/131.0.0.0 Safari/537.36": "Chrome, Mac",
    f"{_LINUX} Chrome/131.0.0.0 Safari/537.36": "Chrome, Linux",
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_CHROMIUM} Chrome/131.0.0.0 Safari/537.36": "Chrome, Chrome OS",
    # Firefox
    "Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0": "Firefox, Android",
    "Mozilla/5.0 (Android 14; Tablet; rv:133.0) Gecko/133.0 Firefox/133.0": "Firefox, Android",
    f"{_IPHONE} FxiOS/133.0 Mobile/15E148 Safari/605.1.15": "Firefox, iPhone",
    f"{_IPAD} FxiOS/133.0 Mobile/15E148 Safari/605.1.15": "Firefox, iPad",
    f"{_MAC_APPLE} FxiOS/133.0 Safari/605.1.15": "Firefox, iPad",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0": "Firefox, Windows",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:133.0) Gecko/20100101 Firefox/133.0": "Firefox, Mac",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0": "Firefox, Linux",
    # Edge
    f"{_ANDROID} Chrome/131.0.0.0 Mobile Safari/537.36 EdgA/131.0.0.0": "Edge, Android",
    f"{_IPHONE} Version/17.0 EdgiOS/131.0.2903.68 Mobile/15E148 Safari/604.1": "Edge, iPhone",
    f"{_IPAD} Version/17.0 EdgiOS/131.0.2903.68 Mobile/15E148 Safari/604.1": "Edge, iPad",
    f"{_WINDOWS} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0": "Edge, Windows",
    f"{_WINDOWS} Chrome/70.0.3538.102 Safari/537.36 Edge/18.19582": "Edge, Windows",
    f"{_MAC} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0": "Edge, Mac",
    f"{_LINUX} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0": "Edge, Linux",
    # Safari
    f"{_IPHONE} Version/17.5 Mobile/15E148 Safari/604.1": "Safari, iPhone",
    f"{_IPAD} Version/17.5 Mobile/15E148 Safari/604.1": "Safari, iPad",
    f"{_MAC_APPLE} Version/17.5 Safari/605.1.15": "Safari, Mac",
    # Samsung Internet
    f"{_ANDROID} SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36": "Samsung Internet, Android",
    f"Mozilla/5.0 (Linux; Android 14; SM-S911B) {_CHROMIUM} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari": (
        "Samsung Internet, Android"
    ),
    f"{_LINUX} SamsungBrowser/27.0 Chrome/125.0.0.0 Safari/537.36": "Samsung Internet, Android",  # desktop pages
    # Opera
    f"{_ANDROID} Chrome/130.0.0.0 Mobile Safari/537.36 OPR/86.0.0.0": "Opera, Android",
    f"{_IPHONE} Version/17.5 Mobile/15E148 Safari/604.1 OPT/5.1.0": "Opera, iPhone",
    f"{_IPAD} Version/17.5 Mobile/15E148 Safari/604.1 OPT/5.1.0": "Opera, iPad",
    f"{_WINDOWS} Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0": "Opera, Windows",
    f"{_MAC} Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0": "Opera, Mac",
    f"{_LINUX} Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0": "Opera, Linux",
    "Opera/9.80 (Android; Opera Mini/76.0.2254/191.303; U; fr) Presto/2.12.423 Version/12.16": "Opera, Android",
    # DuckDuckGo
    f"Mozilla/5.0 (Linux; Android 10) {_CHROMIUM} Version/4.0 Chrome/131.0.0.0 Mobile DuckDuckGo/5 Safari/537.36": (
        "DuckDuckGo, Android"
    ),
    f"{_ANDROID} Chrome/131.0.0.0 Mobile Safari/537.36 Ddg/131.0": "DuckDuckGo, Android",
    f"{_IPHONE} Version/17.5 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15": "DuckDuckGo, iPhone",
    f"{_IPHONE} Version/17.5 Mobile/15E148 Safari/604.1 Ddg/17.5": "DuckDuckGo, iPhone",
    f"{_IPAD} Version/17.5 Mobile/15E148 Safari/604.1 Ddg/17.5": "DuckDuckGo, iPad",
    f"{_WINDOWS} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0 Ddg/131.0.0.0": "DuckDuckGo, Windows",
    f"{_MAC_APPLE} Version/17.5 Safari/605.1.15 Ddg/17.5": "DuckDuckGo, Mac",
    # What claims to be one of these
    f"{_LINUX.replace('537.36', '605.1.15')} Version/17.0 Safari/605.1.15": "Linux",  # GNOME's browser
    f"{_IPHONE} GSA/344.0.695 Mobile/15E148 Safari/604.1": "Google, iPhone",
    f"{_ANDROID} Chrome/131.0.0.0 Mobile Safari/537.36 Vivaldi/7.0": "Vivaldi, Android",
    f"{_IPHONE} Mobile/15E148": "iPhone",
    "curl/8.11": "",
    "": "",
}


@pytest.mark.parametrize("agent", AGENTS)
def test_browser_and_system_have_the_names_that_people_know(agent: str) -> None:
    assert device_name(agent) == AGENTS[agent]


@given(st.text())
def test_whatever_a_browser_calls_itself_has_a_short_name(agent: str) -> None:
    assert len(device_name(agent)) < 40
