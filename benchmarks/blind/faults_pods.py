"""Faults that the development cases show too, in another guise: images, probes, memory, Services, addresses."""

from __future__ import annotations

from .cases import case
from .effects import alert, crash, fresh_pods, hurt_callers, set_env, unready, waiting
from .logs import client_error, line, say
from .model import Cluster, Container, Event, Probe, State


@case("oom_killed", "ferry", "check-in is flaky, it comes and goes")
def sidecar_out_of_memory(c: Cluster) -> str:
    """The second container is the one that is killed."""
    app = c.app("boarding")
    app.containers.append(
        Container("pdf-render", "gotenberg/gotenberg:8.11", 3001, memory=("64Mi", "96Mi"), cpu=("50m", "500m"))
    )
    fresh_pods(c, app, 3000)
    crash(c, app, [], index=1, code=137, restarts=9)
    say(
        c,
        c.app("portal"),
        "call to boarding failed",
        client_error(c.app("portal"), app.name, 8200, "refused", app.service.ip),
    )
    return f"app/{app.name}"


@case("oom_killed", "library", "catalogue requests are sometimes cut off in the middle")
def child_killed(c: Cluster) -> str:
    """Only a worker process inside the container is killed: the container goes on, its parent's log tells."""
    app = c.app("boarding")
    app.main.command = ["gunicorn", "-w", "4", "-k", "uvicorn.workers.UvicornWorker", "catalogue.main:app"]
    pod = fresh_pods(c, app, 3400)[0]
    app.logs += [
        f"[{c.at(200 - 50 * n):%Y-%m-%d %H:%M:%S} +0000] [1] [ERROR] Worker (pid:{40 + n}) was sent "
        f"SIGKILL! Perhaps out of memory?"
        for n in range(4)
    ]
    alert(
        c,
        "ContainerMemoryNearLimit",
        {"pod": pod.name, "container": "app"},
        f"Container app of pod {pod.name} uses 99% of its memory limit.",
    )
    say(c, c.app("portal"), f"call to {app.name} failed", "socket hang up")
    return f"app/{app.name}"


@case("liveness_probe_incorrect_timing", "clinic", "appointments keep restarting")
def slow_java(c: Cluster) -> str:
    """Spring needs 70 s and the kubelet gives it 15; no startup probe."""
    app = c.app("booking")
    app.main.startup = None
    app.main.live = Probe("http", 8090, "/actuator/health/liveness", delay=5, timeout=1, period=5, failure=2)
    fresh_pods(c, app, 700)
    unready(
        c,
        app,
        "Liveness",
        'Get "http://{ip}:8090/actuator/health/liveness": dial tcp {ip}:8090: connect: connection refused',
        restarts=11,
    )
    app.logs = [
        line(app, c.at(24), "info", "Starting AppointmentsApplication v4.2.0 using Java 21.0.4 with PID 1"),
        line(app, c.at(18), "info", "Bootstrapping Spring Data JPA repositories in DEFAULT mode."),
        line(app, c.at(12), "info", "HikariPool-1 - Start completed."),
    ]
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("liveness_probe_incorrect_protocol", "library", "staffing service restarts all the time")
def https_probe_on_http(c: Cluster) -> str:
    """The probe speaks TLS to a plain listener."""
    app = c.app("crewing")
    app.main.live = Probe("http", 9095, "/healthz", "HTTPS")
    fresh_pods(c, app, 900)
    unready(
        c,
        app,
        "Liveness",
        'Get "https://{ip}:9095/healthz": http: server gave HTTP response to HTTPS client',
        restarts=7,
    )
    for pod in app.pods:
        pod.states[0].ready = True
    return f"app/{app.name}"


@case("liveness_probe_incorrect_port", "ferry", "milescard is restarting over and over")
def liveness_management_port(c: Cluster) -> str:
    """A tcp probe of a port where nobody listens."""
    app = c.app("loyalty")
    app.main.live = Probe("tcp", 8301, delay=10)
    fresh_pods(c, app, 900)
    unready(c, app, "Liveness", "dial tcp {ip}:8301: connect: connection refused", restarts=6)
    for pod in app.pods:
        pod.states[0].ready = True
    return f"app/{app.name}"


