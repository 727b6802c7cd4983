"""The former place of the log formatter, which a host's logging configuration may name."""

from .operations.log_format import LogFormatter

Line = LogFormatter
