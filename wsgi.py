"""The portal for any WSGI server: `gunicorn wsgi:app`, `granian --interface wsgi wsgi:app`."""

from tenant_portal import create_app

app = create_app()
