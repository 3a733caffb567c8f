"""The command line as a person types it: what is printed, where, and with which exit code."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.ollama_standin import OllamaStandIn, refused_url
from tests.waiting import PATIENCE_S, wait_until

SAMPLE = Path(__file__).parents[1] / "data" / "sample" / "orchard"
BIN = Path(sys.executable).parent


@pytest.fixture
def kfi(tmp_path: Path):
    def run(*arguments: str, stdin: str | bytes = b"", program: tuple[str, ...] = (str(BIN / "kfi"),)):
        data = stdin.encode() if isinstance(stdin, str) else stdin
        env = {
            **os.environ,
            "KFI_DATA_DIR": str(tmp_path / "store"),
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "COLUMNS": "100",
            # The rules see everything at once; what is indexed matters to few of these tests.
            "KFI_INDEX_AFTER_INGEST_S": "3",
        }
        done = subprocess.run([*program, *arguments], input=data, capture_output=True, env=env, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return run


def test_the_demo_names_the_cause_and_cites_lines(kfi):
    code, out, _ = kfi("demo")

    assert code == 0
    assert "checkout" in out
    assert "E1" in out
    assert "What to do" in out


def test_a_question_about_a_bundle_is_answered_without_a_store(kfi, tmp_path):
    code, out, _ = kfi("diagnose", "why is recommender restarting?", "--from", str(SAMPLE), "-o", "json")

    answer = json.loads(out)
    assert code == 0
    assert answer["api_version"] == "kfi/v1"
    assert answer["root_causes"][0]["code"] == "oom-killed"
    assert answer["reasoning_model_used"] == "rules"
    assert not (tmp_path / "store").exists()


def test_yaml_output_says_the_same_as_json(kfi):
    arguments = ("diagnose", "--from", str(SAMPLE / "incidents" / "scheduling"), "-o")

    as_json, as_yaml = json.loads(kfi(*arguments, "json")[1]), yaml.safe_load(kfi(*arguments, "yaml")[1])

    as_json.pop("timings"), as_yaml.pop("timings")
    assert as_yaml == as_json


def test_events_from_standard_input_are_remembered_and_asked_later(kfi):
    events = (SAMPLE / "events" / "orchard.events.json").read_bytes()

    assert kfi("ingest", "-", stdin=events)[0] == 0
    code, out, _ = kfi("diagnose", "-n", "orchard", "-o", "json")

    assert code == 0
    assert {"image-not-found", "insufficient-cpu"} <= {cause["code"] for cause in json.loads(out)["root_causes"]}


def test_ingesting_the_same_thing_twice_changes_nothing(kfi):
    first = json.loads(kfi("ingest", str(SAMPLE), "-o", "json")[1])
    second = json.loads(kfi("ingest", str(SAMPLE), "-o", "json")[1])

    assert first["written"] > 100
    assert (second["written"], second["unchanged"]) == (0, first["written"] + first["unchanged"])


def test_a_secret_reaches_neither_the_store_nor_the_answer(kfi, tmp_path):
    (tmp_path / "pod.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: orchard}\n"
        "stringData:\n  DB_PASSWORD: hunter2-plum\n"
    )
    (tmp_path / "app.log").write_text("2026-11-20T14:00:00Z ERROR cannot log in with password=hunter2-plum\n")

    code, out, err = kfi("ingest", str(tmp_path / "pod.yaml"), str(tmp_path / "app.log"))
    kfi("diagnose")

    assert code == 0
    assert "Redacted" in out
    stored = b"".join(path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file())
    assert b"hunter2-plum" not in stored
    assert "hunter2-plum" not in out + err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["ingest", "/no/such/file"], 1, "/no/such/file"),
        (["ingest"], 2, "Name a file"),
        (["diagnose", "--since", "soon"], 2, "30m, 1h or 2d"),
        (["diagnose", "--as-of", "yesterday", "--from", str(SAMPLE)], 2, "not a time"),
        (["diagnose"], 1, "holds no evidence yet"),
        (["diagnose", "--from", "/no/such/file"], 1, "/no/such/file"),
        (["rules", "no-such-code"], 1, "no failure code"),
        (["diagnose", "--since", "99999999999w"], 2, "longer than time itself"),
        (["diagnose", str(SAMPLE)], 2, "its own --from"),
        (["diagnose", "--from", str(SAMPLE), str(SAMPLE / "alerts.json")], 2, "its own --from"),
        (["frobnicate"], 2, "No such command"),
        (["retrieve", " "], 2, "question is empty"),
        (["analyze-query", ""], 2, "question is empty"),
        (["analyze-query", "why \udcff"], 2, "question is wrong"),
        (["analyze-query", "why " * 5000], 2, "at most 8000"),
    ],
)
def test_a_wrong_command_line_gets_one_clear_sentence_and_its_own_code(kfi, arguments, code, says):
    got, out, err = kfi(*arguments)

    assert got == code
    assert says in err
    assert "Traceback" not in out + err


def test_a_broken_file_is_skipped_with_a_reason_and_the_rest_is_answered(kfi, tmp_path):
    shutil.copytree(SAMPLE / "incidents" / "imagepull", tmp_path / "bundle")
    (tmp_path / "bundle" / "bomb.yaml").write_text("a: " + "[" * 200_000)
    (tmp_path / "bundle" / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40)

    code, out, _ = kfi("diagnose", "--from", str(tmp_path / "bundle"), "-o", "json")

    answer = json.loads(out)
    assert code == 0
    assert {Path(one["path"]).name for one in answer["skipped"]} >= {"bomb.yaml", "picture.png"}
    assert all(one["reason"] for one in answer["skipped"])
    assert answer["root_causes"][0]["code"] == "image-not-found"


def test_nothing_readable_is_exit_code_one(kfi, tmp_path):
    (tmp_path / "notes.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))

    assert kfi("diagnose", "--from", str(tmp_path / "notes.png"))[0] == 1


def test_rules_lists_codes_and_explains_one(kfi):
    assert "oom-killed" in kfi("rules")[1]
    code, out, _ = kfi("rules", "oom-killed")
    assert code == 0
    assert "What to do" in out


def test_rules_finds_failures_by_the_words_of_kubernetes(kfi):
    code, out, _ = kfi("rules", "CrashLoopBackOff")

    assert code == 0
    assert "A waiting state" in out
    assert "crash-loop-back-off" in out
    assert "oom-killed" in out
    assert kfi("rules", "137")[1].startswith("Exit code 137")


def test_a_word_that_rules_does_not_know_gets_the_nearest_ones(kfi):
    code, out, err = kfi("rules", "CrashLopBackOf")

    assert (code, out) == (1, "")
    assert "Near it: CrashLoopBackOff" in err


def test_the_meaning_of_a_word_needs_no_evidence(kfi):
    code, out, err = kfi("diagnose", "what does OOMKilled mean?")

    assert (code, err) == (0, "")
    assert out.startswith("OOMKilled: The reason of an ended container")
    assert "0 objects seen; answered by rules" in " ".join(out.split())


def test_doctor_says_that_an_empty_store_is_empty_and_how_to_fill_it(kfi):
    code, out, _ = kfi("doctor")

    assert code == 0
    assert "kfi ingest PATH" in out


def test_a_reader_that_stops_early_is_no_error(kfi):
    code, _, err = kfi(program=("sh", "-c", f"{BIN}/kfi rules | head -1"))

    assert (code, err) == (0, "")


def test_the_ingest_script_does_what_kfi_ingest_does(kfi):
    script = Path(__file__).parents[1] / "scripts" / "ingest.py"

    code, out, _ = kfi(str(SAMPLE / "events"), program=(sys.executable, str(script)))

    assert code == 0
    assert "event" in out


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl here")
def test_kubectl_finds_the_plugin_and_its_help_says_how_to_call_it(kfi):
    code, out, _ = kfi("kfi", "diagnose", "--help", program=("kubectl",))

    assert code == 0
    assert "kubectl kfi diagnose" in out


def test_as_of_moves_the_moment_that_is_diagnosed(kfi):
    answer = json.loads(kfi("diagnose", "--from", str(SAMPLE), "--as-of", "2026-11-20T14:40:00Z", "-o", "json")[1])

    assert answer["as_of"].startswith("2026-11-20T14:40:00")


def test_a_span_that_begins_before_all_time_means_everything(kfi):
    code, out, err = kfi("diagnose", "--since", "200000w", "--from", str(SAMPLE / "incidents" / "imagepull"))

    assert code == 0, err
    assert "image does not exist" in out


@pytest.mark.parametrize("evidence", ["cluster/pods.json", "events/orchard.events.json", "cluster/pods.all.wide.txt"])
@pytest.mark.parametrize("name", ["recommender", "mailer", "checkout"])
def test_a_question_may_name_a_workload_of_which_only_pods_or_events_were_seen(kfi, evidence, name):
    answer = json.loads(kfi("diagnose", f"what about {name}?", "--from", str(SAMPLE / evidence), "-o", "json")[1])

    assert answer["root_causes"][0]["workload"]["name"] == name


def test_a_newer_snapshot_counts_and_the_older_is_reached_with_as_of(kfi, tmp_path):
    pods = json.loads((SAMPLE / "cluster" / "pods.json").read_text())
    for name, hour in (("old", "14"), ("new", "15")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pods.json").write_text(json.dumps(pods))
        (tmp_path / name / "timestamp").write_text(f"2026-11-20T{hour}:40:00Z\n")
        kfi("ingest", str(tmp_path / name))
        for pod in pods["items"]:
            if pod["metadata"]["name"].startswith("recommender"):
                state = {"ready": True, "lastState": {}, "state": {"running": {"startedAt": "2026-11-20T14:45:00Z"}}}
                pod["status"]["containerStatuses"][0].update(state)
                pod["status"]["conditions"] = [{"type": "Ready", "status": "True"}]

    now = json.loads(kfi("diagnose", "-o", "json")[1])
    then = json.loads(kfi("diagnose", "--as-of", "2026-11-20T14:40:00Z", "-o", "json")[1])

    assert now["as_of"].startswith("2026-11-20T15:40")
    assert "oom-killed" not in {cause["code"] for cause in now["root_causes"]}
    assert "oom-killed" in {cause["code"] for cause in then["root_causes"]}


def test_the_store_answers_as_the_files_do(kfi):
    kfi("ingest", str(SAMPLE))

    stored, read = (
        json.loads(kfi("diagnose", "-o", "json")[1]),
        json.loads(kfi("diagnose", "--from", str(SAMPLE), "-o", "json")[1]),
    )

    same = ("summary", "root_causes", "gaps", "as_of", "objects_seen")
    assert {key: stored[key] for key in same} == {key: read[key] for key in same}


@pytest.fixture
def two_clusters(kfi, tmp_path):
    """The sample's image that cannot be pulled, in cluster us two days later than in cluster eu."""
    for cluster, day in (("eu", "20"), ("us", "22")):
        shutil.copytree(SAMPLE / "incidents" / "imagepull", tmp_path / cluster)
        (tmp_path / cluster / "timestamp").write_text(f"2026-11-{day}T14:40:00Z\n")
        kfi("ingest", str(tmp_path / cluster), "--cluster", cluster)


