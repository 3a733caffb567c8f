"""
The secrets that are known by their look, whatever stands before them.

Each pattern is tried only on lines that hold one of its fixed words, and repeats nothing without a bound where another
repetition could take the same characters: the time stays linear in the line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from kfi.ingestion.secrets.values import is_login, is_random


class Shape(NamedTuple):
    """One kind of secret that is known by its look."""

    kind: str
    needles: tuple[str, ...]
    """The line holds one of these (in lower case) where it holds such a secret."""
    pattern: re.Pattern[str]
    """Its last group that matched, or all of it, is the secret."""
    is_secret: Callable[[str], bool] | None = None
    """Has the last word on what the pattern found."""


def _shape(kind: str, needles: str, pattern: str, is_secret: Callable[[str], bool] | None = None) -> Shape:
    return Shape(kind, tuple(needles.split("|")), re.compile(pattern), is_secret)


SHAPES = (
    _shape("jwt", "eyj", r"\beyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]*)?"),
    _shape("aws key", "akia|asia|abia|acca", r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _shape("gcp key", "aiza|ya29.|gocspx-", r"AIza[\w-]{35}|\bya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}"),
    _shape("github token", "ghp_|gho_|ghu_|ghs_|ghr_|github_pat_", r"\b(?:gh[pousr]_\w{30,}|github_pat_\w{22,})"),
    _shape("gitlab token", "glpat-|gldt-|glrt-", r"\bgl(?:pat|dt|rt)-[\w.-]{20,}"),
    _shape("slack token", "xox|xapp-", r"\bxox[abeoprs]-[\w-]{10,}|\bxapp-\d-[\w-]{10,}"),
    _shape("slack token", "slack", r"hooks\.slack\.com/(?:services|workflows)/([\w/]{8,})"),
    _shape("stripe key", "k_live_|k_test_|whsec_", r"\b(?:[srp]k_(?:live|test)_\w{10,}|whsec_[\w+/=]{20,})"),
    _shape("npm token", "npm_", r"\bnpm_[A-Za-z0-9]{30,}"),
    _shape("docker token", "dckr_", r"\bdckr_[a-z]{3,4}_[\w-]{20,}"),
    _shape("pypi token", "pypi-age", r"\bpypi-AgE[\w-]{20,}"),
    _shape("sendgrid key", "sg.", r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),
    _shape("openai key", "sk-", r"\bsk-(?:[a-z]{2,8}[0-9]{0,2}-)*[A-Za-z0-9_]{20,}[\w-]*"),
    _shape("huggingface token", "hf_", r"\bhf_[A-Za-z0-9]{30,}"),
    _shape("shopify token", "shp", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    _shape("grafana token", "glsa_|glc_", r"\bgl(?:sa|c)_[\w+/=]{20,}"),
    _shape("databricks token", "dapi", r"\bdapi[0-9a-f]{32}(?:-\d)?\b"),
    _shape("atlassian token", "tt3", r"\bAT[AC]TT3[\w+/=-]{20,}"),
    _shape("sentry token", "sntry", r"\bsntry[su]_[\w+/=]{20,}"),
    _shape("new relic key", "nrak-", r"\bNRAK-[A-Za-z0-9]{20,}"),
    _shape("rubygems key", "rubygems_", r"\brubygems_[0-9a-f]{40,}"),
    _shape("vault token", "vault", r"(?<![\w.])s\.[A-Za-z0-9]{24}(?![\w.])"),
    _shape("vault token", "hvs.|hvb.", r"\bhv[sb]\.[\w-]{20,}"),
    _shape("digitalocean token", "_v1_", r"\bdo[opr]?_v1_[0-9a-f]{40,}"),
    _shape("openshift token", "sha256~", r"\bsha256~[\w-]{40,}"),
    _shape("private key", "age-secret-key-", r"AGE-SECRET-KEY-1[0-9A-Z]{50,}"),
    # "-----BEGIN ... PRIVATE KEY" in base64, as Secrets and kubeconfigs hold it.
    _shape(
        "private key",
        "ls0tls1crudjti",
        r"LS0tLS1CRUdJTi(?:BSU0EgUFJJVkFURSB|BQUklWQVRFI|BFQyBQUklWQVRFI|BPUEVOU1NIIFBSSVZBVEUg|BFTkNSWVBURUQg"
        r"|BEU0EgUFJJVkFURSB)[\w+/=-]*",
    ),
    _shape(
        "password hash",
        "$",
        r"\$(?:2[abxy]?\$\d\d|[156y]|apr1|argon2\w+)\$[\w./$,=+-]{20,}",
    ),
    _shape(
        "authorization",
        "authorization",
        r"(?i)\bauthorization[\"'\\]*\s{0,9}[:=]\s{0,9}[\[\"'\\]*(?:(?:bearer|basic|token|negotiate|apikey)\s+"
        r"([^\s\"'\\\],}<]{4,})|([^\s\"'\\\],}<]{16,}))",
    ),
    _shape(
        "authorization",
        "bearer ",
        r"(?i)\bbearer\s{1,9}((?=[\w.~+/=-]{0,40}\d|[\w.~+/=-]{20})[\w.~+/-]{8,}={0,2})(?![\w=])",
    ),
    _shape(
        "authorization",
        "x-api-key|x-auth-token|x-vault-token|x-gitlab-token|x-amz-security-token",
        r"(?i)\bx-(?:api-key|auth-token|vault-token|gitlab-token|amz-security-token)[\"'\\]*\s{0,9}[:=]\s{0,9}"
        r"[\[\"'\\]*([^\s\"'\\\],;}<&]{4,})",
    ),
    _shape("authorization", "basic ", r"(?i)\bbasic\s{1,9}([A-Za-z0-9+/]{6,1024}={0,2})", is_login),
    _shape("authorization", "digest ", r"(?i)\b(?:response|cnonce|nonce)=[\"'\\]{0,5}([A-Za-z0-9+/=_-]{16,})"),
    _shape(
        "authorization",
        "auth ",
        r"\bAUTH[\"']?\s{1,9}[\"']?(?:(?:PLAIN|LOGIN|default)[\"']?\s{1,9}[\"']?)?([^\s\"'<>\\]{6,256})",
        is_random,
    ),
    _shape(
        "cookie",
        "cookie",
        r"(?i)\b(?:set-)?cookie[\"'\\]*\s{0,9}:\s{0,9}[\[\"'\\]*([\w.$-]{1,80}=[^\s\"'\\\]<][^\"'\\\]]*)",
    ),
    _shape(
        "url password",
        "@",
        r"://[^\s/:@\"'<>\\?#]{0,256}:(?:([^\s/\"'<>\\?#]{1,512})@(?=[\w.\[$({%*-])"
        r"|(?!\d+[/,?])([^\s\"'<>\\]{1,512}?)@(?=[\w.-]+(?::\d+)?(?:[/\"'\s]|$)))",
    ),
    _shape("url password", "@", r"://([A-Za-z0-9_-]{20,})@"),
    _shape("url password", "jdbc:oracle:", r"jdbc:oracle:\w{1,9}:[^\s/@:\"']{1,64}/([^\s\"'<>]{1,128}?)@"),
    _shape(
        "url password",
        ":5432:",
        r"(?<!\S)[\w.*-]{1,253}:5432:[^\s:]{1,64}:[^\s:]{1,64}:([^\s<]{1,128})",
    ),
    _shape("url password", "@tcp(|@unix(", r"(?<![\w.%:/-])[\w.%-]{1,64}:([^\s@\"'/<>]{1,128})@(?:tcp|unix)\("),
    _shape(
        "signature",
        "sig=|x-amz-|x-goog-",
        r"(?i)[?&](?:sig|x-(?:amz|goog)-(?:signature|credential|security-token))=([^\s&\"'<>\\]{8,})",
    ),
    _shape("signature", "sig=", r"(?<![\w.-])sig=([\w%+/-]{20,}(?:=|%3[dD]){0,2})"),
    _shape(
        "bootstrap token",
        "token|kubeadm",
        r"(?i)(?:token|kubeadm)[^\n]{0,40}?(?<![\w.-])([a-z0-9]{6}\.[a-z0-9]{16})(?![\w.-])",
    ),
    _shape(
        "password",
        "identified by|password '|pass '",
        r"(?i)(?:\bidentified\s+(?:with\s+\S{1,64}\s+)?by|password)\s+\\?'([^'\s\\<]{1,256})",
    ),
    _shape(
        "password",
        "mysql|mariadb",
        r"\b(?:mysql|mariadb)[\w-]*\b[^\n|;]{0,300}?[\s\"']-p([^\s\"',\]<-][^\s\"',\]]{0,128})",
    ),
    _shape("password", "curl", r"\bcurl\b[^\n|]{0,300}?\s(?:-u|--user)[\s\"'=]+[^\s:\"']{1,64}:([^\s\"'<]{1,128})"),
    _shape(
        "password",
        "redis-cli|sshpass",
        r"\b(?:redis-cli\b[^\n|]{0,300}?\s-a|sshpass\s+-p)[\s\"',]*([^\s\"',<]{1,128})",
    ),
    _shape(
        "password",
        "login",
        r"\b(?:docker|podman|nerdctl|buildah|skopeo|helm|crane|oras|az|oc|argocd|redis)\b[^\n|;]{0,80}?\blogin\b"
        r"[^\n|;]{0,200}?\s-p[\s\"',]{1,5}([^\s\"',\]<-][^\s\"',\]]{0,256})",
    ),
    _shape("password", "login", r"(?i)\blogin\s+\S{1,128}\s+password\s+([^\s<]{1,128})"),
    _shape("password", "requirepass |masterauth ", r"\b(?:requirepass|masterauth)\s+[\"']?([^\s\"'<]{1,128})"),
    _shape(
        "private key",
        "private key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----((?:(?!-----|<secret)[^\"'<>]){8,})",
    ),
)

NAME_WORDS = ("pass", "token", "key", "auth")
"""Words that are in many fixed words of shapes, and in the names of secrets."""
LEAST_RUN = 18
"""How many letters, digits and underscores in a row a token of most known looks has at least."""

# Not those with dashes in them, which may stand anywhere: Google's, SendGrid's, OpenShift's.
_LONG = frozenset(
    {"jwt", "aws key", "github token", "stripe key", "npm token", "docker token", "pypi token", "openai key",
     "huggingface token", "digitalocean token", "shopify token", "grafana token", "databricks token", "rubygems key"}
)  # fmt: skip
_IN_RUNS = frozenset(needle for shape in SHAPES if shape.kind in _LONG for needle in shape.needles)
_ALL = {needle: None for shape in SHAPES for needle in shape.needles}
IN_RUNS = tuple(needle for needle in _ALL if needle in _IN_RUNS)
"""Fixed words of shapes that only a long run of characters holds."""
BESIDE_NAMES = tuple(n for n in _ALL if n not in _IN_RUNS and any(word in n for word in NAME_WORDS))
"""Fixed words of shapes that hold one of `NAME_WORDS`."""
ALONE = tuple(needle for needle in _ALL if needle not in (*IN_RUNS, *BESIDE_NAMES))
"""All other fixed words of shapes."""
SHAPES_OF = {needle: tuple(shape for shape in SHAPES if needle in shape.needles) for needle in _ALL}
"""The shapes that one of the words may belong to."""
