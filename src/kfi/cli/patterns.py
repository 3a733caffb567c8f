"""
What repeats, gathers, spreads or is new in the evidence, and what was like it before: `kfi patterns`.
"""

from __future__ import annotations

import typer

from kfi.cli.options import Cluster, Form, Moment, Namespace, Output, Since, Sources, asked, machine, moment, span


def patterns(
    sources: Sources = None,
    namespace: Namespace = "",
    since: Since = None,
    as_of: Moment = None,
    cluster: Cluster = "",
    output: Form = Output.text,
) -> int:
    """Show what repeats, comes in bursts, spreads or is new, what changed before it, and past incidents like today's.

    Each pattern passed a test against chance; the test and its p-value stand in -o json.

    Example: kfi patterns --from data/sample/orchard --namespace orchard
    """
    from kfi.cli.asking import evidence
    from kfi.cli.pattern_text import pattern_list
    from kfi.cli.terminal import harmless

    request = asked(namespace=namespace, cluster=cluster, since=span(since), as_of=moment(as_of))
    with evidence(sources, request) as copilot:
        found = harmless(copilot.patterns(request))
    typer.echo(pattern_list(found) if output is Output.text else machine(found, output))
    return 0
