"""Who is asking: a login manager that knows a tenant only on our own pages."""

import secrets
from functools import partial
from typing import Any

from flask import (
    Flask,
    Request,
    Response,
    current_app,
    g,
    request,
    session,
)
from flask_login import LoginManager, UserMixin, current_user
from werkzeug.exceptions import TooManyRequests

from ..accounts import sessions, signed_links
from ..accounts.rate_limits import origin_of
from ..db import utcnow
from ..errors import ConfigError
from ..settings import settings, state
from . import concurrency, languages
from .cookies import cookie_name, remember_device, set_cookie
from .device_names import device_name
from .request_guards import read_body

_ID_PREFIX = "portal:"


class Tenant(UserMixin):
    """A logged-in tenant for Flask-Login; his id names the session row.

    To Flask-Login he is anonymous: a host's hooks and layouts run on our pages too, and what they grant to
    authenticated users is meant for the host's people.
    """

    is_authenticated = False
    is_anonymous = True

    def __init__(self, token: str, session: sessions.Session, *, is_fresh: bool) -> None:
        self.token, self.session, self.is_fresh = token, session, is_fresh

    def get_id(self) -> str:
        """Return the id for the session cookie."""
        return _ID_PREFIX + self.token


def install_login_manager(app: Flask) -> None:
    """Put our loaders before those of the host's login manager."""
    manager: LoginManager | None = getattr(app, "login_manager", None)
    if manager is None:
        manager = LoginManager()
        manager.session_protection = None  # our session rows do
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
    """Raise `ConfigError` when our loaders were replaced.

    A host's loader could read one of our ids as a member of staff.
    """
    manager = getattr(current_app, "login_manager", None)
    found = (manager, getattr(manager, "user_callback", None), getattr(manager, "request_callback", None))
    if found != state.cache["loaders"]:
        raise ConfigError(
            ["the login manager was set up after the portal: create it, and its user_loader, before TenantPortal(app)"]
        )


def log_in(account_id: int, *, language: str, remember: bool) -> None:
    """Start a session on this device, in the account's language; the cookie keeps of before only another choice."""
    languages.follow_account(language)
    chosen = session.get(languages.CHOSEN)
    device = remember_device()
    name = device_name(request.user_agent.string)
    token = sessions.start(account_id, device=device, device_name=name, remember=remember)
    _forget_session()
    g.pop("_login_user", None)
    # What `login_user` would store; it would also signal the host's listeners, who expect users of the host.
    manager: Any = current_app.login_manager  # type: ignore[attr-defined]
    session.update(_user_id=_ID_PREFIX + token, _fresh=True, portal_seen=_minutes_now())
    if current_app.config.get("SESSION_PROTECTION", manager.session_protection):  # compared at each request
        session.update(_id=manager._session_identifier_generator())
    if chosen is not None:
        session[languages.CHOSEN] = chosen
    session[_form_token_key()] = secrets.token_hex()  # else the next page would send the cookie again
    if remember:
        set_cookie("remember", signed_links.seal("remember", token), int(settings.remember_days.total_seconds()))
    elif cookie_name("remember") in request.cookies:
        set_cookie("remember", "", 0)


def log_out() -> None:
    """End the session and delete its cookies."""
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
    """Return the tenant of this request, if he is logged in.

    Raises 429 when his account has too many running requests; the error page treats him as anonymous.
    """
    if not _is_ours() or ("_user_id" not in session and cookie_name("remember") not in request.cookies):
        return None
    user = current_user._get_current_object()
    if not isinstance(user, Tenant):
        return None
    if "portal_counted" not in g:
        if not concurrency.running().enter(user.session.account_id):
            use_anonymous_user()
            raise TooManyRequests(retry_after=concurrency.RETRY_SECONDS)
        g.portal_counted = user.session.account_id
    return user


def is_logged_in(account_id: int) -> bool:
    """Tell whether the visitor is that account's tenant."""
    tenant = current_tenant()
    return tenant is not None and tenant.session.account_id == account_id


def was_logged_in() -> bool:
    """Tell whether this browser comes from a login, which may have ended."""
    return _session_token() != "" or cookie_name("remember") in request.cookies


def left_account() -> int | None:
    """Return the account that was logged in here until its session ran out."""
    token = _session_token() or _remembered_token(request)
    return sessions.account_of(token) if token else None


def count_until_sent(response: Response) -> None:
    """Let an answer that is made while it is sent count as running until its end (X05)."""
    account_id = g.pop("portal_counted", None)
    if account_id is not None:
        response.call_on_close(partial(concurrency.running().leave, account_id))


def uncount_request() -> None:
    """Uncount this request of its account."""
    account_id = g.pop("portal_counted", None)
    if account_id is not None:
        concurrency.running().leave(account_id)


def use_anonymous_user() -> None:
    """Treat the visitor as anonymous for this request."""
    manager: Any = current_app.login_manager  # type: ignore[attr-defined]
    g._login_user = manager.anonymous_user()


def origin() -> str:
    """Return the client's address for the counters."""
    return origin_of(request.remote_addr)


def _is_ours() -> bool:
    return bool(request) and (request.blueprint or "").split(".")[0] == "portal"


def _session_token() -> str:
    user_id = str(session.get("_user_id", ""))
    return user_id.removeprefix(_ID_PREFIX) if user_id.startswith(_ID_PREFIX) else ""


def _from_session(token: str) -> Tenant | None:
    read_body()
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
    read_body()
    row = sessions.check(token) if token else None
    return Tenant(token, row, is_fresh=False) if row is not None and row.is_remembered else None


def _forget_session() -> None:
    """Empty the session; in a host's application only our keys and what a login must renew."""
    if state.options.get("owns_session"):
        session.clear()
        return
    for key in [k for k in session if k.startswith("portal_")] + [_form_token_key(), "_user_id", "_fresh", "_id"]:
        session.pop(key, None)


def _form_token_key() -> str:
    return str(current_app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token"))


def _minutes_now() -> int:
    return int(utcnow().timestamp() // 60)
