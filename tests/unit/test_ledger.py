import errno
import os
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kfi.errors import ServiceError
from kfi.ingestion.base import digest
from kfi.ledger import Ledger, Written
from kfi.ledger.door import door
from kfi.models.schemas import Document, DocumentKind, ObjectRef, Severity, Source

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CART = ObjectRef(cluster="east", kind="Pod", namespace="orchard", name="cart-0")


def minutes(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


def document(
    kind: DocumentKind = DocumentKind.OBJECT, ref: ObjectRef = CART, state: str = "Running", seen: float = 0, **fields
) -> Document:
    identity = digest(ref.cluster, kind, ref.kind, ref.namespace, ref.name)
    return Document(
        id=digest(identity, state),
        identity=identity,
        kind=kind,
        ref=ref,
        source=Source(path="pods.json", first_line=3, last_line=4),
        observed_at=minutes(seen),
        payload={"state": state},
        **fields,
    )


@pytest.fixture
def ledger():
    with Ledger.throw_away() as ledger:
        yield ledger


def states(documents) -> list[str]:
    return [found.payload["state"] for found in documents]


def test_a_document_comes_back_as_it_was_written(ledger):
    whole = document(
        DocumentKind.LOG,
        first_time=minutes(-5).replace(microsecond=123456),
        last_time=minutes(-1),
        count=7,
        severity=Severity.ERROR,
        text="panic: no apples\ngoroutine 1",
        card="error cart-0: panic: no apples",
        incarnation="6f0c",
    )

    ledger.write([whole])

    assert list(ledger.documents()) == [whole]


def test_half_a_surrogate_pair_survives_in_the_payload_and_is_replaced_in_the_text(ledger):
    # JSON may escape half a pair ("\ud83c"); pydantic refuses it in our own texts, so it is built without checks.
    broken = document().model_copy(update={"text": "apple \ud83c", "payload": {"note": "\ud83c"}})

    ledger.write([broken])

    (back,) = ledger.documents()
    assert (back.text, back.payload) == ("apple ?", {"note": "\ud83c"})


def test_a_count_of_any_length_is_stored_as_the_largest_a_column_holds(ledger):
    ledger.write([document(DocumentKind.EVENT, count=10**30)])

    assert [found.count for found in ledger.documents()] == [2**62]


def test_writing_the_same_twice_changes_nothing(ledger):
    both = [document(), document(DocumentKind.EVENT)]

    first, second = ledger.write(both), ledger.write(both)

    assert (first, second, ledger.count()) == (Written(2, 0), Written(0, 2), 2)


def test_the_same_document_twice_in_one_batch_is_written_once_as_it_was_first_found(ledger):
    first = document(text="first")

    written = ledger.write([first, first.model_copy(update={"text": "second"})])

    assert written == Written(1, 1)
    assert [found.text for found in ledger.documents()] == ["first"]


def test_of_each_object_the_newest_state_is_shown_with_the_time_it_was_last_seen(ledger):
    ledger.write([document(state="Pending", seen=0), document(state="Running", seen=5)])
    ledger.write([document(state="Running", seen=9)])

    assert [(d.payload["state"], d.observed_at) for d in ledger.documents()] == [("Running", minutes(9))]


def test_a_state_that_came_back_is_the_newest_again(ledger):
    for state, seen in (("Running", 0), ("Failed", 2), ("Running", 4), ("Running", 8)):
        ledger.write([document(state=state, seen=seen)])

    seen_at = {at: states(ledger.documents(at=minutes(at))) for at in (-1, 1, 3, 5, 9)}

    assert seen_at == {-1: [], 1: ["Running"], 3: ["Failed"], 5: ["Running"], 9: ["Running"]}
    assert [(d.payload["state"], d.observed_at) for d in ledger.history(CART)] == [
        ("Running", minutes(0)),
        ("Failed", minutes(2)),
        ("Running", minutes(4)),
        ("Running", minutes(8)),
    ]


def test_an_older_bundle_ingested_later_does_not_hide_the_newer_state(ledger):
    ledger.write([document(state="Running", seen=10)])
    ledger.write([document(state="Pending", seen=0)])

    assert states(ledger.documents()) == ["Running"]


def test_of_two_states_seen_at_the_same_time_the_one_written_last_holds(ledger):
    ledger.write([document(state="Pending"), document(state="Running")])

    assert states(ledger.documents()) == ["Running"]


def test_events_are_shown_by_when_they_began_and_ended_not_by_when_they_were_read(ledger):
    back_off = document(DocumentKind.EVENT, first_time=minutes(-30), last_time=minutes(-10), seen=60)
    ledger.write([back_off])

    shown = {
        "before it began": list(ledger.documents(at=minutes(-31))),
        "while it went on": list(ledger.documents(at=minutes(-20))),
        "since it ended": list(ledger.documents(since=minutes(-9))),
        "since before it ended": list(ledger.documents(since=minutes(-11))),
        "until before it began": list(ledger.documents(until=minutes(-31))),
    }

    assert {when for when, found in shown.items() if found} == {"while it went on", "since before it ended"}


def test_an_event_without_times_counts_as_of_when_it_was_read(ledger):
    ledger.write([document(DocumentKind.EVENT, seen=5)])

    assert [len(list(ledger.documents(at=minutes(at)))) for at in (4, 6)] == [0, 1]


def test_a_window_of_time_does_not_hide_objects(ledger):
    ledger.write([document(seen=0)])

    assert states(ledger.documents(since=minutes(30), until=minutes(60))) == ["Running"]


def test_an_event_seen_again_with_a_higher_count_replaces_itself(ledger):
    ledger.write([document(DocumentKind.EVENT, state="3 times", seen=0, first_time=minutes(-9))])
    ledger.write([document(DocumentKind.EVENT, state="8 times", seen=5, first_time=minutes(-9))])

    assert states(ledger.documents()) == ["8 times"]


def test_parts_of_one_event_from_several_files_of_a_bundle_all_count(ledger):
    ledger.write([document(DocumentKind.EVENT, state="in one file"), document(DocumentKind.EVENT, state="in another")])

    assert states(ledger.documents()) == ["in one file", "in another"]


def test_every_reading_of_a_log_counts(ledger):
    ledger.write(
        [document(DocumentKind.LOG, state="yesterday", seen=0), document(DocumentKind.LOG, state="now", seen=9)]
    )

    assert states(ledger.documents()) == ["yesterday", "now"]


def test_a_namespace_lets_cluster_scoped_documents_through(ledger):
    node = ObjectRef(cluster="east", kind="Node", name="node-a")
    other = ObjectRef(cluster="east", kind="Pod", namespace="vineyard", name="press-0")
    ledger.write([document(), document(ref=node), document(ref=other)])

    assert [d.ref for d in ledger.documents(namespace="orchard")] == [CART, node]


def test_clusters_are_kept_apart(ledger):
    west = CART.model_copy(update={"cluster": "west"})
    ledger.write([document(), document(ref=west, state="Failed")])

    assert ledger.clusters() == ["east", "west"]
    assert states(ledger.documents(cluster="west")) == ["Failed"]
    assert states(ledger.history(west)) == ["Failed"]


def test_what_is_not_indexed_is_given_oldest_first_until_it_is_marked(ledger):
    first, second, third = (document(DocumentKind.LOG, state=state) for state in ("a", "b", "c"))
    ledger.write([first, second, third])

    ledger.mark_indexed([first.id, third.id], NOON)

    assert (ledger.not_indexed(10), ledger.not_indexed(0)) == ([second], [])
    assert ledger.some_indexed(10) == sorted([first, third], key=lambda one: one.id)
    assert len(ledger.some_indexed(1)) == 1


def test_the_latest_observation_is_the_newest_time_anything_was_seen(ledger):
    assert ledger.latest_observation() is None

    ledger.write([document(seen=7), document(seen=3)])

    assert ledger.latest_observation() == minutes(7)


def test_settings_are_kept_in_the_store(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        ledger.set_setting("profile", "embedded")
        ledger.set_setting("profile", "full")

    with Ledger.open(tmp_path) as ledger:
        assert (ledger.setting("profile"), ledger.setting("unheard-of")) == ("full", None)


def test_the_redaction_key_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    store = tmp_path / "store"
    with Ledger.open(store) as ledger:
        keys = {ledger.redaction_key(), ledger.redaction_key()}
    with Ledger.open(store) as ledger:
        keys.add(ledger.redaction_key())

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (store, *store.iterdir())}

    assert [len(key) for key in keys] == [32]
    assert modes == {"store": 0o700, "ledger.db": 0o600, "redaction.key": 0o600}


def test_threads_that_ask_for_the_key_at_once_get_the_same_one(tmp_path):
    keys = set()
    with Ledger.open(tmp_path) as ledger:
        threads = [threading.Thread(target=lambda: keys.add(ledger.redaction_key())) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(keys) == 1


OPENER = """
    import sys
    from pathlib import Path
    sys.path[:0] = {path!r}
    from kfi.embeddings.vector_cache import VectorCache
    from kfi.ledger import Ledger

    print("at the door", flush=True)
    sys.stdin.readline()
    with Ledger.open(Path({folder!r})) as ledger:
        print(ledger.redaction_key().hex())
    print(VectorCache(Path({folder!r}) / "vectors.db").get_many("one", ["a"]))
"""


def test_processes_that_make_a_store_at_once_get_the_same_one(tmp_path):
    """A server and an ingest that are started together."""
    script = textwrap.dedent(OPENER.format(path=sys.path, folder=str(tmp_path / "store")))
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen([sys.executable, "-c", script], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout.readline() == "at the door\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate() for process in processes]

    assert [err for _, err in said] == [""] * 4
    assert len({out for out, _ in said}) == 1


def test_a_throw_away_store_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with Ledger.throw_away() as ledger:
        ledger.write([document()])
        assert list(tmp_path.iterdir())

    assert list(tmp_path.iterdir()) == []


def test_a_reader_does_not_keep_a_writer_waiting(ledger):
    ledger.write(document(DocumentKind.LOG, state=str(number)) for number in range(1200))

    reader = ledger.documents()
    next(reader)
    ledger.write([document(DocumentKind.LOG, state="while reading")])

    assert sum(1 for _ in reader) >= 1199


WRITER = """
    import sys
    from pathlib import Path
    sys.path[:0] = {path!r}
    from kfi.ledger import Ledger
    from tests.unit.test_ledger import document, DocumentKind

    def documents():
        for number in range(50_000):
            if number % 500 == 0 and number:
                print(number, flush=True)
            yield document(DocumentKind.LOG, state=str(number))

    with Ledger.open(Path({folder!r})) as ledger:
        ledger.write(documents())
"""


def test_a_run_killed_in_the_middle_loses_no_batch_it_had_written_and_can_be_run_again(tmp_path):
    script = textwrap.dedent(WRITER.format(path=sys.path, folder=str(tmp_path)))
    writer = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    with writer, writer.stdout as lines:
        # The generator is asked for document 2000 only when the batches before it are on the disk.
        acknowledged = next(int(line) for line in lines if int(line) >= 2000)
        writer.send_signal(signal.SIGKILL)

    with Ledger.open(tmp_path) as ledger:
        survived = ledger.count()
        again = ledger.write(document(DocumentKind.LOG, state=str(number)) for number in range(survived + 500))

    assert survived >= acknowledged
    assert survived % 500 == 0
    assert again == Written(500, survived)


def test_a_file_that_is_no_database_is_refused_with_a_way_out(tmp_path):
    (tmp_path / "ledger.db").write_bytes(b"these are apples, not pages" * 100)

    with pytest.raises(ServiceError, match="not a database") as caught:
        Ledger.open(tmp_path)

    assert "ingest again" in caught.value.hint


def test_a_damaged_database_is_a_service_error(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        ledger.write(document(DocumentKind.LOG, state=str(number), text="x" * 500) for number in range(300))
    file = tmp_path / "ledger.db"
    pages = bytearray(file.read_bytes())
    pages[8192:] = os.urandom(len(pages) - 8192)
    file.write_bytes(pages)

    with pytest.raises(ServiceError, match="malformed"), Ledger.open(tmp_path) as ledger:
        list(ledger.documents())


def test_a_store_of_another_version_is_refused(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        ledger.set_setting("schema", "99")

    with pytest.raises(ServiceError, match="another version"):
        Ledger.open(tmp_path)


def test_a_locked_store_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("kfi.ledger.ledger._LOCK_TIMEOUT_S", 0.05)
    with Ledger.open(tmp_path) as ledger:
        other = sqlite3.connect(tmp_path / "ledger.db")
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(ServiceError, match="locked") as caught:
            ledger.write([document()])
        other.close()

    assert "wait" in caught.value.hint


def test_a_folder_that_cannot_be_made_is_a_service_error(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ServiceError, match="cannot be used"):
        Ledger.open(tmp_path / "file" / "store")


@pytest.mark.parametrize(("number", "hint"), [(errno.ENOSPC, "Make room"), (errno.EACCES, "Make the folder writable")])
def test_what_the_system_refuses_comes_with_the_hint_for_it(tmp_path, number, hint):
    with pytest.raises(ServiceError, match=os.strerror(number)) as caught, door(tmp_path):
        raise OSError(number, os.strerror(number))

    assert caught.value.hint.startswith(hint)


def fill_a_disk_of_one_megabyte(folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    with Ledger.open(folder) as ledger:
        ledger.write(
            document(DocumentKind.LOG, state=str(number), text=os.urandom(999).hex()) for number in range(5000)
        )


def test_a_full_disk_is_a_service_error_and_what_was_stored_is_kept(tmp_path):
    script = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        sys.path[:0] = {sys.path!r}
        from kfi.errors import ServiceError
        from tests.unit.test_ledger import fill_a_disk_of_one_megabyte
        try:
            fill_a_disk_of_one_megabyte(Path({str(tmp_path)!r}))
        except ServiceError as error:
            print(error.hint)
    """)
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    with Ledger.open(tmp_path) as ledger:
        assert ledger.count() % 500 == 0
    assert "nothing that was stored is lost" in run.stdout
