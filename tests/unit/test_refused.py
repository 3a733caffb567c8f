"""What kubectl prints when the API server refuses an object: which object, which lines, and what is no refusal."""

import pytest

from kfi.models.records import REFUSED, EventRecord
from kfi.models.schemas import DocumentKind
from kfi.snapshot.read.refused import is_refusal, read_refusals, refused
from tests.unit.test_kubectl_loader import load, only

FORBIDDEN = 'Error from server (Forbidden): error when creating "cart.yaml": pods "cart" is forbidden: '
QUOTA = f"{FORBIDDEN}exceeded quota: team, requested: pods=1, used: pods=4, limited: pods=4"
PATCH = """\
Error from server (Forbidden): error when applying patch:
{"spec":{"replicas":2}}
to:
Resource: "apps/v1, Resource=deployments", GroupVersionKind: "apps/v1, Kind=Deployment"
Name: "cart", Namespace: "orchard"
for: "cart.yaml": error when patching "cart.yaml": deployments.apps "cart" is forbidden: User "jo" cannot patch resource
deployment.apps/mailer unchanged"""
POLICY = """\
Error from server: error when creating "web.yaml": admission webhook "check.example" denied the request: 

resource Pod/orchard/web was blocked due to the following policies

owner-label: every Pod names its owner"""


def about(text):
    one = refused(text)
    return one.kind, one.namespace, one.name, one.file


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (QUOTA, ("Pod", "", "cart", "cart.yaml")),
        (
            'Error from server (Forbidden): persistentvolumeclaims "data" is forbidden: User "jo" cannot create '
            'resource "persistentvolumeclaims" in API group "" in the namespace "orchard"',
            ("PersistentVolumeClaim", "orchard", "data", ""),
        ),
        ('The Service "cart" is invalid: spec.ports: Required value', ("Service", "", "cart", "")),
        (PATCH, ("Deployment", "orchard", "cart", "cart.yaml")),
        (POLICY, ("Pod", "orchard", "web", "web.yaml")),
        (
            'error: resource mapping not found for name: "gate" namespace: "orchard" from "gate.yaml": no matches for '
            'kind "Gateway" in version "gateway.networking.k8s.io/v1"',
            ("Gateway", "orchard", "gate", "gate.yaml"),
        ),
        (
            'error: unable to recognize "old.yaml": no matches for kind "Ingress" in version "extensions/v1beta1"',
            ("Ingress", "", "", "old.yaml"),
        ),
        (
            'error: error validating "cart.yaml": error validating data: ValidationError(Deployment.spec): unknown '
            'field "replica" in io.k8s.api.apps.v1.DeploymentSpec; if you choose to ignore these errors, turn',
            ("Deployment", "", "", "cart.yaml"),
        ),
        (
            'Error from server (BadRequest): error when creating "cart.yaml": Deployment in version "v1" cannot be '
            'handled as a Deployment: strict decoding error: unknown field "spec.replica"',
            ("Deployment", "", "", "cart.yaml"),
        ),
        (
            'Error from server (NotFound): error when creating "cart.yaml": namespaces "shop" not found',
            ("", "shop", "", "cart.yaml"),
        ),
    ],
)  # fmt: skip
def test_a_refusal_names_its_object(text, expected):
    assert is_refusal(text.split("\n")[0])
    assert about(text) == expected


@pytest.mark.parametrize(
    "line",
    [
        'Error from server (NotFound): pods "cart" not found',
        'Error from server (Forbidden): pods is forbidden: User "jo" cannot list resource "pods" in API group ""',
        "The cart is invalid: nobody knows why",
        'error: the server doesn\'t have a resource type "carts"',
        "Error: connect ECONNREFUSED 10.0.0.1:5432",
        "deployment.apps/cart configured",
    ],
)
def test_what_is_said_to_a_question_is_no_refusal(line):
    assert not is_refusal(line)


def test_the_lines_below_belong_to_a_refusal_until_something_else_is_printed():
    text = (
        f'{PATCH}\n{QUOTA}\nIs that normal?\n{POLICY}\n$ date\nFri Nov 20\nThe Job "tally" is invalid:\n* a: b\n* c: d'
    )

    found = [(one.first_line, one.last_line) for one in read_refusals(text.split("\n"), 11)]

    assert found == [(11, 16), (18, 18), (20, 24), (27, 29)]


def test_a_pasted_refusal_becomes_a_warning_about_its_object():
    (document,) = load(QUOTA, "pasted.txt", namespace="orchard")

    record = EventRecord.model_validate(document.payload)
    assert (document.kind, str(document.ref), record.reason) == (DocumentKind.EVENT, "Pod/orchard/cart", REFUSED)
    assert (record.messages[0].text, record.file, document.source.first_line) == (QUOTA, "cart.yaml", 1)


def test_a_command_says_what_its_refusal_leaves_out():
    text = (
        "$ kubectl create deployment cart --image=cart:8 -n orchard\n"
        'error: failed to create deployment: namespaces "orchard" not found\n'
        "$ kubectl -n orchard apply -f mailer.yaml\n"
        'The Service "mailer" is invalid: spec.ports: Required value\n'
        "$ kubectl get pods -n orchard\n"
        "NAME       READY   STATUS    RESTARTS   AGE\n"
        "cart-7d9   1/1     Running   0          12m\n"
    )

    documents = load(text, "session.txt")

    assert [str(d.ref) for d in only(documents, DocumentKind.EVENT)] == [
        "Deployment/orchard/cart", "Service/orchard/mailer"
    ]  # fmt: skip
    assert [str(d.ref) for d in only(documents, DocumentKind.OBJECT)] == ["Pod/orchard/cart-7d9"]


def test_a_refusal_quoted_by_a_described_object_is_none():
    text = (
        f"Name:  notes\nNamespace:  orchard\nLabels:  <none>\n\nData\n====\nhelp:\n----\n{QUOTA}\n\nEvents:  <none>\n"
    )

    assert only(load(text, "describe.txt"), DocumentKind.EVENT) == []
