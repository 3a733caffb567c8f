"""Ways into the cluster that lead nowhere, and those that only look so."""

import pytest

from kfi.diagnosis.conditions.config_routes import routes_in
from kfi.diagnosis.rules import ingress
from tests.cluster import calls, codes, event, listing, log, obj, snapshot
from tests.unit.rules.test_services import app, flat, service

ADDRESS = {"loadBalancer": {"ingress": [{"ip": "203.0.113.20"}]}}
NO_ADDRESS = {"loadBalancer": {}}
EDGE = obj("IngressClass/edge", spec={"controller": "k8s.io/ingress-nginx"})
SERVICES = listing("Service", "orchard", "cart", "pages")


def an_ingress(name="shop", *paths, status=None, cls="edge", at="2026-11-01T08:00:00Z", host="shop.example", **spec):
    rules = [
        {
            "path": path,
            "pathType": "Prefix",
            "backend": {"service": {"name": service, "port": {"number": port}}},
        }
        for path, service, port in paths
    ]
    body = {"ingressClassName": cls, "rules": [{"host": host, "http": {"paths": rules}}], **spec}
    metadata = {"creationTimestamp": at}
    return obj(f"Ingress/orchard/{name}", metadata=metadata, spec=body, status=status or ADDRESS)


def found(*documents):
    return codes(ingress, *flat(documents))


CART = ("/", "cart", 80)


def test_an_ingress_whose_service_has_ready_pods_is_well():
    assert found(an_ingress("shop", CART), app("cart"), service("cart"), EDGE, SERVICES) == []


def test_a_class_that_does_not_exist_leaves_an_ingress_to_nobody():
    other = an_ingress("shop", CART, cls="outer", status=NO_ADDRESS)
    evidence = [other, app("cart"), service("cart"), EDGE, listing("IngressClass", "", "edge")]

    assert found(*evidence) == [("ingress-class-missing", "Ingress/orchard/shop")]


@pytest.mark.parametrize("status", [ADDRESS])
def test_an_ingress_with_an_address_is_served_whatever_its_class(status):
    evidence = [an_ingress("shop", CART, cls="outer", status=status), listing("IngressClass", "", "edge")]

    assert found(*evidence, app("cart"), service("cart")) == []


