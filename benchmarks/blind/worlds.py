"""Three invented companies of one shape: who calls whom, in which language, with which database."""

from __future__ import annotations

import random

from .logs import healthy
from .model import DAY, App, Claim, Cluster, Container, Env, Event, Node, Pod, Probe, Service, State, Volume, start

ROLES = "portal booking fares seats boarding loyalty notify invoicing crewing mysql postgres redis mongo".split()
NAMES = {
    "ferry": "portal sailing-booking fares cabins boarding milescard postman invoicing crewing ledger-mysql tariff-pg "
    "cabin-redis manifest-mongo".split(),
    "clinic": "patient-web appointments tariffs rooms intake bonus-plan reminders claims-desk rota records-mysql "
    "pricebook-postgres waitlist-redis charts-mongodb".split(),
    "library": "reader-ui loans fees shelves catalogue readers courier accounts staffing lending-db fees-store "
    "shelf-cache title-docs".split(),
}
NAMESPACES = {"ferry": "ferry-prod", "clinic": "medbook", "library": "biblio-live"}
REGISTRY = {"ferry": "cr.skerryline.io/apps", "clinic": "harbor.medbook.internal/team", "library": "ghcr.io/openstacks"}
LANGUAGES = dict(
    zip(ROLES, "node java go dotnet python python node dotnet go mysql postgres redis mongo".split(), strict=True)
)
PORTS = dict(zip(ROLES, (3000, 8090, 9090, 5005, 8200, 8300, 3100, 5010, 9095, 3306, 5432, 6379, 27017), strict=True))
CALLS = {
    "portal": ["booking", "fares", "boarding", "loyalty"],
    "booking": ["fares", "seats", "notify", "invoicing", "mysql"],
    "fares": ["postgres"],
    "seats": ["redis"],
    "boarding": ["mongo", "crewing"],
    "loyalty": ["mysql"],
    "notify": ["redis"],
    "invoicing": ["postgres"],
    "crewing": ["mysql"],
}
DB_IMAGES = {"mysql": "mysql:8.4.2", "postgres": "postgres:16.4", "redis": "redis:7.2.5", "mongo": "mongo:7.0.14"}
DATA_PATHS = {"mysql": "/var/lib/mysql", "postgres": "/var/lib/postgresql/data", "redis": "/data", "mongo": "/data/db"}


def database_env(role: str, app: str, host: str) -> dict[str, Env]:
    """Give the variables with which an app of this role finds its database."""
    secret = {"secret": f"{app}-db", "key": "password"}
    database = app.replace("-", "_")
    table: dict[str, dict[str, Env]] = {
        "booking": {
            "SPRING_DATASOURCE_URL": f"jdbc:mysql://{host}:3306/{database}?useSSL=false&serverTimezone=UTC",
            "SPRING_DATASOURCE_USERNAME": database,
            "SPRING_DATASOURCE_PASSWORD": secret,
        },
        "crewing": {
            "DB_HOST": host,
            "DB_PORT": "3306",
            "DB_USER": database,
            "DB_NAME": database,
            "DB_PASSWORD": secret,
        },
        "loyalty": {"MYSQL_HOST": host, "MYSQL_PORT": "3306", "MYSQL_USER": database, "MYSQL_PASSWORD": secret},
        "fares": {"PGHOST": host, "PGPORT": "5432", "PGUSER": database, "PGDATABASE": database, "PGPASSWORD": secret},
        "invoicing": {
            "ConnectionStrings__Main": f"Host={host};Port=5432;Database={database};Username={database}",
            "PGPASSWORD": secret,
        },
        "seats": {"Redis__Endpoint": f"{host}:6379"},
        "notify": {"REDIS_URL": f"redis://{host}:6379/0"},
        "boarding": {"MONGO_URI": f"mongodb://{host}:27017/{database}?serverSelectionTimeoutMS=5000"},
    }
    return table.get(role, {})


