"""Connections inside the cluster that cannot come about, and policies that bar nothing anybody needs."""

import pytest

from kfi.diagnosis.rules import network, services
from tests.cluster import check, codes, listing, log, obj, snapshot
from tests.unit.rules.test_services import app, env, flat, service

CALLER = "Pod/orchard/checkout-7d9f8-x2x4z"
TIMEOUT = log(CALLER, 'Get "http://cart:80/items": dial tcp 10.0.0.9:80: i/o timeout')
BLOCKS = ("network-policy-blocks", "NetworkPolicy/orchard/rules")


def policy(selector=None, types=("Ingress",), applied=False, name="rules", **rules):
    spec = {"podSelector": {"matchLabels": selector} if selector else {}, "policyTypes": list(types), **rules}
    return obj(f"NetworkPolicy/orchard/{name}", applied=applied, spec=spec)


def peer(**labels):
    return {"podSelector": {"matchLabels": labels}}


def shop(*more, cart=None):
    address = env(CART_ADDR="cart:80")
    return flat([app("cart", **(cart or {})), service("cart"), app("checkout", **address), *more])


def found(*documents):
    return codes(network, *shop(*documents))


def test_calls_run_into_a_timeout_where_no_policy_lets_the_caller_in():
    only_mailer = policy({"app": "cart"}, ingress=[{"from": [peer(app="mailer")]}])

    assert found(only_mailer, TIMEOUT) == [BLOCKS]


def test_the_barred_caller_is_among_those_that_suffer():
    (blocks,) = network.check(snapshot(*shop(policy({"app": "cart"}), TIMEOUT)))

    assert CALLER in map(str, blocks.affects)
    assert "i/o timeout" in " ".join(c.text for c in blocks.evidence)
    assert blocks.strength > 0.9


def test_a_default_deny_beside_a_policy_that_allows_bars_nothing():
    allow = policy({"app": "cart"}, ingress=[{"from": [peer(app="checkout")]}], name="allow")

    assert found(policy(), allow, TIMEOUT) == []


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"from": [peer(app="checkout")]},
        {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "orchard"}}}]},
        {"from": [{"namespaceSelector": {"matchLabels": {"team": "unknown-to-us"}}}]},
        {"from": [peer(app="checkout")], "ports": [{"port": 8080}]},
        {"from": [peer(app="checkout")], "ports": [{"port": "http"}]},
        {"from": [peer(app="checkout")], "ports": [{"port": 8000, "endPort": 8100}]},
        {"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]},
    ],
)
def test_a_rule_that_covers_the_call_lets_it_through(rule):
    assert found(policy({"app": "cart"}, ingress=[rule]), TIMEOUT) == []


@pytest.mark.parametrize(
    "rule",
    [
        {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "outside"}}}]},
        {"from": [peer(app="checkout")], "ports": [{"port": 80}]},
        {"from": [peer(app="checkout")], "ports": [{"port": 8080, "protocol": "UDP"}]},
        {
            "from": [
                {**peer(app="checkout"), "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "x"}}}
            ]
        },
    ],
)
def test_a_rule_for_others_or_for_the_services_port_does_not(rule):
    assert found(policy({"app": "cart"}, ingress=[rule]), TIMEOUT) == [BLOCKS]


def test_egress_of_the_caller_counts_as_much_as_ingress_of_the_callee():
    dns = {"ports": [{"port": 53, "protocol": "UDP"}]}
    out = policy({"app": "checkout"}, types=["Egress"], egress=[dns, {"to": [peer(app="mailer")]}])

    assert found(out, TIMEOUT) == [BLOCKS]


def test_a_policy_that_nobody_needs_to_pass_is_nobodys_fault():
    assert found(policy({"app": "mailer"}), TIMEOUT) == []


def test_without_a_complaint_a_barred_address_is_only_a_hint():
    (hint,) = network.check(snapshot(*shop(policy({"app": "cart"}))))

    assert hint.strength == 0.5


def test_a_row_of_a_table_shows_no_rules():
    only_row = obj("NetworkPolicy/orchard/rules", applied=True, spec={"podSelector": {}})

    assert found(only_row, listing("NetworkPolicy", "orchard"), TIMEOUT) == []


def test_dns_over_tcp_alone_is_not_enough():
    tcp = policy({"app": "checkout"}, types=["Egress"], egress=[{"ports": [{"port": 53}]}, {"to": [peer(app="cart")]}])
    udp = policy({"app": "checkout"}, types=["Egress"], egress=[{"ports": [{"port": 53, "protocol": "UDP"}]}])
    lost = log(CALLER, "dial tcp: lookup cart: i/o timeout")

    def barred(*documents):
        return [code for code, _ in codes(services, *shop(*documents)) if code == "network-policy-bars-dns"]

    assert barred(tcp, lost) == ["network-policy-bars-dns"]
    assert barred(udp, lost) == []


EXPORTER = {"ports": [{"containerPort": 9100, "name": "metrics"}]}


def test_a_second_workload_behind_a_service_takes_part_of_its_traffic():
    stranger = app("cart-export", labels={"app": "cart", "job": "export"}, **EXPORTER)

    assert found(stranger) == [("service-selects-two-workloads", "Service/orchard/cart")]


def test_two_versions_of_one_application_share_a_service_on_purpose():
    assert found(app("cart-canary", labels={"app": "cart", "track": "canary"})) == []


def alias(target):
    return obj("Service/orchard/archive", spec={"type": "ExternalName", "externalName": target})


def test_an_alias_of_an_address_or_of_a_missing_service_leads_nowhere():
    code = ("external-name-invalid", "Service/orchard/archive")
    gone = listing("Service", "stock", "ledger")

    assert found(alias("10.1.2.3")) == [code]
    assert found(alias("archive.stock.svc.cluster.local"), gone) == [code]
    assert found(alias("ledger.stock.svc.cluster.local"), gone) == []
    assert found(alias("archive.db.example.com")) == []


def stateful(service_name="search", ready=1):
    labels = {"app": "search"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "search"}]}}
    spec = {"replicas": 1, "serviceName": service_name, "selector": {"matchLabels": labels}, "template": template}
    return obj("StatefulSet/orchard/search", spec=spec, status={"readyReplicas": ready})


LOOKUP = log("Pod/orchard/search-0", "java.net.UnknownHostException: search-1.search.orchard.svc.cluster.local")


def test_pods_of_a_stateful_set_have_names_only_through_a_headless_service():
    code = ("governing-service-wrong", "StatefulSet/orchard/search")
    headless = service("search", clusterIP="None")

    assert found(stateful(), service("search"), LOOKUP) == [code]
    assert found(stateful(), listing("Service", "orchard", "cart"), LOOKUP) == [code]
    assert found(stateful(), headless, LOOKUP) == []
    assert found(stateful(), headless) == []


def test_what_nobody_looks_up_is_only_a_hint():
    (hint,) = network.check(snapshot(*shop(stateful(ready=0), service("search"))))

    assert hint.strength < 0.4
    assert found(stateful(), service("search")) == [], "who calls it by the Service's name misses nothing"


def test_a_check_that_runs_into_a_timeout_blames_a_policy_that_lets_nobody_in():
    tried = check("cart.orchard", 80, "timeout")
    (blocks,) = network.check(snapshot(*shop(policy({"app": "cart"}), tried)))

    assert (blocks.code, blocks.strength) == ("network-policy-blocks", 0.85)
    assert found(policy({"app": "cart"}, ingress=[{"from": [peer(app="checkout")]}]), tried) == []