@pytest.mark.usefixtures("two_clusters")
def test_objects_of_one_name_in_two_clusters_are_told_apart(kfi):
    _, out, _ = kfi("diagnose")

    assert "in cluster eu: The image" in out
    assert "in cluster us: The image" in out
    assert "These are of 2 clusters: eu, us." in " ".join(out.split())


@pytest.mark.usefixtures("two_clusters")
def test_one_cluster_is_asked_about_as_of_its_own_newest_evidence(kfi):
    answer = json.loads(kfi("diagnose", "--cluster", "eu", "--since", "1h", "-o", "json")[1])

    assert answer["as_of"].startswith("2026-11-20T14:40")
    assert answer["query_metadata"]["cluster"] == "eu"
    assert answer["query_metadata"]["since"].startswith("2026-11-20T13:40")
    assert {cause["object"]["cluster"] for cause in answer["root_causes"]} == {"eu"}
    assert any("Failed to pull image" in line["text"] for line in answer["evidence"])


@pytest.mark.usefixtures("two_clusters")
def test_a_cluster_that_nothing_was_stored_of_is_an_error_that_names_those_there_are(kfi):
    code, _, err = kfi("diagnose", "--cluster", "asia")

    assert code == 1
    assert "'asia'" in err
    assert "eu, us" in err