@case("readiness_probe_incorrect_port", "clinic", "rooms cannot be chosen")
def readiness_other_port(c: Cluster) -> str:
    """The readiness probe asks a management port that the image dropped."""
    app = c.app("seats")
    app.main.ready = Probe("http", 5006, "/ready", delay=3, period=5)
    fresh_pods(c, app, 800)
    unready(c, app, "Readiness", 'Get "http://{ip}:5006/ready": dial tcp {ip}:5006: connect: connection refused')
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("readiness_probe_incorrect_protocol", "ferry", "no fares since the release")
def grpc_probe_on_http(c: Cluster) -> str:
    """A gRPC probe of an HTTP/1.1 server."""
    app = c.app("fares")
    app.main.ready = Probe("grpc", 9090, delay=3, period=5)
    fresh_pods(c, app, 800)
    unready(
        c,
        app,
        "Readiness",
        "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): "
        "unexpected HTTP status code "
        'received from server: 404 (Not Found); transport: received unexpected content-type "text/plain; '
        'charset=utf-8"',
    )
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("service_selector_mismatch", "library", "fees are missing for every reader")
def selector_track(c: Cluster) -> str:
    """The Service asks for a label that the pods got another value of."""
    app = c.app("fares")
    app.labels["track"] = "stable"
    for pod in app.pods:
        pod.labels["track"] = "stable"
    app.service.selector = {"app": app.name, "track": "green"}
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("service_port_mapping_mismatch", "clinic", "cannot see bonus points")
def named_port_absent(c: Cluster) -> str:
    """TargetPort is a name that no container port has: the Endpoints stay empty."""
    app = c.app("loyalty")
    app.service.target = "http-web"
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("service_protocol_mismatch", "ferry", "cabins cannot be booked")
def udp_service(c: Cluster) -> str:
    """The Service is UDP, the pod listens on TCP."""
    app = c.app("seats")
    app.service.protocol, app.service.target = "UDP", 5005
    c.cut[app.service.name] = "nc: connect to {host} ({ip}) port {port} (tcp) timed out: Operation now in progress"
    hurt_callers(c, app, "timeout")
    return f"app/{app.name}"


@case("service_env_var_address_mismatch", "library", "loans work but nobody gets a mail about them")
def old_namespace(c: Cluster) -> str:
    """The address stands in a ConfigMap and names another namespace."""
    app, other = c.app("booking"), c.app("notify")
    del app.main.env[f"{other.name.upper()}_URL"]
    c.configmaps["loans-endpoints"] = {
        f"{other.name.upper()}_URL": f"http://{other.name}.biblio-test.svc.cluster.local:3100"
    }
    app.main.env_from = [("configmap", "loans-endpoints")]
    fresh_pods(c, app, 1300)
    for pod in app.pods:
        pod.states = [State(started_age=1290)]
    say(
        c,
        app,
        "mail not queued",
        client_error(app, f"{other.name}.biblio-test.svc.cluster.local", 3100, "nxdomain", ""),
        times=5,
    )
    return f"app/{app.name}"


