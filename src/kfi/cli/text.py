"""
How an answer looks to a person: the cause first, then the chain, the proof, what to do, and what could not be seen.

Plain text with a little colour where the terminal has it; nothing from the evidence is ever read as markup.
"""

from __future__ import annotations

import os
import re
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime

import typer

from kfi.diagnosis.catalogue import Rule
from kfi.diagnosis.report import lower_first
from kfi.models.answer import FoundLines, HitList, QueryAnalysis
from kfi.models.schemas import Citation, FailureDiagnosis, IngestReport, RootCause, Skipped

# A numbered step, a list item, or a link of a chain: its next lines hang below its words.
_BULLET = re.compile(r"(?:\d+\. |- |-> )")
_MAX_WIDTH = 110
# Below this nothing can be laid out; the terminal folds the lines.
_MIN_WIDTH = 40
_MAX_QUOTED_LINES = 8
_RELATED_SHOWN = 4
_FULL_WITHOUT_QUESTION = 3
_SKIPPED_SHOWN = 10
_SPOKEN = {
    "listing": "list",
    "log": "log message",
    "node_service": "node service",
    "calls": "call graph",
    "check": "connectivity check",
}


def show(answer: FailureDiagnosis) -> None:
    """Print an answer to standard output."""
    typer.echo(_bold(_wrapped(answer.summary, "")))
    _show_causes(answer)
    _show_related(answer)
    if answer.gaps:
        typer.echo(f"\n{_bold('What could not be seen')}")
        for gap in answer.gaps:
            typer.echo(f"{_wrapped(f'- {gap.what}', '  ')}\n    {gap.command}")
    if answer.skipped:
        typer.echo(f"\n{_bold('Not read')}\n{_skipped(answer.skipped)}")
    _show_how(answer)


def _show_causes(answer: FailureDiagnosis) -> None:
    full = 1 if answer.question else _FULL_WITHOUT_QUESTION
    several = len({cause.workload.cluster for cause in answer.root_causes}) > 1
    cited = {citation.label: citation for citation in answer.evidence}
    for number, cause in enumerate(answer.root_causes[:full], 1):
        typer.echo(f"\n{_cause(f'{number}. {_subject(cause, several)}', cause, cited)}")
    if answer.explanation:
        said = "\n".join(_wrapped(line, "   ") for line in answer.explanation.split("\n"))
        typer.echo(f"\n{_bold(f'In the words of {answer.reasoning_model_used}')}\n{said}")
    others = answer.root_causes[full:]
    if others:
        typer.echo(f"\n{_bold('Also failing, independently')}")
        for number, cause in enumerate(others, full + 1):
            typer.echo(_wrapped(f"{number}. {_subject(cause, several)}: {cause.title} ({cause.confidence:.2f})", "  "))


def _show_how(answer: FailureDiagnosis) -> None:
    """Print what the answer rests on, who gave it, and what was not done for it."""
    for note in answer.notes:
        typer.echo(f"\n{_wrapped(note, '')}")
    when = f" as of {_time(answer.as_of)}" if answer.as_of else ""
    seen = f"{_counted(answer.objects_seen, 'object')} seen{when}"
    searched = f"; searched with {answer.embedder} and {answer.reranker}" if answer.question else ""
    said = f"{seen}{searched}; answered by {answer.reasoning_model_used} in {answer.timings.total:.2f} s."
    typer.echo(f"\n{_wrapped(said, '')}")
    if answer.model_choice.degraded:
        typer.echo(_wrapped(f"Not answered as asked: {answer.model_choice.reason}.", ""))
    typer.echo()


def _show_related(answer: FailureDiagnosis) -> None:
    """Print the first lines of the hits that no cause cites."""
    cited = {label for cause in answer.root_causes for label in cause.citations}
    cited |= {label for cause in answer.root_causes for link in cause.chain for label in link.citations}
    hits = [citation for citation in answer.evidence if citation.label not in cited][:_RELATED_SHOWN]
    if hits:
        typer.echo(f"\n{_bold('Also worth a look')}")
        for hit in hits:
            typer.echo(f"     {hit.label:<3} {hit.path}:{hit.first_line}\n{_fitted(_telling(hit.text).strip())[0]}")


