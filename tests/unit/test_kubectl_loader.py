from datetime import UTC, datetime, timedelta

import pytest

from kfi.errors import SourceError
from kfi.ingestion.base import SourceText
from kfi.ingestion.kubectl_commands import hints_of_command, hints_of_path, sections
from kfi.ingestion.kubectl_loader import KubectlTextLoader
from kfi.models.records import ListingRecord, ObjectRecord, TextForm
from kfi.models.schemas import DocumentKind, ObjectRef, Severity, Skipped, Source

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
PODS = """\
NAME       READY   STATUS             RESTARTS     AGE
cart-7d9   0/1     CrashLoopBackOff   5 (3m ago)   12m
redis-0    1/1     Running            0            5d
"""
DESCRIBED = """\
Name:         cart-data
Namespace:    orchard
StorageClass: fast
Status:       Pending
Volume:
Labels:       <none>
Used By:      cart-7d9
Events:
  Type     Reason              Age   From                         Message
  ----     ------              ----  ----                         -------
  Warning  ProvisioningFailed  3m    persistentvolume-controller  storageclass "fast" not found
"""


def source(text, path="get/pods.orchard.txt", **changes):
    lines = text.removesuffix("\n").split("\n")
    return SourceText(path=path, lines=lambda: iter(lines), observed_at=NOW, cluster="c1", **changes)


def load(text, path="get/pods.orchard.txt", **changes):
    return list(KubectlTextLoader().load(source(text, path, **changes)))


def only(documents, kind):
    return [document for document in documents if document.kind is kind]


def listings(text, path):
    return [ListingRecord.model_validate(d.payload) for d in only(load(text, path), DocumentKind.LISTING)]


def test_a_row_becomes_an_object_with_its_line_and_its_card():
    cart, redis, _ = load(PODS)

    assert cart.ref == ObjectRef(cluster="c1", kind="Pod", namespace="orchard", name="cart-7d9")
    assert cart.source == Source(path="get/pods.orchard.txt", first_line=2, last_line=2)
    assert cart.text == PODS.splitlines()[1]
    assert cart.card == "Pod orchard/cart-7d9: CrashLoopBackOff, 0/1 ready, 5 restarts"
    assert (cart.severity, redis.severity) == (Severity.ERROR, Severity.NORMAL)
    record = ObjectRecord.model_validate(cart.payload)
    assert (record.form, record.header, record.applied) == (TextForm.TABLE, PODS.splitlines()[0], False)


def test_the_same_state_has_the_same_id_at_whatever_age():
    older = PODS.replace("12m", "15m")
    worse = PODS.replace("5 (3m ago)", "6 (3m ago)")
    first, later, changed = (load(text)[0] for text in (PODS, older, worse))

    assert first.id == later.id
    assert first.identity == changed.identity
    assert first.id != changed.id


def test_a_table_is_a_complete_list_of_its_scope():
    assert listings(PODS, "get/pods.orchard.txt") == [
        ListingRecord(kind="Pod", namespace="orchard", names=("cart-7d9", "redis-0"))
    ]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("pods.txt", id="the namespace is not known"),
        pytest.param("failing-pods.orchard.txt", id="the name says that rows were taken away"),
    ],
)
def test_a_table_of_an_unknown_scope_is_no_list(path):
    assert listings(PODS, path) == []


@pytest.mark.parametrize("options", ["-l app=cart", "cart-7d9 redis-0", "| grep -v Completed", "--field-selector=a=b"])
def test_a_filtered_table_is_no_list(options):
    assert listings(f"$ kubectl get pods -n orchard {options}\n{PODS}", "ticket.txt") == []


def test_one_row_that_the_file_is_named_after_is_no_list():
    row = "NAME       READY   STATUS    RESTARTS   AGE\ncart-7d9   1/1     Running   0          5d"

    assert listings(row, "pod-cart-7d9.orchard.txt") == []


