"""
Workloads that run without a Secret they need: nothing in their spec takes it, so the kubelet has nothing to refuse.

The application misses the variable, and says so, or logs in without a password. That a Secret should have given it is
told by a key of that name, by the applied manifest, by siblings that take theirs, or by the variable's own name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kfi.diagnosis.conditions.database_servers import engine_of
from kfi.diagnosis.conditions.log_words import told
from kfi.diagnosis.conditions.past_errors import PastErrors
from kfi.diagnosis.conditions.service_evidence import workload_logs
from kfi.diagnosis.conditions.settings import Specified, specified
from kfi.diagnosis.words.config import SECRET_NOT_BOUND
from kfi.diagnosis.words.database_messages import FAMILIES, LIKELY, Trouble
from kfi.diagnosis.words.logs import MISSING_ENVIRONMENT_VARIABLE
from kfi.models.records import TextForm
from kfi.models.schemas import Citation, Finding, ObjectRef
from kfi.snapshot.pod import Container, PodSpec
from kfi.snapshot.provenance import Path, Seen, value_at
from kfi.snapshot.resources import Keyed, Workload
from kfi.snapshot.view import Log, Snapshot

_CREDENTIAL = re.compile(r"PASS(?:WORD|WD)?$|PWD$|TOKEN|SECRET|_KEY$|CREDENTIAL|(?:DATABASE|DB|MONGO\w*|REDIS)_UR[IL]$")
# What programs say that were given no address of their database, or fall back to their own host for want of one.
_WITHOUT_SETTINGS = re.compile(
    r"failed to configure a datasource|failed to determine a suitable driver class|jdbc-?url is (?:required|null|empty)"
    r"|no connection string named|connection ?string (?:is|was|cannot be) (?:null|empty|missing|not set)"
    r"|connection string property has not been initialized|can't connect to local (?:mysql|mariadb|server)"
    r"|connection to server on socket|(?:127\.0\.0\.1|\[::1\]|\blocalhost):(?:3306|5432|27017|1433)\b[^\n]{0,80}refused"
    r"|refused[^\n]{0,60}(?:127\.0\.0\.1|::1|localhost):(?:3306|5432|27017|1433)\b|no password supplied",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"pass(?:word|wd|phrase)?$|pwd$|pw$|secret|token|credential|_key$", re.IGNORECASE)
# Variables that mostly come from a Secret beside the password, and are none.
_NO_PASSWORD = re.compile(r"(?:USER(?:_?NAME)?|LOGIN|HOST(?:NAME)?|PORT|DATABASE|DB_?NAME|SCHEMA)$", re.IGNORECASE)
_MAX_CHARS = 4000
# The keys of a certificate, whatever the Secret's type.
_CERTIFICATE = frozenset({"tls.crt", "tls.key"})
# As many of a namespace that take theirs from Secrets make a custom of it.
_SIBLINGS = 3


# A placeholder that nothing filled in: a host named ${CART_DB_HOST}.
_UNFILLED = re.compile(r"\$\{([A-Z][A-Z0-9]*_[A-Z0-9_]{1,60})(?::[^}]{0,80})?\}")
_TEMPLATE: Path = ("spec", "template", "spec")


@dataclass(frozen=True)
class _Miss:
    """A variable that a container says it lacks, or (no name) the password it logs in without."""

    name: str
    log: Log


def unbound_secrets(snapshot: Snapshot, ill: frozenset[ObjectRef]) -> Iterator[Finding]:
    """Yield workloads that take nothing from a Secret that they need."""
    told = set()
    for workload in sorted(ill, key=str):
        found = _of_workload(snapshot, workload)
        if found:
            told.add(workload)
            yield found
    yield from (finding for finding in _unlike_siblings(snapshot) if finding.ref not in told)


def lacks_password(snapshot: Snapshot, workload: ObjectRef) -> bool:
    """Tell whether a workload's live spec is known, and takes no password from anywhere; a user's name is none."""
    live = _live(snapshot, workload)
    if live is None or any(volume.secret for volume in live.spec.volumes):
        return False
    bound = any(
        env.value_from and env.value_from.secret_key_ref and not _NO_PASSWORD.search(env.name)
        for container in live.spec.all_containers
        for env in container.env
    )
    literal = any(_PASSWORD.search(env.name) for c in live.spec.all_containers for env in c.env)
    whole = any(source.secret_ref or source.config_map_ref for c in live.spec.all_containers for source in c.env_from)
    return not bound and not literal and not whole


def _of_workload(snapshot: Snapshot, workload: ObjectRef) -> Finding | None:
    live = _live(snapshot, workload)
    if live is None:
        return None
    missed = _missed(snapshot, workload, live)
    source = _source(snapshot, workload, live, missed)
    if source is None:
        return None
    words, proof, strength = source
    says = (
        f"; its log misses {missed[0].name}"
        if missed and missed[0].name
        else "; its log says that it goes without"
        if missed
        else ""
    )
    paths: list[Path] = [
        (*live.prefix, "containers", c.name, part) for c in live.spec.containers for part in ("env", "name")
    ]
    lines = (*(one.log.citation for one in missed[:2]), *proof, *snapshot.cite(live.ref, *paths[:2])[:1])
    taken = "no password" if any(_env_secrets(live.spec)) and missed and not missed[0].name else "nothing"
    message = f"{workload.kind} {workload.name} takes {taken} from {words}{says}."
    return SECRET_NOT_BOUND.found(workload, message, lines[:6], strength=strength)


Source = tuple[str, tuple[Citation, ...], float]
"""The Secret that should have been bound, in words; the lines that tell of it; how sure that is."""


def _source(snapshot: Snapshot, workload: ObjectRef, live: Specified, missed: list[_Miss]) -> Source | None:
    dropped = _dropped(snapshot, workload, live)
    if dropped:
        name, lines = dropped
        return f"Secret {name}, though the applied manifest does", lines, 0.95 if missed else 0.85
    if not missed:
        return None
    return next((found for one in missed if (found := _by_variable(snapshot, workload, one))), None) or _by_custom(
        snapshot, workload, live, missed[0]
    )


def _by_variable(snapshot: Snapshot, workload: ObjectRef, one: _Miss) -> Source | None:
    """Give the Secret that has a variable, or that a sibling takes it from."""
    secret = _with_key(snapshot, workload, one.name) if one.name else None
    if secret:
        lines = snapshot.cite(secret.ref, *[(part, one.name) for part in ("data", "stringData")])
        return f"Secret {secret.name}, which has its {one.name}", lines or snapshot.cite_row(secret.ref), 0.96
    sibling = _sibling(snapshot, workload, one.name)
    return (f"a Secret, though {sibling[0].name} does for the same", sibling[1], 0.95) if sibling else None


def _by_custom(snapshot: Snapshot, workload: ObjectRef, live: Specified, one: _Miss) -> Source | None:
    """Give what names of Secrets and variables, and what siblings do, make likely."""
    unused = _named_for(snapshot, workload)
    if unused:
        return f"Secret {unused.name}, which exists for it", snapshot.cite_row(unused.ref), 0.95
    bound = _bound_siblings(snapshot, workload) if not any(_env_secrets(live.spec)) else []
    if len(bound) >= _SIBLINGS:
        names = ", ".join(snapshot.topology.workload(sibling.ref).name for sibling in bound[:4])
        return f"any Secret, though its siblings ({names}) do", _binding_lines(snapshot, bound[0]), 0.94
    likely = 0.9 if not one.name else 0.7 if _CREDENTIAL.search(one.name) else 0.0
    return ("any Secret", (), likely) if likely else None


def _missed(snapshot: Snapshot, workload: ObjectRef, live: Specified) -> list[_Miss]:
    """Give what the workload's log says it lacks and its spec does not set, the last said first."""
    given = {env.name for c in live.spec.all_containers for env in c.env}
    found: dict[str, _Miss] = {}
    past: PastErrors | None = None
    unbound = lacks_password(snapshot, workload)
    for log in reversed(workload_logs(snapshot, workload)):
        names = [name for name in _names(log) if name not in given]
        if not names and unbound and _goes_without(log):
            names = [""]
        if names:
            past = past or PastErrors.of(snapshot)
            found.update({name: _Miss(name, log) for name in names if name not in found and not past.holds(log)})
    return list(found.values())


