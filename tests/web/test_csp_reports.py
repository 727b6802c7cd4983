"""X23: anybody can send reports of the content policy, so the log takes few."""

import json
import logging
from typing import Any

import pytest
from flask import Flask

from ..conftest import Clock, MakeApp
from ..support.portal_client import Portal

pytestmark = pytest.mark.security

OURS = "http://localhost/espace?secret"
SILENCE = "content policy: no more reports are written down for an hour"
LINES = 20


def csp_report(blocked: Any = "https://evil.example/x.js?secret", *, rule: Any = "img-src", page: Any = OURS) -> str:
    return json.dumps({"csp-report": {"document-uri": page, "effective-directive": rule, "blocked-uri": blocked}})


def address_on(browser: Portal) -> str:
    """Return where a page sends its reports."""
    return browser.http.get("/connexion").headers["Reporting-Endpoints"].split('"')[1]


def send(browser: Portal, said: str | bytes, kind: str = "application/csp-report", *, address: str = "") -> None:
    assert browser.http.post(address or address_on(browser), data=said, content_type=kind).status_code == 204


@pytest.mark.every_home
def test_browser_reports_what_the_policy_stopped_and_the_log_stays_short(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        send(portal, csp_report(rule="script-src-elem"))
    assert caplog.messages == ["content policy: script-src-elem stopped https://evil.example"]
    body = {"documentURL": OURS, "blockedURL": "inline", "effectiveDirective": "style-src-attr"}
    said = json.dumps([{"type": "csp-violation", "body": body}])
    send(portal, said, "application/reports+json")
    assert caplog.messages[1:] == ["content policy: style-src-attr stopped inline"]
    send(
        portal,
        json.dumps(
            {"csp-report": {"document-uri": OURS, "violated-directive": "img-src 'self'", "blocked-uri": "data"}}
        ),
    )
    assert caplog.messages[2:] == ["content policy: img-src stopped data"]
    address = address_on(portal)
    assert portal.http.post(address, data=said, content_type="text/plain").status_code == 204


@pytest.mark.every_home
def test_invented_reports_silence_the_log_until_the_next_hour_alone(
    app: Flask, portal: Portal, caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    caplog.set_level(logging.WARNING)
    address = address_on(portal)
    for hour in range(3):
        caplog.clear()
        for number in range(150):
            send(portal, csp_report(f"https://a{number}.example/"), address=address)
        assert len(caplog.messages) == LINES + 1 and caplog.messages[-1] == SILENCE, hour
        assert caplog.messages[0] == "content policy: img-src stopped https://a0.example"
        clock.move(hours=1, minutes=1)
    if app.config["PORTAL_RATE_STORAGE_URI"] == "memory://":
        kept = [key for key in app.extensions["portal"].cache["rate_storage"].storage if "/report" in key]
        assert len(kept) <= LINES + 1


@pytest.mark.every_home
def test_many_reports_in_one_request_are_bounded_too(portal: Portal, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    one = {"documentURL": OURS, "effectiveDirective": "img-src"}
    said = json.dumps([{"body": {**one, "blockedURL": f"https://a{n}.example"}} for n in range(100)])
    send(portal, said, "application/reports+json")
    assert len(caplog.messages) == LINES + 1


NONE_OF_OURS = [
    csp_report(page="https://elsewhere.example/"),
    csp_report(page="http://localhost.evil.example/"),
    csp_report(page="http://localhost:81/"),
    csp_report(page="https://localhost/"),
    csp_report(page="http://localhost@evil.example/"),
    csp_report(page="http://[evil/"),
    csp_report(page=""),
    csp_report(page=None),
    csp_report(page=["http://localhost/"]),
    csp_report(rule="made-up"),
    csp_report(rule="img-src\n2026-11-27 logged_in"),
    csp_report(rule=""),
    csp_report(rule=7),
    csp_report(rule=None),
    csp_report("words of a stranger"),
    csp_report("https://evil.example\nroot"),
    csp_report("https://[::1"),
    csp_report("https://" + "a" * 300),
    csp_report("https://e\u0301vil.example"),
    csp_report("https://\u017fvil.example"),
    csp_report("javascript:alert(1)"),
    csp_report(""),
    csp_report({"a": 1}),
    "",
    "null",
    "7",
    "9" * 5000,
    '"csp-report"',
    "[]",
    "[1, null, [], {}]",
    '{"csp-report": 1}',
    '{"csp-report": []}',
    '[{"body": null}]',
    "[" * 8000,
    '{"a":' * 3000,
    "\0\xff",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    '{"blocked-uri": "x\nroot"}',
    csp_report()[:-5],
    "NaN",
    '{"csp-report": {"document-uri": "\\ud800", "blocked-uri": "\\ud800", "effective-directive": "\\ud800"}}',
]


def test_report_that_is_none_of_ours_is_dropped(portal: Portal, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    address = address_on(portal)
    for said in NONE_OF_OURS:
        for kind in ("application/csp-report", "application/reports+json"):
            send(portal, said, kind, address=address)
            assert caplog.messages == [], said


def test_report_of_a_portal_under_its_public_name_is_taken(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    app = make_app(PORTAL_PUBLIC_URL="https://Espace.Bailleur.example/locataire")
    for page in ("http://espace.bailleur.example/locataire/", "https://espace.bailleur.example/locataire/connexion"):
        base = {"base_url": "https://espace.bailleur.example"}
        kind = "application/csp-report"
        answer = app.test_client().post("/rapport-de-securite", data=csp_report(page=page), content_type=kind, **base)
        assert answer.status_code == 204
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("text/plain", csp_report()),
        ("application/json", csp_report()),
        ("application/x-www-form-urlencoded", "a=%zz&" * 100),
        ("multipart/form-data; boundary=x", "--x"),
        ("application/csp-report", csp_report("https://" + "a" * 100_000)),
        ("application/reports+json; charset=utf-8", "[]"),
        ("application/csp-report", b"\xff" * 70_000),
        ("", ""),
        ("nonsense", b"\x00"),
    ],
)
def test_report_never_leads_to_an_error(
    portal: Portal, caplog: pytest.LogCaptureFixture, kind: str, said: str | bytes
) -> None:
    caplog.set_level(logging.WARNING)
    address = address_on(portal)
    for headers in ({}, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}):
        answer = portal.http.post(address, data=said, content_type=kind, headers=headers)
        assert answer.status_code == 204 and not answer.data
    assert caplog.messages == []
