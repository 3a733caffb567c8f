"""
What the API server does not let in: webhooks that fail or refuse, Pod security, kinds and versions it does not know.

The words are the API server's own. A refusal counts while Pods are missing; a kind counts as unknown only while no
CustomResourceDefinition of it is seen.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from kfi.diagnosis.conditions.manifest_faults import only_declared
from kfi.diagnosis.conditions.refusals import Refusal, refusals
from kfi.diagnosis.conditions.removed_apis import is_builtin, removed_in, replacement, server_minor
from kfi.diagnosis.conditions.service_evidence import no_endpoints
from kfi.diagnosis.words.admission import (
    ADMISSION_DENIED,
    API_VERSION_REMOVED,
    CUSTOM_RESOURCE_UNKNOWN,
    MANIFEST_INVALID,
    POD_SECURITY_VIOLATED,
    WEBHOOK_CERTIFICATE_INVALID,
    WEBHOOK_FAILING,
)
from kfi.models.schemas import Citation, Finding, ObjectRef
from kfi.snapshot.access_objects import CustomResourceDefinition, Webhook, WebhookConfiguration
from kfi.snapshot.resources import Service
from kfi.snapshot.view import Snapshot

RULES = (
    WEBHOOK_FAILING,
    WEBHOOK_CERTIFICATE_INVALID,
    ADMISSION_DENIED,
    POD_SECURITY_VIOLATED,
    API_VERSION_REMOVED,
    CUSTOM_RESOURCE_UNKNOWN,
    MANIFEST_INVALID,
)

# Source: k8s.io/apiserver, plugin/webhook; apiextensions-apiserver, conversion.
_FAILED_CALL = re.compile(
    r"(?:failed calling (?:\w+ )?webhook \"(?P<name>[^\"]+)\"|conversion webhook for (?P<kind>\S+ Kind=\w+) failed)"
    r":? ?(?P<why>[^\n]*)"
)
_CALLED = re.compile(r"https://(?P<name>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)\.svc")
_CERTIFICATE = re.compile(r"x509: |certificate|caBundle|root certificates|tls: ", re.IGNORECASE)
_DENIED = re.compile(
    r"(?:admission webhook \"(?P<name>[^\"]+)\" denied the request(?: without explanation)?:?"
    r"|ValidatingAdmissionPolicy '(?P<policy>[^']+)' with binding '[^']*' denied request:)"
    r"\s*(?P<why>[^\n]*(?:\n[^\n]*){0,12})"
)
_VIOLATES = re.compile(
    r"(?:violates PodSecurity \"(?P<level>[^\"]+)\": |unable to validate against any security context constraint: "
    r"|unable to (?:admit pod|validate against any pod security policy): )(?P<why>[^\n]*)"
)
_NO_KIND = re.compile(
    r"(?:for name: \"(?P<name>[^\"]*)\" namespace: \"(?P<namespace>[^\"]*)\".{0,300}?)?"
    r"no matches for kind \"(?P<kind>\w+)\" in (?:version|group) \"(?P<version>[^\"]+)\""
)
# Source: apimachinery, `NewInvalid`, field errors and strict decoding; kubectl's validation; the Service allocators.
_INVALID = re.compile(
    r"\b[A-Z]\w{0,62}(?:\.[a-z0-9.-]{1,100})? \"[^\"]{0,253}\" is invalid: *\n?(?P<faults>(?:[^\n]{1,600}\n?){1,6})"
    r"|error validating data: (?P<data>[^;\n]{1,600})"
    r"|cannot be handled as an? \w+: (?P<decoding>[^\n]{1,600})"
    r"|(?P<home>namespaces? \"[^\"]{1,63}\" not found)"
)
_MAX_WHY = 300


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield what keeps objects out of the cluster."""
    calls: dict[str, list[tuple[Refusal, re.Match[str]]]] = defaultdict(list)
    for refusal in refusals(snapshot):
        called = _FAILED_CALL.search(refusal.text)
        if called:
            calls[called["name"] or called["kind"]].append((refusal, called))
        else:
            yield from _refused(refusal)
            yield from _unknown_kind(snapshot, refusal)
    for name, failed in calls.items():
        yield _uncallable(snapshot, name, failed)
    yield from _without_service(snapshot, frozenset(calls))
    yield from _outdated(snapshot)


