"""Lines as the frameworks of five languages and four databases write them, and how their clients complain."""

from __future__ import annotations

import json
from datetime import datetime

from .model import App, Cluster

IDLE = {
    "node": ["request completed", "session refreshed", "cache warm"],
    "java": ["Completed 200 OK", "Reserved 2 places", "Fetched 14 rows"],
    "go": ["request served", "quote computed", "refresh done"],
    "python": ['10.42.1.7:51622 - "GET /v1/items HTTP/1.1" 200', '10.42.2.9:40414 - "POST /v1/items HTTP/1.1" 201'],
    "dotnet": ["Request finished HTTP/1.1 GET /v1/items - 200", "Executed endpoint"],
}
WARNINGS = {
    "node": "deprecated option `poolSize` is ignored",
    "java": "HHH90000025: MySQLDialect does not need to be specified explicitly",
    "go": "slow request, retry budget untouched",
    "python": "DeprecationWarning: datetime.utcnow() is deprecated",
    "dotnet": "Storing keys in a directory '/root/.aspnet/DataProtection-Keys' that may not be persisted "
    "outside of the container.",
}


def line(app: App, when: datetime, level: str, text: str, error: str = "") -> str:
    """Give one log line the way the app's framework writes it; `error` is what the driver or client said."""
    stamp = when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}"
    if app.language == "go":
        row = {"level": level, "ts": stamp + "Z", "caller": "server/handler.go:118", "msg": text}
        return json.dumps(row | ({"error": error} if error else {}), separators=(",", ":"))
    if app.language == "node":
        row2 = {
            "level": {"info": 30, "warn": 40, "error": 50}[level],
            "time": int(when.timestamp() * 1000),
            "pid": 1,
            "msg": text,
        }
        return json.dumps(row2 | ({"err": {"type": "Error", "message": error}} if error else {}), separators=(",", ":"))
    if app.language == "java":
        tail = f"\n\n{error}" if "\n" in error else f": {error}" if error else ""
        return (
            f"{stamp}Z {level.upper():>5} 1 --- [{app.name}] [nio-8090-exec-3] "
            f"c.e.{app.name[:8]}.web.ApiHandler : "
            f"{text}{tail}"
        )
    if app.language == "python":
        return (
            f"{stamp.replace('T', ' ').replace('.', ',')} {level.upper().replace('WARN', 'WARNING')} app.api {text}"
            + (f": {error}" if error else "")
        )
    short = {"info": "info", "warn": "warn", "error": "fail"}[level]
    return f"{short}: {app.name.title().replace('-', '')}.Api.Handler[0]\n      {text}" + (
        f"\n      {error}" if error else ""
    )


def say(c: Cluster, app: App, text: str, error: str = "", times: int = 3, level: str = "error") -> None:
    """Let the app complain a few times in the last minutes."""
    for n in range(times):
        app.logs.append(line(app, c.at(170 - n * 41 - c.rng.random() * 8), level, text, error))


def healthy(c: Cluster, app: App) -> list[str]:
    """Give the lines of a quiet half hour."""
    if app.language in DATABASE_LINES:
        return [
            text.format(t=c.at(19 * 86400).strftime("%Y-%m-%dT%H:%M:%S"), p=c.at(3000).strftime("%Y-%m-%d %H:%M:%S"))
            for text in DATABASE_LINES[app.language]
        ]
    rows = [line(app, c.at(2300), "info", f"listening on port {app.main.port}")]
    rows.append(line(app, c.at(2290), "warn", WARNINGS[app.language]))
    for n in range(6):
        rows.append(line(app, c.at(1500 - n * 180), "info", c.rng.choice(IDLE[app.language])))
    return rows


DATABASE_LINES = {
    "mysql": [
        "{t}.102331Z 0 [System] [MY-010116] [Server] /usr/sbin/mysqld (mysqld 8.4.2) starting as process 1",
        "{t}.911042Z 0 [Warning] [MY-010068] [Server] CA certificate ca.pem is self signed.",
        "{t}.990551Z 0 [System] [MY-010931] [Server] /usr/sbin/mysqld: ready for connections. Version: "
        "'8.4.2'  socket: "
        "'/var/run/mysqld/mysqld.sock'  port: 3306  MySQL Community Server - GPL.",
    ],
    "postgres": [
        '{p}.120 UTC [1] LOG:  listening on IPv4 address "0.0.0.0", port 5432',
        "{p}.151 UTC [1] LOG:  database system is ready to accept connections",
        "{p}.900 UTC [27] LOG:  checkpoint complete: wrote 44 buffers (0.3%); 0 WAL file(s) added, 0 "
        "removed, 0 recycled",
    ],
    "redis": [
        "1:M 02 Nov 2026 08:11:20.114 * Ready to accept connections tcp",
        "1:M 16 Nov 2026 03:11:20.551 * 100 changes in 300 seconds. Saving...",
        "1:M 16 Nov 2026 03:11:20.771 * Background saving terminated with success",
    ],
    "mongo": [
        '{{"t":{{"$date":"{t}.101+00:00"}},"s":"W","c":"CONTROL","id":22120,"ctx":"initandlisten","msg":"Access '
        'control is not enabled for the database. Read and write access to data and configuration is unrestricted"}}',
        '{{"t":{{"$date":"{t}.340+00:00"}},"s":"I","c":"NETWORK","id":23016,"ctx":"listener","msg":"Waiting for '
        'connections",'
        '"attr":{{"port":27017,"ssl":"off"}}}}',
    ],
}


