"""What logs say where Kubernetes shows no reason."""

from datetime import timedelta

import pytest

from kfi.diagnosis.rules import application
from kfi.models.schemas import Document, ObjectRef
from tests.cluster import NOW, codes, log, obj, snapshot


def well(name: str, ready: str = "True") -> Document:
    running = {"name": "app", "ready": ready == "True", "state": {"running": {"startedAt": "2026-11-20T09:00:00Z"}}}
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}], "containerStatuses": [running]}
    return obj(f"Pod/orchard/{name}", spec={"containers": [{"name": "app"}]}, status=status)


def findings(*documents: Document):
    return list(application.check(snapshot(*documents)))


REFUSED = "cannot connect to wms.partner.example:7443: connection refused"


def test_a_running_workload_whose_log_is_full_of_a_dependency_is_named_with_it():
    found = findings(well("stock"), log("Pod/orchard/stock", REFUSED, count=40))

    assert [(f.code, str(f.ref)) for f in found] == [("dependency-unreachable", "Pod/orchard/stock")]
    assert "wms.partner.example:7443" in found[0].message
    assert found[0].evidence


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("http://tax.partner.example/rates responded with status 503", "dependency-error"),
        ("tls: failed to verify certificate: x509: certificate has expired or is not yet valid", "certificate-expired"),
        ("write /tmp/x: no space left on device", "disk-full"),
        ("java.lang.OutOfMemoryError: Java heap space", "runtime-out-of-memory"),
    ],
)
def test_other_things_that_go_wrong_while_it_runs_are_named(line, code):
    assert codes(application, well("stock"), log("Pod/orchard/stock", line, count=9)) == [(code, "Pod/orchard/stock")]


def test_a_driver_that_the_server_refuses_needs_to_be_said_but_once():
    line = "Received: MongoServerError: Unsupported OP_QUERY command: find (server ledger-db:27017)"
    after = log("Pod/orchard/orders", "order 7 is shown", level="info", count=90)

    found = findings(well("orders"), log("Pod/orchard/orders", line, level=""), after)

    assert [f.code for f in found] == ["client-version-unsupported"]
    assert "ledger-db:27017" in found[0].message


def test_who_answers_with_errors_is_at_fault_where_it_is_known():
    service = obj("Service/orchard/pricing", spec={"selector": {"app": "pricing"}, "ports": [{"port": 80}]})
    labels = {"app": "pricing"}
    template = {"metadata": {"labels": labels}}
    callee = obj("Deployment/orchard/pricing", spec={"selector": {"matchLabels": labels}, "template": template})

    found = findings(well("cart"), service, callee, log("Pod/orchard/cart", "http://pricing/x returned 500", count=20))

    assert [(f.code, str(f.ref)) for f in found] == [("dependency-error", "Deployment/orchard/pricing")]
    assert [str(one) for one in found[0].affects] == ["Pod/orchard/cart"]


def test_a_dependency_that_works_again_is_no_trouble():
    refused = log("Pod/orchard/stock", REFUSED, count=4)
    again = log("Pod/orchard/stock", "connected to wms.partner.example:7443", level="info")
    again = again.model_copy(update={"last_time": NOW + timedelta(seconds=1)})

    assert codes(application, well("stock"), refused, again) == []


def test_errors_of_long_ago_and_information_about_errors_are_no_trouble():
    old = log("Pod/orchard/stock", REFUSED, count=40).model_copy(update={"last_time": NOW - timedelta(hours=3)})
    info = log("Pod/orchard/stock", "0 errors, connection to wms:7443 refused 0 times", level="info", count=900)

    assert codes(application, well("stock"), old, info) == []


def test_what_many_miss_and_nobody_has_was_never_installed():
    names = ("cart", "stock", "mailer")
    pods, logs = [well(name) for name in names], [log(f"Pod/orchard/{name}", REFUSED, count=40) for name in names]

    assert codes(application, *pods, *logs) == []
    assert len(codes(application, *pods, *logs[:2])) == 2


def test_a_log_full_of_errors_of_all_kinds_is_told_with_its_kinds():
    kinds = ("division by zero", "coupon 12 is used twice", "cannot parse a date")
    errors = [log("Pod/orchard/discounts", kind, count=10) for kind in kinds]

    found = findings(well("discounts"), *errors)

    assert [(f.code, f.strength) for f in found] == [("application-error", 0.3)]
    assert all(kind in found[0].message for kind in kinds)
    calm = log("Pod/orchard/discounts", "discount given", level="info", count=900)
    assert codes(application, well("discounts"), *errors, calm) == []


def test_an_unwell_workloads_own_words_are_a_lead():
    found = findings(well("stock", ready="False"), log("Pod/orchard/stock", "write /tmp/x: no space left on device"))

    assert [f.code for f in found] == ["disk-full", "application-error"]
    assert found[0].strength < 0.7


def test_a_log_of_nobody_is_a_weak_lead_and_a_calm_one_none():
    def nobodys(line: str, level: str) -> Document:
        return log("Pod/orchard/x", line, level=level).model_copy(update={"ref": ObjectRef()})

    found = findings(nobodys("tally failed: two receipts have one number", ""))

    assert [(f.code, str(f.ref)) for f in found] == [("unowned-log-error", "log app.log")]
    assert found[0].strength < 0.4
    assert findings(nobodys("tally failed never", "info")) == []


@pytest.mark.parametrize("line", ["} {", "#### attempt 0", "kind: SpreadArgs", "sync.runtime_Wait(0xc0002b1310, 0x53)"])
def test_a_fragment_of_nobodys_log_that_says_nothing_wrong_is_no_lead(line):
    fragment = log("Pod/orchard/x", line, level="", stack="  at main.go:12").model_copy(update={"ref": ObjectRef()})

    assert findings(fragment) == []


def test_a_log_and_a_manifest_are_enough_for_a_lead():
    manifest = obj(
        "Deployment/orchard/mailer", applied=True, spec={"template": {"spec": {"containers": [{"name": "app"}]}}}
    )

    found = findings(manifest, log("Deployment/orchard/mailer", "SENDER_ADDRESS must be set"))
    other = findings(manifest, log("Deployment/orchard/mailer", "the letter box is full of leaves"))

    assert [(f.code, str(f.ref)) for f in found] == [("missing-environment-variable", "Deployment/orchard/mailer")]
    assert "In the log of Deployment mailer" in found[0].message
    assert [(f.code, f.strength) for f in other] == [("application-error", 0.3)]
