"""What is abnormal in scope: findings' lines first, then what no finding cites."""

from datetime import timedelta

from kfi.models.schemas import Citation, Document, Finding, QueryMetadata, QueryPlan
from kfi.retrieval.fusion import Found
from kfi.retrieval.narrowing import narrow
from kfi.retrieval.scope import Scope
from kfi.retrieval.triage import triage
from kfi.snapshot.view import Snapshot
from tests.cluster import NOW, alert, check, event, listing, log, node_service, obj, ref, snapshot


def finding(about: str, *cited: tuple[Document, int, int], affects: tuple[str, ...] = ()) -> Finding:
    evidence = tuple(
        Citation(document_id=document.id, path=document.source.path, first_line=first, last_line=last, text="")
        for document, first, last in cited
    )
    return Finding(
        code="some-rule", ref=ref(about), message="", evidence=evidence, affects=tuple(ref(one) for one in affects)
    )


def pod(name: str, *, ready: bool, node: str = "node-a") -> Document:
    conditions = [{"type": "Ready", "status": str(ready)}]
    return obj(f"Pod/orchard/{name}", spec={"nodeName": node}, status={"phase": "Running", "conditions": conditions})


def scope(
    seen: Snapshot, *parts: str, findings: tuple[Finding, ...] = (), pointed: tuple[str, ...] = (), **limits: object
) -> Scope:
    ids = limits.pop("document_ids", None)
    plan = QueryPlan(question=" and ".join(parts), sub_queries=parts, metadata=QueryMetadata(**limits))
    return Scope(plan, seen, findings, tuple(ref(one) for one in pointed), document_ids=ids)


def found_in(asked: Scope, limit: int = 40) -> list[list[tuple[str, tuple[int, int] | None]]]:
    return [[(one.document_id, one.lines) for one in part] for part in triage(narrow(asked), limit).found]


def test_lines_of_findings_come_in_the_findings_order_before_what_no_finding_cites():
    cart, checkout = pod("cart-0", ready=False), pod("checkout-0", ready=False)
    told = event("Pod/orchard/checkout-0", "BackOff", "Back-off restarting failed container")
    seen = snapshot(cart, checkout, told)
    findings = (
        finding("Pod/orchard/checkout-0", (checkout, 9, 9), (checkout, 11, 11), (checkout, 40, 41)),
        finding("Pod/orchard/cart-0", (cart, 7, 7)),
    )

    found = triage(narrow(scope(seen, "What fails?", findings=findings)), 40).found

    assert found == (
        (
            Found(checkout.id, 1.0, (9, 11)),
            Found(checkout.id, 1 / 2, (40, 41)),
            Found(cart.id, 1 / 3, (7, 7)),
            Found(told.id, 1 / 4, (1, 1)),
        ),
    )


def test_each_sub_query_gets_the_findings_of_the_objects_it_names_first():
    cart, checkout = pod("cart-0", ready=False), pod("checkout-0", ready=False, node="node-b")
    findings = (finding("Pod/orchard/cart-0", (cart, 1, 1)), finding("Pod/orchard/checkout-0", (checkout, 1, 1)))
    asked = scope(
        snapshot(cart, checkout), "Why does cart-0 fail?", "why is checkout-0 slow?",
        findings=findings, pointed=("Pod/orchard/cart-0", "Pod/orchard/checkout-0"),
    )  # fmt: skip

    first, second = found_in(asked)

    assert first == [(cart.id, (1, 1)), (checkout.id, (1, 1))]
    assert second == [(checkout.id, (1, 1)), (cart.id, (1, 1))]


def test_a_finding_on_the_node_below_a_named_pod_touches_it():
    node, cart, other = obj("Node/node-a"), pod("cart-0", ready=True), pod("checkout-0", ready=True, node="node-b")
    findings = (finding("Pod/orchard/checkout-0", (other, 1, 1)), finding("Node/node-a", (node, 5, 5)))

    found = found_in(
        scope(snapshot(node, cart, other), "Why cart-0?", findings=findings, pointed=("Pod/orchard/cart-0",))
    )

    assert found == [[(node.id, (5, 5)), (other.id, (1, 1))]]


def test_kinds_of_trouble_take_turns_each_newest_first():
    old = event("Pod/orchard/cart-0", "BackOff", "Back-off", ago=600)
    new = event("Pod/orchard/cart-0", "Unhealthy", "Readiness probe failed", ago=5)
    normal = event("Pod/orchard/cart-0", "Pulled", "Image pulled", type="Normal", ago=1)
    said, calm = log("Pod/orchard/cart-0", "no space left"), log("Pod/orchard/cart-0", "listening", level="info")
    sick, well = pod("cart-0", ready=False), pod("checkout-0", ready=True)
    firing = alert(ref("Pod/orchard/cart-0"), "PodDown", "cart-0 is down")
    dead, alive = node_service("node-a", "kubelet", "failed"), node_service("node-a", "containerd", "active")
    refused, answered = check("cart.orchard", 80, "refused"), check("cart.orchard", 81, "open")
    everything = (old, normal, new, said, calm, sick, well, firing, dead, alive, refused, answered)

    (found,) = found_in(scope(snapshot(everything), "What fails?"))

    assert [id_ for id_, _ in found] == [one.id for one in (new, said, sick, firing, dead, refused, old)]


