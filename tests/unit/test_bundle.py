import bz2
import gzip
import io
import lzma
import os
import subprocess
import tarfile
import threading
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfi.config import Settings
from kfi.errors import SourceError
from kfi.ingestion.bundle import sources
from kfi.models.schemas import Skipped

CHANGED = datetime(2026, 3, 1, 12, tzinfo=UTC)
COLLECTED = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
FILES = {
    "bundle/pods.json": b'{"kind": "Pod"}\n',
    "bundle/logs/orchard/cart-0.log": b"started\n",
}


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


def read(path: Path, settings: Settings) -> dict[str, object]:
    """Give what every source holds, or why it is left out, by path."""
    return {
        found.path: f"({found.reason})" if isinstance(found, Skipped) else found.stream.read()
        for found in sources([str(path)], None, settings)
    }


def times(path: Path, settings: Settings) -> dict[str, datetime]:
    return {found.path: found.observed_at for found in sources([str(path)], None, settings)}


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        os.utime(file, (CHANGED.timestamp(), CHANGED.timestamp()))
    return folder


def tar_of(files: dict[str, bytes], changed: datetime = CHANGED) -> bytes:
    return tar_with(*((name, content, {"mtime": int(changed.timestamp())}) for name, content in files.items()))


def tar_with(*members: tuple[str, bytes, dict]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content, header in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for field, value in header.items():
                setattr(info, field, value)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, CHANGED.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def test_a_folder_is_read_in_order_of_names_by_paths_below_it(tmp_path, settings):
    folder = write(tmp_path / "bundle", {"b.log": b"b", "a/z.log": b"z", "a/.hidden": b"h", "A.log": b"A"})

    found = read(folder, settings)

    assert list(found.items()) == [("A.log", b"A"), ("b.log", b"b"), ("a/.hidden", b"h"), ("a/z.log", b"z")]


def test_of_several_folders_each_keeps_its_name(tmp_path, settings):
    monday, friday = (write(tmp_path / day, {"pods.json": day.encode()}) for day in ("monday", "friday"))

    found = list(sources([str(monday), str(friday)], None, settings))

    assert [one.path for one in found] == [f"{monday}/pods.json", f"{friday}/pods.json"]


def test_a_path_that_does_not_exist_is_told_before_anything_is_read(tmp_path, settings):
    with pytest.raises(SourceError, match="no file or folder 'nowhere'"):
        sources([str(tmp_path), "nowhere"], None, settings)


def test_what_is_left_out_of_a_folder_is_said(tmp_path, settings):
    folder = write(tmp_path / "bundle", {"pod.log": b"x", ".git/config": b"g", "._pod.log": b"m"})
    write(tmp_path, {"outside.log": b"secret"})
    (folder / "to-pod.log").symlink_to("pod.log")
    (folder / "to-outside").symlink_to(tmp_path)
    (folder / "to-itself").symlink_to(folder)
    (folder / "to-nothing").symlink_to("nothing")
    os.mkfifo(folder / "pipe")

    found = read(folder, settings)

    assert found == {
        ".git": "(version control)",
        "._pod.log": "(data of macOS)",
        "pipe": "(not a regular file)",
        "pod.log": b"x",
        "to-itself": "(a link; what it leads to is read itself)",
        "to-nothing": "(a link that leads nowhere)",
        "to-outside": "(a link that leads outside)",
        "to-pod.log": "(a link; what it leads to is read itself)",
    }


def test_folders_may_be_nested_deeper_than_calls(tmp_path, settings):
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(os.open("deep.log", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)

    found = list(read(tmp_path, settings))
    # Python's own rmtree, which tidies up after tests, calls itself for each level.
    subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)

    assert found == ["d/" * 1100 + "deep.log"]


def test_standard_input_may_be_a_file_or_an_archive(settings):
    plain, packed = (
        {one.path: one.stream.read() for one in sources(["-"], io.BytesIO(data), settings)}
        for data in (b"x", gzip.compress(tar_of(FILES)))
    )

    assert plain == {"-": b"x"}
    assert packed == {f"-!{name}": content for name, content in FILES.items()}


def test_a_named_pipe_that_was_given_is_read(tmp_path, settings):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"x"))
    writer.start()

    found = read(pipe, settings)
    writer.join()

    assert found == {str(pipe): b"x"}


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("b.tar", tar_of(FILES)),
        ("b.tgz", gzip.compress(tar_of(FILES))),
        ("b.tar.xz", lzma.compress(tar_of(FILES))),
        ("b.tar.bz2", bz2.compress(tar_of(FILES))),
        ("b.zip", zip_of(FILES)),
        ("no-ending", gzip.compress(tar_of(FILES))),
    ],
)
def test_archives_are_known_by_their_content_and_read_member_by_member(tmp_path, settings, name, packed):
    folder = write(tmp_path / "given", {name: packed})

    assert read(folder, settings) == {f"{name}!{member}": content for member, content in FILES.items()}
    assert set(times(folder, settings).values()) == {CHANGED}
    assert os.listdir(folder) == [name]


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_file_compressed_on_its_own_keeps_its_name(tmp_path, settings, compress):
    folder = write(tmp_path, {"0.log.gz": compress(b"x\n")})

    assert read(folder, settings) == {"0.log.gz": b"x\n"}


