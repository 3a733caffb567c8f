"""Databases that refuse their clients, and what only looks like it."""

from datetime import timedelta

import pytest

from kfi.diagnosis.catalogue import catalogue
from kfi.diagnosis.rules import databases, examine
from tests.cluster import NOW, calls, explain, log, obj, snapshot

CART, STOCK, MAIL = "Deployment/orchard/cart", "Deployment/orchard/stock", "Deployment/orchard/mail"
DB = "StatefulSet/orchard/orders-db"


def workload(text, env=(), *, ready=0, image="registry.orchard.example/app:1", args=(), **spec):
    name = text.rpartition("/")[2]
    container = {"name": "app", "image": image, "env": [{"name": k, **_value(v)} for k, v in dict(env).items()]}
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{**container, "args": list(args)}], **spec},
    }
    wants = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
    return obj(text, spec=wants, status={"readyReplicas": ready})


def _value(value):
    if isinstance(value, tuple):
        return {"valueFrom": {"secretKeyRef": {"name": value[0], "key": value[1]}}}
    return {"value": value}


def database(port=3306, image="mysql:8.0", **more):
    spec = {"selector": {"app": "orders-db"}, "ports": [{"port": port}], "clusterIP": "10.9.0.7"}
    yield workload(DB, image=image, ready=1, **more)
    yield obj("Service/orchard/orders-db", spec=spec)
    ready = {"conditions": [{"type": "Ready", "status": "True"}], "podIP": "10.1.0.4"}
    owner = [{"kind": "StatefulSet", "name": "orders-db", "controller": True}]
    yield obj("Pod/orchard/orders-db-0", metadata={"ownerReferences": owner}, status=ready)


def found(*documents):
    """(code, object) of what databases refuse; what clients suffer is left out."""
    findings = databases.check(snapshot(*documents))
    return [(f.code, str(f.ref)) for f in findings if f.code != "caller-errors"]


DENIED = "Error 1045 (28000): Access denied for user 'cart'@'10.1.0.9' (using password: YES)"


@pytest.mark.parametrize(
    ("image", "port", "line"),
    [
        ("mysql:8", 3306, DENIED),
        ("mysql:8", 3306, "SQLSTATE[HY000] [1045] Access denied for user 'cart'@'10.1.0.9' (using password: YES)"),
        ("postgres:16", 5432, 'pq: password authentication failed for user "cart"'),
        ("postgres:16", 5432, 'ActiveRecord::DatabaseConnectionError: FATAL: role "cart" does not exist'),
        ("postgres:16", 5432, "error: 28P01 invalid_password"),
        ("mongo:7", 27017, "com.mongodb.MongoSecurityException: Exception authenticating MongoCredential{user=cart}"),
        ("mongo:7", 27017, "connection() error: auth error: sasl conversation error: unable to authenticate using"),
        ("redis:7", 6379, "ReplyError: WRONGPASS invalid username-password pair or user is disabled."),
        ("redis:7", 6379, "ERR AUTH <password> called without any password configured for the default user"),
        ("mcr.microsoft.com/mssql/server:2022", 1433, "mssql: login error: Login failed for user 'cart'."),
        ("rabbitmq:3", 5672, "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN"),
    ],
)
def test_a_client_that_is_refused_at_login_has_wrong_credentials(image, port, line):
    client = workload(CART, {"DB_PASSWORD": ("cart-db", "password"), "DB_HOST": "orders-db"})

    assert found(client, *database(port, image), log(CART, line)) == [("db-credentials-refused", CART)]


def test_the_line_that_sets_the_password_is_cited():
    client = workload(CART, {"DB_PASSWORD": ("cart-db", "password")})

    [finding, *_] = databases.check(snapshot(client, *database(), log(CART, DENIED)))

    assert DENIED in finding.evidence[0].text
    assert any("cart-db" in citation.text for citation in finding.evidence)
    assert "orders-db" in finding.message


def test_clients_that_share_a_password_point_at_the_database():
    env = {"DB_PASSWORD": ("orders-db", "password"), "DB_HOST": "orders-db"}
    both = [workload(CART, env), workload(STOCK, env), log(CART, DENIED), log(STOCK, DENIED.replace("cart", "stock"))]
    own = [workload(STOCK, {"DB_PASSWORD": ("stock-db", "password")}) if one is both[1] else one for one in both]

    assert found(*both, *database()) == [("db-credentials-refused", DB)]
    assert found(*own, *database()) == [("db-credentials-refused", CART), ("db-credentials-refused", STOCK)]


def server_line(line):
    return log("StatefulSet/orchard/orders-db", line, level="warning")