def test_an_event_that_came_more_often_goes_first_among_those_of_one_time():
    once = event("Pod/orchard/cart-0", "BackOff", "Back-off")
    often = event("Pod/orchard/checkout-0", "BackOff", "Back-off", count=90)

    assert found_in(scope(snapshot(once, often), "What fails?")) == [[(often.id, (1, 1)), (once.id, (1, 1))]]


def test_objects_that_should_be_ready_and_are_not_are_abnormal():
    node = obj("Node/node-a", status={"conditions": [{"type": "Ready", "status": "False"}]})
    short = obj("Deployment/orchard/cart", spec={"replicas": 2}, status={"readyReplicas": 1})
    full = obj("Deployment/orchard/checkout", spec={"replicas": 2}, status={"readyReplicas": 2})
    pending = obj("PersistentVolumeClaim/orchard/cart-data", status={"phase": "Pending"})
    bound = obj("PersistentVolumeClaim/orchard/ledger-data", status={"phase": "Bound"})
    done = obj("Pod/orchard/migrate-1", status={"phase": "Succeeded"})
    planned = obj("Deployment/orchard/new", applied=True, spec={"replicas": 2})

    (found,) = found_in(scope(snapshot(node, short, full, pending, bound, done, planned), "What fails?"))

    assert {id_ for id_, _ in found} == {node.id, short.id, pending.id}
    assert {lines for _, lines in found} == {None}


def test_a_namespace_keeps_trouble_of_others_out_and_that_of_nodes_in():
    ours = event("Pod/orchard/cart-0", "BackOff", "Back-off", ago=30)
    theirs = event("Pod/bank/ledger-0", "BackOff", "Back-off", ago=20)
    node = event("Node/node-a", "NodeHasDiskPressure", "disk", ago=40)
    cited = obj("Pod/bank/ledger-0")
    seen = snapshot(ours, theirs, node, cited)
    findings = (finding("Pod/bank/ledger-0", (cited, 1, 1)),)

    found = found_in(scope(seen, "What fails?", findings=findings, namespace="orchard"))

    assert found == [[(ours.id, (1, 1)), (node.id, (1, 1))]]


def test_a_finding_elsewhere_that_harms_the_namespace_stays_in():
    ours, cited = obj("Pod/orchard/cart-0"), obj("Pod/bank/ledger-0")
    findings = (finding("Pod/bank/ledger-0", (cited, 3, 4), affects=("Pod/orchard/cart-0",)),)

    found = found_in(scope(snapshot(ours, cited), "What fails?", findings=findings, namespace="orchard"))

    assert found == [[(cited.id, (3, 4))]]


def test_a_namespace_without_trouble_shows_none():
    seen = snapshot(listing("Pod", "orchard"), event("Pod/bank/ledger-0", "BackOff", "Back-off"))

    assert found_in(scope(seen, "What fails?", namespace="orchard")) == [[]]


def test_what_happened_before_the_span_of_time_is_left_out():
    old, new = (event("Pod/orchard/cart-0", "BackOff", f"{ago} s ago", ago=ago) for ago in (7200, 60))

    found = found_in(scope(snapshot(old, new), "What fails?", since=NOW - timedelta(hours=1)))

    assert found == [[(new.id, (1, 1))]]


def test_older_states_are_not_listed():
    cart = pod("cart-0", ready=False)
    told = event("Pod/orchard/cart-0", "BackOff", "Back-off")

    found = found_in(scope(snapshot(cart, told), "What fails?", document_ids=frozenset({cart.id})))

    assert found == [[(cart.id, None)]]


def test_no_more_than_the_limit_is_listed():
    flood = tuple(event(f"Pod/orchard/cart-{number}", "BackOff", "Back-off", ago=number) for number in range(50))

    (found,) = found_in(scope(snapshot(flood), "What fails?"), limit=10)

    assert found == [(one.id, (1, 1)) for one in flood[:10]]


def test_what_a_log_of_a_named_object_says_of_trouble_counts_though_it_has_no_level():
    mine = log("Pod/orchard/cart-0", "all tries failed", level="")
    others = log("Pod/orchard/web-0", "all tries failed", level="")
    calm = log("Pod/orchard/cart-0", "listening", level="")
    seen = snapshot(pod("cart-0", ready=True), pod("web-0", ready=True), mine, others, calm)

    assert found_in(scope(seen, "why?", pointed=("Pod/orchard/cart-0",))) == [[(mine.id, (1, 1))]]
    assert found_in(scope(seen, "why?")) == [[]]


def test_an_event_of_type_normal_that_tells_of_trouble_is_abnormal():
    held = event("Pod/orchard/cart-0", "BackOff", "Back-off pulling image", type="Normal")
    pulled = event("Pod/orchard/cart-0", "Pulled", "Pulled the image", type="Normal")

    assert found_in(scope(snapshot(held, pulled), "why?")) == [[(held.id, (1, 1))]]
