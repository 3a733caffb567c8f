"""Routes that their Gateway does not accept, and requests that proxies could not serve."""

import pytest

from kfi.diagnosis.conditions.access_log import failed_requests
from kfi.diagnosis.rules import gateways
from kfi.models.schemas import Role
from tests.cluster import codes, listing, log, obj, snapshot
from tests.unit.rules.test_services import app, flat, service

GROUP = {"apiVersion": "gateway.networking.k8s.io/v1"}
PROXY = "Pod/edge/proxy-7d9f8-x2x4z"


def route(*conditions, namespace="", parents=True):
    reported = [{"type": kind, "status": status, "reason": reason} for kind, status, reason in conditions]
    backend = {"name": "cart", "port": 80, **({"namespace": namespace} if namespace else {})}
    spec = {"parentRefs": [{"name": "front", "namespace": "edge"}], "rules": [{"backendRefs": [backend]}]}
    status = {"parents": [{"parentRef": {"name": "front", "namespace": "edge"}, "conditions": reported}]}
    return obj("HTTPRoute/orchard/cart", **GROUP, spec=spec, status=status if parents else {})


def found(*documents):
    return codes(gateways, *flat([*documents, app("cart"), service("cart")]))


FINE = (("Accepted", "True", "Accepted"), ("ResolvedRefs", "True", "ResolvedRefs"))


def test_an_accepted_route_is_well():
    assert found(route(*FINE)) == []


def test_a_route_that_its_gateway_refuses_reaches_nobody():
    refused = route(("Accepted", "False", "NotAllowedByListeners"))

    assert found(refused) == [("route-not-accepted", "HTTPRoute/orchard/cart")]


def test_a_route_without_a_gateway_has_nobody_to_accept_it():
    lost = route(parents=False)

    assert found(lost, listing("Gateway", "edge", "side")) == [("route-not-accepted", "HTTPRoute/orchard/cart")]
    assert found(lost) == []


def test_a_gateway_that_is_not_programmed_is_told_by_itself():
    condition = {"type": "Programmed", "status": "False", "reason": "AddressNotAssigned", "message": "no address"}
    gateway = obj("Gateway/edge/front", **GROUP, spec={"gatewayClassName": "g"}, status={"conditions": [condition]})
    istio = obj("Gateway/edge/front", apiVersion="networking.istio.io/v1", status={"conditions": [condition]})

    assert found(gateway) == [("route-not-accepted", "Gateway/edge/front")]
    assert found(istio) == []


def grant(kind="HTTPRoute"):
    spec = {"from": [{"group": "g", "kind": kind, "namespace": "orchard"}], "to": [{"group": "", "kind": "Service"}]}
    return obj("ReferenceGrant/stock/in", **GROUP, spec=spec)


def test_another_namespace_must_permit_routes_into_it():
    crossing = route(("Accepted", "True", "Accepted"), namespace="stock")
    listed = listing("ReferenceGrant", "stock", "in")
    code = ("reference-not-granted", "HTTPRoute/orchard/cart")

    assert found(crossing, grant("GRPCRoute"), listed) == [code]
    assert found(crossing, grant(), listed) == []
    assert found(crossing) == []


def mesh(subset, *subsets):
    destination = {"host": "cart", "subset": subset}
    spec = {"hosts": ["cart"], "http": [{"route": [{"destination": destination}]}]}
    rule = {"host": "cart.orchard.svc.cluster.local", "subsets": [{"name": name} for name in subsets]}
    return obj("VirtualService/orchard/cart", spec=spec), obj("DestinationRule/orchard/cart", spec=rule)


def test_a_subset_must_be_defined():
    assert found(*mesh("canary", "steady")) == [("destination-subset-missing", "VirtualService/orchard/cart")]
    assert found(*mesh("steady", "steady")) == []


CART_POD = "Pod/orchard/cart-7d9f8-x2x4z"
REQUEST = '10.1.0.1 - - [20/Nov/2026:14:30:02 +0000] "GET /items HTTP/1.1" {} 150 "-" "curl" 120 0.001 [{}] [] {} 9a2d'
ENVOY = (
    '"GET /items HTTP/1.1" {} {} - "-" 0 91 2 - "-" "curl" "id" "shop.example" "{}" '
    "outbound|80||cart.orchard.svc.cluster.local - 10.96.0.7:80 10.1.0.1:5555 - default"
)
SERVED = obj(CART_POD, metadata={"labels": {"app": "cart"}}, status={"podIP": "10.1.0.13"})


