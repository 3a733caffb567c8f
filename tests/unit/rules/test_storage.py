"""A claim's reason is told from claim and volumes; every case has the same Event."""

from typing import Any

import pytest

from kfi.diagnosis.rules import storage
from kfi.models.records import ObjectRecord, TextForm
from kfi.models.schemas import Document, Finding
from tests.cluster import codes, event, listing, log, obj, snapshot

CLAIM = "PersistentVolumeClaim/orchard/cart-data"
POD = "Pod/orchard/cart-7d9"
BINDING = event(CLAIM, "FailedBinding", "no persistent volumes available for this claim and no storage class is set")


def claim(phase: str = "Pending", **spec: Any) -> Document:
    wants = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}, "storageClassName": ""}
    return obj(CLAIM, spec={**wants, **spec}, status={"phase": phase})


def volume(name: str = "vol-a", *, phase: str = "Available", labels: Any = None, **spec: Any) -> Document:
    offers = {"capacity": {"storage": "2Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    return obj(
        f"PersistentVolume/{name}", metadata={"labels": labels or {}}, spec={**offers, **spec}, status={"phase": phase}
    )


def user(**spec: Any) -> Document:
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "cart-data"}}]
    return obj(POD, spec={"containers": [{"name": "app"}], "volumes": volumes, **spec}, status={"phase": "Pending"})


def storage_class(name: str, provisioner: str, mode: str = "Immediate") -> Document:
    return obj(f"StorageClass/{name}", provisioner=provisioner, volumeBindingMode=mode)


def findings(*documents: Document) -> list[Finding]:
    return list(storage.check(snapshot(*documents)))


HELD = {"claimRef": {"namespace": "orchard", "name": "older-data"}}
OTHERS = volume("vol-z", phase="Bound", **HELD)


@pytest.mark.parametrize(
    ("wants", "offers", "code", "line"),
    [
        ({"accessModes": ["ReadWriteMany"]}, {}, "claim-access-mode-mismatch", "ReadWriteMany"),
        ({"accessModes": ["ReadWriteOnce", "ReadOnlyMany"]}, {}, "claim-access-mode-mismatch", "ReadWriteOnce"),
        ({"resources": {"requests": {"storage": "3Gi"}}}, {}, "claim-capacity-mismatch", "3Gi"),
        ({"selector": {"matchLabels": {"tier": "db"}}}, {"labels": {"tier": "web"}}, "claim-selector-mismatch", "db"),
        ({"volumeMode": "Block"}, {}, "claim-volume-mode-mismatch", "Block"),
        ({"storageClassName": "fast"}, {}, "claim-storage-class-missing", "fast"),
        ({}, {"storageClassName": "slow"}, "claim-storage-class-missing", "storageClassName"),
        ({}, {"phase": "Bound", **HELD}, "claim-volume-taken", "older-data"),
        ({}, {"phase": "Released", **HELD}, "claim-volume-taken", "older-data"),
    ],
)
def test_the_one_field_in_which_the_nearest_volume_fails_is_the_reason(
    wants: dict[str, Any], offers: dict[str, Any], code: str, line: str
):
    found = findings(claim(**wants), volume(**offers), user(), BINDING)

    assert [(f.code, str(f.ref), [str(r) for r in f.affects]) for f in found] == [(code, CLAIM, [POD])]
    assert any(line in citation.text for citation in found[0].evidence)


def test_access_modes_are_the_same_in_short_and_in_full():
    small = volume(accessModes=["RWO"], capacity={"storage": "1Gi"})

    assert codes(storage, claim(), small, user(), BINDING) == [("claim-capacity-mismatch", CLAIM)]


def test_volumes_of_others_are_no_reason_while_a_free_one_nearly_fits():
    free = volume(capacity={"storage": "1Gi"})

    assert codes(storage, claim(), OTHERS, volume("vol-y", phase="Released", **HELD), free, user(), BINDING) == [
        ("claim-capacity-mismatch", CLAIM)
    ]


def test_a_selected_volume_that_is_taken_is_the_reason_whatever_else_is_free():
    taken = volume(labels={"tier": "db"}, phase="Bound", **HELD)
    wants = claim(selector={"matchLabels": {"tier": "db"}})

    assert codes(storage, wants, taken, volume("vol-b"), user(), BINDING) == [("claim-volume-taken", CLAIM)]


