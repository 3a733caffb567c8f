"""
Which workloads and Services are databases, of which engine, and which of them a client means.

Signs are the port of a Service or container, the image, and failing both the name. A client's database is the one its
own message names, else the one its settings lead to, else the only one of that engine near it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from kfi.diagnosis.conditions.database_addresses import DatabaseAddress, database_addresses
from kfi.diagnosis.conditions.settings import specified
from kfi.models.schemas import ObjectRef
from kfi.snapshot.pod import Container
from kfi.snapshot.resources import Service
from kfi.snapshot.view import Snapshot

_BY_PORT = {
    3306: "mysql", 33060: "mysql", 5432: "postgres", 6432: "postgres", 26257: "postgres", 27017: "mongo",
    27018: "mongo", 27019: "mongo", 6379: "redis", 1433: "mssql", 5672: "rabbitmq", 5671: "rabbitmq",
    9200: "elasticsearch", 1521: "oracle", 9042: "cassandra", 9092: "kafka", 7687: "neo4j", 2379: "etcd",
}  # fmt: skip
# Names of ports may hold digits of any script.
_PORT = re.compile(r"[0-9]{1,5}")
_BY_WORD = {
    "mysql": "mysql", "mariadb": "mysql", "percona": "mysql", "postgres": "postgres", "postgresql": "postgres",
    "pgbouncer": "postgres", "pgpool": "postgres", "postgis": "postgres", "timescaledb": "postgres", "pg": "postgres",
    "mongo": "mongo", "mongodb": "mongo", "mongos": "mongo", "redis": "redis", "valkey": "redis", "keydb": "redis",
    "mssql": "mssql", "sqlserver": "mssql", "rabbitmq": "rabbitmq", "elasticsearch": "elasticsearch",
    "opensearch": "elasticsearch", "oracle": "oracle", "cassandra": "cassandra", "kafka": "kafka", "neo4j": "neo4j",
    "etcd": "etcd", "clickhouse": "clickhouse", "cockroach": "postgres",
}  # fmt: skip
DEFAULT_PORTS = {
    "mysql": 3306, "postgres": 5432, "mongo": 27017, "redis": 6379, "mssql": 1433, "rabbitmq": 5672, "oracle": 1521,
}  # fmt: skip
# Not databases in the sense of the rules about their ports: an address of theirs is one like any other.
_NO_STORES = frozenset({"redis", "rabbitmq", "kafka", "etcd", "elasticsearch"})
_WORD = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
# A name tells little: these are said of databases of any engine.
_ANY = frozenset({"db", "database", "sql", "datastore"})


@dataclass(frozen=True)
class Server:
    """A database: its Service, its workload (one of them may not be seen), its engine (empty: of some engine)."""

    service: Service | None
    workload: ObjectRef | None
    engine: str

    @property
    def ref(self) -> ObjectRef:
        """The workload where it is known, else the Service."""
        if self.workload:
            return self.workload
        return self.service.ref if self.service else ObjectRef()

    @property
    def namespace(self) -> str:
        """Where it is."""
        return self.ref.namespace

    def speaks(self, engine: str) -> bool:
        """Tell whether it may be of an engine; nobody knows what it is, or nobody asks."""
        return not engine or not self.engine or engine == self.engine


class Servers:
    """The databases of a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._addresses: dict[ObjectRef, tuple[DatabaseAddress, ...]] = {}

    @cached_property
    def all(self) -> tuple[Server, ...]:
        """Every database."""
        return tuple({server.ref: server for server in (*self._alone(), *self._served())}.values())

    def _served(self) -> Iterator[Server]:
        for service in self._snapshot.kube_services:
            workload = self._snapshot.topology.meant_by(service)
            by_port = next((_BY_PORT[p.port] for p in service.spec.ports if p.port in _BY_PORT), "")
            engine = (workload and self._engine(workload)) or by_port or _engine_named(service.name)
            if engine is not None:
                yield Server(service, workload, engine)

    def _alone(self) -> Iterator[Server]:
        for workload in self._snapshot.workloads:
            engine = None if self._snapshot.topology.owner(workload.ref) else self._engine(workload.ref)
            if engine is None and workload.kind in ("Deployment", "StatefulSet"):
                engine = _engine_named(workload.name)
            if engine is not None:
                yield Server(None, workload.ref, engine)

    def _engine(self, workload: ObjectRef) -> str | None:
        one = specified(self._snapshot, workload)
        found = (engine for container in (one.spec.containers if one else ()) if (engine := engine_of(container)))
        return next(found, None)

    @cached_property
    def _by_workload(self) -> Mapping[ObjectRef, Server]:
        return {server.workload: server for server in reversed(self.all) if server.workload}

    def of_workload(self, workload: ObjectRef) -> Server | None:
        """Give the database that a workload is."""
        return self._by_workload.get(workload)

    def behind(self, service: Service) -> Server | None:
        """Give the database that a Service leads to."""
        meant = self._snapshot.topology.meant_by(service)
        known = self._by_workload.get(meant) if meant else None
        return known or self._by_service.get(service.ref)

    @cached_property
    def _by_service(self) -> Mapping[ObjectRef, Server]:
        return {server.service.ref: server for server in self.all if server.service}

    def addresses(self, client: ObjectRef) -> tuple[DatabaseAddress, ...]:
        """Give the addresses that a workload's settings name."""
        if client not in self._addresses:
            self._addresses[client] = tuple(database_addresses(self._snapshot, client))
        return self._addresses[client]

    def meant(self, client: ObjectRef, engine: str, text: str) -> Server | None:
        """Give the database that a client's words are about."""
        words = frozenset(_WORD.findall(text.lower()))
        near = [s for s in self.all if s.ref.cluster == client.cluster and s.workload != client and s.speaks(engine)]
        said = [s for s in near if s.service and {s.service.name, s.service.spec.cluster_ip} & words]
        if said:
            return said[0]
        told = [s for s in near if s.service and any(self._leads_to(a, s.service) for a in self.addresses(client))]
        if len(told) == 1 or (told and engine):
            return told[0]
        beside = [s for s in near if s.namespace == client.namespace]
        exact = [s for s in beside if s.engine == engine] or beside
        return exact[0] if len(exact) == 1 else near[0] if len(near) == 1 else None

    def clients(self, server: Server | None) -> frozenset[ObjectRef]:
        """Give the workloads whose settings lead to a database."""
        if server is None:
            return frozenset()
        service = server.service.ref if server.service else self._service_of.get(server.ref)
        return frozenset(self._clients.get(service, ())) if service else frozenset()

    @cached_property
    def _service_of(self) -> Mapping[ObjectRef, ObjectRef]:
        return {server.workload: server.service.ref for server in self._served() if server.service and server.workload}

    @cached_property
    def _clients(self) -> Mapping[ObjectRef, set[ObjectRef]]:
        found: dict[ObjectRef, set[ObjectRef]] = defaultdict(set)
        for client in self.workloads:
            for one in self.addresses(client):
                home = {"kind": "Service", "namespace": one.namespace, "name": one.host}
                found[client.model_copy(update=home)].add(client)
        return found

    @cached_property
    def workloads(self) -> tuple[ObjectRef, ...]:
        """Every workload that none owns, those that only their Pods show included."""
        topology = self._snapshot.topology
        tops = (w.ref for w in self._snapshot.workloads if not topology.owner(w.ref))
        return tuple(dict.fromkeys((*tops, *(topology.workload(pod.ref) for pod in self._snapshot.pods))))

    def _leads_to(self, address: DatabaseAddress, service: Service) -> bool:
        return (address.host, address.namespace) == (service.name, service.namespace)


