"""Measure how well questions are understood: precision, recall and F1 of every field over labelled questions.

Usage: python benchmarks/questions.py [--questions FILE] [--held-out] [--alone]

The questions, what they say and the rules of labelling are in `questions.yaml`. Every third question of a language is
held out: how it fails, and how `last` does, is listed with `--held-out` only, which is for the end. `--alone` leaves
the names of the store away. What a label leaves open (a choice with null in it) counts only where something wrong is
found. Intents are scored without `diagnose`, which is what is left; sub-questions only where there are several, in the
label or found.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from kfi.models.schemas import ObjectRef, QueryMetadata, QueryPlan
from kfi.retrieval.known_names import NOTHING_KNOWN, names_of
from kfi.retrieval.query_analyzer import QueryAnalyzer, settled

NOW = datetime(2026, 11, 20, 14, 40, tzinfo=UTC)
FIELDS = (
    "namespace", "pod", "container", "node", "object", "labels", "labels not", "error", "family", "exit code",
    "HTTP code", "image", "claim", "since", "until", "before change", "after change", "intent", "parts",
)  # fmt: skip
_HOSTILE = (
    "pod " * 8, "a-" * 16, "no se puede ", "in the last 1h1h1h ", "x=1,", "a/b:", "why is and ", "cannot a b c ",
    "image a/a/a:", "1. 2) (a) ", "\u65e0\u6cd5" * 8, "startet nicht ", "between 1:00 and ", "is a a a a a a a ",
    "at 1:00 runs ", "what does a ", "-n a ", "503s ", "\"'`(", " ",
)  # fmt: skip
_WIDEST = timedelta(hours=2)

Label = dict[str, Any]
Understand = Callable[[str], QueryPlan]


@dataclass
class Score:
    """Hits and misses of one field."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def add(self, other: Score) -> None:
        """Count another's along."""
        self.right += other.right
        self.wrong += other.wrong
        self.missed += other.missed

    @property
    def precision(self) -> float:
        """Share of what was found that is right; 1 where nothing was found."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """Share of what is there that was found; 1 where nothing is there."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass
class Result:
    """Scores by field, and each error in words."""

    scores: dict[str, Score] = field(default_factory=lambda: {name: Score() for name in FIELDS})
    errors: list[str] = field(default_factory=list)
    asked: int = 0
    flawless: int = 0


def choices(label: Label, key: str) -> list[Any]:
    """Give what is right for a key of a label; None among them where nothing is."""
    value = label.get(key)
    return value if isinstance(value, list) else [value]


def one(found: Any, right: list[Any], same: Callable[[Any, Any], bool] = lambda a, b: a == b) -> Score:
    """Score one value against those that are right."""
    if found is None:
        return Score() if None in right else Score(missed=1)
    if any(wanted is not None and same(found, wanted) for wanted in right):
        return Score(right=1)
    return Score(wrong=1, missed=int(None not in right))


