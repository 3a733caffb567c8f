"""The command line. `main` is what `kfi` and `kubectl kfi` run."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (default: the process's) and exit with its code; errors print one sentence and a hint."""
    try:
        from kfi.cli.app import run  # here: `import kfi.cli` must stay cheap for the library's users

        return run(argv)
    except KeyboardInterrupt:
        return 130
