from datetime import UTC, datetime, timedelta

import pytest

from kfi.ingestion.event_tables import Origin, is_nothing, is_table, kind_of, read_described, read_header, read_table
from kfi.models.schemas import ObjectRef

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
ORIGIN = Origin(NOW, cluster="c1", namespace="orchard")


def minutes_ago(minutes, seconds=0):
    return NOW - timedelta(minutes=minutes, seconds=seconds)


def read(text, origin=ORIGIN):
    return list(read_table(enumerate(text.strip("\n").splitlines(), 1), origin))


def pod(name, container="", namespace="orchard"):
    return ObjectRef(cluster="c1", kind="Pod", namespace=namespace, name=name, container=container)


def columns(*rows):
    widths = [max(map(len, column)) + 3 for column in zip(*rows, strict=True)]
    return "\n".join("".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def test_a_table_with_a_header_is_read():
    events = read("""
LAST SEEN   TYPE      REASON             OBJECT             MESSAGE
93s         Warning   FailedScheduling   pod/cart-7d9f-x2   0/4 nodes are available:  1 node(s) had  taints.
5m          Normal    ScalingReplicaSet  deployment/cart    Scaled up replica set cart-7d9f to 1
""")

    assert [(e.ref, e.event_type, e.reason, e.message, e.first, e.last, e.count, e.line) for e in events] == [
        (
            pod("cart-7d9f-x2"),
            "Warning",
            "FailedScheduling",
            "0/4 nodes are available:  1 node(s) had  taints.",
            None,
            minutes_ago(1, 33),
            1,
            2,
        ),
        (
            ObjectRef(cluster="c1", kind="Deployment", namespace="orchard", name="cart"),
            "Normal",
            "ScalingReplicaSet",
            "Scaled up replica set cart-7d9f to 1",
            None,
            minutes_ago(5),
            1,
            3,
        ),
    ]


def test_a_table_without_a_header_is_read_also_with_a_namespace_column():
    short = read("2m   Warning   BackOff   pod/cart-0   Back-off restarting failed container app in pod cart-0_x(1)")
    long = read(
        "shop  2m   Warning   BackOff   pod/cart-0   Back-off restarting failed container app in pod cart-0_x(1)"
    )

    assert [e.ref for e in short] == [pod("cart-0", "app")]
    assert [e.ref for e in long] == [pod("cart-0", "app", namespace="shop")]


def test_kubectl_events_gives_count_and_first_time():
    (event,) = read("""
NAMESPACE   LAST SEEN             TYPE      REASON      OBJECT       MESSAGE
shop        2m (x5 over 10m)      Warning   Unhealthy   Pod/cart-0   Readiness probe failed
""")

    assert (event.first, event.last, event.count) == (minutes_ago(10), minutes_ago(2), 5)
    assert event.ref == pod("cart-0", namespace="shop")


def test_the_wide_table_is_cut_where_its_header_says():
    pulled = ["spec.containers{app}", "kubelet, node-a", "Liveness  failed", "10m", "7", "cart-0.17a3c80ba0453aee"]
    ready = ["", "kubelet, node-a", "Node is ready", "3m", "1", "node-a.17a3c80ba0453aef"]
    first, second = read(
        columns(
            ["LAST SEEN", "TYPE", "REASON", "OBJECT", "SUBOBJECT", "SOURCE", "MESSAGE", "FIRST SEEN", "COUNT", "NAME"],
            ["2m", "Warning", "Unhealthy", "pod/cart-0", *pulled],
            ["3m", "Normal", "Ready", "node/node-a", *ready],
        )
    )

    assert (first.ref, first.component, first.host) == (pod("cart-0", "app"), "kubelet", "node-a")
    assert (first.message, first.count, first.first) == ("Liveness  failed", 7, minutes_ago(10))
    assert second.ref == ObjectRef(cluster="c1", kind="Node", name="node-a")
    assert second.message == "Node is ready"


def test_a_wide_row_without_a_header_is_taken_apart():
    (event,) = read(
        "2m  Warning  Unhealthy  pod/cart-0  spec.containers{app}  kubelet, node-a  Liveness failed"
        "  10m  7  cart-0.17a3c80ba0453aee"
    )

    assert (event.ref, event.component, event.message) == (pod("cart-0", "app"), "kubelet", "Liveness failed")
    assert (event.first, event.last, event.count) == (minutes_ago(10), minutes_ago(2), 7)


def test_an_unknown_time_leaves_the_times_empty():
    (event,) = read("<unknown>   Warning   FailedScheduling   pod/cart-0   no nodes available")

    assert (event.first, event.last) == (None, None)


def test_lines_of_tools_before_the_table_are_passed_over():
    text = """
{"tool": "kubectl_events", "type": "Warning"}
LAST SEEN   TYPE     REASON    OBJECT       MESSAGE
29m         Normal   Pulling   Pod/cart-0   Pulling image "cart:1"
"""

    assert is_table(text.splitlines())
    assert [e.reason for e in read(text)] == ["Pulling"]


def test_a_line_that_is_no_row_continues_the_message_above():
    first, second = read("""
2m   Warning   Unhealthy   pod/cart-0   Readiness probe failed:
cannot connect to db
1m   Normal    Pulled      pod/cart-0   pulled
""")

    assert (first.message, first.first_line, first.last_line) == ("Readiness probe failed:\ncannot connect to db", 1, 2)
    assert second.reason == "Pulled"


@pytest.mark.parametrize(
    "line",
    [
        "NAME   READY   STATUS   RESTARTS   AGE",
        "cart-0   1/1   Running   0   5m",
        "2m ago the Warning came up",
        "Normal  Pulled  2m  kubelet  Container image",
        "",
    ],
)
def test_other_tables_and_prose_are_no_events(line):
    assert not is_table([line])


def test_no_resources_found_is_not_a_table_but_an_answer():
    assert is_nothing("No resources found in orchard namespace.")
    assert is_nothing("No events found in orchard namespace.")
    assert not is_nothing("no")


def test_a_header_with_collapsed_spaces_is_still_a_header():
    assert read_header("LAST SEEN TYPE REASON OBJECT MESSAGE") is not None
    (event,) = read("LAST SEEN TYPE REASON OBJECT MESSAGE\n2m Warning BackOff pod/cart-0 Back-off pulling image")
    assert (event.reason, event.message) == ("BackOff", "Back-off pulling image")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("pod", "Pod"),
        ("horizontalpodautoscaler", "HorizontalPodAutoscaler"),
        ("deployment.apps", "Deployment"),
        ("persistentvolumeclaim", "PersistentVolumeClaim"),
        ("KafkaTopic", "KafkaTopic"),
        ("widget", "Widget"),
        ("", ""),
    ],
)
def test_the_kind_is_the_one_that_kubernetes_writes(text, kind):
    assert kind_of(text) == kind


