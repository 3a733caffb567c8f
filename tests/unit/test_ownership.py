"""Whose a log is that says so nowhere."""

from datetime import timedelta

import pytest

from kfi.models.records import ObjectRecord, TextForm
from kfi.models.schemas import Document, ObjectRef
from tests.cluster import NOW, event, log, obj, snapshot

DOWN = {"phase": "Running", "summary": "CrashLoopBackOff", "readyContainers": 0, "totalContainers": 1}
UP = {"phase": "Running", "summary": "Running", "readyContainers": 1, "totalContainers": 1}


def rows(*pods: tuple[str, dict[str, object]], path: str = "pods.txt") -> list[Document]:
    """Pods as a table shows them."""
    return [in_file(as_row(obj(f"Pod/orchard/{name}", status=status)), path) for name, status in pods]


def as_row(document: Document) -> Document:
    record = ObjectRecord(form=TextForm.TABLE, fields=document.payload["fields"], header="NAME READY")
    return document.model_copy(update={"payload": record.model_dump(mode="json")})


def in_file(document: Document, path: str) -> Document:
    return document.model_copy(update={"source": document.source.model_copy(update={"path": path})})


def described(which: str, status: dict[str, object], path: str = "describe.txt") -> Document:
    made = obj(which, status=status)
    record = ObjectRecord(form=TextForm.DESCRIBE, fields=made.payload["fields"])
    return in_file(made.model_copy(update={"payload": record.model_dump(mode="json")}), path)


def owner(path: str, *evidence: Document, namespace: str = "") -> str:
    """Say whose the snapshot takes a log at this path to be."""
    nameless = log("Pod/orchard/x", "giving up").model_copy(update={"ref": ObjectRef(namespace=namespace)})
    (one,) = snapshot(*evidence, in_file(nameless, path)).logs
    return str(one.ref) if one.ref.name else "nobody"


SHOP = (
    *rows(
        ("cart-7d9f8c6b5-x2x4z", UP), ("cart-db-0", UP), ("mailer-6c5d4b7f9-kk2lp", UP), ("mailer-6c5d4b7f9-zz9vw", UP)
    ),
    obj("Deployment/orchard/cart"),
    obj("StatefulSet/orchard/cart-db"),
    obj("Deployment/orchard/mailer"),
)


@pytest.mark.parametrize(
    ("path", "whose"),
    [
        ("fetched_orchard_cart-7d9f8c6b5-x2x4z_-1800.txt", "Pod/orchard/cart-7d9f8c6b5-x2x4z"),
        ("a/kubectl_logs_zz9vw.txt", "Pod/orchard/mailer-6c5d4b7f9-zz9vw"),
        ("kubectl_logs_cart-db-0.txt", "Pod/orchard/cart-db-0"),
        ("logs_cart.txt", "Deployment/orchard/cart"),
        ("kubectl-logs-cart-previous.txt", "Deployment/orchard/cart"),
        ("cart-db_logs.txt", "StatefulSet/orchard/cart-db"),
        ("mailer-logs.txt", "Deployment/orchard/mailer"),
        ("cart-5f5f5f5f5-bbbbb_logs.txt", "Deployment/orchard/cart"),
        ("logs_cart-cache.txt", "nobody"),
        ("press-5f5f5f5f5-bbbbb_logs.txt", "nobody"),
        ("kubectl_logs.txt", "nobody"),
    ],
)
def test_a_file_name_may_hold_a_pods_name_or_suffix_or_a_workloads_name(path, whose):
    assert owner(path, *SHOP) == whose


def test_a_suffix_that_two_pods_share_names_neither():
    pods = rows(("cart-7d9f8c6b5-x2x4z", UP), ("mailer-6c5d4b7f9-x2x4z", UP))

    assert owner("logs_x2x4z.txt", *pods) == "nobody"


def test_of_one_name_in_two_namespaces_the_file_name_tells_which():
    here, there = obj("Deployment/orchard/cart"), obj("Deployment/orchard-test/cart")

    assert owner("logs_cart.txt", here, there) == "nobody"
    assert owner("orchard-test_cart_logs.txt", here, there) == "Deployment/orchard-test/cart"


def test_a_log_beside_the_description_of_one_pod_is_that_pods():
    pod = described("Pod/orchard/cart-7d9f8c6b5-x2x4z", UP)
    others = rows(("mailer-6c5d4b7f9-kk2lp", DOWN), ("stock-0", UP))

    assert owner("kubectl_logs.txt", pod, *others) == "Pod/orchard/cart-7d9f8c6b5-x2x4z"