def test_an_ingress_without_class_takes_the_default():
    default = {"annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}}
    marked = obj("IngressClass/edge", metadata=default, spec={"controller": "k8s.io/ingress-nginx"})
    plain = an_ingress("shop", CART, cls="", status=NO_ADDRESS)
    evidence = [plain, app("cart"), service("cart"), listing("IngressClass", "", "edge")]

    assert found(*evidence, marked) == []
    assert found(*evidence, EDGE) == [("ingress-class-missing", "Ingress/orchard/shop")]


def test_a_class_asked_for_by_the_older_annotation_is_the_controllers_business():
    annotated = obj(
        "Ingress/orchard/shop",
        metadata={"annotations": {"kubernetes.io/ingress.class": "nginx"}},
        spec={"rules": []},
        status=NO_ADDRESS,
    )

    assert found(annotated, listing("IngressClass", "")) == []


def test_the_controllers_words_prove_a_class():
    said = log(
        "Pod/edge/controller-7d9f8-x2x4z",
        'Ignoring ingress because of error while validating ingress class ingress="orchard/shop" '
        'error="no object matching key outer in local store"',
        level="warning",
    )
    evidence = [an_ingress("shop", CART, cls="outer", status=NO_ADDRESS), app("cart"), service("cart"), said]
    (only,) = list(ingress.check(snapshot(*flat(evidence))))

    assert (only.code, only.strength) == ("ingress-class-missing", 0.9)


def test_a_service_that_a_complete_list_lacks_is_missing():
    evidence = [an_ingress("shop", ("/", "carts", 80)), app("cart"), service("cart"), EDGE, SERVICES]

    assert found(*evidence) == [
        ("route-backend-missing", "Ingress/orchard/shop"),
        ("route-unserved", "Ingress/orchard/shop"),
    ]


def test_a_service_that_nobody_listed_may_well_exist():
    assert found(an_ingress("shop", ("/", "carts", 80)), EDGE) == []


def test_a_warning_of_the_controller_proves_a_missing_service():
    said = event(
        "Ingress/orchard/shop", "Translate", 'could not find service "orchard/carts": services "carts" not found'
    )

    assert ("route-backend-missing", "Ingress/orchard/shop") in found(
        an_ingress("shop", ("/", "carts", 80)), said, EDGE
    )


def test_a_port_must_be_one_of_the_services():
    wrong, by_name = an_ingress("shop", ("/", "cart", 8080)), an_ingress("shop", CART)

    assert ("route-port-mismatch", "Ingress/orchard/shop") in found(wrong, app("cart"), service("cart"), EDGE)
    assert found(by_name, app("cart"), service("cart"), EDGE) == []


def test_a_service_without_ready_pods_leaves_the_ingress_unserved_as_a_symptom():
    evidence = [an_ingress("shop", CART), app("cart", ready=False), service("cart"), EDGE]

    assert found(*evidence) == [("route-unserved", "Ingress/orchard/shop")]


def test_a_tls_secret_must_be_in_the_ingresss_own_namespace():
    tls = [{"hosts": ["shop.example"], "secretName": "shop-tls"}]
    with_tls = an_ingress("shop", CART, tls=tls)
    evidence = [with_tls, app("cart"), service("cart"), EDGE, listing("Secret", "orchard", "db-login")]

    assert found(*evidence) == [("tls-secret-missing", "Ingress/orchard/shop")]
    assert found(*evidence[:-1], listing("Secret", "orchard", "shop-tls")) == []


def test_the_younger_of_two_ingresses_with_one_place_is_told():
    older, younger = an_ingress("shop", CART), an_ingress("shop2", ("/", "pages", 80), at="2026-11-20T08:00:00Z")
    evidence = [app("cart"), service("cart"), app("pages"), service("pages"), EDGE]

    assert found(younger, older, *evidence) == [("route-conflict", "Ingress/orchard/shop2")]


def test_a_canary_shares_its_place_on_purpose():
    canary = {"annotations": {"nginx.ingress.kubernetes.io/canary": "true"}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "pages", "port": {"number": 80}}}}]
    spec = {"ingressClassName": "edge", "rules": [{"host": "shop.example", "http": {"paths": paths}}]}
    second = obj("Ingress/orchard/shop2", metadata=canary, spec=spec, status=ADDRESS)

    assert found(an_ingress("shop", CART), second, app("cart"), service("cart"), app("pages"), service("pages")) == []


def own_routes(**routes):
    """One path for each application of these names, to these Services."""
    names = {"cart", "checkout", "mailer", "pricing"} | routes.keys()
    paths = [(f"/{name}", routes.get(name, name), 80) for name in sorted(names)]
    return [an_ingress("api", *paths), EDGE, *[d for name in sorted(names) for d in (*app(name), service(name))]]


def test_one_odd_route_among_many_is_its_applications_fault():
    assert found(*own_routes()) == []
    assert found(*own_routes(pricing="mailer")) == [("gateway-misrouted", "Service/orchard/pricing")]


def test_a_wrong_port_among_the_routes_of_many_applications_is_its_applications_fault():
    apps = [d for name in ("cart", "checkout", "pricing") for d in (*app(name), service(name))]
    paths = [("/cart", "cart", 80), ("/checkout", "checkout", 80)]

    shared = found(an_ingress("api", *paths, ("/pricing", "pricing", 8081)), EDGE, *apps)
    own = found(an_ingress("pricing", ("/pricing", "pricing", 8081)), EDGE, *apps)

    assert [one for one in shared if one[0] != "route-unserved"] == [("gateway-misrouted", "Service/orchard/pricing")]
    assert [one for one in own if one[0] != "route-unserved"] == [("route-port-mismatch", "Ingress/orchard/pricing")]
    assert found(an_ingress("api", *paths, ("/pricing", "pricing", 80)), EDGE, *apps) == []