def test_a_claim_that_names_a_taken_volume_waits_for_it_whatever_its_class_provides():
    wants = claim(storageClassName="fast", volumeName="vol-a")
    held = volume(storageClassName="fast", phase="Bound", **HELD)
    fast = obj("StorageClass/fast", provisioner="csi.orchard.example", volumeBindingMode="Immediate")

    assert codes(storage, wants, held, fast, user(), BINDING) == [("claim-volume-taken", CLAIM)]
    assert codes(storage, claim(storageClassName="fast"), held, fast, user(), BINDING) == [("claim-unbound", CLAIM)]


def test_the_volume_that_a_claim_names_is_the_only_one_that_counts():
    named = volume("vol-b", accessModes=["ReadOnlyMany"])

    assert codes(storage, claim(volumeName="vol-b"), volume(), named, user(), BINDING) == [
        ("claim-access-mode-mismatch", CLAIM)
    ]


def test_a_class_that_does_not_exist_is_told_by_the_event():
    missing = event(CLAIM, "ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found')

    found = findings(claim(storageClassName="fast"), volume(), user(), missing)

    assert [(f.code, str(f.ref)) for f in found] == [("claim-storage-class-missing", CLAIM)]
    assert "not found" in found[0].evidence[0].text


def test_a_volume_of_a_class_without_object_still_counts():
    missing = event(CLAIM, "ProvisioningFailed", 'storageclass.storage.k8s.io "manual" not found')
    small = volume(storageClassName="manual", capacity={"storage": "1Gi"})

    assert codes(storage, claim(storageClassName="manual"), small, user(), missing) == [
        ("claim-capacity-mismatch", CLAIM)
    ]


def test_a_provisioner_that_fails_says_why():
    failed = event(CLAIM, "ProvisioningFailed", "rpc error: code = ResourceExhausted desc = out of disks")
    made = storage_class("fast", "disks.example.com")

    found = findings(claim(storageClassName="fast"), made, user(), failed)

    assert [(f.code, str(f.ref)) for f in found] == [("provisioning-failed", CLAIM)]
    assert "out of disks" in found[0].message


def test_waiting_for_the_first_consumer_is_normal_until_a_pod_waits_for_it():
    waits = storage_class("local", "kubernetes.io/no-provisioner", "WaitForFirstConsumer")
    wants, words = claim(storageClassName="local"), "0/3 nodes are available: 3 {}."
    other = event(POD, "FailedScheduling", words.format("Insufficient cpu"))
    unbound = event(POD, "FailedScheduling", words.format("node(s) didn't find available persistent volumes to bind"))

    assert codes(storage, wants, waits) == []
    assert codes(storage, wants, waits, user(), other) == []
    assert codes(
        storage, wants, waits, volume(storageClassName="local", capacity={"storage": "1Gi"}), user(), unbound
    ) == [("claim-capacity-mismatch", CLAIM)]


def test_a_claim_for_which_there_is_no_volume_at_all_is_unbound():
    assert codes(storage, claim(), user(), BINDING) == [("claim-unbound", CLAIM)]


def test_a_waiting_claim_that_nobody_uses_is_a_leftover():
    found = findings(claim(), volume(capacity={"storage": "1Gi"}), BINDING)

    assert [(f.code, f.strength <= 0.3) for f in found] == [("claim-capacity-mismatch", True)]


def test_a_bound_claim_is_no_trouble_whatever_its_events_say():
    assert codes(storage, claim("Bound", volumeName="vol-a"), volume(phase="Bound"), user(), BINDING) == []


def test_a_claim_whose_volume_was_deleted_is_lost():
    assert codes(storage, claim("Lost", volumeName="vol-a"), listing("PersistentVolume", "", "vol-b")) == [
        ("claim-lost", CLAIM)
    ]


def test_a_claim_that_the_scheduler_misses_is_not_there():
    words = 'persistentvolumeclaim "cart-data" not found'
    missed = event(POD, "FailedScheduling", f"0/3 nodes are available: {words}.")

    found = findings(user(), missed)

    assert [(f.code, str(f.ref), [str(r) for r in f.affects]) for f in found] == [("claim-missing", CLAIM, [POD])]
    assert words in found[0].evidence[0].text
    assert codes(storage, user(nodeName="node-a"), missed) == []


def test_a_claim_that_was_created_since_is_not_missing():
    missed = event(POD, "FailedScheduling", '0/3 nodes are available: persistentvolumeclaim "cart-data" not found.')

    assert codes(storage, claim("Bound"), user(), missed) == []


def starting(**status: Any) -> Document:
    containers = [{"name": "app", "state": {"waiting": {"reason": "ContainerCreating"}}}]
    return user(nodeName="node-a").model_copy(
        update={
            "payload": obj(
                POD,
                spec={"nodeName": "node-a", "containers": [{"name": "app"}]},
                status={"phase": "Pending", "containerStatuses": containers, **status},
            ).payload
        }
    )


ATTACH = event(
    POD, "FailedAttachVolume", "Multi-Attach error for volume vol-a Volume is already used by pod(s) cart-5c"
)


def test_a_disk_that_is_attached_elsewhere_keeps_a_starting_pod():
    assert codes(storage, starting(), ATTACH) == [("volume-multi-attach", POD)]


def test_a_disk_that_was_attached_since_is_history():
    attached = event(POD, "SuccessfulAttachVolume", "AttachVolume.Attach succeeded", type="Normal", ago=5)

    assert codes(storage, starting(), ATTACH, attached) == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ('SetUp failed for volume "data" : hostPath type check failed: /srv is not a directory', "volume-mount-failed"),
        ("MountDevice failed: driver name disks.example.com not found in the list", "volume-mount-failed"),
        ('SetUp failed for volume "data" : mount failed: access denied by server', "volume-permission-denied"),
        ("Unable to attach or mount volumes: unmounted volumes=[data], timed out", "volume-mount-failed"),
        ('SetUp failed for volume "conf" : configmap "cart" not found', None),
        ('SetUp failed for volume "kube-api-access-x" : failed to sync configmap cache', None),
        ("Unable to attach or mount volumes: unmounted volumes=[kube-api-access-x], timed out", None),
    ],
)
def test_a_mount_that_fails_is_the_volumes_trouble_unless_it_is_the_configurations(words: str, expected: str | None):
    assert codes(storage, starting(), event(POD, "FailedMount", words)) == ([(expected, POD)] if expected else [])