def _telling(text: str) -> str:
    """Give the first line of a text that says something."""
    return next((line for line in text.expandtabs(2).split("\n") if line.strip()), "")


def hits(found: HitList) -> str:
    """Give what was found, best first."""
    parts = [_hit(number, hit) for number, hit in enumerate(found.hits, 1)] or ["Nothing was found."]
    parts += [_wrapped(note, "") for note in found.notes]
    parts.append(f"Searched with {found.embedder} and {found.reranker} in {found.seconds:.2f} s.")
    return "\n\n".join(parts)


def _hit(number: int, hit: FoundLines) -> str:
    legs = ", ".join(f"{leg} {rank}" for leg, rank in hit.legs.items())
    place = f"{hit.file}:{hit.first_line}" + (f"-{hit.last_line}" if hit.last_line > hit.first_line else "")
    lines = textwrap.dedent(hit.text.expandtabs(2)).split("\n")
    shown = [part for line in lines[:_MAX_QUOTED_LINES] for part in _fitted(line)]
    if len(lines) > _MAX_QUOTED_LINES:
        shown.append(f"         … {len(lines) - _MAX_QUOTED_LINES} more lines")
    head = f"{_bold(f'{number}. {place}')}\n   {hit.object}, score {hit.score:.3f}, found by: {legs}"
    return "\n".join([head, *shown])


def analysis(found: QueryAnalysis) -> str:
    """Give what a question is understood as."""
    plan, choice = found.plan, found.model_choice
    named = plan.metadata.model_dump(mode="json", exclude_none=True)
    lines = [f"{'intent':<14} {plan.intent}"]
    lines += [f"{field:<14} {_spoken(value)}" for field, value in named.items() if value]
    lines += [f"{f'part {number}':<14} {part}" for number, part in enumerate(plan.sub_queries, 1)]
    lines += [f"{'complexity':<14} {found.complexity:.2f}", f"{'model':<14} {choice.model}: {choice.reason}"]
    return "\n".join(lines)


def _spoken(value: object) -> str:
    return ", ".join(f"{key}={label}" for key, label in value.items()) if isinstance(value, dict) else str(value)


def _subject(cause: RootCause, several: bool) -> str:
    """Name the workload, and its cluster where the causes are of several."""
    cluster = f"cluster {cause.workload.cluster}" if cause.workload.cluster else "a cluster without a name"
    return f"{cause.workload} in {cluster}" if several else str(cause.workload)


def _cause(subject: str, cause: RootCause, cited: dict[str, Citation]) -> str:
    since = f", since {_time(cause.since)}" if cause.since else ""
    head = _bold(_wrapped(f"{subject}: {cause.title}", ""))
    parts = [f"{head}\n   {cause.code}, confidence {cause.confidence:.2f}{since}"]
    parts.append(_wrapped(cause.explanation, "   "))
    if len(cause.chain) > 1:
        parts.append(f"   {_bold('Chain')}\n{_links(cause)}")
    proof = [label for label in cause.citations if label in cited]
    proof += [label for link in cause.chain for label in link.citations if label in cited and label not in proof]
    parts.append(f"   {_bold('Proof')}\n" + "\n".join(_quoted(cited[label]) for label in dict.fromkeys(proof)))
    steps = "\n".join(_wrapped(f"{n}. {step}", "     ") for n, step in enumerate(cause.remediation, 1))
    parts.append(f"   {_bold('What to do')}\n{steps}")
    parts.append(f"   {_bold('See for yourself')}\n     {cause.confirm}")
    return "\n\n".join(parts)


def _links(cause: RootCause) -> str:
    lines = []
    for depth, link in enumerate(cause.chain):
        arrow = "" if depth == 0 else "-> "
        labels = f" [{' '.join(link.citations)}]" if link.citations else ""
        said = link.statement if depth else lower_first(cause.title)
        lines.append(_wrapped(f"{arrow}{link.ref}: {said}{labels}", "     "))
    return "\n".join(lines)


