"""The indexes of what the office asks about all tenants at once: what waits, and how old the newest notices are."""

from sqlalchemy import Index, text

from .models import Document, Mail

#: Conditions of two indexes, in the very words that a query must use to be answered by them.
UNDELIVERED, TROUBLED = "state IN ('refused', 'bounced')", "error <> ''"

# On PostgreSQL the migration says the conditions: here it would import the dialect at each start.
Index("ix_portal_documents_kind_period", Document.kind, Document.period, Document.published_at)
Index("ix_portal_mails_undelivered", Mail.kind, Mail.created_at, sqlite_where=text(UNDELIVERED))
Index("ix_portal_mails_error", Mail.error, Mail.state, sqlite_where=text(TROUBLED))
Index("ix_portal_mails_sent_at", Mail.sent_at)
