"""
What says which objects a text of kubectl shows: the command that printed it, or the name of its file.

A transcript is cut at its commands. They are recognised by how the first one is written: what starts like it is a
command too, and nothing else is, so a script inside a ConfigMap does not cut the text that shows it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kfi.snapshot.read.resource_names import known_kind
from kfi.snapshot.resources import CLUSTER_SCOPED

_VERBS = (
    r"(?:get|describe|logs?|events?|top|api-resources|version|cluster-info|config|explain|auth|exec|rollout"
    r"|apply|create|replace|patch|run|expose)"
)
_COMMAND = re.compile(
    rf"(?P<prompt>(?:[^\s$#%>+=-][^$#%>+]{{0,100}})?[$#%>+]{{1,3}} {{0,3}}|=+>? {{1,3}}|-+>? {{1,3}}|)"
    rf"(?:sudo |time )?(?:\S{{0,200}}/)?(?:kubectl|oc|k)(?:\.exe)? (?P<rest>[^\n]{{0,300}}?\b{_VERBS}\b.*)"
)
# Lines in which the first command of a transcript must stand: tools print a few lines of their own first.
_FIRST_COMMAND_WITHIN = 20
_MAX_COMMAND_CHARS = 4096
_VALUE_FLAGS = frozenset({
    "-n", "--namespace", "-l", "--selector", "-o", "--output", "--context", "--cluster", "--kubeconfig", "--user",
    "--field-selector", "--sort-by", "-L", "--label-columns", "-s", "--server", "--as", "--as-group", "--token",
    "--request-timeout", "--cache-dir", "-c", "--container", "--since", "--since-time", "--tail", "--chunk-size",
    "--template", "-f", "--filename", "-v", "--v", "--for", "--types", "--limit-bytes",
})  # fmt: skip
_FILTERS = frozenset({"-l", "--selector", "--field-selector", "-f", "--filename", "--for", "--types"})
# What a pipe may do without taking rows away.
_HARMLESS = re.compile(r"\s*(?:tee|cat|less|more|sort)\b[^|]*")

_WORDS = re.compile(r"[^\W_]+")
# Parts of a file name between dots that name no namespace.
_NO_NAMESPACE = frozenset({
    "wide", "labels", "label", "yaml", "yml", "json", "txt", "text", "log", "out", "cluster", "all", "describe", "get",
    "list", "table", "all-namespaces", "allnamespaces", "kubectl", "md",
})  # fmt: skip
# Short names that are also syllables: only the usual ones count in a file name.
_SHORT_IN_PATHS = frozenset({"po", "no", "ns", "ep", "rs", "ds", "pv", "sc", "cm", "sa", "cj", "rc"})
_FILTERED_WORDS = frozenset({"grep", "find", "filtered", "failed", "failing", "notready", "unhealthy", "top", "head"})
_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Hints:
    """What the surroundings of a text say about it."""

    kind: str = ""
    namespace: str = ""
    verb: str = ""
    """The subcommand: get, describe, logs, events, top; empty where no command is known."""
    all_namespaces: bool = False
    filtered: bool = False
    """Whether rows may be missing: a selector, names, a pipe through grep."""
    output: str = ""
    """The value of `-o`."""
    names: tuple[str, ...] = ()
    container: str = ""
    """The container of `logs -c`."""
    previous: bool = False
    """`logs --previous`."""


@dataclass(frozen=True)
class Section:
    """The output of one command, or a whole text without commands."""

    first_line: int
    lines: Sequence[str]
    command: str = ""
    whole: bool = False
    """Whether it is the whole source."""

    @property
    def first_filled(self) -> tuple[int, str]:
        """Number and text of the first line that is not blank; an empty text where all are."""
        filled = ((number, line) for number, line in enumerate(self.lines, self.first_line) if line.strip())
        return next(filled, (self.first_line, ""))

    def text(self, first_line: int, last_line: int) -> str:
        """Give the text of these lines, counted in the source."""
        return "\n".join(self.lines[first_line - self.first_line : last_line - self.first_line + 1])


def sections(lines: Sequence[str]) -> list[Section]:
    """Cut a transcript at its commands; a text without any is one section."""
    prompt = _first_prompt(lines)
    if prompt is None:
        return [Section(1, lines, whole=True)]
    cuts = [index for index, line in enumerate(lines) if _is_command(line, *prompt)]
    ends = [*cuts[1:], len(lines)]
    found = [
        Section(cut + 2, lines[cut + 1 : end], lines[cut][:_MAX_COMMAND_CHARS].strip())
        for cut, end in zip(cuts, ends, strict=True)
    ]
    return [Section(1, lines[: cuts[0]]), *found] if cuts[0] else found


def _match(line: str) -> re.Match[str] | None:
    return _COMMAND.match(line[:_MAX_COMMAND_CHARS]) if "kubectl" in line or "oc " in line or "k " in line else None


def _first_prompt(lines: Sequence[str]) -> tuple[str, str] | None:
    """Give what the first command's prompt begins with (user and host, or nothing), and its last sign."""
    filled = 0
    for line in lines:
        filled += bool(line.strip())
        match = _match(line)
        if match:
            prompt = match["prompt"].strip()
            return re.split(r"[:~ $#%>+=-]", prompt)[0], prompt[-1:]
        if filled >= _FIRST_COMMAND_WITHIN:
            break
    return None


