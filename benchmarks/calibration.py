"""Show how often answers of each confidence are right, and what cross-validated recalibration would change.

Usage: python benchmarks/calibration.py CASES_DIR PREDICTIONS.jsonl [PREDICTIONS.jsonl...]

PREDICTIONS are what `cloudops.py` writes; several of them (of thinned cases, say) are pooled. A first answer counts as
right where cause and object are, judged with `cloudops_labels.json`. The error of a calibration is the mean distance of
confidence from the share that is right, over bins of 0.2, weighted by their cases (expected calibration error, Guo et
al. 2017). Recalibration is isotonic regression (pool adjacent violators), fitted on four fifths, judged on the rest.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

LABELS = Path(__file__).parent / "cloudops_labels.json"
# The benchmark's list and its ground truth spell these two differently.
_SPELLING = {"gateway_misrouted": "gateway_misroute", "db_readonly_mode": "db_read_only"}
_BINS = (0.0, 0.2, 0.4, 0.6, 0.8)
_FOLDS = 5


class Judged(NamedTuple):
    """A first answer's confidence, and whether it was right."""

    confidence: float
    right: bool


def judged(cases: Path, predictions: Path) -> Iterator[Judged]:
    """Yield the first answer to each case; no answer is one of confidence 0."""
    labels = json.loads(LABELS.read_text())
    truth = {}
    for path in cases.glob("*/expected.json"):
        want = json.loads(path.read_text())
        case = json.loads((path.parent / "case.json").read_text())["id"]
        truth[case] = (_spelt(want["root_cause"]), want["fault_object"])
    for line in predictions.read_text().splitlines():
        row = json.loads(line)
        if not row["root_causes"]:
            yield Judged(0.0, right=False)
            continue
        first = row["root_causes"][0]
        said = _spelt(labels.get(first["code"], first["code"].replace("-", "_")))
        yield Judged(first["confidence"], (said, _target(first["object"])) == truth.get(row["id"]))


def _spelt(cause: str) -> str:
    return _SPELLING.get(cause, cause)


def _target(ref: dict[str, str]) -> str:
    kind = ref["kind"].lower()
    return f"{kind if kind in ('node', 'namespace') else 'app'}/{ref['name']}"


def isotonic(answers: Iterable[Judged]) -> list[tuple[float, float]]:
    """Give steps (confidence from which on, share right) that never fall."""
    blocks: list[tuple[float, float, int]] = []
    for one in sorted(answers):
        blocks.append((one.confidence, float(one.right), 1))
        while len(blocks) > 1 and blocks[-2][1] >= blocks[-1][1]:
            last, before = blocks.pop(), blocks.pop()
            size = last[2] + before[2]
            blocks.append((before[0], (last[1] * last[2] + before[1] * before[2]) / size, size))
    return [(start, share) for start, share, _ in blocks]


def recalibrated(answers: Sequence[Judged]) -> list[Judged]:
    """Give each answer with the confidence that the other folds' steps say."""
    mixed = list(answers)
    random.Random(1).shuffle(mixed)
    found = []
    for fold in range(_FOLDS):
        steps = isotonic(one for place, one in enumerate(mixed) if place % _FOLDS != fold)
        starts = [start for start, _ in steps]
        for one in mixed[fold::_FOLDS]:
            place = max(bisect_right(starts, one.confidence) - 1, 0)
            found.append(Judged(steps[place][1], one.right))
    return found


def error(answers: Sequence[Judged]) -> float:
    """Give the expected calibration error."""
    gaps = [
        abs(_mean(one.confidence for one in part) - _mean(one.right for one in part)) * len(part)
        for part in bins(answers)
        if part
    ]
    return sum(gaps) / len(answers)


def bins(answers: Sequence[Judged]) -> list[list[Judged]]:
    """Give the answers of each bin of confidence, lowest first."""
    parts: list[list[Judged]] = [[] for _ in _BINS]
    for one in answers:
        parts[bisect_right(_BINS, one.confidence) - 1].append(one)
    return parts


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def main() -> int:
    """Print the bins and both errors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("predictions", type=Path, nargs="+")
    args = parser.parse_args()
    answers = [one for file in args.predictions for one in judged(args.cases, file)]
    for start, part in zip(_BINS, bins(answers), strict=True):
        right, share = _mean(one.right for one in part), len(part) / len(answers)
        print(f"{start:.1f}-{start + 0.2:.1f}  {len(part):4d} answers ({share:.2f} of all)  right {right:.3f}")
    mended = error(recalibrated(answers))
    print(f"expected calibration error {error(answers):.3f}; recalibrated, cross-validated {mended:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