def mounting(*, ready: bool = False, path: str = "/data", **mount: Any) -> Document:
    container = {"name": "app", "volumeMounts": [{"name": "data", "mountPath": path, **mount}]}
    volumes = [{"name": "data", "hostPath": {"path": "/srv/orchard"}}]
    conditions = [{"type": "Ready", "status": str(ready)}]
    spec = {"nodeName": "node-a", "securityContext": {"fsGroup": 999}, "containers": [container], "volumes": volumes}
    return obj(POD, spec=spec, status={"phase": "Running", "conditions": conditions})


@pytest.mark.parametrize(
    "line",
    [
        "open /data/cart.db: permission denied",
        "mkdir: cannot create directory '/data/cache': Read-only file system",
        "java.nio.file.AccessDeniedException: /data/index",
        "can't open the snapshot file for writing: Permission denied",
    ],
)
def test_a_refused_path_on_a_volume_is_the_volumes_trouble(line: str):
    found = findings(mounting(), log(POD, line))

    assert [(f.code, str(f.ref)) for f in found] == [("volume-permission-denied", POD)]
    assert line in found[0].evidence[0].text
    assert any("/srv/orchard" in citation.text for citation in found[0].evidence)
    assert any("fsGroup" in citation.text for citation in found[0].evidence)


@pytest.mark.parametrize(
    "line",
    [
        "listen tcp :80: bind: permission denied",
        "ERROR: permission denied for table carts",
        "open /etc/cart/cart.conf: permission denied",
        "open /database/cart.db: permission denied",
        "git@host: Permission denied (publickey)",
    ],
)
def test_other_refusals_are_not_the_volumes(line: str):
    assert codes(storage, mounting(), log(POD, line)) == []


def test_a_refusal_that_names_no_path_is_nothing_while_the_pod_is_well():
    line = "can't open the snapshot file for writing: Permission denied"

    assert codes(storage, mounting(ready=True), log(POD, line)) == []


