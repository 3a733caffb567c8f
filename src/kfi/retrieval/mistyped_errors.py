"""
Failures that are mistyped: "keeps restartign", "not redy", "crashlopping".

Only words that people type most are mended, and only where a question speaks of no failure otherwise: a name may be a
letter away from one of them.
"""

from __future__ import annotations

import re

from kfi.retrieval.error_families import ErrorName, find_error
from kfi.retrieval.known_names import slips

_WORDS = frozenset(
    "failing failed failure crashing crashed crashes crashloop crashlooping crashloopbackoff restarting restarts "
    "restarted restart pending stuck evicted oomkilled imagepullbackoff errimagepull unhealthy unavailable "
    "unreachable terminating terminated timeout timeouts error errors broken running starting ready memory certificate "
    "expired permission forbidden denied unauthorized refused connect connection resolve readiness liveness probe "
    "schedule scheduled containercreating createcontainerconfigerror notready throttled throttling latency missing "
    "hanging degraded responding exception rollout backoff dying".split()
)
# English, and Kubernetes' own words, that are a letter away from one of those.
_NO_SLIPS = frozenset(
    "doing drying broker brokers billed billing filing filling falling fading leading handing hunting changing "
    "ranging stating staring string strings stack stock stick ranking terrors mirror killer reads react reset rested "
    "pricing counting mounted reaching mission passing posting rather read really teach beach coach attack expires "
    "expire quote connector connected resolved resolver resolves rolled probes prove private starting schedules "
    "scheduler process memories ratings bending sending vending spending tending".split()
)
_WORD = re.compile(r"(?<![\w./:=@-])[A-Za-z]{4,30}(?![\w/=@-]|\.\w)", re.A)
_LONG = 9
_SHORTEST = 5
# Words of a question that are looked at; the failure stands near its beginning.
_MOST_WORDS = 60


def find_mistyped_error(query: str) -> ErrorName | None:
    """Give the failure that a question speaks of with a slip of the keyboard, as it was typed.

    >>> find_mistyped_error("cart keeps restartign")
    ErrorName(word='restartign', family=<ErrorFamily.CRASH: 'crash'>)
    """
    for number, match in enumerate(_WORD.finditer(query)):
        if number >= _MOST_WORDS:
            break
        word = match[0].lower()
        meant = _meant(word) if word not in _NO_SLIPS else None
        if meant:
            error = find_error(f"{query[max(0, match.start() - 40) : match.start()]}{meant}")
            if error and error.word.lower().endswith(meant):
                return ErrorName(f"{error.word[: -len(meant)]}{match[0]}", error.family)
    return None


def _meant(word: str) -> str | None:
    """Give the word that one is a slip of: a letter in short ones, two in long ones, and never the first."""
    most = 2 if len(word) >= _LONG else 1
    near = [
        (slips(word, meant, most), meant)
        for meant in _WORDS
        if meant[0] == word[0] and abs(len(meant) - len(word)) <= most and len(meant) >= _SHORTEST
    ]
    best = min(near, default=None)
    return best[1] if best and 0 < best[0] <= most else None
