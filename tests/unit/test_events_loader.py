import json
from datetime import UTC, datetime

import pytest

from kfi.errors import SourceError
from kfi.ingestion.base import SourceText
from kfi.ingestion.events_loader import KubernetesEventsLoader, events_of_describe
from kfi.models.records import EventMessage, EventRecord
from kfi.models.schemas import DocumentKind, ObjectRef, Severity, Source

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
NO_NODES = "0/4 nodes are available: 4 Insufficient cpu."


def at(clock):
    return datetime.fromisoformat(f"2026-03-05T{clock}:00+00:00")


def source(text):
    return SourceText(path="events.json", lines=lambda: iter(text.splitlines()), observed_at=NOW, cluster="c1")


def load(text):
    return list(KubernetesEventsLoader().load(source(text)))


def an_event(first="11:00", last="11:05", **changes):
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "cart-7d9.17a3c80ba0453aee", "namespace": "orchard", "uid": f"{first}{last}"},
        "involvedObject": {"kind": "Pod", "namespace": "orchard", "name": "cart-7d9", "uid": "pod-1"},
        "reason": "FailedScheduling",
        "message": NO_NODES,
        "source": {"component": "default-scheduler"},
        "type": "Warning",
        "count": 3,
        "firstTimestamp": f"2026-03-05T{first}:00Z",
        "lastTimestamp": f"2026-03-05T{last}:00Z",
        **changes,
    }


def a_list(*events):
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": events}, indent=2)


def record(document):
    return EventRecord.model_validate(document.payload)


def test_an_event_becomes_a_document_with_everything_it_says():
    (document,) = load(json.dumps(an_event(), indent=1))

    assert document.kind is DocumentKind.EVENT
    assert document.ref == ObjectRef(cluster="c1", kind="Pod", namespace="orchard", name="cart-7d9")
    assert (document.first_time, document.last_time, document.count) == (at("11:00"), at("11:05"), 3)
    assert document.severity is Severity.WARNING
    assert document.incarnation == "pod-1"
    assert document.card == f"Warning FailedScheduling Pod orchard/cart-7d9: {NO_NODES} (x3)"
    assert record(document) == EventRecord(
        event_type="Warning",
        reason="FailedScheduling",
        involved_uid="pod-1",
        component="default-scheduler",
        messages=(EventMessage(text=NO_NODES, count=3, first=at("11:00"), last=at("11:05"), line=16),),
    )


def test_the_new_api_reads_like_the_old_one():
    event = an_event()
    new = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": event["metadata"],
        "regarding": event["involvedObject"],
        "note": event["message"],
        "reason": event["reason"],
        "type": event["type"],
        "reportingController": "default-scheduler",
        "eventTime": "2026-03-05T11:00:00.000000Z",
        "series": {"count": 3, "lastObservedTime": "2026-03-05T11:05:00.000000Z"},
        "deprecatedSource": {},
    }

    (old_document,), (new_document,) = load(json.dumps(event)), load(json.dumps(new))

    assert new_document.payload == old_document.payload
    assert new_document.identity == old_document.identity


def test_an_event_without_timestamps_uses_its_event_time_and_then_its_creation():
    timed = an_event(firstTimestamp=None, lastTimestamp=None, count=None, eventTime="2026-03-05T11:01:00.5Z")
    created = an_event(firstTimestamp=None, lastTimestamp=None, eventTime=None)
    created["metadata"] = {"name": "x", "creationTimestamp": "2026-03-05T11:02:00Z"}

    (first,), (second,) = load(json.dumps(timed)), load(json.dumps(created))

    assert first.first_time == first.last_time == datetime(2026, 3, 5, 11, 1, 0, 500000, UTC)
    assert first.count == 1
    assert second.last_time == at("11:02")


def test_the_field_path_names_the_container():
    involved = {**an_event()["involvedObject"], "fieldPath": "spec.initContainers{setup}"}

    (document,) = load(json.dumps(an_event(involvedObject=involved)))

    assert document.ref.container == "setup"


def test_events_about_nodes_have_no_namespace_and_no_uid_of_their_own_name():
    involved = {"kind": "Node", "name": "node-a", "uid": "node-a"}

    (document,) = load(json.dumps(an_event(involvedObject=involved)))

    assert document.ref == ObjectRef(cluster="c1", kind="Node", name="node-a")
    assert document.incarnation == ""


def test_events_within_ten_minutes_are_one_document_and_keep_their_messages_apart():
    text = a_list(an_event("11:00", "11:05"), an_event("11:10", "11:11", message="quota exceeded", count=1))

    (document,) = load(text)

    assert document.count == 4
    assert [(m.text, m.count) for m in record(document).messages] == [(NO_NODES, 3), ("quota exceeded", 1)]
    assert document.text == "\n".join(text.splitlines()[document.source.first_line - 1 : document.source.last_line])
    assert document.text.count('"kind": "Event"') == 2


def test_a_pause_of_more_than_ten_minutes_begins_a_new_document():
    documents = load(a_list(an_event("11:00", "11:05"), an_event("11:16", "11:17")))

    assert [d.first_time for d in documents] == [at("11:00"), at("11:16")]
    assert len({d.identity for d in documents}) == 2