def test_several_xz_streams_in_one_file_are_all_read(tmp_path, settings):
    folder = write(tmp_path, {"0.log.xz": lzma.compress(b"one\n") + bytes(8) + lzma.compress(b"two\n")})

    assert read(folder, settings) == {"0.log.xz": b"one\ntwo\n"}


def test_a_timestamp_file_dates_everything_below_its_folder(tmp_path, settings):
    files = {
        "a/timestamp": b"2026-03-01T13:30:00+01:00\n",
        "a/pods.json": b"p",
        "a/deep/pods.json": b"p",
        "b/timestamp": b"some day in spring\n",
        "b/pods.json": b"p",
    }

    dated = {"a/pods.json": COLLECTED, "a/deep/pods.json": COLLECTED, "b/pods.json": CHANGED, "b/timestamp": CHANGED}
    assert times(write(tmp_path / "folder", files), settings) == dated


@pytest.mark.parametrize("pack", [tar_of, zip_of])
def test_a_timestamp_in_an_archive_counts_wherever_it_stands(tmp_path, settings, pack):
    began_and_ended = b"2026-03-01 12:11:56.9 +0000 UTC m=+1.6\n2026-03-01 12:30:00 +0000 UTC m=+1084.7\n"
    files = {**FILES, "bundle/timestamp": began_and_ended, "other.log": b"x"}
    write(tmp_path, {"b.pack": pack(files)})

    assert times(tmp_path, settings) == {
        "b.pack!bundle/pods.json": COLLECTED,
        "b.pack!bundle/logs/orchard/cart-0.log": COLLECTED,
        "b.pack!other.log": CHANGED,
    }


@pytest.mark.parametrize("mtime", [0, -1, 10**12, "inf"])
def test_a_made_up_time_of_a_member_gives_way_to_the_archives(tmp_path, settings, mtime):
    write(tmp_path, {"b.tar": tar_with(("a.log", b"x", {"pax_headers": {"mtime": str(mtime)}}))})

    assert times(tmp_path, settings) == {"b.tar!a.log": CHANGED}


