"""Gunicorn for the portal: `gunicorn -c deploy/gunicorn.conf.py wsgi:app` (pip install gunicorn)."""

bind = "127.0.0.1:8000"

# One process, many threads: counters per address of origin live in memory unless PORTAL_RATE_STORAGE_URI names a Redis,
# and a visitor who sends his form byte by byte keeps a thread, not the portal.
workers = 1
worker_class = "gthread"
threads = 64
