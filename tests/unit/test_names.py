"""Which object an Event means that leaves out its namespace, and a refusal that names only a file."""

import pytest

from kfi.models.records import REFUSED
from tests.cluster import event, obj, snapshot

POD = "Pod/orchard/cart-7d9f8b6c5-x2x4z"


def refs(*documents):
    return [str(one.ref) for one in snapshot(*documents).events]


@pytest.mark.parametrize(
    ("seen", "about", "expected"),
    [
        ([POD, "Pod/shop/mailer-0"], "Pod//cart-7d9f8b6c5-x2x4z", POD),
        (["Deployment/orchard/cart", "Pod/shop/mailer-0"], "Pod//cart-7d9f8b6c5-x2x4z", POD),
        (["StatefulSet/orchard/ledger", "Pod/shop/mailer-0"], "Pod//ledger-0", "Pod/orchard/ledger-0"),
        (["Pod/orchard/mailer-0"], "Job//tally", "Job/orchard/tally"),
        ([POD, "Pod/shop/cart-7d9f8b6c5-x2x4z"], "Pod//cart-7d9f8b6c5-x2x4z", "Pod/cart-7d9f8b6c5-x2x4z"),
        (["Pod/orchard/mailer-0", "Pod/shop/mailer-0"], "Job//tally", "Job/tally"),
        (["Pod/orchard/mailer-0"], "Node/node-a", "Node/node-a"),
        ([], "Pod//cart-0", "Pod/cart-0"),
    ],
    ids=[
        "its own",
        "its Deployment's",
        "its StatefulSet's",
        "the only one",
        "two",
        "of two",
        "a node's",
        "nothing seen",
    ],
)
def test_an_event_without_a_namespace_gets_the_only_one_it_can_have(seen, about, expected):
    assert refs(*[obj(one, status={"phase": "Running"}) for one in seen], event(about, "BackOff", "x")) == [expected]


def manifest(which, path):
    made = obj(which, applied=True, spec={})
    return made.model_copy(update={"source": made.source.model_copy(update={"path": path})})


def refusal_of(file, kind=""):
    made = event(f"{kind}//", REFUSED, "The API server said no")
    return made.model_copy(update={"payload": {**made.payload, "file": file}})


def test_a_refusal_of_a_file_is_about_the_one_object_in_it():
    cart, mailer = (
        manifest("Deployment/orchard/cart", "app/cart.yaml"),
        manifest("Service/orchard/cart", "app/cart.yaml"),
    )

    assert refs(cart, refusal_of("./cart.yaml")) == ["Deployment/orchard/cart"]
    assert refs(cart, mailer, refusal_of("cart.yaml", "Service")) == ["Service/orchard/cart"]
    assert refs(cart, mailer, refusal_of("cart.yaml")) == ["manifest cart.yaml"]
    assert refs(refusal_of("https://example.org/cart.yaml")) == ["manifest cart.yaml"]
