"""What a program's own words say is wrong."""

import pytest

from kfi.diagnosis.conditions.log_targets import answers_wrong, named, unreached
from kfi.diagnosis.conditions.log_words import MAX_CHARS, excerpt, missing_file, told


@pytest.mark.parametrize(
    ("text", "code", "what"),
    [
        ("the environment variable SENDER is undefined", "missing-environment-variable", "SENDER"),
        ("Missing required environment variable: SHOP_DB", "missing-environment-variable", "SHOP_DB"),
        ("Missing environment variables:\n    PAY_KEY: required", "missing-environment-variable", "PAY_KEY"),
        ("Environment variable is not set: SHOP_MODE", "missing-environment-variable", "SHOP_MODE"),
        ("SHOP_MODE must be set", "missing-environment-variable", "SHOP_MODE"),
        ("please set `SHOP_MODE`", "missing-environment-variable", "SHOP_MODE"),
        ("/run.sh: line 4: SHOP_MODE: unbound variable", "missing-environment-variable", "SHOP_MODE"),
        ("sh: 1: mode: parameter not set", "missing-environment-variable", "mode"),
        ("required key SHOP_DSN missing value", "missing-environment-variable", "SHOP_DSN"),
        ("KeyError: 'SHOP_MODE'", "missing-environment-variable", "SHOP_MODE"),
        ('key not found: "MODE" (KeyError)', "missing-environment-variable", "MODE"),
        ("Could not resolve placeholder 'shop.mode' in value", "missing-environment-variable", "shop.mode"),
        ("1 validation error for Settings\nshop_mode\n  Field required", "missing-environment-variable", "shop_mode"),
        ('/bin/sh: syntax error: unexpected "done"', "shell-syntax-error", ""),
        ('/run.sh: 3: Syntax error: "fi" unexpected', "shell-syntax-error", ""),
        ("bash: -c: line 1: syntax error near unexpected token `)'", "shell-syntax-error", ""),
        ("ssl: certificate verify failed: certificate has expired (_ssl.c:1006)", "certificate-expired", ""),
        ("Error: CERT_HAS_EXPIRED", "certificate-expired", ""),
        ("remote error: tls: expired certificate", "certificate-expired", ""),
        ("PKIX path building failed: unable to find it", "certificate-untrusted", ""),
        ("x509: certificate signed by unknown authority", "certificate-untrusted", "signed by unknown authority"),
        ("self-signed certificate in certificate chain", "certificate-untrusted", ""),
        ("Client does not support authentication protocol requested by server", "client-version-unsupported", ""),
        ("SCRAM authentication is not supported by this driver.", "client-version-unsupported", ""),
        ("write /x: no space left on device", "disk-full", ""),
        ("OSError: [Errno 28] out of room", "disk-full", ""),
        ("EROFS: read-only file system, open '/x'", "read-only-file-system", ""),
        ("java.lang.OutOfMemoryError: Metaspace", "runtime-out-of-memory", "Metaspace"),
        ("FATAL ERROR: Allocation failed - process out of memory", "runtime-out-of-memory", ""),
        ("fatal error: runtime: out of memory", "runtime-out-of-memory", "out of memory"),
        ("ModuleNotFoundError: No module named 'pears'", "module-missing", "pears"),
        ("Error: Cannot find module 'pears'", "module-missing", "pears"),
        ("java.lang.ClassNotFoundException: example.Pears", "module-missing", "example.Pears"),
        ("cart: error while loading shared libraries: libpear.so.1: cannot open", "module-missing", "libpear.so.1"),
        ("listen tcp :80: bind: permission denied", "privileged-port-denied", "80"),
        ("Error: listen EACCES: permission denied 0.0.0.0:443", "privileged-port-denied", "443"),
        ("PermissionError: [Errno 13] Permission denied: '/srv/x'", "file-permission-denied", "/srv/x"),
        ("open /srv/x: permission denied", "file-permission-denied", "/srv/x"),
    ],
)  # fmt: skip
def test_words_that_leave_no_doubt_are_understood(text, code, what):
    found = told(text)

    assert found is not None
    assert (found.rule.code, found.what) == (code, what)


@pytest.mark.parametrize(
    "text",
    [
        "ERROR: syntax error at or near FORM",
        "the certificate expires in 10 days",
        "certificate has not expired",
        "ENOSPC: System limit for number of file watchers reached",
        "user USER_NOT_FOUND",
        "environment variable SHOP_MODE=live",
        "no errors",
        "listen tcp :8080: bind: permission denied",
        "",
    ],
)
def test_words_that_only_look_alike_are_not(text):
    assert told(text) is None