def _is_command(line: str, host: str, sign: str) -> bool:
    if sign in ("$", "%"):
        # Other programs' commands end what kubectl printed as well.
        return line.startswith(host) and (sign + " ") in line[: len(host) + (100 if host else 2)]
    match = _match(line)
    return match is not None and match["prompt"].strip()[-1:] == sign


def hints_of_command(command: str) -> Hints:
    """Give what a kubectl command line says of its output.

    >>> hints = hints_of_command("$ kubectl get po -n orchard -l app=cart -o wide")
    >>> hints.kind, hints.namespace, hints.filtered, hints.output
    ('Pod', 'orchard', True, 'wide')
    """
    match = _COMMAND.match(command)
    if not match:
        return Hints(verb="?")
    # Scripts decorate what they echo: `=== kubectl get pods ===`.
    run, *pipes = re.split(r"(?<![|])[|](?![|])", match["rest"].rstrip("=-#* :"))
    flags, words = _flags_and_words(_words(re.split(r"\s(?:>>?|2>|&&|;|\|\|)", run)[0]))
    verb, *rest = words or [""]
    kind, names = _log_owner(rest) if verb.startswith("log") else _kind_and_names(rest)
    piped = not all(map(_HARMLESS.fullmatch, pipes))
    return Hints(
        kind="Event" if verb in ("events", "event") else kind,
        namespace=flags.get("-n") or flags.get("--namespace", ""),
        verb=verb,
        all_namespaces="-A" in flags or flags.get("--all-namespaces", "false") != "false",
        filtered=piped or bool(names) or bool(_FILTERS & flags.keys()),
        output=(flags.get("-o") or flags.get("--output", "")).partition("=")[0],
        names=names,
        container=flags.get("-c") or flags.get("--container", ""),
        previous="-p" in flags or "--previous" in flags,
    )


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote that is not closed
        return text.split()


def _flags_and_words(words: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    flags: dict[str, str] = {}
    plain: list[str] = []
    waiting = ""
    for word in words:
        if waiting:
            flags[waiting], waiting = word, ""
        elif word.startswith("--") and "=" in word:
            name, _, flags[name] = word.partition("=")
        elif word in _VALUE_FLAGS:
            waiting = word
        elif re.match(r"-[nlo][^-]", word):
            flags[word[:2]] = word[2:].removeprefix("=")
        elif word.startswith("-"):
            flags[word] = "true"
        else:
            plain.append(word)
    return flags, plain


def _kind_and_names(words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Read `pods`, `pod cart-7d9`, `pod/cart-7d9`, `pods,services`: several kinds are no hint."""
    if not words:
        return "", ()
    kinds = {known_kind(word.partition("/")[0]) for word in words if "/" in word}
    if kinds:
        return (kinds.pop() if len(kinds) == 1 else ""), tuple(word.partition("/")[2] for word in words if "/" in word)
    return ("" if "," in words[0] else known_kind(words[0])), tuple(words[1:])


def _log_owner(words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Read `cart-7d9`, `pod/cart-7d9`, `deploy/cart`, `cart-7d9 app` (the container): a bare name is a Pod's."""
    kind, _, name = words[0].rpartition("/") if words else ("", "", "")
    return (known_kind(kind) if kind else "Pod" if name else ""), ((name,) if name else ())


def hints_of_path(path: str, namespace: str = "") -> Hints:
    """Give what a file's name says: `pods.orchard.wide.txt`, `describe-nodes.txt`, `get_po_wide.txt`.

    `namespace` is what is known already, and wins.

    >>> hints = hints_of_path("get/pods.orchard.wide.txt")
    >>> hints.kind, hints.namespace
    ('Pod', 'orchard')
    """
    name = path.replace("!", "/").replace("\\", "/").rpartition("/")[2]
    words = [word.lower() for word in _WORDS.findall(name)]
    kinds = [known_kind(word) for word in words if len(word) > 2 or word in _SHORT_IN_PATHS]
    kind = next((kind for kind in kinds if kind), "")
    return Hints(
        kind=kind,
        namespace="" if kind in CLUSTER_SCOPED else namespace or _namespace_in(name),
        filtered=bool(_FILTERED_WORDS & set(words)),
    )


def _namespace_in(name: str) -> str:
    resource, *parts = name.split(".")
    if not any(known_kind(word) for word in _WORDS.findall(resource)):
        return ""
    # The last part is the extension, whatever it is.
    found = [part for part in parts[:-1] if part.lower() not in _NO_NAMESPACE and _NAMESPACE.fullmatch(part)]
    return found[0] if found else ""