REFUSED = 'failed to provision volume with StorageClass "fast": rpc error: code = Internal desc = UnauthorizedOperation'


def test_a_provisioner_that_refuses_is_at_fault_though_its_class_was_not_given():
    found = findings(claim(storageClassName="fast"), user(), event(CLAIM, "ProvisioningFailed", REFUSED))

    assert [(f.code, str(f.ref)) for f in found] == [("provisioning-failed", CLAIM)]
    assert "UnauthorizedOperation" in found[0].evidence[0].text


@pytest.mark.parametrize(
    ("reason", "words", "code"),
    [
        (
            "FailedBinding",
            "no persistent volumes available for this claim and no storage class is set",
            "claim-unbound",
        ),
        ("ProvisioningFailed", REFUSED, "provisioning-failed"),
        ("ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found', "claim-storage-class-missing"),
    ],
)
def test_a_claim_of_which_only_events_are_known_is_what_the_stateful_sets_pod_waits_for(reason, words, code):
    own = "PersistentVolumeClaim/orchard/data-cart-0"
    waits = event("Pod/orchard/cart-0", "FailedScheduling", "pod has unbound immediate PersistentVolumeClaims")

    found = [f for f in findings(event(own, reason, words), waits) if f.code != "unbound-claim"]

    assert [(f.code, str(f.ref), [str(r) for r in f.affects]) for f in found] == [(code, own, ["Pod/orchard/cart-0"])]


def test_a_claim_that_only_events_name_and_that_was_bound_since_is_well():
    bound = event(CLAIM, "ProvisioningSucceeded", "Successfully provisioned volume", type="Normal", ago=5)

    assert codes(storage, event(CLAIM, "ProvisioningFailed", REFUSED), bound) == []


def row(which: str, **status: Any) -> Document:
    """A Pod or claim as a table shows it."""
    made = obj(which, status=status)
    record = ObjectRecord(form=TextForm.TABLE, fields=made.payload["fields"], header="NAME READY STATUS")
    return made.model_copy(update={"payload": record.model_dump(mode="json")})


def waits(name: str) -> Document:
    return row(f"Pod/orchard/{name}", phase="Pending", summary="Pending", readyContainers=0, totalContainers=1)


PENDING = {"phase": "Pending"}


@pytest.mark.parametrize(
    ("claims", "pods", "users"),
    [
        (["data-ledger-0"], ["ledger-0", "cart-7d9f8c6b5-x2x4z"], ["Pod/orchard/ledger-0"]),
        (["cart-data"], ["cart-7d9f8c6b5-x2x4z", "mailer-6c5d4b7f9-kk2lp"], ["Pod/orchard/cart-7d9f8c6b5-x2x4z"]),
        (["scratch"], ["cart-7d9f8c6b5-x2x4z"], ["Pod/orchard/cart-7d9f8c6b5-x2x4z"]),
        (["scratch"], ["cart-7d9f8c6b5-x2x4z", "mailer-6c5d4b7f9-kk2lp"], []),
        (["scratch", "spare"], ["cart-7d9f8c6b5-x2x4z"], []),
    ],
    ids=["a StatefulSet's", "its name's", "the only ones", "two that wait", "two claims"],
)
def test_of_table_rows_names_and_states_tell_who_waits_for_a_claim(claims, pods, users):
    found = findings(*(row(f"PersistentVolumeClaim/orchard/{name}", **PENDING) for name in claims), *map(waits, pods))

    assert [f.code for f in found] == ["claim-unbound"] * len(claims)
    assert [str(ref) for ref in found[0].affects] == users
    assert (found[0].strength > 0.3) is bool(users)


def test_a_pod_that_runs_or_whose_volumes_are_known_waits_for_no_claim():
    waiting = row("PersistentVolumeClaim/orchard/scratch", **PENDING)
    runs = row("Pod/orchard/cart-0", phase="Running", summary="Running", readyContainers=1, totalContainers=1)
    known = obj("Pod/orchard/cart-0", spec={"containers": [{"name": "app"}]}, status={"phase": "Pending"})

    assert [f.strength for other in (runs, known) for f in findings(waiting, other)] == [0.3, 0.3]