def client_error(app: App, host: str, port: int, how: str, ip: str) -> str:
    """Give what the HTTP client of the caller's language says; `how` is refused, timeout, nxdomain or again."""
    url = f"http://{host}:{port}/v1/items"
    table: dict[str, dict[str, str]] = {
        "go": {
            "refused": f'Get "{url}": dial tcp {ip}:{port}: connect: connection refused',
            "timeout": f'Get "{url}": dial tcp {ip}:{port}: i/o timeout',
            "nxdomain": f'Get "{url}": dial tcp: lookup {host} on 10.96.0.10:53: no such host',
            "again": f'Get "{url}": dial tcp: lookup {host} on 10.96.0.10:53: read udp '
            f"10.42.1.17:41233->10.96.0.10:53: i/o timeout",
        },
        "java": {
            "refused": f'I/O error on GET request for "{url}": Connection refused',
            "timeout": f'I/O error on GET request for "{url}": Connect timed out',
            "nxdomain": f'I/O error on GET request for "{url}": java.net.UnknownHostException: {host}: '
            f"Name or service not known",
            "again": f"java.net.UnknownHostException: {host}: Temporary failure in name resolution",
        },
        "python": {
            "refused": f"HTTPConnectionPool(host='{host}', port={port}): Max retries exceeded with url: "
            f"/v1/items (Caused by "
            "NewConnectionError('Failed to establish a new connection: [Errno 111] Connection refused'))",
            "timeout": f"HTTPConnectionPool(host='{host}', port={port}): Max retries exceeded with url: "
            f"/v1/items (Caused by "
            f"ConnectTimeoutError('Connection to {host} timed out. (connect timeout=3)'))",
            "nxdomain": "httpx.ConnectError: [Errno -2] Name or service not known",
            "again": "httpx.ConnectError: [Errno -3] Temporary failure in name resolution",
        },
        "node": {
            "refused": f"connect ECONNREFUSED {ip}:{port}",
            "timeout": f"connect ETIMEDOUT {ip}:{port}",
            "nxdomain": f"getaddrinfo ENOTFOUND {host}",
            "again": f"getaddrinfo EAI_AGAIN {host}",
        },
        "dotnet": {
            "refused": f"System.Net.Http.HttpRequestException: Connection refused ({host}:{port})",
            "timeout": "System.Threading.Tasks.TaskCanceledException: The request was canceled due to the configured "
            "HttpClient.Timeout of 5 seconds elapsing.",
            "nxdomain": f"System.Net.Http.HttpRequestException: Name or service not known ({host}:{port})",
            "again": f"System.Net.Http.HttpRequestException: Resource temporarily unavailable ({host}:{port})",
        },
    }
    return table[app.language][how]


def database_error(app: App, role: str, host: str, how: str, ip: str) -> str:
    """Give what the app's driver says when the database cannot be reached."""
    port = {"mysql": 3306, "postgres": 5432, "redis": 6379, "mongo": 27017}[role]
    refused = how == "refused"
    word = "Connection refused" if refused else "timed out"
    java = "ConnectException: Connection refused" if refused else "SocketTimeoutException: Connect timed out"
    table = {
        (
            "java",
            "mysql",
        ): "com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure\n\nThe last packet "
        "sent successfully to the server was 0 milliseconds ago. The driver has not received any packets "
        "from the server.\n"
        f"Caused by: java.net.{java}",
        ("go", "mysql"): f"dial tcp {ip}:{port}: {'connect: connection refused' if refused else 'i/o timeout'}",
        ("python", "mysql"): f"pymysql.err.OperationalError: (2003, \"Can't connect to MySQL server on '{host}' "
        f'({"[Errno 111] Connection refused" if refused else "timed out"})")',
        (
            "go",
            "postgres",
        ): f"failed to connect to `host={host} user=app database=app`: dial error (dial tcp {ip}:{port}: "
        f"{'connect: connection refused' if refused else 'i/o timeout'})",
        ("dotnet", "postgres"): f"Npgsql.NpgsqlException (0x80004005): Failed to connect to {ip}:{port}"
        f"\n       ---> System.Net.Sockets.SocketException (111): {word}",
        (
            "dotnet",
            "redis",
        ): f"StackExchange.Redis.RedisConnectionException: It was not possible to connect to the redis server(s). "
        f"Error connecting right now. UnableToConnect on {host}:{port}/Interactive",
        ("node", "redis"): f"connect {'ECONNREFUSED' if refused else 'ETIMEDOUT'} {ip}:{port}",
        ("python", "mongo"): f"pymongo.errors.ServerSelectionTimeoutError: {host}:{port}: [Errno "
        f"{'111] Connection refused' if refused else '110] timed out'}, Timeout: 5.0s, Topology "
        f"Description: <TopologyDescription id: "
        "65f0, topology_type: Unknown>",
    }
    return table[app.language, role]
