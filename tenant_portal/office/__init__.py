"""« La gestion »: the landlord's side of the counter.

All its addresses stand here, each with its view and who may see it. What answers them is imported at the first request:
whoever has no staff carries none of its weight. Where somebody works is seen by no view (`clerks.py`).
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

from flask import Blueprint

from ..web import stylesheet

#: Who may see a page: the daily work; colleagues, lists and requests by law; whoever wants to log in.
OFFICE, OWNER, OPEN = "office", "owner", "open"
PREFIX = "/gestion"


class Route(NamedTuple):
    """An address below `/gestion`, and the function of `screens/` that answers, as `contract.show`."""

    rule: str
    view: str
    role: str = OFFICE
    methods: tuple[str, ...] = ("GET",)


#: For an act, which is a form's POST; its address alone leads back to the form's page.
GET, POST, BOTH = ("GET",), ("POST",), ("GET", "POST")

ROUTES = (
    Route("", "todo.show"),
    Route("/chercher", "find.show", methods=BOTH),
    Route("/contrat/<portal_number:number>", "contract.show"),
    Route("/contrat/<portal_number:number>/demande-acces", "access_request.show", OWNER, BOTH),
    Route("/demandes-acces", "access_request.past", OWNER),
    Route("/journal", "journal.show", OWNER),
)


def may_open(view: str, role: str) -> bool:
    """Tell whether there is such a page, and whether that role sees it: menus and links ask."""
    return any(route.view == view and (route.role != OWNER or role == OWNER) for route in ROUTES)


def new_screens() -> Blueprint:
    """Return the blueprint of all pages of la gestion, each screen a blueprint of its own within."""
    office = Blueprint("office", __name__, url_prefix=PREFIX)
    screens: dict[str, Blueprint] = {}
    for route in ROUTES:
        name, _, view = route.view.partition(".")
        screen = screens.setdefault(name, Blueprint(name, __name__))
        screen.add_url_rule(route.rule, view, _imported_when_asked(route), methods=route.methods)
    for screen in screens.values():
        office.register_blueprint(screen)
    office.context_processor(lambda: {"office_style_version": stylesheet.digests()["office.css"], "may_open": may_open})
    return office


def _imported_when_asked(route: Route) -> Callable[..., Any]:
    name, _, view = route.view.partition(".")

    def answer(**values: Any) -> Any:
        clerks, screen = import_module(f"{__name__}.clerks"), import_module(f"{__name__}.screens.{name}")
        return clerks.admit(route.role, getattr(screen, view), **values)

    answer.portal_guard = route.role  # type: ignore[attr-defined]
    return answer
