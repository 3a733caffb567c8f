from datetime import UTC, datetime, timedelta, timezone

import pytest

from kfi.errors import SourceError
from kfi.ingestion.base import SourceText
from kfi.ingestion.node_loader import NodeServiceLoader
from kfi.models.records import NodeServiceRecord
from kfi.models.schemas import DocumentKind, ObjectRef, Severity, Source

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
ENABLED = "     Loaded: loaded (/etc/systemd/system/containerd.service; enabled; preset: enabled)"
STOPPED = f"""\
Service: containerd
Node: node-b
Status: ○ containerd.service - containerd container runtime
{ENABLED}
     Active: inactive (dead) since Thu 2026-03-05 19:56:30 CST; 3min 28s ago
       Docs: https://containerd.io
   Main PID: 921 (code=exited, status=0/SUCCESS)
     CGroup: /system.slice/containerd.service
             └─2135 containerd-shim-runc-v2

Mar 05 19:56:30 node-b systemd[1]: Stopping containerd container runtime...
Mar 05 19:56:30 node-b systemd[1]: containerd.service: Deactivated successfully.
"""


def load(text, path="containerd.txt", observed_at=NOW):
    lines = text.removesuffix("\n").split("\n")
    return list(NodeServiceLoader().load(SourceText(path=path, lines=lambda: iter(lines), observed_at=observed_at)))


def status(text, path="kubelet.txt"):
    return next(d for d in load(text, path) if d.kind is DocumentKind.NODE_SERVICE)


def record(text, path="kubelet.txt"):
    return NodeServiceRecord.model_validate(status(text, path).payload)


def test_a_stopped_unit_is_an_error_with_the_lines_that_say_so():
    service, *logs = load(STOPPED)

    assert service.ref == ObjectRef(kind="Node", name="node-b")
    assert service.source == Source(path="containerd.txt", first_line=1, last_line=9)
    assert service.text == STOPPED.split("\n\n")[0]
    assert service.severity is Severity.ERROR
    assert service.payload == NodeServiceRecord(
        unit="containerd",
        load_state="loaded",
        active_state="inactive",
        sub_state="dead",
        since=datetime(2026, 3, 5, 11, 56, 30, tzinfo=UTC),
        main_pid=921,
        lines={"load_state": 4, "active_state": 5, "main_pid": 7},
    ).model_dump(mode="json")
    assert {(log.kind, log.ref, log.payload["unit"]) for log in logs} == {
        (DocumentKind.LOG, ObjectRef(kind="Node", name="node-b"), "containerd")
    }


@pytest.mark.parametrize(
    ("active", "state", "sub", "result", "severity"),
    [
        ("active (running) since Thu 2026-03-05 10:00:00 UTC; 2h ago", "active", "running", "", "normal"),
        ("failed (Result: exit-code) since Thu 2026-03-05 10:00:00 UTC", "failed", "", "exit-code", "error"),
        (
            "activating (auto-restart) (Result: exit-code) since x; 3s ago",
            "activating",
            "auto-restart",
            "exit-code",
            "error",
        ),
        ("activating (start) since x; 3s ago", "activating", "start", "", "warning"),
        ("inactive (dead)", "inactive", "dead", "", "error"),
        ("deactivating (stop-sigterm) since x; 3s ago", "deactivating", "stop-sigterm", "", "error"),
        ("active (exited) since x; 1 day 3h ago", "active", "exited", "", "normal"),
    ],
)
def test_every_state_is_read(active, state, sub, result, severity):
    document = status(f"● kubelet.service - kubelet\n{ENABLED}\n     Active: {active}")

    found = NodeServiceRecord.model_validate(document.payload)
    assert (found.active_state, found.sub_state, found.result) == (state, sub, result)
    assert document.severity == severity


def test_a_unit_that_nobody_enabled_may_rest():
    document = status(
        "● tidy.service\n     Loaded: loaded (/x; disabled; preset: enabled)\n     Active: inactive (dead)"
    )

    assert document.severity is Severity.NORMAL


