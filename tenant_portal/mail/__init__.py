"""Mails: `notifications` writes them into `outbox`, which delivers them."""
