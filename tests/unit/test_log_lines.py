from datetime import UTC, datetime

import pytest

from kfi.ingestion.logs.lines import LogLine, is_note, parse_line
from kfi.ingestion.logs.times import time_of

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
STAMP = "2026-03-05T11:59:00.123456789Z"


def said(text):
    line = parse_line(text)
    return line.level, line.message, line.stamp


def test_a_line_of_no_known_format_is_its_own_message():
    assert parse_line("listening on 8080") == LogLine("listening on 8080")


def test_cri_lines_are_unwrapped():
    whole = parse_line(f"{STAMP} stderr F ERROR: no database")
    part = parse_line(f"{STAMP} stdout P half a line")

    assert whole == LogLine("ERROR: no database", "error", STAMP, "stderr")
    assert part == LogLine("half a line", "", STAMP, "stdout", partial=True)


def test_an_empty_cri_line_is_empty():
    assert parse_line(f"{STAMP} stdout F").message == ""


def test_docker_lines_are_unwrapped_and_read_on():
    line = parse_line(
        '{"log":"{\\"level\\":\\"warn\\",\\"msg\\":\\"slow\\"}\\n","stream":"stdout","time":"' + STAMP + '"}'
    )
    part = parse_line('{"log":"half","stream":"stdout","time":"' + STAMP + '"}')

    assert line == LogLine("slow", "warning", STAMP, "stdout")
    assert part.partial


@pytest.mark.parametrize(
    ("text", "level", "message", "stamp"),
    [
        # klog
        (
            "E0305 11:59:00.123456       1 leases.go:42] lost lease",
            "error",
            "lost lease",
            "0305 11:59:00.123456",
        ),
        (
            'I0305 11:59:00.123456 7 probe.go:1] "Probe failed" pod="orchard/cart-0"',
            "info",
            '"Probe failed" pod="orchard/cart-0"',
            "0305 11:59:00.123456",
        ),
        # JSON
        (
            '{"ts":1772711940.5,"level":"error","msg":"no db","error":"refused"}',
            "error",
            "no db: refused",
            1772711940.5,
        ),
        ('{"time":"t","severity":"CRITICAL","message":"down"}', "fatal", "down", "t"),
        ('{"level":50,"time":1772711940000,"msg":"pino says"}', "error", "pino says", 1772711940000),
        ('{"@timestamp":"t","log":{"level":"WARN"},"message":"ecs"}', "warning", "ecs", "t"),
        ('{"instant":{"epochSecond":1772711940},"level":"INFO","message":"log4j"}', "info", "log4j", 1772711940),
        ('{"level":"debug","msg":"request complete","status":503}', "error", "request complete status=503", None),
        ('{"a":1}', "", '{"a":1}', None),
        # logfmt
        (
            'ts=2026-03-05T11:59:00Z level=warn caller=a.go:1 msg="no peer" err="lookup \\"x\\": no such host"',
            "warning",
            'no peer: lookup "x": no such host',
            "2026-03-05T11:59:00Z",
        ),
        # dates before the level, in many fashions
        ("2026-03-05 11:59:00,123 ERROR pool - no db", "error", "ERROR pool - no db", "2026-03-05 11:59:00,123"),
        (
            "2026-03-05 11:59:00,123 - app - WARNING - slow",
            "warning",
            "app - WARNING - slow",
            "2026-03-05 11:59:00,123",
        ),
        (
            "[2026-03-05 11:59:00.123][1][critical][main] bad",
            "fatal",
            "[1][critical][main] bad",
            "2026-03-05 11:59:00.123",
        ),
        ("2026/03/05 11:59:00 [error] 7#7: *1 upstream", "error", "[error] 7#7: *1 upstream", "2026/03/05 11:59:00"),
        ("2026-03-05 11:59:00.123456 W | etcd: slow", "warning", "etcd: slow", "2026-03-05 11:59:00.123456"),
        (
            "1:M 05 Mar 2026 11:59:00.123 # Fatal error loading",
            "error",
            "Fatal error loading",
            "05 Mar 2026 11:59:00.123",
        ),
        # levels without dates
        ("[ERROR] no db", "error", "[ERROR] no db", None),
        ("error: no db", "error", "error: no db", None),
        ("warn: Shop.Cart[7]", "warning", "warn: Shop.Cart[7]", None),
        ("npm ERR! missing script", "error", "npm ERR! missing script", None),
        ("panic: nil map", "fatal", "panic: nil map", None),
        ("ValueError: bad", "error", "ValueError: bad", None),
        ("java.lang.IllegalStateException: bad", "error", "java.lang.IllegalStateException: bad", None),
        ("the errors are gone", "", "the errors are gone", None),
        # access logs
        (
            '10.0.0.7 - - [05/Mar/2026:11:59:00 +0000] "GET / HTTP/1.1" 502 17',
            "error",
            '10.0.0.7 - - [05/Mar/2026:11:59:00 +0000] "GET / HTTP/1.1" 502 17',
            "05/Mar/2026:11:59:00 +0000",
        ),
        ('"GET /ERROR HTTP/1.1" 200 17', "info", '"GET /ERROR HTTP/1.1" 200 17', None),
    ],
)
def test_level_message_and_time_are_read_from(text, level, message, stamp):
    assert said(text) == (level, message, stamp)


def test_the_runtimes_time_goes_before_the_programs():
    line = parse_line(f"{STAMP} E0305 11:00:00.123456       1 leases.go:42] lost lease")

    assert (line.stamp, line.level, line.message) == (STAMP, "error", "lost lease")