def test_members_that_are_no_files_or_lead_elsewhere_are_refused_and_nothing_is_written(tmp_path, settings):
    link = {"type": tarfile.SYMTYPE, "linkname": "../../etc/passwd"}
    hard = {"type": tarfile.LNKTYPE, "linkname": "a.log"}
    packed = tar_with(
        ("../evil.log", b"x", {}), ("/abs.log", b"x", {}), ("a/../../evil.log", b"x", {}), ("C:evil.log", b"x", {}),
        ("link", b"", link), ("hard", b"", hard), ("device", b"", {"type": tarfile.CHRTYPE}),
        ("n" * 2000, b"x", {}), ("a.log", b"good", {}),
    )  # fmt: skip
    folder = write(tmp_path / "given", {"b.tar": packed})
    before = sorted(tmp_path.rglob("*"))

    found = {path.removeprefix("b.tar!")[:20]: what for path, what in read(folder, settings).items()}

    outside, linked = "(has a path that leads out of the archive)", "(a link; what it leads to is read itself)"
    assert found == {
        "../evil.log": outside, "/abs.log": outside, "a/../../evil.log": outside, "C:evil.log": outside,
        "link": linked, "hard": linked, "device": "(not a regular file)",
        "n" * 20: "(has a name of more than 1024 characters)", "a.log": b"good",
    }  # fmt: skip
    assert sorted(tmp_path.rglob("*")) == before


def test_members_of_a_zip_file_that_lead_elsewhere_are_refused(tmp_path, settings):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("../evil.log", "x")
        archive.writestr("a.log", "good")
    write(tmp_path, {"b.zip": packed.getvalue()})

    assert read(tmp_path, settings) == {
        "b.zip!link": "(a link; what it leads to is read itself)",
        "b.zip!../evil.log": "(has a path that leads out of the archive)",
        "b.zip!a.log": b"good",
    }


def test_an_encrypted_member_is_said_to_be_so(tmp_path, settings):
    packed = bytearray(zip_of({"a.log": b"x"}))
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(header) + flags] |= 1
    write(tmp_path, {"b.zip": bytes(packed)})

    assert read(tmp_path, settings) == {"b.zip!a.log": "(is encrypted)"}


def test_archives_in_archives_are_read_to_the_depth_that_is_set(tmp_path, settings):
    inner = gzip.compress(tar_of({"deep.log": b"d", "deeper.zip": zip_of({"x": b"x"})}))
    write(tmp_path, {"b.tar": tar_of({"inner.tgz": inner, "0.log.gz": gzip.compress(b"z")})})

    assert read(tmp_path, settings) == {
        "b.tar!inner.tgz!deep.log": b"d",
        "b.tar!inner.tgz!deeper.zip": "(is an archive in 2 others; unpack it first)",
        "b.tar!0.log.gz": b"z",
    }


def test_a_file_compressed_twice_is_left_out(tmp_path, settings):
    write(tmp_path, {"b.gz": gzip.compress(gzip.compress(b"x"))})

    assert read(tmp_path, settings) == {"b.gz": "(is compressed twice; unpack it first)"}


BOMBS = {
    "gz": lambda zeros: gzip.compress(zeros, 1),
    "tgz": lambda zeros: gzip.compress(tar_of({"zeros": zeros}), 1),
    "zip of many": lambda zeros: zip_of({str(number): zeros[:16_000_000] for number in range(8)}),
}


@pytest.mark.parametrize("form", BOMBS)
def test_a_bomb_is_left_off_where_it_becomes_absurd(tmp_path, settings, form):
    folder = write(tmp_path / "given", {"bomb": BOMBS[form](bytes(130_000_000))})

    reasons = [what for what in read(folder, settings).values() if isinstance(what, str)]

    assert reasons == ["(unpacks to more than 200 times its size; the rest was not read)"]


def test_a_member_of_a_zip_file_that_says_it_is_a_bomb_is_not_unpacked_at_all(tmp_path, settings):
    bomb = zip_of({"zeros": bytes(17_000_000), "pod.log": b"x"})
    write(tmp_path, {"b.zip": bomb})

    assert read(tmp_path, settings) == {
        "b.zip!zeros": "(unpacks to more than 200 times its size)",
        "b.zip!pod.log": b"x",
    }


def test_limits_of_an_archive_end_the_reading_and_what_came_before_is_kept(tmp_path, settings):
    write(tmp_path, {"b.tar": tar_of({f"{number}.log": bytes(1000) for number in range(9)})})
    limits = {
        "max_archive_members": "(has more than 4 members; the rest was not read)",
        "max_archive_bytes": "(unpacks to more than 4,500 bytes; the rest was not read)",
    }

    for name, reason in limits.items():
        limit = {name: 4 if name == "max_archive_members" else 4500}
        found = read(tmp_path, settings.model_copy(update=limit))

        assert list(found) == [*(f"b.tar!{number}.log" for number in range(4)), "b.tar"]
        assert found["b.tar"] == reason


