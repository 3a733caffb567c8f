"""What a source holds and what of it was not read is counted, with places, and never guessed."""

import json
import zipfile
from pathlib import Path

import pytest

from kfi.cli.app import run
from kfi.config import Settings
from kfi.ingestion.coverage import missing_evidence
from kfi.ingestion.inspection import grouped, inspect
from kfi.ingestion.pipeline import ingest
from kfi.ledger.ledger import Ledger
from kfi.models.reading import LogLines, SourceReport, Unread
from kfi.models.records import TextForm
from kfi.models.schemas import Skipped
from kfi.snapshot.unread import unread_columns, unread_sections
from tests.cluster import obj, snapshot
from tests.test_golden import SAMPLE

DESCRIBED = """\
Name:             cart-0
Namespace:        orchard
Labels:           app=cart
Node:             node-a/10.0.0.4
Status:           Running
Moon Phase:       waxing
IP:               10.1.0.7
Containers:
  cart:
    Image:       registry.example/cart:1.19.2
    Port:        7070/TCP
    Host Port:   0/TCP
    State:       Running
    Orbit:       low
    Ready:       True
Tides:
  High:  noon
  Low:   dusk
Quiet:   <none>
"""


def inspected(*paths: Path) -> SourceReport:
    with Ledger.throw_away() as ledger:
        report = ingest([str(path) for path in paths], ledger=ledger, settings=Settings())
        return inspect(ledger.documents(), report)


