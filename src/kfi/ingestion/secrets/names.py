"""
Which names stand before a secret: those of fields, environment variables, flags and properties.

The last words decide: `DB_PASSWORD` holds a password, `DB_PASSWORD_FILE` a path, `secretName` the name of a Secret and
`tokenExpirationSeconds` a number.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple


class NameKind(NamedTuple):
    """What a name says of its value."""

    kind: str
    """For the report: password, token, key, credentials."""
    weak: bool = False
    """The value may as well be the name of an object: `secret: cart-db`, `secretKey: password`."""
    numbers: bool = True
    """Whether a bare number may be the secret: a password's may, a count of tokens is none."""


_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_PASSWORDS = ("password", "passwd", "passphrase", "passcode", "pwd", "bindpw", "rootpw", "userpw", "dbpw")
_PASSES = frozenset({"dbpass", "userpass", "rootpass", "adminpass", "requirepass", "keypass", "storepass", "sshpass"})
# Tokens that mark a place in a list or stand for a running call, and open nothing.
_PLACE_TOKENS = ("nexttoken", "pagetoken", "continuetoken", "continuationtoken", "resumetoken", "cancellationtoken")
# `clientSecret` is a secret; `tlsSecret`, `pullSecret` and `existingSecret` name one.
_SECRET_OWNERS = frozenset(
    {"client", "app", "shared", "consumer", "oauth", "jwt", "cookie", "session", "signing", "hmac", "auth", "api",
     "webhook", "root", "admin", "user", "master", "application", "refresh", "encryption"}
)  # fmt: skip
_KEYS = frozenset(
    {"api", "access", "secret", "private", "encryption", "encrypt", "decryption", "signing", "sign", "master",
     "account", "app", "application", "license", "ssh", "session", "storage", "jwt", "auth", "hmac", "aes", "rsa",
     "admin", "root", "webhook", "deploy", "service", "certificate", "crypto", "cookie", "rest", "subscription",
     "integration", "ingest", "client"}
)  # fmt: skip
_KEY_WORDS = frozenset(f"{owner}key" for owner in _KEYS)
LAST_APPLIED = "last-applied"
"""Kind of the annotation that repeats a whole manifest, secrets and all."""
APPLIED_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
_DOCKER = ("dockerconfigjson", "dockercfg")


@lru_cache(maxsize=4096)
def kind_of_name(name: str) -> NameKind | None:
    """Say what kind of secret stands behind a name, or None where none does.

    >>> kind_of_name("spring.datasource.password")
    NameKind(kind='password', weak=False, numbers=True)
    >>> kind_of_name("secretName"), kind_of_name("key"), kind_of_name("TOKEN_TTL")
    (None, None, None)
    """
    words = _WORDS.findall(name)
    while words and words[-1].isdigit():
        words.pop()
    if not words:
        return None
    before, last = [word.lower() for word in words[:-1]], words[-1].lower()
    if name == "last-applied-configuration":
        return NameKind(LAST_APPLIED)
    if last.endswith(_PASSWORDS):
        return NameKind("password")
    if last.endswith("pass"):
        return _pass(before, last)
    if last.endswith("token"):
        joined = "".join((*before, last))
        return None if joined.endswith(_PLACE_TOKENS) else NameKind("token", numbers=False)
    return _owned(before, last, shouted=name.isupper())


def _pass(before: list[str], last: str) -> NameKind | None:
    if last == "pass":
        return NameKind("password", weak=not before, numbers=False)
    return NameKind("password") if last in _PASSES else None


def _owned(before: list[str], last: str, shouted: bool) -> NameKind | None:
    """Judge words that mean something else where another owner stands before them.

    In capitals with another word before it a name is an environment variable: it holds the value itself.
    """
    owner = before[-1] if before else ""
    variable = shouted and bool(before)
    if last.endswith("secret"):
        owned = owner in _SECRET_OWNERS or last.removesuffix("secret") in _SECRET_OWNERS
        return NameKind("token", weak=not (owned or variable))
    if last in ("credential", "credentials"):
        return NameKind("credentials", weak=not variable, numbers=False)
    if last == "key" or last in _KEY_WORDS:
        return _key(owner, last, variable)
    return _compound("".join((*before, last)), last, variable)


def _key(owner: str, last: str, variable: bool) -> NameKind | None:
    if last == "key" and owner not in _KEYS:
        return None
    # External Secrets and others write `secretKey: password`, where the value is the name of a key.
    reference = owner == "secret" or last == "secretkey"
    return NameKind("key", weak=reference and not variable)


def _compound(joined: str, last: str, variable: bool) -> NameKind | None:
    if joined.endswith(("secretkeybase", "secretid", "clientkeydata", "masterauth", *_DOCKER)):
        return NameKind("credentials")
    if last == "auth":
        # `redisAuth: w1nesap`, but `proxyAuth: basic`.
        owned = joined != last
        return NameKind("credentials" if owned else "docker auth", weak=owned and not variable, numbers=False)
    return None