@pytest.mark.parametrize(
    ("text", "date", "early"),
    [
        ("x509: certificate has expired or is not yet valid: current time 2026-11-20T14:00:00Z is after "
         "2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z", False),
        ("x509: certificate has expired or is not yet valid: current time 2026-11-20T14:00:00Z is before "
         "2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z", True),
        ("CertificateExpiredException: NotAfter: Fri Nov 20 01:00:00 UTC 2026", "Fri Nov 20 01:00:00 UTC 2026", False),
        ("SSL certificate expired\nCertificate expired on 2026-08-03 17:00:08", "2026-08-03 17:00:08", False),
    ],
)  # fmt: skip
def test_a_certificates_date_is_read_where_it_is_given(text, date, early):
    found = told(text)

    assert found is not None
    assert (found.date, found.early) == (date, early)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("open /etc/shop/a.yaml: no such file or directory", "/etc/shop/a.yaml"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'a.json'", "a.json"),
        ("Error: Cannot find module '/app/server.js'", "/app/server.js"),
        ("Error: Unable to access jarfile /app/cart.jar", "/app/cart.jar"),
        ("java.nio.file.NoSuchFileException: /keys/id", "/keys/id"),
    ],
)
def test_a_file_that_is_not_there_is_named(text, path):
    found = missing_file(text)

    assert found is not None
    assert found.what == path


@pytest.mark.parametrize(
    ("text", "place", "how"),
    [
        ("dial tcp: lookup stock-db on 10.96.0.10:53: no such host", "stock-db", "is a name that does not resolve"),
        ("dial tcp 10.0.0.9:5432: connect: connection refused", "10.0.0.9:5432", "refuses connections"),
        ("Error: getaddrinfo ENOTFOUND mail.orchard", "mail.orchard", "is a name that does not resolve"),
        ("java.net.UnknownHostException: pricing-db", "pricing-db", "is a name that does not resolve"),
        ('server at "stock-db" (10.0.0.9), port 5432 failed: refused', "stock-db:5432", "refuses connections"),
        ("HTTPConnectionPool(host='pricing', port=8080): Max retries exceeded", "pricing:8080", ""),
        ("Can't connect to MySQL server on 'stock-db' ([Errno 111])", "stock-db", "refuses connections"),
        ("No host(s) answered: All host(s) tried for query failed (tried: stock/10.2.3.4:9042)", "stock:9042", ""),
        ("Connection to node -1 (kafka-0/10.1.1.1:9092) could not be established.", "kafka-0:9092", ""),
        ("curl: (7) Failed to connect to pricing port 8080: Connection refused", "pricing:8080", "refuses connections"),
        ("wget: bad address 'pricing:8080'", "pricing:8080", "is a name that does not resolve"),
        ("connect to amqp://u:p@queue.orchard:5672/: i/o timeout", "queue.orchard:5672", "does not answer in time"),
        ("connect ECONNREFUSED 127.0.0.1:27017, no answer of stock:27017", "stock:27017", "refuses connections"),
    ],
)  # fmt: skip
def test_whom_a_line_cannot_reach_is_named_and_how(text, place, how):
    found = unreached(text)

    assert found is not None
    assert (found.place, found.how) == (place, how)


@pytest.mark.parametrize(
    "text",
    [
        "main.go:33: failed to connect: timed out",
        "at 10:15:20 the connection was refused",
        "traces export: dial tcp: lookup otel-collector: no such host",
        "listening on 0.0.0.0:8080",
    ],
)
def test_lines_that_name_nobody_blame_nobody(text):
    assert unreached(text) is None


def test_a_server_error_of_another_is_told_from_ones_own_answer():
    found = answers_wrong("http://pricing:8080/quote responded with status 503")

    assert found is not None
    assert (found.place, found.how) == ("pricing:8080", "answers with HTTP 503")
    assert answers_wrong("GET /login 200 3700.885 ms") is None


def test_a_page_that_explains_an_error_is_not_the_server():
    host = named("rejected by ledger-db:3306, for details see https://docs.example/errors")

    assert host is not None
    assert host.place == "ledger-db:3306"
    assert named("unsupported, see https://docs.example/errors") is None


def test_a_long_line_is_quoted_around_what_matters():
    text = "first line\n" + "x " * 300 + "no space left on device" + " y" * 300 + "\nlast line"
    begin = text.index("no space")

    quote = excerpt(text, begin, begin + 23, 60)

    assert "no space left on device" in quote
    assert len(quote) <= 62
    assert quote.startswith("…")
    assert quote.endswith("…")


@pytest.mark.parametrize("part", ["A_", "/a", "environment variable ", "certificate expired ", "a.b/c-", "://x:1 "])
def test_text_made_to_be_slow_is_read_fast(part):
    text = (part * MAX_CHARS)[: MAX_CHARS * 3]

    told(text)
    missing_file(text)
    unreached(text)
    answers_wrong(text)
