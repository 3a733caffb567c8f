"""
How an answer looks to a person: the cause first, then the chain, the proof, what to do, and what could not be seen.

Plain text with a little colour where the terminal has it; nothing from the evidence is ever read as markup.
"""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterable, Sequence

import typer

from kfi.cli import pattern_text, tables
from kfi.cli.layout import bold, clock, width, wrapped
from kfi.diagnosis.catalogue import Rule
from kfi.diagnosis.conditions.wording import stretch
from kfi.diagnosis.meaning import Meaning, words_of
from kfi.diagnosis.report import lower_first
from kfi.models.answer import BY_MODEL, FoundLines, HitList, QueryAnalysis
from kfi.models.listing import Listing
from kfi.models.schemas import Change, Citation, FailureDiagnosis, IngestReport, RootCause, Skipped

_MAX_QUOTED_LINES = 8
_OBJECT_BEGINS = re.compile(r'[\s"-]*(?:apiVersion|kind)"?:')
# Fields of an Event, of an alert and of any object, the most telling first.
_SAYING = ("message", "description", "summary", "alertname", "name")
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


def show(answer: FailureDiagnosis, thinking: bool = False) -> None:
    """Print an answer to standard output, on demand with how the model came to its words."""
    typer.echo(bold(wrapped(answer.summary, "")))
    if answer.listing:
        _show_list(answer.listing)
    else:
        _show_causes(answer, thinking)
        _show_patterns(answer)
        _show_related(answer)
    if answer.gaps:
        typer.echo(f"\n{bold('What could not be seen')}")
        for gap in answer.gaps:
            typer.echo(f"{wrapped(f'- {gap.what}', '  ')}\n    {gap.command}")
    if answer.skipped:
        typer.echo(f"\n{bold('Not read')}\n{_skipped(answer.skipped)}")
    _show_how(answer)


def _show_list(listing: Listing) -> None:
    for part in (tables.rows_of(listing, width()), tables.next_page(listing)):
        if part:
            typer.echo(f"\n{part}")
    for note in listing.notes:
        typer.echo(f"\n{wrapped(note, '')}")


def _show_patterns(answer: FailureDiagnosis) -> None:
    if answer.patterns:
        typer.echo(f"\n{bold('About the first cause')}\n{pattern_text.pattern_lines(answer.patterns)}")
    if answer.past_incidents:
        typer.echo(f"\n{bold('Like it before')}\n{pattern_text.past_lines(answer.past_incidents)}")


def _show_causes(answer: FailureDiagnosis, thinking: bool) -> None:
    full = 1 if answer.question else _FULL_WITHOUT_QUESTION
    several = len({cause.workload.cluster for cause in answer.root_causes}) > 1
    cited = {citation.label: citation for citation in answer.evidence}
    for number, cause in enumerate(answer.root_causes[:full], 1):
        typer.echo(f"\n{_cause(f'{number}. {_subject(cause, several)}', cause, cited)}")
    if thinking:
        _show_thinking(answer)
    if answer.explanation:
        typer.echo(f"\n{bold(f'In the words of {answer.reasoning_model_used}')}\n{_paragraphs(answer.explanation)}")
    others = answer.root_causes[full:]
    if others:
        resolved = all(cause.until for cause in others)
        typer.echo(f"\n{bold('Resolved' if resolved else 'Also failing, independently')}")
        for number, cause in enumerate(others, full + 1):
            over = f", resolved, {stretch(cause.since, cause.until)}" if cause.until else ""
            said = f"{number}. {_subject(cause, several)}: {cause.title} ({cause.confidence:.2f}{over})"
            typer.echo(wrapped(said, "  "))


def _show_thinking(answer: FailureDiagnosis) -> None:
    """Print a model's reasoning, which nobody checks against the evidence, or that there is none."""
    model = answer.reasoning_model_used
    if answer.thinking_chain:
        typer.echo(f"\n{bold(f'How {model} reasoned (not checked)')}\n{_paragraphs(answer.thinking_chain)}")
    elif answer.explanation:
        typer.echo(f"\n{wrapped(f'{model} showed no reasoning.', '')}")
    else:
        typer.echo(f"\n{wrapped('No model answered, so there is no reasoning to show.', '')}")


def _paragraphs(text: str) -> str:
    return "\n".join(wrapped(line, "   ") for line in text.split("\n"))


