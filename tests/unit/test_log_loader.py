from datetime import UTC, datetime

import pytest

from kfi.ingestion.base import SourceText
from kfi.ingestion.log_loader import LogLoader
from kfi.ingestion.logs.paths import owner_of
from kfi.models.records import LogRecord
from kfi.models.schemas import DocumentKind, ObjectRef, Severity, Source

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
UID = "6e3013d5-a79b-4dc4-b6c0-6b652302672e"


def source(text, path="logs/orchard/cart.log"):
    return SourceText(path=path, lines=lambda: iter(text.splitlines()), observed_at=NOW, cluster="c1")


def load(text, path="logs/orchard/cart.log"):
    return list(LogLoader().load(source(text, path)))


def record(document):
    return LogRecord.model_validate(document.payload)


def test_lines_of_one_template_become_one_document():
    text = "\n".join(f"2026-03-05T11:0{n}:00Z ERROR order {n} failed" for n in range(1, 4))

    (document,) = load(text)

    assert document.kind is DocumentKind.LOG
    assert document.ref == ObjectRef(cluster="c1", namespace="orchard", name="cart")
    assert document.source == Source(path="logs/orchard/cart.log", first_line=1, last_line=1)
    assert document.text == "2026-03-05T11:01:00Z ERROR order 1 failed"
    assert document.first_time == datetime(2026, 3, 5, 11, 1, tzinfo=UTC)
    assert document.last_time == datetime(2026, 3, 5, 11, 3, tzinfo=UTC)
    assert (document.count, document.severity) == (3, Severity.ERROR)
    assert document.card == "log orchard/cart error x3: ERROR order <num> failed"
    assert record(document) == LogRecord(
        template="ERROR order <num> failed", example="ERROR order 1 failed", level="error", line=1
    )


@pytest.mark.parametrize(
    ("path", "owner", "previous"),
    [
        (f"var/log/pods/orchard_cart-0_{UID}/app/0.log", "Pod/orchard/cart-0[app]", False),
        (f"var/log/containers/cart-0_orchard_app-{'a' * 64}.log", "Pod/orchard/cart-0[app]", False),
        ("b.tgz!x/namespaces/orchard/pods/cart-0/app/app/logs/current.log", "Pod/orchard/cart-0[app]", False),
        ("x/namespaces/orchard/pods/cart-0/app/app/logs/previous.insecure.log", "Pod/orchard/cart-0[app]", True),
        ("x/cluster-resources/pods/logs/orchard/cart-0/app.log", "Pod/orchard/cart-0[app]", False),
        ("x/cluster-resources/pods/logs/orchard/cart-0/app-previous.log", "Pod/orchard/cart-0[app]", True),
        ("x/pod/orchard/logs/cart-0/app_previous.log", "Pod/orchard/cart-0[app]", True),
        ("dump/orchard/cart-0/logs.txt", "Pod/orchard/cart-0", False),
        ("logs/orchard/cart-0/app.log", "Pod/orchard/cart-0[app]", False),
        ("logs/orchard/cart.log", "?/orchard/cart", False),
        ("logs/orchard/cart-previous.log", "?/orchard/cart", True),
        ("cart-0.app.log", "?/shop/cart-0[app]", False),
        ("cart-previous.log", "?/shop/cart", True),
        ("previous.log", "?/shop", True),
        ("kubectl_previous_logs.txt", "?/shop", True),
        ("kubectl_logs.txt", "?/shop", False),
        ("cart-previous-logs.txt", "?/shop/cart-previous-logs", True),
        ("previous-orders.log", "?/shop/previous-orders", False),
        ("-", "?/shop", False),
    ],
)
def test_the_path_says_whose_log_it_is(path, owner, previous):
    found = owner_of(path, namespace="shop")

    assert (str(found.ref), found.previous) == (owner, previous)


def test_the_uid_in_a_path_is_the_incarnation():
    (document,) = load("hello", f"pods/orchard_cart-0_{UID}/app/0.log")

    assert document.incarnation == UID


def test_a_log_of_the_previous_run_is_marked():
    (document,) = load("hello", "logs/orchard/cart-previous.log")

    assert record(document).previous
    assert document.card == "log orchard/cart previous: hello"


