import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfi.ingestion.detect import Format, NotEvidence, detect, namespace_of

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "cart-0", "namespace": "orchard"}, "spec": {}}
EVENT = {"apiVersion": "v1", "kind": "Event", "involvedObject": {"kind": "Pod"}, "reason": "BackOff", "message": "m"}
ALERT = {"labels": {"alertname": "Down"}, "annotations": {}, "startsAt": "2026-03-01T12:00:00Z", "fingerprint": "a"}


def of(text: str, path: str = "file.txt"):
    return detect(text.split("\n"), path)


@pytest.mark.parametrize(
    ("value", "is_format"),
    [
        (POD, Format.MANIFEST),
        ({"kind": "List", "apiVersion": "v1", "items": [POD]}, Format.MANIFEST),
        ({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": []}, Format.MANIFEST),
        ([POD, POD], Format.MANIFEST),
        ([{"metadata": {"name": "cart-0"}, "spec": {}, "status": {}}], Format.MANIFEST),
        ({"type": "MODIFIED", "object": POD}, Format.MANIFEST),
        (EVENT, Format.EVENTS),
        ({"kind": "EventList", "apiVersion": "v1", "items": []}, Format.EVENTS),
        ({"kind": "List", "apiVersion": "v1", "items": [EVENT, POD]}, Format.EVENTS),
        ({"type": "ADDED", "object": EVENT}, Format.EVENTS),
        ({"apiVersion": "events.k8s.io/v1", "kind": "Event", "regarding": {}, "note": "n"}, Format.EVENTS),
        ({"items": [{"namespace": "orchard", "lastTimestamp": "t", "reason": "r", "message": "m"}]}, Format.EVENTS),
        ({"body": {"kind": "Event", "regarding": {"name": "x"}}, "attributes": {}}, Format.EVENTS),
        ({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "a", "stage": "s"}, Format.AUDIT),
        ({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": []}, Format.AUDIT),
        ([ALERT], Format.ALERTS),
        ({"status": "success", "data": [ALERT]}, Format.ALERTS),
        ({"data": {"alerts": [{"labels": {}, "state": "firing", "activeAt": "t"}]}}, Format.ALERTS),
        ({"receiver": "r", "status": "firing", "alerts": [ALERT], "version": "4"}, Format.ALERTS),
        ({"data": [{"parent": "cart", "child": "stock", "callCount": 1}], "errors": None}, Format.CALLS),
        ({"log": "started\n", "stream": "stdout", "time": "t"}, Format.LOG),
        ({"level": "info", "msg": "started", "object": {"kind": "Pod", "apiVersion": "v1"}}, Format.LOG),
        ({"timestamp": 1.0, "severity": "INFO", "message": "started"}, Format.LOG),
        ([], NotEvidence("an empty list")),
        ({}, NotEvidence("an empty list")),
        ({"major": "1", "minor": "33"}, None),
        (["secrets \"x\" not found"], None),
    ],
)  # fmt: skip
def test_json_is_known_by_its_keys_however_it_is_printed(value, is_format):
    printed = {json.dumps(value), json.dumps(value, indent=2), "\n\n" + json.dumps(value, indent="\t") + "\n"}

    assert {of(text) for text in printed} == {is_format}


@pytest.mark.parametrize("end", [200, 2000, 20_000])
def test_json_that_is_cut_anywhere_is_still_known(end):
    text = json.dumps({"apiVersion": "v1", "items": [POD] * 400, "kind": "List"}, indent=1)

    assert of(text[:end]) is Format.MANIFEST


def test_what_a_bomb_is_is_told_without_falling_for_it():
    assert of("[" * 65_536) is None
    assert of('{"a":' * 12_000) is None
    assert of('{"a": "' + '\\"' * 32_000) is None


@pytest.mark.parametrize(
    ("text", "is_format"),
    [
        ("apiVersion: v1\nkind: Pod\nmetadata:\n  name: cart-0", Format.MANIFEST),
        ("---\n# what runs\napiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\nkind: List", Format.MANIFEST),
        ("- apiVersion: v1\n  kind: Pod", Format.MANIFEST),
        ("kind: Service\nmetadata:\n  name: cart", Format.MANIFEST),
        ("apiVersion: v1\nkind: EventList\nitems: []", Format.EVENTS),
        ("apiVersion: v1\nitems:\n- apiVersion: v1\n  involvedObject:\n    kind: Pod", Format.EVENTS),
        ("apiVersion: audit.k8s.io/v1\nkind: Event", Format.AUDIT),
        ("apiVersion: v1\nkind: Pod\n\tspec: {}", Format.MANIFEST),
        ("replicaCount: 1\nimage: cart", None),
    ],
)
def test_yaml_is_known_by_its_top_and_never_a_log(text, is_format):
    assert of(text, "file.yaml") == of(text, "file") == is_format


PODS = "NAME     READY   STATUS    RESTARTS   AGE\ncart-0   1/1     Running   0          5d"
EVENTS = "LAST SEEN   TYPE      REASON    OBJECT       MESSAGE\n5m          Warning   BackOff   pod/cart-0   Back-off"
DESCRIBED = "Name:             cart-0\nNamespace:        orchard\nPriority:         0"
UNIT = "● kubelet.service - kubelet\n     Loaded: loaded (/lib/kubelet.service; enabled)\n     Active: failed"


@pytest.mark.parametrize(
    ("text", "is_format"),
    [
        (PODS, Format.KUBECTL),
        ("NAMESPACE   NAME     TYPE        CLUSTER-IP\norchard     cart     ClusterIP   10.0.0.1", Format.KUBECTL),
        ("cart-0   1/1     Running   0          5d\ncart-1   0/1     Pending   0          5d", Format.KUBECTL),
        (DESCRIBED, Format.KUBECTL),
        ("No resources found in orchard namespace.", Format.KUBECTL),
        ('Error from server (NotFound): pods "x" not found', Format.KUBECTL),
        (f"$ kubectl get pods\n{PODS}\n$ kubectl get events\n{EVENTS}", Format.KUBECTL),
        (f'{{"tool": "kubectl_get", "args": {{}}}}\n{PODS}', Format.KUBECTL),
        (EVENTS, Format.EVENTS_TABLE),
        ("5m    Warning   BackOff   pod/cart-0   Back-off restarting", Format.EVENTS_TABLE),
        (f'{{"tool": "kubectl_events", "args": {{}}}}\n{EVENTS}', Format.EVENTS_TABLE),
        (UNIT, Format.NODE_SERVICE),
        ("Unit kubelet.service could not be found.", Format.NODE_SERVICE),
        ("$ nc -zv cart.orchard 80\nnc: connect to cart.orchard port 80 (tcp) timed out", Format.CHECKS),
        ("2026-03-01T12:00:00Z stdout F started\n2026-03-01T12:00:01Z stdout F ready", Format.LOG),
        ("E0301 12:00:00.123456   1 main.go:42] failed\n\tat goroutine", Format.LOG),
        ("Mar  1 12:00:00 node-a kubelet[1]: failed", Format.LOG),
        ("level=error msg=failed", Format.LOG),
        ("Traceback (most recent call last):\n  File \"x.py\"\nKeyError: 'a'", Format.LOG),
        ("<!DOCTYPE html>\n<html>", NotEvidence("a web page")),
        ("\n \n\t", NotEvidence("empty")),
        ("Dear team, the shop is down.", None),
    ],
)
def test_text_is_known_by_its_lines(text, is_format):
    assert of(text) == is_format


def test_what_calls_itself_a_log_is_one_unless_its_first_line_says_otherwise():
    quoted = f"starting the report\n{PODS}\n{DESCRIBED}\n{EVENTS}"

    assert of(quoted, "logs/orchard/cart.log") is Format.LOG
    assert of("just words", "logs/orchard/cart.txt") is Format.LOG
    assert of(PODS, "pods.log") is Format.KUBECTL
    assert of(json.dumps(POD), "pods.log") is Format.MANIFEST
    assert of('{"a": 1}\n{"a": 2}', "cart.log") is Format.LOG


@pytest.mark.parametrize("path", ["kubectl_logs_web-0.txt", "web-previous-logs.txt", "x/Logs.txt", "cart.log.txt"])
def test_saved_output_of_kubectl_logs_is_a_log_whatever_the_application_prints(path):
    assert detect(["Java Network Exception:", "no pump answers at pump-db:3333"], path) is Format.LOG


@pytest.mark.parametrize("path", ["output.txt", "x/cart_stderr.txt", "stacktrace.txt"])
def test_output_that_is_nothing_else_is_an_applications(path):
    assert of("giving up", path) is Format.LOG
    assert of(PODS, path) is Format.KUBECTL


@pytest.mark.parametrize("path", ["catalogs.txt", "login.txt", "blog.txt"])
def test_a_name_that_only_contains_the_letters_is_no_log(path):
    assert detect(["Java Network Exception:", "no pump answers at pump-db:3333"], path) is not Format.LOG


def test_what_is_piped_in_is_a_log_where_nothing_else_is_known():
    assert of("the shop is down", "-") is Format.LOG
    assert of("replicaCount: 1", "-") is None


@pytest.mark.parametrize(
    ("path", "text", "what"),
    [
        ("README.md", "level=error means trouble", "documentation"),
        ("shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0", "a Helm chart's own data"),
        ("shop/values.yaml", "replicaCount: 1", "settings of a Helm chart"),
        ("shop/values-prod.yaml", "replicaCount: 3", "settings of a Helm chart"),
        ("t/a.yaml", "kind: A\nname: {{ .Values.a }}", "a Helm template; hand over what 'helm template' makes of it"),
        ("SHA256SUMS", "a" * 64 + "  pods.json", "checksums"),
        ("sums", "a" * 64 + "  pods.json", "checksums"),
    ],
)  # fmt: skip
def test_what_is_no_evidence_is_told_from_what_nobody_knows(path, text, what):
    assert of(text, path) == NotEvidence(what)


def test_objects_in_a_file_of_settings_are_objects():
    assert of("apiVersion: v1\nkind: Pod\nmetadata: {}", "prod-values.yaml") is Format.MANIFEST


def test_an_alert_rule_with_templates_of_its_own_is_no_helm_template():
    rule = 'apiVersion: v1\nkind: PrometheusRule\nspec:\n  summary: "{{ $labels.pod }} {{ if $value }}x{{ end }}"'

    assert of(rule, "rule.yaml") is Format.MANIFEST


def test_json_of_any_layout_in_a_folder_of_events_is_events():
    line = json.dumps({"what": "BackOff", "where": "cart-0"})

    assert (of(line, "events/today.json"), of(line, "orchard.events.json"), of(line, "today.json")) == (
        Format.EVENTS,
        Format.EVENTS,
        None,
    )


@pytest.mark.parametrize(
    ("path", "namespace"),
    [
        ("b.tar.gz!b/namespaces/orchard/core/pods.yaml", "orchard"),
        ("cluster-resources/pods/logs/orchard/cart-0/app.log", "orchard"),
        ("cluster-resources/pods/orchard.json", "orchard"),
        ("cluster-resources/custom-resources/apples.fruit.io/orchard.yaml", "orchard"),
        ("events/orchard.json", "orchard"),
        ("logs/orchard/cart.log", "orchard"),
        ("var/log/pods/orchard_cart-0_0a1b2c3d-0000-1111-2222-333344445555/app/0.log", "orchard"),
        ("dump/orchard/pods.json", "orchard"),
        ("get/pods.orchard.wide.txt", "orchard"),
        ("get/nodes.orchard.txt", ""),
        ("get/namespaces.cluster.txt", ""),
        ("manifests/cart.yaml", ""),
        ("pods.json", ""),
    ],
)
def test_the_namespace_is_taken_from_the_layouts_that_name_it(path, namespace):
    assert namespace_of(path) == namespace


@given(st.lists(st.text(max_size=40), max_size=20), st.sampled_from(["-", "a.yaml", "a.log", "a.json", "events/a"]))
def test_any_text_is_something_or_nothing_but_never_an_error(head, path):
    detect(head, path)
