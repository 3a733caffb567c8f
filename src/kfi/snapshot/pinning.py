"""
Which nodes a volume can be used on, where its node affinity names them one by one (local disks).
"""

from __future__ import annotations

import re

from kfi.snapshot.pod import NodeSelector

# Keys that name one node; CSI drivers have keys of their own, whose last part is "node" or "hostname".
_HOST = re.compile(r"(?:^|[./-])(?:hostname|node|node-name|metadata\.name)$")


def hosts_of(required: NodeSelector) -> tuple[str, ...]:
    """Give the nodes that a volume's affinity names one by one; none where a term names zones or labels."""
    found: list[str] = []
    for term in required.node_selector_terms:
        named = [
            r.values for r in (*term.match_expressions, *term.match_fields)
            if r.operator == "In" and _HOST.search(r.key)
        ]  # fmt: skip
        if not named:
            return ()
        found += named[0]
    return tuple(dict.fromkeys(found))