def _names(log: Log) -> Iterator[str]:
    if log.record.level in ("info", "debug", "trace"):
        return
    said = told(log.text)
    if said and said.rule is MISSING_ENVIRONMENT_VARIABLE and said.what:
        yield said.what
    if log.failing:
        yield from _UNFILLED.findall(log.text[:_MAX_CHARS])


def _goes_without(log: Log) -> bool:
    text = log.text[:_MAX_CHARS]
    if _WITHOUT_SETTINGS.search(text):
        return True
    families = [words for words in FAMILIES if words.trouble is Trouble.NO_CREDENTIALS] if LIKELY.search(text) else []
    return any(words.pattern.search(text) for words in families)


def _live(snapshot: Snapshot, workload: ObjectRef) -> Specified | None:
    """Give the spec as the cluster shows it, with nothing filled in from a manifest."""
    pods = sorted(
        snapshot.topology.pods_of(workload), key=lambda pod: str(pod.metadata.creation_timestamp), reverse=True
    )
    places: list[tuple[ObjectRef, Path]] = [(pod.ref, ("spec",)) for pod in pods[:1]]
    places.append((workload, ("spec", "template", "spec")))
    for ref, prefix in places:
        for seen in snapshot.seen.get(ref, ()):
            spec = _spec_in(seen, prefix)
            if spec and spec.containers:
                return Specified(ref, prefix, spec)
    return None


