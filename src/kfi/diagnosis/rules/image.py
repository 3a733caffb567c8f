"""
Images: containers that wait because their image cannot be had, and why.

The container's state says that; what the runtime said in the state or in the Pod's Events says why. Whether a refused
pull lacks its secret is decided by the objects first, and by the registry's words only where they leave it open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from kfi.diagnosis.catalogue import Layer, Rule
from kfi.diagnosis.conditions.containers import leaving
from kfi.diagnosis.conditions.heard import HeardPods
from kfi.diagnosis.conditions.pod_spec import cite_spec, full_spec, template_owner
from kfi.diagnosis.conditions.pull_message import (
    Pull,
    folder_of,
    pull_failure,
    refuses_by_rights,
    registry_of,
    sent_no_credentials,
)
from kfi.models.schemas import Citation, Finding, ObjectRef
from kfi.snapshot.pod import Pod, PodSpec
from kfi.snapshot.resources import ServiceAccount, Workload
from kfi.snapshot.view import Event, Snapshot

_DESCRIBE = "kubectl describe {kind} {name} -n {namespace}"


def _rule(code: str, title: str, meaning: str, *fix: str, confirm: str = _DESCRIBE) -> Rule:
    return Rule(code=code, title=title, layer=Layer.IMAGE, meaning=meaning, confirm=confirm, fix=fix)


IMAGE_NOT_FOUND = _rule(
    "image-not-found",
    "The image does not exist in its registry",
    "The registry answered, but it knows no such repository, tag or digest. Most often the name or the tag is "
    "mistyped, or the image was never pushed there.",
    "Correct the image in the workload's template.",
    "Push the image under that name and tag.",
)
IMAGE_PULL_UNAUTHORIZED = _rule(
    "image-pull-unauthorized",
    "The registry refuses the pull",
    "The registry wants a login and did not accept the one it got: the pull secret's credentials are wrong, expired, "
    "for another registry, or without right to this repository. Some registries answer the same for images that do "
    "not exist.",
    "Check that the pull secret is for this registry and may read this repository.",
    "Check the spelling of the image name.",
)
MISSING_IMAGE_PULL_SECRET = _rule(
    "missing-image-pull-secret",
    "The Pod has no pull secret for a private image",
    "The registry hands out this image only after a login, and the Pod brings none: it names a secret that does not "
    "exist in its namespace, or names none at all. The kubelet then pulls without credentials.",
    "Create the docker-registry secret in the Pod's namespace.",
    "Name it under imagePullSecrets in the template, or in the Pod's ServiceAccount.",
    confirm="kubectl get secrets -n {namespace} --field-selector type=kubernetes.io/dockerconfigjson",
)
REGISTRY_UNREACHABLE = _rule(
    "registry-unreachable",
    "The node cannot reach the image's registry",
    "The node's runtime got no usable answer from the registry: no connection, a timeout, a certificate it does not "
    "trust, or an error of the registry itself.",
    "Check the registry host and port in the image name.",
    "Check that the node can reach it: firewall, proxy, certificate authority.",
)
REGISTRY_DNS_FAILURE = _rule(
    "registry-dns-failure",
    "The name of the image's registry does not resolve",
    "The node (not the cluster's DNS) looks up the registry's host name, and gets no address. Either the name in the "
    "image is wrong, or the node's resolver does not know it.",
    "Correct the registry host in the image name.",
    "Check the resolver of the node: /etc/resolv.conf and the servers it names.",
)
REGISTRY_RATE_LIMITED = _rule(
    "registry-rate-limited",
    "The registry limits how often images may be pulled",
    "The registry answered 429: too many pulls from this address or account in a while. Anonymous pulls share the "
    "limit of the node's public address.",
    "Pull with an account: add a pull secret.",
    "Pull through a mirror or cache, or wait until the limit resets.",
)
IMAGE_NAME_INVALID = _rule(
    "image-name-invalid",
    "The image name cannot be read",
    "The image is not of the form registry/repository:tag: capital letters, spaces, an empty tag or an unset "
    "variable. No registry was asked.",
    "Correct the image in the workload's template.",
)
IMAGE_NEVER_PULL = _rule(
    "image-never-pull",
    "The image is not on the node and may not be pulled",
    "With imagePullPolicy Never the kubelet only uses an image that is already on the node, and this one is not.",
    "Use imagePullPolicy IfNotPresent.",
    "Load the image onto every node that may run the Pod.",
)
IMAGE_PLATFORM_MISSING = _rule(
    "image-platform-missing",
    "The image has no variant for the node's platform",
    "The tag exists, but holds nothing for the node's operating system and processor.",
    "Build and push the image for the node's platform too.",
    "Keep the Pod on nodes that it was built for: nodeSelector kubernetes.io/arch.",
)
IMAGE_SIGNATURE_INVALID = _rule(
    "image-signature-invalid",
    "The image's signature is not accepted",
    "The node's policy demands a signature that the image does not have or that does not verify.",
    "Sign the image, or use one that is signed.",
    "Check the node's signature policy.",
)
IMAGE_DISK_FULL = _rule(
    "image-disk-full",
    "The node has no room for the image",
    "The image was found, but unpacking it filled the node's image file system.",
    "Free space on the node: prune images, or lower the garbage collector's thresholds.",
    "Give the node a larger disk.",
)
IMAGE_PULL_FAILED = _rule(
    "image-pull-failed",
    "The image could not be pulled",
    "The container waits for its image; the texts at hand do not tell why the pull fails.",
    "Read the Pod's Events: the first Failed Event holds the registry's answer.",
)
RULES = (
    IMAGE_NOT_FOUND, IMAGE_PULL_UNAUTHORIZED, MISSING_IMAGE_PULL_SECRET, REGISTRY_UNREACHABLE, REGISTRY_DNS_FAILURE,
    REGISTRY_RATE_LIMITED, IMAGE_NAME_INVALID, IMAGE_NEVER_PULL, IMAGE_PLATFORM_MISSING, IMAGE_SIGNATURE_INVALID,
    IMAGE_DISK_FULL, IMAGE_PULL_FAILED,
)  # fmt: skip

_WAITS = frozenset({
    "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError",
    "RegistryUnavailable", "SignatureValidationFailed",
})  # fmt: skip
_BY_REASON = {
    "InvalidImageName": Pull.INVALID_NAME,
    "RegistryUnavailable": Pull.UNREACHABLE,
    "SignatureValidationFailed": Pull.SIGNATURE,
}
_PULL_EVENTS = ("Failed", "InspectFailed", "ErrImageNeverPull", "InvalidImageName", "BackOff", "Pulling")
_OF_IMAGE = re.compile(r'(?:[Pp]ull(?:ing)? image|Container image|apply default image tag|inspect image) \\?"([^"\\]+)')


@dataclass(frozen=True)
class Stuck:
    """A container that waits for its image."""

    ref: ObjectRef
    """The Pod."""
    container: str
    image: str
    reason: str
    said: str
    """What the runtime said, empty where no text holds it."""
    citations: tuple[Citation, ...]
    certainty: float
    since: datetime | None = None


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield for every container that waits for its image why it does not get it."""
    living = (pod for pod in snapshot.pods if not leaving(pod))
    waiting = [*(stuck for pod in living for stuck in _stuck(snapshot, pod)), *_heard(snapshot)]
    public = _open_folders(snapshot) if waiting else frozenset()
    for stuck in waiting:
        yield from _explained(snapshot, stuck, public)


