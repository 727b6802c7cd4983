"""A copy of all that is kept about the tenant (H09)."""

from typing import Any

from flask import Blueprint

from .. import audit
from ..accounts import rate_limits
from ..accounts.limited_acts import Per
from ..contracts import lookup
from ..db import db
from ..documents import library
from ..i18n import lazy_gettext as _l
from ..mail import notifications
from ..models import Account
from ..operations import data_copy
from . import downloads, guards
from .fields import CurrentPasswordField
from .forms import PortalForm
from .login_flow import refuse, try_own_password
from .pages import page

screen = Blueprint("own_data", __name__)


class CopyForm(PortalForm):
    """The password: an open session alone takes no copy away."""

    password = CurrentPasswordField(_l("Mon mot de passe"))


@screen.route("/espace/compte/donnees", methods=["GET", "POST"])
@guards.account_required
def copy(account: Account) -> Any:
    """Send the copy as one ZIP for the password, and tell the owner."""
    form = CopyForm()
    context: dict[str, Any] = {"reference": account.contracts[0].reference}
    if not form.validate_on_submit():
        return page("own_data/copy.html", form=form, refusal=None, **context)
    attempt = try_own_password(account, form.password.data)
    if attempt.holder is None:
        return refuse(form, attempt, "own_data/copy.html", **context)
    contract = account.contracts[0]
    audit.record("data_copied", account=account, contract=contract)
    if rate_limits.count_use("data copy", Per.ACCOUNT, account.id) is not None:
        notifications.data_copied(account, contract)
    members = data_copy.files(account.contracts, account)
    library.note_opened(library.of_account(account.id))
    db.session.commit()
    return downloads.zipped(members, f"mes-donnees-{lookup.today():%Y-%m-%d}.zip")
