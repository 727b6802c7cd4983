"""Who is asking: the login manager, ours or the host's, sees a tenant only inside the portal's own pages."""

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import (
    Flask,
    Request,
    Response,
    abort,
    after_this_request,
    current_app,
    g,
    redirect,
    request,
    session,
    url_for,
)
from flask_login import LoginManager, UserMixin, current_user
from werkzeug.exceptions import HTTPException, TooManyRequests
from werkzeug.routing import RequestRedirect

from ..accounts import sessions, signed_links
from ..db import utcnow
from ..errors import ConfigError
from ..rules import origin_of
from ..settings import settings, state
from . import concurrency
from .request_guards import read_whole

_ID_PREFIX = "portal:"
_YEAR = 365 * 24 * 3600
# What a browser calls itself, and what people call it; the first mark found counts, as each claims to be others too.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


class Tenant(UserMixin):
    """A logged-in tenant, as Flask-Login knows him: his id names the session row, not the account.

    For Flask-Login he is a stranger: whatever a host grants to `current_user.is_authenticated`, in a hook or a layout
    that runs on our pages too, is meant for its own people. Who the tenant is, only `current_tenant` tells.
    """

    is_authenticated = False
    is_anonymous = True

    def __init__(self, token: str, session: sessions.Session, *, is_fresh: bool) -> None:
        self.token, self.session, self.is_fresh = token, session, is_fresh

    def get_id(self) -> str:
        """Return the id that the session cookie keeps."""
        return _ID_PREFIX + self.token


def adopt(app: Flask) -> None:
    """Take the host's login manager, or make one, and put our loaders before the host's."""
    manager: LoginManager | None = getattr(app, "login_manager", None)
    if manager is None:
        manager = LoginManager()
        manager.session_protection = None  # the session row on the server protects, not a hash of the browser's name
        manager.init_app(app, add_context_processor=False)
    host_user, host_request = manager.user_callback, manager.request_callback

    def load_user(user_id: str) -> Any:
        if str(user_id).startswith(_ID_PREFIX):
            return _from_session(str(user_id).removeprefix(_ID_PREFIX)) if _is_ours() else None
        return host_user(user_id) if host_user else None

    def load_request(asked: Request) -> Any:
        if _is_ours():
            return _from_remembered(_remembered_token(asked))
        return host_request(asked) if host_request else None

    manager.user_loader(load_user)
    manager.request_loader(load_request)
    app.extensions["portal"].cache["loaders"] = (manager, load_user, load_request)


def check_loaders() -> None:
    """Raise `ConfigError` when something has taken the place of our loaders since `adopt`.

    A host's loader that met one of our ids could take a tenant for a member of staff, so no page is shown then.
    """
    manager = getattr(current_app, "login_manager", None)
    found = (manager, getattr(manager, "user_callback", None), getattr(manager, "request_callback", None))
    if found != state.cache["loaders"]:
        raise ConfigError(
            ["the login manager was set up after the portal: create it, and its user_loader, before TenantPortal(app)"]
        )


def log_in(account_id: int, *, remember: bool) -> None:
    """Start a session for the account on this device, in a session cookie that holds nothing from before."""
    device = mark_device()
    token = sessions.start(account_id, device=device, device_name=device_name(), remember=remember)
    _forget_session()
    g.pop("_login_user", None)  # who asks from now on is read from the session
    # What `login_user` would store; it would also tell a host's listeners, who take each user for one of the host's.
    manager: Any = current_app.login_manager  # type: ignore[attr-defined]
    session.update(_user_id=_ID_PREFIX + token, _fresh=True, portal_seen=_minutes_now())
    if current_app.config.get("SESSION_PROTECTION", manager.session_protection):  # each request is compared
        session.update(_id=manager._session_identifier_generator())
    session[_form_token_key()] = secrets.token_hex()  # or the page behind the login would send the cookie once more
    if remember:
        set_cookie("remember", signed_links.seal("remember", token), int(settings.remember_days.total_seconds()))
    elif cookie_name("remember") in request.cookies:
        set_cookie("remember", "", 0)


def log_out() -> None:
    """End the session on the server and take its cookies back."""
    tenant = current_tenant()
    if tenant is not None:
        sessions.end(tenant.token)
    remembered = _remembered_token(request)
    if remembered:
        sessions.end(remembered)
    _forget_session()
    g.pop("_login_user", None)
    set_cookie("remember", "", 0)


def current_tenant() -> Tenant | None:
    """Return the tenant of this request, if he is logged in and his time is not over.

    Raises 429 where his account has too many requests in progress; for the page that says so he is a stranger.
    """
    if not _is_ours() or ("_user_id" not in session and cookie_name("remember") not in request.cookies):
        return None
    user = current_user._get_current_object()
    if not isinstance(user, Tenant):
        return None
    if "portal_counted" not in g:
        if not concurrency.running().enter(user.session.account_id):
            be_stranger()
            raise TooManyRequests(retry_after=concurrency.RETRY_SECONDS)
        g.portal_counted = user.session.account_id
    return user


def leave_account() -> None:
    """Count this request of an account as answered; called at the end of each request, whatever came of it."""
    account_id = g.pop("portal_counted", None)
    if account_id is not None:
        concurrency.running().leave(account_id)


def be_stranger() -> None:
    """Take the visitor for a stranger until the end of the request: who he is stands in a database out of reach."""
    manager: Any = current_app.login_manager  # type: ignore[attr-defined]
    g._login_user = manager.anonymous_user()