def service_app(c: Cluster, role: str, registry: str) -> App:
    """Give a service of the company's own."""
    name, port = c.role[role], PORTS[role]
    main = Container(
        "app", f"{registry}/{name}:{c.rng.randint(1, 4)}.{c.rng.randint(0, 30)}.{c.rng.randint(0, 9)}", port
    )
    main.port_name = "http"
    main.env["PORT" if LANGUAGES[role] != "dotnet" else "ASPNETCORE_HTTP_PORTS"] = str(port)
    main.env["LOG_LEVEL"] = "info"
    for other in CALLS[role]:
        host = c.role[other]
        if other in DB_IMAGES:
            main.env.update(database_env(role, name, host))
        else:
            main.env[f"{host.upper().replace('-', '_')}_URL"] = f"http://{host}:{PORTS[other]}"
    main.ready, main.live = Probe("http", port, "/ready", delay=3, period=5), Probe("http", port, "/healthz", delay=15)
    if LANGUAGES[role] == "java":
        main.memory, main.cpu = ("768Mi", "1536Mi"), ("300m", "1500m")
        main.startup = Probe("http", port, "/actuator/health", delay=5, period=5, failure=30)
    app = App(name, LANGUAGES[role], [main], replicas=2 if role in ("portal", "booking", "fares") else 1)
    app.services = [Service(name, port, "http" if c.rng.random() < 0.4 else port, {"app": name})]
    if any(isinstance(value, dict) for value in main.env.values()):
        c.secrets[f"{name}-db"] = {"password": "21 bytes"}
    return app


def database_app(c: Cluster, role: str) -> App:
    """Give a database, a StatefulSet but for Redis."""
    name, port = c.role[role], PORTS[role]
    main = Container(role, DB_IMAGES[role], port, port_name=role, cpu=("250m", "1"), memory=("512Mi", "1Gi"))
    main.ready = main.live = Probe("tcp", port, delay=10)
    main.mounts = [(DATA_PATHS[role], "data", False)]
    app = App(name, LANGUAGES[role], [main], "Deployment" if role == "redis" else "StatefulSet")
    app.services = [Service(name, port, port, {"app": name}, headless=role == "mongo", port_name=role)]
    if role == "mysql":
        main.env = {"MYSQL_ROOT_PASSWORD": {"secret": f"{name}-root", "key": "password"}}
    elif role == "postgres":
        main.env = {
            "POSTGRES_PASSWORD": {"secret": f"{name}-root", "key": "password"},
            "PGDATA": "/var/lib/postgresql/data/pg",
        }
    if main.env:
        c.secrets[f"{name}-root"] = {"password": "24 bytes"}
    claim = f"{name}-data" if role == "redis" else f"data-{name}-0"
    volume = f"pvc-{c.hexes(8)}-{c.hexes(4)}-4{c.hexes(3)}-a{c.hexes(3)}-{c.hexes(12)}"
    c.claims.append(Claim(claim, volume=volume))
    c.volumes.append(Volume(volume, "10Gi", f"{c.ns}/{claim}"))
    if role == "redis":
        main.args = ["--appendonly", "yes"]
        app.volumes = [{"name": "data", "kind": "pvc", "ref": claim}]
    else:
        app.claim = {"name": "data", "size": "10Gi", "class": "fast-ssd", "mode": "RWO"}
        app.volumes = [{"name": "data", "kind": "pvc", "ref": claim}]
    return app


def add_pods(c: Cluster, app: App, age: int) -> None:
    """Give the app as many running pods as it wants, on the workers in turn."""
    workers = [node for node in c.nodes if not node.control]
    app.rs_hash = app.rs_hash or c.suffix(10)
    for n in range(app.replicas):
        node = workers[c.rng.randrange(len(workers))]
        name = f"{app.name}-{n}" if app.kind == "StatefulSet" else f"{app.name}-{app.rs_hash}-{c.suffix()}"
        labels = dict(app.labels)
        if app.kind == "StatefulSet":
            labels |= {"apps.kubernetes.io/pod-index": str(n), "statefulset.kubernetes.io/pod-name": name}
        else:
            labels["pod-template-hash"] = app.rs_hash
        states = [State(started_age=age - 4) for _ in app.containers]
        done = [State("Terminated", "Completed", exit_code=0) for _ in app.init]
        app.pods.append(Pod(name, age, c.pod_ip(node), node.name, labels, states, done))


