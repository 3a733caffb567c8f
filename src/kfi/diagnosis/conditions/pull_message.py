"""
What a runtime's message about a failed image pull means.

The words are those of containerd, CRI-O (containers/image) and dockerd, and what they repeat of the registry's answer.
Image names and addresses are taken out first: an image may well be called `not-found`.
"""

from __future__ import annotations

import re
from enum import Enum


class Pull(Enum):
    """Why an image could not be pulled."""

    NOT_FOUND = "not found"
    """The registry knows no such image or tag."""
    FORBIDDEN = "forbidden"
    """The registry refused a request for the image itself, without asking for a login first."""
    UNCLEAR = "unclear"
    """The registry does not tell whether the image is missing or private."""
    UNAUTHORIZED = "unauthorized"
    """The registry wants a login, or refused the one that was given."""
    DNS = "dns"
    RATE_LIMIT = "rate limit"
    UNREACHABLE = "unreachable"
    PLATFORM = "platform"
    INVALID_NAME = "invalid name"
    NO_SPACE = "no space"
    SIGNATURE = "signature"
    RUNTIME = "runtime"
    """The node's runtime did not answer: no fault of the image."""
    UNKNOWN = "unknown"


# Quoted names, addresses, and words with a slash that are no idiom of an error.
_NAMES = re.compile(
    r'\\?"[^"]{0,500}"|\S{0,20}://\S{1,2000}|(?<!\S)(?!i/o\b|username/password)[^\s/]{1,300}(?:/[^\s/]{1,300}){1,20}'
)

_FAMILIES: tuple[tuple[Pull, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (Pull.RUNTIME, r"dial unix|connection error: desc"),
        (Pull.NO_SPACE, r"no space left on device|disk quota exceeded"),
        (Pull.RATE_LIMIT, r"toomanyrequests|too many requests|(?<!:)\b429\b|pull rate limit|rate exceeded"),
        (
            Pull.DNS,
            r"no such host|name resolution|server misbehaving|name or service not known|name does not resolve"
            r"|could not resolve host|no address associated with hostname|\blookup \S+( on \S+)?:",
        ),
        (Pull.PLATFORM, r"no match for platform|no matching manifest|no image found in (manifest list|image index)"
                        r"|does not match the specified platform|cannot be used on this platform"),
        (Pull.INVALID_NAME, r"invalid reference format|couldn't parse image|invalidimagename|invalid repository name"
                            r"|repository name must be lowercase|invalid tag"),
        (Pull.SIGNATURE, r"signature (validation|verification)|signatures? (is|are) required|no signature"
                         r"|rejected by policy|source image rejected"),
        (
            Pull.UNREACHABLE,
            r"\bdial (tcp|udp)|i/o timeout|connection refused|connection reset|no route to host|network is unreachable"
            r"|\btls\b|x509|handshake|deadline exceeded|client\.timeout|request canceled|proxyconnect|\beof\b"
            r"|server gave http response|connection timed out|(?<!:)\b50[0234]\b|registryunavailable",
        ),
        (Pull.UNCLEAR, r"does not exist or may|or it may not exist|may not exist or|requested access to the resource is"
                       r"|insufficient_scope|access forbidden"),
        (
            Pull.UNAUTHORIZED,
            r"no basic auth credentials|anonymous token|failed to authorize|oauth token|auth token"
            r"|authentication (?:is )?required|bearer token: invalid status code"
            r"|authorization (failed|token)|unauthorized|(?<!:)\b401\b"
            r"|invalid username|incorrect username|access token",
        ),
        (Pull.NOT_FOUND, r"manifest.unknown|name.unknown|not ?found|(?<!:)\b404\b|does not exist|no such image"
                         r"|blob.unknown"),
        (Pull.FORBIDDEN, r"(?<!:)\b403\b|forbidden|\bdenied\b"),
    )
)  # fmt: skip


def pull_failure(message: str, image: str = "") -> Pull:
    """Give the family a message belongs to.

    >>> pull_failure('Failed to pull image "a/b:1": failed to resolve reference "a/b:1": a/b:1: not found').name
    'NOT_FOUND'
    >>> pull_failure('Head "https://r.example/v2/": dial tcp: lookup r.example on 10.0.0.2:53: no such host').name
    'DNS'
    """
    text = message[:6000]
    if image:
        text = text.replace(image, " ")
    text = _NAMES.sub(" ", text)
    return next((kind for kind, pattern in _FAMILIES if pattern.search(text)), Pull.UNKNOWN)


def sent_no_credentials(message: str) -> bool:
    """Tell whether the runtime says that it had no login to show for this registry."""
    lowered = message.lower()
    return "anonymous token" in lowered or "no basic auth credentials" in lowered


_BY_IDENTITY = re.compile(r"(?:\.dkr\.ecr\.[a-z0-9.-]+|\.pkg\.dev|(?:^|\.)gcr\.io|\.azurecr\.(?:io|cn|us))$")


def refuses_by_rights(message: str, image: str) -> bool:
    """Tell whether a cloud's own registry refused: it says 403 to whom it knows and who lacks the right to read.

    An image that such a registry does not hold it calls not found.
    """
    host = registry_of(image)
    return bool(_BY_IDENTITY.search(host)) and f"://{host}/" in message


def registry_of(image: str) -> str:
    """Give an image's registry host; names without one mean Docker Hub.

    >>> registry_of("redis:7"), registry_of("registry.example:5000/a/b"), registry_of("team/app")
    ('docker.io', 'registry.example:5000', 'docker.io')
    """
    host, slash, _ = image.partition("/")
    return host if slash and ("." in host or ":" in host or host == "localhost") else "docker.io"


def folder_of(image: str) -> str:
    """Give an image's registry and everything before its last name: what one login usually opens.

    >>> folder_of("redis:7"), folder_of("registry.example/shop/web/cart:1")
    ('docker.io/library', 'registry.example/shop/web')
    """
    registry = registry_of(image)
    path = image.removeprefix(f"{registry}/").partition("@")[0]
    above = path.rpartition("/")[0]
    return f"{registry}/{above or ('library' if registry == 'docker.io' else '')}".rstrip("/")
