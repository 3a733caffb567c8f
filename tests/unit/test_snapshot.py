"""Merging texts of one object, what is gone or absent, and the lines that prove a field."""

from datetime import timedelta

from kfi.models.records import ObjectRecord, TextForm
from kfi.models.schemas import Document
from kfi.snapshot.pod import Pod
from kfi.snapshot.resources import Endpoints, Service, Workload
from tests.cluster import NOW, event, listing, log, obj, ref, snapshot

POD = "Pod/orchard/cart-7d9f8-x2x4z"


def row(which: str, *, at=NOW, **fields) -> Document:
    """The same object as a table shows it."""
    made = obj(which, at=at, **fields)
    record = ObjectRecord(form=TextForm.TABLE, fields=made.payload["fields"], header="NAME READY")
    text = f"{made.ref.name}   0/1"
    update = {
        "payload": record.model_dump(mode="json"),
        "text": text,
        "identity": "t" + made.identity,
        "id": "t" + made.id,
    }
    source = made.source.model_copy(update={"path": "pods.txt", "first_line": 7, "last_line": 7})
    return made.model_copy(update={**update, "source": source})


def test_a_table_fills_in_what_the_api_form_does_not_show_and_never_overrides_it():
    api = obj(POD, status={"phase": "Running", "containerStatuses": [{"name": "app", "restartCount": 3}]})
    table = row(POD, status={"phase": "Pending", "summary": "CrashLoopBackOff"})

    pod = next(snapshot(table, api).of(Pod))

    assert (pod.status.phase, pod.status.summary) == ("Running", "CrashLoopBackOff")


def test_newer_texts_beat_older_ones_of_a_better_form():
    api = obj(POD, at=NOW - timedelta(minutes=5), status={"phase": "Pending"})
    table = row(POD, status={"phase": "Running"})

    assert next(snapshot(api, table).of(Pod)).status.phase == "Running"


def test_a_manifest_does_not_bring_back_a_field_that_the_api_form_lacks():
    live = obj("Deployment/orchard/cart", spec={"replicas": 0})
    applied = obj("Deployment/orchard/cart", applied=True, spec={"replicas": 2, "paused": True})

    deployment = next(snapshot(live, applied).of(Workload))

    assert (deployment.spec.replicas, deployment.spec.paused, deployment.observed) == (0, False, True)


def test_an_applied_manifest_without_namespace_joins_the_live_object_of_its_name():
    live = obj("Deployment/orchard/cart", spec={"replicas": 1})
    applied = obj("Deployment//cart", applied=True, spec={"replicas": 2})

    assert [str(r) for r in snapshot(live, applied).declared] == ["Deployment/orchard/cart"]


def test_an_object_missing_from_a_newer_complete_list_is_gone():
    old = obj(POD, at=NOW - timedelta(hours=1), status={"phase": "Running"})

    assert list(snapshot(old, listing("Pod", "orchard", "other")).of(Pod)) == []


def test_an_object_missing_from_an_older_list_is_still_there():
    pod = obj(POD, status={"phase": "Running"})

    assert len(list(snapshot(pod, listing("Pod", "orchard", at=NOW - timedelta(hours=1))).of(Pod))) == 1


def test_absence_is_proven_only_by_a_list_that_covers_the_scope():
    seen = snapshot(listing("ServiceAccount", "orchard", "default"))

    assert seen.absent(ref("ServiceAccount/orchard/cart")) is not None
    assert seen.absent(ref("ServiceAccount/orchard/default")) is None
    assert seen.absent(ref("ServiceAccount/other/cart")) is None
    assert seen.absent(ref("Secret/orchard/cart")) is None


