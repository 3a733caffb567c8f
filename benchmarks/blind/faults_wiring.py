"""Faults of wiring: two listeners on one port, names that do not resolve, Secrets, routes, nothing running."""

from __future__ import annotations

from typing import Any

from .cases import case
from .effects import alert, crash, fresh_pods, hurt_callers, waiting
from .logs import client_error, line, say
from .model import Cluster, Container


@case("service_sidecar_port_conflict", "ferry", "fares are not shown on the site")
def go_and_exporter(c: Cluster) -> str:
    """A metrics exporter beside a Go service took its port first."""
    app = c.app("fares")
    app.containers.append(
        Container(
            "pg-exporter",
            "quay.io/prometheuscommunity/postgres-exporter:v0.15.0",
            9187,
            args=["--web.listen-address=:9090"],
            cpu=("20m", "100m"),
            memory=("32Mi", "64Mi"),
        )
    )
    fresh_pods(c, app)
    crash(c, app, [line(app, c.at(70), "error", "http server", "listen tcp :9090: bind: address already in use")])
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("service_sidecar_port_conflict", "clinic", "appointments page is down after last night's change")
def java_and_proxy(c: Cluster) -> str:
    """An nginx in front of Spring Boot listens on the same port; here the sidecar is the one that dies."""
    app = c.app("booking")
    app.containers.append(Container("tls-front", "nginx:1.27.1", 8090, cpu=("20m", "100m"), memory=("32Mi", "64Mi")))
    fresh_pods(c, app)
    crash(
        c,
        app,
        [
            "2026/11/17 10:12:31 [emerg] 1#1: bind() to 0.0.0.0:8090 failed (98: Address already in use)",
            "nginx: [emerg] bind() to 0.0.0.0:8090 failed (98: Address already in use)",
        ],
        index=1,
    )
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("service_sidecar_port_conflict", "library", "no mails go out")
def node_and_envoy(c: Cluster) -> str:
    """A Node service wants 15090, which the mesh's proxy holds."""
    app = c.app("notify")
    app.main.port, app.service.target = 15090, 15090
    app.main.env["PORT"] = "15090"
    for probe in (app.main.ready, app.main.live):
        if probe:
            probe.port = 15090
    app.containers.append(
        Container(
            "istio-proxy",
            "docker.io/istio/proxyv2:1.23.2",
            15090,
            port_name="http-envoy-prom",
            args=["proxy", "sidecar", "--domain", f"{c.ns}.svc.cluster.local"],
            cpu=("100m", "2"),
            memory=("128Mi", "1Gi"),
        )
    )
    fresh_pods(c, app)
    crash(
        c,
        app,
        [
            "node:events:497",
            "      throw er; // Unhandled 'error' event",
            "Error: listen EADDRINUSE: address already in use :::15090",
            "    at Server.setupListenHandle [as _listen2] (node:net:1908:16) {",
            "  code: 'EADDRINUSE',",
            "  errno: -98,",
        ],
    )
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("service_sidecar_port_conflict", "ferry", "billing is unavailable")
def dotnet_and_sidecar(c: Cluster) -> str:
    """Kestrel finds its port taken by a log shipper; no container port is declared for either."""
    app = c.app("invoicing")
    app.containers.append(
        Container(
            "shipper",
            "grafana/alloy:v1.4.2",
            None,
            args=["run", "--server.http.listen-addr=0.0.0.0:5010", "/etc/alloy"],
            cpu=("20m", "100m"),
            memory=("64Mi", "128Mi"),
        )
    )
    fresh_pods(c, app)
    crash(
        c,
        app,
        [
            line(
                app,
                c.at(70),
                "error",
                "Hosting failed to start",
                "System.IO.IOException: Failed to bind to address http://[::]:5010: address already in use.",
            )
        ],
        code=139,
    )
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("service_dns_resolution_failure", "clinic", "the web site of the clinic shows errors everywhere")
def dns_policy_default(c: Cluster) -> str:
    """DnsPolicy Default: the pod asks the node's resolver, which knows no Service."""
    app = c.app("portal")
    app.spec["dnsPolicy"] = "Default"
    fresh_pods(c, app)
    for callee in ("booking", "fares", "boarding"):
        say(c, app, f"call to {c.app(callee).name} failed", f"getaddrinfo ENOTFOUND {c.app(callee).name}", times=3)
    alert(c, "HighErrorRate", {"service": app.name}, "patient-web: 5xx ratio 100% over the last 5m")
    return f"app/{app.name}"


