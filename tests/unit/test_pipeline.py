import gzip
import io
import json
import subprocess
import sys
import tarfile
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kfi.config import Settings
from kfi.errors import SourceError
from kfi.ingestion.pipeline import ingest
from kfi.ledger import Ledger
from kfi.models.schemas import IngestReport, Skipped

COLLECTED = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
SECRET = "w1nesap-russet"
PODS = """\
NAME     READY   STATUS             RESTARTS   AGE
cart-0   0/1     CrashLoopBackOff   7          30m
"""
EVENTS = """\
LAST SEEN   TYPE      REASON    OBJECT       MESSAGE
5m          Warning   BackOff   pod/cart-0   Back-off restarting failed container app in pod cart-0
"""
DEPLOYMENT = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: cart, namespace: orchard}}
spec:
  template:
    spec:
      containers:
      - name: app
        env:
        - name: DB_PASSWORD
          value: {SECRET}
"""
LOG = f"""\
2026-03-01T12:00:00Z INFO connecting to postgres://cart:{SECRET}@db/cart
2026-03-01T12:00:01Z ERROR no route to db
2026-03-01T12:10:01Z ERROR no route to db
"""
UNIT = """\
● kubelet.service - kubelet
     Loaded: loaded (/lib/systemd/system/kubelet.service; enabled)
     Active: active (running) since Sun 2026-03-01 10:00:00 UTC; 2h 30min ago