def test_a_cited_field_comes_with_its_line_from_the_best_text_that_shows_it():
    api = obj(
        POD, status={"containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}
    )
    table = row(POD, status={"summary": "CrashLoopBackOff"})
    path = ("status", "containerStatuses", "app", "state", "waiting", "reason")

    cited = snapshot(api, table).cite(ref(POD), path, ("status", "summary"), ("status", "never"))

    assert [(c.path, c.text.strip()) for c in cited] == [
        ("cart-7d9f8-x2x4z.json", '"reason": "CrashLoopBackOff"'),
        ("pods.txt", "cart-7d9f8-x2x4z   0/1"),
    ]
    assert cited[1].first_line == 7


def test_a_field_of_a_wrong_type_costs_only_itself():
    pod = obj(POD, spec={"nodeName": "node-a", "containers": "none"}, status={"phase": "Running"})

    read = next(snapshot(pod).of(Pod))

    assert (read.spec.node_name, read.spec.containers, read.status.phase) == ("node-a", [], "Running")


def test_the_same_event_read_twice_counts_once():
    once = event(POD, "BackOff", "Back-off restarting", count=4)
    again = event(POD, "BackOff", "Back-off restarting", count=9, ago=10)

    events = snapshot(once, again).events

    assert [(e.count, e.last) for e in events] == [(9, NOW - timedelta(seconds=10))]


def test_a_log_that_names_no_kind_belongs_to_the_workload_of_that_name():
    deployment = obj("Deployment/orchard/cart", spec={"replicas": 1})
    line = log("Deployment/orchard/cart", "boom")
    unknown = line.model_copy(update={"ref": line.ref.model_copy(update={"kind": ""})})

    assert [str(x.ref) for x in snapshot(deployment, unknown).logs] == ["Deployment/orchard/cart"]


def test_the_slices_of_one_service_are_one_set_of_endpoints():
    def endpoints(slice_name: str, ip: str) -> Document:
        subsets = [{"addresses": [{"ip": ip}], "ports": [{"port": 80}]}]
        made = obj(
            "Endpoints/orchard/cart", metadata={"annotations": {"kfi/endpointslice": slice_name}}, subsets=subsets
        )
        return made.model_copy(update={"id": made.id + slice_name, "identity": made.identity + slice_name})

    seen = snapshot(endpoints("cart-aaaaa", "10.0.0.1"), endpoints("cart-bbbbb", "10.0.0.2"))

    found = next(seen.of(Endpoints))
    assert sorted(found.ready_addresses) == ["10.0.0.1:80", "10.0.0.2:80"]


def test_a_service_port_of_a_table_is_the_manifests_port_of_that_number():
    table = row("Service/orchard/cart", spec={"ports": [{"port": 80, "nodePort": 30080}]})
    ports = [{"name": "http", "port": 80, "targetPort": "http"}, {"name": "admin", "port": 81, "targetPort": 9000}]
    manifest = obj("Service/orchard/cart", applied=True, spec={"ports": ports})

    service = next(snapshot(table, manifest).of(Service))

    assert [(p.port, p.node_port, p.name, p.target_port) for p in service.spec.ports] == [(80, 30080, "http", "http")]


def test_a_row_without_namespace_is_of_the_one_that_its_events_name():
    seen = snapshot(
        row("Pod/cart-0"), event("Pod/orchard/cart-0", "BackOff", "x"), event("Pod/store/x", "BackOff", "x")
    )

    assert [str(pod.ref) for pod in seen.pods] == ["Pod/orchard/cart-0"]


def test_a_row_without_namespace_is_of_the_only_one_there_is():
    only = snapshot(row("Pod/cart-0"), obj("Service/orchard/stock"))
    several = snapshot(row("Pod/cart-0"), obj("Service/orchard/stock"), obj("Service/store/stock"))
    applied = snapshot(obj("Service/cart", applied=True), obj("Service/orchard/stock"))

    assert [str(pod.ref) for pod in only.pods] == ["Pod/orchard/cart-0"]
    assert [str(pod.ref) for pod in several.pods] == ["Pod/default/cart-0"]
    assert "Service/default/cart" in map(str, applied.objects)


def test_a_newer_running_state_is_not_mixed_with_an_older_waiting_one():
    def status(state):
        return {"containerStatuses": [{"name": "app", "state": state}]}

    old = row(POD, at=NOW - timedelta(hours=1), status=status({"waiting": {"reason": "CrashLoopBackOff"}}))
    new = obj(POD, status=status({"running": {"startedAt": "2026-11-20T14:30:00Z"}}))

    state = next(snapshot(old, new).of(Pod)).status.container_statuses[0].state

    assert (state.waiting, state.running is not None) == (None, True)


def test_the_later_lines_of_a_message_are_quoted_where_the_text_prints_them():
    shown = "Warning  FailedMount  mount failed\nOutput: access denied\n\n  by server\nNormal   Pulled  next"
    made = event(POD, "FailedMount", "mount failed\nOutput: access denied\n  by server")
    printed = made.model_copy(update={"text": shown, "source": made.source.model_copy(update={"last_line": 5})})
    escaped = made.model_copy(update={"text": '"message": "mount failed\\nOutput: access denied"'})

    cited = [snapshot(one).events[0].citation for one in (printed, escaped)]

    assert [(c.first_line, c.last_line, c.text) for c in cited] == [
        (1, 4, "Warning  FailedMount  mount failed\nOutput: access denied\n\n  by server"),
        (1, 1, '"message": "mount failed\\nOutput: access denied"'),
    ]


def test_a_revision_is_read_from_the_annotation_and_when_an_object_was_made():
    made = "2026-11-20T14:10:00Z"
    annotated = {"annotations": {"deployment.kubernetes.io/revision": "12"}, "creationTimestamp": made}
    odd = {"annotations": {"deployment.kubernetes.io/revision": "1_2"}}
    seen = snapshot(obj("Deployment/orchard/cart", metadata=annotated), obj("ReplicaSet/orchard/cart-1", metadata=odd))

    assert {w.kind: w.revision for w in seen.of(Workload)} == {"Deployment": 12, "ReplicaSet": None}
    (deployment,) = seen.of(Workload, "Deployment")
    assert deployment.created == NOW - timedelta(minutes=30)
