"""How many examples hypothesis tries."""

from hypothesis import HealthCheck, settings


def few(share: int, **more: bool) -> settings:
    """Return settings with so many times fewer examples than usual, for a property that is dear to try."""
    number = settings.default.max_examples // share
    return settings(max_examples=number, deadline=None, suppress_health_check=list(HealthCheck), **more)
