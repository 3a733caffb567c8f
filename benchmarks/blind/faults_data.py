"""Faults between a service and its database: credentials, port, connections, read-only."""

from __future__ import annotations

from .cases import case
from .effects import alert, crash, fresh_pods, hurt_callers, set_env
from .logs import line, say
from .model import Cluster


@case("mysql_invalid_credentials", "ferry", "crew planning shows an empty page since this morning, what happened?")
def go_literal_password(c: Cluster) -> str:
    """Go, literal password in the manifest, the process dies at start."""
    app, db = c.app("crewing"), c.app("mysql")
    set_env(app, "DB_PASSWORD", "crew-2025")
    pod = fresh_pods(c, app)[0]
    message = f"Error 1045 (28000): Access denied for user 'crewing'@'{pod.ip}' (using password: YES)"
    crash(
        c,
        app,
        [
            line(app, c.at(75), "error", "ping database", message),
            line(app, c.at(75), "error", "exiting", "store: init failed"),
        ],
    )
    db.logs += [
        f"{c.at(75 + 40 * n):%Y-%m-%dT%H:%M:%S}.882911Z {900 + n} [Note] [MY-010926] [Server] Access "
        f"denied for user 'crewing'@"
        f"'{pod.ip}' (using password: YES)"
        for n in (3, 2, 1, 0)
    ]
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("mysql_invalid_credentials", "clinic", "patients cannot book appointments any more, please find out why")
def java_rotated_secret(c: Cluster) -> str:
    """Java with a Secret whose value is stale; the pod keeps running, requests fail."""
    app = c.app("booking")
    pods = fresh_pods(c, app, 1500)
    for pod in pods:
        say(
            c,
            app,
            "HikariPool-1 - Exception during pool initialization.",
            f"java.sql.SQLException: Access denied for user 'appointments'@'{pod.ip}' (using password: YES)\n"
            "\tat com.mysql.cj.jdbc.exceptions.SQLError.createSQLException(SQLError.java:130)\n"
            "\tat com.zaxxer.hikari.pool.PoolBase.newConnection(PoolBase.java:364)",
            times=2,
        )
    say(
        c,
        app,
        "Servlet.service() for servlet [dispatcherServlet] threw exception",
        "org.springframework.jdbc.CannotGetJdbcConnectionException: Failed to obtain JDBC Connection",
    )
    say(c, c.app("portal"), "appointments answered 500")
    alert(c, "HighErrorRate", {"service": app.name}, "appointments: 5xx ratio 97% over the last 5m")
    return f"app/{app.name}"


@case("mysql_invalid_credentials", "library", "members complain that reader accounts do not load")
def only_the_server_tells(c: Cluster) -> str:
    """Python that swallows the driver's message; only MySQL's own log says why."""
    app, db = c.app("loyalty"), c.app("mysql")
    set_env(app, "MYSQL_USER", "readers_ro")
    pod = fresh_pods(c, app, 2000)[0]
    say(c, app, "could not open database session, giving 503", times=4)
    host = (pod.ip or "").replace(".", "-") + f".{app.name}.{c.ns}.svc.cluster.local"
    db.logs += [
        f"{c.at(160 - 30 * n):%Y-%m-%dT%H:%M:%S}.120041Z {4410 + n} [Warning] [MY-010055] [Server] IP "
        f"address '{pod.ip}' could not be "
        "resolved: Name or service not known"
        for n in (0,)
    ]
    db.logs += [
        f"{c.at(160 - 30 * n):%Y-%m-%dT%H:%M:%S}.120041Z {4411 + n} [Note] [MY-010926] [Server] Access denied for user "
        f"'readers_ro'@'{host}' (using password: YES)"
        for n in range(5)
    ]
    say(c, c.app("portal"), "readers answered 503")
    return f"app/{app.name}"


