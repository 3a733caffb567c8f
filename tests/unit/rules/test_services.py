"""Services, names and addresses that lead nowhere."""

import json

import pytest

from kfi.diagnosis.rules import services
from kfi.models.schemas import Role
from tests.cluster import calls, check, codes, listing, log, obj, snapshot

TCP_8080 = [{"containerPort": 8080, "name": "http"}]


def app(name: str, labels=None, ready: bool = True, replicas: int = 1, **container):
    """A Deployment and its one Pod."""
    labels = labels or {"app": name}
    containers = [{"name": "app", "ports": TCP_8080, **container}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    yield obj(f"Deployment/orchard/{name}", spec=spec, status={"readyReplicas": int(ready) * replicas})
    if replicas:
        owner = [{"kind": "Deployment", "name": name, "controller": True}]
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": str(ready)}]}
        metadata = {"labels": labels, "ownerReferences": owner}
        yield obj(f"Pod/orchard/{name}-7d9f8-x2x4z", metadata=metadata, spec={"containers": containers}, status=status)


def service(name: str, selector=None, applied: bool = False, **more):
    port = {"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP", **more.pop("port", {})}
    spec = {"selector": selector or {"app": name}, "ports": [port], "clusterIP": "10.0.0.9", **more}
    return obj(f"Service/orchard/{name}", applied=applied, spec=spec)


def env(**variables: str):
    return {"env": [{"name": name, "value": value} for name, value in variables.items()]}


def findings(*documents):
    return list(services.check(snapshot(*flat(documents))))


def found_codes(*documents):
    return codes(services, *flat(documents))


def flat(documents):
    return [one for part in documents for one in ([part] if hasattr(part, "payload") else part)]


def texts(finding):
    return " ".join(citation.text for citation in finding.evidence)


NO_ENDPOINTS = obj("Endpoints/orchard/cart", subsets=[])
TIMEOUT = check("cart.orchard", 80, "timeout")


def test_a_service_that_selects_its_pods_is_well():
    assert found_codes(app("cart"), service("cart")) == []


def test_a_label_that_differs_leaves_a_service_without_pods():
    found = findings(app("cart"), service("cart", {"app": "cart-v2"}), NO_ENDPOINTS, TIMEOUT)

    assert [(f.code, str(f.ref)) for f in found] == [("service-selector-mismatch", "Service/orchard/cart")]
    assert "selects app=cart-v2, but the Pods of Deployment cart carry app=cart" in found[0].message
    assert '"app": "cart-v2"' in texts(found[0])
    assert '"app": "cart"' in texts(found[0])
    assert found[0].strength == 0.95


def test_a_label_that_the_pods_lack_is_named():
    found = findings(app("cart"), service("cart", {"app": "cart", "tier": "web"}), NO_ENDPOINTS)

    assert [f.code for f in found] == ["service-selector-mismatch"]
    assert "carry no label tier" in found[0].message


def test_a_service_of_another_name_is_matched_by_its_near_labels():
    meant = service("cart-http", {"app": "crat"})

    found = findings(app("cart"), app("stock"), service("stock"), meant)

    assert [(f.code, str(f.ref)) for f in found] == [("service-selector-mismatch", "Service/orchard/cart-http")]


def test_a_selector_that_fits_nothing_here_is_left_alone():
    external = obj("Service/orchard/search", spec={"type": "ExternalName", "externalName": "search.example.org"})

    assert found_codes(app("cart"), service("cart"), service("legacy", {"app": "legacy"}), external) == []


def test_labels_that_no_text_shows_are_not_different():
    row = obj("Pod/orchard/cart-7d9f8-x2x4z", status={"summary": "Running"})
    owner = obj("Deployment/orchard/cart", spec={"replicas": 1})

    assert found_codes(row, owner, service("cart")) == []


def test_a_service_that_a_check_reaches_is_well():
    opened = check("cart.orchard", 80, "open")

    assert found_codes(app("cart"), service("cart", {"app": "cart-v2"}), opened) == []
    assert found_codes(app("cart"), service("cart", port={"targetPort": 9090}), opened) == []


def test_a_service_that_selects_another_workload_is_the_fault_of_the_one_it_is_named_for():
    found = findings(app("cart"), app("stock"), service("stock"), service("cart", {"app": "stock"}))

    assert [(f.code, str(f.ref)) for f in found] == [("service-selector-mismatch", "Deployment/orchard/cart")]


def test_a_service_whose_pods_are_not_ready_is_a_symptom():
    found = findings(app("cart", ready=False), service("cart"), TIMEOUT)

    assert [(f.code, f.role) for f in found] == [("service-no-ready-endpoints", Role.SYMPTOM)]
    assert "timeout" in texts(found[0])


@pytest.mark.parametrize(
    ("target", "extra"), [(9090, TIMEOUT), ("web", NO_ENDPOINTS), ("9090", TIMEOUT)], ids=["number", "name", "digits"]
)
def test_a_target_that_no_container_has_is_a_port_mismatch(target, extra):
    wrong = service("cart", port={"targetPort": target})

    found = [f for f in findings(app("cart"), wrong, extra) if f.role is Role.CAUSE]

    assert [(f.code, str(f.ref), f.strength) for f in found] == [
        ("service-port-mismatch", "Service/orchard/cart", 0.96)
    ]
    assert "targetPort" in texts(found[0])
    assert "declares 8080 (http)" in found[0].message


def test_a_port_that_is_only_undeclared_is_a_weak_hint():
    unused = findings(app("cart"), service("cart", port={"targetPort": 9090}))
    used = findings(app("cart"), app("web"), service("cart", port={"targetPort": 9090}), calls(("web", "cart")))

    assert [f.strength for f in (*unused, *used)] == [0.3, 0.45]
    assert found_codes(app("cart", ports=[]), service("cart", port={"targetPort": 9090})) == []


def test_a_headless_service_maps_no_port():
    assert found_codes(app("cart"), service("cart", port={"targetPort": 9090}, clusterIP="None")) == []


def test_a_udp_port_in_front_of_a_tcp_server_is_a_protocol_mismatch():
    found = findings(app("cart"), service("cart", port={"protocol": "UDP"}), TIMEOUT)

    assert [(f.code, str(f.ref)) for f in found] == [("service-protocol-mismatch", "Service/orchard/cart")]
    assert '"protocol": "UDP"' in texts(found[0])


def test_a_dns_server_serves_both_protocols():
    both = [{"containerPort": 53, "protocol": protocol} for protocol in ("TCP", "UDP")]
    ports = [{"name": p.lower(), "port": 53, "targetPort": 53, "protocol": p} for p in ("TCP", "UDP")]
    dns = obj("Service/orchard/dns", spec={"selector": {"app": "dns"}, "ports": ports, "clusterIP": "10.0.0.9"})

    assert found_codes(app("dns", ports=both), dns) == []


def test_a_variable_with_a_misspelt_host_is_the_callers_fault():
    caller = app("checkout", **env(CART_ADDR="crat:80"))
    failing = log("Deployment/orchard/checkout", "dial tcp: lookup crat: no such host")
    known = listing("Service", "orchard", "cart")

    found = findings(caller, app("cart"), service("cart"), known, failing)

    assert [(f.code, str(f.ref)) for f in found] == [("env-address-mismatch", "Deployment/orchard/checkout")]
    assert "CART_ADDR (crat:80)" in found[0].message
    assert "crat:80" in texts(found[0])
    assert "no such host" in texts(found[0])


def test_what_the_same_variable_holds_elsewhere_tells_what_was_meant():
    callers = (app("checkout", **env(STORE="warehouse:80")), app("mail", **env(STORE="cart:80")))

    found = findings(*callers, app("cart"), service("cart"), listing("Service", "orchard", "cart"))

    assert [(f.code, str(f.ref)) for f in found] == [("env-address-mismatch", "Deployment/orchard/checkout")]
    assert "Service cart with port 80 does" in found[0].message


def test_a_host_is_unknown_only_where_a_complete_list_says_so():
    assert found_codes(app("checkout", **env(CART_ADDR="crat:80")), app("cart"), service("cart")) == []


def test_an_optional_dependency_that_was_never_installed_is_background():
    callers = [app(name, **env(OTEL="http://collector:4317")) for name in ("cart", "mail", "stock")]

    assert found_codes(*callers, listing("Service", "orchard", "web")) == []


def test_a_pod_of_a_stateful_set_and_localhost_are_good_addresses():
    caller = app("checkout", **env(DB="db-0.db:5432", SELF="localhost:80"))
    known = (listing("Service", "orchard", "db"), listing("Service", "db"), service("db"))

    assert found_codes(caller, *known) == []


def test_a_port_that_one_caller_has_wrong_is_the_callers_fault():
    callers = (app("checkout", **env(CART_ADDR="cart:81")), app("mail", **env(CART_ADDR="cart:80")))
    refused = log("Deployment/orchard/checkout", "dial tcp 10.0.0.9:81: connect: connection refused")

    found = findings(*callers, app("cart"), service("cart"), refused)

    assert [(f.code, str(f.ref), f.strength) for f in found] == [
        ("env-address-mismatch", "Deployment/orchard/checkout", 0.96)
    ]


def test_a_port_that_all_callers_use_is_the_services_fault():
    callers = (app("checkout", **env(CART_ADDR="cart:81")), app("mail", **env(CART_ADDR="cart:81")))

    assert found_codes(*callers, app("cart"), service("cart")) == [("service-port-mismatch", "Service/orchard/cart")]


def test_a_manifest_that_has_the_callers_port_shows_that_the_service_drifted():
    declared = service("cart", applied=True, port={"port": 81})
    caller = app("checkout", **env(CART_ADDR="cart:81"))

    assert found_codes(caller, app("cart"), service("cart"), declared) == [
        ("service-port-mismatch", "Service/orchard/cart")
    ]


def test_a_declared_service_that_no_list_shows_is_missing():
    caller = app("checkout", **env(CART_ADDR="cart:80"))
    known = listing("Service", "orchard", "checkout")

    found = findings(caller, app("cart"), service("cart", applied=True), known)

    assert [(f.code, str(f.ref), f.role) for f in found] == [("service-missing", "Service/orchard/cart", Role.CAUSE)]


def test_a_service_that_a_quota_kept_out_is_the_quotas_symptom():
    full = obj("ResourceQuota/orchard/limits", status={"hard": {"services": "3"}, "used": {"services": "3"}})
    known = listing("Service", "orchard", "checkout")

    found = findings(app("cart"), service("cart", applied=True), known, full)

    assert [(f.code, f.role) for f in found] == [("service-missing", Role.SYMPTOM)]


def test_a_workload_that_others_call_must_not_be_scaled_to_zero():
    found = findings(
        app("cart", replicas=0), service("cart"), app("checkout"), calls(("checkout", "cart")), NO_ENDPOINTS
    )

    assert ("deployment-zero-replicas", "Deployment/orchard/cart") in [(f.code, str(f.ref)) for f in found]
    zero = next(f for f in found if f.code == "deployment-zero-replicas")
    assert "checkout calls it" in zero.message
    assert '"replicas": 0' in texts(zero)


def test_a_workload_at_zero_that_nothing_needs_is_well():
    assert found_codes(app("cart", replicas=0), app("checkout")) == []


def dns(ready: bool):
    labels = {"labels": {"k8s-app": "kube-dns"}}
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": str(ready)}]}
    return obj("Pod/kube-system/coredns-5d8f9-x2x4z", metadata=labels, status=status)


def lookup(who: str, host: str):
    return log(f"Deployment/orchard/{who}", f"dial tcp: lookup {host} on 10.96.0.10:53: no such host")


def test_a_dns_server_that_is_not_ready_fails_every_name():
    found = findings(dns(ready=False), app("checkout"), app("cart"), service("cart"), lookup("checkout", "cart"))

    assert [f.code for f in found] == ["dns-failure"]
    assert found[0].ref.namespace == "kube-system"
    assert "no such host" in texts(found[0])


def test_look_ups_that_failed_before_a_service_was_made_are_noise():
    shop = (dns(ready=True), app("checkout"), app("cart"), service("cart"))
    later = log("Deployment/orchard/checkout", "dial tcp 10.0.0.9:80: connect: connection refused")

    assert found_codes(*shop, lookup("checkout", "cart"), check("cart.orchard", 80, "open")) == []
    assert found_codes(*shop, lookup("checkout", "cart"), later) == []


def test_one_name_that_no_caller_resolves_is_that_services():
    shop = (dns(ready=True), app("checkout"), app("mail"), app("cart"), service("cart"))
    unresolved = check("cart.orchard", 80, "unresolved")

    found = findings(*shop, lookup("checkout", "cart"), lookup("mail", "cart"), unresolved)

    assert [(f.code, str(f.ref)) for f in found] == [("dns-failure", "Service/orchard/cart")]


def test_a_workload_with_dns_settings_of_its_own_cannot_resolve():
    containers = [{"name": "app"}]
    template = {"metadata": {"labels": {"app": "checkout"}}, "spec": {"containers": containers, "dnsPolicy": "Default"}}
    caller = obj("Deployment/orchard/checkout", spec={"replicas": 1, "template": template})

    found = findings(caller, dns(ready=True), app("cart"), service("cart"), lookup("checkout", "cart"))

    assert [(f.code, str(f.ref)) for f in found] == [("dns-failure", "Deployment/orchard/checkout")]
    assert '"dnsPolicy": "Default"' in texts(found[0])


def test_dns_settings_are_known_from_a_pod_where_the_template_does_not_show_them():
    own = {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["192.0.2.53"]}, "containers": [{"name": "app"}]}
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}
    alone = obj("Pod/orchard/checkout-0", spec=own, status=status)
    said = log("Pod/orchard/checkout-0", "dial tcp: lookup cart: no such host")

    found = findings(alone, dns(ready=True), app("cart"), service("cart"), said)

    assert [(f.code, str(f.ref)) for f in found] == [("dns-failure", "Pod/orchard/checkout-0")]
    assert '"dnsPolicy": "None"' in texts(found[0])


