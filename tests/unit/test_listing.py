"""Complete lists: what a question selects, what is counted, and which page is shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from kfi.api.server import create_app
from kfi.cli.app import run
from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.models.listing import Listed, Listing, State
from kfi.models.schemas import DiagnoseRequest
from tests.test_golden import SAMPLE

TABLE = """\
NAMESPACE   LAST SEEN   TYPE      REASON      OBJECT              MESSAGE
orchard     4m          Warning   BackOff     pod/cart-0          Back-off restarting failed container app in pod cart-0
orchard     9m          Normal    Pulled      pod/cart-0          Container image "cart:2.4" already present on machine
orchard     33m         Warning   Unhealthy   pod/pricing-0       Readiness probe failed: connection refused
pantry      12m         Warning   BackOff     pod/jam-0           Back-off restarting failed container app in pod jam-0
            20m         Normal    NodeReady   node/node-a         Node node-a status is now: NodeReady
"""
PODS = """\
NAMESPACE   NAME        READY   STATUS             RESTARTS       AGE
orchard     cart-0      0/1     CrashLoopBackOff   7 (4m ago)     50m
orchard     pricing-0   0/1     Running            0              50m
orchard     mailer-0    1/1     Running            2 (30h ago)    3d
orchard     import-x    0/1     Completed          0              40m
pantry      jam-0       0/1     Pending            0              12m
"""
NODES = """\
NAME     STATUS     ROLES    AGE   VERSION
node-a   Ready      <none>   90d   v1.31.2
node-b   NotReady   <none>   90d   v1.31.2
"""


def asking(folder: Path) -> Copilot:
    copilot = Copilot.throw_away(Settings(ollama_url=""))
    copilot.ingest([str(folder)], as_of=datetime(2026, 11, 20, 14, 40, tzinfo=UTC))
    return copilot


@pytest.fixture(scope="module")
def orchard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copilot]:
    folder = tmp_path_factory.mktemp("orchard")
    for name, text in (("events.txt", TABLE), ("pods.txt", PODS), ("nodes.txt", NODES)):
        (folder / name).write_text(text)
    with asking(folder) as copilot:
        yield copilot


@pytest.fixture(scope="module")
def sample() -> Iterator[Copilot]:
    with Copilot.throw_away(Settings(ollama_url="")) as copilot:
        copilot.ingest([str(SAMPLE)])
        yield copilot


def listed(copilot: Copilot, question: str, **given: object) -> Listing:
    answer = copilot.diagnose(DiagnoseRequest(question=question, **given))
    assert answer.listing is not None, answer.summary
    return answer.listing


def names(listing: Listing) -> list[str]:
    return [row.object.name for row in listing.rows]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Show me all Pod events in the last hour", ["cart-0", "cart-0", "jam-0", "pricing-0"]),
        ("show me all Pod events in the last 10 minutes", ["cart-0", "cart-0"]),
        ("list events in namespace pantry", ["jam-0"]),
        ("how many BackOff events since 14:30", ["cart-0"]),
        ("how many backoff events are there", ["cart-0", "jam-0"]),
        ("list the warnings of pod cart-0", ["cart-0"]),
        ("list node events", ["node-a"]),
        ("list failing pods in orchard", ["cart-0", "pricing-0"]),
        ("how many pods restarted", ["cart-0", "mailer-0"]),
        ("which pods are pending?", ["jam-0"]),
        ("which nodes are NotReady", ["node-b"]),
        ("list nodes", ["node-a", "node-b"]),
        ("which pods are in CrashLoopBackOff", ["cart-0"]),
        ("how many FailedMount events are there", []),
        ("list events of pod basket-9", []),
        ("list failing pods in namespace shop", []),
        ("count the warnings in pantry", ["jam-0"]),
        ("which pods have no ready containers", ["cart-0", "pricing-0", "jam-0"]),
        ("which pods are 0/1 ready", ["cart-0", "pricing-0", "jam-0"]),
        ("any probe failures in the last hour?", ["pricing-0"]),
        ("any OOM kills in the last hour?", []),
        ("warnings in logistics", []),
    ],
)
def test_a_list_holds_what_was_asked_for_and_nothing_else(orchard: Copilot, question: str, expected: list[str]):
    assert names(listed(orchard, question)) == expected


def test_every_row_stands_where_it_says(orchard: Copilot, sample: Copilot):
    for row in listed(sample, "list all events", limit=100).rows:
        line = (SAMPLE / row.citation.path).read_text().splitlines()[row.citation.first_line - 1]
        assert row.message[:40] in line.replace('\\"', '"')
    (row,) = listed(orchard, "which nodes are NotReady").rows
    assert (row.citation.path, row.citation.first_line) == ("nodes.txt", 3)


def test_pages_together_hold_every_row_once_newest_first(sample: Copilot):
    whole = listed(sample, "list all events", limit=100)
    pages = [listed(sample, "list all events", limit=7, page=page) for page in range(1, 20)]
    rows = [row for page in pages for row in page.rows]

    assert rows == list(whole.rows)
    assert whole.total == len(rows) == pages[0].total > 30
    assert pages[0].pages == -(-whole.total // 7)
    times = [row.last for row in rows if row.last]
    assert times == sorted(times, reverse=True)


def test_rows_and_repeats_are_counted_apart(sample: Copilot):
    found = listed(sample, "how many BackOff events since 14:00")

    assert found.times == sum(row.count for row in found.rows) > found.total == 3
    assert {row.reason for row in found.rows} == {"BackOff"}


def test_objects_are_counted_of_how_many(orchard: Copilot):
    found = listed(orchard, "how many pods restarted")

    assert (found.total, found.out_of, found.times) == (2, 5, 9)


def test_an_event_that_two_texts_show_is_one_row(tmp_path: Path):
    described = """\