@case("mysql_invalid_credentials", "ferry", "invoices are not created. Is something down?")
def dotnet_postgres_password(c: Cluster) -> str:
    """Npgsql against Postgres, the wrong role."""
    app, db = c.app("invoicing"), c.app("postgres")
    set_env(
        app,
        "ConnectionStrings__Main",
        f"Host={db.name};Port=5432;Database=invoicing;Username=invoicing;Password=changeme",
    )
    fresh_pods(c, app, 900)
    crash(
        c,
        app,
        [
            line(
                app,
                c.at(80),
                "error",
                "Unhandled exception.",
                'Npgsql.PostgresException (0x80004005): 28P01: password authentication failed for user "invoicing"',
            )
        ],
        code=134,
    )
    db.logs += [
        f"{c.at(80 + 60 * n):%Y-%m-%d %H:%M:%S}.441 UTC [{3100 + n}] FATAL:  password authentication "
        f'failed for user "invoicing"'
        for n in (2, 1, 0)
    ]
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("mysql_invalid_port", "clinic", "staff rota gives errors")
def go_wrong_port(c: Cluster) -> str:
    """Go with DB_PORT 33060 (MySQL's X protocol) through the Service, which does not list it."""
    app, db = c.app("crewing"), c.app("mysql")
    set_env(app, "DB_PORT", "3307")
    fresh_pods(c, app, 1300)
    crash(c, app, [line(app, c.at(75), "error", "ping database", f"dial tcp {db.service.ip}:3307: i/o timeout")])
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("mysql_invalid_port", "library", "borrowing a book hangs and then fails")
def java_url_in_configmap(c: Cluster) -> str:
    """The JDBC URL with the wrong port stands in a ConfigMap; the driver says only that the link failed."""
    app, db = c.app("booking"), c.app("mysql")
    del app.main.env["SPRING_DATASOURCE_URL"]
    app.main.env_from = [("configmap", "loans-config")]
    c.configmaps["loans-config"] = {
        "SPRING_DATASOURCE_URL": f"jdbc:mysql://{db.name}.{c.ns}.svc:3366/loans?useSSL=false",
        "JAVA_TOOL_OPTIONS": "-XX:MaxRAMPercentage=70",
    }
    fresh_pods(c, app, 1200)
    say(
        c,
        app,
        "HikariPool-1 - Connection is not available, request timed out after 30000ms.",
        "com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure\n\nThe last "
        "packet sent successfully to the server was "
        "0 milliseconds ago. The driver has not received any packets from the server.\n"
        "Caused by: java.net.SocketTimeoutException: Connect timed out",
        times=4,
    )
    for pod in app.pods:
        pod.states[0].ready = True
    say(c, c.app("portal"), "loans answered 504")
    alert(c, "HighLatency", {"service": "loans"}, "loans: p99 30.1s over the last 5m")
    return f"app/{app.name}"


@case("mysql_invalid_port", "ferry", "the loyalty page of our ferry site is broken")
def python_port_and_silence(c: Cluster) -> str:
    """Python, MYSQL_PORT of Postgres, refused by the pod behind a headless Service; the log names no port."""
    app, db = c.app("loyalty"), c.app("mysql")
    db.service.headless, db.service.ip = True, "None"
    set_env(app, "MYSQL_PORT", "5432")
    fresh_pods(c, app, 700)
    crash(
        c,
        app,
        [
            "Traceback (most recent call last):",
            '  File "/app/store.py", line 31, in connect',
            "    return pymysql.connect(**options)",
            f"pymysql.err.OperationalError: (2003, \"Can't connect to MySQL server on '{db.name}' ([Errno "
            f'111] Connection refused)")',
        ],
    )
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("mysql_invalid_port", "clinic", "price list does not show. what is wrong?")
def postgres_wrong_port(c: Cluster) -> str:
    """Go and Postgres: PGPORT 5433."""
    app, db = c.app("fares"), c.app("postgres")
    set_env(app, "PGPORT", "5433")
    fresh_pods(c, app, 1000)
    say(
        c,
        app,
        "query prices",
        f"failed to connect to `host={db.name} user=tariffs database=tariffs`: dial error (dial tcp "
        f"{db.service.ip}:5433: "
        "i/o timeout)",
        times=5,
    )
    for upper in c.callers("fares"):
        say(c, upper, "tariffs answered 500")
    return f"app/{app.name}"


@case("db_connection_exhaustion", "ferry", "fares and invoices fail every now and then")
def postgres_full(c: Cluster) -> str:
    """Postgres with max_connections=20 on its command line."""
    db = c.app("postgres")
    db.main.args = ["-c", "max_connections=20", "-c", "shared_buffers=256MB"]
    db.logs += [
        f"{c.at(200 - 9 * n):%Y-%m-%d %H:%M:%S}.{n:03d} UTC [{5200 + n}] FATAL:  sorry, too many clients already"
        for n in range(14)
    ]
    say(
        c,
        c.app("fares"),
        "acquire connection",
        f"failed to connect to `host={db.name} user=fares database=fares`: server error (FATAL: sorry, too many "
        "clients already (SQLSTATE 53300))",
        times=4,
    )
    say(
        c,
        c.app("invoicing"),
        "Executing DbCommand failed",
        "Npgsql.PostgresException (0x80004005): 53300: remaining connection slots are reserved "
        "for roles with the SUPERUSER attribute",
        times=3,
    )
    say(c, c.app("portal"), "fares answered 500")
    return f"app/{db.name}"


