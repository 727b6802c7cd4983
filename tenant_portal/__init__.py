"""The tenant account portal: from the paper rent notice to a working account in two minutes."""

from . import signals
from .app import create_app
from .extension import TenantPortal
from .mounting import mount

__version__ = "0.1.0"
__all__ = ["TenantPortal", "__version__", "create_app", "mount", "signals"]
