"""
What a pod spec names beyond itself: the objects it cannot start without, and the addresses it will call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kfi.snapshot.pod import Container, PodSpec

_ADDRESS = re.compile(r"(?:^|//|@)([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)((?:\.[-a-z0-9]+)*)(?::(\d{1,5}))?(?:[/?,;]|$)")


@dataclass(frozen=True)
class Address:
    """An in-cluster address in an environment variable; `text` is the variable's value."""

    container: str
    variable: str
    text: str
    host: str
    namespace: str
    port: int | None


def addresses_in(container: Container, namespace: str) -> Iterator[Address]:
    """Yield the in-cluster addresses that a container's environment names (`cart:7070`, `http://cart.shop.svc:80/`)."""
    for env in container.env:
        match = _ADDRESS.search(env.value or "")
        if not match or not match[1].strip("0123456789"):
            continue
        labels = match[2].lstrip(".").split(".") if match[2] else []
        in_cluster = len(labels) <= 1 or labels[1:2] == ["svc"]
        if in_cluster and (match[3] or "//" in (env.value or "")):
            port = int(match[3]) if match[3] else None
            home = labels[0] if labels else namespace
            yield Address(container.name, env.name, env.value or "", match[1], home, port)


def needed_objects(spec: PodSpec) -> Iterator[tuple[str, str]]:
    """Yield kind and name of what a Pod needs to start; optional references are left out."""
    if spec.service_account_name:
        yield "ServiceAccount", spec.service_account_name
    for volume in spec.volumes:
        if volume.config_map and not volume.config_map.optional:
            yield "ConfigMap", volume.config_map.name
        if volume.secret and not volume.secret.optional:
            yield "Secret", volume.secret.secret_name
        if volume.persistent_volume_claim:
            yield "PersistentVolumeClaim", volume.persistent_volume_claim.claim_name
    for container in spec.all_containers:
        yield from _needed_by_env(container)


def _needed_by_env(container: Container) -> Iterator[tuple[str, str]]:
    for source in container.env_from:
        if source.config_map_ref and not source.config_map_ref.optional:
            yield "ConfigMap", source.config_map_ref.name
        if source.secret_ref and not source.secret_ref.optional:
            yield "Secret", source.secret_ref.name
    for env in container.env:
        value_from = env.value_from
        if value_from and value_from.config_map_key_ref and not value_from.config_map_key_ref.optional:
            yield "ConfigMap", value_from.config_map_key_ref.name
        if value_from and value_from.secret_key_ref and not value_from.secret_key_ref.optional:
            yield "Secret", value_from.secret_key_ref.name