@case("db_connection_exhaustion", "library", "everything about loans is flaky since the marketing mail went out")
def mysql_full_in_callers(c: Cluster) -> str:
    """MySQL with a small max_connections in its my.cnf; the server itself logs nothing, its callers do."""
    db = c.app("mysql")
    c.configmaps["lending-db-conf"] = {"my.cnf": "[mysqld]\nmax_connections = 30\ninnodb_buffer_pool_size = 512M"}
    db.volumes.append({"name": "conf", "kind": "configmap", "ref": "lending-db-conf"})
    db.main.mounts.append(("/etc/mysql/conf.d", "conf", True))
    say(
        c,
        c.app("booking"),
        "HikariPool-1 - Exception during pool initialization.",
        "java.sql.SQLNonTransientConnectionException: Data source rejected establishment of connection,  "
        'message from server: "Too many connections"',
        times=4,
    )
    say(c, c.app("loyalty"), "session failed", "pymysql.err.OperationalError: (1040, 'Too many connections')")
    say(c, c.app("crewing"), "load shifts", "Error 1040: Too many connections")
    say(c, c.app("portal"), "loans answered 500")
    return f"app/{db.name}"


@case("db_connection_exhaustion", "clinic", "reminders are late and the waiting list sometimes errors")
def redis_full(c: Cluster) -> str:
    """Redis with maxclients 16."""
    db = c.app("redis")
    db.main.args = ["--appendonly", "yes", "--maxclients", "16"]
    say(
        c,
        c.app("seats"),
        "cache lookup failed",
        "StackExchange.Redis.RedisServerException: ERR max number of clients reached",
        times=4,
    )
    say(c, c.app("notify"), "queue poll failed", "ReplyError: ERR max number of clients reached", times=4)
    say(c, c.app("booking"), "rooms answered 500")
    return f"app/{db.name}"


@case("db_readonly_mode", "library", "people can search but not borrow")
def mysql_read_only(c: Cluster) -> str:
    """MySQL started with --super-read-only."""
    db = c.app("mysql")
    db.main.args = ["--super-read-only=ON", "--max-connections=300"]
    say(
        c,
        c.app("booking"),
        "could not execute statement",
        "java.sql.SQLException: The MySQL server is running with the --super-read-only option so it "
        "cannot execute this statement",
        times=4,
    )
    say(
        c,
        c.app("loyalty"),
        "update failed",
        "pymysql.err.OperationalError: (1290, 'The MySQL server is running with the --super-read-only option so it "
        "cannot execute this statement')",
    )
    say(c, c.app("portal"), "loans answered 500")
    return f"app/{db.name}"


@case("db_readonly_mode", "ferry", "fare changes are not saved")
def postgres_read_only(c: Cluster) -> str:
    """Postgres with default_transaction_read_only; seen by the callers and in the server's log."""
    db = c.app("postgres")
    db.main.args = ["-c", "default_transaction_read_only=on"]
    say(
        c,
        c.app("fares"),
        "save quote",
        "ERROR: cannot execute INSERT in a read-only transaction (SQLSTATE 25006)",
        times=4,
    )
    db.logs += [
        f"{c.at(150 - 30 * n):%Y-%m-%d %H:%M:%S}.221 UTC [88] {text}"
        for n in range(3)
        for text in (
            "ERROR:  cannot execute INSERT in a read-only transaction",
            "STATEMENT:  INSERT INTO quote (id, price) VALUES ($1, $2)",
        )
    ]
    say(c, c.app("portal"), "fares answered 500")
    return f"app/{db.name}"


@case("db_readonly_mode", "clinic", "intake forms are lost")
def mongo_not_primary(c: Cluster) -> str:
    """A Mongo set without a primary: reads go on, writes do not; only the caller tells."""
    db = c.app("mongo")
    db.main.args = ["--replSet", "rs0", "--bind_ip_all"]
    say(
        c,
        c.app("boarding"),
        "insert form",
        "pymongo.errors.NotPrimaryError: not primary, full error: {'topologyVersion': {'counter': 6}, 'ok': 0.0, "
        "'errmsg': 'not primary', 'code': 10107, 'codeName': 'NotWritablePrimary'}",
        times=4,
    )
    say(c, c.app("portal"), "intake answered 500")
    return f"app/{db.name}"


@case("db_readonly_mode", "ferry", "cabin reservations are refused")
def redis_replica(c: Cluster) -> str:
    """Redis started as a replica: writes are refused."""
    db = c.app("redis")
    db.main.args = ["--appendonly", "yes", "--replicaof", "10.31.9.4", "6379"]
    db.logs += [f"1:S 18 Nov 2026 09:1{n}:20.771 * Connecting to MASTER 10.31.9.4:6379" for n in range(3)]
    say(
        c,
        c.app("seats"),
        "reserve",
        "StackExchange.Redis.RedisServerException: READONLY You can't write against a read only replica.",
        times=4,
    )
    say(c, c.app("notify"), "enqueue", "ReplyError: READONLY You can't write against a read only replica.", times=4)
    say(c, c.app("booking"), "cabins answered 500")
    return f"app/{db.name}"
