"""Gunicorn for the portal: `gunicorn wsgi:app` finds it by itself. See docs/servers.md."""

# One process, many threads: counters per address of origin live in memory unless PORTAL_RATE_STORAGE_URI names a Redis.
# A visitor who sends his form byte by byte keeps a thread, and so does one whose password waits to be hashed.
workers = 1
worker_class = "gthread"
threads = 256
# A setting says below which path the portal lives, never a header: gunicorn would take SCRIPT_NAME from any visitor
# whose proxy hands on headers with underscores.
forwarder_headers = ""
# A socket for commands, in the home of whoever starts it: the portal has no use for it.
control_socket_disable = True