@pytest.mark.parametrize("pack", [tar_of, zip_of])
def test_a_member_that_is_too_large_does_not_stop_the_others(tmp_path, settings, pack):
    write(tmp_path, {"b.pack": pack({"large.log": bytes(5000), "small.log": b"x"}), "large.log": bytes(30_000)})

    found = read(tmp_path, settings.model_copy(update={"max_file_bytes": 4000}))

    too_large = "(is larger than 4,000 bytes)"
    assert found == {"b.pack!large.log": too_large, "b.pack!small.log": b"x", "large.log": too_large}


def test_a_zip_file_with_too_many_entries_is_refused_unread(tmp_path, settings):
    write(tmp_path, {"b.zip": zip_of({f"{number}": b"" for number in range(30)})})

    found = read(tmp_path, settings.model_copy(update={"max_archive_members": 20}))

    assert found == {"b.zip": "(has more than 20 members; it was not read)"}


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress, bytes])
def test_of_an_archive_that_is_cut_off_what_came_before_is_read(tmp_path, settings, pack):
    packed = pack(tar_of({"a.log": os.urandom(700_000), "b.log": os.urandom(700_000)}))
    write(tmp_path, {"b.tar": packed[: len(packed) * 3 // 4]})

    found = list(sources([str(tmp_path)], None, settings))

    kept = {one.path for one in found if not isinstance(one, Skipped)}
    assert kept == {"b.tar!a.log", "b.tar!b.log"}
    assert any("damaged" in one.reason for one in found if isinstance(one, Skipped))


def test_a_header_that_claims_an_absurd_size_costs_nothing(tmp_path, settings):
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 2**33
    write(tmp_path, {"b.tar": tar_of({"a.log": b"x"})[:1024] + header.tobuf(tarfile.GNU_FORMAT) + bytes(4096)})

    assert read(tmp_path, settings) == {
        "b.tar!a.log": b"x",
        "b.tar": "(is damaged: a header claims an absurd size)",
    }


def test_headers_without_end_are_damage(tmp_path, settings):
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 0
    write(tmp_path, {"b.tar": header.tobuf(tarfile.GNU_FORMAT) * 5000})

    (what,) = read(tmp_path, settings).values()

    assert "is damaged after 0 members" in str(what)


def test_names_that_are_no_unicode_are_shown_as_far_as_they_can_be(tmp_path, settings):
    packed = tar_of({"caf.log": b"x"}).replace(b"caf.log", b"c\xe9\x07.log")
    checksum = sum(packed[:148]) + 256 + sum(packed[156:512])
    packed = packed[:148] + b"%06o\x00 " % checksum + packed[156:]
    write(tmp_path, {"b.tar": packed})
    (tmp_path / os.fsdecode(b"d\xe9.log")).write_bytes(b"y")

    assert read(tmp_path, settings) == {"b.tar!c\ufffd?.log": b"x", "d\ufffd.log": b"y"}


SEEDS = (tar_of(FILES), gzip.compress(tar_of(FILES)), lzma.compress(tar_of(FILES)), zip_of(FILES), bz2.compress(b"x"))


@given(
    seed=st.sampled_from(SEEDS), damage=st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(max_size=3)), max_size=6)
)
def test_no_damage_to_an_archive_is_more_than_a_reason(tmp_path_factory, seed, damage):
    packed = bytearray(seed)
    for where, what in damage:
        place = where % len(packed)
        packed[place : place + len(what)] = what
    folder = write(tmp_path_factory.mktemp("damaged"), {"b": bytes(packed)})

    for found in sources([str(folder)], None, Settings(data_dir=folder)):
        assert found.path.startswith("b")
