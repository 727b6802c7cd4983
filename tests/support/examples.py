"""How many examples hypothesis tries; `--alone` makes them fewer everywhere."""

from hypothesis import HealthCheck, settings


def few(share: int, **more: bool) -> settings:
    """Return the settings of a property that is dear to try: with so many times fewer examples than others."""
    number = settings.default.max_examples // share
    return settings(max_examples=number, deadline=None, suppress_health_check=list(HealthCheck), **more)
