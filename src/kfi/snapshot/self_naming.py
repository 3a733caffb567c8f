"""
Names by which a program calls itself in its own log.

Structured logs carry their service or Pod in a field, and programs say who they are when they start. What a line only
talks about, a callee or a host that it dials, is no such name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_NAME = r"(?P<name>[a-z0-9](?:[-a-z0-9.]{0,250}[a-z0-9])?)"
_END = r"(?![\w/:@-])"
_FIELD = re.compile(
    r"(?<![\w.-])(?:service[._]name|app(?:lication)?(?:[._]name)?|(?:k8s\.)?(?:pod|container|deployment)(?:[._]name)?"
    rf"|hostname)[\"']?\s?[=:]\s?[\"']?{_NAME}{_END}"
)
_START = re.compile(rf"\b[Ss]tart(?:ing|ed) (?:service |server |app |application )?[\"']?{_NAME}{_END}")
# Kubernetes leaves vowels and 0, 1, 3 out of what it generates, so no English word looks like it.
_GENERATED = re.compile(
    r"(?<![a-z0-9.-])(?P<name>[a-z0-9][-a-z0-9]{0,240}-[bcdfghjklmnpqrstvwxz2456789]{5})(?![a-z0-9-])"
)
_MAX_CHARS = 4000


def own_names(texts: Iterable[str]) -> Iterator[str]:
    """Yield the names that stand in a log's lines as its own, and every generated Pod name.

    >>> list(own_names(['{"app":"cart","msg":"dial tcp pricing:80"}', "started mailer"]))
    ['cart', 'mailer']
    """
    for text in texts:
        for pattern in (_FIELD, _START, _GENERATED):
            for match in pattern.finditer(text, 0, _MAX_CHARS):
                yield match["name"]
