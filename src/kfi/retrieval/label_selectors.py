"""
Labels that a question asks for, as `kubectl -l` takes them: `app=web,tier!=db`, `env notin (qa,dev)`.

Only text is read; whether anything has such a label is for the snapshot to tell. Variables (`FOO=1`), fields
(`status.phase=Running`) and secrets (`token=…`) look alike and are none.
"""

from __future__ import annotations

import re

_KEY = r"(?<![\w?&!<>./-])([A-Za-z][\w./-]{0,252})"
_VALUE = r"[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?"
_EQUAL = re.compile(rf"{_KEY}={{1,2}}({_VALUE})(?![\w-])", re.A)
_UNEQUAL = re.compile(rf"{_KEY} ?!={{1,2}} ?({_VALUE})(?![\w-])", re.A)
_NOT_AMONG = re.compile(rf"{_KEY} not ?in ?\(([\w., -]{{1,400}})\)", re.A | re.I)
_NO_LABELS = frozenset(
    "namespace ns node pod container cluster reason code status exit_code exitcode replicas limit limits memory cpu "
    "since until tail kind name".split()
)
_SECRET = re.compile(r"pass|pwd|secret|token|credential|api[-_.]?key", re.I)
_FIELDS = ("status.", "metadata.", "spec.", "involvedObject.")


def find_labels(query: str) -> dict[str, str]:
    """Give the labels that what a question means must have.

    >>> find_labels("-l app=web,tier!=db with FOO=1")
    {'app': 'web'}
    """
    return {key: value for key, value in _EQUAL.findall(query) if _is_label(key)}


def find_excluded_labels(query: str) -> dict[str, tuple[str, ...]]:
    """Give the labels that what a question means must not have, by label the values.

    >>> find_excluded_labels("pods with app=web,tier!=db,env notin (qa, dev)")
    {'tier': ('db',), 'env': ('qa', 'dev')}
    """
    found: dict[str, tuple[str, ...]] = {}
    for pattern in (_UNEQUAL, _NOT_AMONG):
        for key, values in pattern.findall(query):
            if _is_label(key):
                told = (value.strip() for value in values.split(","))
                found[key] = tuple(dict.fromkeys((*found.get(key, ()), *filter(None, told))))
    return found


def without_labels(query: str) -> str:
    """Give a question with a blank in the place of each label: the `web` of `app=web` is nobody's name."""
    for pattern in (_EQUAL, _UNEQUAL, _NOT_AMONG):
        query = pattern.sub(" ", query)
    return query


def _is_label(key: str) -> bool:
    return not (key.lower() in _NO_LABELS or key.isupper() or key.startswith(_FIELDS) or _SECRET.search(key))
