"""Write cases of an invented cluster, one injected fault each, in the layout of a support engineer's folder.

Usage: python benchmarks/blind_world.py OUT_DIR

Each case is OUT_DIR/ID with case.json (id, question, namespace), expected.json (root_cause, fault_object) and bundle/.
The author of the cases had not read the rules: run benchmarks/cloudops.py on OUT_DIR to see how they do on faults
nobody wrote them for, and score with score_cloudops.py. The same command always writes the same files.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from blind import faults_cluster, faults_data, faults_nodes, faults_pods, faults_routes, faults_wiring
from blind.bundle import write_bundle
from blind.cases import CASES
from blind.model import stable
from blind.worlds import build

# Each signs its cases in; a case's place in this order is its seed.
MODULES = (faults_cluster, faults_nodes, faults_data, faults_pods, faults_wiring, faults_routes)


def main() -> int:
    """Write every case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    order = [module.__name__ for module in MODULES]
    for number, case in enumerate(sorted(CASES, key=lambda case: order.index(case.inject.__module__))):
        cluster = build(case.world, 100 + number)
        target = case.inject(cluster)
        name = f"b{stable(case.question + case.cause):08x}"[:9]
        folder = out / name
        shutil.rmtree(folder, ignore_errors=True)
        write_bundle(cluster, folder / "bundle")
        (folder / "case.json").write_text(json.dumps({"id": name, "question": case.question, "namespace": cluster.ns}))
        (folder / "expected.json").write_text(json.dumps({"root_cause": case.cause, "fault_object": target}))
    print(f"{len(CASES)} cases in {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