def test_a_list_of_all_namespaces_names_them():
    text = (
        "NAMESPACE   NAME      READY   STATUS    RESTARTS   AGE\norchard     redis-0   1/1     Running   0          5d"
    )

    assert listings(text, "pods-all.txt") == [ListingRecord(kind="Pod", names=("orchard/redis-0",))]


def test_cluster_scoped_kinds_have_no_namespace():
    text = "NAME     STATUS   ROLES    AGE   VERSION\nnode-a   Ready    <none>   5d    v1.31.2"

    node, listing = load(text, "get/nodes.orchard.txt")

    assert node.ref == ObjectRef(cluster="c1", kind="Node", name="node-a")
    assert listing.payload["namespace"] == ""


def test_nothing_found_is_a_list_without_names():
    assert listings("No resources found in orchard namespace.", "pvc.txt") == [
        ListingRecord(kind="PersistentVolumeClaim", namespace="orchard")
    ]


def test_describe_text_gives_the_object_and_its_events():
    claim, event = load(DESCRIBED, "describe/persistentvolumeclaims.orchard.txt")

    assert claim.ref == ObjectRef(cluster="c1", kind="PersistentVolumeClaim", namespace="orchard", name="cart-data")
    assert claim.payload["form"] == "describe"
    assert claim.severity is Severity.WARNING
    assert (event.kind, event.ref, event.source.first_line) == (DocumentKind.EVENT, claim.ref, 11)


def test_a_transcript_is_cut_at_its_commands_and_each_output_goes_to_its_reader():
    text = f"""\
Tue Mar  5
ops@jump:~$ kubectl get po -n orchard
{PODS}
ops@jump:~$ kubectl -n orchard describe pvc cart-data
{DESCRIBED}
ops@jump:~$ kubectl get events -n orchard
LAST SEEN   TYPE      REASON    OBJECT         MESSAGE
3m          Warning   BackOff   pod/cart-7d9   Back-off restarting failed container
ops@jump:~$ kubectl logs cart-7d9 -c app -n orchard -p
2026-03-05T11:58:00Z ERROR cannot reach redis:6379
ops@jump:~$ kubectl get cm settings -n orchard -o yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: orchard
ops@jump:~$ nc -zv -w 3 redis.orchard 6379
nc: connect to redis.orchard port 6379 (tcp) failed: Connection refused
ops@jump:~$ systemctl status kubelet
     Active: inactive (dead)
ops@jump:~$ kubectl get secrets -n orchard
Error from server (Forbidden): secrets is forbidden
ops@jump:~$ date
Tue Mar  5
"""
    given = source(text, "ticket.txt")

    documents = list(KubectlTextLoader().load(given))

    assert [(d.kind.value, str(d.ref)) for d in documents] == [
        ("object", "Pod/orchard/cart-7d9"),
        ("object", "Pod/orchard/redis-0"),
        ("listing", "Pod/orchard"),
        ("object", "PersistentVolumeClaim/orchard/cart-data"),
        ("event", "PersistentVolumeClaim/orchard/cart-data"),
        ("event", "Pod/orchard/cart-7d9"),
        ("log", "Pod/orchard/cart-7d9[app]"),
        ("object", "ConfigMap/orchard/settings"),
        ("check", "Service/orchard/redis"),
        ("node_service", "Node"),
    ]
    lines = text.splitlines()
    for document in only(documents, DocumentKind.OBJECT):
        place = document.source
        assert document.text == "\n".join(lines[place.first_line - 1 : place.last_line])
    assert given.skipped == [
        Skipped(
            path="ticket.txt", reason="kubectl answered: Error from server (Forbidden): secrets is forbidden", line=36
        ),
        Skipped(path="ticket.txt", reason="output of 'ops@jump:~$ date' is not read here", line=38),
    ]


