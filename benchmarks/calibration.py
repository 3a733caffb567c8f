"""Show how often causes of each confidence are right, raw and calibrated, and fit the calibration.

Usage: python benchmarks/calibration.py JUDGED.jsonl [--fit]

JUDGED is what `judged.py` writes: every cause that was named, with the confidence that ranking gave it and whether it
is right. The map is `kfi.diagnosis.confidence`: a logistic curve with a slope, an intercept and an offset for how a
cause shows itself. Each answer is judged by a curve that was fitted without any answer about its fault type (tenfold,
grouped by fault type). The expected calibration error is the mean distance of confidence from the share that is right,
over bins of 0.2, weighted by their cases (Guo et al. 2017); the Brier score is the mean squared distance of the two.

The tables are of first causes, the curve is fitted to all. --fit prints the constants for `confidence.py`, fitted to
everything.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kfi.diagnosis.confidence import Curve, Shows, log_odds

BINS = (0.0, 0.2, 0.4, 0.6, 0.8)
FOLDS = 10
# Keeps the offset finite of a kind of which no cause is right. Weak beside a thousand causes.
RIDGE = 1.0

Row = dict[str, Any]


def features(rows: Sequence[Row]) -> np.ndarray:
    """Give what the curve sees of each cause."""
    return np.array(
        [(1.0, log_odds(row["raw"]), row["shows"] == Shows.ALONE, row["shows"] == Shows.AS_SYMPTOM) for row in rows],
        dtype=float,
    )


def fitted(rows: Sequence[Row]) -> Curve:
    """Give the curve that fits best: logistic regression with a ridge, by Newton's method."""
    seen, right = features(rows), np.array([row["right"] for row in rows], dtype=float)
    ridge = np.diag([0.0, RIDGE, RIDGE, RIDGE])
    found = np.zeros(seen.shape[1])
    for _ in range(100):
        share = 1 / (1 + np.exp(-seen @ found))
        slope = seen.T @ (share - right) + ridge @ found
        bend = (seen * (share * (1 - share))[:, None]).T @ seen + ridge
        step = np.linalg.solve(bend, slope)
        found -= step
        if np.abs(step).max() < 1e-9:
            break
    return Curve(*(round(float(value), 2) for value in found))


def held_out(rows: Sequence[Row]) -> np.ndarray:
    """Give the calibrated confidence of each cause by the curve that was fitted without its fault type."""
    groups = sorted({row["group"] for row in rows})
    random.Random(1).shuffle(groups)
    fold_of = {group: place % FOLDS for place, group in enumerate(groups)}
    without = [fitted([row for row in rows if fold_of[row["group"]] != fold]) for fold in range(FOLDS)]
    return np.array([without[fold_of[row["group"]]].share(row["raw"], Shows(row["shows"])) for row in rows])


def calibration_error(said: np.ndarray, right: np.ndarray) -> float:
    """Give the expected calibration error."""
    places = np.searchsorted(BINS, said, side="right")
    gaps = (abs(said[places == place].sum() - right[places == place].sum()) for place in range(1, len(BINS) + 1))
    return float(sum(gaps)) / len(said)


def line(name: str, said: np.ndarray, right: np.ndarray) -> str:
    """Give a row of the table: errors, and the surest bin."""
    sure = said >= BINS[-1]
    accuracy = f"{right[sure].mean():.3f}" if sure.any() else "-"
    brier = float(((said - right) ** 2).mean())
    error = calibration_error(said, right)
    return f"{name:<32}{len(said):>5}  {right.mean():.3f}   {error:.3f}  {brier:.3f}   {sure.mean():.2f}  {accuracy}"


def show(rows: Sequence[Row]) -> None:
    """Print the table: each source, raw and calibrated out of fold."""
    raw, mended = np.array([row["raw"] for row in rows]), held_out(rows)
    right = np.array([row["right"] for row in rows], dtype=float)
    sources = np.array([row["source"] for row in rows])
    first = np.array([row["rank"] == 1 for row in rows])
    print(f"{'first causes':<32}cases  right   ECE    Brier   0.8-1.0: share, right")
    for source in (*dict.fromkeys(sources), "all"):
        part = first & ((sources == source) | (source == "all"))
        print(line(f"{source}, raw", raw[part], right[part]))
        print(line(f"{source}, calibrated", mended[part], right[part]))
    print("\nfirst causes by calibrated confidence (out of fold)")
    for low in BINS:
        part = first & (mended >= low) & (mended < low + 0.2)
        share = f"{right[part].mean():.3f}" if part.any() else "-"
        print(f"{low:.1f}-{low + 0.2:.1f}  {part.sum():5d}  right {share}")


def main() -> int:
    """Print the tables, and the constants where they are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("judged", type=Path)
    parser.add_argument("--fit", action="store_true", help="print the constants, fitted to everything")
    args = parser.parse_args()
    rows = [json.loads(text) for text in args.judged.read_text().splitlines()]
    show(rows)
    if args.fit:
        print(f"\n_CURVE = {fitted(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