def test_a_front_end_that_answers_many_paths_is_well():
    pages = ("/", "/cart", "/checkout", "/pricing")
    front = an_ingress("shop", *[(path, "frontend", 80) for path in pages])
    evidence = [d for name in ("cart", "checkout", "pricing", "frontend") for d in (*app(name), service(name))]

    assert found(front, EDGE, *evidence) == []


NGINX = "location /cart/ { proxy_pass http://cart:80; } location /pricing/ { proxy_pass http://pricng:80; }"


def test_a_misspelt_host_in_a_gateways_configuration_is_its_applications_fault():
    used = app("edge", envFrom=[{"configMapRef": {"name": "edge-conf"}}])
    config = obj("ConfigMap/orchard/edge-conf", data={"default.conf": NGINX})
    services = [*app("cart"), service("cart"), *app("pricing"), service("pricing")]
    listed = listing("Service", "orchard", "cart", "pricing")

    assert found(config, used, *services, listed) == [("gateway-misrouted", "Service/orchard/pricing")]
    assert found(config, *services, listed) == [], "a ConfigMap that nobody uses leads nobody astray"


def lone_route(target, *more):
    """A route that both its name and its path say is for pricing, and the application that it leads to instead."""
    alone = an_ingress("pricing", ("/pricing", target, 80))
    apps = [document for name in ("pricing", target) for document in (*app(name), service(name))]
    return [f for f in ingress.check(snapshot(alone, EDGE, *apps, *more)) if f.code == "gateway-misrouted"]


def test_a_lone_route_is_odd_where_its_name_and_its_path_say_so():
    stranger = log("Deployment/orchard/mailer", "no route for GET /pricing/today: 404", level="warning")

    (guessed,) = lone_route("mailer")
    (proved,) = lone_route("mailer", stranger)

    assert (guessed.code, str(guessed.ref)) == ("gateway-misrouted", "Service/orchard/pricing")
    assert (guessed.strength, proved.strength) == (0.45, 0.85)


def test_a_lone_route_to_a_proxy_in_front_of_its_application_is_well():
    assert lone_route("shield", calls(("shield", "pricing"))) == []


def plural_routes(target):
    names = ("cart", "order", "delivery", "wallet")
    paths = [("/api/carts", "cart", 80), ("/api/orders", "order", 80), ("/api/deliveries", "delivery", 80)]
    apps = [d for name in names for d in (*app(name), service(name))]
    return [an_ingress("api", *paths, ("/api/wallet", target, 80)), EDGE, *apps]


def test_a_path_in_the_plural_means_the_service_in_the_singular():
    assert found(*plural_routes("wallet")) == []
    assert found(*plural_routes("order")) == [("gateway-misrouted", "Service/orchard/wallet")]


def gateway(**targets):
    """A gateway with its routes in variables, and the applications that they are for."""
    names = ("cart", "order", "mailer")
    value = {name: targets.get(name, f"/api/{name}s=http://{name}:80") for name in names}
    front = app("edge", env=[{"name": f"ROUTE_{name.upper()}", "value": value[name]} for name in names])
    return [*front, *[d for name in names for d in (*app(name), service(name))]]


def test_a_route_in_a_variable_that_leads_elsewhere_is_its_applications_fault():
    assert found(*gateway()) == []
    astray = found(*gateway(cart="/api/carts=http://order:80"))
    assert astray == [("gateway-misrouted", "Service/orchard/cart")]


