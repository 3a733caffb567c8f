"""
What a person reads of databases that refuse their clients.
"""

from __future__ import annotations

from kfi.diagnosis.catalogue import Layer, Rule

DB_CREDENTIALS_REFUSED = Rule(
    code="db-credentials-refused",
    title="Database refuses the credentials",
    layer=Layer.CONFIG,
    meaning=(
        "The database answers, and turns the client away at login: user name or password is not the one it knows. One "
        "client alone that is refused has wrong credentials; when all who share a Secret are refused, the password was "
        "changed on one side only. A new value in a Secret reaches a database that has its data already only when "
        "somebody changes it there, and a Pod's variables only when it is made anew."
    ),
    confirm="kubectl logs -n {namespace} {kind}/{name} --tail=50",
    fix=(
        "Compare user and password of the client's Secret or variables with what the database was set up with, and "
        "correct the one that differs.",
        "Restart the client's Pods after a change of the Secret: variables are read at the start only.",
    ),
)
DB_WRONG_PORT = Rule(
    code="db-wrong-port",
    title="Client asks its database on a port that it does not have",
    layer=Layer.CONFIG,
    meaning=(
        "The address of the database in the client's variables, arguments or settings file names a port that the "
        "database's Service does not have. The connection is refused or never answered, though the database is well."
    ),
    confirm="kubectl get services -n {namespace}",
    fix=("Correct the port in the client's settings to the one of the database's Service, and restart the client.",),
)
DB_CONNECTIONS_EXHAUSTED = Rule(
    code="db-connections-exhausted",
    title="Database has no connection left",
    layer=Layer.CONFIG,
    meaning=(
        "Every connection that the database (or the pool before it) allows is taken, so each further client is turned "
        "away. Either the limit is too low for the number of clients and the size of their pools, or some client "
        "does not give its connections back."
    ),
    confirm="kubectl describe {kind} {name} -n {namespace}",
    fix=(
        "Find out who holds the connections, and end those that are idle.",
        "Let the pools of all replicas together stay below the limit, or raise it.",
    ),
)
DB_READ_ONLY = Rule(
    code="db-read-only",
    title="Database accepts no writes",
    layer=Layer.CONFIG,
    meaning=(
        "Reading works, every write is refused: the server was set to read-only, the clients talk to a replica instead "
        "of the primary, or the server protects itself because its disk is nearly full."
    ),
    confirm="kubectl describe {kind} {name} -n {namespace}",
    fix=(
        "Take the read-only setting out of its arguments or configuration, or switch it off in the running server.",
        "Point writers at the Service of the primary; look whether a failover left it a replica.",
        "Free or enlarge its disk where it stopped writes for want of space, then lift the block.",
    ),
)