def upstream(line):
    shot = snapshot(log(PROXY, line), SERVED, service("cart"))
    return [(request.said, str(request.upstream)) for _, request in failed_requests(shot)]


@pytest.mark.parametrize(
    ("line", "said", "whom"),
    [
        (REQUEST.format(502, "orchard-cart-80", "10.1.0.13:8080 0 0.001 502"), "502", CART_POD),
        (REQUEST.format(502, "orchard-cart-80", "10.9.9.9:80, 10.1.0.13:8080 0, 0 0, 0 502, 502"), "502", CART_POD),
        (REQUEST.format(503, "orchard-cart-80", "- - - -"), "503", "Service/orchard/cart"),
        (ENVOY.format(503, "UF", "10.1.0.13:8080"), "503 UF", CART_POD),
        (ENVOY.format(503, "UH", "-"), "503 UH", "Service/orchard/cart"),
        (ENVOY.format(503, "URX,UF", "10.1.0.13:8080"), "503 URX,UF", CART_POD),
        (
            '{"path":"/items","response_code":504,"response_flags":"UT","upstream_host":"10.1.0.13:8080"}',
            "504 UT",
            CART_POD,
        ),
        (
            "[error] 31#31: *1 connect() failed (111: Connection refused) while connecting to upstream, "
            'request: "GET /items HTTP/1.1", upstream: "http://10.1.0.13:8080/items"',
            "an error",
            CART_POD,
        ),
    ],
)
def test_an_access_log_tells_whom_a_failed_request_was_sent_to(line, said, whom):
    assert upstream(line) == [(said, whom)]


@pytest.mark.parametrize(
    "line",
    [
        REQUEST.format(200, "orchard-cart-80", "10.1.0.13:8080 9 0.001 200"),
        REQUEST.format(404, "orchard-cart-80", "10.1.0.13:8080 9 0.001 404"),
        ENVOY.format(200, "-", "10.1.0.13:8080"),
        ENVOY.format(0, "DC", "10.1.0.13:8080"),
    ],
)
def test_requests_that_were_served_are_no_failures(line):
    assert upstream(line) == []


def test_failed_requests_are_a_symptom_of_whom_they_were_sent_to():
    line = ENVOY.format(503, "UF", "10.1.0.13:8080")
    (finding,) = gateways.check(snapshot(log(PROXY, line), SERVED, service("cart")))

    assert (finding.code, finding.role, str(finding.ref)) == ("upstream-errors", Role.SYMPTOM, CART_POD)


def test_no_route_is_the_gateways_and_scanners_make_it_weak():
    (finding,) = gateways.check(snapshot(log(PROXY, '"GET /x HTTP/1.1" 404 NR route_not_found - "-" 0 0 0 - "-"')))

    assert (finding.code, finding.strength) == ("no-route", 0.3)


def hung_on(*gateways):
    destination = {"host": "cart"}
    spec = {"hosts": ["shop.example"], "gateways": list(gateways), "http": [{"route": [{"destination": destination}]}]}
    return obj("VirtualService/orchard/cart", spec=spec)


FRONT = obj("Gateway/orchard/front", apiVersion="networking.istio.io/v1", spec={"selector": {"istio": "in"}})


def test_a_virtual_service_needs_one_of_the_gateways_it_names():
    lost = [("route-not-accepted", "VirtualService/orchard/cart")]
    listed = listing("Gateway", "", "orchard/front")

    assert found(hung_on("frnt"), FRONT) == found(hung_on("orchard/fronts"), FRONT) == lost
    assert found(hung_on("edge/main"), listed) == lost
    assert found(hung_on("front"), FRONT) == found(hung_on("orchard/front"), FRONT) == found(hung_on(), FRONT) == []
    assert found(hung_on("frnt", "mesh"), FRONT) == found(hung_on("frnt", "front"), FRONT) == []
    assert found(hung_on("edge/main"), FRONT) == [], "another namespace may well have it"


def test_a_gateway_may_be_named_in_istios_old_way():
    listed = listing("Gateway", "", "orchard/front")

    assert found(hung_on("front.orchard.svc.cluster.local"), listed) == []
    assert found(hung_on("front.orchard"), listed) == []
    assert found(hung_on("main.orchard.svc.cluster.local"), listed) != []