def _refused(refusal: Refusal) -> Iterator[Finding]:
    """Yield a workload whose Pods a policy refuses."""
    if not refusal.ref.name:
        return
    strength = 0.95 if refusal.certain else 0.8
    violates, denied = _VIOLATES.search(refusal.text), _DENIED.search(refusal.text)
    if violates:
        level = f'level "{violates["level"]}"' if violates["level"] else "security constraints"
        message = f"Its Pods break the namespace's {level}: {_short(violates['why'])}."
        rule = POD_SECURITY_VIOLATED
    elif denied:
        who = f"Webhook {denied['name']}" if denied["name"] else f"ValidatingAdmissionPolicy {denied['policy']}"
        message = f"{who} refuses it: {_short(denied['why']) or 'no reason given'}."
        rule = ADMISSION_DENIED
    elif not refusal.logged and (invalid := _INVALID.search(refusal.text)):
        why = next(part for part in invalid.groups() if part).strip().removeprefix("* ").replace("\n* ", "; ")
        message = f"The API server refuses it: {_short(why)}."
        rule = MANIFEST_INVALID
    else:
        return
    yield rule.found(refusal.ref, message, refusal.proof, strength=strength, since=refusal.since)


def _short(text: str) -> str:
    return " ".join(text.split()).rstrip(".")[:_MAX_WHY]


def _uncallable(snapshot: Snapshot, name: str, failed: list[tuple[Refusal, re.Match[str]]]) -> Finding:
    """Give the finding of a webhook that the API server calls in vain."""
    refusal, call = failed[0]
    held = _configuration(snapshot, name)
    service = _service_of(refusal, call, held)
    known = snapshot.objects.get(service) if service else None
    gone = no_endpoints(snapshot, known) if isinstance(known, Service) else ()
    absent = snapshot.absent(service) if service else None
    at_fault = service if service and gone else held.configuration.ref if held else service or refusal.ref
    lines = (
        *refusal.proof,
        *gone,
        *((absent,) if absent else ()),
        *(snapshot.cite(held.configuration.ref, ("webhooks", name, "clientConfig")) if held else ()),
    )
    refused = [one.ref for one, _ in failed if one.ref.name]
    affects = dict.fromkeys([*refused, *(snapshot.topology.workload(ref) for ref in refused)])
    rule = WEBHOOK_CERTIFICATE_INVALID if _CERTIFICATE.search(call["why"]) else WEBHOOK_FAILING
    who = ", ".join(dict.fromkeys(snapshot.topology.workload(ref).name for ref in refused))
    whom = f" when {who} creates its Pods" if who else ""
    message = f"Webhook {name} cannot be called{whom}: {_short(call['why'])}."
    certain = any(one.certain for one, _ in failed) or gone or absent
    return rule.found(
        at_fault, message, lines[:6], strength=0.93 if certain else 0.8, since=refusal.since, affects=affects
    )


@dataclass(frozen=True)
class _Held:
    """A webhook and the configuration that holds it."""

    configuration: WebhookConfiguration
    webhook: Webhook


def _configuration(snapshot: Snapshot, name: str) -> _Held | None:
    for configuration in snapshot.of(WebhookConfiguration):
        for webhook in configuration.webhooks:
            if webhook.name == name:
                return _Held(configuration, webhook)
    return None


def _service_of(refusal: Refusal, call: re.Match[str], held: _Held | None) -> ObjectRef | None:
    """Give the Service of a webhook, from its configuration or from the address that was called."""
    cluster = refusal.ref.cluster
    if held and held.webhook.client_config.service:
        called = held.webhook.client_config.service
        return ObjectRef(cluster=cluster, kind="Service", namespace=called.namespace, name=called.name)
    match = _CALLED.search(call["why"])
    if not match:
        return None
    return ObjectRef(cluster=cluster, kind="Service", namespace=match["namespace"], name=match["name"])