def test_prefixes_of_tools_name_the_container():
    kubectl = parse_line(f"[pod/cart-0/app] {STAMP} hello")
    stern = parse_line("cart-6f7d8c9b54-x2x4k app hello")
    kail = parse_line("orchard/cart-0[app]: hello")

    assert kubectl == LogLine("hello", stamp=STAMP, pod="cart-0", container="app")
    assert stern == LogLine("hello", pod="cart-6f7d8c9b54-x2x4k", container="app")
    assert kail == LogLine("hello", namespace="orchard", pod="cart-0", container="app")


def test_prose_is_no_stern_prefix():
    assert parse_line("cart-hello world of apples").pod == ""


def test_what_kubectl_says_instead_of_a_log_names_the_container():
    waiting = parse_line(
        'Error from server (BadRequest): container "app" in pod "cart-0" is waiting to start: ContainerCreating'
    )
    unreachable = parse_line(
        'Error from server: Get "https://node-a:10250/containerLogs/orchard/cart-0/app": dial tcp: refused'
    )

    assert (waiting.pod, waiting.container, waiting.level) == ("cart-0", "app", "error")
    assert (unreachable.namespace, unreachable.pod, unreachable.container) == ("orchard", "cart-0", "app")


@pytest.mark.parametrize(
    "text",
    [
        "Mar 05 11:59:00 node-a kubelet[7]: E0305 11:59:00.1 7 a.go:1] no db",
        "Mar 05 11:59:00.123 node-a kubenswrapper[7]: E0305 11:59:00.1 7 a.go:1] no db",
        "2026-03-05T11:59:00+0000 node-a kubelet[7]: E0305 11:59:00.1 7 a.go:1] no db",
        '{"__REALTIME_TIMESTAMP":"1772711940000000","_HOSTNAME":"node-a","SYSLOG_IDENTIFIER":"kubelet","PRIORITY":"3",'
        '"MESSAGE":"no db"}',
    ],
)
def test_journal_lines_name_host_and_unit(text):
    line = parse_line(text)

    assert (line.host, line.unit, line.level, line.message) == ("node-a", "kubelet", "error", "no db")
    assert time_of(line.stamp, NOW).replace(microsecond=0) == datetime(2026, 3, 5, 11, 59, tzinfo=UTC)


def test_notes_of_tools_are_no_log_lines():
    assert is_note("-- Logs begin at Tue 2026-03-03 09:10:29 UTC, end at Tue 2026-03-03 10:13:48 UTC. --")
    assert is_note("-- No entries --")
    assert is_note("+ cart-0 \u203a app")
    assert not is_note("-- comment")
    assert not is_note("+ echo hello")


def test_colours_nuls_and_half_characters_are_taken_out():
    assert parse_line("\x1b[31mERROR\x1b[0m no\0 db \ud800") == LogLine("ERROR no db ?", "error")


@pytest.mark.parametrize(
    "text", ["{" * 100_000, '{"a":' * 50_000, "[" * 70_000, '{"level":' + "9" * 5000 + "}", "\\" * 9999]
)
def test_hostile_lines_are_only_messages(text):
    assert parse_line(text).level == ""


@pytest.mark.parametrize(
    ("stamp", "time"),
    [
        ("2026-03-05 11:59:00,123", datetime(2026, 3, 5, 11, 59, 0, 123000, UTC)),
        ("2026/03/05 11:59:00", datetime(2026, 3, 5, 11, 59, tzinfo=UTC)),
        ("0305 11:59:00", datetime(2026, 3, 5, 11, 59, tzinfo=UTC)),
        ("1231 23:00:00", datetime(2025, 12, 31, 23, tzinfo=UTC)),
        ("0229 10:00:00", datetime(2024, 2, 29, 10, tzinfo=UTC)),
        ("Mar  5 11:59:00", datetime(2026, 3, 5, 11, 59, tzinfo=UTC)),
        # a node some hours ahead of UTC
        ("0305 20:00:00", NOW),
        ("05/Mar/2026:13:59:00 +0200", datetime(2026, 3, 5, 11, 59, tzinfo=UTC)),
        ("Mar 5, 2026 11:59:00 PM", datetime(2026, 3, 5, 23, 59, tzinfo=UTC)),
        (1772711940, datetime(2026, 3, 5, 11, 59, tzinfo=UTC)),
        (1772711940000, datetime(2026, 3, 5, 11, 59, tzinfo=UTC)),
        ("1772711940000000", datetime(2026, 3, 5, 11, 59, tzinfo=UTC)),
        (1772711940000000000, datetime(2026, 3, 5, 11, 59, tzinfo=UTC)),
        (42, None),
        (float("nan"), None),
        (10**400, None),
        ("9999 99:99:99", None),
        (True, None),
        ("soon", None),
    ],
)
def test_a_stamp_means_a_time_that_is_not_in_the_future(stamp, time):
    assert time_of(stamp, NOW) == time


def mongo(severity, text, /, **attr):
    import json

    fields = {"t": {"$date": "2026-03-05T11:59:00.123+00:00"}, "s": severity, "c": "STORAGE", "id": 1, "ctx": "main"}
    return said(json.dumps({**fields, "msg": text, "attr": attr}))


def test_mongodbs_own_json_gives_level_time_and_error():
    at = "2026-03-05T11:59:00.123+00:00"

    assert mongo("I", "Waiting for connections", port=27017) == ("info", "Waiting for connections", at)
    assert mongo("E", "WiredTiger error", error=13, message="open: Permission denied") == (
        "error", "WiredTiger error: open: Permission denied", at
    )  # fmt: skip
    assert mongo("F", "Fatal", error={"code": 9, "errmsg": "no such file"})[1] == "Fatal: no such file"


def test_json_that_only_resembles_mongodbs_is_read_as_it_is():
    assert said('{"t": 5, "s": "E", "ctx": "a", "msg": "hello", "level": "info"}') == ("info", "hello", None)
