"""Trees of objects: what each row shows, and who owns whom."""

from kfi.models.schemas import DocumentKind
from kfi.snapshot.pod import Pod
from kfi.snapshot.resources import Workload
from tests.cluster import snapshot
from tests.unit.test_kubectl_loader import load

LINEAGE = """\
NAMESPACE   NAME                                     READY   STATUS             AGE
orchard     Deployment/cart                          0/1                        30d
orchard     └── ReplicaSet/cart-7d9f8b6c5            0/1                        30d
orchard         ├── Pod/cart-7d9f8b6c5-x2x4z         0/1     CrashLoopBackOff   30d
orchard         │   └── ConfigMap/cart-settings      -                          30d
orchard         └── Pod/cart-7d9f8b6c5-q9q9q         1/1     Running            30d
orchard     Service/cart                             -                          30d
"""
TREE = """\
NAMESPACE  NAME                                 READY  REASON              AGE
orchard    Deployment/cart                      -                          30d
orchard    └─ReplicaSet/cart-7d9f8b6c5          -                          30d
orchard      ├─Pod/cart-7d9f8b6c5-x2x4z         False  ContainersNotReady  30d
orchard      └─Pod/cart-7d9f8b6c5-q9q9q         True                       30d
"""
POD = "Pod/orchard/cart-7d9f8b6c5-"


def owners(text):
    seen = snapshot(load(text, "tree.txt"))
    return {str(ref): [o.name for o in one.metadata.owner_references] for ref, one in seen.objects.items()}


def test_the_rows_of_a_tree_are_objects_and_its_branches_are_owners():
    assert owners(LINEAGE) == {
        "Deployment/orchard/cart": [],
        "ReplicaSet/orchard/cart-7d9f8b6c5": ["cart"],
        f"{POD}x2x4z": ["cart-7d9f8b6c5"],
        "ConfigMap/orchard/cart-settings": [],
        f"{POD}q9q9q": ["cart-7d9f8b6c5"],
        "Service/orchard/cart": [],
    }


def test_the_states_of_a_tree_are_those_of_a_table():
    seen = snapshot(load(LINEAGE, "tree.txt"))

    assert {pod.name[-5:]: (pod.status.summary, pod.ready) for pod in seen.of(Pod)} == {
        "x2x4z": ("CrashLoopBackOff", False), "q9q9q": ("Running", True)
    }  # fmt: skip
    assert [(w.desired, w.ready_count) for w in seen.of(Workload, "Deployment")] == [(1, 0)]


def test_kubectl_tree_says_whether_a_pod_is_ready():
    seen = snapshot(load(TREE, "tree.txt"))

    assert {pod.name[-5:]: pod.ready for pod in seen.of(Pod)} == {"x2x4z": False, "q9q9q": True}
    assert owners(TREE)[f"{POD}q9q9q"] == ["cart-7d9f8b6c5"]


def test_a_tree_is_no_complete_list_and_each_object_keeps_its_line():
    documents = load(LINEAGE, "tree.txt")

    assert {document.kind for document in documents} == {DocumentKind.OBJECT}
    assert [(d.source.first_line, d.text) for d in documents] == list(enumerate(LINEAGE.splitlines()[1:], 2))
