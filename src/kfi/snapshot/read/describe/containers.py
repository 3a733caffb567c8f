"""
Containers: one printed block is an entry of the spec and, where the kubelet reported one, an entry of the status.

kubectl prints the words of a command one a line, and a word of several lines likewise. They are put together again
where that is clear: what is indented further, what follows a blank line, and all that follows a shell's `-c`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from kfi.snapshot.read.describe.fields import At, Table, Tree, fill
from kfi.snapshot.read.describe.probe import probe
from kfi.snapshot.read.describe.scalars import NOTHING, boolean, comma_list, integer, quantities, text, time
from kfi.snapshot.read.describe.tree import Node

_PORT = re.compile(r"(\d{1,5})/([A-Z]{3,4})(?: \((.*)\))?")
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})
_SCRIPT_FLAG = re.compile(r"-[a-z]*c")
_ENV_FROM = re.compile(r"(\S*)\s+(ConfigMap|Secret)(?: with prefix '(.*)')?\s+Optional: (true|false)")
_KEY_OF = re.compile(r"<set to the key '([^']*)' (?:in (secret)|of (config map)) '([^']*)'>\s+Optional: (true|false)")
# In brackets at the value's end, after what the field was resolved to.
_FIELD_OF = re.compile(r"(v\d\w{0,20}):([\w.\[\]'/-]{1,400})\)")
_RESOURCE_OF = re.compile(r"((?:limits|requests)\.[\w.-]{1,300})\)")

_STATE: Table = {
    "Reason": ("reason", text),
    "Message": ("message", text),
    "Exit Code": ("exitCode", integer),
    "Signal": ("signal", integer),
    "Started": ("startedAt", time),
    "Finished": ("finishedAt", time),
}
_STATES = {"Waiting": "waiting", "Running": "running", "Terminated": "terminated"}


def containers(spec: str, status: str) -> Any:
    """Give the reader of a list of containers: `spec.<spec>`, and `status.<status>` where the text shows states."""

    def read(node: Node) -> Tree:
        found = [(child, _container(child)) for child in node.children if child.key]
        tree: Tree = {"spec": {spec: At([At(c["spec"], child.line) for child, c in found], node.line)}}
        statuses = [At(c["status"], child.line) for child, c in found if "status" in c]
        return {**tree, "status": {status: At(statuses, node.line)}} if statuses else tree

    return read


def _container(node: Node) -> Tree:
    tree = fill(node.children, CONTAINER)
    name = At(node.key, node.line)
    spec = {"name": name, **tree.get("spec", {}), **_command_line(node)}
    host_ports = [port.value["containerPort"] for port in tree.get("hostPorts", At([], 0)).value]
    for port, host_port in zip(spec.get("ports", At([], 0)).value, host_ports, strict=False):
        if host_port:
            port.value["hostPort"] = host_port
    return {"spec": spec, "status": {"name": name, **tree["status"]}} if "status" in tree else {"spec": spec}


def ports(node: Node) -> At:
    """Give container ports of `8080/TCP (http), 9090/TCP`."""
    found = []
    for match in (_PORT.fullmatch(word) for word in comma_list(node).value):
        if match:
            name = {"name": match[3]} if match[3] else {}
            found.append(At({**name, "containerPort": int(match[1]), "protocol": match[2]}, node.line))
    return At(found, node.line)


def _state(node: Node) -> At | None:
    state = _STATES.get(node.value)
    return At({state: At(fill(node.children, _STATE), node.line)}, node.line) if state else None


def _seccomp(node: Node) -> At | None:
    if node.value in NOTHING:
        return None
    profile = fill(node.children, {"LocalhostProfile": ("localhostProfile", text)})
    return At({"type": node.value, **profile}, node.line)


def _command_line(node: Node) -> Tree:
    """Give command and args, which are read together: a shell in one makes a script of the other."""
    tree: Tree = {}
    words: list[At] = []
    parts = {child.key: child for child in node.children}
    for key, name in (("Command", "command"), ("Args", "args")):
        if key in parts:
            words = _words(parts[key], words)
            tree[name] = At(words, parts[key].line)
    return tree


def _words(node: Node, before: list[At]) -> list[At]:
    groups: list[list[Node]] = []
    script_next = bool(before) and _opens_script(before[0].value, before[-1].value)
    inside_script = False
    base = node.children[0].indent if node.children else 0
    for child in node.below():
        after_blank = bool(groups) and child.line > groups[-1][-1].line + 1
        if inside_script or after_blank or child.indent > base:
            groups[-1].append(child)
            continue
        groups.append([child])
        inside_script = script_next
        script_next = _opens_script(before[0].value if before else groups[0][0].text, child.text)
    return [At(_block(group, base), group[0].line) for group in groups]


def _opens_script(program: str, flag: str) -> bool:
    return bool(_SCRIPT_FLAG.fullmatch(flag)) and program.rpartition("/")[2] in _SHELLS


def _block(lines: Iterable[Node], base: int) -> str:
    """Give lines as one text, with the blank lines between them."""
    found: list[str] = []
    last = 0
    for node in lines:
        blank = node.line - last - 1 if last else 0
        found.extend([""] * blank)
        found.append(" " * max(node.indent - base, 0) + node.text)
        last = node.line
    return "\n".join(found)


def env(node: Node) -> At:
    """Give environment variables: a value, or where it comes from."""
    return At([At(_variable(child), child.line) for child in node.children if child.key], node.line)


def _variable(node: Node) -> Tree:
    name = {"name": node.key}
    if match := _KEY_OF.fullmatch(node.value):
        ref = {"name": match[4], "key": match[1], "optional": match[5] == "true"}
        return {**name, "valueFrom": {"secretKeyRef" if match[2] else "configMapKeyRef": ref}}
    bracket = node.value.rpartition("(")[2]
    if match := _FIELD_OF.fullmatch(bracket):
        return {**name, "valueFrom": {"fieldRef": {"apiVersion": match[1], "fieldPath": match[2]}}}
    if match := _RESOURCE_OF.fullmatch(bracket):
        return {**name, "valueFrom": {"resourceFieldRef": {"resource": match[1]}}}
    return {**name, "value": _multi_line(node)}


def _multi_line(node: Node) -> str:
    if not node.children:
        return node.value
    lines = [Node(node.line, node.column, node.value, "", "", 0), *node.below()]
    return _block(lines, node.column or node.children[0].indent)


def _env_from(node: Node) -> At:
    return At(list(_sources(node)), node.line)


def _sources(node: Node) -> Iterator[At]:
    for child in node.children:
        match = _ENV_FROM.fullmatch(child.text)
        if match:
            ref = {"name": match[1], "optional": match[4] == "true"}
            prefix = {"prefix": match[3]} if match[3] else {}
            yield At({**prefix, "configMapRef" if match[2] == "ConfigMap" else "secretRef": ref}, child.line)


def _mounts(node: Node) -> At:
    found = []
    for child in node.children:
        rest, _, flags = child.text.rpartition(" (")
        path, _, name = rest.rpartition(" from ")
        if path:
            found.append(At({"name": name, "mountPath": path, **_mount_flags(flags.removesuffix(")"))}, child.line))
    return At(found, node.line)


def _mount_flags(flags: str) -> Tree:
    access, _, path = flags.partition(',path="')
    found: Tree = {"readOnly": access == "ro"}
    return {**found, "subPath": path.removesuffix('"')} if path else found


def _devices(node: Node) -> At:
    pairs = [(child.line, child.text.rpartition(" from ")) for child in node.children]
    return At([At({"devicePath": path, "name": name}, line) for line, (path, _, name) in pairs if path], node.line)


CONTAINER: Table = {
    "Container ID": ("status.containerID", text),
    "Image": ("spec.image", text),
    "Image ID": ("status.imageID", text),
    "Port": ("spec.ports", ports),
    "Ports": ("spec.ports", ports),
    "Host Port": ("hostPorts", ports),
    "Host Ports": ("hostPorts", ports),
    "SeccompProfile": ("spec.securityContext.seccompProfile", _seccomp),
    "State": ("status.state", _state),
    "Last State": ("status.lastState", _state),
    "Ready": ("status.ready", boolean),
    "Restart Count": ("status.restartCount", integer),
    "Limits": ("spec.resources.limits", quantities),
    "Requests": ("spec.resources.requests", quantities),
    "Liveness": ("spec.livenessProbe", probe),
    "Readiness": ("spec.readinessProbe", probe),
    "Startup": ("spec.startupProbe", probe),
    "Environment Variables from": ("spec.envFrom", _env_from),
    "Environment": ("spec.env", env),
    "Mounts": ("spec.volumeMounts", _mounts),
    "Devices": ("spec.volumeDevices", _devices),
}
"""What each line of a container's block says."""