def make_nodes(c: Cluster, world: str) -> list[Node]:
    """Give one control plane and two or three workers."""
    names = {
        "ferry": ["quay-cp", "quay-w1", "quay-w2", "quay-w3"],
        "clinic": ["ip-10-31-4-10", "ip-10-31-4-21", "ip-10-31-4-35"],
        "library": ["stack-control", "stack-a", "stack-b", "stack-c"],
    }[world]
    nodes = []
    for n, name in enumerate(names):
        node = Node(name, f"10.31.4.{10 + n}", control=n == 0)
        node.labels = {"kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
        if node.control:
            node.labels["node-role.kubernetes.io/control-plane"] = ""
            node.taints = ["node-role.kubernetes.io/control-plane:NoSchedule"]
        else:
            node.labels["topology.kubernetes.io/zone"] = f"zone-{'abc'[n % 3]}"
        nodes.append(node)
    return nodes


def system(c: Cluster) -> None:
    """Give kube-system its usual pods, with restarts of long ago."""
    control, workers = c.nodes[0], [n for n in c.nodes if not n.control]
    long_ago = State(restarts=3, restart_age=12 * DAY, started_age=12 * DAY)

    def add(name: str, node: Node) -> None:
        c.system_pods.append(Pod(name, 61 * DAY, node.ip, node.name, {"k8s-app": name.rsplit("-", 1)[0]}, [long_ago]))

    for n in (0, 1):
        add(f"coredns-7c65d6cfc9-{c.suffix()}", workers[n])
    for part in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        add(f"{part}-{control.name}", control)
    for node in c.nodes:
        add(f"kube-proxy-{c.suffix()}", node)
        add(f"cilium-{c.suffix()}", node)
    add(f"metrics-server-6f9b8d7c5-{c.suffix()}", workers[0])


def noise(c: Cluster) -> None:
    """Add what every cluster has and nobody should mind."""
    calm = [app for app in c.apps.values() if app.pods and app.language not in DB_IMAGES]
    old = c.rng.choice(calm)
    old.pods[0].states[0].restarts, old.pods[0].states[0].restart_age = 2, 9 * DAY
    old.pods[0].states[0].last = ("Error", 143)
    old.pods[0].age = 33 * DAY
    java = c.app("booking").pods[0]
    c.event(
        Event(
            "pod",
            java.name,
            "Unhealthy",
            f'Startup probe failed: Get "http://{java.ip}:8090/actuator/health": '
            f"dial tcp {java.ip}:8090: connect: connection refused",
            "Warning",
            java.age - 30,
            3,
            java.age - 18,
        )
    )
    slow = c.rng.choice(calm)
    other = slow.pods[0]
    c.event(
        Event(
            "pod",
            other.name,
            "Unhealthy",
            f'Readiness probe failed: Get "http://{other.ip}:{slow.main.port}/ready": context deadline exceeded '
            "(Client.Timeout exceeded while awaiting headers)",
            "Warning",
            other.age - 240,
        )
    )
    for app in calm:
        for pod in [pod for pod in app.pods if pod.age < 3600]:
            image = app.main.image
            c.scheduled(pod)
            c.event(
                Event(
                    "pod", pod.name, "Pulled", f'Container image "{image}" already present on machine', age=pod.age - 1
                )
            )
            c.event(Event("pod", pod.name, "Created", "Created container: app", age=pod.age - 1))
            c.event(Event("pod", pod.name, "Started", "Started container app", age=pod.age - 2))
    c.alerts.append(
        {
            "labels": {"alertname": "Watchdog", "severity": "none"},
            "startsAt": c.at(6 * DAY).isoformat(),
            "annotations": {
                "summary": "An alert that should always be firing to certify that Alertmanager is working properly."
            },
            "status": {"state": "active"},
        }
    )


def build(world: str, seed: int) -> Cluster:
    """Give a healthy company."""
    names = dict(zip(ROLES, NAMES[world], strict=True))
    c = Cluster(NAMESPACES[world], start(seed), random.Random(seed), names, {}, [])
    c.nodes = make_nodes(c, world)
    c.classes = {"fast-ssd": "ebs.csi.aws.com", "standard": "rancher.io/local-path"}
    c.configmaps = {"kube-root-ca.crt": {"ca.crt": "-----BEGIN CERTIFICATE-----\n(cut)\n-----END CERTIFICATE-----"}}
    for role in ROLES:
        app = database_app(c, role) if role in DB_IMAGES else service_app(c, role, REGISTRY[world])
        app.labels = {"app": app.name, "app.kubernetes.io/part-of": world}
        app.calls = list(CALLS.get(role, []))
        app.sa = app.name
        for service in app.services:
            service.ip = "None" if service.headless else f"10.96.{c.rng.randint(1, 250)}.{c.rng.randint(2, 250)}"
        c.apps[role] = app
        age = 40 * 60 + c.rng.randint(0, 240) if role not in DB_IMAGES else 20 * DAY
        add_pods(c, app, age)
        app.logs = healthy(c, app)
    system(c)
    noise(c)
    if c.rng.random() < 0.5:
        c.drop.add("secrets")
    return c