def _stuck(snapshot: Snapshot, pod: Pod) -> Iterator[Stuck]:
    seen = False
    for kind, statuses in (
        ("initContainerStatuses", pod.status.init_container_statuses),
        ("containerStatuses", pod.status.container_statuses),
    ):
        for status in statuses:
            waiting = status.state.waiting
            if waiting and waiting.reason in _WAITS:
                seen = True
                container = pod.container(status.name)
                image = container.image if container else status.image
                path = ("status", kind, status.name, "state", "waiting")
                cited = snapshot.cite(pod.ref, (*path, "reason"), (*path, "message"))
                yield _stuck_on(snapshot, pod.ref, (status.name, image, waiting.reason), waiting.message, cited)
    reason = pod.status.summary.rpartition(":")[2]
    if not seen and reason in _WAITS and not pod.status.container_statuses:
        yield _stuck_on(snapshot, pod.ref, ("", "", reason), "", snapshot.cite_row(pod.ref))


def _stuck_on(
    snapshot: Snapshot, ref: ObjectRef, who: tuple[str, str, str], message: str, cited: tuple[Citation, ...]
) -> Stuck:
    name, image, reason = who
    event = _telling(snapshot, ref, image)
    said = message if pull_failure(message, image) is not Pull.UNKNOWN or event is None else event.message
    image = image or (_image_in(event) if event else "")
    evidence = (event.citation, *cited) if event else cited
    certainty = 1.0 if name else 0.95
    return Stuck(ref, name, image, reason, said, evidence, certainty, event.first if event else None)