def moment(text: str | None) -> datetime | None:
    """Read `11-20T14:05`."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC) if text else None


def overlaps(found: str, wanted: str) -> bool:
    """Tell whether one of two words holds the other."""
    a, b = (" ".join(text.lower().replace("\u2019", "'").split()) for text in (found, str(wanted)))
    return a in b or b in a


def labels(found: dict[str, str], label: Label) -> Score:
    """Score the pairs of labels."""
    best = Score(wrong=len(found), missed=999)
    for wanted in choices(label, "labels"):
        pairs = set((wanted or {}).items())
        right = len(pairs & found.items())
        score = Score(right, len(found) - right, len(pairs) - right)
        best = min(best, score, key=lambda s: s.wrong + s.missed)
    return best


def excluded(found: QueryMetadata, label: Label) -> Score:
    """Score the pairs of labels that are excluded."""
    wanted = {(key, value) for key, told in (label.get("not_labels") or {}).items() for value in _each(told)}
    pairs = {(key, value) for key, values in found.labels_excluded.items() for value in values}
    return Score(len(wanted & pairs), len(pairs - wanted), len(wanted - pairs))


def _each(told: Any) -> list[Any]:
    return told if isinstance(told, list) else [told]


def times(found: QueryMetadata, label: Label) -> dict[str, Score]:
    """Score both ends of the window; a moment is right in both where the window holds it."""
    until = None if found.until == NOW else found.until
    about = moment(label.get("at"))
    if about:
        score = Score(missed=1)
        if found.since and found.until and found.until - found.since <= _WIDEST:
            score = Score(right=1) if found.since <= about <= found.until else Score(wrong=1, missed=1)
        return {"since": score, "until": score}
    return {
        key: one(value, [moment(text) for text in choices(label, key)])
        for key, value in (("since", found.since), ("until", until))
    }


def parts(found: tuple[str, ...], label: Label) -> Score:
    """Score sub-questions by the words that each must hold."""
    wanted = [[str(word).lower() for word in words] for words in label.get("parts", ())]
    if not wanted:
        return Score(wrong=len(found) - 1) if len(found) > 1 else Score()
    left, right = [part.lower() for part in found] if len(found) > 1 else [], 0
    for words in wanted:
        part = next((part for part in left if all(word in part for word in words)), None)
        if part is not None:
            left.remove(part)
            right += 1
    return Score(right, len(left), len(wanted) - right)


def named(found: QueryMetadata) -> str | None:
    """Give the object as labels write it."""
    return f"{found.kind or ''}/{found.name or ''}" if found.kind or found.name else None


def scored(plan: QueryPlan, label: Label) -> dict[str, Score]:
    """Score everything that was understood of one question."""
    found = plan.metadata
    intent = [None if wanted in (None, "diagnose") else wanted for wanted in choices(label, "intent")]
    return {
        "namespace": one(found.namespace, choices(label, "ns")),
        "pod": one(found.pod, choices(label, "pod")),
        "container": one(found.container, choices(label, "container")),
        "node": one(found.node, choices(label, "node")),
        "object": one(named(found), choices(label, "obj")),
        "labels": labels(found.labels_dict, label),
        "labels not": excluded(found, label),
        "error": one(found.error_type, choices(label, "err"), overlaps),
        "family": one(found.error_family, choices(label, "fam")),
        "exit code": one(found.exit_code, choices(label, "exit")),
        "HTTP code": one(found.http_code, choices(label, "http")),
        "image": one(found.image, choices(label, "image")),
        "claim": one(found.pvc, choices(label, "pvc")),
        **times(found, label),
        "before change": one(found.before_change or None, [c or None for c in choices(label, "before_change")]),
        "after change": one(found.after_change or None, [c or None for c in choices(label, "after_change")]),
        "intent": one(None if plan.intent == "diagnose" else plan.intent.value, intent),
        "parts": parts(plan.sub_queries, label),
    }


def measure(asked: Iterable[Label], understand: Understand) -> Result:
    """Ask every question and add the scores up."""
    result = Result()
    for label in asked:
        plan = understand(label["q"])
        found = scored(plan, label)
        result.asked += 1
        result.flawless += not any(score.wrong or score.missed for score in found.values())
        for name, score in found.items():
            result.scores[name].add(score)
            if score.wrong or score.missed:
                result.errors.append(f"{name}: {label['q']!r}: {_said(name, plan, label)}")
    return result


def _said(name: str, plan: QueryPlan, label: Label) -> str:
    found = plan.metadata.model_dump(mode="json", exclude_defaults=True)
    wanted = {key: value for key, value in label.items() if key not in ("q", "lang")}
    return f"found {plan.sub_queries if name == 'parts' else found} {plan.intent}; wanted {wanted}"


def split(asked: list[Label]) -> tuple[list[Label], list[Label]]:
    """Give the questions to tune on, and every third of a language, which is held out."""
    seen: Counter[str] = Counter()
    tuned: list[Label] = []
    held: list[Label] = []
    for label in asked:
        language = label.get("lang", "en")
        seen[language] += 1
        (tuned if seen[language] % 3 else held).append(label)
    return tuned, held


def refs(world: dict[str, list[str]]) -> Iterator[ObjectRef]:
    """Give the objects of the invented store."""
    for namespace, objects in world.items():
        if namespace:
            yield ObjectRef(kind="Namespace", name=namespace)
        for text in objects:
            kind, _, name = text.partition("/")
            yield ObjectRef(kind=kind, name=name, namespace=namespace)


def report(title: str, result: Result) -> str:
    """Give a table of one part."""
    lines = [f"{title}: {result.asked} questions, {result.flawless} without any error", ""]
    lines += [f"{'field':<14} {'right':>5} {'wrong':>5} {'missed':>6} {'P':>6} {'R':>6} {'F1':>6}"]
    for name in FIELDS:
        s = result.scores[name]
        lines.append(
            f"{name:<14} {s.right:>5} {s.wrong:>5} {s.missed:>6} {s.precision:>6.3f} {s.recall:>6.3f} {s.f1:>6.3f}"
        )
    return "\n".join(lines)


def spent(asked: Iterable[Label], understand: Understand) -> list[float]:
    """Give the milliseconds of each question, the better of three runs."""
    taken = []
    for label in asked:
        taken.append(min(_timed(understand, label["q"]) for _ in range(3)))
    return sorted(taken)


def hostile(understand: Understand) -> Iterator[str]:
    """Tell how long texts that are made to be slow take, of 4,000 and of 8,000 characters: twice as long at best."""
    for text in _HOSTILE:
        short, long = ((text * 8000)[:length] for length in (4000, 8000))
        low, high = (min(_timed(understand, asked) for _ in range(3)) for asked in (short, long))
        yield f"{text[:24]!r:<30} {low:7.1f} ms {high:7.1f} ms  x{high / low:.1f}"


def _timed(understand: Understand, question: str) -> float:
    started = time.process_time()
    understand(question)
    return (time.process_time() - started) * 1000


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--questions", type=Path, default=Path(__file__).with_suffix(".yaml"))
    parser.add_argument("--held-out", action="store_true", help="list the errors of the held-out part too")
    parser.add_argument("--alone", action="store_true", help="without the names of the store")
    args = parser.parse_args()
    data = yaml.safe_load(args.questions.read_text(encoding="utf-8"))
    analyzer = QueryAnalyzer(clock=lambda: NOW)
    known = NOTHING_KNOWN if args.alone else names_of(refs(data["world"]))

    def understand(question: str) -> QueryPlan:
        return settled(analyzer.plan(question), known)[0]

    tuned, held = split(data["questions"])
    for title, asked, listed in (
        ("Tuned on", tuned, True),
        ("Held out", held, args.held_out),
        ("Fresh", data["fresh"], True),
        ("Second", data["second"], True),
        ("Third", data["third"], True),
        ("Last", data["last"], args.held_out),
    ):
        result = measure(asked, understand)
        print(report(title, result), "", sep="\n")
        if listed:
            print(*sorted(result.errors), "", sep="\n")
    taken = spent(tuned + held, understand)
    print(f"ms a question: median {median(taken):.2f}, 95% {taken[int(len(taken) * 0.95)]:.2f}, most {taken[-1]:.2f}")
    print("hostile texts of 4,000 and 8,000 characters:", *hostile(understand), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
