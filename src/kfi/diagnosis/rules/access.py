"""
Permissions and certificates: what the API server forbids, and what TLS does not accept.

A log tells of both. A permission that the Roles seen now grant has been mended since; a program that is well in spite
of a refusal can do without it.
"""

from __future__ import annotations

from collections.abc import Iterator

from kfi.diagnosis.conditions.log_words import told
from kfi.diagnosis.conditions.past_errors import PastErrors
from kfi.diagnosis.conditions.permissions import Request, allows, forbidden, lacking
from kfi.diagnosis.conditions.refusals import got_through
from kfi.diagnosis.rules.symptoms import unwell
from kfi.diagnosis.words.access import (
    CERTIFICATE_NOT_ISSUED,
    NODE_CERTIFICATE_EXPIRED,
    RBAC_FORBIDDEN,
)
from kfi.diagnosis.words.logs import CERTIFICATE_EXPIRED
from kfi.models.records import REFUSED
from kfi.models.schemas import Finding, ObjectRef
from kfi.snapshot.access_objects import Certificate, Issuer
from kfi.snapshot.objects import Condition
from kfi.snapshot.resources import Node
from kfi.snapshot.routing import Ingress
from kfi.snapshot.view import Event, Log, Snapshot

RULES = (RBAC_FORBIDDEN, CERTIFICATE_NOT_ISSUED, NODE_CERTIFICATE_EXPIRED)