def test_of_two_descriptions_the_failing_one_wrote_it_and_of_two_failing_ones_neither():
    well = described("Pod/orchard/mailer-6c5d4b7f9-kk2lp", UP, "mailer.describe.txt")
    ill = described("Pod/orchard/cart-7d9f8c6b5-x2x4z", DOWN)
    too = described("Pod/orchard/stock-0", DOWN, "stock.describe.txt")

    assert owner("output.txt", well, ill) == "Pod/orchard/cart-7d9f8c6b5-x2x4z"
    assert owner("output.txt", well, ill, too) == "nobody"


def test_pods_of_one_workload_that_fail_together_share_it():
    pods = rows(("mailer-6c5d4b7f9-kk2lp", DOWN), ("mailer-6c5d4b7f9-zz9vw", DOWN), ("stock-0", UP))

    assert owner("app.log", *pods, obj("Deployment/orchard/mailer")) == "Deployment/orchard/mailer"


def test_the_only_pod_that_ran_wrote_it():
    waits = {"phase": "Pending", "summary": "ImagePullBackOff"}
    pods = rows(("cart-7d9f8c6b5-x2x4z", UP), ("mailer-6c5d4b7f9-kk2lp", waits))

    assert owner("logs.txt", *pods) == "Pod/orchard/cart-7d9f8c6b5-x2x4z"
    assert owner("logs.txt", *pods, namespace="attic") == "nobody"


def test_a_job_of_which_only_events_name_the_pods_has_their_logs():
    job = described("Job/orchard/stocktake", {"failed": 2})
    made = event("Job/orchard/stocktake", "SuccessfulCreate", "Created pod: stocktake-mdr4x", type="Normal")
    started = event("Pod/orchard/stocktake-mdr4x", "Started", "Started container stocktake", type="Normal")

    assert owner("logs_mdr4x.txt", job, made, started) == "Pod/orchard/stocktake-mdr4x"
    assert owner("logs.txt", job, made, started) == "Job/orchard/stocktake"


def test_a_file_named_after_something_unknown_is_never_given_away():
    assert owner("press-service.log", described("Pod/orchard/cart-7d9f8c6b5-x2x4z", DOWN)) == "nobody"


def test_a_pod_that_is_being_deleted_is_not_the_failing_one():
    leaving = obj(
        "Pod/orchard/stock-0", metadata={"deletionTimestamp": (NOW - timedelta(minutes=1)).isoformat()}, status=DOWN
    )
    pods = rows(("cart-7d9f8c6b5-x2x4z", DOWN), ("mailer-6c5d4b7f9-kk2lp", UP))

    assert owner("logs.txt", in_file(leaving, "stock/pod.json"), *pods) == "Pod/orchard/cart-7d9f8c6b5-x2x4z"


def owner_by_lines(*lines: str, evidence: tuple[Document, ...] = SHOP) -> str:
    logs = [log("Pod/orchard/x", line).model_copy(update={"ref": ObjectRef()}) for line in lines]
    (whose,) = {str(one.ref) if one.ref.name else "nobody" for one in snapshot(*evidence, *[
        in_file(one, "night.txt") for one in logs
    ]).logs}  # fmt: skip
    return whose


@pytest.mark.parametrize(
    ("line", "whose"),
    [
        ('{"level":"error","service.name":"cart","msg":"giving up"}', "Deployment/orchard/cart"),
        ("level=error app=mailer msg=gone", "Deployment/orchard/mailer"),
        ("hostname: cart-7d9f8c6b5-x2x4z, pid 7", "Pod/orchard/cart-7d9f8c6b5-x2x4z"),
        ("2026-11-20 Starting cart v2.3", "Deployment/orchard/cart"),
        ("worker mailer-6c5d4b7f9-kk2lp gives up", "Pod/orchard/mailer-6c5d4b7f9-kk2lp"),
        ("dial tcp cart:8080: connection refused", "nobody"),
        ("calling service=cart failed", "nobody"),
        ("app=nothing-known", "nobody"),
    ],
)
def test_a_log_says_whose_it_is(line, whose):
    assert owner_by_lines(line) == whose


def test_a_log_that_names_two_workloads_as_its_own_is_nobody_s():
    assert owner_by_lines("app=cart up", "app=mailer up") == "nobody"
    assert owner_by_lines("pod=mailer-6c5d4b7f9-kk2lp a", "pod=mailer-6c5d4b7f9-zz9vw b") == "Deployment/orchard/mailer"
