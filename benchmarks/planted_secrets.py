"""
Secrets of twelve kinds, in the words of the programs that give them away, in everything that kfi reads.

Written from general knowledge by somebody who had not read kfi's redaction rules. All of them are made up on the spot,
always the same ones for the same seed.
"""

from __future__ import annotations

import base64
import io
import json
import random
import tarfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from secret_kinds import KINDS, Kind

_APPS = ("cart", "checkout", "mailer", "pricing", "stock", "search", "returns", "loyalty", "labels", "invoices")
_AT = "2026-11-20T14:3{}:{:02}Z"


@dataclass(frozen=True)
class Planted:
    """One secret, and where it was put."""

    kind: str
    place: str
    words: str
    """The line that gives it away."""
    needles: tuple[str, ...]
    """None of these may be found anywhere."""


PLACES = (
    "event",
    "log",
    "manifest",
    "describe",
    "JSON log",
    "environment",
    "annotation",
    "bundle",
    "config map",
    "argument",
    "kubeconfig",
    "event table",
    "secret object",
)
_OF_SECRET_DATA = ("secret object", "log", "secret object", "event", "secret object", "bundle")


def plant(folder: Path, count: int = 200, seed: int = 20261120) -> list[Planted]:
    """Write evidence of a shop whose programs give secrets away; give what was planted, and where."""
    rng = random.Random(seed)
    planted = [_planted(number, rng) for number in range(count)]
    by_place: dict[str, list[Planted]] = defaultdict(list)
    for one in planted:
        by_place[one.place].append(one)
    for place, ones in by_place.items():
        _WRITERS[place](folder, ones)
    (folder / "pods.txt").write_text(_pods())
    return planted


def _planted(number: int, rng: random.Random) -> Planted:
    name = list(KINDS)[number % len(KINDS)]
    kind, turn = KINDS[name], number // len(KINDS)
    places = _OF_SECRET_DATA if name == "Secret data" else PLACES
    place = places[(2 * turn + number) % len(places)]
    secret = kind.make(rng)
    words = kind.lines[turn % len(kind.lines)].format(s=secret)
    if place in ("environment", "secret object", "kubeconfig", "argument") and name != "Secret data":
        words = _as_value(kind, secret, words)
    needles = secret.split("\n")[1:-1] if "\n" in secret else [secret]
    return Planted(name, place, words if place != "secret object" else secret, _forms(needles))


def _as_value(kind: Kind, secret: str, words: str) -> str:
    """Give `NAME=secret`, or the address or connection string that holds it."""
    if kind.variable:
        return f"{kind.variable}={secret}"
    value = next((word for word in words.split() if secret in word), secret)
    return f"BACKEND_URL={value}"


def _forms(needles: Sequence[str]) -> tuple[str, ...]:
    encoded = [base64.b64encode(needle.encode()).decode().rstrip("=") for needle in needles]
    return (*needles, *encoded)


def _pod(number: int) -> str:
    return f"{_APPS[number % len(_APPS)]}-6c9d7b8f5-x2k{number % len(_APPS)}z"


def _pods() -> str:
    rows = [f"orchard     {_pod(at):32}  0/1     CrashLoopBackOff   7 (2m ago)    40m" for at in range(len(_APPS))]
    return "\n".join([f"NAMESPACE   {'NAME':32}  READY   STATUS             RESTARTS      AGE", *rows, ""])


def _event(number: int, message: str) -> dict[str, object]:
    pod = {"kind": "Pod", "namespace": "orchard", "name": _pod(number), "apiVersion": "v1"}
    at = _AT.format(number % 10, number % 60)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"e{number}", "namespace": "orchard"},
        "involvedObject": pod,
        "type": "Warning",
        "reason": "Failed",
        "message": message,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }


