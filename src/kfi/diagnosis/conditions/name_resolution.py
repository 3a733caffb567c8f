"""
Names of existing Services that do not resolve, and whose fault that is.

Logs are full of failed look-ups from the seconds before a Service was made; they count only while they go on and no
connection to the same name succeeded. Who shares the failure tells the cause: everyone, the cluster's DNS; one caller
for all names, that caller's settings; all callers for one name, that Service's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from kfi.diagnosis.conditions.blame import blamed
from kfi.diagnosis.conditions.network_policies import bars_dns, dns_ends, end_of, policies_in
from kfi.diagnosis.conditions.service_evidence import FAILED, checks_of
from kfi.diagnosis.conditions.wording import counted
from kfi.diagnosis.words.service import DNS_FAILURE, NETWORK_POLICY_BARS_DNS
from kfi.models.schemas import Citation, Finding, ObjectRef
from kfi.snapshot.needs import Address
from kfi.snapshot.pod import Pod, PodSpec
from kfi.snapshot.provenance import Path
from kfi.snapshot.resources import Endpoints, Service, Workload
from kfi.snapshot.view import Log, Snapshot

_UNRESOLVED = re.compile(
    r"no such host|enotfound|eai_again|name resolution|name or service not known|could not resolve host"
    r"|failed to resolve|dns resolution failed|nodename nor servname|unknown ?host|server misbehaving"
    r"|lookup \S+(?: on \S+)?: (?:i/o timeout|read udp)|bad address",
    re.IGNORECASE,
)
_CONNECTS = re.compile(r"connection refused|i/o timeout|deadline exceeded|connection reset|connect: ", re.IGNORECASE)
_DIALS = re.compile(r"(?<![\d.])(?P<ip>\d{1,3}(?:\.\d{1,3}){3}):(?P<port>\d{1,5})\b")
# A collection takes minutes; logs are read before it ends.
_RECENT = timedelta(minutes=4)
_PAUSE = timedelta(seconds=5)
_MAX_CHARS = 4000


@dataclass(frozen=True)
class _Miss:
    """A caller that cannot resolve a Service."""

    caller: ObjectRef
    service: Service
    log: Log


def name_faults(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield the object at whose fault names do not resolve."""
    found = [*_cluster_dns(snapshot), *_barred(snapshot)]
    pods: dict[ObjectRef, list[Pod]] = {w.ref: [] for w in snapshot.workloads if not snapshot.topology.owner(w.ref)}
    for pod in snapshot.pods:
        pods.setdefault(snapshot.topology.workload(pod.ref), []).append(pod)
    for top, own in pods.items():
        found += _own_settings(snapshot, top, own)
    yield from found
    if not found:
        yield from _shared(snapshot, list(_misses(snapshot)))
    yield from _misled(snapshot)


