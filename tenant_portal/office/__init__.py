"""« La gestion »: the landlord's side of the counter.

All its addresses stand here, each with its view and who may see it. What answers them is imported at the first request:
whoever has no staff carries none of its weight. Where somebody works is seen by no view (`clerks.py`).
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

from flask import Blueprint

from ..settings import state
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
    Route("/aide", "help.show"),
    Route("/contrat/<portal_number:number>/delai", "remedies.delay", methods=BOTH),
    Route("/contrat/<portal_number:number>/activation", "remedies.activation", methods=BOTH),
    Route("/contrat/<portal_number:number>/mot-de-passe", "remedies.reset", methods=BOTH),
    Route("/contrat/<portal_number:number>/adresse", "remedies.address", methods=BOTH),
    Route("/contrat/<portal_number:number>/choix", "remedies.choice", methods=BOTH),
    Route("/contrat/<portal_number:number>/deblocage", "remedies.thaw", methods=BOTH),
    Route("/contrat/<portal_number:number>/appareils", "remedies.devices", methods=BOTH),
    Route("/contrat/<portal_number:number>/blocage", "remedies.freeze", methods=BOTH),
    Route("/contrat/<portal_number:number>/retrait", "remedies.detach", methods=BOTH),
    Route("/contrat/<portal_number:number>/remise", "remedies.reattach", methods=BOTH),
    Route("/messages", "messages.queue"),
    Route("/messages/<portal_message:number>", "messages.show"),
    Route("/messages/<portal_message:number>/repondre", "messages.answer", methods=BOTH),
    Route("/messages/<portal_message:number>/annuler", "messages.recall", methods=BOTH),
    Route("/messages/<portal_message:number>/repondu-autrement", "messages.mark", methods=BOTH),
    Route("/messages/<portal_message:number>/clore", "messages.close", methods=BOTH),
    # Accounts of the portal's own; with a host's staff they answer 404.
    Route("/connexion", "entrance.log_in", OPEN, BOTH),
    Route("/connexion/code", "entrance.give_code", OPEN, BOTH),
    Route("/deconnexion", "entrance.log_out", OPEN, BOTH),
    Route("/mot-de-passe-oublie", "entrance.forgotten", OPEN, BOTH),
    Route("/mot-de-passe-oublie/envoye", "entrance.link_sent", OPEN),
    Route("/mot-de-passe/<portal_link:token>", "entrance.open_link", OPEN),
    Route("/mot-de-passe", "entrance.choose_password", OPEN, BOTH),
    Route("/invitation/<portal_link:token>", "invitation.open_link", OPEN),
    Route("/invitation", "invitation.accept", OPEN, BOTH),
    Route("/collegues", "colleagues.overview", OWNER, BOTH),
    Route("/collegues/<portal_number:number>", "colleagues.show", OWNER),
    Route("/collegues/<portal_number:number>/invitation", "colleagues.invite_again", OWNER, BOTH),
    Route("/collegues/<portal_number:number>/role", "colleagues.change_role", OWNER, BOTH),
    Route("/collegues/<portal_number:number>/retrait", "colleagues.remove", OWNER, BOTH),
)


def may_open(view: str, role: str) -> bool:
    """Tell whether there is such a page, and whether that role sees it: menus and links ask."""
    is_there = has_own_accounts() or not view.startswith("colleagues.")
    return is_there and any(route.view == view and (route.role != OWNER or role == OWNER) for route in ROUTES)


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
    office.context_processor(_names)
    return office


def has_own_accounts() -> bool:
    """Tell whether staff log in here, and not in a host."""
    return state.options.get("staff") is None and bool(state.options.get("has_own_staff"))


def _names() -> dict[str, Any]:
    return {
        "office_style_version": stylesheet.digests()["office.css"],
        "has_own_accounts": has_own_accounts(),
        "may_open": may_open,
    }


def _imported_when_asked(route: Route) -> Callable[..., Any]:
    name, _, view = route.view.partition(".")

    def answer(**values: Any) -> Any:
        clerks, screen = import_module(f"{__name__}.clerks"), import_module(f"{__name__}.screens.{name}")
        return clerks.admit(route.role, getattr(screen, view), **values)

    answer.portal_guard = route.role  # type: ignore[attr-defined]
    return answer
