"""What differs between two states is said once, under the names a person knows."""

from __future__ import annotations

from kfi.snapshot.differences import differences


def said(old, new):
    return [difference.words for difference in differences(old, new)]


def template(*env, image="cart:1", **container):
    return {"spec": {"containers": [{"name": "app", "image": image, "env": list(env), **container}]}}


HOST = {"name": "DB_HOST", "value": "db"}
PORT = {"name": "DB_PORT", "value": "5432"}


def test_a_variable_that_moved_is_no_change():
    assert said(template(HOST, PORT), template(PORT, HOST)) == []


def test_a_removed_variable_is_named_with_its_container():
    assert said(template(HOST, PORT), template(PORT)) == ["removed the variable DB_HOST of container app"]


def test_the_last_variable_that_goes_is_named_too():
    without = {"spec": {"containers": [{"name": "app", "image": "cart:1"}]}}

    assert said(template(HOST), without) == ["removed the variable DB_HOST of container app"]
    assert said(without, template(HOST)) == ["added the variable DB_HOST of container app = 'db'"]


def test_a_variable_taken_from_a_secret_says_from_where():
    secret = {"name": "DB_HOST", "valueFrom": {"secretKeyRef": {"name": "pricing-db", "key": "host"}}}

    assert said(template(HOST), template(secret)) == [
        "changed the variable DB_HOST of container app from 'db' to secretKeyRef pricing-db, host"
    ]


def test_limits_and_images_are_told_with_both_values():
    old = template(image="cart:1", resources={"limits": {"memory": "512Mi"}})
    new = template(image="cart:2", resources={"limits": {"memory": "64Mi"}})

    assert said(old, new) == [
        "changed the image of container app from 'cart:1' to 'cart:2'",
        "changed resources.limits.memory of container app from '512Mi' to '64Mi'",
    ]


def test_a_probe_that_appears_is_one_change():
    probe = {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 5}

    assert said(template(), template(readinessProbe=probe)) == ["added readinessProbe of container app"]


def test_a_container_that_appears_is_named():
    old, new = template(), template()
    new["spec"]["containers"].append({"name": "proxy", "image": "proxy:1"})

    assert said(old, new) == ["added container proxy"]


def test_the_hash_of_the_template_is_no_change():
    labels = {"metadata": {"labels": {"pod-template-hash": "a"}}}, {"metadata": {"labels": {"pod-template-hash": "b"}}}

    assert said(*labels) == []


def test_kubectl_rollout_restart_is_told_as_that():
    old = {"metadata": {"annotations": {}}}
    new = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-20T14:00:00Z"}}}

    assert said(old, new) == ["restarted the Pods (kubectl rollout restart)"]
    assert said({"metadata": {}}, new) == ["restarted the Pods (kubectl rollout restart)"]


def test_a_long_value_is_not_quoted():
    assert said({"data": {"app.yaml": "x" * 500}}, {"data": {"app.yaml": "y" * 500}}) == ["changed the key app.yaml"]


def test_a_number_reads_as_a_number():
    assert said({"spec": {"replicas": 3}}, {"spec": {"replicas": 0}}) == ["changed replicas from 3 to 0"]


def test_a_command_is_compared_as_a_whole():
    assert said(template(command=["a", "b"]), template(command=["b", "a"])) == [
        "changed command of container app from a b to b a"
    ]