def _telling(snapshot: Snapshot, ref: ObjectRef, image: str) -> Event | None:
    """Give the newest Event that says why this image was not pulled, else the newest about it."""
    events = [e for e in snapshot.events_of(ref, *_PULL_EVENTS) if e.type != "Normal"]
    about = [e for e in events if not image or image in e.message]
    telling = [e for e in about if pull_failure(e.message, image) is not Pull.UNKNOWN]
    return next(iter(telling or about), None)


def _image_in(event: Event) -> str:
    found = _OF_IMAGE.search(event.message)
    return found[1] if found else ""


def _heard(snapshot: Snapshot) -> Iterator[Stuck]:
    """Yield Pods of which only Events are known and whose newest one about images is a failure."""
    heard = HeardPods.of(snapshot)
    for ref in heard.with_events("Failed", "BackOff"):
        event = _telling(snapshot, ref, "")
        image = _image_in(event) if event else ""
        about = [e for e in snapshot.events_of(ref) if image and image in e.message]
        if event and about and about[0].reason != "Pulled":
            who = (event.ref.container, image, "ErrImagePull")
            yield Stuck(ref, *who, event.message, (event.citation,), heard.certainty(event), event.first)


def _explained(snapshot: Snapshot, stuck: Stuck, public: frozenset[str]) -> Iterator[Finding]:
    kind = _BY_REASON.get(stuck.reason) or pull_failure(stuck.said, stuck.image)
    if stuck.reason == "ErrImageNeverPull":
        policy = cite_spec(snapshot, stuck.ref, ("containers", stuck.container, "imagePullPolicy"))
        yield _found(IMAGE_NEVER_PULL, stuck, "is not on the node, and its pull policy is Never", 0.95, policy)
    elif kind in (Pull.UNAUTHORIZED, Pull.FORBIDDEN, Pull.UNCLEAR):
        yield _refused(snapshot, stuck, kind, public)
    elif kind is Pull.NO_SPACE:
        yield _disk_full(snapshot, stuck)
    elif kind is not Pull.RUNTIME:
        rule, words, strength = _WORDS[kind]
        if kind is Pull.UNKNOWN and "ailed to pull image" in stuck.said:
            words = f"cannot be pulled: {stuck.said[:300]}".replace("{", "{{").replace("}", "}}")
        lines = cite_spec(snapshot, stuck.ref, ("containers", stuck.container, "image"))
        yield _found(rule, stuck, words.format(host=registry_of(stuck.image)), strength, lines)


