"""Mails: one function for each in `notifications`, kept in the outbox, rendered and handed over from there."""
