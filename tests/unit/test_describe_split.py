"""Where one object ends and the next begins, and which kind it is."""

import pytest

from kfi.snapshot.read.describe import read_describe
from kfi.snapshot.read.describe.split import MAX_LINES

POD = """\
Name:       {name}
Namespace:  orchard
Node:       <none>
Containers:
  app:
    Image:  cart:7
Events:  <none>"""


def names(text, kind=""):
    return [(d.object.kind, d.object.name) for d in read_describe(text.split("\n"), kind)]


def spans(text):
    return [(d.object.first_line, d.object.last_line) for d in read_describe(text.split("\n"))]


@pytest.mark.parametrize("between", ["\n", "\n\n", "\n\n\n"], ids=["no blank line", "one", "two"])
def test_objects_are_told_apart_whatever_stands_between(between):
    text = between.join(POD.format(name=name) for name in ("cart-1", "cart-2", "cart-3"))

    assert names(text) == [("Pod", "cart-1"), ("Pod", "cart-2"), ("Pod", "cart-3")]


def test_lines_before_between_and_after_objects_belong_to_none():
    text = "\n".join([
        "$ kubectl describe pods",
        POD.format(name="cart-1"),
        "",
        'Error from server (NotFound): pods "cart-2" not found',
        POD.format(name="cart-3"),
        "",
        "",
    ])  # fmt: skip

    assert names(text) == [("Pod", "cart-1"), ("Pod", "cart-3")]
    assert spans(text) == [(2, 8), (11, 17)]


def test_a_text_without_objects_gives_none():
    assert names("No resources found in orchard namespace.") == []
    assert names("") == []


def test_only_its_name_may_be_left_of_a_cut_off_object():
    assert names(POD.format(name="cart-1") + "\n\nName:  cart-2", "Pod") == [("Pod", "cart-1"), ("Pod", "cart-2")]


def test_an_event_that_quotes_a_name_begins_no_object():
    text = POD.format(name="cart-1").replace("<none>\nContainers", "node-a/10.0.0.1\nContainers").replace(
        "Events:  <none>",
        "Events:\n"
        "  Type     Reason     Age  From     Message\n"
        "  ----     ------     ---  ----     -------\n"
        "  Warning  Unhealthy  3s   kubelet  Readiness probe failed: response was\n"
        "Name: cart\n"
        "<html>\n"
        "\n"
        "  Normal   Pulled     2s   kubelet  Container image already present",
    )  # fmt: skip

    (described,) = read_describe(text.split("\n"))

    assert [line for line, _ in described.event_rows] == [8, 9, 10, 11, 12, 14]


def test_words_of_an_error_inside_a_message_do_not_end_an_object():
    row = "  Warning  Unhealthy  3s  kubelet  Liveness probe failed:"
    text = POD.format(name="cart-1").replace("Events:  <none>", f"Events:\n{row}\nerror: no route\n{row}")
    more = f"{text}\nError from server (NotFound): it said\n{row}"
    ended = f'{text}\n\nError from server (NotFound): pods "cart-2" not found\n{row}'

    assert [len(d.event_rows) for one in (text, more, ended) for d in read_describe(one.split("\n"))] == [3, 5, 3]


def test_the_values_of_a_config_map_begin_no_object():
    text = """\
Name:         notes
Namespace:    orchard
Labels:       <none>
Annotations:  <none>

Data
====
handbook.txt:
----
Example:

Name:       cart
Namespace:  orchard
Events:     none

BinaryData
====

Events:  <none>
"""

    (described,) = read_describe(text.split("\n"))

    assert described.object.fields["data"] == {
        "handbook.txt": "Example:\n\nName:       cart\nNamespace:  orchard\nEvents:     none"
    }