Name:             cart-0
Namespace:        orchard
Priority:         0
Service Account:  default
Node:             node-a/10.0.0.4
Status:           Running
IP:               10.244.0.7
Containers:
  app:
    Image:          cart:2.4
    Restart Count:  7
Events:
  Type     Reason   Age                  From     Message
  ----     ------   ----                 ----     -------
  Warning  BackOff  4m (x31 over 40m)    kubelet  Back-off restarting failed container app in pod cart-0
"""
    (tmp_path / "events.txt").write_text(TABLE)
    (tmp_path / "cart.describe.txt").write_text(described)
    with asking(tmp_path) as copilot:
        found = listed(copilot, "list BackOff events in orchard")

    assert [(row.object.name, row.count) for row in found.rows] == [("cart-0", 31)]


def test_single_events_with_one_message_are_counted_in_the_window_one_by_one(tmp_path: Path):
    begin = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
    times = [begin + timedelta(minutes=4 * n) for n in range(10)]
    events = "\n---\n".join(
        f"""\
apiVersion: v1
kind: Event
metadata: {{name: cart-0.{n:016x}, namespace: orchard, uid: u{n}}}
involvedObject: {{kind: Pod, namespace: orchard, name: cart-0}}
reason: FailedScheduling
message: 0/3 nodes are available
type: Warning
count: 1
firstTimestamp: "{time:%Y-%m-%dT%H:%M:%SZ}"
lastTimestamp: "{time:%Y-%m-%dT%H:%M:%SZ}"
"""
        for n, time in enumerate(times)
    )
    (tmp_path / "events.yaml").write_text(events)
    with asking(tmp_path) as copilot:
        found = listed(copilot, "how many FailedScheduling events since 14:20")

    assert (found.total, found.times) == (1, 5)


def test_the_first_thing_said_is_the_list_and_the_cause_is_one_sentence(sample: Copilot):
    answer = sample.diagnose(DiagnoseRequest(question="list failing pods in orchard"))

    assert answer.summary.startswith("5 of 14 Pods in namespace orchard are failing. The likeliest cause")
    assert answer.summary.endswith("of Deployment/orchard/checkout: application exits with an error.")
    assert len(answer.root_causes) == 1
    assert {label for cause in answer.root_causes for label in cause.citations} <= {e.label for e in answer.evidence}
    assert answer.reasoning_model_used == "rules"
    assert not answer.degraded


def test_a_name_that_nothing_has_gives_an_empty_list_that_says_so(orchard: Copilot):
    answer = orchard.diagnose(DiagnoseRequest(question="list events of basket-9"))

    assert answer.summary.startswith("Nothing in the evidence is named 'basket-9', so there is nothing to list.")


def test_a_namespace_that_is_not_there_is_named_with_those_that_are(orchard: Copilot):
    found = listed(orchard, "list failing pods in namespace shop")

    assert found.notes[0] == "No evidence is of a namespace 'shop'; there is of: orchard, pantry."


def test_without_a_complete_list_the_answer_says_that_there_may_be_more(tmp_path: Path):
    (tmp_path / "events.txt").write_text(TABLE)
    with asking(tmp_path) as copilot:
        found = listed(copilot, "list failing pods in orchard")

    assert any(note.startswith("No complete list of Pods") for note in found.notes)


def test_errors_are_warning_events_and_error_lines_together(sample: Copilot):
    found = listed(sample, "list errors in namespace orchard", limit=100)

    assert found.selection.what is Listed.PROBLEMS
    assert {row.status for row in found.rows} == {"Warning", "error"}


def test_the_newest_five_are_five(sample: Copilot):
    assert len(listed(sample, "show the last 5 warnings").rows) == 5


def test_a_selection_says_in_types_what_was_understood(orchard: Copilot):
    chosen = listed(orchard, "how many pods in orchard are crashing").selection

    assert (chosen.what, chosen.kinds, chosen.namespace, chosen.state) == (
        Listed.OBJECTS,
        ("Pod",),
        "orchard",
        State.CRASHING,
    )


def test_a_list_from_the_store_is_the_same_as_from_files(tmp_path: Path):
    (tmp_path / "events.txt").write_text(TABLE)
    (tmp_path / "pods.txt").write_text(PODS)
    moment = datetime(2026, 11, 20, 14, 40, tzinfo=UTC)
    with Copilot.open(Settings(data_dir=tmp_path / "store", ollama_url="")) as stored:
        for _ in range(2):  # what is read twice is listed once
            stored.ingest([str(tmp_path / "events.txt"), str(tmp_path / "pods.txt")], as_of=moment)
        first = [listed(stored, question) for question in ("list all events", "list pods")]
    with Copilot.throw_away(Settings(ollama_url="")) as thrown:
        thrown.ingest([str(tmp_path / "events.txt"), str(tmp_path / "pods.txt")], as_of=moment)
        second = [listed(thrown, question) for question in ("list all events", "list pods")]

    assert first == second
    assert [len(one.rows) for one in first] == [5, 5]


def test_http_gives_the_same_list_as_the_command_line(orchard: Copilot):
    question = {"question": "list failing pods in orchard", "limit": 1, "page": 2}

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=create_app(orchard, Settings()))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8484") as client:
            return await client.post("/diagnose", json=question)

    body = asyncio.run(asked()).json()

    assert Listing.model_validate(body["listing"]) == listed(orchard, **question)
    assert body["listing"]["rows"][0]["object"]["name"] == "pricing-0"


def test_the_command_line_prints_a_table_with_places_and_the_next_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "pods.txt").write_text(PODS)

    code = run(["diagnose", "list all pods", "--limit", "2", "--from", str(tmp_path)])

    shown = capsys.readouterr().out
    assert code == 0
    assert "5 Pods; showing 1-2 (page 1 of 3)." in shown
    assert "CrashLoopBackOff  7         Pod/orchard/cart-0\n    pods.txt:2\n" in shown
    assert "More of it: --page 2" in shown
    assert "1. " not in shown


def test_the_same_list_is_the_same_json_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "pods.txt").write_text(PODS)
    printed = []
    for _ in range(2):
        run(["diagnose", "list all pods", "-o", "json", "--from", str(tmp_path), "--as-of", "2026-11-20T14:40:00Z"])
        printed.append(json.loads(capsys.readouterr().out)["listing"])

    assert printed[0] == printed[1]
    assert list(printed[0]) == ["selection", "order", "total", "times", "out_of", "page", "pages", "rows", "notes"]
    assert list(printed[0]["rows"][0]) == [
        "object", "status", "reason", "message", "count", "first", "last", "citation",
    ]  # fmt: skip


def test_a_pod_that_was_killed_for_memory_is_found_though_its_status_is_another_now(sample: Copilot):
    (row,) = listed(sample, "which pods were OOMKilled").rows

    assert (row.object.name, row.status, row.reason) == (
        "recommender-758f986b9f-zcnjr",
        "CrashLoopBackOff",
        "OOMKilled",
    )


def test_oom_kills_are_the_pods_that_show_them(sample: Copilot):
    answer = sample.diagnose(DiagnoseRequest(question="any OOM kills in the last hour?"))

    assert answer.listing is not None
    assert names(answer.listing) == ["recommender-758f986b9f-zcnjr"]
    assert answer.summary.startswith("1 of 38 Pods is OOMKilled.")


def test_a_label_is_no_name(sample: Copilot):
    chosen = listed(sample, "list pods with label app=cart").selection

    assert (chosen.labels, chosen.objects) == ({"app": "cart"}, ())


def test_what_has_an_excluded_label_is_not_listed_and_the_answer_says_so(sample: Copilot):
    every = listed(sample, "list pods in orchard", limit=100)
    answer = sample.diagnose(DiagnoseRequest(question="list pods in orchard with app!=cart,app!=checkout", limit=100))
    assert answer.listing is not None
    without = {row.object.name for row in answer.listing.rows}

    gone = {row.object.name for row in every.rows} - without
    assert {name.split("-")[0] for name in gone} == {"cart", "checkout"}
    assert without
    assert answer.summary.split(" Pods ")[1].startswith("without app=cart or app=checkout in namespace orchard")


def test_events_of_what_has_an_excluded_label_are_not_listed(sample: Copilot):
    every, without = (listed(sample, f"warnings in orchard{more}", limit=100) for more in ("", " with app!=checkout"))

    gone = {row.object.name for row in every.rows} - {row.object.name for row in without.rows}
    assert [name for name in gone if not name.startswith("checkout-")] == []
    assert gone


def test_a_namespace_that_nobody_knows_is_not_passed_over(orchard: Copilot):
    found = listed(orchard, "warnings in logistics")

    assert found.notes[0] == "No evidence is of a namespace 'logistics'; there is of: orchard, pantry."


def test_of_what_shows_no_labels_a_list_says_that_it_may_have_them(orchard: Copilot):
    found = listed(orchard, "list pods in orchard with tier!=db")

    assert "Of 4 the evidence shows no labels; they are in the list." in found.notes


def test_the_labels_of_a_workloads_pods_are_labels_of_it(tmp_path: Path):
    template = {"metadata": {"labels": {"app": "cart"}}, "spec": {"containers": [{"name": "app"}]}}
    spec = {"selector": {"matchLabels": {"app": "cart"}}, "template": template}
    metadata = {"name": "cart", "namespace": "orchard"}
    made = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
    (tmp_path / "cart.json").write_text(json.dumps(made))

    with asking(tmp_path) as copilot:
        found = listed(copilot, "list deployments in orchard with tier!=db")

    assert names(found) == ["cart"]
    assert not [note for note in found.notes if "no labels" in note]


@pytest.mark.parametrize("part", ["A", "Aa", "last 5 ", "of a-", "in a", "pods ", "a.b=c ", "events of "])
def test_a_hostile_question_gets_a_list_all_the_same(orchard: Copilot, part: str):
    answer = orchard.diagnose(DiagnoseRequest(question=f"list pods {part * (7900 // len(part))}"))

    assert answer.summary
