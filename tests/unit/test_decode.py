import codecs
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfi.ingestion.decode import binary, clean, encoding, lines
from kfi.ingestion.stored_lines import StoredLines


def read(data: bytes, limit: int = 1000) -> tuple[list[str], list[int]]:
    """Give the lines of some bytes, and the numbers of those that were cut."""
    cut: list[int] = []
    return list(lines(io.BytesIO(data), limit, cut.append)), cut


TEXT = "Pod läuft\r\n\tzwei 🍎\n"


@pytest.mark.parametrize("name", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_text_is_read_in_every_encoding_that_tools_write(name):
    data = (TEXT * 20).encode(name)

    assert read(data) == (["Pod läuft", "\tzwei 🍎"] * 20, [])


def test_what_powershell_redirects_is_read():
    data = codecs.BOM_UTF16_LE + '{"kind": "List"}\r\n'.encode("utf-16-le")

    assert read(data) == (['{"kind": "List"}'], [])


def test_a_line_that_is_no_utf_8_is_latin_1_and_the_others_are_not():
    assert read("läuft\n".encode() + b"l\xe4uft\n") == (["läuft", "läuft"], [])


def test_only_a_line_feed_ends_a_line():
    data = "a\x0bb\x0cc\x1cd\u2028e\x85f\rg\r\nh\n\ni".encode()

    (first, second, third, fourth), _ = read(data)

    assert (first, second, third, fourth) == ("a b c d e f g", "h", "", "i")
    assert first.splitlines() == [first]


def test_zeros_and_control_characters_are_taken_out():
    assert read(b"a\x00b\x07c\x7fd\te\n") == (["abcd\te"], [])


@pytest.mark.parametrize(
    ("printed", "meant"),
    [
        ("\x1b[1;31mERROR\x1b[0m failed", "ERROR failed"),
        ("\x1b]0;title\x07ready", "ready"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b(Bplain\x1b=", "plain"),
        ("10%\r20%", "10% 20%"),
    ],
)
def test_what_a_terminal_would_obey_is_taken_out(printed, meant):
    assert clean(printed) == meant


@pytest.mark.parametrize("name", ["utf-8", "utf-16"])
def test_a_line_that_is_too_long_is_cut_and_the_next_ones_keep_their_numbers(name):
    data = ("x" * 50 + "\n" + "y" * 5000 + "\n" + "z\n").encode(name)

    found, cut = read(data, limit=100)

    assert ([len(line) for line in found], found[2], cut) == ([50, 100, 1], "z", [2])


def test_a_line_of_just_the_limit_is_whole():
    assert read(b"x" * 100 + b"\n" + b"y" * 100, limit=100) == (["x" * 100, "y" * 100], [])


def test_a_cut_does_not_leave_half_a_character():
    assert read("é".encode() * 100, limit=101) == (["é" * 50], [1])


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"\x7fELF\x02\x01", "a program"),
        (b"SQLite format 3\x00", "a SQLite database"),
        (b"\x28\xb5\x2f\xfd\x00", "compressed with zstd; unpack it first"),
        (bytes(512), "binary data"),
        (bytes(range(32)) * 8, "binary data"),
        (b"plain text\n", ""),
        (b"a \x1b[31mred\x1b[0m word\n", ""),
        ("UTF-16 ohne Marke".encode("utf-16-le"), ""),
        (b"", ""),
    ],
)
def test_what_is_no_text_is_named(head, what):
    assert binary(head) == what


def test_a_text_with_some_zeros_is_not_taken_for_utf_16():
    assert encoding(b"a\x00" * 3 + b"plain text goes on for long enough") == "utf-8"


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_give_lines_without_line_ends_or_controls(data, limit):
    found, _ = read(data, limit)

    assert all(len(line.splitlines()) <= 1 for line in found)
    assert not any(character < " " and character != "\t" for line in found for character in line)


def test_stored_lines_may_be_read_twice_at_the_same_time_from_memory_or_disk():
    texts = [f"line {number} é \ud800" for number in range(5000)]
    for memory in (0, 10_000_000):
        stored = StoredLines(memory)
        stored.write(texts)

        assert list(zip(stored(), stored(), strict=True)) == [(text, text) for text in texts]
        stored.close()


def test_lines_are_the_same_however_many_are_read_at_a_time():
    plain, strange = b"pods are ready\n" * 9_000, "g\u00e9n\u00e9r\u00e9 \x1b[31mfailed\x1b[0m\r\n".encode()
    data = plain + strange + b"\n" + plain + strange * 3 + b"the end"

    read = list(lines(io.BytesIO(data), 1 << 20, [].append))

    assert read == [clean(line) for line in data.decode().split("\n")]


def test_a_line_is_cut_between_plain_ones_far_into_a_text():
    cut: list[int] = []
    data = b"pods are ready\n" * 9_000 + b"x" * 5_000 + b"\n" + b"pods are ready\n" * 9_000

    read = list(lines(io.BytesIO(data), 2_000, cut.append))

    assert (len(read), cut, read[9_000]) == (18_001, [9_001], "x" * 2_000)


def test_many_stored_lines_come_back_as_they_were():
    stored = StoredLines(1 << 20)
    given = [f"line {number}" * (number % 7) for number in range(200_000)]
    stored.write(iter(given))

    assert list(stored()) == given
    assert list(stored()) == given
    stored.close()