def test_a_server_names_its_client_by_address_or_by_account():
    line = "2026-11-20 14:39:51 1184 [Warning] Access denied for user 'stock'@'10.1.0.9' (using password: YES)"
    owner = [{"kind": "Deployment", "name": "cart", "controller": True}]
    pod = obj("Pod/orchard/cart-x", metadata={"ownerReferences": owner}, status={"podIP": "10.1.0.9"})

    assert found(workload(CART), pod, *database(), server_line(line)) == [("db-credentials-refused", CART)]
    assert found(workload(STOCK), *database(), server_line(line)) == [("db-credentials-refused", STOCK)]


def test_somebody_who_guesses_passwords_is_a_weak_lead():
    line = "2026-11-20 14:39:51 1184 [Warning] Access denied for user 'root'@'203.0.113.9' (using password: YES)"

    findings = list(databases.check(snapshot(workload(CART, ready=1), *database(), server_line(line))))

    assert [f.strength for f in findings] == [0.3]


def test_a_login_that_was_refused_before_the_pod_became_ready_is_history():
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": (NOW - timedelta(minutes=20)).isoformat()}
    owner = [{"kind": "Deployment", "name": "cart", "controller": True}]
    pod = obj("Pod/orchard/cart-x", metadata={"ownerReferences": owner}, status={"conditions": [ready]})
    early = log(CART, DENIED).model_copy(update={"last_time": NOW - timedelta(minutes=21)})

    assert found(workload(CART, ready=1), pod, *database(), early) == []


@pytest.mark.parametrize(
    "line",
    [
        "user alice: login failed, wrong password",
        "GET /admin 403 access denied",
        "Access denied for user 'cart'@'%' to database 'reports'",
        "connection pool started with 10 connections, read-only replicas: 0",
        "authentication failed for order 1045",
        "not primary key: id",
    ],
)
def test_words_of_an_applications_own_are_no_refusals(line):
    assert found(workload(CART, {"DB_HOST": "orders-db"}), *database(), log(CART, line)) == []


def test_one_password_that_differs_from_all_siblings_is_suspected_where_its_workload_fails():
    def app(name, value, ready=1):
        yield workload(f"Deployment/orchard/{name}", {f"{name.upper()}_DB_PASSWORD": (name, "pw")}, ready=ready)
        yield obj(f"Secret/orchard/{name}", data={"pw": value})

    alike, other = "<secret:11111111>", "<secret:22222222>"
    siblings = [one for name in ("stock", "mail", "jam") for one in app(name, alike)]

    assert found(*siblings, *app("cart", other, ready=0)) == [("db-credentials-refused", CART)]
    assert found(*siblings, *app("cart", other)) == []
    assert found(*siblings, *app("cart", alike, ready=0)) == []


PORTS = {
    "variables in a pair": {"env": {"ORDERS_DB_HOST": "orders-db", "ORDERS_DB_PORT": "3307"}},
    "libpq's names": {"env": {"MYSQL_HOST": "orders-db.orchard.svc", "MYSQL_PORT": "3307"}},
    "Go's DSN": {"args": ["--dsn=cart@tcp(orders-db:3307)/orders"]},
    "a URL in the arguments": {"args": ["--store", "mysql://orders-db:3307/orders"]},
    "a connection string": {"env": {"ConnectionStrings__Db": "Host=orders-db;Port=3307;Database=orders"}},
    "another connection string": {"env": {"DB": "Server=orders-db,3307;Database=orders;Trusted=true"}},
}


@pytest.mark.parametrize("settings", PORTS.values(), ids=PORTS)
def test_a_port_that_the_database_does_not_have_is_the_clients_fault(settings):
    right = {
        part: {k: v.replace("3307", "3306") for k, v in value.items()}
        if isinstance(value, dict)
        else [one.replace("3307", "3306") for one in value]
        for part, value in settings.items()
    }

    assert found(workload(CART, **settings), *database()) == [("db-wrong-port", CART)]
    assert found(workload(CART, **right), *database()) == []


def test_a_port_in_a_mounted_file_is_read_too():
    settings = {"app.properties": "orders.db.host=orders-db\norders.db.port=3307\n"}
    volume = {"volumes": [{"name": "conf", "configMap": {"name": "cart"}}]}
    container = {"name": "app", "volumeMounts": [{"name": "conf", "mountPath": "/etc/cart"}]}
    template = {"spec": {"containers": [container], **volume}}
    client = obj(CART, spec={"replicas": 1, "template": template}, status={"readyReplicas": 0})

    documents = [client, obj("ConfigMap/orchard/cart", data=settings), *database()]

    assert found(*documents) == [("db-wrong-port", CART)]
    assert "orders.db.port" in next(iter(databases.check(snapshot(*documents)))).evidence[0].text


