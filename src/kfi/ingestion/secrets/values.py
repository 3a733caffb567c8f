"""
Which values are no secret although a secret's name stands before them.

Booleans, paths, references to variables, masks that someone else put there, and, behind the weaker names, names of
objects; and the words that follow in a sentence about a password ("token: unexpected status from GET").
"""

from __future__ import annotations

import base64
import binascii
import re

from kfi.ingestion.secrets.names import NameKind

_NOTHING = frozenset(
    {"", "true", "false", "yes", "no", "none", "null", "nil", "undefined", "unset", "~", "n/a", "-", "on", "off",
     "enabled", "disabled", "unknown", "empty", "required", "optional", "{}", "[]"}
)  # fmt: skip
_NO_SECRET = re.compile(
    r"""(?ix)
    <[^<>]*>(?:\s.*)?                        # <set to the key 'password' in secret 'db'>, <none>, <secret:...>
    | [*x\u2022.\#-]{3,}                     # someone else's mask
    | \W{0,9}(?:redacted|hidden|masked|filtered|omitted|removed|sensitive|scrubbed)\W{0,9}
    | (?-i:\$(?:[A-Z_][A-Z0-9_]*|[a-z_]+)) | \$[({].* | \{\{.* | %[sqvdx] | %[({].*   # variables and templates
    | (?:process\.env|os\.environ|env|system\.getenv|\.values)[.\[(].*
    | (?:file:/*)?(?:~|\.{1,2})?/(?:var|etc|run|tmp|opt|usr|home|root|mnt|srv|data|secrets?|vault|app|config|conf|certs?
      |keys?|workspace|dev|proc|sys|lib|bin|host|credentials?|tls|token|kube\w*)(?:/[\w.@%+:=-]*)*
    | [a-z]:\\.*
    | [\w./-]*\.(?:key|pem|crt|cer|p12|jks|pfx|json|ya?ml|txt|conf|keytab|pub)
    | \d+\ bytes?                                      # kubectl describe secret
    | 0x[0-9a-f]{1,16} | \(\w+:.*\)                   # Go pointers; (v1:metadata.name)
    | [|>][+-]?\d?[+-]?                                # a block begins
    | [a-z][a-z0-9+.-]*://[^\s@?]*                     # an address without credentials
    """
)
_LOWER_PATH = re.compile(r"(?:/[a-z0-9_.-]+){2,}/?")
_NUMBER = re.compile(r"\d{1,9}(?:\.\d+)?(?:ms|s|m|h|d|ki|mi|gi|k|kb|mb)?", re.IGNORECASE)
_OBJECT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?:/[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)?")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_LONG_MIXED = re.compile(r"(?=[a-z0-9]*[0-9])(?=[a-z0-9]*[a-z])[a-z0-9]{16,}")
_ADDRESS = re.compile(r"[\d.:\[\]a-f]*[.:][\d.:\[\]a-f]*")
_ASSIGNMENT = re.compile(r"[A-Za-z_]{2,}=[^=]")
# Letters and digits without a break, and the places in it where small letters, capitals and digits take turns.
_RUNS = re.compile(r"[A-Za-z0-9+/]{12,}")
_TURNS = re.compile(r"(?<=[a-z])[A-Z0-9]|(?<=[A-Z])[a-z0-9]|(?<=[0-9])[A-Za-z]")
_FEWEST_TURNS = 4
_DIGEST = re.compile(r"sha(?:1|256|512)[:~]")
_MORE_WORDS = re.compile(r"\s+[\w\"'(\[/]")
_ERROR_WORDS = frozenset(
    """unauthorized forbidden denied expired invalid missing required failed failure error errors timeout eof notfound
    exists empty unset wrong mismatch incorrect rejected revoked canceled cancelled unavailable refused ok success
    found done unknown internal aborted conflict""".split()
)


def is_harmless(value: str, name: NameKind) -> bool:
    """Tell whether a value is no secret although it stands behind a name of this kind."""
    if value.lower() in _NOTHING or _NO_SECRET.fullmatch(value) or _LOWER_PATH.fullmatch(value):
        return True
    if not name.numbers and _NUMBER.fullmatch(value):
        return True
    if name.kind == "docker auth":
        return b":" not in decoded(value)
    return name.weak and _names_object(value)


def is_prose(value: str, rest: str, name: NameKind) -> bool:
    """Tell whether a word after "password: " in the middle of a line goes on a sentence; `rest` is what follows it."""
    word = value.rstrip(".!?")
    if word.endswith(":") or _ASSIGNMENT.match(word) or _ADDRESS.fullmatch(word):
        return True
    more = bool(_MORE_WORDS.match(rest))
    if word.isalpha():
        return more or word.lower() in _ERROR_WORDS
    if not more:
        return False
    if word.isdigit():
        return name.kind != "password" or len(word) < 4
    return not is_no_word(word)


def decoded(value: str) -> bytes:
    """Give the bytes that a base64 text stands for, or none."""
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _names_object(value: str) -> bool:
    """Tell whether a value is more likely an object's name than a secret: words with dashes between them."""
    if not _OBJECT_NAME.fullmatch(value) or _UUID.fullmatch(value) or _LONG_MIXED.search(value):
        return False
    return value.isalpha() or any(mark in value for mark in "-./")


def is_no_word(word: str) -> bool:
    """Tell whether what stands in a sentence is no word of it: letters and digits, and no object's name."""
    if len(word) < 7 or not any(c.isdigit() for c in word) or not any(c.isalpha() for c in word):
        return False
    return not (_OBJECT_NAME.fullmatch(word) and any(mark in word for mark in "-/."))


def is_random(word: str) -> bool:
    """Tell whether a word was made by chance, whatever stands before it.

    >>> is_random("l53mLUUhVDTMTn"), is_random("cart-7c9d8b6f5-x7k2p"), is_random("SCRAM-SHA-256")
    (True, False, False)
    """
    if _DIGEST.search(word) or _UUID.fullmatch(word):
        return False
    runs: list[str] = _RUNS.findall(word)
    return any(len(_TURNS.findall(run)) >= _FEWEST_TURNS and not run.isalpha() for run in runs)


def is_login(value: str) -> bool:
    """Tell whether a value is `user:password` in base64, as basic authentication sends it."""
    return b":" in decoded(value + "=" * (-len(value) % 4))


def is_encoded(value: str) -> bool:
    """Tell whether a value is base64 rather than a word that could be."""
    return bool(decoded(value)) and (value.endswith("=") or (len(value) >= 16 and is_random(value)))