def numbered(**uris):
    """Spring's way to write a list of routes in variables, and the applications that they are for."""
    names = ("cart", "order", "mailer")
    pairs = [
        {"name": f"SPRING_CLOUD_GATEWAY_ROUTES_{number}_{field}", "value": value}
        for number, name in enumerate(names)
        for field, value in (("URI", uris.get(name, f"http://{name}:80")), ("PREDICATES_0", f"Path=/api/{name}/**"))
    ]
    return [*app("edge", env=pairs), *[d for name in names for d in (*app(name), service(name))]]


def test_a_route_in_two_variables_of_one_number_is_read_like_one():
    astray = [("gateway-misrouted", "Service/orchard/cart")]

    assert found(*numbered()) == []
    assert found(*numbered(cart="http://order:80")) == found(*numbered(cart="lb://cart:8081")) == astray


def test_a_misspelt_path_is_a_fault_where_somebody_asks_for_the_right_one():
    astray = gateway(cart="/api/cartt=http://cart:80")
    missed = log("Deployment/orchard/edge", 'WARN 404 NOT_FOUND "No static resource api/cart/7." for /api/cart/7')

    assert found(*astray, missed) == [("gateway-misrouted", "Service/orchard/cart")]
    assert found(*astray) == [], "another name for it may well be meant"


ENVOY = """
routes:
- match: {{prefix: /cart}}
  route: {{cluster: cart}}
- match: {{prefix: /pricing}}
  route: {{cluster: prices}}
clusters:
- name: cart
  load_assignment: {{endpoints: [{{socket_address: {{address: cart, port_value: 80}}}}]}}
- name: prices
  load_assignment: {{endpoints: [{{socket_address: {{address: pricing.orchard, port_value: {port}}}}}]}}
"""
HAPROXY = """
frontend shop
  use_backend carts if {{ path_beg -i /cart }}
  acl for_prices path_beg /pricing
  use_backend prices if for_prices
backend carts
  server one cart:80 check
backend prices
  option httpchk
  server one pricing:{port} check
"""


@pytest.mark.parametrize("text", [ENVOY, HAPROXY])
def test_the_cluster_or_backend_that_a_path_is_sent_to_has_the_port(text):
    used = app("edge", envFrom=[{"configMapRef": {"name": "edge-conf"}}])
    services = [*app("cart"), service("cart"), *app("pricing"), service("pricing")]

    def routed(port):
        return found(obj("ConfigMap/orchard/edge-conf", data={"conf": text.format(port=port)}), used, *services)

    assert routed(8081) == [("gateway-misrouted", "Service/orchard/pricing")]
    assert routed(80) == []


def traefik(name="cart", **more):
    match = "Host(`shop.example`) && PathPrefix(`/all`)"
    routes = [{"match": match, "services": [{"name": name, "port": 80, **more}]}]
    return obj("IngressRoute/orchard/shop", apiVersion="traefik.io/v1alpha1", spec={"routes": routes})


def contour(name="cart", **more):
    routes = [{"conditions": [{"prefix": "/all"}], "services": [{"name": name, "port": 80, **more}]}]
    spec = {"virtualhost": {"fqdn": "shop.example"}, "routes": routes}
    return obj("HTTPProxy/orchard/shop", apiVersion="projectcontour.io/v1", spec=spec)


@pytest.mark.parametrize("route", [traefik, contour])
def test_a_proxys_own_kind_of_route_needs_its_service_and_port_too(route):
    shop = [*app("cart"), service("cart"), listing("Service", "orchard", "cart")]
    told = found(route("basket"), *shop)
    (unserved, _) = [f for f in ingress.check(snapshot(route("basket"), *shop)) if "shop.example/all" in f.message]

    assert [code for code, _ in told] == ["route-backend-missing", "route-unserved"]
    assert str(unserved.ref).endswith("/orchard/shop")
    assert ("route-port-mismatch", str(unserved.ref)) in found(route(port=8080), *shop)
    assert found(route(), *shop) == []
    assert found(route("api@internal"), *shop) == found(route("retries", kind="TraefikService"), *shop) == []


def mesh_route(host):
    routes = [{"route": [{"destination": {"host": host}}]}]
    return obj("VirtualService/orchard/cart", spec={"hosts": ["shop.example"], "http": routes})


