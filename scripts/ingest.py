"""Read evidence into the store: `python scripts/ingest.py PATH...` is `kfi ingest PATH...`."""

from __future__ import annotations

import sys

from kfi.cli import main

if __name__ == "__main__":
    sys.exit(main(["ingest", *sys.argv[1:]]))