def _spec_in(seen: Seen, prefix: Path) -> PodSpec | None:
    if seen.record.applied or seen.record.form is TextForm.TABLE:
        return None
    fields = value_at(seen.record.fields, prefix)
    if not isinstance(fields, dict) or not isinstance(fields.get("containers"), list):
        return None
    return PodSpec.model_validate(
        {key: fields[key] for key in ("containers", "initContainers", "volumes") if key in fields}
    )


def _env_secrets(spec: PodSpec) -> Iterator[str]:
    for container in spec.all_containers:
        yield from (source.secret_ref.name for source in container.env_from if source.secret_ref)
        for env in container.env:
            if env.value_from and env.value_from.secret_key_ref:
                yield env.value_from.secret_key_ref.name


def _dropped(snapshot: Snapshot, workload: ObjectRef, live: Specified) -> tuple[str, tuple[Citation, ...]] | None:
    """Give a Secret that the applied manifest takes variables from and the live object does not, and where."""
    declared = snapshot.declared.get(workload)
    if not isinstance(declared, Workload):
        return None
    applied = declared.spec.template.spec
    mounted = {volume.secret.secret_name for volume in live.spec.volumes if volume.secret}
    for name in dict.fromkeys(_env_secrets(applied)):
        if name not in set(_env_secrets(live.spec)) | mounted:
            return name, snapshot.cite_applied(workload, *_binding_paths(applied.containers, name))
    return None


def _binding_paths(containers: Iterable[Container], secret: str, prefix: Path = _TEMPLATE) -> Iterator[Path]:
    at: Path = (*prefix, "containers")
    for container in containers:
        for index, source in enumerate(container.env_from):
            if source.secret_ref and source.secret_ref.name == secret:
                yield (*at, container.name, "envFrom", str(index), "secretRef", "name")
        for env in container.env:
            key = env.value_from.secret_key_ref if env.value_from else None
            if key and key.name == secret:
                yield (*at, container.name, "env", env.name, "valueFrom", "secretKeyRef", "name")


def _with_key(snapshot: Snapshot, workload: ObjectRef, name: str) -> Keyed | None:
    for secret in snapshot.live(Keyed, "Secret"):
        if secret.namespace == workload.namespace and name in (secret.keys or ()):
            return secret
    return None


