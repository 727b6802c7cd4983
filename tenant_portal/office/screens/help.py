"""« Aide du bureau »: the words of the office, from the tables that pages and commands read."""

from ...accounts.steps import STEPS
from ...mail.fates import FATES
from ...web.pages import page
from ..clerks import Clerk


def show(clerk: Clerk):
    """Show each state with its word, what to say and what not to say."""
    return page("office/help/show.html", clerk=clerk, steps=STEPS, fates=FATES)
