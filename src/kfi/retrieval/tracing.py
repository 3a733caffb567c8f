"""
Keeping evidence from LangChain's tracers: nothing leaves this machine because a variable is set.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def untraced() -> Iterator[None]:
    """Keep LangChain from tracing what is inside, whatever the environment says.

    `LANGSMITH_TRACING` alone would send questions and evidence to a server, and the older `LANGCHAIN_TRACING` makes
    every chain raise a RuntimeError. Both look first whether a tracer is there already; this one does nothing.
    """
    from langchain_core.callbacks import BaseCallbackHandler
    from langchain_core.tracers.context import tracing_v2_callback_var
    from langsmith.run_helpers import tracing_context

    silent = tracing_v2_callback_var.set(BaseCallbackHandler())  # type: ignore[arg-type]
    try:
        with tracing_context(enabled=False):
            yield
    finally:
        tracing_v2_callback_var.reset(silent)