def _cluster_dns(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield the cluster's DNS workload where none of its Pods is ready."""
    pods = [pod for pod in snapshot.pods if pod.namespace == "kube-system" and _answers_names(pod) and not pod.finished]
    known = [pod for pod in pods if pod.condition("Ready") or pod.status.total_containers is not None]
    top = snapshot.topology.workload(pods[0].ref) if pods else _dns_without_pods(snapshot)
    if top is None or (pods and (not known or any(pod.ready for pod in pods))):
        return
    logs = [log for log in snapshot.logs if log.failing and unresolved(log)]
    lines = [line for pod in known[:3] for line in snapshot.cite_row(pod.ref)] or snapshot.cite(
        top, ("spec", "replicas")
    )
    yield DNS_FAILURE.found(
        top,
        f"{top.kind} {top.name}, which answers the cluster's names, has no ready Pod ({len(pods)} seen).",
        [*lines, *(log.citation for log in logs[:2])],
        strength=0.93 if logs else 0.85,
        affects=sorted(set(snapshot.with_workloads(log.ref.object for log in logs)), key=str),
    )


def _answers_names(pod: Pod) -> bool:
    label = pod.labels.get("k8s-app")
    return label == "kube-dns" if label else pod.name.startswith(("coredns-", "kube-dns-"))


def _dns_without_pods(snapshot: Snapshot) -> ObjectRef | None:
    for workload in snapshot.live(Workload, "Deployment"):
        labelled = workload.labels.get("k8s-app") == "kube-dns" or workload.name == "coredns"
        if workload.namespace == "kube-system" and labelled and workload.desired == 0:
            return workload.ref
    return None


def _own_settings(snapshot: Snapshot, top: ObjectRef, pods: Iterable[Pod]) -> Iterator[Finding]:
    """Yield a workload whose own DNS settings lead past the cluster's DNS, while its log says that names fail.

    Its template may be known from a text that does not print them; its Pods' own spec shows them as well.
    """
    workload, pods = snapshot.objects.get(top), tuple(pods)
    specs: list[tuple[ObjectRef, PodSpec, Path]] = [(pod.ref, pod.spec, ("spec",)) for pod in pods]
    if isinstance(workload, Workload):
        specs.insert(0, (top, workload.spec.template.spec, ("spec", "template", "spec")))
    shown = [(ref, [(*prefix, *path) for path in dns_settings(spec)]) for ref, spec, prefix in specs]
    ref, paths = next((one for one in shown if one[1]), (top, []))
    logs = [
        log
        for log in snapshot.logs_of(*dict.fromkeys((top, *(pod.ref for pod in pods))))
        if (log.failing or log.record.level == "warning") and unresolved(log)
    ]
    if paths and logs:
        lines = (*snapshot.cite(ref, *paths), *(log.citation for log in logs[-2:]))
        message = f"{top.kind} {top.name} has DNS settings of its own, and names do not resolve in it."
        yield DNS_FAILURE.found(top, message, lines, strength=0.93)


def dns_settings(spec: PodSpec) -> Iterator[Path]:
    """Yield the settings of a Pod that keep it from asking the cluster's DNS."""
    if spec.dns_policy in ("None", "Default"):
        yield ("dnsPolicy",)
    if spec.host_network and spec.dns_policy in ("", "ClusterFirst"):
        # On the host's network ClusterFirst, the default, is taken for Default.
        yield from (("dnsPolicy",), ("hostNetwork",))
    if spec.dns_config.nameservers:
        yield ("dnsConfig", "nameservers")


def _barred(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield the NetworkPolicies that keep Pods from asking the cluster's DNS, surest where their logs say so."""
    policies = policies_in(snapshot)
    hurt: dict[ObjectRef, dict[ObjectRef, list[Log]]] = defaultdict(dict)
    dns = dns_ends(snapshot) if policies else []
    calling = {caller for caller, _, _ in snapshot.topology.addresses} if policies else set()
    for pod in snapshot.of(Pod) if policies else ():
        end = None if pod.finished else end_of(snapshot, pod.ref)
        barring = bars_dns(policies, end, dns) if end else []
        if not barring:
            continue
        top = snapshot.topology.workload(pod.ref)
        logs = [log for log in snapshot.logs_of(pod.ref, top) if unresolved(log)]
        # A Pod that lives, and calls nobody by name, may well need no name.
        if logs or not pod.observed or top in calling:
            hurt[barring[0].ref][pod.ref] = logs
    for policy, pods in hurt.items():
        said = [log.citation for logs in pods.values() for log in logs[-1:]]
        names = ", ".join(ref.name for ref in list(pods)[:3])
        lines = (
            *snapshot.cite(policy, ("spec", "policyTypes"), ("spec", "egress"), ("spec", "podSelector")),
            *said[:3],
        )
        message = f"NetworkPolicy {policy.name} lets {names} send nothing to the cluster's DNS (port 53)."
        strength = 0.93 if said else 0.55
        yield NETWORK_POLICY_BARS_DNS.found(policy, message, lines, strength=strength, affects=pods)


def unresolved(log: Log) -> bool:
    """Tell whether a log line says that a name does not resolve."""
    # The raw line holds what a structured one says beside its message: the error it wraps.
    texts = (log.record.example, log.record.stack, log.citation.text if log.failing else "")
    return any(_UNRESOLVED.search(text, 0, _MAX_CHARS) for text in texts)


def _misses(snapshot: Snapshot) -> Iterator[_Miss]:
    """Yield look-ups of existing Services that fail to the end of the caller's log."""
    for log in snapshot.logs:
        if not (log.failing and unresolved(log) and _goes_on(snapshot, log)):
            continue
        caller = snapshot.topology.workload(log.ref)
        for service, _ in blamed(snapshot, log.ref, [log]):
            if service.observed and not _connected(snapshot, log, service):
                yield _Miss(caller, service, log)


def _goes_on(snapshot: Snapshot, log: Log) -> bool:
    """Tell whether a line came to the end of its log as often as before, so that nothing says it has stopped."""
    if log.last is None:
        return True
    newest = max((other.last for other in snapshot.logs_of(log.ref) if other.last), default=log.last)
    interval = (log.last - log.first) / log.count if log.first and log.count else timedelta()
    return snapshot.as_of - log.last < _RECENT and newest - log.last < _PAUSE + 3 * interval


def _resolved(snapshot: Snapshot, service: Service) -> bool:
    """Tell whether a check from somewhere got past the Service's name."""
    return any(one.record.result in ("open", *FAILED) for one in checks_of(snapshot, service))


def _connected(snapshot: Snapshot, miss: Log, service: Service) -> bool:
    """Tell whether the same caller got as far as connecting to the Service later on: then its name resolved."""
    for log in snapshot.logs_of(miss.ref):
        if log is miss or unresolved(log) or not _CONNECTS.search(log.record.example, 0, _MAX_CHARS):
            continue
        later = log.last is None or miss.last is None or log.last >= miss.last
        if later and any(named.ref == service.ref for named, _ in blamed(snapshot, miss.ref, [log])):
            return True
    return False


def _shared(snapshot: Snapshot, misses: list[_Miss]) -> Iterator[Finding]:
    checked = {
        service.ref: one.citation
        for service in snapshot.kube_services
        for one in checks_of(snapshot, service)
        if one.record.result == "unresolved" and service.observed
    }
    by_caller: dict[ObjectRef, dict[ObjectRef, Log]] = defaultdict(dict)
    by_service: dict[ObjectRef, dict[ObjectRef, Log]] = defaultdict(dict)
    for miss in misses:
        by_caller[miss.caller][miss.service.ref] = miss.log
        if not _resolved(snapshot, miss.service):
            by_service[miss.service.ref][miss.caller] = miss.log
    if len(by_service.keys() | checked.keys()) > 2 and (len(by_caller) > 1 or len(checked) > 1):
        yield from _everyone(snapshot, by_caller, checked)
        return
    shared = {ref for ref, callers in by_service.items() if len(callers) > 1}
    for ref in sorted(checked.keys() | shared, key=str):
        yield _one_name(ref, checked.get(ref), by_service.get(ref, {}))
    for caller, logs in by_caller.items():
        if len(by_caller) == 1 and not checked and (len(logs) > 1 or by_service):
            yield _one_caller(caller, logs)


def _one_name(service: ObjectRef, checked: Citation | None, callers: dict[ObjectRef, Log]) -> Finding:
    lines = [*([checked] if checked else []), *(log.citation for log in callers.values())]
    message = f"The name of Service {service.name} does not resolve, though the Service exists."
    return DNS_FAILURE.found(service, message, lines[:4], strength=0.85 if checked else 0.6, affects=callers)


def _one_caller(caller: ObjectRef, logs: dict[ObjectRef, Log]) -> Finding:
    names = ", ".join(sorted(ref.name for ref in logs))
    message = f"In {caller.kind} {caller.name} the names of existing Services do not resolve: {names}."
    lines = [log.citation for log in logs.values()][:4]
    return DNS_FAILURE.found(caller, message, lines, strength=0.6 if len(logs) > 1 else 0.35)


def _misled(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield callers that dial an address which nothing in the cluster has, on the port of a Service they call."""
    known = _known_addresses(snapshot)
    seen: set[tuple[ObjectRef, str]] = set()
    for log in snapshot.logs if known else ():
        match = _DIALS.search(log.record.example, 0, _MAX_CHARS) if log.failing and _goes_on(snapshot, log) else None
        if not match or match["ip"] in known:
            continue
        caller = snapshot.topology.workload(log.ref)
        addresses = [(s, address) for who, s, address in snapshot.topology.addresses if who == caller and s]
        called = {s.ref: s for s, address in addresses if _asks(s, address, match)}
        if len(called) != 1 or (caller, match["ip"]) in seen:
            continue
        seen.add((caller, match["ip"]))
        service = next(iter(called.values()))
        message = (
            f"{caller.kind} {caller.name} takes {match['ip']} for Service {service.name}, whose address is "
            f"{service.spec.cluster_ip}."
        )
        paths = (("spec", "clusterIP"),)
        lines = (log.citation, *snapshot.cite(service.ref, *paths))
        yield DNS_FAILURE.found(caller, message, lines, strength=0.7, affects=[service.ref])


def _asks(service: Service, address: Address, match: re.Match[str]) -> bool:
    headless = service.spec.cluster_ip in ("", "None")
    return service.observed and not headless and address.port == int(match["port"])


def _known_addresses(snapshot: Snapshot) -> frozenset[str]:
    """Give every address that something in the cluster has; none where no Service's address was seen."""
    services = {s.spec.cluster_ip for s in snapshot.kube_services} - {"", "None"}
    pods = {address for pod in snapshot.pods for address in (pod.status.pod_ip, pod.status.host_ip)}
    nodes = {a.address for node in snapshot.nodes for a in node.status.addresses}
    ends = {a.ip for e in snapshot.of(Endpoints) for part in e.subsets or [] for a in part.addresses}
    ends |= {text.rpartition(":")[0] for s in snapshot.kube_services for text in s.status.kfi_endpoints or []}
    return frozenset(services | pods | nodes | ends) if services else frozenset()


def _everyone(
    snapshot: Snapshot, by_caller: dict[ObjectRef, dict[ObjectRef, Log]], checked: dict[ObjectRef, Citation]
) -> Iterator[Finding]:
    service = snapshot.find("Service", "kube-system", "kube-dns")
    ref = service.ref if service else ObjectRef(kind="Service", namespace="kube-system", name="kube-dns")
    logs = [log for services in by_caller.values() for log in list(services.values())[:1]]
    lines = [*checked.values(), *(log.citation for log in logs)][:5]
    witnesses = f"{counted(len(by_caller), 'workload')} and {counted(len(checked), 'check')}"
    message = f"Names of existing Services do not resolve: {witnesses} say so."
    yield DNS_FAILURE.found(ref, message, lines, strength=0.65, affects=list(by_caller))