def policy(**spec):
    return obj("NetworkPolicy/orchard/deny", spec={"podSelector": {}, "policyTypes": ["Egress"], **spec})


@pytest.mark.parametrize(
    ("egress", "expected"),
    [
        ([], ["network-policy-bars-dns"]),
        ([{"to": [{"podSelector": {}}]}], ["network-policy-bars-dns"]),
        ([{"ports": [{"protocol": "TCP", "port": 443}]}], ["network-policy-bars-dns"]),
        ([{"ports": [{"protocol": "UDP", "port": 53}]}], []),
        ([{"to": [{"namespaceSelector": {}}]}], []),
        ([{}], []),
    ],
)
def test_a_policy_without_port_53_keeps_names_from_resolving(egress, expected):
    shop = (app("checkout"), lookup("checkout", "shop.example.org"))

    found = findings(*shop, policy(egress=egress))

    assert [f.code for f in found] == expected
    assert all(str(f.ref) == "NetworkPolicy/orchard/deny" for f in found)


def test_a_policy_that_nobody_suffers_from_is_well():
    assert found_codes(app("checkout"), policy()) == []
    assert found_codes(app("checkout"), lookup("checkout", "x.org"), policy(policyTypes=["Ingress"])) == []


def test_manifests_alone_show_a_service_that_selects_nothing():
    template = {"metadata": {"labels": {"app": "cart"}}, "spec": {"containers": [{"name": "app", "ports": TCP_8080}]}}
    selector = {"matchLabels": {"app": "cart"}}
    workload = obj("Deployment/orchard/cart", applied=True, spec={"selector": selector, "template": template})

    assert found_codes(workload, service("cart", {"app": "crat"}, applied=True)) == [
        ("service-selector-mismatch", "Service/orchard/cart")
    ]
    assert found_codes(workload, service("cart", applied=True, port={"targetPort": "web"})) == [
        ("service-port-mismatch", "Service/orchard/cart")
    ]
    assert found_codes(workload, service("cart", applied=True)) == []