_WORDS: dict[Pull, tuple[Rule, str, float]] = {
    Pull.NOT_FOUND: (IMAGE_NOT_FOUND, "does not exist in {host}", 0.95),
    Pull.DNS: (REGISTRY_DNS_FAILURE, "cannot be pulled: the name {host} does not resolve", 0.95),
    Pull.RATE_LIMIT: (REGISTRY_RATE_LIMITED, "cannot be pulled: {host} limits the rate of pulls", 0.95),
    Pull.UNREACHABLE: (REGISTRY_UNREACHABLE, "cannot be pulled: {host} gives no usable answer", 0.9),
    Pull.PLATFORM: (IMAGE_PLATFORM_MISSING, "has no variant for the node's platform", 0.95),
    Pull.INVALID_NAME: (IMAGE_NAME_INVALID, "is no valid image name", 0.95),
    Pull.SIGNATURE: (IMAGE_SIGNATURE_INVALID, "has no signature that the node accepts", 0.9),
    Pull.UNKNOWN: (IMAGE_PULL_FAILED, "cannot be pulled; no text says why", 0.5),
}


def _found(rule: Rule, stuck: Stuck, words: str, strength: float, extra: tuple[Citation, ...] = ()) -> Finding:
    image = stuck.image or "of the container"
    whose = f" of the container {stuck.container}" if stuck.container else ""
    message = f"The image {image}{whose} {words}."
    evidence = (*stuck.citations, *extra)[:6]
    return rule.found(stuck.ref, message, evidence, strength=strength * stuck.certainty, since=stuck.since)


def _disk_full(snapshot: Snapshot, stuck: Stuck) -> Finding:
    pod = snapshot.objects.get(stuck.ref)
    node = pod.spec.node_name if isinstance(pod, Pod) else ""
    ref = ObjectRef(cluster=stuck.ref.cluster, kind="Node", name=node) if node else stuck.ref
    found = _found(IMAGE_DISK_FULL, stuck, "does not fit on the node's disk", 0.9)
    return found.model_copy(update={"ref": ref, "affects": (stuck.ref,) if node else ()})


def _refused(snapshot: Snapshot, stuck: Stuck, kind: Pull, public: frozenset[str]) -> Finding:
    """Decide between a missing secret, a wrong one, and an image that is not there."""
    spec = full_spec(snapshot, stuck.ref)
    missing, proof = _missing_secrets(snapshot, stuck.ref, spec)
    if missing:
        words = f"needs a login to {registry_of(stuck.image)}, and the pull secret {', '.join(missing)} does not exist"
        return _found(MISSING_IMAGE_PULL_SECRET, stuck, words, 0.95, proof)
    if spec.image_pull_secrets:
        names = ", ".join(s.name for s in spec.image_pull_secrets)
        lines = cite_spec(snapshot, stuck.ref, ("imagePullSecrets",))
        words = f"is refused by {registry_of(stuck.image)} although the Pod has the pull secret {names}"
        return _found(IMAGE_PULL_UNAUTHORIZED, stuck, words, 0.85, lines)
    return _refused_without_secret(snapshot, stuck, kind, public)


def _refused_without_secret(snapshot: Snapshot, stuck: Stuck, kind: Pull, public: frozenset[str]) -> Finding:
    host = registry_of(stuck.image)
    image_lines = cite_spec(snapshot, stuck.ref, ("containers", stuck.container, "image"))
    if kind is Pull.FORBIDDEN and refuses_by_rights(stuck.said, stuck.image):
        words = f"is refused by {host}: whoever pulls it (the node's own identity, where no secret is named) may not"
        return _found(IMAGE_PULL_UNAUTHORIZED, stuck, words, 0.85, image_lines)
    if kind is not Pull.UNAUTHORIZED and folder_of(stuck.image) in {"docker.io/library", *public}:
        words = f"is not in {host}: it refuses this name, and others beside it are public"
        return _found(IMAGE_NOT_FOUND, stuck, words, 0.85, image_lines)
    others = _secrets_beside(snapshot, stuck)
    if others:
        words = f"needs a login to {host}, and the Pod names no pull secret as others do"
        return _found(MISSING_IMAGE_PULL_SECRET, stuck, words, 0.85, (*image_lines, *others))
    if kind is Pull.FORBIDDEN:
        words = f"is refused by {host}, which asked for no login: it does not offer an image of this name"
        return _found(IMAGE_NOT_FOUND, stuck, words, 0.7, image_lines)
    if kind is Pull.UNAUTHORIZED and (sent_no_credentials(stuck.said) or _shows_whole_spec(snapshot, stuck.ref)):
        words = f"needs a login to {host}, and the Pod brings no pull secret"
        return _found(MISSING_IMAGE_PULL_SECRET, stuck, words, 0.8, image_lines)
    words = f"is refused by {host}: it is private, or there is none of this name"
    return _found(IMAGE_PULL_UNAUTHORIZED, stuck, words, 0.6, image_lines)