def _sibling(snapshot: Snapshot, workload: ObjectRef, name: str) -> tuple[ObjectRef, tuple[Citation, ...]] | None:
    """Give another workload that takes the same variable, or where none is named its password, from a Secret."""
    for other in snapshot.workloads:
        if other.ref == workload or other.namespace != workload.namespace or snapshot.topology.owner(other.ref):
            continue
        for container in other.spec.template.spec.containers:
            for env in container.env:
                secret = env.value_from.secret_key_ref if env.value_from else None
                if secret and (env.name == name if name else _PASSWORD.search(env.name)):
                    at: Path = ("spec", "template", "spec", "containers", container.name, "env", env.name)
                    return other.ref, snapshot.cite(other.ref, (*at, "valueFrom", "secretKeyRef", "name"))
    return None


def _bound_siblings(snapshot: Snapshot, workload: ObjectRef) -> list[Specified]:
    """Give the specs of the other workloads of the namespace that take variables from Secrets."""
    tops = [w.ref for w in snapshot.workloads if w.namespace == workload.namespace]
    others = [ref for ref in tops if ref != workload and not snapshot.topology.owner(ref)]
    specs = (specified(snapshot, ref) for ref in others)
    return [one for one in specs if one and any(_env_secrets(one.spec))]


def _binding_lines(snapshot: Snapshot, one: Specified) -> tuple[Citation, ...]:
    paths = (path for name in _env_secrets(one.spec) for path in _binding_paths(one.spec.containers, name, one.prefix))
    return snapshot.cite(one.ref, *paths)[:1]


def _used(snapshot: Snapshot) -> set[tuple[str, str]]:
    tops = (w for w in snapshot.workloads if not snapshot.topology.owner(w.ref))
    return {(w.namespace, name) for w in tops for name in _env_secrets(w.spec.template.spec)}


def _named_for(snapshot: Snapshot, workload: ObjectRef) -> Keyed | None:
    """Give a Secret that carries the workload's name and that nothing uses."""
    used = _used(snapshot)
    for secret in snapshot.live(Keyed, "Secret"):
        mine = secret.namespace == workload.namespace and secret.name.startswith(f"{workload.name}-")
        taken = (secret.namespace, secret.name) in used or snapshot.topology.users_of(secret.ref)
        # What carries a type of its own (TLS, registry, token), or its keys, is for Ingresses, pulls and controllers.
        certificate = bool(_CERTIFICATE & (secret.keys or frozenset()))
        if mine and not taken and secret.type in ("", "Opaque") and not certificate:
            return secret
    return None


def _unlike_siblings(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield workloads that take nothing from the Secret that is named for them, unlike their siblings."""
    bound: dict[ObjectRef, set[str]] = {}
    for workload in snapshot.workloads:
        if not snapshot.topology.owner(workload.ref) and workload.kind != "Job":
            bound[workload.ref] = set(_env_secrets(workload.spec.template.spec))
    own = (ref.namespace for ref, names in bound.items() if any(name.startswith(f"{ref.name}-") for name in names))
    siblings = Counter(own)
    for ref, names in bound.items():
        workload_found = snapshot.objects[ref]
        secret = None if names or siblings[ref.namespace] < _SIBLINGS else _named_for(snapshot, ref)
        if secret and isinstance(workload_found, Workload) and not _runs_without(workload_found):
            yield _unbound(snapshot, workload_found, secret)


def _runs_without(workload: Workload) -> bool:
    """Tell whether a database has all its replicas ready: it would have said at its start what it lacks."""
    ready = bool(workload.desired) and workload.ready_count >= (workload.desired or 0)
    return ready and any(engine_of(container) for container in workload.spec.template.spec.containers)


def _unbound(snapshot: Snapshot, workload: Workload, secret: Keyed) -> Finding:
    unwell = workload.desired is not None and workload.ready_count < workload.desired
    message = (
        f"{workload.kind} {workload.name} takes nothing from Secret {secret.name}, which exists for it; its siblings "
        "take theirs."
    )
    lines = (
        *snapshot.cite(workload.ref, ("spec", "template", "spec", "containers")),
        *snapshot.cite_row(secret.ref),
    )
    return SECRET_NOT_BOUND.found(workload.ref, message, lines, strength=0.7 if unwell else 0.45)