def doctor(capsys, *arguments: str) -> tuple[int, str, str]:
    code = run(["doctor", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture(autouse=True)
def _own_store(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("KFI_DATA_DIR", str(tmp_path_factory.mktemp("store") / "none"))


def test_the_sample_is_counted_by_kind_and_nothing_is_left_unsaid():
    found = inspected(SAMPLE)

    assert found.sources - found.read == len({one.path for group in found.skipped for one in group.where})
    assert sum(found.documents.values()) > 300
    assert found.objects["Pod"] == 38
    assert list(found.objects.values()) == sorted(found.objects.values(), reverse=True)
    assert found.forms.keys() == {"table", "describe", "yaml", "json"}
    assert "orchard" in found.namespaces
    assert f"{found.time.as_of:%Y-%m-%d %H:%M}" == "2026-11-20 14:40"
    assert found.time.first < found.time.last <= found.time.as_of
    assert found.redactions["password"] > 0
    assert found.logs.entries > found.logs.templates > 0
    assert {group.reason: group.count for group in found.skipped}["documentation"] == 1
    assert found.unread == ()


def test_a_column_that_is_not_read_is_named_only_where_it_says_something(tmp_path):
    (tmp_path / "services.txt").write_text(
        "NAME    TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)    COLOUR   AGE\n"
        "cart    ClusterIP   10.0.0.8     <none>        7070/TCP   green    5d\n"
        "mailer  ClusterIP   10.0.0.9     <none>        25/TCP     <none>   5d\n"
    )

    (part,) = inspected(tmp_path).unread

    assert (part.kind, part.form, part.part, part.why) == ("Service", TextForm.TABLE, "COLOUR", Unread.UNKNOWN)
    assert (part.count, part.path, part.line) == (1, "services.txt", 2)


def test_a_row_with_empty_cells_is_read_below_its_header():
    header = "NAME   READY   STATUS    SHAPE   AGE"

    assert unread_columns("Pod", header, "cart   1/1     Running           5d") == ()
    assert unread_columns("Pod", header, "cart   1/1     Running   round   5d") == ("SHAPE",)


def test_sections_of_describe_that_no_field_was_read_from_are_named_with_their_line():
    found = list(unread_sections("Pod", DESCRIBED.split("\n"), first_line=101))

    assert found == [("Moon Phase", 106), ("Containers > Orbit", 114), ("Tides", 116)]


def test_a_field_of_a_wrong_type_is_told_with_its_line(tmp_path):
    (tmp_path / "pod.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: cart-0, namespace: orchard}\nspec:\n  containers: seven\n"
    )

    (part,) = inspected(tmp_path).unread

    assert (part.part, part.why, part.line) == ("spec.containers", Unread.MALFORMED, 5)


def test_log_entries_without_a_time_or_a_level_are_counted(tmp_path):
    (tmp_path / "cart.log").write_text(
        "2026-11-20T14:00:00Z ERROR the till is stuck\n2026-11-20T14:00:01Z ERROR the till is stuck\nplain words\n"
    )

    assert inspected(tmp_path).logs == LogLines(entries=3, templates=2, without_time=1, without_level=1)


def test_reasons_that_differ_in_a_number_or_a_name_are_one_group():
    lines = [Skipped(path="pods.txt", reason=f"{count} lines of a Pod table are no rows", line=3) for count in (2, 7)]
    output = Skipped(path="a.txt", reason="output of 'kubectl api-versions' is not read here")
    empty = [Skipped(path=f"{name}.log", reason="empty") for name in ("a", "b", "c")]

    groups = grouped([output, *lines, *empty])

    assert [(group.reason, group.count) for group in groups] == [
        ("empty", 3),
        ("… lines of a Pod table are no rows", 2),
        ("output of 'kubectl api-versions' is not read here", 1),
    ]
    assert groups[1].where == tuple(lines)


def test_a_file_that_says_what_another_one_says_counts_as_read(tmp_path):
    text = "2026-11-20T14:00:00Z ERROR the till is stuck\n"
    (tmp_path / "a").mkdir()
    for path in (tmp_path / "cart.log", tmp_path / "a" / "cart.log"):
        path.write_text(text)

    found = inspected(tmp_path)

    assert (found.sources, found.read) == (2, 2)


def test_kinds_that_kfi_has_no_fields_for_are_told_apart(tmp_path):
    (tmp_path / "tree.yaml").write_text("apiVersion: shop.example/v1\nkind: Tree\nmetadata: {name: plum}\n")

    found = inspected(tmp_path)

    assert found.objects == found.other_kinds == {"Tree": 1}


POD = obj("Pod/orchard/cart-0", spec={"containers": [{"name": "cart"}]}, status={"phase": "Running"})


def commands(*documents) -> list[str]:
    return [gap.command for gap in missing_evidence(snapshot(*documents))]


def test_what_a_diagnosis_would_want_is_asked_for_in_the_one_namespace_that_is_known():
    assert commands(POD) == [
        "kubectl get events -n orchard -o json",
        "kubectl logs -n NAMESPACE POD --all-containers --timestamps --tail=500",
        "kubectl get nodes -o json",
        "kubectl get deployments,replicasets,statefulsets,daemonsets,jobs,cronjobs -n orchard -o json",
        "kubectl get services,endpoints,ingresses,networkpolicies -n orchard -o json",
    ]


def test_the_log_of_a_run_that_ended_is_asked_for_by_name():
    ended = {"name": "cart", "lastState": {"terminated": {"exitCode": 1}}}
    crashed = obj("Pod/orchard/cart-0", status={"containerStatuses": [ended]})

    assert "kubectl logs -n orchard cart-0 -c cart --previous" in commands(crashed)


def test_claims_and_config_maps_are_missed_only_by_pods_that_use_them():
    volumes = [
        {"name": "data", "persistentVolumeClaim": {"claimName": "cart-data"}},
        {"name": "settings", "configMap": {"name": "cart-settings"}},
    ]
    uses = obj("Pod/orchard/cart-0", spec={"volumes": volumes})

    wanted = [command for command in commands(uses) if "persistentvolumeclaims" in command or "configmaps" in command]
    assert len(wanted) == 2
    assert not any("configmaps" in command for command in commands(uses, obj("ConfigMap/orchard/cart-settings")))


def test_manifests_alone_are_said_to_be_no_live_state():
    gaps = missing_evidence(snapshot(obj("Deployment/orchard/cart", applied=True)))

    assert gaps[0].what == "No Pod was given: only manifests, and nothing of what lives in a cluster."


def test_every_command_only_reads():
    both = [*missing_evidence(snapshot(POD)), *missing_evidence(snapshot())]

    assert {gap.command.split()[1] for gap in both} <= {"get", "logs", "describe"}


def test_doctor_says_what_a_folder_holds_and_stores_nothing(capsys, tmp_path):
    code, out, _ = doctor(capsys, "--source", str(SAMPLE))

    assert code == 0
    assert "45 of them read" in out
    assert "Not read, 5 x: not recognised" in out
    assert "kubectl get pods -A -o json" in out
    assert not list(tmp_path.rglob("*"))


def test_doctor_lists_the_first_places_and_with_all_every_one(capsys, tmp_path):
    for number in range(9):
        (tmp_path / f"note-{number}.md").write_text("# What we planted\n\nPlums and pears.\n")

    first = doctor(capsys, "--source", str(tmp_path))[1]
    every = doctor(capsys, "--source", str(tmp_path), "--all")[1]

    assert "… and 4 more; all of them with --all" in first
    assert "note-8.md" not in first
    assert "note-8.md" in every


def test_doctor_tells_machines_all_of_it_in_a_stable_form(capsys):
    code, out, _ = doctor(capsys, "--source", str(SAMPLE / "events"), "-o", "json")

    found = json.loads(out)
    assert code == 0
    assert (found["api_version"], found["kind"]) == ("kfi/v1", "SourceReport")
    assert list(found) == [
        *("api_version", "kind", "sources", "read", "documents", "objects", "forms", "other_kinds", "namespaces"),
        *("logs", "time", "redactions", "skipped", "unread", "missing"),
    ]
    assert SourceReport.model_validate(found).documents == {"event": 44}


def test_doctor_tells_machines_how_the_setup_stands(capsys):
    code, out, _ = doctor(capsys, "-o", "json")

    found = json.loads(out)
    assert (code, found["kind"], found["ready"]) == (0, "SetupReport", True)
    assert {"kfi", "store", "rules"} <= {check["name"] for check in found["checks"]}


def _bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("pods.log", b"\0" * 30_000_000)


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("empty.txt", lambda path: path.write_text(""), "empty"),
        ("noise.bin", lambda path: path.write_bytes(bytes(range(256)) * 64), "binary data"),
        ("folder", lambda path: path.mkdir(), "0 files looked at"),
        ("bomb.zip", _bomb, "times its size"),
    ],
)
def test_a_source_with_nothing_readable_in_it_has_a_code_of_its_own(capsys, tmp_path, name, make, says):
    make(tmp_path / name)

    code, out, _ = doctor(capsys, "--source", str(tmp_path / name))

    assert code == 1
    assert says in out


def test_a_path_that_is_not_there_is_one_sentence(capsys):
    code, out, err = doctor(capsys, "--source", "/no/such/plum")

    assert (code, out) == (1, "")
    assert "'/no/such/plum'" in err


def test_all_without_a_source_is_a_wrong_command_line(capsys):
    assert doctor(capsys, "--all")[0] == 2


def test_what_stands_in_a_source_steers_no_terminal(capsys, tmp_path):
    (tmp_path / "a\x1b[31m.txt").write_text("NAME   PLUM\x1b[2J   PEAR\n")

    _, out, _ = doctor(capsys, "--source", str(tmp_path), "--all")

    assert "\x1b[31m" not in out
    assert "\x1b[2J" not in out