def test_a_host_of_a_namespace_that_does_not_exist_is_no_backend():
    shop = [*app("cart"), service("cart")]
    far, namespaces = mesh_route("cart.orchrd.svc.cluster.local"), listing("Namespace", "", "default", "orchard")

    assert ("route-backend-missing", "VirtualService/orchard/cart") in found(far, *shop, namespaces)
    assert found(mesh_route("cart.orchard.svc.cluster.local"), *shop, namespaces) == []
    assert found(far, *shop) == [], "nobody listed the namespaces"


def test_an_upstream_that_is_not_closed_has_not_the_servers_of_the_next():
    text = "upstream a {\nupstream b { server cart:80; }\nlocation /a { proxy_pass http://b; }"

    assert [(route.path, route.host) for route in routes_in(text)] == [("/a", "cart")]


def whole_elements(path, *more, host="orders"):
    apps = [d for name in (host, "pages") for d in (*app(name), service(name))]
    return found(an_ingress("shop", (path, host, 80), ("/", "pages", 80)), EDGE, *apps, *more)


def test_a_path_of_an_ingress_is_compared_element_by_element():
    missed = log("Deployment/orchard/pages", '{"method":"GET","path":"/api/orders/7","status":404,"msg":"not found"}')

    assert whole_elements("/api/order", missed) == [("gateway-misrouted", "Service/orchard/orders")]
    assert whole_elements("/api/orders", missed) == [], "the page behind it may well be gone"
    assert whole_elements("/api/order") == [], "nobody asks for the other number"


def fleet(*lines, **proxy):
    """A gateway whose routes no text shows, what it logs, and three applications behind it."""
    names = ("cart", "checkout", "pricing")
    services = [service(name, clusterIP=f"10.0.1.{number}") for number, name in enumerate(names, 1)]
    said = [log("Pod/orchard/front-7d9f8-x2x4z", line, level="warning") for line in lines]
    return [*app("front", **{"image": "haproxytech/haproxy:3", **proxy}), *services, *said] + [
        document for name in names for document in app(name)
    ]


DIALLED = [
    '[error] 7#7: *9 connect() failed (111: Connection refused) while connecting to upstream, request: "GET /price/7'
    ' HTTP/1.1", upstream: "http://10.0.1.3:8099/price/7"',
    "AnnotatedConnectException: Connection refused: pricing/10.0.1.3:8099",
    '"GET /price/7 HTTP/1.1" 503 UF 0 91 3 - "10.1.0.1" "curl" "id" "shop.example" "10.0.1.3:8099"',
]


@pytest.mark.parametrize("line", DIALLED)
def test_a_gateways_log_tells_of_a_port_where_its_routes_are_not_seen(line):
    strayed = [("gateway-misrouted", "Service/orchard/pricing")]

    assert found(*fleet(line)) == strayed
    assert found(*fleet(line.replace("8099", "80"))) == found(*fleet(line, image="orchard/front:1")) == []
    assert found(*fleet(line, env=[{"name": "PRICES", "value": "pricing:8099"}])) == [], "a variable is no route"


def test_a_gateways_log_tells_of_requests_that_another_application_does_not_know():
    lost, found_it = (f"GET /api/pricing/7 -> http://checkout:80 {status} in 3 ms" for status in (404, 200))
    stranger = log("Pod/orchard/checkout-7d9f8-x2x4z", "404 no handler for /api/pricing/7", level="warning")
    strayed = [("gateway-misrouted", "Service/orchard/pricing")]

    assert found(*fleet(lost)) == found(*fleet(lost), stranger) == strayed
    assert found(*fleet(lost, found_it)) == [], "it mostly knows them"
    assert found(*fleet(lost), calls(("checkout", "pricing"))) == [], "a proxy in front of it"
    assert found(*fleet(lost.replace("checkout", "pricing"))) == []