def _without_service(snapshot: Snapshot, told: frozenset[str]) -> Iterator[Finding]:
    """Yield webhooks whose Service is proven missing, before anybody was refused."""
    for configuration in snapshot.live(WebhookConfiguration):
        for webhook in configuration.webhooks:
            called = webhook.client_config.service
            if called is None or webhook.name in told or webhook.failure_policy != "Fail":
                continue
            ref = ObjectRef(
                cluster=configuration.ref.cluster, kind="Service", namespace=called.namespace, name=called.name
            )
            absent = snapshot.absent(ref)
            if absent:
                message = (
                    f"Webhook {webhook.name} of {configuration.name} calls Service {called.namespace}/{called.name}, "
                    "which does not exist: what its rules match is refused."
                )
                lines = (*snapshot.cite(configuration.ref, ("webhooks", webhook.name, "clientConfig")), absent)
                yield WEBHOOK_FAILING.found(configuration.ref, message, lines, strength=0.6)


def _unknown_kind(snapshot: Snapshot, refusal: Refusal) -> Iterator[Finding]:
    """Yield a kind that somebody asked the API server for and that it does not serve."""
    match = _NO_KIND.search(refusal.text)
    if not match:
        return
    kind, version = match["kind"], match["version"]
    ref = refusal.ref
    if not ref.name:
        home = match["namespace"] or ref.namespace or "default"
        ref = ObjectRef(cluster=ref.cluster, kind=kind, namespace=home, name=match["name"] or kind.lower())
    if removed_in(version, kind) or is_builtin(version):
        gone = removed_in(version, kind)
        since = f", which Kubernetes 1.{gone} removed" if gone else ""
        message = f"It asks for {kind} in version {version}{since}; {replacement(kind)} takes its place."
        yield API_VERSION_REMOVED.found(ref, message, refusal.proof, strength=0.9, since=refusal.since)
    elif not _serves(snapshot, kind, version):
        message = f"It asks for {kind} in version {version}, of which no CustomResourceDefinition is installed."
        yield CUSTOM_RESOURCE_UNKNOWN.found(
            ref, message, (*refusal.proof, *_other_version(snapshot, kind)), strength=0.9, since=refusal.since
        )


def _definitions(snapshot: Snapshot, kind: str) -> Iterator[CustomResourceDefinition]:
    return (one for one in snapshot.live(CustomResourceDefinition) if one.spec.names.kind == kind)


def _serves(snapshot: Snapshot, kind: str, version: str) -> bool:
    group, _, name = version.rpartition("/")
    return any(
        one.spec.group == group and any(v.served and v.name == name for v in one.spec.versions)
        for one in _definitions(snapshot, kind)
    )


def _other_version(snapshot: Snapshot, kind: str) -> tuple[Citation, ...]:
    return tuple(line for one in _definitions(snapshot, kind) for line in snapshot.cite(one.ref, ("spec", "versions")))


def _outdated(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield manifests of a version that the cluster's release no longer serves, of objects that do not live."""
    for ref, declared in snapshot.declared.items():
        gone = removed_in(declared.api_version, ref.kind)
        live = snapshot.objects.get(ref)
        minor = server_minor(snapshot, ref.cluster) if gone else None
        if gone is None or minor is None or minor < gone or (live is not None and live.observed):
            continue
        absent = snapshot.absent(ref)
        if absent is None and not only_declared(snapshot, ref):
            continue
        message = (
            f"Its manifest has apiVersion {declared.api_version}, which Kubernetes 1.{gone} removed; the cluster runs "
            f"1.{minor}, where {replacement(ref.kind)} takes its place."
        )
        nodes = [node for node in snapshot.nodes if node.ref.cluster == ref.cluster]
        versions = snapshot.cite(nodes[0].ref, ("status", "nodeInfo", "kubeletVersion"))
        lines = (*snapshot.cite(ref, ("apiVersion",)), *versions, *((absent,) if absent else ()))
        yield API_VERSION_REMOVED.found(ref, message, lines, strength=0.9 if absent else 0.75)
