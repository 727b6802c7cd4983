"""« À traiter »: what a small office opens each morning."""

from ...mail import remedies
from ...web.pages import page
from ..clerks import Clerk


def show(clerk: Clerk):
    """Show what waits for somebody."""
    return page("office/todo/show.html", clerk=clerk, remedies=remedies.needed())