def test_a_python_traceback_is_one_error_named_by_its_exception():
    text = """starting
Traceback (most recent call last):
  File "/app/main.py", line 3, in <module>
    connect()
  File "/app/db.py", line 9, in connect
    raise ConnectionError(f"no route to {host}")
ConnectionError: no route to db
done"""

    started, failed, done = load(text)

    assert record(failed).example == "ConnectionError: no route to db"
    assert record(failed).template == "ConnectionError: no route to db"
    assert record(failed).stack.startswith('  File "/app/main.py", line 3')
    assert (failed.severity, failed.source.first_line, failed.source.last_line) == (Severity.ERROR, 2, 7)
    assert failed.text == "\n".join(text.splitlines()[1:7])
    assert [d.text for d in (started, done)] == ["starting", "done"]


def test_a_traceback_without_indentation_is_still_one_entry_and_the_next_one_another():
    trace = """Traceback (most recent call last):
File "/app/main.py", line 3, in <module>
answer = stub.Get(request)
^^^^^^^^^^^^^^^^^
grpc._channel._InactiveRpcError: <_InactiveRpcError of RPC that terminated with:
status = StatusCode.UNAVAILABLE
details = "connection refused"
>"""

    (document,) = load(f"{trace}\n{trace}")

    assert document.count == 2
    assert record(document).example.endswith("that terminated with: connection refused")


def test_chained_python_exceptions_are_one_entry_named_by_the_last():
    text = """ERROR:root:request failed
Traceback (most recent call last):
  File "a.py", line 1, in f
    g()
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in f
    raise ValueError("y")
ValueError: y"""

    (document,) = load(text)

    assert record(document).example == "ERROR:root:request failed: ValueError: y"
    assert document.text == text


def test_a_java_stack_stays_with_the_error_that_announced_it():
    text = """2026-03-05 11:00:00.123 ERROR 1 --- [main] shop.Cart : cannot save
java.lang.IllegalStateException: pool is closed
\tat shop.Pool.get(Pool.java:42)
\tat shop.Cart.save(Cart.java:7)
Caused by: java.net.ConnectException: refused
\t... 12 more
2026-03-05 11:00:01.123  INFO 1 --- [main] shop.Cart : next"""

    error, info = load(text)

    assert record(error).example == (
        "ERROR 1 --- [main] shop.Cart : cannot save: java.lang.IllegalStateException: pool is closed"
    )
    assert "Caused by: java.net.ConnectException: refused" in record(error).stack
    assert (info.source.first_line, record(info).level) == (7, "info")


def test_a_go_panic_keeps_its_goroutines():
    text = """panic: runtime error: invalid memory address

goroutine 1 [running]:
main.(*Cart).Save(0xc000)
\t/app/cart.go:42 +0x1d
main.main()
\t/app/main.go:7 +0x2a
exit status 2
restarted"""

    panic, restarted = load(text)

    assert (record(panic).level, panic.source.last_line) == ("fatal", 8)
    assert restarted.text == "restarted"


def test_node_and_dotnet_stacks_stay_with_their_error():
    node = """Error: connect ECONNREFUSED 10.0.0.7:5432
    at TCPConnectWrap.afterConnect (node:net:1555:16) {
  code: 'ECONNREFUSED'
}"""
    dotnet = """fail: Shop.Cart[7]
      Cannot save
      System.InvalidOperationException: closed
         at Shop.Cart.Save() in Cart.cs:line 42"""

    (error,), (fail,) = load(node), load(dotnet)

    assert error.text == node
    assert record(fail).example == "Shop.Cart[7] Cannot save: System.InvalidOperationException: closed"
    assert record(fail).level == "error"


def test_java_util_logging_joins_its_two_lines():
    (document,) = load("Mar 05, 2026 11:00:00 AM shop.Cart save\nSEVERE: cannot save")

    assert (record(document).level, record(document).example) == ("error", "SEVERE: cannot save")
    assert document.first_time == datetime(2026, 3, 5, 11, 0, tzinfo=UTC)


def test_an_exception_that_was_logged_as_information_is_worth_a_warning():
    (document,) = load("info: Shop.Cart[7]\n      refused\n         at Shop.Cart.Save()")

    assert (record(document).level, document.severity) == ("info", Severity.WARNING)


