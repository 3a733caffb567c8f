"""
What databases and their drivers say when they turn a client away: message families by trouble and engine.

Both sides are here: the server's log, and what drivers in Go, Java, Python, Node, Ruby, PHP, Rust and .NET make of the
server's answer. Each pattern is specific enough to name its engine; an empty engine means that several say it.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple


class Trouble(StrEnum):
    """What a database refuses."""

    CREDENTIALS = "credentials"
    NO_CREDENTIALS = "no credentials"
    """The client sent no password at all."""
    CONNECTIONS = "connections"
    POOL = "pool"
    """The client's own pool gave no connection in time, for whatever reason."""
    READ_ONLY = "read-only"


class Words(NamedTuple):
    """A message family; the group `user` holds the account it is about, `host` where that came from."""

    trouble: Trouble
    engine: str
    pattern: re.Pattern[str]


_FAMILIES: tuple[tuple[Trouble, str, str], ...] = (
    # Nobody logged in without a password; before the families that hold for wrong ones too.
    (Trouble.NO_CREDENTIALS, "mysql", r"access denied for user '(?P<user>[^']*)'@'(?P<host>[^']*)'"
        r" \(using password: no\)"),
    (Trouble.NO_CREDENTIALS, "postgres", r"no password (?:was |has been )?(?:supplied|provided)|empty password returned"
        r"|client password must be a string|password is required but|password-based authentication, but no password"),
    (Trouble.NO_CREDENTIALS, "redis", r"\bNOAUTH\b"),
    (Trouble.NO_CREDENTIALS, "mongo", r"command \w+ requires authentication|there are no users authenticated"),
    # Source: sql/share/messages_to_clients.txt of MySQL; 1045 and 1698.
    (Trouble.CREDENTIALS, "mysql", r"access denied for user '(?P<user>[^']*)'@'(?P<host>[^']*)'(?! to database)"
        r"|ER_ACCESS_DENIED(?:_NO_PASSWORD)?_ERROR|\[HY000\] \[1045\]"),
    # Source: src/backend/libpq/auth.c of PostgreSQL; 28P01 and 28000.
    (Trouble.CREDENTIALS, "postgres", r"(?:password|peer|ident|md5|scram\S*|ldap|pam|gssapi|cert\w*) authentication"
        r" failed for user \\?\"(?P<user>[^\"\\]+)|\brole \\?\"(?P<role>[^\"\\]+)\\?\" does not exist"
        r"|no pg_hba\.conf entry for host|\b28P01\b|InvalidPassword|InvalidAuthorizationSpecification"),
    (Trouble.CREDENTIALS, "mongo", r"bad auth ?: ?authentication failed|exception authenticating mongocredential"
        r"|sasl conversation error: unable to authenticate|\(AuthenticationFailed\)|codeName\W{1,6}AuthenticationFailed"
        r"|MongoServerError\W{1,20}Authentication failed|\bmongo[^\n]{0,300}authentication failed"
        r"|authentication failed[^\n]{0,200}\b(?:SCRAM-SHA|mongo\w*|code\W{1,4}18\b)"
        r"|\"c\":\"ACCESS\"[^\n]{0,120}authentication failed"),
    (Trouble.CREDENTIALS, "redis", r"\bWRONGPASS\b|\bERR invalid password|invalid username-password pair"
        r"|\bAUTH\b[^\n]{0,40}(?:without any password configured|no password is set)"),
    (Trouble.CREDENTIALS, "mssql", r"login failed for user '(?P<user>[^']*)'|\berror(?: number)?:? ?18456\b"),
    (Trouble.CREDENTIALS, "rabbitmq", r"ACCESS_REFUSED[^\n]{0,12}login was refused|ACCESS_REFUSED"
        r"|login refused: user '(?P<user>[^']*)' - invalid credentials|access refused for user"),
    (Trouble.CREDENTIALS, "oracle", r"\bORA-(?:01017|28000)\b"),
    (Trouble.CREDENTIALS, "cassandra", r"provided username \S+ and/or password are incorrect"),
    (Trouble.CREDENTIALS, "elasticsearch", r"(?:unable|failed) to authenticate user \[(?P<user>[^\]]*)\]"),
    (Trouble.CREDENTIALS, "kafka", r"SaslAuthenticationException|SASL authentication failed"),
    (Trouble.CREDENTIALS, "clickhouse", r"password is incorrect, or there is no user with such name"),
    (Trouble.CREDENTIALS, "neo4j", r"client is unauthorized due to authentication failure"),
    # 1040, 1203, 1226.
    (Trouble.CONNECTIONS, "mysql", r"too many connections|ER_CON_COUNT_ERROR|'max_user_connections'"
        r"|exceeded the 'max_connections"),
    # 53300; pgbouncer.
    (Trouble.CONNECTIONS, "postgres", r"too many clients already|remaining connection slots are reserved"
        r"|too many connections for (?:role|database)|no more connections allowed|TooManyConnections\b"),
    (Trouble.CONNECTIONS, "mongo", r"too many open connections"),
    (Trouble.CONNECTIONS, "redis", r"max number of clients reached"),
    (Trouble.CONNECTIONS, "mssql", r"maximum number of \W?\d+\W? user connections has already been reached"),
    (Trouble.CONNECTIONS, "oracle", r"\bORA-(?:00018|00020|12516|12519|12520)\b"),
    (Trouble.CONNECTIONS, "rabbitmq", r"connection limit \(?\d+\)? is reached|connection limit reached"),
    (Trouble.POOL, "", r"connection is not available, request timed out|queuepool limit of size"
        r"|attempt by client to checkout a connection has timed out|cannot get a connection, pool error"
        r"|GetConnectionTimeoutException|PoolExhaustedException|could not obtain a connection from the pool within"
        r"|timeout acquiring a connection|timed out fetching a new connection from the connection pool"
        r"|ConnectionAcquireTimeoutError|couldn't get a connection after|connection pool (?:has been|is) exhausted"
        r"|prior to obtaining a connection from the pool|pool timed out while waiting for an open connection"
        r"|checking out a connection from (?:the )?connection pool|query_wait_timeout|WaitQueueTimeoutError"),
    # 1290, 1792, 1836; 1881 and 1874: InnoDB takes no writes while innodb_force_recovery is set.
    (Trouble.READ_ONLY, "mysql", r"running with the --?(?:super[-_])?read[-_]only option|running in read-only mode"
        r"|cannot execute statement in a read only transaction|ER_READ_ONLY_MODE|innodb is in read only mode"
        r"|operation not allowed when innodb_forced?_recovery"),
    # 25006.
    (Trouble.READ_ONLY, "postgres", r"cannot execute [\w ]{2,40} in a read-only transaction|ReadOnlySqlTransaction"
        r"|cannot execute [\w ]{2,40} during recovery"),
    (Trouble.READ_ONLY, "redis", r"can't write against a read ?-?only (?:replica|slave)|\bREADONLY You"
        r"|\bMISCONF\b[^\n]{0,200}modify the data ?set"),
    (Trouble.READ_ONLY, "mongo", r"NotWritablePrimary|NotMasterError"
        r"|\bnot (?:primary|master)(?: and slaveok=false)?\s*(?=$|[,;\"\\()\n])"),
    (Trouble.READ_ONLY, "elasticsearch", r"read-only-allow-delete|flood.stage (?:disk )?watermark"
        r"|FORBIDDEN/\d+/(?:index|cluster) read-only"),
    (Trouble.READ_ONLY, "mssql", r"because the database is read-only|\berror(?: number)?:? ?3906\b"),
    (Trouble.READ_ONLY, "oracle", r"\bORA-16000\b"),
    (Trouble.READ_ONLY, "clickhouse", r"table is in readonly mode"),
    (Trouble.READ_ONLY, "etcd", r"mvcc: database space exceeded"),
)  # fmt: skip
FAMILIES = tuple(Words(trouble, engine, re.compile(text, re.IGNORECASE)) for trouble, engine, text in _FAMILIES)

# A cheap test before the families: nearly every line of a log holds none of these.
LIKELY = re.compile(
    r"denied|auth|login|password|pass\b|role|pg_hba|28P01|refused|credential|ORA-|SASL|connection|clients|pool|read.?only"
    r"|MISCONF|not primary|not master|Writable|NotMaster|watermark|3906|18456|1045|space exceeded|during recovery"
    r"|forced?_recovery",
    re.IGNORECASE,
)

SERVER_LINE = re.compile(
    r"\d\d:\d\d:\d\d\S* \d+ \[(?:Warning|Note|ERROR|System)\] "  # MySQL, MariaDB
    r"|\b(?:UTC|GMT|[A-Z]{3,4}) \[\d+\] (?:\S+ )?(?:FATAL|ERROR|LOG|DETAIL|STATEMENT):"  # PostgreSQL
    r"|\"c\":\"(?:ACCESS|NETWORK|COMMAND)\""  # MongoDB
    r"|^\d+:[MSC] \d\d \w{3} \d{4}"  # Redis
    r"|<0\.\d+\.\d+> "  # RabbitMQ
)
"""What only a database server's own log lines look like."""