def test_a_template_must_meet_its_own_selector():
    template = {"metadata": {"labels": {"app": "kart"}}, "spec": {"containers": []}}
    spec = {"selector": {"matchLabels": {"app": "cart"}}, "template": template}

    found = findings(obj("Deployment/orchard/cart", applied=True, spec=spec))

    assert [(f.code, str(f.ref)) for f in found] == [("workload-selector-mismatch", "Deployment/orchard/cart")]
    assert "kart" in texts(found[0])


def test_a_caller_that_dials_an_address_nobody_has_was_told_a_wrong_one():
    caller = app("checkout", **env(CART_ADDR="cart:80"))
    astray = log("Deployment/orchard/checkout", "dial tcp 10.66.0.7:80: i/o timeout")
    straight = log("Deployment/orchard/checkout", "dial tcp 10.0.0.9:80: i/o timeout")

    found = findings(caller, app("cart"), service("cart"), astray)

    assert [(f.code, str(f.ref)) for f in found] == [("dns-failure", "Deployment/orchard/checkout")]
    assert "takes 10.66.0.7 for Service cart" in found[0].message
    assert found_codes(app("checkout", **env(CART_ADDR="cart:80")), app("cart"), service("cart"), straight) == []


def test_one_caller_that_resolves_nothing_is_at_fault_itself():
    callers = (app("checkout"), app("mail"))
    services_there = (app("cart"), service("cart"), app("stock"), service("stock", clusterIP="10.0.0.10"))

    found = findings(*callers, *services_there, lookup("checkout", "cart"), lookup("checkout", "stock"))

    assert [(f.code, str(f.ref)) for f in found] == [("dns-failure", "Deployment/orchard/checkout")]
    assert "cart, stock" in found[0].message


