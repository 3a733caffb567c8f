"""Copies of a case that must not matter to a diagnosis (other names), or that make it harder (files missing).

Names of workloads, Services, volumes, nodes, namespaces and the parts of image references are replaced at random, the
same name by the same one throughout a case, and tables are aligned anew. A rule that knew a name would fail here.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

_NAMED = (
    "deployments services statefulsets daemonsets nodes persistentvolumes persistentvolumeclaims configmaps "
    "serviceaccounts resourcequota storageclasses"
).split()
# Every cluster has these; a snapshot without them would be no cluster's.
_EVERYWHERE = frozenset({"default", "kubernetes", "kube-root-ca.crt", "master", "local", "docker", "io", "library"})
_IMAGE = re.compile(r"image:\s*[\"']?([^\s\"']+)")
_COLUMN = re.compile(r"(?:(?<=\s{2})|^)\S")
_SYLLABLES = "ba de fi go hu ka le mi no pu ra se ti vo wa xe yi zo".split()


def renamed(case: Path, target: Path, seed: int) -> None:
    """Write a copy of a case with other names."""
    rng = random.Random(f"{seed}/{case.name}")
    names = sorted(_names(case) - _EVERYWHERE, key=len, reverse=True)
    new = {name: _like(name, rng) for name in names if len(name) > 2}
    whole = re.compile("|".join(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])" for name in new))

    def replaced(text: str) -> str:
        return whole.sub(lambda match: new[match[0]], text)

    for path in sorted(case.rglob("*")):
        if path.is_file():
            copy = target / replaced(str(path.relative_to(case)))
            copy.parent.mkdir(parents=True, exist_ok=True)
            lines = path.read_text(errors="replace").split("\n")
            starts = _columns(lines[0]) if path.parent.name == "get" else []
            copy.write_text(_aligned([[replaced(cell) for cell in _cells(line, starts)] for line in lines]))


def without_files(case: Path, target: Path, share: float, seed: int) -> None:
    """Write a copy of a case whose bundle lacks a share of its files, picked at random."""
    rng = random.Random(f"{seed}/{case.name}")
    for path in sorted(case.rglob("*")):
        in_bundle = "bundle" in path.relative_to(case).parts
        if path.is_file() and not (in_bundle and path.name != "timestamp" and rng.random() < share):
            copy = target / path.relative_to(case)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def _names(case: Path) -> set[str]:
    names = {json.loads((case / "case.json").read_text())["namespace"]}
    for table in (case / "bundle" / "get").glob("*.txt"):
        if table.name.split(".")[0] in _NAMED:
            names.update(line.split()[0] for line in table.read_text().split("\n")[1:] if line.strip())
    for manifest in (case / "bundle" / "manifests").glob("*.yaml"):
        names.add(manifest.stem)
        for reference in _IMAGE.findall(manifest.read_text()):
            names.update(part.split(":")[0] for part in reference.split("@")[0].split("/"))
    return names


def _like(name: str, rng: random.Random) -> str:
    """Give a name of the same kind: a host stays a host."""
    word = "".join(rng.choices(_SYLLABLES, k=4)) + str(rng.randint(1, 9))
    return f"{word}.example.org" if "." in name else word


def _columns(header: str) -> list[int]:
    return [match.start() for match in _COLUMN.finditer(header)] if header.startswith(("NAME", "LAST")) else []


def _cells(line: str, starts: list[int]) -> list[str]:
    if not starts:
        return [line]
    return [line[start:end].rstrip() for start, end in zip(starts, [*starts[1:], None], strict=True)]


def _aligned(rows: list[list[str]]) -> str:
    if len(rows[0]) == 1:
        return "\n".join(row[0] for row in rows)
    widths = [max(map(len, column)) + 3 for column in _transposed(rows)]
    return "\n".join(_padded(row, widths) for row in rows)


def _transposed(rows: list[list[str]]) -> Iterable[tuple[str, ...]]:
    return zip(*rows, strict=True)


def _padded(row: list[str], widths: list[int]) -> str:
    return "".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
