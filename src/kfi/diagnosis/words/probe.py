"""
What a person reads of probes: the same faults for each kind of probe, with what each kind brings about.
"""

from __future__ import annotations

from collections.abc import Mapping

from kfi.diagnosis.catalogue import Layer, Rule

_DESCRIBE = "kubectl describe {kind} {name} -n {namespace}"

_EFFECT = {
    "liveness": "The kubelet therefore kills and restarts a container that may be in order, again and again.",
    "readiness": "The container runs, but the Pod never counts as ready, so its Services send it nothing.",
    "startup": "Until it succeeds no other probe runs; when its tries are used up, the kubelet kills the container.",
}


def _failing(kind: str) -> Rule:
    return Rule(
        code=f"{kind}-probe-failing",
        title=f"{kind.capitalize()} probe fails",
        layer=Layer.PROBE,
        meaning=(
            f"The {kind} probe gets no good answer from the container. {_EFFECT[kind]} Either the application is "
            "unwell, or the probe asks for the wrong thing."
        ),
        confirm=_DESCRIBE,
        fix=(
            "See in the container's log whether the application came up and what it waits for.",
            "Ask what the probe asks from inside the Pod, and correct port, path, protocol or times.",
        ),
    )


def _wrong_port(kind: str) -> Rule:
    return Rule(
        code=f"{kind}-wrong-port",
        title=f"{kind.capitalize()} probe asks a port that nobody listens on",
        layer=Layer.PROBE,
        meaning=f"The port of the {kind} probe is not one that the container serves. {_EFFECT[kind]}",
        confirm=_DESCRIBE,
        fix=(f"Set the {kind} probe's port to the port that the application listens on, best by its name.",),
    )


def _wrong_protocol(kind: str) -> Rule:
    return Rule(
        code=f"{kind}-wrong-protocol",
        title=f"{kind.capitalize()} probe speaks another protocol than the application",
        layer=Layer.PROBE,
        meaning=(
            f"Something listens on the {kind} probe's port, but does not speak the probe's protocol: HTTP asked of a "
            f"gRPC or TCP server, gRPC of an HTTP server, HTTPS of plain HTTP. {_EFFECT[kind]}"
        ),
        confirm=_DESCRIBE,
        fix=(
            f"Use the probe type that fits the server: grpc, httpGet (with the right scheme) or tcpSocket for {kind}.",
        ),
    )


def _wrong_path(kind: str) -> Rule:
    return Rule(
        code=f"{kind}-wrong-path",
        title=f"{kind.capitalize()} probe asks for a path that does not exist",
        layer=Layer.PROBE,
        meaning=(
            f"The server answers the {kind} probe, but with a status such as 404: it does not know the path, or guards "
            f"it. {_EFFECT[kind]}"
        ),
        confirm=_DESCRIBE,
        fix=(f"Set httpGet.path of the {kind} probe to the application's health endpoint.",),
    )


KINDS = ("liveness", "readiness", "startup")
PROBE_FAILING: Mapping[str, Rule] = {kind: _failing(kind) for kind in KINDS}
WRONG_PORT: Mapping[str, Rule] = {kind: _wrong_port(kind) for kind in KINDS}
WRONG_PROTOCOL: Mapping[str, Rule] = {kind: _wrong_protocol(kind) for kind in KINDS}
WRONG_PATH: Mapping[str, Rule] = {kind: _wrong_path(kind) for kind in KINDS}
TIMING: Mapping[str, Rule] = {
    "liveness": Rule(
        code="liveness-timing",
        title="Liveness probe gives the application too little time",
        layer=Layer.PROBE,
        meaning=(
            "The probe asks the right thing, but kills the container before it can answer: initialDelaySeconds plus "
            "periodSeconds times failureThreshold is shorter than its start, or timeoutSeconds shorter than an answer "
            "under load takes."
        ),
        confirm=_DESCRIBE,
        fix=(
            "Add a startupProbe that covers the slowest start, or raise initialDelaySeconds and failureThreshold.",
            "Raise timeoutSeconds above the slowest good answer.",
        ),
    ),
    "startup": Rule(
        code="startup-timing",
        title="Startup probe gives the application too little time",
        layer=Layer.PROBE,
        meaning=(
            "The application needs longer to start than periodSeconds times failureThreshold of its startup probe, and "
            "is killed before it is up."
        ),
        confirm=_DESCRIBE,
        fix=("Raise failureThreshold of the startupProbe until it covers the slowest start.",),
    ),
    "readiness": Rule(
        code="readiness-timing",
        title="Readiness probe has not begun yet",
        layer=Layer.PROBE,
        meaning=(
            "The container runs, but its readiness probe asks for the first time only after a long "
            "initialDelaySeconds; until then the Pod is not ready."
        ),
        confirm=_DESCRIBE,
        fix=("Lower initialDelaySeconds of the readinessProbe; use a startupProbe for slow starts.",),
    ),
}
