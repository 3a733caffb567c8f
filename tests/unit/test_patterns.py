"""Patterns found in a ledger: what recurs, gathers, spreads, is new; what changed before it; what was like it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kfi.cli.app import run
from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.models.patterns import Pattern, PatternKind, PatternList, Trend
from kfi.models.schemas import DiagnoseRequest
from tests.test_golden import SAMPLE

NOW = datetime(2026, 11, 20, 14, 40, 7, tzinfo=UTC)
DAY = timedelta(days=1)


def event(name: str, reason: str, when: datetime, *, namespace: str = "orchard", **more: Any) -> dict[str, Any]:
    stamp = f"{when:%Y-%m-%dT%H:%M:%SZ}"
    number = f"{int(when.timestamp()):016x}"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{name}.{number}",
            "namespace": namespace,
            "uid": f"{namespace}-{name}-{reason}-{number}",
        },
        "involvedObject": {"kind": "Pod", "namespace": namespace, "name": name},
        "reason": reason,
        "message": f"{reason} in {name}",
        "type": "Warning",
        "count": 1,
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        **more,
    }


def found_in(folder: Path, events: Iterable[dict[str, Any]], **request: Any) -> PatternList:
    (folder / "events.json").write_text(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": list(events)}, indent=1)
    )
    with Copilot.throw_away(Settings(ollama_url="")) as copilot:
        copilot.ingest([str(folder)], as_of=NOW)
        return copilot.patterns(DiagnoseRequest(**request))


def of_kind(found: PatternList, kind: PatternKind) -> list[Pattern]:
    return [pattern for pattern in found.patterns if pattern.kind is kind]


def test_an_event_every_twenty_minutes_recurs_with_its_period_and_count(tmp_path: Path):
    begin = NOW - timedelta(hours=8)
    times = [begin + n * timedelta(minutes=20) for n in range(24)]

    found = found_in(tmp_path, [event("cart-0", "Unhealthy", time) for time in times])

    (pattern,) = of_kind(found, PatternKind.RECURRING)
    assert (pattern.period_s, pattern.count, pattern.trend) == (1200.0, 24, Trend.STEADY)
    assert pattern.statement.startswith("Unhealthy of Pod/orchard/cart-0 comes back every 20 min: 23 of 23 gaps fit")
    assert (pattern.first, pattern.last) == (times[0], times[-1])
    assert pattern.p_value is not None
    assert pattern.p_value < 0.001
    assert pattern.citations


def test_events_that_were_folded_into_one_document_keep_their_times(tmp_path: Path):
    times = [NOW - n * timedelta(minutes=5) for n in range(12)]

    found = found_in(tmp_path, [event("cart-0", "Unhealthy", time) for time in times])

    (pattern,) = of_kind(found, PatternKind.RECURRING)
    assert (pattern.period_s, pattern.count) == (300.0, 12)


def test_a_repeated_event_whose_single_times_are_unknown_gets_a_mean_and_no_period(tmp_path: Path):
    repeated = event("cart-0", "Unhealthy", NOW - timedelta(hours=1))
    repeated |= {"count": 121, "lastTimestamp": f"{NOW:%Y-%m-%dT%H:%M:%SZ}"}

    found = found_in(tmp_path, [repeated])

    (pattern,) = found.patterns
    assert (pattern.kind, pattern.count, pattern.period_s) == (PatternKind.REPEATED, 121, None)
    assert "every 30 s on average; single times were not recorded" in pattern.statement


def test_random_events_make_no_pattern_but_their_number(tmp_path: Path):
    rng = random.Random(7)
    events = []
    for pod in range(60):
        times = sorted(NOW - rng.random() * DAY for _ in range(9))
        events += [event(f"pod{chr(97 + pod % 26)}{pod}", f"Reason{pod}", time) for time in times]

    found = found_in(tmp_path, events)

    assert len(found.patterns) <= 1


def test_a_burst_says_how_many_of_how_many_and_when(tmp_path: Path):
    rng = random.Random(8)
    quiet = [NOW - rng.random() * DAY for _ in range(6)]
    loud = [NOW - timedelta(hours=5) + timedelta(seconds=15 * n) for n in range(10)]

    found = found_in(tmp_path, [event("cart-0", "FailedMount", time) for time in (*quiet, *loud)])

    (pattern,) = of_kind(found, PatternKind.BURST)
    assert pattern.statement.startswith("FailedMount of Pod/orchard/cart-0: 10 of 16 within 2 min 15 s")
    assert (pattern.first, pattern.last) == (loud[0], loud[-1])


def test_the_same_message_in_three_namespaces_is_one_failure_that_spread(tmp_path: Path):
    when = NOW - timedelta(minutes=9)
    message = "Failed to create pod sandbox: plugin type flannel failed: no IP address in range"
    events = [
        event("cart-0", "FailedCreatePodSandBox", when, namespace=namespace, message=message)
        for namespace in ("orchard", "pantry", "cellar")
    ]

    found = found_in(tmp_path, events)

    (pattern,) = of_kind(found, PatternKind.SPREAD)
    assert pattern.namespaces == ("orchard", "pantry", "cellar")
    assert "in 3 namespaces (orchard, pantry, cellar)" in pattern.statement
    assert len(pattern.citations) == 3


def test_different_messages_of_one_reason_do_not_spread(tmp_path: Path):
    when = NOW - timedelta(minutes=9)
    events = [
        event("cart-0", "FailedSync", when, namespace=namespace, message=message)
        for namespace, message in (("orchard", "secret cart-tls not found"), ("pantry", "disk quota exceeded"))
    ]

    assert of_kind(found_in(tmp_path, events), PatternKind.SPREAD) == []


def a_log(late: Iterable[str]) -> str:
    begin = NOW - timedelta(hours=3)
    lines = [f"{begin + n * timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ} INFO served order" for n in range(180)]
    return "\n".join(sorted([*lines, *late]))


def at(ago_min: int) -> str:
    return f"{NOW - timedelta(minutes=ago_min):%Y-%m-%dT%H:%M:%SZ}"


def test_an_error_that_the_log_never_held_before_is_new(tmp_path: Path):
    folder = tmp_path / "logs" / "orchard" / "cart-0"
    folder.mkdir(parents=True)
    (folder / "cart.log").write_text(a_log(f"{at(n)} ERROR the pricing table is locked" for n in (9, 7, 5, 3)))

    found = found_in(tmp_path, [])

    (pattern,) = of_kind(found, PatternKind.NEW_MESSAGE)
    assert "logs for the first time at 2026-11-20 14:31:07 UTC and 3 times after" in pattern.statement
    assert pattern.citations[0].text.endswith("ERROR the pricing table is locked")


def test_an_error_that_was_there_all_along_is_not_new(tmp_path: Path):
    folder = tmp_path / "logs" / "orchard" / "cart-0"
    folder.mkdir(parents=True)
    (folder / "cart.log").write_text(a_log(f"{at(n)} ERROR the pricing table is locked" for n in (170, 120, 60, 3)))

    assert of_kind(found_in(tmp_path, []), PatternKind.NEW_MESSAGE) == []


def test_a_namespace_and_a_time_narrow_what_is_looked_at(tmp_path: Path):
    events = [event("cart-0", "Unhealthy", NOW - n * timedelta(minutes=30)) for n in range(30)]
    events += [event("jam-0", "Unhealthy", NOW - n * timedelta(minutes=25), namespace="pantry") for n in range(30)]

    everything = found_in(tmp_path, events)
    pantry = found_in(tmp_path, events, namespace="pantry")
    short = found_in(tmp_path, events, since="2h")

    assert len(of_kind(everything, PatternKind.RECURRING)) == 2
    assert [pattern.namespaces for pattern in pantry.patterns] == [("pantry",)]
    assert of_kind(short, PatternKind.RECURRING) == []


def test_every_pattern_stands_where_it_says():
    with Copilot.throw_away(Settings(ollama_url="")) as copilot:
        copilot.ingest([str(SAMPLE)])
        found = copilot.patterns(DiagnoseRequest())

    assert found.patterns
    for pattern in found.patterns:
        for cited in pattern.citations:
            line = (SAMPLE / cited.path).read_text().splitlines()[cited.first_line - 1]
            assert cited.text.strip().splitlines()[0][:40] in line


def test_a_diagnosis_tells_the_patterns_of_its_first_cause_and_of_no_other():
    with Copilot.throw_away(Settings(ollama_url="")) as copilot:
        copilot.ingest([str(SAMPLE)])
        answer = copilot.diagnose(DiagnoseRequest(question="why does checkout crash?"))

    assert [pattern.reason for pattern in answer.patterns] == ["BackOff"]
    assert {ref.name for pattern in answer.patterns for ref in pattern.objects} == {"checkout"}


PODS = "NAMESPACE   NAME     READY   STATUS             RESTARTS   AGE\n"
BAD = f"{PODS}orchard     cart-0   0/1     CrashLoopBackOff   7          50m\n"
GOOD = f"{PODS}orchard     cart-0   1/1     Running            0          50m\n"


def stored(folder: Path, *observed: tuple[datetime, str]) -> Copilot:
    copilot = Copilot.open(Settings(data_dir=folder / "store", ollama_url=""))
    for number, (when, pods) in enumerate(observed):
        (folder / f"{number}").mkdir()
        (folder / f"{number}" / "pods.txt").write_text(pods)
        copilot.ingest([str(folder / f"{number}" / "pods.txt")], as_of=when)
    return copilot


def test_an_incident_like_an_earlier_one_is_told_with_when_that_was(tmp_path: Path):
    observed = [(NOW - 3 * DAY, GOOD), (NOW - 2 * DAY, BAD), (NOW - DAY, GOOD), (NOW, BAD)]
    with stored(tmp_path, *observed) as copilot:
        found = copilot.patterns(DiagnoseRequest())
        answer = copilot.diagnose(DiagnoseRequest())

    (past,) = found.past
    assert past.likeness == "the same failure of the same workload"
    assert past.workload.name == "cart-0"
    assert past.code == answer.root_causes[0].code
    assert past.until == NOW - DAY
    assert answer.past_incidents == found.past


def test_what_still_goes_on_is_no_past_incident(tmp_path: Path):
    with stored(tmp_path, (NOW - 2 * DAY, GOOD), (NOW - DAY, BAD), (NOW, BAD)) as copilot:
        assert copilot.patterns(DiagnoseRequest()).past == ()


def test_a_count_that_grew_between_two_observations_is_counted_once(tmp_path: Path):
    first = event("cart-0", "Unhealthy", NOW - timedelta(hours=2))
    grown = first | {"count": 30, "lastTimestamp": f"{NOW:%Y-%m-%dT%H:%M:%SZ}"}
    with Copilot.throw_away(Settings(ollama_url="")) as copilot:
        for number, (one, when) in enumerate(((first | {"count": 12}, NOW - timedelta(hours=1)), (grown, NOW))):
            (tmp_path / f"{number}.json").write_text(json.dumps(one, indent=1))
            copilot.ingest([str(tmp_path / f"{number}.json")], as_of=when)
        (pattern,) = copilot.patterns(DiagnoseRequest()).patterns

    assert pattern.count == 30


def test_the_command_prints_each_pattern_with_its_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    times = [NOW - n * timedelta(minutes=20) for n in range(24)]
    items = [event("cart-0", "Unhealthy", time) for time in times]
    (tmp_path / "events.json").write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": items}, indent=1))

    assert run(["patterns", "--from", str(tmp_path), "--as-of", "2026-11-20T14:40:07Z"]) == 0
    text = capsys.readouterr().out
    assert run(["patterns", "--from", str(tmp_path), "--as-of", "2026-11-20T14:40:07Z", "-o", "json"]) == 0
    printed = json.loads(capsys.readouterr().out)

    assert "Comes back regularly\n  - Unhealthy of Pod/orchard/cart-0 comes back every 20 min" in text
    assert "    events.json:" in text
    assert printed["kind"] == "PatternList"
    assert [pattern["kind"] for pattern in printed["patterns"]] == ["recurring"]


def test_evidence_without_patterns_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "pods.txt").write_text(GOOD)

    assert run(["patterns", "--from", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("No pattern stands out from chance")
