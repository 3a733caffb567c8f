"""
What a YAML scalar means to Kubernetes: YAML 1.1 as sigs.k8s.io/yaml reads it, turned into JSON.

So `on`, `y` and `no` are booleans and `0777` is octal, but no timestamp, sexagesimal number, NaN or infinity exists. A
number comes out as JSON would show it: `1e3` is 1000.
"""

from __future__ import annotations

import math
import re

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
}
_RESOLVED_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("bool", "int", "float", "null"))
_NUMBER_START = frozenset("+-.0123456789")
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_BASES = {2: 16, 3: 2, 4: 8, 5: 10}
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
# The largest double has 309 digits; int() and float() of far more would take long.
_MAX_DIGITS = 400
# Beyond this a double no longer tells neighbouring integers apart.
_EXACT = 2**53


def resolve(text: str, plain: bool, tag: str | None = None) -> str | int | float | bool | None:
    """Give the value of a scalar; `plain` means that it has neither quotes nor a tag.

    >>> [resolve(text, plain=True) for text in ("on", "0777", "0x1F", "1e3", "~", "2024-05-06", "1:30")]
    [True, 511, 31, 1000, None, '2024-05-06', '1:30']
    """
    if not plain and tag not in _RESOLVED_TAGS:
        return text
    if text[:1] in _NUMBER_START:
        return _number(text)
    return _WORDS.get(text, text)


def _number(text: str) -> str | int | float:
    digits = text.replace("_", "")
    if len(digits) > _MAX_DIGITS:
        return text
    found = _INTEGER.fullmatch(digits)
    if found and found.lastindex:
        value = int(found[1] + found[found.lastindex], _BASES[found.lastindex])
        if -(2**63) <= value < 2**64:
            return value
    if not _FLOAT.fullmatch(digits):
        return text
    number = float(digits)
    if not math.isfinite(number):
        return text
    return int(number) if number.is_integer() and abs(number) < _EXACT else number