def test_a_script_inside_of_what_is_shown_does_not_cut_it():
    text = "$ kubectl describe cm tidy\nName:  tidy\nData\n====\nrun.sh:\n----\nkubectl get pods\n"

    found = sections(text.splitlines())

    assert [(section.first_line, section.command) for section in found] == [(2, "$ kubectl describe cm tidy")]


def test_the_last_state_of_a_watch_is_the_newest():
    text = """\
NAME   READY   STATUS    RESTARTS   AGE
cart   0/1     Pending   0          0s
cart   1/1     Running   0          9s
"""

    pending, running = load(text)

    assert pending.identity == running.identity
    assert running.observed_at - pending.observed_at == timedelta(microseconds=1)


def test_secrets_are_masked_in_fields_and_in_text():
    def mask(fields, text):
        return {**fields, "type": "***"}, text.replace("hunter2", "***")

    text = "NAME   TYPE      DATA   AGE\ndb     hunter2   1      5d"

    secret = load(text, "secrets.orchard.txt", redact_object=mask)[0]

    assert "hunter2" not in secret.model_dump_json()


@pytest.mark.parametrize(
    "text",
    [
        "import\n├── data\n└── tests",
        "just words\nand more",
        "{}",
    ],
)
def test_what_is_neither_a_table_nor_describe_text_is_refused(text):
    with pytest.raises(SourceError, match="not a kubectl table or describe text"):
        load(text)


def test_an_empty_file_and_an_error_are_reported_not_refused():
    empty, failed = source(""), source("error: You must be logged in to the server (Unauthorized)")

    assert list(KubectlTextLoader().load(empty)) == list(KubectlTextLoader().load(failed)) == []
    assert [skipped.reason for skipped in empty.skipped] == ["empty"]
    assert "Unauthorized" in failed.skipped[0].reason


def test_a_table_of_an_unknown_kind_is_reported():
    given = source(f"{PODS}\nNAME   FLAVOUR\nx      sweet", "ticket.txt")

    documents = list(KubectlTextLoader().load(given))

    assert len(documents) == 2
    assert [skipped.line for skipped in given.skipped] == [5]


@pytest.mark.parametrize(
    ("command", "kind", "namespace", "names"),
    [
        ("$ kubectl get pods -n orchard", "Pod", "orchard", ()),
        ("+ kubectl --context=c1 -n=orchard get deploy/cart", "Deployment", "orchard", ("cart",)),
        ("[root@node-a ~]# kubectl describe no node-b", "Node", "", ("node-b",)),
        ("PS C:\\> kubectl.exe get pods,svc --namespace orchard", "", "orchard", ()),
        ("=== oc get ing -norchard ===", "Ingress", "orchard", ()),
        ("$ kubectl logs -n orchard deploy/cart --tail 20", "Deployment", "orchard", ("cart",)),
        ("$ kubectl get pods -n 'orchard", "Pod", "'orchard", ()),
    ],
)
def test_a_command_says_what_it_shows(command, kind, namespace, names):
    hints = hints_of_command(command)

    assert (hints.kind, hints.namespace, hints.names) == (kind, namespace, names)


@pytest.mark.parametrize(
    ("path", "kind", "namespace"),
    [
        ("get/pods.orchard.wide.txt", "Pod", "orchard"),
        ("bundle.tar.gz!get/svc.orchard.labels.txt", "Service", "orchard"),
        ("describe-nodes.txt", "Node", ""),
        ("get_po_wide.txt", "Pod", ""),
        ("services.yaml.txt", "Service", ""),
        ("namespaces.cluster.txt", "Namespace", ""),
        ("pv.orchard.txt", "PersistentVolume", ""),
        ("notes.orchard.txt", "", ""),
    ],
)
def test_a_file_name_says_what_it_holds(path, kind, namespace):
    hints = hints_of_path(path)

    assert (hints.kind, hints.namespace) == (kind, namespace)


def test_what_is_known_of_the_namespace_wins_over_the_file_name():
    assert hints_of_path("pods.basket.txt", "orchard").namespace == "orchard"
