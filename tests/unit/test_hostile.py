"""Input made to harm: it ends in one sentence and the right exit code, quickly, and steers no terminal."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tarfile
import unicodedata
from pathlib import Path

import pytest

from kfi.cli.terminal import harmless, plain
from kfi.config import Settings
from kfi.ingestion.decode import binary
from kfi.ingestion.pipeline import ingest
from kfi.ledger.ledger import Ledger
from kfi.models.schemas import IngestReport, Skipped

KFI = str(Path(sys.executable).parent / "kfi")
# Colour, title of the window, right to left, no width, a line end of its own, the one byte form, a tag, a line end.
STEERING = "\x1b[31mEVIL\x1b]0;pwned\x07\u202e\u200b\u2028\x9b31m\U000e0041[red]x[/red]\r\nINJECTED"
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "cart-1", "namespace": "orchard"}, "spec": {}}


@pytest.fixture
def read(tmp_path):
    def run(*paths: Path):
        with Ledger.throw_away() as ledger:
            report = ingest([str(path) for path in paths], ledger=ledger, settings=Settings())
            return report, list(ledger.documents())

    return run


def command(tmp_path: Path, *arguments: str, stdin: bytes = b"", stdout: int = subprocess.PIPE):
    env = {**os.environ, "KFI_DATA_DIR": str(tmp_path / "store")}
    done = subprocess.run([KFI, *arguments], input=stdin, stdout=stdout, stderr=subprocess.PIPE, env=env, check=False)
    return done.returncode, (done.stdout or b"").decode(), done.stderr.decode()


def steers(text: str) -> set[str]:
    """Give the characters of a text that no reader sees, or a terminal obeys."""
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c not in "\n\t"}


def test_a_text_is_shown_without_what_steers_a_terminal():
    assert plain(STEERING) == "EVIL[red]x[/red]\nINJECTED"
    assert plain("Äpfel, 林檎\tand\nmore") == "Äpfel, 林檎\tand\nmore"


def test_a_name_in_a_report_has_one_line():
    report = IngestReport(
        sources=1, loaded={}, grouped=0, written=0, unchanged=0, skipped=(Skipped(path=STEERING, reason="x"),)
    )

    assert harmless(report).skipped == (Skipped(path="EVIL [red]x[/red] INJECTED", reason="x"),)


@pytest.mark.parametrize("output", ["text", "json", "yaml"])
def test_names_and_messages_that_a_json_string_hides_steer_no_terminal(tmp_path, output):
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e", "namespace": STEERING},
        "involvedObject": {"kind": "Pod", "name": "a" + STEERING, "namespace": STEERING},
        "reason": "Failed",
        "type": "Warning",
        "message": f'Failed to pull image "{STEERING}": not found',
        "lastTimestamp": "2026-11-02T10:00:00Z",
    }
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "event.json").write_text(json.dumps(event))
    (tmp_path / "given" / "\x1b[31m\u202e\nname.log").write_text("2026-11-02T10:00:00Z ERROR boom\n")

    _, answer, _ = command(tmp_path, "diagnose", "--from", str(tmp_path / "given"), "-o", output)
    _, report, _ = command(tmp_path, "ingest", str(tmp_path / "given"), "-o", output)

    assert "EVIL" in answer
    assert steers(answer) | steers(report) == set()
    assert not re.search(r"(?m)^INJECTED", answer)


def test_an_answer_that_cannot_be_written_is_one_sentence(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with open("/dev/full", "wb") as full:
        code, _, said = command(tmp_path, "rules", stdout=full.fileno())

    assert (code, said) == (1, "kfi: the answer cannot be written: No space left on device.\n")


def test_random_bytes_are_no_log(tmp_path):
    given = bytes(number * 37 % 256 for number in range(4096))

    code, out, _ = command(tmp_path, "ingest", "-", stdin=given)

    assert binary(given) == "binary data"
    assert binary("caf\xe9 closed\n".encode("latin-1")) == ""
    assert code == 1
    assert "binary data" in out


def test_an_empty_folder_is_told_in_one_sentence(tmp_path):
    (tmp_path / "empty").mkdir()

    assert command(tmp_path, "ingest", str(tmp_path / "empty")) == (
        1,
        "Nothing was read: there is no file in what was named.\n",
        "",
    )


def test_a_device_is_not_read(read):
    report, documents = read(Path("/dev/zero"))

    assert [skipped.reason for skipped in report.skipped] == ["a device"]
    assert documents == []


def bomb(indent: int) -> str:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "".join(f"{' ' * indent}{line}\n" for line in lines)


BOMBS = {
    "top.yaml": f"apiVersion: v1\nkind: Pod\n{bomb(0)}",
    "item.yaml": f"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  spec:\n{bomb(4)}",
    "event.yaml": f"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Event\n  x:\n{bomb(4)}",
    "secret.yaml": f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\ndata:\n{bomb(2)}",
    "flow.yaml": "apiVersion: v1\nkind: Pod\nspec: " + "[" * 100_000,
    "dashes.yaml": "apiVersion: v1\nkind: Pod\nspec:\n  " + "- " * 100_000,
    "deep.json": '{"apiVersion":"v1","kind":"Pod","spec":' + "[" * 100_000,
    "closed.json": '{"apiVersion":"v1","kind":"Pod","spec":' + '{"a":' * 50_000 + "1" + "}" * 50_001,
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "in tar"])
def test_a_bomb_is_skipped_with_a_reason_wherever_it_stands(tmp_path, read, name, packed):
    content, good = BOMBS[name].encode(), json.dumps(POD).encode()
    given = tmp_path / "given"
    given.mkdir()
    if packed:
        with tarfile.open(given / "b.tar", "w") as tar:
            for path, data in ((name, content), ("pod.json", good)):
                member = tarfile.TarInfo(path)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    else:
        (given / name).write_bytes(content)
        (given / "pod.json").write_bytes(good)

    report, documents = read(given)

    assert [document.ref.name for document in documents] == ["cart-1"]
    assert {skipped.path.rpartition("!")[2] for skipped in report.skipped} == {name}


def test_a_secret_in_the_name_of_a_file_is_neither_stored_nor_reported(tmp_path, read):
    (tmp_path / "token=w1nesap42.log").write_text("2026-11-02T10:00:00Z ERROR boom\n")
    (tmp_path / "token=w1nesap43.log").write_bytes(b"\x7fELF")

    report, documents = read(tmp_path)

    assert len(documents) == 1
    assert "w1nesap" not in str(report) + "".join(document.model_dump_json() for document in documents)