def test_objects_of_several_kinds_may_stand_in_one_text():
    service = "Name:  cart\nNamespace:  orchard\nSelector:  app=cart\nType:  ClusterIP\nSession Affinity:  None"

    assert names(POD.format(name="cart-1") + "\n\n" + service, "Pod") == [("Pod", "cart-1"), ("Service", "cart")]


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        (["Roles:  <none>", "Taints:  <none>"], "Node"),
        (["StrategyType:  Recreate", "Pod Template:"], "Deployment"),
        (["Controlled By:  Deployment/cart", "Replicas:  1 current / 1 desired", "Pod Template:"], "ReplicaSet"),
        (["Update Strategy:  OnDelete", "Pod Template:", "Volume Claims:  <none>"], "StatefulSet"),
        (["Desired Number of Nodes Scheduled: 4", "Pod Template:"], "DaemonSet"),
        (["Pods Statuses:  1 Active (0 Ready) / 0 Succeeded / 0 Failed", "Pod Template:"], "Job"),
        (["Schedule:  @daily", "Concurrency Policy:  Allow", "Pod Template:"], "CronJob"),
        (["Selector:  <none>", "Type:  ExternalName", "IP:  "], "Service"),
        (["Subsets:"], "Endpoints"),
        (["AddressType:  IPv4", "Ports: <unset>", "Endpoints: <none>"], "EndpointSlice"),
        (["Ingress Class:  nginx", "Rules:"], "Ingress"),
        (["Created on:  2025-03-03 09:15:02 +0100 CET", "Spec:"], "NetworkPolicy"),
        (["StorageClass:  fast", "Status:  Pending", "Volume:  ", "Access Modes:  "], "PersistentVolumeClaim"),
        (["Claim:  ", "Reclaim Policy:  Delete"], "PersistentVolume"),
        (["IsDefaultClass:  Yes", "Provisioner:  csi.orchard.example"], "StorageClass"),
        (["Mountable secrets:  <none>"], "ServiceAccount"),
        (["", "Data", "====", "", "BinaryData", "===="], "ConfigMap"),
        (["", "Type:  Opaque", "", "Data", "===="], "Secret"),
        (["Resource  Used  Hard", "--------  ----  ----"], "ResourceQuota"),
        (["Type  Resource  Min  Max  Default Request  Default Limit  Max Limit/Request Ratio"], "LimitRange"),
        (["Reference:  Deployment/cart", "Max replicas:  4"], "HorizontalPodAutoscaler"),
        (["Min available:  1", "Selector:  app=cart"], "PodDisruptionBudget"),
        (["Status:  Active", "", "No resource quota.", "", "No LimitRange resource."], "Namespace"),
        (["Value:  1000", "GlobalDefault:  false"], "PriorityClass"),
        (["API Version:  shop.orchard.example/v1", "Kind:  Basket"], "Basket"),
        (["Something:  else"], ""),
    ],
)
def test_a_kind_is_told_by_its_sections(lines, kind):
    text = "\n".join(["Name:  cart", "Namespace:  orchard", "Labels:  <none>", *lines])

    assert names(text) == [(kind, "cart")]


@pytest.mark.parametrize("hint", ["Role", "ClusterRole"])
def test_the_hint_decides_between_kinds_that_print_the_same(hint):
    assert names("Name:  cart\nLabels:  <none>\nPolicyRule:\n", hint) == [(hint, "cart")]


def test_the_hint_says_what_sections_do_not():
    assert names("Name:  cart\nNamespace:  orchard\n", "Pod") == [("Pod", "cart")]


def test_an_older_daemon_set_prints_no_namespace():
    text = "Name:  agent\nSelector:  app=agent\nDesired Number of Nodes Scheduled: 4\nPod Template:\n"

    (described,) = read_describe(text.split("\n"))

    assert (described.object.kind, described.object.namespace) == ("DaemonSet", "")


def test_objects_are_given_before_the_text_has_ended():
    def endless():
        while True:
            yield from POD.format(name="cart-1").split("\n")

    objects = read_describe(endless())

    assert [next(objects).object.name for _ in range(3)] == ["cart-1"] * 3


def test_an_object_that_never_ends_is_cut():
    lines = ["Name:  cart", "Namespace:  orchard", "Labels:  app=cart", *["  x=y"] * (2 * MAX_LINES)]

    (described,) = read_describe(lines)

    assert described.object.last_line == len(lines)
    assert max(described.object.lines.values()) <= MAX_LINES


@pytest.mark.parametrize(
    "line",
    [
        "Selector:  " + "(" * 300_000,
        "Selector:  " + "a in (" * 50_000,
        "Ports:  " + "1/TCP, " * 50_000,
        "\x00" * 300_000,
    ],
    ids=["brackets", "sets", "ports", "nul"],
)
def test_one_long_line_is_read_quickly(line):
    text = ["Name:  cart", "Namespace:  orchard", "StrategyType:  Recreate", "Pod Template:", line, "  Containers:"]

    (described,) = read_describe(text)

    assert described.object.name == "cart"


def test_deep_indentation_does_no_harm():
    lines = ["Name:  cart", "Namespace:  orchard", "API Version:  a/v1", "Kind:  Basket"]

    (described,) = read_describe([*lines, *(" " * depth + "Spec:" for depth in range(3000))])

    assert described.object.kind == "Basket"