def test_equal_messages_are_counted_together():
    (document,) = load(a_list(an_event("11:00", "11:05"), an_event("11:06", "11:07")))

    assert [(m.count, m.first, m.last) for m in record(document).messages] == [(6, at("11:00"), at("11:07"))]


def test_lines_that_are_not_contiguous_give_the_newest_event_only():
    other = an_event(reason="Pulled", metadata={"uid": "other"})
    text = a_list(an_event("11:00", "11:05"), other, an_event("11:06", "11:07"))

    document = load(text)[0]

    assert "11:07" in document.text
    assert "11:00" not in document.text
    assert document.count == 6


def test_a_watch_repeats_events_and_only_the_newest_state_counts():
    seen = an_event(count=1)
    again = an_event(count=2)
    lines = [
        {"type": "ADDED", "object": seen},
        {"type": "MODIFIED", "object": again},
        {"type": "BOOKMARK", "object": {"kind": "Event", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}}},
        {"type": "DELETED", "object": again},
    ]

    (document,) = load("\n".join(map(json.dumps, lines)))

    assert document.count == 2


def test_wrapped_and_compact_events_are_read():
    wrapped = json.dumps({"body": {"object": an_event()}, "attributes": {}})
    compact = json.dumps(
        {
            "items": [
                {"namespace": "orchard", "lastTimestamp": "2026-03-05T11:00:00+01:00", "reason": "A", "message": "m"},
                {"namespace": "orchard", "lastTimestamp": "2026-03-05T11:01:00+01:00", "reason": "A", "message": "n"},
            ]
        }
    )

    (first,), (second,) = load(wrapped), load(compact)

    assert record(first).reason == "FailedScheduling"
    assert second.ref == ObjectRef(cluster="c1", namespace="orchard")
    assert (second.count, second.first_time) == (2, at("10:00"))


def test_events_on_one_line_have_each_their_own_text():
    other = an_event(reason="Pulled", metadata={"uid": "other"})
    text = json.dumps({"kind": "List", "items": [an_event(), other]})

    documents = load(text)

    assert [json.loads(d.text)["reason"] for d in documents] == ["FailedScheduling", "Pulled"]


def test_yaml_with_fields_under_spec_is_read_and_other_kinds_are_passed_over():
    text = """apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
---
apiVersion: v1
kind: Event
metadata:
  name: cart-attach
  namespace: orchard
spec:
  involvedObject: {kind: Pod, name: cart-0}
  reason: FailedAttachVolume
  type: Warning
  message: "volume is attached to node-a"
  lastTimestamp: "2026-03-05T11:05:00Z"
"""
    (document,) = load(text)

    assert document.card == "Warning FailedAttachVolume Pod orchard/cart-0: volume is attached to node-a"
    assert record(document).messages[0].line == 15


def test_a_cut_list_gives_what_was_whole_and_says_so():
    text = a_list(an_event(), an_event("11:30", "11:31"))[:-200]
    given = source(text)

    documents = list(KubernetesEventsLoader().load(given))

    assert len(documents) == 1
    assert len(given.skipped) == 1


def test_the_audit_log_is_refused_with_a_reason():
    text = json.dumps({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "1", "verb": "get"})

    with pytest.raises(SourceError, match="audit log events are not cluster Events"):
        load(text)


def test_other_objects_are_refused():
    with pytest.raises(SourceError, match="holds no Event"):
        load('{"kind": "Pod", "apiVersion": "v1"}')


@pytest.mark.parametrize("text", ["No resources found in orchard namespace.", '{"kind": "EventList", "items": []}'])
def test_no_events_are_no_error(text):
    given = source(text)

    assert list(KubernetesEventsLoader().load(given)) == []
    assert given.skipped == []


def test_an_empty_source_is_noted():
    given = source("\n")

    assert list(KubernetesEventsLoader().load(given)) == []
    assert [s.reason for s in given.skipped] == ["empty"]


def test_a_table_gives_the_same_kind_of_documents():
    text = (
        "2m  Warning  BackOff  pod/cart-0  Back-off restarting\n1m  Warning  BackOff  pod/cart-0  Back-off restarting"
    )

    (document,) = load(text)

    assert document.text == text
    assert (document.count, document.last_time) == (2, at("11:59"))
    assert document.first_time == at("11:58")


def test_the_same_input_gives_the_same_ids_and_another_count_another_id():
    one, same, other = (load(json.dumps(an_event(count=n)))[0] for n in (3, 3, 4))

    assert (one.id, one.identity) == (same.id, same.identity)
    assert other.identity == one.identity
    assert other.id != one.id


def test_the_events_of_a_description_become_documents_of_the_described_object():
    lines = [
        "  Type     Reason   Age                From     Message",
        "  ----     ------   ----               ----     -------",
        "  Warning  BackOff  2m (x5 over 10m)   kubelet  Back-off restarting failed container",
    ]
    cart = ObjectRef(cluster="c1", kind="Pod", namespace="orchard", name="cart-0")

    (document,) = events_of_describe(list(enumerate(lines, 41)), cart, source(""))

    assert (document.ref, document.count, document.first_time) == (cart, 5, at("11:50"))
    assert document.text == lines[2]
    assert document.source == Source(path="events.json", first_line=43, last_line=43)