def described(document):
    """The same object as `kubectl describe` shows it: ports without their names."""
    fields = document.payload["fields"]
    containers = [{"name": "app", "ports": [{"containerPort": 8080}]}]
    unnamed = {**fields, "spec": {**fields["spec"], "containers": containers}}
    return document.model_copy(update={"payload": {**document.payload, "form": "describe", "fields": unnamed}})


def test_a_port_by_name_is_not_called_wrong_where_the_pods_text_leaves_names_out():
    _, pod = app("cart")
    by_name = service("cart", port={"targetPort": "web"})

    assert found_codes(described(pod), by_name) == []
    assert found_codes(described(pod), by_name, NO_ENDPOINTS) == [("service-port-mismatch", "Service/orchard/cart")]
    assert found_codes(pod, by_name) == [("service-port-mismatch", "Service/orchard/cart")]


def test_names_of_ports_in_a_manifest_do_not_make_the_live_text_complete():
    deployment, _ = app("cart")
    fields = deployment.payload["fields"]
    template = {
        **fields["spec"]["template"],
        "spec": {"containers": [{"name": "app", "ports": [{"containerPort": 80}]}]},
    }
    shown = {**fields, "spec": {**fields["spec"], "template": template}}
    live = deployment.model_copy(update={"payload": {**deployment.payload, "form": "describe", "fields": shown}})
    named = {"containers": [{"name": "app", "ports": [{"containerPort": 80, "name": "web"}]}]}
    wanted = {**fields["spec"], "template": {**fields["spec"]["template"], "spec": named}}
    manifest = obj("Deployment/orchard/cart", applied=True, spec=wanted)

    assert found_codes(live, manifest, service("cart", port={"targetPort": "web"})) == []


