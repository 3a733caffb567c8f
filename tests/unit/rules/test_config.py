"""What Pods need and the namespace lacks."""

import pytest

from kfi.diagnosis.rules import config
from tests.cluster import codes, event, listing, log, obj, snapshot

POD = "Pod/orchard/cart-7d9f8-x2x4z"
OWNER = {"ownerReferences": [{"kind": "ReplicaSet", "name": "cart-7d9f8", "controller": True}]}
SCHEDULED = {"nodeName": "node-a"}


def waiting(reason: str, message: str = "", **spec):
    state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
    status = {"phase": "Pending", "containerStatuses": [{"name": "app", "ready": False, "state": state}]}
    return obj(POD, metadata=OWNER, spec={**SCHEDULED, "containers": [{"name": "app", **spec}]}, status=status)


def running(**spec):
    state = {"running": {"startedAt": "2026-11-20T14:00:00Z"}}
    status = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "app", "ready": True, "state": state}],
    }
    return obj(POD, metadata=OWNER, spec={**SCHEDULED, "containers": [{"name": "app", **spec}]}, status=status)


def findings(*documents):
    return list(config.check(snapshot(*documents)))


def texts(finding):
    return " ".join(citation.text for citation in finding.evidence)


def test_a_config_map_that_the_kubelet_misses_is_named_with_its_reference():
    env = {"envFrom": [{"configMapRef": {"name": "cart-settings"}}]}
    pod = waiting("CreateContainerConfigError", 'configmap "cart-settings" not found', **env)

    found = findings(pod, listing("ConfigMap", "orchard", "kube-root-ca.crt"))

    assert [(f.code, str(f.ref)) for f in found] == [("missing-config-map", POD)]
    assert "cart-settings" in found[0].message
    assert 'configmap \\"cart-settings\\" not found' in texts(found[0])


def test_a_secret_that_a_volume_needs_is_found_by_the_mount_event():
    pod = waiting("ContainerCreating")
    mount = event(POD, "FailedMount", 'MountVolume.SetUp failed for volume "tls" : secret "cart-tls" not found')

    assert codes(config, pod, mount) == [("missing-secret", POD)]


def test_a_secret_that_was_made_since_is_not_missing():
    pod = waiting("ContainerCreating")
    mount = event(POD, "FailedMount", 'MountVolume.SetUp failed for volume "tls" : secret "cart-tls" not found')

    assert codes(config, pod, mount, obj("Secret/orchard/cart-tls")) == []


def test_a_pod_whose_containers_have_started_needs_nothing_more():
    mount = event(POD, "FailedMount", 'MountVolume.SetUp failed for volume "tls" : secret "cart-tls" not found')

    assert codes(config, running(), mount) == []


def test_a_complete_list_proves_a_missing_secret_where_events_have_expired():
    env = {"env": [{"name": "DB", "valueFrom": {"secretKeyRef": {"name": "cart-db", "key": "url"}}}]}
    pod = waiting("CreateContainerConfigError", **env)

    found = findings(pod, listing("Secret", "orchard", "other"))

    assert [f.code for f in found] == ["missing-secret"]
    assert "NAME" in texts(found[0])


def test_an_optional_secret_may_be_absent():
    env = {"envFrom": [{"secretRef": {"name": "cart-db", "optional": True}}]}

    assert codes(config, waiting("ContainerCreating", **env), listing("Secret", "orchard", "other")) == []


def test_a_missing_key_is_told_apart_from_a_missing_object():
    pod = waiting("CreateContainerConfigError", "couldn't find key url in Secret orchard/cart-db")

    found = findings(pod)

    assert [(f.code, str(f.ref)) for f in found] == [("missing-key", POD)]
    assert found[0].message.startswith("Secret cart-db has no key url")