def test_values_below_a_klog_information_are_no_stack_trace():
    values = """I0305 11:00:00.000000       1 options.go:10] "Starting cart" config=<
\tkind: CartOptions
\tConnectionError: retry
\tat startup
 >"""

    started, following = load(f"{values}\nI0305 11:00:01.000000       1 cart.go:7] ready")

    assert record(started) == LogRecord(
        template='"Starting cart" config=<', example='"Starting cart" config=<', level="info", line=1
    )
    assert (started.severity, started.text) == (Severity.NORMAL, values)
    assert record(following).example == "ready"


@pytest.mark.parametrize("indent", ["", "\t"])
def test_goroutines_below_a_klog_information_are_a_stack_trace(indent):
    text = f"""I0305 11:00:00.000000       1 cart.go:10] recovered
{indent}goroutine 7 [running]:
{indent}main.save(0xc0000b4000)
{indent}\t/app/main.go:42 +0x1d"""

    (document,) = load(text)

    assert record(document).stack == "\n".join(text.splitlines()[1:])
    assert document.severity is Severity.WARNING


@pytest.mark.parametrize("level", ["W", "E"])
def test_what_is_below_a_klog_warning_or_error_stays_its_stack(level):
    (document,) = load(f"{level}0305 11:00:00.000000       1 cart.go:10] cannot save\n\tpool is closed")

    assert record(document).stack == "\tpool is closed"


def test_pieces_of_a_long_line_are_joined():
    stamp = "2026-03-05T11:00:00Z stdout"

    (document,) = load(f"{stamp} P ERROR one \n{stamp} P two \n{stamp} F three")

    assert record(document).example == "ERROR one two three"
    assert (document.source.first_line, document.source.last_line) == (1, 3)


def test_a_line_that_never_ends_is_cut():
    (document,) = load("\n".join(f"2026-03-05T11:00:00Z stdout P {'x' * 16000}" for _ in range(100)))

    assert len(record(document).example) == 2000
    assert document.source.last_line <= 60


def test_prefixed_lines_belong_to_the_containers_they_name():
    documents = load("[pod/cart-0/app] hello\n[pod/cart-1/app] hello\n[pod/cart-0/app] hello", "all.log")

    assert [(str(d.ref), d.count) for d in documents] == [("Pod/cart-0[app]", 2), ("Pod/cart-1[app]", 1)]


def test_journal_lines_belong_to_the_node():
    text = """-- Logs begin at Tue 2026-03-03 09:10:29 UTC, end at Thu 2026-03-05 10:13:48 UTC. --
Mar 05 11:00:00 node-a kubelet[7]: E0305 11:00:00.100000 7 a.go:1] cannot sync"""

    (document,) = load(text, "kubelet_service.log")

    assert document.ref == ObjectRef(cluster="c1", kind="Node", name="node-a")
    assert record(document).unit == "kubelet"
    assert document.card == "log Node/node-a kubelet error: cannot sync"


def test_a_container_that_writes_syslog_lines_keeps_its_log():
    (document,) = load("Mar 05 11:00:00 cart-0 cart[7]: hello", "logs/orchard/cart.log")

    assert document.ref.name == "cart"


def test_an_empty_log_is_noted():
    given = source("\n\n")

    assert list(LogLoader().load(given)) == []
    assert [s.reason for s in given.skipped] == ["empty"]


def test_some_lines_of_a_source_can_be_loaded_for_an_object():
    cart = ObjectRef(cluster="c1", kind="Pod", namespace="orchard", name="cart-0", container="app")

    (document,) = LogLoader().load_lines([(41, "panic: nil map")], source(""), cart, previous=True)

    assert (document.ref, document.source.first_line, record(document).previous) == (cart, 41, True)


def test_the_same_log_gives_the_same_ids_and_one_more_line_another():
    one, same, other = (load("\n".join(["ERROR x"] * n))[0] for n in (2, 2, 3))

    assert (one.id, one.identity) == (same.id, same.identity)
    assert other.identity == one.identity
    assert other.id != one.id


def test_identities_are_unique_within_a_log():
    words = ["alpha", "beta", "gamma", "delta"]
    text = "\n".join(f"{a} {b} is {c} now" for a in words for b in words for c in words)

    documents = load(text)

    assert len({d.identity for d in documents}) == len(documents)
    assert sum(d.count for d in documents) == 64