def service_described(name: str, endpoints: list[str], **more):
    """A Service as `kubectl describe` shows it, with its line `Endpoints`."""
    document = service(name, **more)
    fields = {**document.payload["fields"], "status": {"kfiEndpoints": endpoints}}
    text = json.dumps(fields, indent=1)  # read as JSON here; the reader of `describe` has tests of its own
    source = document.source.model_copy(update={"last_line": text.count("\n") + 1})
    payload = {**document.payload, "fields": fields}
    return document.model_copy(update={"payload": payload, "text": text, "source": source})


def test_a_described_service_without_endpoints_counts_like_empty_endpoints():
    nobody = findings(service_described("cart", []))
    mismatched = findings(app("cart"), service_described("cart", [], selector={"app": "cart-v2"}))

    assert [(f.code, f.message) for f in nobody] == [
        ("service-no-ready-endpoints", "Service cart has no endpoint, and no Pod that it selects is seen.")
    ]
    assert '"kfiEndpoints": []' in texts(nobody[0])
    assert [f.code for f in mismatched] == ["service-selector-mismatch"]
    assert '"kfiEndpoints": []' in texts(mismatched[0])


def test_endpoints_that_a_description_shows_clear_a_service():
    assert found_codes(service_described("cart", ["10.20.1.7:8080"])) == []
    assert found_codes(app("cart", ready=False), service_described("cart", ["10.20.1.7:8080"])) == []


