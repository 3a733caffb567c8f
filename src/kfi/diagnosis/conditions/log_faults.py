"""
What a container's last words prove, once they are compared with what is there.

A variable that the log misses is looked for in the container's env, a path in its mounts, a host among the Services.
Where the cluster contradicts the log, the words alone prove nothing, and the log is only quoted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from kfi.diagnosis.catalogue import Rule
from kfi.diagnosis.conditions.log_targets import Target, answers_wrong, named, unreached
from kfi.diagnosis.conditions.log_words import MAX_CHARS, Told, excerpt, missing_file, told
from kfi.diagnosis.conditions.pod_spec import cite_spec, full_spec
from kfi.diagnosis.words.logs import (
    CERTIFICATE_EXPIRED,
    CERTIFICATE_UNTRUSTED,
    CLIENT_VERSION_UNSUPPORTED,
    DEPENDENCY_ERROR,
    DEPENDENCY_UNREACHABLE,
    DISK_FULL,
    FILE_MISSING,
    FILE_PERMISSION_DENIED,
    MISSING_ENVIRONMENT_VARIABLE,
    MODULE_MISSING,
    PRIVILEGED_PORT_DENIED,
    READ_ONLY_FILE_SYSTEM,
    RUNTIME_OUT_OF_MEMORY,
    SHELL_SYNTAX_ERROR,
)
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.pod import Container, PodSpec, VolumeMount
from kfi.snapshot.provenance import Path
from kfi.snapshot.resources import PersistentVolumeClaim, Service
from kfi.snapshot.view import Log, Snapshot


@dataclass(frozen=True)
class Line:
    """Some of a container's words: a log line with what is below it, or its last message."""

    text: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True)
class LogFault:
    """A failure that words prove."""

    rule: Rule
    says: str
    """A clause in our words: "environment variable SHOP_MODE is not set"."""
    quote: str
    """The line's own."""
    citations: tuple[Citation, ...]
    strength: float
    service: Service | None = None
    """Whom it is about, where that is a Service that was seen."""


@dataclass(frozen=True)
class Place:
    """Where the words were said: a Pod or workload, and the container."""

    snapshot: Snapshot
    ref: ObjectRef
    container: str = ""

    @property
    def spec(self) -> PodSpec:
        """What is known of the Pod's spec."""
        return full_spec(self.snapshot, self.ref)

    @property
    def containers(self) -> list[Container]:
        """The container's spec; all of them where the log does not say which one wrote it."""
        return [c for c in self.spec.all_containers if self.container in ("", c.name)]

    def cite(self, *fields: Path) -> tuple[Citation, ...]:
        """Give the lines of fields of the container's spec, live and applied."""
        spec = self.spec
        part = "initContainers" if any(c.name == self.container for c in spec.init_containers) else "containers"
        return cite_spec(self.snapshot, self.ref, *[(part, c.name, *f) for c in self.containers[:1] for f in fields])


@dataclass(frozen=True)
class _Proof:
    """What a comparison with the cluster adds."""

    says: str
    strength: float
    citations: tuple[Citation, ...] = ()
    service: Service | None = None


def lines_of(logs: Iterable[Log]) -> Iterator[Line]:
    """Yield log lines with their stack traces."""
    for log in logs:
        yield Line(log.text[:MAX_CHARS], (log.citation,))


def proven(place: Place, lines: Iterable[Line]) -> LogFault | None:
    """Give what the first of these lines proves that proves anything."""
    return next((fault for line in lines if (fault := _of_line(place, line))), None)


def unreachable_of(place: Place, line: Line) -> LogFault | None:
    """Give the dependency that a line says cannot be reached, or answers with errors."""
    target = unreached(line.text)
    if target:
        return _of_target(place, line, target, DEPENDENCY_UNREACHABLE)
    target = answers_wrong(line.text)
    return _of_target(place, line, target, DEPENDENCY_ERROR) if target else None


def _of_line(place: Place, line: Line) -> LogFault | None:
    words = told(line.text)
    if words and (fault := _of_words(place, line, words)):
        return fault
    target = unreached(line.text)
    if target:
        return _of_target(place, line, target, DEPENDENCY_UNREACHABLE)
    lost = missing_file(line.text)
    return _of_words(place, line, lost) if lost else None


def _of_words(place: Place, line: Line, words: Told) -> LogFault | None:
    proof = _PROOFS[words.rule.code](place, line.text, words)
    if proof is None:
        return None
    lines = (*line.citations, *proof.citations)
    quote = excerpt(line.text, words.start, words.end)
    return LogFault(words.rule, proof.says, quote, lines, proof.strength, proof.service)


def _of_target(place: Place, line: Line, target: Target, rule: Rule) -> LogFault:
    proof = _of_host(place, target, rule)
    quote = excerpt(line.text, target.start, target.end)
    return LogFault(rule, proof.says, quote, (*line.citations, *proof.citations), proof.strength, proof.service)