def session_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let only logged-in tenants in, by their sessions; the others log in first and come back."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        tenant = current_tenant()
        if tenant is None:
            return redirect(url_for("portal.login.connexion", suite=request.path if request.method == "GET" else None))
        return view(tenant.session, *args, **kwargs)

    guarded.portal_guard = "account"  # type: ignore[attr-defined]
    return guarded


def account_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let only logged-in tenants in, by their accounts; the others log in first and come back."""

    @session_required
    @wraps(view)
    def guarded(session: sessions.Session, *args: Any, **kwargs: Any) -> Any:
        return view(session.account, *args, **kwargs)

    return guarded


def staff_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let in only whom the host's `staff` names; for everybody else the page does not exist.

    Where both share one login, whoever is a tenant is no member of staff: a host that asks no more than «is somebody
    logged in» must not be asked about him.
    """

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        who = state.options.get("staff")
        is_tenant = not state.options.get("owns_session") and current_tenant() is not None
        name = who() if who is not None and not is_tenant else None
        if not name:
            abort(404)
        return view(str(name), *args, **kwargs)

    guarded.portal_guard = "staff"  # type: ignore[attr-defined]
    return guarded


def next_page(wanted: str | None) -> str:
    """Return where to go after a login: the page asked for, if it is one of the tenant's own, else his home.

    The address is built anew from our own map, so nothing that was typed can lead elsewhere. One with a number may be a
    file, after which the browser would still show the login.
    """
    home = url_for("portal.space.espace")
    if not wanted:
        return home
    root = request.root_path.rstrip("/")
    try:
        path = urlsplit(wanted).path
        endpoint, values = current_app.url_map.bind_to_environ(request.environ).match(
            path.removeprefix(root), method="GET"
        )
    except (ValueError, HTTPException, RequestRedirect):
        return home
    is_tenants = getattr(current_app.view_functions[endpoint], "portal_guard", None) == "account"
    return url_for(endpoint) if is_tenants and not values else home


def same_page(*, without: str) -> str:
    """Return the address of the present page, without one of its parameters, built anew from our own map."""
    query = urlencode([(name, value) for name, value in request.args.items(multi=True) if name != without])
    address = url_for(request.endpoint or "", **(request.view_args or {}))
    return f"{address}?{query}" if query else address


def device_mark() -> str:
    """Return the mark that we gave this browser at an earlier login, or nothing: one that was made up is none (X12)."""
    return signed_links.unseal("device", request.cookies.get(cookie_name("device"), ""))


def device_name() -> str:
    """Return the name of this request's browser as a person knows it, « Firefox, Android », or nothing."""
    agent = request.user_agent.string
    names = [next((name for mark, name in table if mark in agent), "") for table in (_BROWSERS, _SYSTEMS)]
    return ", ".join(name for name in names if name)


def mark_device() -> str:
    """Return this browser's mark, giving it one for a year if it has none."""
    device = device_mark() or secrets.token_urlsafe(sessions.TOKEN_BYTES)
    set_cookie("device", signed_links.seal("device", device), _YEAR)
    return device


def origin() -> str:
    """Return the address of origin of this request, as counters use it."""
    return origin_of(request.remote_addr)


def cookie_name(what: str) -> str:
    """Return the name of one of our cookies; with HTTPS at the root of a host the browser guards its origin too."""
    if "cookie_prefix" not in state.cache:
        is_whole_host = _cookie_path() == "/"
        state.cache["cookie_prefix"] = ("__Host-" if is_whole_host else "__Secure-") if settings.is_https else ""
    return f"{state.cache['cookie_prefix']}portal_{what}"


def _cookie_path() -> str:
    return (urlsplit(settings.public_url).path + settings.url_prefix) or "/"


def set_cookie(what: str, value: str, seconds: int) -> None:
    """Set one of our cookies with the answer, for our own pages only."""

    @after_this_request
    def add(response: Response) -> Response:
        response.set_cookie(
            cookie_name(what),
            value,
            max_age=seconds,
            path=_cookie_path(),
            secure=settings.is_https,
            httponly=True,
            samesite="Lax",
        )
        return response


def _is_ours() -> bool:
    return bool(request) and (request.blueprint or "").split(".")[0] == "portal"


def _from_session(token: str) -> Tenant | None:
    read_whole()
    idle = _minutes_now() - int(session.get("portal_seen", 0))
    if idle * 60 > settings.session_idle_minutes.total_seconds():
        return None
    row = sessions.check(token)
    if row is None:
        return None
    if idle:
        session["portal_seen"] = _minutes_now()
    return Tenant(token, row, is_fresh=True)


def _remembered_token(asked: Request) -> str:
    return signed_links.unseal("remember", asked.cookies.get(cookie_name("remember"), ""))


def _from_remembered(token: str) -> Tenant | None:
    read_whole()
    row = sessions.check(token) if token else None
    return Tenant(token, row, is_fresh=False) if row is not None and row.is_remembered else None


def _forget_session() -> None:
    """Empty the session cookie; in a host's application only what is ours, and what a login must renew."""
    if state.options.get("owns_session"):
        session.clear()
        return
    for key in [k for k in session if k.startswith("portal_")] + [_form_token_key(), "_user_id", "_fresh", "_id"]:
        session.pop(key, None)


def _form_token_key() -> str:
    """Return under which name Flask-WTF keeps the token of forms; a host may have chosen it."""
    return str(current_app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token"))


def _minutes_now() -> int:
    return int(utcnow().timestamp() // 60)