def test_an_endpoints_object_outweighs_the_line_of_a_description():
    address = {"addresses": [{"ip": "10.20.1.7"}], "ports": [{"port": 8080}]}
    serving = obj("Endpoints/orchard/cart", subsets=[address])

    assert found_codes(service_described("cart", []), serving) == []


def test_a_port_by_name_is_wrong_where_a_ready_pod_is_no_endpoint_of_a_described_service():
    _, ready = app("cart")
    _, unready = app("cart", ready=False)
    by_name = service_described("cart", [], port={"targetPort": "web"})

    assert found_codes(described(ready), by_name) == [("service-port-mismatch", "Service/orchard/cart")]
    assert found_codes(described(unready), by_name) == [("service-no-ready-endpoints", "Service/orchard/cart")]


def shop_with(**variables):
    others = [d for name in ("cart", "mailer", "pricing") for d in (*app(name), service(name))]
    addresses = {"CART_ADDR": "cart:80", "MAILER_ADDR": "mailer:80", "PRICING_SERVICE_ADDR": "pricing:80"}
    return [*others, *app("checkout", **env(**(addresses | variables)))]


def test_a_variable_named_for_one_application_that_holds_anothers_address_is_wrong():
    crossed = shop_with(PRICING_SERVICE_ADDR="mailer:80")

    assert found_codes(*shop_with()) == []
    assert found_codes(*crossed) == [("env-address-mismatch", "Deployment/orchard/checkout")]


def test_a_variable_named_for_what_it_is_used_for_is_well():
    assert found_codes(*shop_with(NOTIFICATION_ADDR="mailer:80", FRONT_URL="http://cart:80")) == []


def on_the_host(policy=""):
    spec = {"containers": [{"name": "app"}], "hostNetwork": True, **({"dnsPolicy": policy} if policy else {})}
    template = {"metadata": {"labels": {"app": "checkout"}}, "spec": spec}
    return obj("Deployment/orchard/checkout", spec={"replicas": 1, "template": template})


def test_a_pod_on_the_hosts_network_asks_the_hosts_dns_unless_told_otherwise():
    said = log("Deployment/orchard/checkout", "cart is not there yet: lookup cart: no such host", level="warning")
    evidence = (dns(ready=True), app("cart"), service("cart"), said)
    at_fault = [("dns-failure", "Deployment/orchard/checkout")]

    assert [(f.code, str(f.ref)) for f in findings(on_the_host(), *evidence)] == at_fault
    assert [(f.code, str(f.ref)) for f in findings(on_the_host("ClusterFirst"), *evidence)] == at_fault
    assert at_fault[0] not in [
        (f.code, str(f.ref)) for f in findings(on_the_host("ClusterFirstWithHostNet"), *evidence) if f.strength > 0.9
    ]


def headless(port, ready=False):
    client = app("cart", ready=ready, **env(DATABASE_URL=f"jdbc:mysql://orders-db:{port}/orders"))
    containers = [{"name": "db", "image": "mysql:8", "ports": [{"containerPort": 3306}, {"containerPort": 33060}]}]
    labels = {"app": "orders-db"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    server = obj("StatefulSet/orchard/orders-db", spec=spec, status={"readyReplicas": 1})
    there = obj("Service/orchard/orders-db", spec={"selector": labels, "ports": [{"port": 3306}], "clusterIP": "None"})
    found = findings(client, server, there)
    return [(f.code, f.ref.name) for f in found if f.code == "db-wrong-port"]


def test_a_port_that_the_pods_below_a_headless_service_lack_is_wrong():
    assert headless(3307) == [("db-wrong-port", "cart")]
    assert headless(33060) == [], "its Pods have the port, whatever the Service says"
    assert headless(3307, ready=True) == [], "a client that is well may reach a port that nobody declared"


def test_a_database_listens_on_its_second_port_though_no_container_says_so():
    def offered(image, declared, target):
        port = {"name": "more", "port": target, "targetPort": target}
        return found_codes(app("cart", image=image, ports=[{"containerPort": declared}]), service("cart", port=port))

    mismatch = [("service-port-mismatch", "Service/orchard/cart")]

    assert offered("mysql:8.4", 3306, 33060) == []
    assert offered("mysql:8.4", 3306, "\u00b3") == mismatch, "a digit of another script is a name"
    assert offered("mysql:8.4", 3306, 3307) == offered("orchard/cart:1", 8080, 33060) == mismatch
