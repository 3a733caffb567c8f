"""
How patterns look to a person: a sentence each, the lines that show it, and what changed just before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kfi.cli.layout import bold, clock, wrapped
from kfi.models.patterns import PastIncident, Pattern, PatternKind, PatternList

_HEADS = {
    PatternKind.SPREAD: "In several places",
    PatternKind.BURST: "Bursts",
    PatternKind.NEW_MESSAGE: "New log messages",
    PatternKind.RECURRING: "Comes back regularly",
    PatternKind.REPEATED: "Comes back often",
}


def pattern_list(found: PatternList) -> str:
    """Give every pattern, those of one kind together, and the past incidents."""
    span = f" between {clock(found.since)} and {clock(found.until)}" if found.since and found.until else ""
    if not found.patterns and not found.past:
        return "\n\n".join([f"No pattern stands out from chance{span}.", *(wrapped(note, "") for note in found.notes)])
    parts = [bold(wrapped(f"{_counted(len(found.patterns), 'pattern')}{span}.", ""))]
    for kind, head in _HEADS.items():
        of_kind = [pattern for pattern in found.patterns if pattern.kind is kind]
        if of_kind:
            parts.append(f"{bold(head)}\n{pattern_lines(of_kind)}")
    if found.past:
        parts.append(f"{bold('Past incidents like those of now')}\n{past_lines(found.past)}")
    return "\n\n".join([*parts, *(wrapped(note, "") for note in found.notes)])


def pattern_lines(patterns: Sequence[Pattern]) -> str:
    """Give patterns as a list, each with its proof."""
    return "\n".join(line for pattern in patterns for line in _pattern(pattern))


def _pattern(pattern: Pattern) -> Iterator[str]:
    yield wrapped(f"- {pattern.statement}", "  ")
    yield from (f"    {cited.path}:{cited.first_line}" for cited in pattern.citations)
    for change in pattern.before:
        yield wrapped(f"- just before, {clock(change.time)}: {change.object}: {change.what}", "    ")


def past_lines(past: Sequence[PastIncident]) -> str:
    """Give past incidents as a list: when, what it was, what ended it."""
    return "\n".join(line for one in past for line in _past(one))


def _past(one: PastIncident) -> Iterator[str]:
    ended = f" It ended after {one.ended_with}." if one.ended_with else ""
    when = f"{clock(one.since)} to {clock(one.until)}" if one.since else f"until {clock(one.until)}"
    yield wrapped(f"- {one.workload}, {when}: {one.cause}{ended} ({one.likeness}, {one.code})", "  ")
    yield from (f"    {cited.path}:{cited.first_line}" for cited in one.citations[:1])


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