def test_a_port_that_only_the_log_names_is_joined_to_the_service_by_its_address():
    refused = log(CART, "dial tcp 10.9.0.7:3360: connect: connection refused")
    right = log(CART, "dial tcp 10.9.0.7:3306: connect: connection refused")

    assert found(workload(CART), *database(), refused) == [("db-wrong-port", CART)]
    assert found(workload(CART), *database(), right) == []


def test_clients_that_agree_on_a_port_point_at_the_service():
    env = {"DB_HOST": "orders-db", "DB_PORT": "3306"}

    assert found(workload(CART, env), workload(STOCK, env), *database(3307)) == [
        ("service-port-mismatch", "Service/orchard/orders-db")
    ]


FULL = [
    ("mysql:8", 3306, "SQLNonTransientConnectionException: Too many connections"),
    ("postgres:16", 5432, "FATAL: sorry, too many clients already"),
    ("postgres:16", 5432, "FATAL: remaining connection slots are reserved for non-replication superuser connections"),
    ("redis:7", 6379, "ERR max number of clients reached"),
]
READ_ONLY = [
    ("mysql:8", 3306, "Error 1290: The MySQL server is running with the --read-only option so it cannot execute this"),
    ("mysql:8", 3306, "The MySQL server is running with the --super-read-only option so it cannot execute"),
    ("mysql:8", 3306, "ERROR 1836 (HY000): Running in read-only mode"),
    ("mysql:8", 3306, "ERROR 1881 (HY000): Operation not allowed when innodb_forced_recovery > 0."),
    (
        "mariadb:11",
        3306,
        "pymysql.err.OperationalError: (1881, 'Operation not allowed when INNODB_FORCE_RECOVERY > 0')",
    ),
    ("postgres:16", 5432, "ERROR: cannot execute INSERT in a read-only transaction"),
    ("redis:7", 6379, "READONLY You can't write against a read only replica."),
    ("mongo:7", 27017, "(NotWritablePrimary) not primary"),
    ("elasticsearch:8", 9200, "index [jam] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)]"),
]


@pytest.mark.parametrize(("image", "port", "line"), FULL)
def test_a_database_that_turns_clients_away_is_the_object(image, port, line):
    client = workload(CART, {"DB_HOST": "orders-db"})

    assert found(client, *database(port, image), log(CART, line)) == [("db-connections-exhausted", DB)]


@pytest.mark.parametrize(("image", "port", "line"), READ_ONLY)
def test_a_database_that_refuses_writes_is_the_object(image, port, line):
    client = workload(CART, {"DB_HOST": "orders-db"}, ready=1)

    assert found(client, *database(port, image), log(CART, line)) == [("db-read-only", DB)]


def test_the_setting_that_limits_or_bars_is_cited_and_said():
    full, barred = (log(CART, line) for line in (FULL[0][2], READ_ONLY[0][2]))

    [exhausted, *_] = databases.check(snapshot(workload(CART), *database(args=["--max-connections=3"]), full))
    [read_only, *_] = databases.check(snapshot(workload(CART), *database(args=["--read-only"]), barred))

    assert "max-connections=3" in exhausted.message
    assert "max-connections" in exhausted.evidence[0].text
    assert "set to read-only" in read_only.message


def test_a_full_database_explains_the_crashes_of_its_clients():
    ended = {"terminated": {"reason": "Error", "exitCode": 1, "finishedAt": NOW.isoformat()}}
    status = {"name": "app", "ready": False, "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    pod = obj(
        "Pod/orchard/cart-x",
        metadata={"ownerReferences": [{"kind": "Deployment", "name": "cart", "controller": True}]},
        spec={"containers": [{"name": "app", "env": [{"name": "DB_HOST", "value": "orders-db"}]}]},
        status={"phase": "Running", "containerStatuses": [{**status, "lastState": ended}]},
    )
    shot = snapshot(workload(CART), pod, *database(), log("Pod/orchard/cart-x", FULL[0][2]))

    incidents = explain(shot, examine(shot), catalogue())

    assert [(i.root.rule.code, str(i.root.subject)) for i in incidents] == [("db-connections-exhausted", DB)]


WAITS = "HikariPool-1 - Connection is not available, request timed out after 30000ms."


def test_an_empty_pool_is_the_clients_own_unless_several_have_one():
    env = {"DB_HOST": "orders-db"}
    one = [workload(CART, env), *database(), log(CART, WAITS)]

    assert found(*one) == [("db-connections-exhausted", CART)]
    assert found(*one, workload(MAIL, env), log(MAIL, WAITS)) == [("db-connections-exhausted", DB)]