def test_a_key_that_the_listed_keys_lack_is_missing():
    env = {"env": [{"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "cart", "key": "mode"}}}]}
    pod = waiting("CreateContainerConfigError", **env)

    assert codes(config, pod, obj("ConfigMap/orchard/cart", data={"level": "1"})) == [("missing-key", POD)]


def test_an_image_that_runs_as_root_is_a_config_error_with_the_kubelets_words():
    pod = waiting("CreateContainerConfigError", "container has runAsNonRoot and image will run as root")

    found = findings(pod)

    assert [(f.code, str(f.ref)) for f in found] == [("container-config-error", POD)]
    assert "runAsNonRoot" in texts(found[0])


def test_a_cache_that_fills_is_no_config_error():
    said = "failed to sync secret cache: timed out waiting for the condition"

    assert codes(config, waiting("CreateContainerConfigError", said)) == []


def deployment(ready: int = 0, account: str = "cart"):
    template = {"spec": {"serviceAccountName": account}}
    return obj("Deployment/orchard/cart", spec={"replicas": 1, "template": template}, status={"readyReplicas": ready})


REFUSED = (
    'Error creating: pods "cart-7d9f8-" is forbidden: error looking up service account orchard/cart: '
    'serviceaccount "cart" not found'
)


def replica_set():
    owner = {"ownerReferences": [{"kind": "Deployment", "name": "cart", "controller": True}]}
    return obj("ReplicaSet/orchard/cart-7d9f8", metadata=owner)


def test_a_workload_without_its_service_account_has_no_pods():
    refused = event("ReplicaSet/orchard/cart-7d9f8", "FailedCreate", REFUSED)

    found = findings(deployment(), replica_set(), refused, listing("ServiceAccount", "orchard", "default"))

    assert [(f.code, str(f.ref)) for f in found] == [("missing-service-account", "Deployment/orchard/cart")]
    assert "error looking up service account" in texts(found[0])


def test_the_first_second_of_an_apply_is_no_missing_service_account():
    refused = event("ReplicaSet/orchard/cart-7d9f8", "FailedCreate", REFUSED)
    account = obj("ServiceAccount/orchard/cart")

    assert codes(config, deployment(), replica_set(), refused, account) == []
    assert codes(config, deployment(ready=1), replica_set(), refused, running()) == []


def test_a_refusal_without_a_namespace_is_placed_by_its_message():
    refused = event("ReplicaSet/cart-7d9f8", "FailedCreate", REFUSED)

    assert codes(config, deployment(), refused, obj("ServiceAccount/orchard/cart")) == []
    assert codes(config, deployment(), refused) == [("missing-service-account", "Deployment/orchard/cart")]


def test_a_complete_list_proves_a_missing_service_account_without_events():
    accounts = listing("ServiceAccount", "orchard", "default")

    assert codes(config, deployment(), accounts) == [("missing-service-account", "Deployment/orchard/cart")]
    assert codes(config, deployment(), listing("ServiceAccount", "orchard", "cart")) == []


def bound(name: str, secret: str = ""):
    container = {"name": "app", **({"envFrom": [{"secretRef": {"name": secret}}]} if secret else {})}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    return obj(f"Deployment/orchard/{name}", spec={"replicas": 1, "template": template}, status={})


def test_a_workload_that_alone_lacks_its_secret_is_unlike_its_siblings():
    siblings = [bound(name, f"{name}-db") for name in ("checkout", "stock", "mail")]
    secrets = [obj(f"Secret/orchard/{name}-db") for name in ("checkout", "stock", "mail", "cart")]

    found = codes(config, *siblings, *secrets, bound("cart"))

    assert found == [("secret-not-bound", "Deployment/orchard/cart")]
    assert codes(config, *siblings, *secrets, bound("cart", "cart-db")) == []


def test_a_secret_with_the_keys_of_a_certificate_is_for_no_variable():
    siblings = [bound(name, f"{name}-db") for name in ("checkout", "stock", "mail")]
    secrets = [obj(f"Secret/orchard/{name}-db") for name in ("checkout", "stock", "mail")]

    def named_for_it(**data):
        return codes(config, *siblings, *secrets, bound("cart"), obj("Secret/orchard/cart-own", data=data))

    assert named_for_it(**{"tls.crt": "", "tls.key": ""}) == []
    assert named_for_it(url="") == [("secret-not-bound", "Deployment/orchard/cart")]


def test_manifests_alone_show_a_secret_that_is_not_among_them():
    env = [{"name": "DB", "valueFrom": {"secretKeyRef": {"name": "cart-db", "key": "url"}}}]
    template = {"spec": {"containers": [{"name": "app", "env": env}]}}
    workload = obj("Deployment/orchard/cart", applied=True, spec={"template": template})
    other = obj("Secret/orchard/stock-db", applied=True)

    found = findings(workload, other)

    assert [(f.code, str(f.ref)) for f in found] == [("missing-secret", "Deployment/orchard/cart")]
    assert "cart-db" in texts(found[0])
    assert codes(config, workload) == []
    assert codes(config, workload, other, obj("Secret/orchard/cart-db", applied=True)) == []


NO_CONFIG = 'MountVolume.SetUp failed for volume "settings" : configmap "cart-settings" not found'


def test_a_pod_of_which_only_events_are_known_needs_what_they_name():
    found = findings(event(POD, "FailedMount", NO_CONFIG))

    assert [(f.code, str(f.ref)) for f in found] == [("missing-config-map", POD)]
    assert "cart-settings" in texts(found[0])


def test_a_pod_whose_container_started_after_its_mount_failed_needs_nothing():
    started = event(POD, "Started", "Started container app", type="Normal", ago=20)

    assert codes(config, event(POD, "FailedMount", NO_CONFIG, ago=50), started) == []


def test_a_deployments_own_condition_names_the_missing_account():
    account = 'error looking up service account orchard/cart: serviceaccount "cart" not found'
    words = f'pods "cart-7d9f8-" is forbidden: {account}'
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": words}
    workload = "Deployment/orchard/cart"

    refused = obj(workload, spec={"replicas": 1}, status={"conditions": [failure]})
    mended = obj(workload, spec={"replicas": 1}, status={"conditions": [{**failure, "status": "False"}]})

    assert codes(config, refused) == [("missing-service-account", workload)]
    assert codes(config, mended) == []


def said(line, workload="cart"):
    return log(f"Deployment/orchard/{workload}", line)


NOT_SET = "Error: CART_API_TOKEN is not set"


def unset(*env, secret=False, applied=False):
    given = [{"name": name, "value": "x"} for name in env]
    taken = {"envFrom": [{"secretRef": {"name": "cart-api"}}]} if secret else {}
    template = {
        "metadata": {"labels": {"app": "cart"}},
        "spec": {"containers": [{"name": "app", "env": given, **taken}]},
    }
    status = {} if applied else {"status": {"readyReplicas": 0}}
    return obj("Deployment/orchard/cart", applied=applied, spec={"replicas": 1, "template": template}, **status)


def test_a_variable_that_a_secret_has_and_nobody_binds_is_named_with_the_secret():
    secret = obj("Secret/orchard/tokens", data={"CART_API_TOKEN": ""})

    [finding] = findings(unset("MODE"), secret, said(NOT_SET))

    assert (finding.code, str(finding.ref)) == ("secret-not-bound", "Deployment/orchard/cart")
    assert "Secret tokens, which has its CART_API_TOKEN" in finding.message
    assert NOT_SET in finding.evidence[0].text
    assert codes(config, unset("CART_API_TOKEN"), secret, said(NOT_SET)) == []


def test_a_secret_that_the_manifest_binds_and_the_cluster_does_not_was_dropped():
    applied = unset(secret=True, applied=True)

    [finding] = findings(unset(), applied, said(NOT_SET))

    assert finding.message.startswith("Deployment cart takes nothing from Secret cart-api, though the applied manifest")
    assert any("cart-api" in citation.text for citation in finding.evidence)
    assert codes(config, unset(secret=True), applied, said("listening on 8080")) == []


def test_a_login_without_a_password_is_a_secret_that_nobody_bound():
    denied = "Error 1045: Access denied for user 'cart'@'10.1.0.9' (using password: NO)"

    assert codes(config, unset("DB_HOST"), said(denied)) == [("secret-not-bound", "Deployment/orchard/cart")]
    assert codes(config, unset("DB_HOST", "DB_PASSWORD"), said(denied)) == []


def test_a_variable_that_no_secret_would_hold_is_no_missing_secret():
    assert codes(config, unset(), said("Error: CART_COLOUR is not set")) == []


def service(name, namespace="orchard"):
    return obj(f"Service/{namespace}/{name}", spec={"selector": {"app": name}, "ports": [{"port": 80}]})


@pytest.mark.parametrize(
    "line",
    [
        "dial tcp: lookup stok on 10.9.0.10:53: no such host",
        "getaddrinfo ENOTFOUND stok.orchard.svc.cluster.local",
        "curl: (6) Could not resolve host: stok",
        "java.net.UnknownHostException: stok: Name or service not known",
        'could not translate host name "stok" to address: Name or service not known',
        "NameResolutionError: Failed to resolve 'stok' ([Errno -2] Name or service not known)",
    ],
)
def test_a_misspelt_service_name_is_the_callers_fault(line):
    documents = [unset(), service("stock"), listing("Service", "orchard", "stock")]

    [finding] = findings(*documents, said(line))

    assert (finding.code, str(finding.ref)) == ("unknown-service-name", "Deployment/orchard/cart")
    assert "Service stock of namespace orchard is there" in finding.message


def test_a_service_that_lives_in_another_namespace_was_sought_in_the_wrong_one():
    documents = [unset(), service("stock", "meadow"), listing("Service", "", "meadow/stock")]

    assert codes(config, *documents, said("lookup stock.orchard on 10.9.0.10:53: no such host")) == [
        ("unknown-service-name", "Deployment/orchard/cart")
    ]


@pytest.mark.parametrize("host", ["api.example.com", "example.com", "stock", "stock-0.stock", "10.9.0.4"])
def test_names_outside_and_names_that_exist_are_not_unknown(host):
    documents = [unset(), service("stock"), listing("Service", "orchard", "stock")]

    assert codes(config, *documents, said(f"lookup {host} on 10.9.0.10:53: no such host")) == []


def test_what_many_workloads_miss_alike_is_optional():
    many = [obj(f"Deployment/orchard/{name}", spec={"replicas": 1}) for name in ("stock", "mail", "jam")]
    lines = [said("lookup tracer on 10.9.0.10:53: no such host", name) for name in ("stock", "mail", "jam")]

    assert codes(config, *many, *lines, listing("Service", "orchard", "stock")) == []


def two(port, ready=0):
    ports = [{"containerPort": 8080}], [{"containerPort": port}]
    containers = [{"name": name, "ports": one} for name, one in zip(("app", "proxy"), ports, strict=True)]
    spec = {"replicas": 1, "template": {"spec": {"containers": containers}}}
    return obj("Deployment/orchard/cart", spec=spec, status={"readyReplicas": ready})


def test_a_port_conflict_is_seen_where_only_a_template_and_a_log_are_known():
    line = said("listen tcp :8080: bind: address already in use")

    [finding] = findings(two(8080), line)

    assert (finding.code, finding.strength) == ("port-already-in-use", 0.93)
    assert "app and proxy" in finding.message
    assert codes(config, two(9090, ready=1), line) == []


def test_dns_settings_of_its_own_are_suspected_where_a_caller_of_services_fails():
    def caller(policy, ready=0):
        containers = [{"name": "app", "env": [{"name": "STOCK", "value": "stock:80"}]}]
        spec = {"replicas": 1, "template": {"spec": {"containers": containers, "dnsPolicy": policy}}}
        return obj("Deployment/orchard/cart", spec=spec, status={"readyReplicas": ready})

    assert codes(config, caller("None"), service("stock")) == [("dns-failure", "Deployment/orchard/cart")]
    assert codes(config, caller("None", ready=1), service("stock")) == []
    assert codes(config, caller("ClusterFirst"), service("stock")) == []


def test_a_placeholder_that_nothing_filled_in_is_a_variable_that_nobody_bound():
    def bound(name):
        return obj(
            f"Deployment/orchard/{name}", spec={"replicas": 1, "template": {"spec": {"containers": [taken(name)]}}}
        )

    def taken(name):
        return {"name": "app", "envFrom": [{"secretRef": {"name": f"{name}-db"}}]}

    line = said("java.net.UnknownHostException: ${CART_DB_HOST}")
    siblings = [bound(name) for name in ("stock", "mail", "jam")]

    [finding] = [f for f in findings(unset("MODE"), *siblings, line) if f.code == "secret-not-bound"]

    assert str(finding.ref) == "Deployment/orchard/cart"
    assert "its siblings (stock, mail, jam) do" in finding.message
    assert any("stock-db" in c.text for c in finding.evidence)


@pytest.mark.parametrize(("how", "code"), [("envFrom", "env-address-mismatch"), ("file", "unknown-service-name")])
def test_a_name_that_a_variable_holds_is_a_wrong_address_whichever_object_holds_the_variable(how, code):
    settings = obj("ConfigMap/orchard/links", data={"STOCK_URL": "http://stock.meadow.svc.cluster.local"})
    taken = {
        "envFrom": {"containers": [{"name": "app", "envFrom": [{"configMapRef": {"name": "links"}}]}]},
        "file": {
            "containers": [{"name": "app", "volumeMounts": [{"name": "links", "mountPath": "/etc/links"}]}],
            "volumes": [{"name": "links", "configMap": {"name": "links"}}],
        },
    }[how]
    cart = obj(
        "Deployment/orchard/cart", spec={"replicas": 1, "template": {"spec": taken}}, status={"readyReplicas": 0}
    )
    line = said("getaddrinfo ENOTFOUND stock.meadow.svc.cluster.local")

    found_here = [
        f.code for f in (*findings(cart, settings, service("stock"), listing("Service", "", "orchard/stock"), line),)
    ]

    assert found_here == [code]


def optional(ready=1, **reference):
    env = [
        {"name": "PAY_KEY", "valueFrom": {"secretKeyRef": {"name": "pay", "key": "key", "optional": True, **reference}}}
    ]
    spec = {"replicas": 1, "template": {"spec": {"containers": [{"name": "app", "env": env}]}}}
    return obj("Deployment/orchard/cart", spec=spec, status={"readyReplicas": ready})


NO_SECRET = listing("Secret", "orchard", "other")


@pytest.mark.parametrize(
    "line",
    [
        "acquirer answered 401: no API key given",
        "signing key is empty, tokens are refused",
        "401 Unauthorized from acquirer",
    ],
)
def test_an_optional_secret_that_the_log_misses_is_missing(line):
    missed = log("Deployment/orchard/cart", line, level="warning")

    assert codes(config, optional(), NO_SECRET, missed) == [("missing-secret", "Deployment/orchard/cart")]


def test_an_optional_secret_that_nobody_misses_is_optional():
    calm = log("Deployment/orchard/cart", "no key in cache for order 7", level="warning")

    assert codes(config, optional(), NO_SECRET) == []
    assert codes(config, optional(), NO_SECRET, calm) == []
    assert codes(config, optional(), said("401 Unauthorized"), obj("Secret/orchard/pay", data={"key": "8 bytes"})) == []


def test_an_optional_key_that_its_secret_lacks_is_missing_where_the_workload_is_ill():
    held = obj("Secret/orchard/pay", data={"other": "8 bytes"})

    assert codes(config, optional(ready=0), held) == [("missing-key", "Deployment/orchard/cart")]
    assert codes(config, optional(ready=1), held) == []


def test_a_bound_users_name_is_no_password():
    denied = said("Error 1045: Access denied for user 'cart'@'10.1.0.9' (using password: NO)")

    def cart(variable):
        env = [{"name": variable, "valueFrom": {"secretKeyRef": {"name": "cart-db", "key": "it"}}}]
        spec = {"replicas": 1, "template": {"spec": {"containers": [{"name": "app", "env": env}]}}}
        return obj("Deployment/orchard/cart", spec=spec, status={"readyReplicas": 0})

    assert codes(config, cart("DB_USERNAME"), denied) == [("secret-not-bound", "Deployment/orchard/cart")]
    assert codes(config, cart("DB_DSN"), denied) == []


def test_a_secret_of_another_use_is_none_that_a_workload_lacks():
    siblings = [bound(name, f"{name}-db") for name in ("checkout", "stock", "mail")]
    secrets = [obj(f"Secret/orchard/{name}-db") for name in ("checkout", "stock", "mail")]
    tls = obj("Secret/orchard/cart-tls", type="kubernetes.io/tls")
    plain = obj("Secret/orchard/cart-files")
    volumes = [{"name": "files", "secret": {"secretName": "cart-files"}}]
    template = {"metadata": {"labels": {"app": "cart"}}, "spec": {"containers": [{"name": "app"}], "volumes": volumes}}
    mounting = obj("Deployment/orchard/cart", spec={"replicas": 1, "template": template}, status={})

    assert codes(config, *siblings, *secrets, bound("cart"), tls) == []
    assert codes(config, *siblings, *secrets, mounting, plain) == []


def test_a_database_that_is_ready_lacks_no_secret():
    siblings = [bound(name, f"{name}-db") for name in ("checkout", "stock", "mail")]
    secrets = [obj(f"Secret/orchard/{name}-db") for name in ("checkout", "stock", "mail", "pages")]

    def pages(ready):
        template = {
            "metadata": {"labels": {"app": "pages"}},
            "spec": {"containers": [{"name": "db", "image": "mongo:7"}]},
        }
        return obj(
            "StatefulSet/orchard/pages", spec={"replicas": 1, "template": template}, status={"readyReplicas": ready}
        )

    assert codes(config, *siblings, *secrets, pages(1)) == []
    assert codes(config, *siblings, *secrets, pages(0)) == [("secret-not-bound", "StatefulSet/orchard/pages")]


def test_a_name_that_only_a_log_tells_shows_that_a_service_is_missing():
    said = log(POD, '{"msg":"no stock","err":"getaddrinfo ENOTFOUND stock"}')
    shop = [bound("stock"), obj("Service/orchard/cart", spec={"selector": {"app": "cart"}}), said]
    there = obj("Service/orchard/stock", spec={"selector": {"app": "stock"}})

    assert codes(config, *shop, listing("Service", "orchard", "cart")) == [("service-missing", "Service/orchard/stock")]
    assert codes(config, *shop, there, listing("Service", "orchard", "cart", "stock")) == []
    assert codes(config, *shop) == [], "nobody listed the Services"
