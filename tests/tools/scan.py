"""`make scan`: wapiti and sqlmap against a portal of its own, as a stranger and as a tenant.

Both are bounded in time; exit code 1 when either finds something. Guesses are not slowed down, which would hide faults.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from tenant_portal import create_app
from tenant_portal.mail import outbox
from tests.support.paths import ROOT

from ..conftest import SETTINGS
from ..support.live import COMMANDS, Live, serve
from ..support.people import Roster, open_account
from ..support.portal_client import Portal
from ..support.post import Mailbox, PostOffice
from ..web.test_fuzz import FoundForm, forms_of

TOOLS = ROOT / "build" / "scan" / "bin"
#: Other modules fetch lists or wait for calls.
MODULES = (
    "backup,cookieflags,crlf,csp,csrf,exec,file,http_headers,methods,permanentxss,redirect,shellshock,sql,timesql,xss"
)
#: Seconds for a scan, for a module, and for a form.
WAPITI_SECONDS, MODULE_SECONDS, FORM_SECONDS = 120, 20, 60
#: What only HTTPS puts right; `test_security_headers.py` looks at these.
NOT_WITHOUT_HTTPS = {"Secure Flag cookie", "HTTP Strict Transport Security (HSTS)"}
#: What would end a scan.
NOT_TO_PRESS = ("/deconnexion", "/espace/compte/fermeture")


def main() -> int:
    with tempfile.TemporaryDirectory() as name, PostOffice() as office:
        folder = Path(name)
        own = {"SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder}/portal.sqlite3", "PORTAL_DATA_DIR": str(folder)}
        settings = {**SETTINGS, **own, "TESTING": False, "MAIL_PORT": office.port, "PORTAL_THROTTLE": False}
        app = create_app(settings)
        app.test_cli_runner().invoke(args=["portal", "db", "upgrade"], catch_exceptions=False)
        with app.app_context():
            box = Mailbox(office, lambda: outbox.deliver_due(now=True), landlord=SETTINGS["PORTAL_LANDLORD_EMAIL"])
            tenant = open_account(Portal(app), box, Roster(app, folder).add()).browser
        stranger = Portal(app)
        for browser, page in ((stranger, "/"), (tenant, "/espace")):
            browser.get(page)
        with serve(COMMANDS["granian"], folder, settings) as live:
            found = [
                *(finding for who in (stranger, tenant) for finding in wapiti(live, who, folder)),
                *(finding for who in (stranger, tenant) for finding in sqlmap(live, who, folder)),
            ]
            if "Traceback" in live.said():
                found.append(f"the server stumbled:\n{live.said()}")
    print("\n".join(found) or "no finding", flush=True)
    return 1 if found else 0


def wapiti(live: Live, browser: Portal, folder: Path) -> list[str]:
    """Attack all that can be reached; return the findings."""
    report, address = folder / "wapiti.json", f"http://127.0.0.1:{live.port}"
    report.unlink(missing_ok=True)
    run(
        *("wapiti", "-u", f"{address}{browser.page.path}", "--scope", "domain", "-m", MODULES),
        *(part for path in NOT_TO_PRESS for part in ("-x", f"{address}{path}")),
        *("-H", f"Cookie: {cookies_of(browser)}", "--flush-session", "--no-bugreport", "--store-session", str(folder)),
        *("--max-scan-time", str(WAPITI_SECONDS), "--max-attack-time", str(MODULE_SECONDS)),
        *("-f", "json", "-o", str(report)),
        seconds=WAPITI_SECONDS * 2,
    )
    said = json.loads(report.read_text(encoding="utf-8"))
    crawled = said["infos"]["crawled_pages_nbr"]
    print(f"wapiti, from {browser.page.path}: {crawled} pages and forms", flush=True)
    if crawled < 5:
        return ["wapiti has hardly crawled anything"]
    return [
        f"wapiti: {kind}: {row['method']} {row['path']} {row['info']}"
        for group in ("vulnerabilities", "anomalies")
        for kind, rows in said[group].items()
        if kind not in NOT_WITHOUT_HTTPS
        for row in rows
    ]


def sqlmap(live: Live, browser: Portal, folder: Path) -> list[str]:
    """Try injections in every field; return the findings."""
    found = []
    for form in forms_of(browser):
        fields = [name for name, _ in form.fields if name != "csrf_token"]
        if not fields or form.action in NOT_TO_PRESS:
            continue
        said = run(
            *("sqlmap", "-u", f"http://127.0.0.1:{live.port}{form.action}", "--data", body_of(form)),
            *("-p", ",".join(fields), "--cookie", cookies_of(browser), "--drop-set-cookie", "--batch"),
            *("--flush-session", "--output-dir", str(folder / "sqlmap"), "--dbms", "sqlite", "--threads", "4"),
            *("--technique", "BEU", "--level", "1", "--risk", "2", "--disable-coloring"),
            seconds=FORM_SECONDS,
        )
        print(f"sqlmap: {form.action} ({', '.join(fields)})", flush=True)
        if "identified the following injection point" in said:
            found.append(f"sqlmap: {form.action}\n{said}")
        elif "testing" not in said:
            found.append(f"sqlmap has tried nothing at {form.action}:\n{said}")
    return found


def body_of(form: FoundForm) -> str:
    """Return a body with a digit in each empty field."""
    return urlencode([(name, value or "1") for name, value in form.fields])


def cookies_of(browser: Portal) -> str:
    return "; ".join(f"{cookie.key}={cookie.value}" for cookie in browser.http._cookies.values())


def run(program: str, *arguments: str, seconds: int) -> str:
    """Run a scanner; one that takes too long is ended."""
    try:
        done = subprocess.run(
            [str(TOOLS / program), *arguments], capture_output=True, text=True, errors="replace", timeout=seconds
        )
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode(errors="replace")
    return done.stdout + done.stderr


if __name__ == "__main__":
    sys.exit(main())