@pytest.mark.usefixtures("two_clusters")
def test_doctor_names_the_clusters_in_the_store(kfi):
    assert "of eu, us" in kfi("doctor")[1]


def test_doctor_fails_where_no_store_can_be_made(kfi, tmp_path):
    (tmp_path / "store").write_text("a file, not a folder")

    code, out, _ = kfi("doctor")

    assert code == 3
    assert "KFI_DATA_DIR" in out


@pytest.mark.parametrize("columns", ["1", "80", "120"])
def test_the_answer_fits_the_terminal_and_has_no_trailing_blanks(kfi, columns):
    code, out, err = kfi(
        "diagnose", "why does mailer fail?", "--from", str(SAMPLE), program=("env", f"COLUMNS={columns}", f"{BIN}/kfi")
    )

    assert code == 0, err
    assert [line for line in out.splitlines() if line != line.rstrip()] == []
    if columns != "1":
        assert [line for line in out.splitlines() if len(line) > int(columns)] == []


def test_numbers_and_their_words_agree(kfi):
    incident = str(SAMPLE / "incidents" / "oomkilled")

    assert "5 events, 1 object." in kfi("ingest", incident)[1]
    assert "1 object seen" in kfi("diagnose")[1]


def set_to(**variables: str) -> tuple[str, ...]:
    return ("env", *(f"{name}={value}" for name, value in variables.items()), str(BIN / "kfi"))


def test_doctor_fails_where_the_settings_ask_for_another_index_than_the_store_has(kfi):
    kfi("ingest", str(SAMPLE / "alerts.json"))

    code, out, _ = kfi("doctor", program=set_to(KFI_EMBEDDING_DIMENSION="256"))

    assert code == 3
    assert "FAILED   models" in out
    assert "kfi reindex" in out