@case("service_dns_resolution_failure", "ferry", "booking a trip takes forever and then fails")
def dns_config_nameserver(c: Cluster) -> str:
    """DnsConfig with a name server that does not answer."""
    app = c.app("booking")
    app.spec |= {
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["10.96.0.99"], "searches": [f"{c.ns}.svc.cluster.local"]},
    }
    fresh_pods(c, app)
    for callee in ("fares", "seats", "notify"):
        say(
            c,
            app,
            f"call to {c.app(callee).name} failed",
            client_error(app, c.app(callee).name, 80, "again", ""),
            times=2,
        )
    say(
        c,
        app,
        "HikariPool-1 - Exception during pool initialization.",
        "java.net.UnknownHostException: ledger-mysql: Temporary failure in name resolution",
    )
    say(c, c.app("portal"), "sailing-booking answered 500")
    return f"app/{app.name}"


@case("service_dns_resolution_failure", "library", "catalogue search gives an internal error")
def network_policy_blocks_dns(c: Cluster) -> str:
    """An egress policy that forgets port 53."""
    app = c.app("boarding")
    policy: dict[str, Any] = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "catalogue-egress", "namespace": c.ns},
        "spec": {
            "podSelector": {"matchLabels": {"app": app.name}},
            "policyTypes": ["Egress"],
            "egress": [
                {
                    "to": [{"podSelector": {}}],
                    "ports": [{"protocol": "TCP", "port": 27017}, {"protocol": "TCP", "port": 9095}],
                }
            ],
        },
    }
    app.extra.append(policy)
    c.custom["networkpolicies"] = [policy]
    say(
        c,
        app,
        "find titles",
        "pymongo.errors.ServerSelectionTimeoutError: title-docs:27017: [Errno -3] Temporary failure in "
        "name resolution (configured "
        "timeouts: socketTimeoutMS: 20000.0ms, connectTimeoutMS: 20000.0ms), Timeout: 5.0s",
        times=4,
    )
    say(
        c,
        app,
        "call to staffing failed",
        "httpx.ConnectError: [Errno -3] Temporary failure in name resolution",
        times=2,
    )
    say(c, c.app("portal"), "catalogue answered 500")
    return f"app/{app.name}"


@case("service_dns_resolution_failure", "clinic", "appointments do not show any prices")
def service_gone(c: Cluster) -> str:
    """The Service was never made: its name resolves to nothing."""
    app = c.app("fares")
    app.services = []
    say(c, c.app("portal"), "call to tariffs failed", "getaddrinfo ENOTFOUND tariffs", times=4)
    say(
        c,
        c.app("booking"),
        "call to tariffs failed",
        client_error(c.app("booking"), "tariffs", 9090, "nxdomain", ""),
        times=4,
    )
    return f"app/{app.name}"


@case("missing_secret_binding", "library", "fees cannot be computed, deployment seems stuck")
def env_secret_missing(c: Cluster) -> str:
    """A variable from a Secret that is not there."""
    app = c.app("fares")
    del c.secrets["fees-db"]
    fresh_pods(c, app)
    waiting(
        c,
        app,
        "CreateContainerConfigError",
        'secret "fees-db" not found',
        [
            ("Pulled", f'Container image "{app.main.image}" already present on machine'),
            ("Failed", 'Error: secret "fees-db" not found'),
        ],
    )
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("missing_secret_binding", "ferry", "nobody can check in at the pier")
def volume_secret_missing(c: Cluster) -> str:
    """A volume of a Secret that is not there: the container is being created for ever."""
    app = c.app("boarding")
    app.volumes.append({"name": "scanner-keys", "kind": "secret", "ref": "boarding-scanner-keys"})
    app.main.mounts.append(("/etc/scanner", "scanner-keys", True))
    fresh_pods(c, app, 900)
    waiting(
        c,
        app,
        "ContainerCreating",
        "",
        [
            (
                "FailedMount",
                'MountVolume.SetUp failed for volume "scanner-keys" : secret "boarding-scanner-keys" not found',
            )
        ],
        has_ip=False,
    )
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("missing_secret_binding", "clinic", "bonus points page: 503")
def key_missing(c: Cluster) -> str:
    """The Secret is there, the key is not."""
    app = c.app("loyalty")
    c.drop.discard("secrets")
    c.secrets["bonus-plan-db"] = {"MYSQL_PASSWORD": "21 bytes"}
    fresh_pods(c, app)
    waiting(
        c,
        app,
        "CreateContainerConfigError",
        f"couldn't find key password in Secret {c.ns}/bonus-plan-db",
        [("Failed", f"Error: couldn't find key password in Secret {c.ns}/bonus-plan-db")],
    )
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("missing_secret_binding", "ferry", "crew list is gone")
def reference_forgotten(c: Cluster) -> str:
    """The manifest no longer refers to the Secret: the service finds no password and stops."""
    app = c.app("crewing")
    del app.main.env["DB_PASSWORD"]
    pod = fresh_pods(c, app)[0]
    crash(
        c,
        app,
        [
            line(app, c.at(70), "warn", "DB_PASSWORD is not set, trying without a password"),
            line(
                app,
                c.at(70),
                "error",
                "ping database",
                f"Error 1045 (28000): Access denied for user 'crewing'@'{pod.ip}' (using password: NO)",
            ),
        ],
    )
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"
