"""What a tenant was writing when his session ended, kept for his own next login (T37).

It is kept on the server and by account: whoever logs in next at the same browser sees nothing of it.
"""

from datetime import timedelta

from sqlalchemy import bindparam, delete, select, text

from ..db import UtcDateTime, begin_write, db, utcnow
from .models import Draft

#: How long it waits for the next login.
LIFETIME = timedelta(hours=1)
#: Of a text; nobody types more, and a form says at which length it is too long.
BODY_MAX = 20_000

# One statement, so that a double click meets no other; as text it spares the import of PostgreSQL's dialect.
_KEEP = text(
    "INSERT INTO portal_drafts (account_id, number, topic, body, created_at)"
    " VALUES (:account_id, :number, :topic, :body, :now) ON CONFLICT (account_id) DO UPDATE SET"
    " number = excluded.number, topic = excluded.topic, body = excluded.body, created_at = excluded.created_at"
).bindparams(bindparam("now", type_=UtcDateTime))


def keep(account_id: int, body: str, *, number: str = "", topic: str = "") -> None:
    """Keep what was being written, in the place of what was kept before; `number` is that of a message."""
    begin_write()
    what = {"number": number[:20], "topic": topic[:30], "body": body[:BODY_MAX].replace("\0", "")}
    db.session.execute(_KEEP, {"account_id": account_id, "now": utcnow(), **what})


def find(account_id: int) -> Draft | None:
    """Return what the tenant was writing, in whichever message."""
    own = Draft.account_id == account_id, Draft.created_at > utcnow() - LIFETIME
    return db.session.scalars(select(Draft).where(*own)).one_or_none()


def discard(account_id: int) -> None:
    """Forget it: it was sent, or is no longer wanted."""
    db.session.execute(delete(Draft).where(Draft.account_id == account_id))