_NAMED_SECRETS = re.compile(r"image pull secrets \(([^)]+)\)")


def _missing_secrets(snapshot: Snapshot, ref: ObjectRef, spec: PodSpec) -> tuple[list[str], tuple[Citation, ...]]:
    """Give the pull secrets that the Pod names and that are not there, with the proof."""
    for event in snapshot.events_of(ref, "FailedToRetrieveImagePullSecret"):
        named = _NAMED_SECRETS.search(event.message)
        if named:
            return [n.strip() for n in named[1].split(",")], (event.citation, *_secret_lines(snapshot, ref))
    for secret in spec.image_pull_secrets:
        wanted = ref.model_copy(update={"kind": "Secret", "name": secret.name})
        absent = snapshot.absent(wanted)
        if absent:
            return [secret.name], (*_secret_lines(snapshot, ref), absent)
    return [], ()


def _secret_lines(snapshot: Snapshot, ref: ObjectRef) -> tuple[Citation, ...]:
    return cite_spec(snapshot, ref, ("imagePullSecrets",))


def _open_folders(snapshot: Snapshot) -> frozenset[str]:
    """Give the folders of registries that Pods without pull secret do run images from."""
    found = set()
    for pod in snapshot.pods:
        if pod.ready and not full_spec(snapshot, pod.ref).image_pull_secrets:
            found |= {folder_of(c.image) for c in pod.spec.containers if c.image}
    return frozenset(found)


def _secrets_beside(snapshot: Snapshot, stuck: Stuck) -> tuple[Citation, ...]:
    """Give what shows that this image, or this namespace's images, take a pull secret elsewhere."""
    owner = template_owner(snapshot, stuck.ref)
    declared = snapshot.declared.get(owner.ref) if owner else None
    if isinstance(declared, Workload) and declared.spec.template.spec.image_pull_secrets:
        return snapshot.cite(declared.ref, ("spec", "template", "spec", "imagePullSecrets"))
    account = full_spec(snapshot, stuck.ref).service_account_name or "default"
    found = snapshot.find("ServiceAccount", stuck.ref.namespace, account, stuck.ref.cluster)
    if isinstance(found, ServiceAccount) and found.image_pull_secrets:
        return snapshot.cite(found.ref, ("imagePullSecrets",))
    for workload in snapshot.workloads:
        spec = workload.spec.template.spec
        hosts = {registry_of(c.image) for c in spec.all_containers}
        if workload.namespace == stuck.ref.namespace and spec.image_pull_secrets and registry_of(stuck.image) in hosts:
            return snapshot.cite(workload.ref, ("spec", "template", "spec", "imagePullSecrets"))
    return ()


def _shows_whole_spec(snapshot: Snapshot, ref: ObjectRef) -> bool:
    """Tell whether a text that shows pull secrets where there are any was seen: `describe` and tables do not."""
    owner = template_owner(snapshot, ref)
    texts = (*snapshot.seen.get(ref.object, ()), *(snapshot.seen.get(owner.ref, ()) if owner else ()))
    return any(one.record.form in ("json", "yaml") for one in texts)