def _events(folder: Path, ones: Sequence[Planted]) -> None:
    items = [_event(at, f"Error: hook failed: {one.words}") for at, one in enumerate(ones)]
    (folder / "events.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=1))


def _event_table(folder: Path, ones: Sequence[Planted]) -> None:
    rows = [
        f"orchard     {at + 2}m          Warning   Unhealthy   pod/{_pod(at)}   "
        f"Readiness probe failed: {' '.join(one.words.split(chr(10)))}"
        for at, one in enumerate(ones)
    ]
    head = "NAMESPACE   LAST SEEN   TYPE      REASON      OBJECT                         MESSAGE"
    (folder / "events.txt").write_text("\n".join([head, *rows, ""]))


def _log_text(at: int, one: Planted) -> str:
    return (
        f"{_AT.format(at % 10, 1)} INFO  starting\n{_AT.format(at % 10, 2)} ERROR {one.words}\n"
        f"{_AT.format(at % 10, 3)} FATAL giving up\n"
    )


def _as_json(at: int, one: Planted) -> str:
    said = {"ts": _AT.format(at % 10, 2), "level": "error", "logger": "boot", "msg": one.words}
    return json.dumps(said) + "\n"


def _write_logs(folder: Path, ones: Sequence[Planted], write: Callable[[int, Planted], str], name: str) -> None:
    for at, one in enumerate(ones):
        file = folder / "logs" / "orchard" / _pod(at) / f"{name}.log"
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as log:
            log.write(write(at, one))


def _logs(folder: Path, ones: Sequence[Planted]) -> None:
    _write_logs(folder, ones, _log_text, "app")


def _json_logs(folder: Path, ones: Sequence[Planted]) -> None:
    _write_logs(folder, ones, _as_json, "sidecar")


def _bundle(folder: Path, ones: Sequence[Planted]) -> None:
    with tarfile.open(folder / "support.tar.gz", "w:gz") as archive:
        for at, one in enumerate(ones):
            text = _log_text(at, one).encode()
            info = tarfile.TarInfo(f"support/logs/orchard/{_pod(at)}/worker-{at}.log")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))


def _dumped(folder: Path, name: str, objects: Sequence[object]) -> None:
    import yaml

    (folder / name).write_text(yaml.safe_dump_all(objects, sort_keys=False, width=4000))