_MAX_CHARS = 4000


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield what is forbidden, and certificates that are not issued or have expired."""
    past = PastErrors.of(snapshot)
    ill = unwell(snapshot)
    seen: set[tuple[ObjectRef, str]] = set()
    for log in snapshot.logs:
        for finding in _logged(snapshot, log, ill):
            key = (finding.ref, finding.message)
            if key not in seen and not past.holds(log):
                seen.add(key)
                yield finding
    for event in snapshot.events:
        request = forbidden(event.message) if event.reason == REFUSED else None
        if request and not got_through(snapshot, event):
            yield from _refused(snapshot, event, request)
    for certificate in snapshot.live(Certificate):
        yield from _not_issued(snapshot, certificate)


def _logged(snapshot: Snapshot, log: Log, ill: frozenset[ObjectRef]) -> Iterator[Finding]:
    text = log.text[:_MAX_CHARS]
    request = forbidden(text) if "cannot" in text else None
    if request:
        yield from _forbidden(snapshot, log, request, ill)
    elif log.ref.kind == "Node" and log.failing and "cert" in text.lower():
        yield from _node_certificate(snapshot, log, text)


def _forbidden(snapshot: Snapshot, log: Log, request: Request, ill: frozenset[ObjectRef]) -> Iterator[Finding]:
    cluster = log.ref.cluster
    # Parts of Kubernetes are refused while the API server starts, and its own roles are not a user's to mend.
    own = request.account is None and request.user.startswith("system:")
    if own or allows(snapshot, request, cluster):
        return
    at_fault = _asking(snapshot, log, request)
    why, lines = lacking(snapshot, request, cluster)
    account = request.account
    who = f"ServiceAccount {account[1]} of namespace {account[0]}" if account else f"User {request.user}"
    message = f"{who} may not {request.said}{f': {why}' if why else ''}."
    hurts = snapshot.topology.workload(at_fault) in ill
    strength = 0.93 if hurts else 0.5 if log.failing else 0.35
    yield RBAC_FORBIDDEN.found(at_fault, message, (log.citation, *lines)[:5], strength=strength, since=log.first)


def _refused(snapshot: Snapshot, event: Event, request: Request) -> Iterator[Finding]:
    """Yield somebody who may not make or change an object, as kubectl told them."""
    cluster, account = event.ref.cluster, request.account
    if allows(snapshot, request, cluster):
        return
    why, lines = lacking(snapshot, request, cluster)
    asking = event.ref.object
    if account:
        asking = ObjectRef(cluster=cluster, kind="ServiceAccount", namespace=account[0], name=account[1])
    who = f"ServiceAccount {account[1]} of namespace {account[0]}" if account else f"User {request.user}"
    message = f"{who} may not {request.said}{f': {why}' if why else ''}."
    affects = [event.ref.object] if event.ref.name else []
    yield RBAC_FORBIDDEN.found(asking, message, (event.citation, *lines)[:5], strength=0.9, affects=affects)


def _asking(snapshot: Snapshot, log: Log, request: Request) -> ObjectRef:
    """Give who asked: the workload that logs it, else the one that runs under the account, else the account."""
    account = request.account
    if log.ref.name and log.ref.kind not in ("", "Node"):
        return log.ref.object
    if account is None:
        return log.ref.object
    for pod in snapshot.pods:
        if (pod.namespace, pod.spec.service_account_name) == account:
            return snapshot.topology.workload(pod.ref)
    return ObjectRef(cluster=log.ref.cluster, kind="ServiceAccount", namespace=account[0], name=account[1])


def _node_certificate(snapshot: Snapshot, log: Log, text: str) -> Iterator[Finding]:
    """Yield a node whose kubelet has no valid certificate any more, while the node is not ready."""
    node = snapshot.objects.get(log.ref.object)
    words = told(text)
    if words is None or words.rule is not CERTIFICATE_EXPIRED or (isinstance(node, Node) and node.ready):
        return
    said = " ".join(log.record.example.split())[:240]
    message = f"{log.record.unit or 'The kubelet'} of node {log.ref.name} has no valid certificate: {said}"
    condition = snapshot.cite(log.ref, ("status", "conditions", "Ready", "status"))
    yield NODE_CERTIFICATE_EXPIRED.found(log.ref, message, (log.citation, *condition), strength=0.98, since=log.first)


def _not_issued(snapshot: Snapshot, certificate: Certificate) -> Iterator[Finding]:
    """Yield a Certificate of cert-manager that is not ready, or past its end."""
    ready, status = certificate.status.condition("Ready"), certificate.status
    users = list(_users(snapshot, certificate))
    ended = status.not_after is not None and status.not_after < snapshot.as_of
    early = status.not_before is not None and status.not_before > snapshot.as_of
    if ended or early:
        which = "notAfter" if ended else "notBefore"
        when = f"{status.not_after if ended else status.not_before:%Y-%m-%d %H:%M} UTC"
        message = f"Certificate {certificate.name} is {'valid only until' if ended else 'not valid before'} {when}."
        lines = snapshot.cite(certificate.ref, ("status", which), *_condition_paths("Ready"))
        yield CERTIFICATE_EXPIRED.found(certificate.ref, message, lines, strength=0.95, affects=users)
    elif ready and ready.status == "False":
        issuer = _issuer(snapshot, certificate)
        lines = (
            *snapshot.cite(certificate.ref, *_condition_paths("Ready"), *_condition_paths("Issuing")),
            *(snapshot.cite(issuer.ref, *_condition_paths("Ready")) if issuer else ()),
        )
        message = f"Certificate {certificate.name} is not ready: {_why(certificate, ready)}{_of_issuer(issuer)}."
        # The first minutes of an order are not ready either.
        strength = 0.9 if users or issuer else 0.7
        yield CERTIFICATE_NOT_ISSUED.found(
            certificate.ref, message, lines[:5], strength=strength, since=ready.last_transition_time, affects=users
        )


def _condition_paths(name: str) -> list[tuple[str, ...]]:
    return [("status", "conditions", name, field) for field in ("status", "reason", "message")]


def _why(certificate: Certificate, ready: Condition) -> str:
    issuing = certificate.status.condition("Issuing")
    said = issuing if issuing and issuing.status == "False" and issuing.message else ready
    return (said.message or said.reason or "no reason given").strip().rstrip(".")[:240]


def _issuer(snapshot: Snapshot, certificate: Certificate) -> Issuer | None:
    """Give the issuer of a Certificate where it is not ready."""
    wanted = certificate.spec.issuer_ref
    home = "" if wanted.kind == "ClusterIssuer" else certificate.namespace
    found = snapshot.find(wanted.kind, home, wanted.name, certificate.ref.cluster)
    ready = found.status.condition("Ready") if isinstance(found, Issuer) else None
    return found if isinstance(found, Issuer) and ready and ready.status == "False" else None


def _of_issuer(issuer: Issuer | None) -> str:
    ready = issuer.status.condition("Ready") if issuer else None
    if issuer is None or ready is None:
        return ""
    said = (ready.message or ready.reason).strip().rstrip(".")[:200]
    return f"; its {issuer.ref.kind} {issuer.name} is not ready ({said})"


def _users(snapshot: Snapshot, certificate: Certificate) -> Iterator[ObjectRef]:
    """Yield the Ingresses and workloads that take a Certificate's Secret."""
    name = certificate.spec.secret_name
    secret = certificate.ref.model_copy(update={"kind": "Secret", "name": name})
    for ingress in snapshot.of(Ingress):
        if ingress.namespace == certificate.namespace and any(tls.secret_name == name for tls in ingress.spec.tls):
            yield ingress.ref
    for workload in snapshot.workloads:
        if secret in snapshot.topology.references(workload.ref, workload.spec.template.spec):
            yield snapshot.topology.workload(workload.ref)