def test_the_events_of_a_description_are_read():
    rows = [
        (40, "  Type     Reason     Age                From               Message"),
        (41, "  ----     ------     ----               ----               -------"),
        (
            42,
            "  Normal   Scheduled  11m                default-scheduler  Successfully assigned cart-0 to node-a",
        ),
        (43, "  Warning  BackOff    2m (x5 over 10m)   kubelet            Back-off restarting  failed container"),
        (44, "  Warning  Odd        3m                                    nobody said so"),
    ]

    scheduled, backoff, odd = read_described(rows, pod("cart-0"), NOW)

    assert (scheduled.reason, scheduled.component, scheduled.first, scheduled.last) == (
        "Scheduled",
        "default-scheduler",
        minutes_ago(11),
        minutes_ago(11),
    )
    assert (backoff.message, backoff.count, backoff.first, backoff.last, backoff.line) == (
        "Back-off restarting  failed container",
        5,
        minutes_ago(10),
        minutes_ago(2),
        43,
    )
    assert (odd.component, odd.message) == ("", "nobody said so")


def test_a_description_without_events_has_none():
    assert list(read_described([(7, "Events:  <none>")], pod("cart-0"), NOW)) == []


def described(*lines):
    return [(event.message, event.first_line, event.last_line) for event in read_described(lines, pod("cart-0"), NOW)]


def test_what_stands_between_two_rows_of_a_description_is_the_message_of_the_first():
    mount = "  Warning  FailedMount  3s (x5 over 10m)  kubelet  MountVolume.SetUp failed: exit status 32"
    pulled = "  Normal   Pulled       2s                kubelet  Image is present"

    found = described((5, mount), (6, "Output: access denied"), (8, "error: see"), (10, "  the log"), (11, pulled))

    assert found == [
        ("MountVolume.SetUp failed: exit status 32\nOutput: access denied\nerror: see\n  the log", 5, 10),
        ("Image is present", 11, 11),
    ]


def test_behind_the_last_row_of_a_description_a_blank_line_ends_the_message():
    probe = "  Warning  Unhealthy  3s  kubelet  Readiness probe failed: no"

    assert described((5, probe), (6, "route to host"), (8, "another text")) == [
        ("Readiness probe failed: no\nroute to host", 5, 6)
    ]
