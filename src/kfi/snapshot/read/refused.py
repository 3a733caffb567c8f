"""
What kubectl and Helm print when the API server refuses to make or change an object, and which object that was.

Source: `k8s.io/kubectl/pkg/cmd/{apply,create,replace}`, `apimachinery/pkg/api/errors`, and Helm's `Error: ... FAILED`.
An answer to a question (`pods "cart" not found` of a `get`) is no refusal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kfi.snapshot.read.resource_names import known_kind

_STARTS = ("Error from server", "The ", "error: ", "Error: ", "error when ", "unable to recognize ")
_WRITING = re.compile(
    r"error when (?:creating|applying|patching|replacing|retrieving current)|failed to create \w|denied the request"
    r"|denied request:|failed calling \w*\s?webhook|exceeded quota|failed quota|violates PodSecurity"
    r"|cannot (?:create|update|patch) resource|cannot be handled as an? |already allocated"
)
_OF_THE_CLIENT = re.compile(
    r"[Ee]rror: (?:error validating|unable to recognize|resource mapping not found|failed to create \w"
    r"|error when creating|(?:INSTALLATION|UPGRADE) FAILED|release \S{1,100} failed)"
    r"|unable to recognize |error when (?:creating|applying|patching|replacing) "
)
_INVALID = re.compile(r"The (?P<kind>[A-Z]\w{0,62}) \"(?P<name>[^\"]{0,253})\" is invalid\b")
# What of the lines below belongs to a refusal: lists of faults, and what kubectl says of a patch.
_LATER = re.compile(
    r"\s+\S|[*•-] |[\[{}\]]|(?:to|for|of):|(?:Resource|Name|Object): |(?:for|from server for): |ensure CRDs "
)
# A policy engine explains itself in paragraphs.
_DENIED = re.compile(r"denied the request")
_DONE = re.compile(r"\S{1,300} (?:created|configured|unchanged|patched|replaced|deleted|serverside-applied)\b")
_COMMAND = re.compile(r"[^\s$#%>]{0,100}[$#%>] |(?:kubectl|helm|oc) ")
_MAX_LINES = 20
_MAX_CHARS = 4000

_GROUPS = (
    re.compile(r"GroupVersionKind: \"[^\"]{0,200}Kind=(?P<kind>\w{1,63})\"\s+Name: \"(?P<name>[^\"]{1,253})\","
               r" Namespace: \"(?P<namespace>[^\"]{0,63})\""),
    re.compile(r"for name: \"(?P<name>[^\"]{0,253})\" namespace: \"(?P<namespace>[^\"]{0,63})\""
               r"[^\n]{0,300}?no matches for kind \"(?P<kind>\w{1,63})\""),
    re.compile(r"resource (?P<kind>[A-Z]\w{0,62})/(?P<namespace>[a-z0-9-]{1,63})/(?P<name>[a-z0-9.-]{1,253}) was "),
    _INVALID,
    re.compile(r"(?P<resource>[a-z]{2,63}(?:\.[a-z0-9.-]{1,200})?) \"(?P<name>[^\"\s]{1,253})\" is (?:forb|inv)"),
    re.compile(r"\b(?P<kind>[A-Z]\w{0,62}) in version \"[^\"]{1,100}\" cannot be handled as an? "),
    re.compile(r"ValidationError\((?P<kind>[A-Z]\w{0,62})[.)]"),
    re.compile(r"no matches for kind \"(?P<kind>\w{1,63})\""),
)  # fmt: skip
_FILE = re.compile(
    r"(?:error when \w+|error validating|unable to recognize|\bfrom|(?:from server )?for:) \"(?P<file>[^\"\n]{1,300})\""
)
_NAMESPACE = re.compile(r"in the namespace \"([a-z0-9-]{1,63})\"|namespaces \"([a-z0-9-]{1,63})\" (?:not found|is)")
_CREATING = re.compile(r"error when creating|failed to create|INSTALLATION FAILED|cannot create resource")


@dataclass(frozen=True)
class Refused:
    """One refusal: its lines, and what they tell of the object. What they do not tell is empty."""

    text: str
    first_line: int
    last_line: int
    kind: str = ""
    namespace: str = ""
    name: str = ""
    file: str = ""
    """The manifest that kubectl read, as it was named on the command line."""

    @property
    def creating(self) -> bool:
        """Whether the object did not exist yet."""
        return bool(_CREATING.search(self.text))


def is_refusal(line: str) -> bool:
    """Tell whether a line begins a refusal.

    >>> is_refusal('The Service "cart" is invalid: spec.ports: Required value'), is_refusal("The cart is full")
    (True, False)
    """
    text = line[:_MAX_CHARS].strip()
    if not text.startswith(_STARTS):
        return False
    return bool(_INVALID.match(text) or _OF_THE_CLIENT.match(text) or _WRITING.search(text))


def read_refusals(lines: Iterable[str], first_line: int = 1) -> Iterator[Refused]:
    """Yield the refusals in a text, each with the lines below that belong to it."""
    taken: list[tuple[int, str]] = []
    for number, line in enumerate(lines, first_line):
        if is_refusal(line):
            yield from _refused(taken)
            taken = [(number, line)]
        elif taken and not _goes_on(taken, line):
            yield from _refused(taken)
            taken = []
        elif taken:
            taken.append((number, line))
    yield from _refused(taken)


def _goes_on(taken: list[tuple[int, str]], line: str) -> bool:
    if len(taken) >= _MAX_LINES or _DONE.match(line) or _COMMAND.match(line):
        return False
    return bool(_LATER.match(line) or _DENIED.search(taken[0][1]))


def _refused(taken: list[tuple[int, str]]) -> Iterator[Refused]:
    while taken and not taken[-1][1].strip():
        taken.pop()
    if taken:
        text = "\n".join(line.rstrip() for _, line in taken).strip()[:_MAX_CHARS]
        yield refused(text, taken[0][0], taken[-1][0])


def refused(text: str, first_line: int = 1, last_line: int = 1) -> Refused:
    """Read which object a refusal is about."""
    found: dict[str, str] = {}
    for pattern in _GROUPS:
        match = pattern.search(text)
        for key, value in match.groupdict().items() if match else ():
            found.setdefault(key, value or "")
    file, home = _FILE.search(text), _NAMESPACE.search(text)
    named = known_kind(found.get("resource", ""))
    about_home = named == "Namespace"
    return Refused(
        text=text,
        first_line=first_line,
        last_line=last_line,
        kind=found.get("kind") or ("" if about_home else named),
        namespace=found.get("namespace") or ((home[1] or home[2]) if home else ""),
        name="" if about_home and not found.get("kind") else found.get("name", ""),
        file=file["file"] if file else "",
    )