def _of_host(place: Place, target: Target, rule: Rule) -> _Proof:
    which = f", which {target.how}" if target.how else ""
    if target.itself:
        return _Proof(f"it looks for {target.place} inside its own Pod{which}", 0.7)
    service = service_at(place.snapshot, place.ref, target)
    behind = place.snapshot.topology.meant_by(service) if service else None
    who = f" (Service {service.name}{f' of {behind.kind} {behind.name}' if behind else ''})" if service else ""
    if rule is DEPENDENCY_ERROR:
        return _Proof(f"{target.place}{who} {target.how}", 0.75, _address(place, service), service)
    says = f"it cannot connect to {target.place}{who}{which}"
    if service:
        return _Proof(says, 0.75, _address(place, service), service)
    absent = _absent_service(place, target)
    note = f"; no Service {absent[0]} exists in namespace {absent[1].namespace}" if absent else ""
    return _Proof(f"{says}{note}", 0.88, (absent[2],) if absent else ())


def _address(place: Place, service: Service | None) -> tuple[Citation, ...]:
    """Give the line that shows a Service."""
    if service is None:
        return ()
    return (place.snapshot.cite(service.ref, ("spec", "clusterIP")) or place.snapshot.cite_row(service.ref))[:1]


def service_at(snapshot: Snapshot, ref: ObjectRef, target: Target) -> Service | None:
    """Give the Service that a host means, seen from an object's namespace: `cart`, `cart.shop`, or its address."""
    name, _, rest = target.host.partition(".")
    home = rest.split(".")[0] or ref.namespace
    found = snapshot.find("Service", home, name, ref.cluster)
    if isinstance(found, Service):
        return found
    same = (s for s in snapshot.kube_services if s.spec.cluster_ip == target.host and s.ref.cluster == ref.cluster)
    return next(same, None)


def _absent_service(place: Place, target: Target) -> tuple[str, ObjectRef, Citation] | None:
    """Give the Service that a host would be, and the list that lacks it; none for addresses and names from outside."""
    labels = target.host.split(".")
    if (len(labels) > 2 and labels[2] != "svc") or labels[-1].isdigit():
        return None
    home = labels[1] if len(labels) > 1 else place.ref.namespace
    ref = ObjectRef(cluster=place.ref.cluster, kind="Service", namespace=home, name=labels[0])
    absent = place.snapshot.absent(ref)
    return (labels[0], ref, absent) if absent else None


def _variable(place: Place, _: str, words: Told) -> _Proof | None:
    if not words.what:
        return _Proof("a required environment variable is not set", 0.85, place.cite(("env",))[:2])
    containers = place.containers
    if any(env.name == words.what and (env.value or env.value_from) for c in containers for env in c.env):
        return None  # it is set: what the program dislikes is its value
    known = bool(containers) and not any(c.env_from for c in containers)
    lines = place.cite(("env", words.what), ("envFrom",), ("command",), ("args",))
    says = f"environment variable {words.what} is not set"
    return _Proof(f"{says}, and the container's spec does not set it" if known else says, 0.93 if known else 0.9, lines)


def _certificate(_: Place, text: str, words: Told) -> _Proof:
    line = excerpt(text, words.start, words.end, 1000)
    host = named(line)
    whose = f" of {host.host}" if host and any(char.isalpha() for char in host.host) else ""
    if words.rule is CERTIFICATE_UNTRUSTED:
        why = f" ({words.what})" if words.what else ""
        return _Proof(f"the certificate{whose} is not trusted{why}", 0.9)
    if words.early:
        return _Proof(f"the certificate{whose} is not valid yet{', before ' + words.date if words.date else ''}", 0.9)
    return _Proof(f"the certificate{whose} has expired{' on ' + words.date if words.date else ''}", 0.92)


def _syntax(place: Place, _: str, __: Told) -> _Proof:
    return _Proof("the shell cannot parse the command (syntax error)", 0.93, place.cite(("command",), ("args",)))


def _driver(place: Place, text: str, words: Told) -> _Proof:
    line = excerpt(text, words.start, words.end, 1200)
    target = named(line)
    service = service_at(place.snapshot, place.ref, target) if target else None
    server = f"the server {target.place}" if target else "the server it talks to"
    return _Proof(f"{server} does not support the version of the client's driver", 0.85, (), service)


def _full(place: Place, text: str, words: Told) -> _Proof:
    mount = _mount_at(place, text, words)
    if mount is None:
        return _Proof("no space is left on a file system it writes to", 0.88)
    claim = _claim(place, mount)
    what = f"volume {mount.name}" if claim is None else f"PersistentVolumeClaim {claim.name}"
    size = _size(place.snapshot, claim) if claim else ""
    lines = place.cite(("volumeMounts", mount.name))
    if claim:
        sizes = (("status", "capacity", "storage"), ("spec", "resources", "requests", "storage"))
        lines += place.snapshot.cite(claim, *sizes)
    says = f"no space is left on {what}{f' ({size})' if size else ''}, mounted at {mount.mount_path}"
    return _Proof(says, 0.93, (*lines, *_warnings_of(place.snapshot, claim)))