def _show_how(answer: FailureDiagnosis) -> None:
    """Print what the answer rests on, who gave it, and what was not done for it."""
    for note in answer.notes:
        typer.echo(f"\n{wrapped(note, '')}")
    when = f" as of {clock(answer.as_of)}" if answer.as_of and answer.objects_seen else ""
    seen = f"{_counted(answer.objects_seen, 'object')} seen{when}"
    looked = answer.question and not answer.listing and answer.embedder != "none"
    searched = f"; searched with {answer.embedder} and {answer.reranker}" if looked else ""
    said = f"{seen}{searched}; answered by {answer.reasoning_model_used} in {answer.timings.total:.2f} s."
    typer.echo(f"\n{wrapped(said, '')}")
    if answer.model_choice.degraded:
        typer.echo(wrapped(f"Not answered as asked: {answer.model_choice.reason}.", ""))
    elif answer.explanation:
        typer.echo(wrapped(f"Why this model: {answer.model_choice.reason}.", ""))
    typer.echo()


def _show_related(answer: FailureDiagnosis) -> None:
    """Print the first lines of the hits that no cause cites."""
    cited = {label for cause in answer.root_causes for label in cause.citations}
    cited |= {label for cause in answer.root_causes for link in cause.chain for label in link.citations}
    cited |= {label for cause in answer.root_causes for change in cause.changes for label in change.citations}
    hits = [citation for citation in answer.evidence if citation.label not in cited][:_RELATED_SHOWN]
    if hits:
        typer.echo(f"\n{bold('Also worth a look')}")
        for hit in hits:
            place, line = _telling(hit.text)
            typer.echo(f"     {hit.label:<3} {hit.path}:{hit.first_line + place}\n{_fitted(line.strip())[0]}")


def _telling(text: str) -> tuple[int, str]:
    """Give the line of a text that says most of it in short, and which it is: of an object its message or its name."""
    lines = list(enumerate(text.expandtabs(2).split("\n")))
    says = [(place, line) for place, line in lines if any(map(str.isalnum, line))]
    # A whole object in JSON or YAML begins with what any other begins with.
    whole = says[:1] != lines[:1] or _OBJECT_BEGINS.match(text)
    told = [one for key in _SAYING for one in says if re.match(rf'[\s"-]*{key}"?:', one[1])] if whole else []
    return next(iter((*told, *says, *lines)))


def hits(found: HitList, explain: bool = False) -> str:
    """Give what was found, best first, and on demand what each score is made of."""
    parts = [_hit(number, hit, explain) for number, hit in enumerate(found.hits, 1)] or ["Nothing was found."]
    parts += [wrapped(note, "") for note in found.notes]
    parts.append(f"Searched with {found.embedder} and {found.reranker} in {found.seconds:.2f} s.")
    return "\n\n".join(parts)


def _hit(number: int, hit: FoundLines, explain: bool) -> str:
    legs = ", ".join(f"{leg} {rank}" for leg, rank in hit.legs.items())
    place = f"{hit.file}:{hit.first_line}" + (f"-{hit.last_line}" if hit.last_line > hit.first_line else "")
    lines = textwrap.dedent(hit.text.expandtabs(2)).split("\n")
    shown = [part for line in lines[:_MAX_QUOTED_LINES] for part in _fitted(line)]
    if len(lines) > _MAX_QUOTED_LINES:
        shown.append(f"         … {len(lines) - _MAX_QUOTED_LINES} more lines")
    alike = f" and {hit.alike} like it" if hit.alike else ""
    head = f"{bold(f'{number}. {place}')}\n   {hit.object}{alike}, score {hit.score:.3f}, found by: {legs}"
    return "\n".join([head, *([_lifted(hit)] if explain else []), *shown])


def _lifted(hit: FoundLines) -> str:
    added = ", ".join(f"{name} {value:+.2f}" for name, value in hit.features.items() if name != BY_MODEL)
    return wrapped(f"lifted by: {added}" if added else "scored by a model, which says no more than the number", "   ")


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
    if not isinstance(value, dict):
        return str(value)
    told = ((key, label if isinstance(label, list) else [label]) for key, label in value.items())
    return ", ".join(f"{key}={label}" for key, labels in told for label in labels)


def _subject(cause: RootCause, several: bool) -> str:
    """Name the workload, and its cluster where the causes are of several."""
    cluster = f"cluster {cause.workload.cluster}" if cause.workload.cluster else "a cluster without a name"
    return f"{cause.workload} in {cluster}" if several else str(cause.workload)