def test_doctor_says_that_an_index_lost_its_documents_and_reindex_brings_them_back(kfi, tmp_path):
    kfi("ingest", str(SAMPLE / "alerts.json"))
    shutil.rmtree(tmp_path / "store" / "index")

    lost, _, again = kfi("doctor")[1], kfi("reindex"), kfi("doctor")[1]

    assert "it has lost 6 of 6 documents" in lost
    assert "kfi reindex" in lost
    assert "ok       index            6 documents" in again


def test_doctor_asks_the_embedding_server_that_is_set(kfi):
    code, out, _ = kfi("doctor", program=set_to(KFI_EMBEDDING_URL=refused_url() + "/v1"))

    assert code == 0
    assert "missing  embedding server" in out


def test_doctor_does_not_show_the_password_of_the_model_server(kfi):
    with OllamaStandIn(models=["other:latest"]) as server:
        url = server.url.replace("//", "//me:plum-7@")

        _, out, _ = kfi("doctor", program=set_to(KFI_OLLAMA_URL=url))

    assert "does not have llama3.1" in out
    assert "plum-7" not in out


def test_a_model_server_that_is_no_address_is_a_wrong_setting(kfi):
    code, _, err = kfi("models", "pull", "simple", program=set_to(KFI_OLLAMA_URL="garbage"))

    assert (code, err.splitlines()[0]) == (4, "llama3.1: The setting 'ollama_url' is no http or https address.")


def test_an_embedding_server_that_is_off_does_not_keep_the_files_from_being_searched_by_their_words(kfi):
    ask = ("retrieve", "why does checkout crash?", "--from", str(SAMPLE / "events"))

    code, out, err = kfi(*ask, program=set_to(KFI_EMBEDDING_URL=refused_url() + "/v1"))

    assert (code, err) == (0, "")
    assert "found by: lexical" in out
    assert "Not searched by meaning" in out


def test_retrieve_says_on_demand_what_lifted_each_hit_and_in_json_always(kfi):
    ask = ("retrieve", "why does checkout crash?", "--from", str(SAMPLE / "events"), "-k", "1")

    plain, explained, printed = kfi(*ask)[1], kfi(*ask, "--explain")[1], json.loads(kfi(*ask, "-o", "json")[1])

    assert "lifted by" not in plain
    assert "lifted by: entity +" in explained
    assert sum(printed["hits"][0]["features"].values()) == pytest.approx(printed["hits"][0]["score"], abs=1e-2)


def started(tmp_path: Path, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
    (tmp_path / "tmp").mkdir()
    env = {**os.environ, "KFI_DATA_DIR": str(tmp_path / "store"), "TMPDIR": str(tmp_path / "tmp"), **variables}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [str(BIN / "kfi"), *arguments], env=env, stdin=pipe, stdout=pipe, stderr=pipe, preexec_fn=heed_signals
    )


def heed_signals() -> None:
    """Undo what a shell does to background jobs: they, and what they start, ignore Ctrl-C and a hang-up."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def test_ctrl_c_says_that_the_command_stopped(tmp_path):
    with started(tmp_path, "ingest", "-") as run:
        # More than a pipe holds: once it is written, the command reads. A signal that comes while Python imports may be
        # lost in there.
        run.stdin.write(b"2026-11-20T14:00:00Z INFO the shop is open\n" * 20_000)
        run.stdin.flush()
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=PATIENCE_S)

    assert (run.returncode, err) == (130, b"kfi: stopped.\n")


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_server_that_is_ended_leaves_nothing_behind(tmp_path, ending):
    with started(tmp_path, "serve", "--port", "0") as run:
        assert run.stderr
        assert b"kfi listens" in run.stderr.readline()
        wait_until(lambda: list((tmp_path / "tmp").iterdir()))
        run.send_signal(ending)
        _, err = run.communicate(timeout=PATIENCE_S)

    assert (run.returncode, err, list((tmp_path / "tmp").iterdir())) == (0, b"", [])


def test_an_ingest_that_is_ended_while_it_indexes_leaves_nothing_behind(tmp_path):
    # An embedding server that never answers: the ingest is at work for as long as nobody ends it.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE_S)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        with started(tmp_path, "ingest", str(SAMPLE), KFI_EMBEDDING_URL=url) as run:
            asked, _ = silent.accept()
            in_use = list((tmp_path / "tmp").iterdir())
            run.send_signal(signal.SIGTERM)
            _, err = run.communicate(timeout=PATIENCE_S)
        asked.close()

    assert in_use
    assert (run.returncode, err, list((tmp_path / "tmp").iterdir())) == (143, b"", [])
