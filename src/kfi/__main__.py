"""`python -m kfi` is `kfi`."""

import sys

from kfi.cli import main

sys.exit(main())