def _cause(subject: str, cause: RootCause, cited: dict[str, Citation]) -> str:
    since = f", since {clock(cause.since)}" if cause.since else ""
    when = f", resolved, {stretch(cause.since, cause.until)}" if cause.until else since
    head = bold(wrapped(f"{subject}: {cause.title}", ""))
    parts = [f"{head}\n   {cause.code}, confidence {cause.confidence:.2f}{when}"]
    parts.append(wrapped(cause.explanation, "   "))
    if cause.changes:
        parts.append(f"   {bold(_when_changed(cause))}\n" + "\n".join(_changed(change) for change in cause.changes))
    if len(cause.chain) > 1:
        parts.append(f"   {bold('Chain, as it was then' if cause.until else 'Chain')}\n{_links(cause)}")
    proof = [label for label in cause.citations if label in cited]
    proof += [label for change in cause.changes for label in change.citations if label in cited]
    proof += [label for link in cause.chain for label in link.citations if label in cited and label not in proof]
    parts.append(f"   {bold('Proof')}\n" + "\n".join(_quoted(cited[label]) for label in dict.fromkeys(proof)))
    steps = "\n".join(wrapped(f"{n}. {step}", "     ") for n, step in enumerate(cause.remediation, 1))
    parts.append(f"   {bold('To keep it from coming back' if cause.until else 'What to do')}\n{steps}")
    parts.append(f"   {bold('See for yourself')}\n     {cause.confirm}")
    return "\n\n".join(parts)


def _when_changed(cause: RootCause) -> str:
    if any(change.after for change in cause.changes):
        return "Changed around then"
    return "Changed before" if cause.since else "Changed lately"


def _changed(change: Change) -> str:
    labels = f" [{' '.join(change.citations)}]" if change.citations else ""
    when = f"between {clock(change.after)} and {clock(change.when)}" if change.after else clock(change.when)
    return wrapped(f"{when} {change.ref}: {change.statement}{labels}", "     ")


def _links(cause: RootCause) -> str:
    lines = []
    for depth, link in enumerate(cause.chain):
        arrow = "" if depth == 0 else "-> "
        labels = f" [{' '.join(link.citations)}]" if link.citations else ""
        said = link.statement if depth else lower_first(cause.title)
        lines.append(wrapped(f"{arrow}{link.ref}: {said}{labels}", "     "))
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
    own = " " * min(len(line) - len(line.lstrip()), width() // 3)
    fold = textwrap.TextWrapper(
        width(), " " * 9 + own, " " * 11 + own, max_lines=3, placeholder=" …", break_on_hyphens=False
    )
    return fold.wrap(line.strip()) or [""]


def report(done: IngestReport) -> str:
    """Give what became of everything that was handed over, in a few lines."""
    if not done.sources:
        return "Nothing was read: there is no file in what was named."
    kinds = ", ".join(_counted(count, _SPOKEN.get(kind, kind)) for kind, count in sorted(done.loaded.items()))
    lines = [
        wrapped(f"{_counted(done.sources, 'source')} read: {kinds or 'nothing'}.", ""),
        f"{_counted(done.written, 'document')} written, {done.unchanged} unchanged, "
        f"{_counted(done.grouped, 'repeat')} folded into groups.",
    ]
    if done.redactions:
        masked = ", ".join(f"{kind} ({count})" for kind, count in sorted(done.redactions.items()))
        lines.append(wrapped(f"Redacted before storing: {masked}.", ""))
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
    lines = [wrapped(f"- {_place(folder, of)}: {reason}", "  ") for (folder, reason), of in groups.items()]
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


def meaning(found: Meaning) -> str:
    """Give what a word means: all that is known of the failure it is, and the titles of those that may be behind it."""
    said = [f"{bold(found.word)}\n\n{wrapped(found.says, '')}"] if found.says else []
    behind = found.rules
    if found.rule:
        said.append(rule(found.rule))
        behind = found.rules[1:]
    if behind:
        codes = "\n".join(f"  {one.code:<34} {one.title}" for one in behind)
        said.append(f"What may be behind it (`kfi rules CODE` tells of each)\n{codes}")
    return "\n\n".join(said)


def rule(known: Rule) -> str:
    """Give all that is known of one failure."""
    words = words_of(known.code)
    printed = f"\n\nKubernetes may show it as\n{wrapped(', '.join(words), '  ')}" if words else ""
    steps = "\n".join(wrapped(f"{n}. {step}", "  ") for n, step in enumerate(known.fix, 1))
    return (
        f"{bold(known.title)}  ({known.code}; layer {known.layer.name.lower()}; {known.role})\n\n"
        f"{wrapped(known.meaning, '')}\n\nSee it with\n  {known.confirm}\n\nWhat to do\n{steps}{printed}"
    )