def _deployment(at: int, container: dict[str, object], annotations: dict[str, str] | None = None) -> object:
    app = _APPS[at % len(_APPS)]
    labels = {"app": app}
    pod = {"metadata": {"labels": labels, "annotations": annotations or {}}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod}
    about = {"name": f"{app}-{at}", "namespace": "orchard", "annotations": annotations or {}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": about, "spec": spec}


def _container(**more: object) -> dict[str, object]:
    return {"name": "app", "image": "registry.orchard.example/app:1.4", **more}


def _manifests(folder: Path, ones: Sequence[Planted]) -> None:
    """A start script within a manifest."""
    scripts = [_container(command=["sh", "-c", f'echo start\necho "{one.words}"\nexec app']) for one in ones]
    _dumped(folder, "scripts.yaml", [_deployment(at, script) for at, script in enumerate(scripts)])


def _environment(folder: Path, ones: Sequence[Planted]) -> None:
    held = [_container(env=[dict(zip(("name", "value"), one.words.split("=", 1), strict=True))]) for one in ones]
    _dumped(folder, "environment.yaml", [_deployment(at + 100, one) for at, one in enumerate(held)])


def _arguments(folder: Path, ones: Sequence[Planted]) -> None:
    def flags(one: Planted) -> list[str]:
        name, value = one.words.split("=", 1)
        return (
            [f"--{name.lower().replace('_', '-')}", value]
            if len(value) % 2
            else [f"--{name.lower().replace('_', '-')}={value}"]
        )

    _dumped(
        folder, "arguments.yaml", [_deployment(at + 200, _container(args=flags(one))) for at, one in enumerate(ones)]
    )


def _annotations(folder: Path, ones: Sequence[Planted]) -> None:
    noted = [{"orchard.example/last-error": one.words} for one in ones]
    _dumped(folder, "annotations.yaml", [_deployment(at + 300, _container(), note) for at, note in enumerate(noted)])


def _config_maps(folder: Path, ones: Sequence[Planted]) -> None:
    def config(at: int, one: Planted) -> object:
        about = {"name": f"settings-{at}", "namespace": "orchard"}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": {"app.conf": f"{one.words}\nx=1\n"}}

    _dumped(folder, "config-maps.yaml", [config(at, one) for at, one in enumerate(ones)])


def _secret_objects(folder: Path, ones: Sequence[Planted]) -> None:
    def held(at: int, one: Planted) -> object:
        plain = at % 2
        value = one.words if plain else base64.b64encode(one.words.encode()).decode()
        about = {"name": f"held-{at}", "namespace": "orchard"}
        data = {"stringData" if plain else "data": {"value": value}}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": about, "type": "Opaque", **data}

    _dumped(folder, "secrets.yaml", [held(at, one) for at, one in enumerate(ones)])


def _kubeconfigs(folder: Path, ones: Sequence[Planted]) -> None:
    """Users of a kubeconfig: keys in base64, tokens, passwords, arguments of a login program."""
    users = []
    for at, one in enumerate(ones):
        value = one.words.split("=", 1)[-1]
        user: dict[str, object] = {"token": value}
        if "\n" in value:
            user = {"client-key-data": base64.b64encode(value.encode()).decode()}
        elif one.kind == "password":
            user = {"username": "admin", "password": value}
        elif one.kind in ("address with password", "connection string"):
            variable = {"name": "LOGIN_URL", "value": value}
            user = {"exec": {"command": "login", "apiVersion": "v1", "env": [variable]}}
        users.append({"name": f"user-{at}", "user": user})
    _dumped(folder, "kubeconfig.yaml", [{"apiVersion": "v1", "kind": "Config", "users": users}])


def _described(folder: Path, ones: Sequence[Planted]) -> None:
    """In turn: an environment variable, an argument, an annotation, why it ended, an Event."""
    for at, one in enumerate(ones):
        words = one.words.split("\n")
        name = f"{_pod(at)[:-5]}d{at:02}zz"
        (folder / f"describe-{at}.txt").write_text(_DESCRIBED.format(name=name, **_slots(at, words)))


def _slots(at: int, words: list[str]) -> dict[str, str]:
    slots = {"note": "<none>", "message": "", "argument": "serve", "variable": "MODE:  fast", "event": "restarting"}
    slot = list(slots)[at % len(slots)]
    lead = {"note": "orchard.example/error: ", "message": "      Message:   ", "variable": "LAST:  "}.get(slot, "")
    slots[slot] = lead + f"\n{' ' * 17}".join(words) + ("\n" if slot == "message" else "")
    return slots


_DESCRIBED = """\
Name:             {name}
Namespace:        orchard
Node:             node-3/10.0.0.3
Labels:           app=cart
Annotations:      {note}
Status:           Running
Containers:
  app:
    Image:         registry.orchard.example/app:1.4
    Args:
      {argument}
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       Error
{message}      Exit Code:    1
    Ready:          False
    Restart Count:  7
    Environment:
      {variable}
Conditions:
  Type              Status
  Ready             False
Events:
  Type     Reason   Age   From     Message
  ----     ------   ----  ----     -------
  Warning  Failed   2m    kubelet  {event}
"""
_WRITERS: dict[str, Callable[[Path, Sequence[Planted]], None]] = {
    "event": _events,
    "log": _logs,
    "manifest": _manifests,
    "describe": _described,
    "JSON log": _json_logs,
    "environment": _environment,
    "annotation": _annotations,
    "bundle": _bundle,
    "config map": _config_maps,
    "argument": _arguments,
    "kubeconfig": _kubeconfigs,
    "event table": _event_table,
    "secret object": _secret_objects,
}