def is_store(engine: str) -> bool:
    """Tell whether an engine is a database proper, not a cache, a broker or a search index."""
    return engine not in _NO_STORES


def engine_of(container: Container) -> str:
    """Give the engine that a container seems to run, by its image or its ports; empty where neither says."""
    image = container.image.rpartition("/")[2].partition(":")[0].partition("@")[0]
    words = [image, *container.image.partition(":")[0].split("/")]
    by_image = next((_BY_WORD[word] for text in words for word in text.lower().split("-") if word in _BY_WORD), "")
    exporter = "exporter" in image
    by_port = next((_BY_PORT[p.container_port] for p in container.ports if p.container_port in _BY_PORT), "")
    return "" if exporter else by_image or by_port


def second_port(container: Container, port: int | str) -> bool:
    """Tell whether a port is a further one of the container's engine, which its container need not declare.

    MySQL 8 listens on 33060 (X Protocol) beside 3306 whatever it is asked.
    """
    number = int(port) if _PORT.fullmatch(str(port)) else 0
    engine = _BY_PORT.get(number)
    return engine is not None and engine == engine_of(container) and number != DEFAULT_PORTS.get(engine)


def _engine_named(name: str) -> str | None:
    words = name.lower().split("-")
    by_word = next((_BY_WORD[word] for word in words if word in _BY_WORD), None)
    return by_word if by_word is not None else "" if _ANY & set(words) or words[-1].endswith("db") else None