@case("image_registry_dns_failure", "clinic", "rooms is not coming up")
def registry_servfail(c: Cluster) -> str:
    """The registry's name: SERVFAIL, not NXDOMAIN."""
    app = c.app("seats")
    app.main.image = "registry.medbok.internal/team/rooms:3.1.0"
    fresh_pods(c, app)
    text = (
        f'Failed to pull image "{app.main.image}": failed to pull and unpack image "{app.main.image}": '
        f'failed to resolve reference "{app.main.image}": '
        'failed to do request: Head "https://registry.medbok.internal/v2/team/rooms/manifests/3.1.0": dial '
        "tcp: lookup registry.medbok.internal on "
        "10.31.4.2:53: server misbehaving"
    )
    waiting(
        c,
        app,
        "ImagePullBackOff",
        f'Back-off pulling image "{app.main.image}"',
        [
            ("Pulling", f'Pulling image "{app.main.image}"'),
            ("Failed", text),
            ("Failed", "Error: ErrImagePull"),
            ("BackOff", f'Back-off pulling image "{app.main.image}"'),
        ],
    )
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("incorrect_image_reference", "ferry", "the postman stays silent")
def init_image(c: Cluster) -> str:
    """The image of an init container does not exist."""
    app = c.app("notify")
    app.init = [
        Container("templates", "ghcr.io/skerryline/mail-templates:2026.13", cpu=("10m", "50m"), memory=("16Mi", "32Mi"))
    ]
    fresh_pods(c, app)
    image = app.init[0].image
    for pod in app.pods:
        pod.phase, pod.init_states = "Pending", [State("Waiting", "ImagePullBackOff", ready=False)]
        pod.states = [State("Waiting", "PodInitializing", ready=False)]
        c.event(Event("pod", pod.name, "Pulling", f'Pulling image "{image}"', age=60, count=4, first=380))
        c.event(
            Event(
                "pod",
                pod.name,
                "Failed",
                f'Failed to pull image "{image}": rpc error: code = NotFound desc = failed to pull and unpack image '
                f'"{image}": failed to resolve reference "{image}": {image}: not found',
                "Warning",
                60,
                4,
                380,
            )
        )
        c.event(Event("pod", pod.name, "Failed", "Error: ErrImagePull", "Warning", 60, 4, 380))
        c.event(Event("pod", pod.name, "BackOff", f'Back-off pulling image "{image}"', age=9, count=20, first=378))
    app.logs = []
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("missing_image_pull_secret", "library", "accounts is not available")
def pull_secret_absent(c: Cluster) -> str:
    """ImagePullSecrets names a Secret that is not there, the registry says 401."""
    app = c.app("invoicing")
    app.spec["imagePullSecrets"] = [{"name": "ghcr-openstacks"}]
    fresh_pods(c, app)
    image = app.main.image
    text = (
        f'Failed to pull image "{image}": failed to pull and unpack image "{image}": failed to resolve '
        f'reference "{image}": failed to authorize: '
        "failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=repository%3Aopenstacks%2Faccounts%3Apull"
        "&service=ghcr.io: 401 Unauthorized"
    )
    waiting(
        c,
        app,
        "ErrImagePull",
        text,
        [
            (
                "FailedToRetrieveImagePullSecret",
                "Unable to retrieve some image pull secrets (ghcr-openstacks); attempting to "
                "pull the image may not succeed.",
            ),
            ("Pulling", f'Pulling image "{image}"'),
            ("Failed", text),
            ("Failed", "Error: ErrImagePull"),
        ],
    )
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("volume_mount_permission_denied", "ferry", "fares are gone, the database too?")
def postgres_data_owner(c: Cluster) -> str:
    """Postgres as a user who may not write its data directory."""
    app = c.app("postgres")
    app.spec["securityContext"] = {"runAsUser": 26, "runAsNonRoot": True}
    fresh_pods(c, app, 700)
    crash(c, app, ["mkdir: cannot create directory '/var/lib/postgresql/data/pg': Permission denied"])
    app.logs = app.logs[-1:]
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("pod_cpu_overload", "clinic", "prices load very slowly in the afternoon")
def throttled(c: Cluster) -> str:
    """A small CPU limit and a busy loop: throttling alerts, slow answers, nothing restarts."""
    app = c.app("fares")
    app.main.cpu = ("50m", "100m")
    for pod in app.pods:
        alert(
            c,
            "CPUThrottlingHigh",
            {"pod": pod.name, "container": "app"},
            f"96.4% throttling of CPU in namespace {c.ns} for container app in pod {pod.name}.",
        )
        alert(
            c,
            "PodCPUUsageHigh",
            {"pod": pod.name},
            f"Pod {c.ns}/{pod.name} uses 99.6% of its CPU limit (normally 11%).",
        )
    say(c, app, "slow request", "price computed in 8210 ms", level="warn")
    for caller in c.callers("fares"):
        alert(c, "HighLatency", {"service": caller.name}, f"{caller.name}: p95 8.4s over the last 5m (normally 0.1s)")
        say(c, caller, "call to tariffs failed", client_error(caller, "tariffs", 9090, "timeout", app.service.ip))
    alert(c, "HighLatency", {"service": app.name}, "tariffs: p95 8.3s over the last 5m (normally 0.05s)")
    return f"app/{app.name}"


@case("service_env_var_address_mismatch", "ferry", "portal cannot show sailings")
def typo_in_host(c: Cluster) -> str:
    """The port in a literal address is another one than the Service's."""
    app, other = c.app("portal"), c.app("booking")
    set_env(app, "SAILING_BOOKING_URL", "http://sailing-booking:8900")
    fresh_pods(c, app, 1300)
    say(c, app, "call to sailing-booking failed", f"connect ETIMEDOUT {other.service.ip}:8900", times=5)
    return f"app/{app.name}"