def _quoted(citation: Citation) -> str:
    place = f"{citation.path}:{citation.first_line}"
    if citation.last_line > citation.first_line:
        place += f"-{citation.last_line}"
    lines = textwrap.dedent(citation.text.expandtabs(2)).split("\n")
    shown = [part for line in lines[:_MAX_QUOTED_LINES] for part in _fitted(line)]
    if len(lines) > _MAX_QUOTED_LINES:
        shown.append(f"         … {len(lines) - _MAX_QUOTED_LINES} more lines")
    return "\n".join([f"     {citation.label:<3} {place}", *shown])


def _fitted(line: str) -> list[str]:
    """Fold an overlong line; what is still too long is cut, the whole of it is in the file."""
    own = " " * min(len(line) - len(line.lstrip()), _width() // 3)
    fold = textwrap.TextWrapper(
        _width(), " " * 9 + own, " " * 11 + own, max_lines=3, placeholder=" …", break_on_hyphens=False
    )
    return fold.wrap(line.strip()) or [""]


def report(done: IngestReport) -> str:
    """Give what became of everything that was handed over, in a few lines."""
    if not done.sources:
        return "Nothing was read: there is no file in what was named."
    kinds = ", ".join(_counted(count, _SPOKEN.get(kind, kind)) for kind, count in sorted(done.loaded.items()))
    lines = [
        _wrapped(f"{_counted(done.sources, 'source')} read: {kinds or 'nothing'}.", ""),
        f"{_counted(done.written, 'document')} written, {done.unchanged} unchanged, "
        f"{_counted(done.grouped, 'repeat')} folded into groups.",
    ]
    if done.redactions:
        masked = ", ".join(f"{kind} ({count})" for kind, count in sorted(done.redactions.items()))
        lines.append(_wrapped(f"Redacted before storing: {masked}.", ""))
    if done.skipped:
        lines.append(f"Skipped {len(done.skipped)}:\n{_skipped(done.skipped)}")
    return "\n".join(lines)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _skipped(skipped: Sequence[Skipped]) -> str:
    """Give what was not read, files of one folder with one reason together."""
    groups: dict[tuple[str, str], list[Skipped]] = {}
    for one in skipped:
        groups.setdefault((os.path.dirname(one.path), one.reason), []).append(one)
    lines = [_wrapped(f"- {_place(folder, of)}: {reason}", "  ") for (folder, reason), of in groups.items()]
    if len(lines) > _SKIPPED_SHOWN:
        more = len(lines) - _SKIPPED_SHOWN
        return "\n".join([*lines[:_SKIPPED_SHOWN], f"  … and {more} more; all of them with -o json"])
    return "\n".join(lines)


def _place(folder: str, of: Sequence[Skipped]) -> str:
    if len({one.path for one in of}) > 1:
        return f"{len(of)} files in {folder or 'the top folder'}"
    return f"{of[0].path}:{of[0].line}" if of[0].line else of[0].path


def rules(known: Iterable[Rule]) -> str:
    """Give every failure code with its title, by layer."""
    lines = []
    for rule in sorted(known, key=_by_layer):
        lines.append(f"{rule.layer.name.lower():<12} {rule.code:<34} {rule.title}")
    return "\n".join(lines)


def _by_layer(rule: Rule) -> tuple[int, str]:
    return (rule.layer, rule.code)


def rule(known: Rule) -> str:
    """Give all that is known of one failure."""
    steps = "\n".join(_wrapped(f"{n}. {step}", "  ") for n, step in enumerate(known.fix, 1))
    return (
        f"{_bold(known.title)}  ({known.code}; layer {known.layer.name.lower()}; {known.role})\n\n"
        f"{_wrapped(known.meaning, '')}\n\nSee it with\n  {known.confirm}\n\nWhat to do\n{steps}"
    )


def _bold(text: str) -> str:
    return typer.style(text, bold=True)


def _wrapped(text: str, indent: str) -> str:
    bullet = _BULLET.match(text)
    hanging = indent + " " * (bullet.end() if bullet else 0)
    return textwrap.fill(
        text, _width(), initial_indent=indent, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False
    )


def _width() -> int:
    return max(_MIN_WIDTH, min(shutil.get_terminal_size((100, 24)).columns, _MAX_WIDTH))


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "unknown"