@pytest.mark.parametrize(
    ("text", "load_state"),
    [
        ("Unit kubelet.service could not be found.", "not-found"),
        ("○ kubelet.service\n     Loaded: not-found (Reason: Unit kubelet.service not found.)", "not-found"),
        ("○ kubelet.service\n     Loaded: masked (Reason: Unit kubelet.service is masked.)", "masked"),
    ],
)
def test_a_unit_that_is_not_there_is_known(text, load_state):
    document = status(text)

    assert (document.payload["unit"], document.payload["load_state"]) == ("kubelet", load_state)
    assert document.severity is Severity.WARNING


@pytest.mark.parametrize("glyph", ["●", "○", "\N{MULTIPLICATION SIGN}", "↻", "*", "x", "â—"])
def test_the_unit_is_found_behind_whatever_glyph(glyph):
    found = record(f"{glyph} kube-proxy.service - Proxy\n     Active: active (running)", "status.txt")

    assert found.unit == "kube-proxy"


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        # The relative part tells the zone of the exact time.
        ("Thu 2026-03-05 19:56:30 CST; 3min 28s ago", "2026-03-05T11:56:30"),
        ("Thu 2026-03-05 05:56:30 CST; 3min 28s ago", "2026-03-05T11:56:30"),
        ("Thu 2026-03-05 09:33:40 CST; 2h 26min ago", "2026-03-05T09:33:40"),
        # Too coarse for that: only the relative part counts.
        ("Tue 2026-03-03 20:00:00 CST; 2 days ago", "2026-03-03T12:00:00"),
        ("Thu 2026-03-05 11:00:00 UTC; 59min ago", "2026-03-05T11:00:00"),
        # The clocks do not agree at all.
        ("Thu 2025-01-02 05:56:30 CST; 1min ago", "2026-03-05T11:59:00"),
    ],
)
def test_the_zone_of_a_time_is_told_by_how_long_ago_it_was(since, expected):
    found = record(f"● kubelet.service\n     Active: active (running) since {since}")

    assert found.since == datetime.fromisoformat(f"{expected}+00:00")


def test_the_time_of_observation_may_be_in_any_zone():
    shanghai = NOW.astimezone(timezone(timedelta(hours=8)))

    assert load(STOPPED, observed_at=shanghai)[0].first_time == datetime(2026, 3, 5, 11, 56, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "header", "journal", "node"),
    [
        ("nodes/node-a/kubelet.txt", "Node: node-b\n", "", "node-b"),
        ("nodes/node-a/kubelet.txt", "", "Mar 05 19:56:30 short kubelet[1]: x", "node-a"),
        ("logs/kubelet.txt", "", "Mar 05 19:56:30 node-c kubelet[1]: x", "node-c"),
        ("node-d/kubelet.txt", "", "", "node-d"),
    ],
)
def test_the_node_is_named_by_the_text_or_the_path(path, header, journal, node):
    text = f"{header}● kubelet.service\n     Active: active (running)\n\n{journal}"

    assert status(text, path).ref.name == node


def test_several_units_in_one_text_are_kept_apart():
    text = """\
● kubelet.service - Kubelet
     Active: active (running)

Mar 05 19:56:30 node-b kubelet[1]: all is well
● containerd.service - Runtime
     Active: failed (Result: oom-kill)
"""

    documents = [d for d in load(text, "nodes/node-b/all.txt") if d.kind is DocumentKind.NODE_SERVICE]

    assert [(d.payload["unit"], d.payload["result"], d.source.first_line) for d in documents] == [
        ("kubelet", "", 1),
        ("containerd", "oom-kill", 5),
    ]


def test_one_word_of_is_active_is_enough():
    found = record("inactive", "nodes/node-a/kubelet.txt")

    assert (found.unit, found.active_state) == ("kubelet", "inactive")


@pytest.mark.parametrize("text", ["", "hello", "Mar 05 19:56:30 node-b kubelet[1]: just a log"])
def test_a_text_without_a_state_is_refused(text):
    with pytest.raises(SourceError, match="no state of a systemd unit"):
        load(text)