"""
BUNDLE = {
    "timestamp": COLLECTED.isoformat(),
    "get/pods.orchard.txt": PODS,
    "get/events.orchard.txt": EVENTS,
    "manifests/cart.yaml": DEPLOYMENT,
    "logs/orchard/cart.log": LOG,
    "nodes/node-a/kubelet.txt": UNIT,
    "dependencies.json": '{"data": [{"parent": "cart", "child": "db", "callCount": 3}]}',
    "checks/connectivity.txt": "$ nc -zv db.orchard 5432\nnc: connect to db.orchard port 5432 (tcp) timed out\n",
    "alerts.json": json.dumps(
        [{"labels": {"alertname": "Down"}, "annotations": {}, "startsAt": "2026-03-01T12:00:00Z", "status": {}}]
    ),
    "README.md": "How this was collected.",
    "notes.txt": "Looks bad to me.",
    "core": "\x7fELF\x02",
}


@pytest.fixture
def ledger():
    with Ledger.throw_away() as ledger:
        yield ledger


@pytest.fixture
def bundle(tmp_path) -> Path:
    for name, text in BUNDLE.items():
        file = tmp_path / "bundle" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "bundle"


def take(ledger: Ledger, *paths: Path | str, **options) -> IngestReport:
    return ingest([str(path) for path in paths], ledger=ledger, settings=options.pop("limits", Settings()), **options)


def piped(ledger: Ledger, text: str | bytes, **options) -> IngestReport:
    data = text.encode() if isinstance(text, str) else text
    return take(ledger, "-", stdin=io.BytesIO(data), **options)


def test_every_kind_of_evidence_in_a_bundle_is_loaded_and_the_rest_is_told(ledger, bundle):
    report = take(ledger, bundle)

    assert report == IngestReport(
        sources=11,
        loaded={
            "alert": 1, "calls": 1, "check": 1, "event": 1, "listing": 1, "log": 2, "node_service": 1, "object": 2,
        },
        grouped=2,
        written=10,
        unchanged=0,
        skipped=(
            Skipped(path="README.md", reason="documentation"),
            Skipped(path="core", reason="a program"),
            Skipped(
                path="notes.txt",
                reason="not recognised: no Kubernetes objects, Events, log lines or output of kubectl in it",
            ),
        ),
        redactions={"password": 1, "url password": 1},
    )  # fmt: skip
    assert {document.observed_at for document in ledger.documents()} == {COLLECTED}


def test_the_same_evidence_a_second_time_changes_nothing(ledger, bundle, tmp_path):
    packed = tmp_path / "bundle.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(bundle, "bundle")
    first, again = take(ledger, bundle), take(ledger, bundle)

    assert (again.written, again.unchanged) == (0, first.written)
    assert take(ledger, packed).loaded == first.loaded


def test_no_secret_reaches_the_ledger_and_one_secret_is_one_everywhere(ledger, bundle):
    take(ledger, bundle)

    stored = [document.model_dump_json() for document in ledger.documents()]
    placeholders = {text.split("<secret:")[1][:8] for text in stored if "<secret:" in text}

    assert [text for text in stored if SECRET in text] == []
    assert len(placeholders) == 1


@pytest.mark.parametrize("write", [json.dumps, yaml.dump, lambda tree: json.dumps(tree, indent=2)])
def test_the_data_of_a_secret_never_reaches_the_ledger(ledger, write):
    secret = {
        "apiVersion": "v1",
        "data": {"apple": "cGxhaW4gYXBwbGU="},
        "kind": "Secret",
        "metadata": {"name": "cart-db", "namespace": "orchard"},
        "stringData": {"pear": "first pear\nsecond pear"},
    }

    report = piped(ledger, write({"apiVersion": "v1", "items": [secret], "kind": "List"}))

    (stored,) = ledger.documents()
    assert report.written == 1
    assert "<secret:" in stored.text
    assert "<secret:" in json.dumps(stored.payload)
    assert [raw for raw in ("cGxhaW4g", "first pear", "second pear") if raw in stored.model_dump_json()] == []


def test_documents_hold_the_very_lines_they_name(ledger, bundle):
    take(ledger, bundle)

    for document in ledger.documents():
        if "<secret:" not in document.text:
            lines = (bundle / document.source.path).read_text().split("\n")
            assert document.text == "\n".join(lines[document.source.first_line - 1 : document.source.last_line])


def test_a_time_that_is_given_counts_more_than_what_the_bundle_says(ledger, bundle):
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)

    take(ledger, bundle, as_of=noon)

    assert ledger.latest_observation() == noon


def test_everything_belongs_to_the_cluster_that_is_named(ledger, bundle):
    take(ledger, bundle, cluster="east")

    assert ledger.clusters() == ["east"]


def test_a_list_of_objects_and_events_goes_to_both_loaders(ledger):
    event = {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "a.1", "namespace": "orchard"},
        "involvedObject": {"kind": "Pod", "namespace": "orchard", "name": "cart-0"},
        "reason": "BackOff", "message": "Back-off", "type": "Warning", "lastTimestamp": "2026-03-01T12:00:00Z",
    }  # fmt: skip
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "cart-0", "namespace": "orchard"}, "spec": {}}
    order = ([pod, event], [event, pod])
    texts = [write({"kind": "List", "items": items}) for items in order for write in (json.dumps, yaml.dump)]

    reports = [piped(ledger, text) for text in texts]

    assert [(report.loaded, report.skipped) for report in reports] == [({"event": 1, "object": 1}, ())] * 4


def test_a_folder_of_events_may_hold_them_in_any_form(ledger, tmp_path):
    (tmp_path / "monday.txt").write_text(EVENTS)
    (tmp_path / "tuesday").write_text('{"reason": "Failed", "message": "m", "involvedObject": {"name": "x"}}')
    (tmp_path / "wednesday.md").write_text("")

    report = take(ledger, events_dir=tmp_path)

    assert report.loaded == {"event": 2}
    assert report.skipped == (Skipped(path="wednesday.md", reason="empty"),)


def test_a_path_that_does_not_exist_stops_the_run_before_anything_is_written(ledger, bundle, tmp_path):
    with pytest.raises(SourceError, match="nowhere"):
        take(ledger, bundle, events_dir=tmp_path / "nowhere")

    assert ledger.count() == 0


def test_one_bad_source_does_not_stop_the_others(ledger, tmp_path):
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: Pod\n\tmetadata: {name: x}\n")
    (tmp_path / "b.tar.gz").write_bytes(gzip.compress(b"x" * 2000)[:-9])
    (tmp_path / "c.yaml").write_text(DEPLOYMENT)

    report = take(ledger, tmp_path)

    assert report.loaded == {"object": 1}
    assert {skipped.path for skipped in report.skipped} == {"a.yaml", "b.tar.gz"}
    assert all(skipped.reason for skipped in report.skipped)


def test_an_audit_log_is_told_apart_from_events(ledger):
    report = piped(ledger, '{"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "a"}')

    assert [skipped.reason for skipped in report.skipped] == [
        "audit log: it says who asked the API for what, and is not read"
    ]


def test_a_line_that_is_too_long_is_cut_and_told(ledger):
    log = f"2026-03-01T12:00:00Z ERROR {'apple ' * 1000}\n2026-03-01T12:00:01Z ERROR short\n"

    report = piped(ledger, log, limits=Settings(max_line_bytes=2048))

    assert report.loaded == {"log": 2}
    assert report.skipped == (Skipped(path="-", reason="a line longer than 2,048 bytes was cut", line=1),)


def test_a_json_file_may_be_one_line_of_any_length(ledger):
    pods = [{"metadata": {"name": f"cart-{n}", "namespace": "orchard"}, "spec": {"x": "y" * 500}} for n in range(9)]

    report = piped(
        ledger, json.dumps({"kind": "PodList", "apiVersion": "v1", "items": pods}), limits=Settings(max_line_bytes=1024)
    )

    assert report.loaded["object"] == 9


def test_a_structured_file_that_is_too_large_is_left_out_and_a_log_is_not(ledger, tmp_path):
    (tmp_path / "cart.yaml").write_text(DEPLOYMENT)
    (tmp_path / "cart.log").write_text(LOG * 5)

    report = take(ledger, tmp_path, limits=Settings(max_structured_bytes=100, spool_bytes=10))

    assert report.loaded == {"log": 2}
    assert [skipped.path for skipped in report.skipped] == ["cart.yaml"]


def test_progress_is_told_of_every_source(ledger, bundle):
    told = []

    take(ledger, bundle, progress=lambda path, done, total: told.append((path, done, total)))

    assert told[:2] == [("README.md", 0, 0), ("alerts.json", 1, 0)]
    assert len(told) == 11


BOMBS = {
    "lists in JSON": "[" * 1_000_000,
    "objects in JSON": '{"a":' * 200_000,
    "a deep object": '{"apiVersion": "v1", "kind": "Pod", "metadata": ' + '{"a":' * 190_000,
    "lists in YAML": "apiVersion: v1\nkind: Pod\nspec: " + "[" * 1_000_000,
    "mappings in YAML": "apiVersion: v1\nkind: Pod\nspec: " + "{a: " * 250_000,
    "blocks in YAML": "apiVersion: v1\nkind: Pod\n" + "\n".join(" " * n + "a:" for n in range(1400)),
    "aliases": "apiVersion: v1\nkind: Pod\na0: &a0 [x]\n"
    + "\n".join(f"a{n}: &a{n} [{f'*a{n - 1},' * 10}]" for n in range(1, 30)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_little_memory_by_whichever_loader_gets_it(name, tmp_path):
    (tmp_path / "bomb").write_text(BOMBS[name])
    script = textwrap.dedent(f"""
        import resource, sys
        sys.path[:0] = {sys.path!r}
        from tests.unit.test_pipeline import Ledger, Path, take
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        with Ledger.throw_away() as ledger:
            for given in ({{"events_dir": Path({str(tmp_path)!r})}}, {{}}):
                report = take(ledger, *([] if given else [{str(tmp_path)!r}]), **given)
                print(report.written, bool(report.skipped))
    """)

    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert (run.stdout, run.stderr, run.returncode) == ("0 True\n0 True\n", "", 0)


def test_a_number_of_a_million_digits_does_no_harm(ledger):
    digits = "9" * 1_000_000

    report = piped(ledger, f'{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "x"}}, "spec": {digits}}}')

    assert report.written == 1


SEEDS = [text.encode() for name, text in BUNDLE.items() if name != "timestamp"] + [
    yaml.dump_all(
        [{"kind": "Event", "apiVersion": "v1", "metadata": {}}, {"kind": "Secret", "data": {"a": "b"}}]
    ).encode()
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=150)
@given(
    seed=st.sampled_from(SEEDS),
    damage=st.lists(st.tuples(st.integers(0, 4000), st.binary(max_size=4), st.integers(0, 6)), max_size=5),
)
def test_no_damage_to_evidence_is_more_than_a_reason(ledger, seed, damage):
    data = bytearray(seed)
    for where, what, gone in damage:
        place = where % (len(data) + 1)
        data[place : place + gone] = what

    report = piped(ledger, bytes(data))

    assert report.written or report.unchanged or report.skipped
