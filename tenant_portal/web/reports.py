"""Where browsers report what the content policy has stopped: a line in the log, and nothing kept (ASVS 3.4.7)."""

import re

from flask import Blueprint, abort, current_app, request

from ..settings import state

screen = Blueprint("reports", __name__)

#: What is read of a report, and how many different ones a process writes down: anybody can send them.
REPORT_BYTES_MAX = 8 * 1024
REPORTS_MAX = 100
_KINDS = {"application/csp-report", "application/reports+json"}
# A rule's name, and a keyword or an origin: the rest of an address may be personal. The text is anybody's, so it is
# searched rather than taken apart.
_RULE = re.compile(r'"effective-?directive"\s{0,9}:\s{0,9}"([a-z-]{1,40})"', re.I)
_BLOCKED = re.compile(r'"blocked-?ur[il]"\s{0,9}:\s{0,9}"([a-z-]{1,40}(?:://[a-z0-9.:-]{1,100})?)', re.I)


@screen.post("/rapport-de-securite")
def rapport():
    """Write down which rule stopped what, each pair once."""
    if request.mimetype not in _KINDS:  # a form of another site cannot send these without being asked first
        abort(400)
    text = request.get_data()[:REPORT_BYTES_MAX].decode("latin-1")
    noted = state.cache.setdefault("policy_reports", set())
    for rule, blocked in zip(_RULE.findall(text), _BLOCKED.findall(text), strict=False):
        if (rule, blocked) not in noted and len(noted) < REPORTS_MAX:
            noted.add((rule, blocked))
            current_app.logger.warning("content policy: %s stopped %s", rule, blocked)
    return "", 204
