"""
Everything kfi may fail with, and the exit code each failure has.

Doors to third parties turn foreign exceptions into one of these and chain the cause, so a person always reads one
sentence about what happened and one about what to do.
"""

from __future__ import annotations


class KfiError(Exception):
    """A failure with a message for a person, and a hint: what to do next."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SourceError(KfiError):
    """One source could not be read; it is skipped and reported, and the run goes on."""

    exit_code = 1


class ServiceError(KfiError):
    """A store, a model or a cluster did not answer."""

    exit_code = 3


class ConfigError(KfiError):
    """A setting is wrong."""

    exit_code = 4


class AnswerError(KfiError):
    """A model answered in a way that cannot be used."""

    exit_code = 5