def test_a_pool_cannot_but_be_empty_where_the_database_is_down_or_refuses_the_connection():
    client, waits = workload(CART, {"DB_HOST": "orders-db"}), log(CART, WAITS)
    refused = log(CART, "dial tcp 10.9.0.7:3306: connect: connection refused")
    down = [one for one in database() if one.ref.kind != "Pod"]

    assert found(client, *down, waits) == []
    assert found(client, *database(), waits, refused) == []


def test_a_server_names_its_client_by_the_name_of_its_address_or_by_an_account_that_one_workload_has():
    line = "2026-11-20 14:39:51 1184 [Warning] Access denied for user '{}'@'{}' (using password: YES)"
    owner = [{"kind": "Deployment", "name": "cart", "controller": True}]
    pod = obj("Pod/orchard/cart-x", metadata={"ownerReferences": owner}, status={"podIP": "10.1.0.9"})
    by_name = server_line(line.format("shop_ro", "10-1-0-9.cart.orchard.svc.cluster.local"))
    by_account = server_line(line.format("shop_ro", "203.0.113.9"))
    reads = workload(STOCK, {"DB_USER": "shop_ro", "DB_HOST": "orders-db"}, ready=1)

    assert found(workload(CART, ready=1), pod, *database(), by_name) == [("db-credentials-refused", CART)]
    assert found(reads, *database(), by_account) == [("db-credentials-refused", STOCK)]


def test_a_host_in_an_address_is_no_account():
    line = "2026-11-20 14:39:51 1184 [Warning] Access denied for user 'mail'@'203.0.113.9' (using password: YES)"
    calls = workload(CART, {"MAIL_URL": "http://mail:8025", "DB_HOST": "orders-db"}, ready=1)
    has = workload(STOCK, {"DB_URL": "mysql://mail:secret@orders-db/orders"}, ready=1)

    assert found(calls, *database(), server_line(line)) == [("db-credentials-refused", DB)]
    assert found(calls, has, *database(), server_line(line)) == [("db-credentials-refused", STOCK)]


def quiet(**more):
    client = workload(CART, {"DATABASE_URL": "mysql://orders-db:3306/orders"}, ready=1)
    return [f for f in databases.check(snapshot(client, *database(**more))) if f.code == "db-read-only"]


def test_a_lone_database_that_is_set_to_read_only_is_suspected_without_a_log():
    (suspected,) = quiet(args=["--read-only=1"])

    assert (str(suspected.ref), suspected.strength) == (DB, 0.5)
    assert quiet() == []
    assert quiet(args=["--read-only=0"]) == []


@pytest.mark.parametrize("args", [["--read-only=1", "--relay-log=relay"], ["--super-read-only=1", "--server-id=2"]])
def test_a_replica_is_rightly_read_only(args):
    assert quiet(args=args) == []


def test_forced_recovery_explains_why_a_database_takes_no_writes():
    refused = log(CART, "ERROR 1881 (HY000): Operation not allowed when innodb_forced_recovery > 0.")
    [told, *_] = databases.check(snapshot(workload(CART), *database(args=["--innodb-force-recovery=4"]), refused))

    assert "set to innodb-force-recovery=4" in told.message
    assert found(workload(CART), *database(args=["--innodb-force-recovery=0"])) == []


@pytest.mark.parametrize(
    "line",
    [
        "CommunicationsException: Unsupported protocol version: 11. Likely connecting to an X Protocol port.",
        "ERROR 2007 (HY000): Protocol mismatch; server version = 11, client version = 10",
    ],
)
def test_a_client_that_meets_the_other_protocol_asks_the_wrong_port(line):
    client = workload(CART, {"DB_URL": "jdbc:mysql://orders-db:33060/orders"})
    [told] = [f for f in databases.check(snapshot(client, *database(), log(CART, line))) if f.strength == 0.95]

    assert (told.code, str(told.ref)) == ("db-wrong-port", CART)
    assert "set to port 33060" in told.message
    assert found(workload(CART), *database(), log(CART, "X Protocol is listening on port 33060", level="info")) == []
    assert found(workload(CART), *database(), log(CART, "server version = 10, client version = 10")) == []


def test_who_calls_a_full_database_waits_for_it_though_its_address_is_in_a_secret():
    hidden = workload(CART, {"DB_URL": ("orders-db", "url")})
    full = log("Pod/orchard/orders-db-0", "[Warning] [MY-010000] [Server] Too many connections")
    stranger = workload(MAIL)

    [told] = databases.check(snapshot(hidden, stranger, *database(), full, calls(("cart", "orders-db"))))
    [alone] = databases.check(snapshot(hidden, stranger, *database(), full))

    assert (told.code, [str(r) for r in told.affects]) == ("db-connections-exhausted", [CART])
    assert alone.affects == ()