def _warnings_of(snapshot: Snapshot, claim: ObjectRef | None) -> tuple[Citation, ...]:
    events = snapshot.events_of(claim) if claim else ()
    return tuple(event.citation for event in events if event.type == "Warning")[:1]


def _mount_at(place: Place, text: str, words: Told) -> VolumeMount | None:
    """Give the mount that the line's path lies on; where it names no path, the only one that holds data."""
    mounts = [m for c in place.containers for m in c.volume_mounts if not m.mount_path.startswith("/var/run/secrets/")]
    line = excerpt(text, words.start, words.end, 1200)
    below = [m for m in mounts if len(m.mount_path) > 1 and f"{m.mount_path.rstrip('/')}/" in f"{line}/"]
    below = below or [m for m in mounts if len(m.mount_path) > 1 and m.mount_path in line]
    if below:
        return max(below, key=_depth)
    claims = [m for m in mounts if _claim(place, m)]
    return claims[0] if len(claims) == 1 and not _names_path(line) else None


def _names_path(line: str) -> bool:
    return any(word.startswith("/") and len(word) > 2 for word in line.replace("'", " ").replace('"', " ").split())


def _depth(mount: VolumeMount) -> int:
    return len(mount.mount_path)


def _claim(place: Place, mount: VolumeMount) -> ObjectRef | None:
    volume = next((v for v in place.spec.volumes if v.name == mount.name), None)
    source = volume.persistent_volume_claim if volume else None
    if source is None:
        return None
    return ObjectRef(
        cluster=place.ref.cluster, kind="PersistentVolumeClaim", namespace=place.ref.namespace, name=source.claim_name
    )


def _size(snapshot: Snapshot, claim: ObjectRef) -> str:
    known = snapshot.objects.get(claim)
    if not isinstance(known, PersistentVolumeClaim):
        return ""
    return str(known.status.capacity.get("storage") or known.spec.resources.requests.get("storage") or "")


def _read_only(place: Place, text: str, words: Told) -> _Proof:
    mount = _mount_at(place, text, words)
    line = excerpt(text, words.start, words.end, 1200)
    if mount and mount.mount_path in line:
        only = ", which is mounted read-only" if mount.read_only else ""
        says = f"it cannot write to its volume {mount.name}{only}"
        return _Proof(says, 0.85, place.cite(("volumeMounts", mount.name)))
    lines = place.cite(("securityContext", "readOnlyRootFilesystem"))
    root = "; its root file system is read-only" if lines else ""
    return _Proof(f"it writes to a read-only file system{root}", 0.9 if lines else 0.8, lines)


def _memory(place: Place, _: str, words: Told) -> _Proof:
    what = f" ({words.what})" if words.what else ""
    says = f"the program ran out of the memory that its runtime allows{what}; the container was not killed for it"
    return _Proof(says, 0.9, place.cite(("resources", "limits", "memory")))


def _module(_: Place, __: str, words: Told) -> _Proof:
    return _Proof(f"{words.what or 'a part of the program'} is not found by the program", 0.88)


def _file(place: Place, _: str, words: Told) -> _Proof | None:
    mount = next((m for c in place.containers for m in c.volume_mounts if _holds(m, words.what)), None)
    where = f", on its volume {mount.name}" if mount else ""
    lines = place.cite(("volumeMounts", mount.name)) if mount else place.cite(("command",), ("args",))
    return _Proof(f"{words.what} does not exist in the container{where}", 0.85, lines)


def _holds(mount: VolumeMount, path: str) -> bool:
    return path == mount.mount_path or path.startswith(mount.mount_path.rstrip("/") + "/")


def _denied(place: Place, _: str, words: Told) -> _Proof | None:
    if any(_holds(mount, words.what) for c in place.containers for mount in c.volume_mounts):
        return None  # the storage family's: it is about the volume
    return _Proof(f"its user may not use {words.what}", 0.88, place.cite(("securityContext", "runAsUser")))


def _low_port(place: Place, _: str, words: Told) -> _Proof:
    says = f"it may not bind port {words.what}, which is below 1024"
    return _Proof(says, 0.9, place.cite(("securityContext", "runAsUser"), ("securityContext", "runAsNonRoot")))


_PROOFS: Mapping[str, Callable[[Place, str, Told], _Proof | None]] = {
    MISSING_ENVIRONMENT_VARIABLE.code: _variable,
    CERTIFICATE_EXPIRED.code: _certificate,
    CERTIFICATE_UNTRUSTED.code: _certificate,
    SHELL_SYNTAX_ERROR.code: _syntax,
    CLIENT_VERSION_UNSUPPORTED.code: _driver,
    DISK_FULL.code: _full,
    READ_ONLY_FILE_SYSTEM.code: _read_only,
    RUNTIME_OUT_OF_MEMORY.code: _memory,
    MODULE_MISSING.code: _module,
    FILE_MISSING.code: _file,
    FILE_PERMISSION_DENIED.code: _denied,
    PRIVILEGED_PORT_DENIED.code: _low_port,
}
