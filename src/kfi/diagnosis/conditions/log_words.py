"""
What a program's own words say is wrong, in the ways that languages, runtimes and drivers put it.

Only words that leave no doubt count; who and what they are about is taken from the same line. Nothing here knows the
cluster: `log_faults` compares what is said with what is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from kfi.diagnosis.catalogue import Rule
from kfi.diagnosis.words.logs import (
    CERTIFICATE_EXPIRED,
    CERTIFICATE_UNTRUSTED,
    CLIENT_VERSION_UNSUPPORTED,
    DISK_FULL,
    FILE_MISSING,
    FILE_PERMISSION_DENIED,
    MISSING_ENVIRONMENT_VARIABLE,
    MODULE_MISSING,
    PRIVILEGED_PORT_DENIED,
    READ_ONLY_FILE_SYSTEM,
    RUNTIME_OUT_OF_MEMORY,
    SHELL_SYNTAX_ERROR,
)

MAX_CHARS = 6000
# A line that names what its last exception is about often begins with one that does not.
_WAYS = 4
# A name that only an environment variable has: SHOP_MODE. (ERR_… and the like are error codes.)
_NAME = r"(?!ERR_|CERT_|SSL_|HTTP_STATUS_|SQLSTATE_)[A-Z][A-Z0-9]{0,40}(?:_[A-Z0-9]{1,40}){1,12}"
_OPEN, _CLOSE = r"[\"'`\u2018\u201c$%{(<\[]{0,3}", r"[\"'`\u2019\u201d})>\]%]{0,3}"
_UNSET = (
    r"(?:not (?:been )?(?:set|defined|provided|specified|configured|supplied|present)|undefined|missing|required|unset"
    r"|empty|mandatory|(?:must|has to|needs to) be (?:set|defined|provided|specified|supplied)"
    r"|cannot be (?:empty|blank|null|unset))\b"
)
_ENV = r"env(?:ironment)?[ -]?var(?:iable)?s?(?:\(s\))?"
_IS = r"(?:(?:is|was|are|were|has|have|should|does) )?"

_WORDS: tuple[tuple[Rule, tuple[str, ...]], ...] = (
    (
        SHELL_SYNTAX_ERROR,
        (
            # dash, bash, busybox: /bin/sh: 1: Syntax error: "fi" unexpected; bash: -c: line 3: syntax error near …
            r"(?:^|\s)[\w./-]{0,120}?(?:sh|\.bash|\.ksh): (?:-c: )?(?:line )?(?:\d+: )?(?i:syntax error)\b[^\n]{0,120}",
            r"(?:^|\s)[\w./-]{1,120}: (?:-c: )?line \d+: (?i:syntax error)\b[^\n]{0,120}",
            r"\bline \d+: unexpected EOF while looking for matching \S{1,6}",
        ),
    ),
    (
        CERTIFICATE_EXPIRED,
        (
            r"x509: certificate has expired or is not yet valid(?:: current time \S{10,40} is (?P<side>before|after) "
            r"(?P<date>\d[\dT:.Z+-]{9,30}))?",
            r"CertificateExpiredException(?:: NotAfter: (?P<date>[^\n]{10,40}))?|CertificateNotYetValidException",
            r"CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|alert certificate expired|tls: expired certificate|\bNotTimeValid\b"
            r"|invalid peer certificate: (?:certificate )?expired",
            r"(?i:\b(?:ssl |tls |x\.?509 )?cert(?:ificate)?s?\b(?: [\w.'\"/-]{1,80})?"
            r"(?: (?:has|have|had|is|was|already|been)){0,3} expired\b(?:[^\n\d]{0,12}(?:on|at|since"
            r"|:)\s{0,2}(?P<date>\d[\d:TZ+ ./-]{6,30}\d))?)",
            r"(?i:\bexpired (?:(?:ssl|tls|x509|client|server|ca|root|intermediate) ){0,2}cert(?:ificate)?\b)",
        ),
    ),
    (
        CERTIFICATE_UNTRUSTED,
        (
            r"x509: certificate (?P<what>signed by unknown authority|is valid for [^\n]{1,120}?, not \S{1,120}"
            r"|relies on legacy Common Name field|is not authorized to sign)",
            r"x509: cannot validate certificate for \S{1,80}",
            r"PKIX path building failed|unable to find valid certification path|SELF_SIGNED_CERT_IN_CHAIN"
            r"|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT\w*"
            r"|ERR_TLS_CERT_ALTNAME_INVALID|\bUntrustedRoot\b|RemoteCertificateNameMismatch"
            r"|invalid peer certificate: (?:UnknownIssuer|NotValidForName)|tls: unknown certificate authority"
            r"|tls: bad certificate|alert unknown ca\b",
            r"(?i:unable to get local issuer certificate|unable to verify the first certificate"
            r"|self[- ]signed certificate(?: in certificate chain)?"
            r"|hostname mismatch, certificate is not valid for \S{1,80}|no (?:subject alternative"
            r"|name matching)[^\n]{0,80}\bfound\b|certificate verify failed)",
        ),
    ),
    (
        CLIENT_VERSION_UNSUPPORTED,
        (
            # MongoDB, MySQL, PostgreSQL, Redis, Kafka, Elasticsearch and their drivers.
            r"Unsupported OP_QUERY command|(?i:client driver may require an upgrade)"
            r"|(?i:(?:reports|requires)[^\n]{0,40}wire version)|MongoCompatibilityError",
            r"Client does not support authentication protocol requested by server|ER_NOT_SUPPORTED_AUTH_MODE"
            r"|Authentication plugin '[^'\n]{1,60}' (?:cannot be loaded|is not supported|reported error)"
            r"|authentication method unknown to the client|Unknown system variable '(?:query_cache_size|tx_isolation)'",
            r"SCRAM authentication (?:is not supported by this driver|requires libpq version)"
            r"|(?i:authentication (?:method|type) (?:10|SASL)[^\n]{0,20} not supported)|unsupported frontend protocol",
            r"ERR unknown command [`'\"]?HELLO|NOPROTO\b",
            r"UnsupportedVersionException|(?i:the broker does not support[^\n]{0,80}version)",
            r"UnsupportedProductError|(?i:the client noticed that the server is not)",
        ),
    ),
    (
        DISK_FULL,
        (
            r"(?i:no space left on (?:the )?device"
            r"|not enough (?:free )?(?:disk )?space (?:left )?on (?:the )?(?:disk|device)|disk quota exceeded"
            r"|database or disk is full|out of disk space|insufficient disk space"
            r"|flood[- ]stage (?:disk )?watermark)",
            r"\bENOSPC\b(?![^\n]{0,80}watchers)|\bEDQUOT\b|\[?Errno 28\b",
        ),
    ),
    (READ_ONLY_FILE_SYSTEM, (r"(?i:read-only file ?system)|\bEROFS\b",)),
    (
        RUNTIME_OUT_OF_MEMORY,
        (
            r"java\.lang\.OutOfMemoryError(?:: (?P<what>[^\n]{1,80}))?",
            r"(?P<what>JavaScript heap out of memory)|Allocation failed - process out of memory",
            r"fatal error: (?:runtime: )?(?P<what>(?:out of memory|cannot allocate memory))",
            r"(?:^|\n)(?P<what>MemoryError)\b|System\.(?P<what>OutOfMemoryException)|NoMemoryError"
            r"|std::bad_alloc|memory allocation of \d+ bytes failed",
            r"(?P<what>Allowed memory size of \d+ bytes exhausted)",
        ),
    ),
    (
        MISSING_ENVIRONMENT_VARIABLE,
        (
            rf"(?i:{_ENV}):? {_OPEN}(?!(?:[Ii]s|[Aa]re|[Ww]as|[Nn]ot|[Mm]ust|[Ff]or|[Hh]as)\b)"
            rf"(?P<what>[A-Za-z_][\w.]{{1,60}}){_CLOSE}:? "
            rf"(?i:{_IS}(?:{_UNSET}|not found\b|(?:does not|doesn't) exist))",
            r"(?i:(?:missing|undefined|unset|required|mandatory|no)"
            rf"(?: (?:the|a|an|value for|following|required|mandatory)){{0,3}} {_ENV}[^\S\n]*:?(?: not set:?)?"
            rf"\s{{1,8}}(?:[-*] )?){_OPEN}(?P<what>[A-Z][A-Z0-9_]{{1,60}})\b",
            rf"(?i:{_ENV} {_IS}{_UNSET})\s{{0,3}}[:-]?\s{{1,8}}{_OPEN}(?P<what>[A-Z][A-Z0-9_]{{1,60}})\b",
            r"(?i:(?:please|must|need to) (?:set|define|provide|specify|export)"
            rf"(?: (?:the|a|one of the following as an|{_ENV}"
            rf"|value for)){{0,3}}:?)\s{{1,8}}(?:[-*] )?{_OPEN}(?P<what>{_NAME})\b",
            rf"\b(?P<what>{_NAME}){_CLOSE} (?i:(?:{_ENV} |env )?{_IS}{_UNSET})",
            r": (?P<what>[A-Za-z_]\w{0,60}): (?:unbound variable|parameter (?:null or )?not set)",
            rf"KeyError: ['\"](?P<what>{_NAME})['\"]|key not found: \"(?P<what>[A-Z][A-Z0-9_]{{1,60}})\" \(KeyError\)",
            r"environ\b[^\0]{0,400}\nKeyError: '(?P<what>[A-Z][A-Z0-9_]{1,60})'",
            r"required key (?P<what>[A-Z]\w{1,60}) missing value",
            r"Could not resolve placeholder '(?P<what>[^'\n]{1,80})'",
            r"validation errors? for \w{1,60}\s{1,4}(?P<what>\w{1,60})\s{1,6}[Ff]ield required",
            r"environment variable not found|(?:password|superuser password) (?:option )?is not specified",
        ),
    ),
    (
        MODULE_MISSING,
        (
            r"ModuleNotFoundError: No module named ['\"](?P<what>[^'\"\n]{1,100})",
            r"(?:Error: )?Cannot find (?:module|package) '(?P<what>(?![./])[^'\n]{1,100})'",
            r"(?:ClassNotFoundException|NoClassDefFoundError): (?P<what>[\w.$/]{1,160})",
            r"Could not find or load main class (?P<what>[\w.$/]{1,160})|no main manifest attribute",
            r"cannot load such file -- (?P<what>\S{1,160})",
            r"error while loading shared libraries: (?P<what>[^:\s]{1,100})",
            r"Error loading shared library (?P<what>[^:\s]{1,100}): No such file",
            r"Could not load file or assembly '(?P<what>[^'\n,]{1,120})",
            r"Uncaught Error: Class \"(?P<what>[^\"\n]{1,120})\" not found",
        ),
    ),
    (
        PRIVILEGED_PORT_DENIED,
        (
            r"(?i:\b(?:bind|listen)\b[^\n]{0,80}?[:\s](?P<what>\d{1,3}|10[01]\d|102[0-3])\b[^\n\d]{0,40}"
            r"(?:permission denied|EACCES|\(13))",
            r"(?:listen EACCES: permission denied|\(13\)Permission denied:[^\n]{0,60}could not bind to address) "
            r"\S{0,45}?:(?P<what>\d{1,3}|10[01]\d|102[0-3])\b",
        ),
    ),
    (
        FILE_PERMISSION_DENIED,
        (
            r"EACCES: permission denied, \w{1,20} '(?P<what>[^'\n]{1,200})'",
            r"\[Errno 13\] Permission denied: '(?P<what>[^'\n]{1,200})'",
            r"AccessDeniedException: (?P<what>/[^\s:]{1,200})",
            r"(?i:\b(?:open|mkdir|stat|unlink|chown|chmod|rename|create|read|write|cannot (?:open|create|access|touch)"
            r"(?: file| directory)?) ['\"\u2018]?(?P<what>/[^\s'\"\u2019:]{1,200})['\"\u2019]?: permission denied)",
            r"open\(\) \"(?P<what>[^\"\n]{1,200})\" failed \(13|(?P<what>/[\w./-]{1,200}) \(Permission denied\)",
        ),
    ),
)
_FILE_MISSING = (
    r"ENOENT: no such file or directory, \w{1,20} '(?P<what>[^'\n]{1,200})'",
    r"\[Errno 2\] No such file or directory: '(?P<what>[^'\n]{1,200})'|can't open file '(?P<what>[^'\n]{1,200})'",
    r"\b(?:open|stat|lstat|read|chdir) (?P<what>/?[\w./-]{1,200}): no such file or directory",
    r"(?:FileNotFoundException|NoSuchFileException): (?P<what>/?[\w./-]{1,200})",
    r"Cannot find module '(?P<what>[./][^'\n]{1,200})'|Unable to access jarfile (?P<what>\S{1,200})",
    r"open\(\) \"(?P<what>[^\"\n]{1,200})\" failed \(2",
    r"(?i:cannot (?:open|load|access|stat|find)[^\n'\"]{0,40}['\"\u2018](?P<what>[^'\"\u2019\n]{1,200})['\"\u2019]"
    r"[^\n]{0,20}no such file)",
    r"(?P<what>/[\w.-]{1,80}(?:/[\w.-]{1,80}){1,12})['\"]?:? (?i:no such file or directory|(?:does not|doesn't) exist)",
)


def _compiled(words: str) -> re.Pattern[str]:
    # Python wants each group's name once: what one of several alternatives captured is `what` all the same.
    seen: dict[str, int] = {}

    def renamed(match: re.Match[str]) -> str:
        seen[match[1]] = seen.get(match[1], 0) + 1
        return f"(?P<{match[1]}{seen[match[1]]}>"

    return re.compile(re.sub(r"\(\?P<(\w+)>", renamed, words))


_PATTERNS = tuple((rule, tuple(map(_compiled, words))) for rule, words in _WORDS)
_MISSING_FILE = tuple(map(_compiled, _FILE_MISSING))


@dataclass(frozen=True)
class Told:
    """What a text says is wrong, and where in it the words stand."""

    rule: Rule
    start: int
    end: int
    what: str = ""
    """What the words are about: a variable, module, path or port."""
    date: str = ""
    """A certificate's end (or begin) of validity."""
    early: bool = False
    """A certificate is not valid yet."""


def told(text: str) -> Told | None:
    """Give what a text says is wrong; of several things the one that most surely stops a program."""
    return next(_tellings(text[:MAX_CHARS], _PATTERNS), None)


def missing_file(text: str) -> Told | None:
    """Give the file that a text says is not there; half of all programs log one that they can do without."""
    return next(_tellings(text[:MAX_CHARS], ((FILE_MISSING, _MISSING_FILE),)), None)


def _tellings(text: str, families: tuple[tuple[Rule, tuple[re.Pattern[str], ...]], ...]) -> Iterator[Told]:
    for rule, patterns in families:
        said = [_told(rule, match) for pattern in patterns for match in islice(pattern.finditer(text), _WAYS)]
        # Of two ways to say it the one with a name or date tells more.
        yield from sorted(said, key=_vague)


def _vague(one: Told) -> bool:
    return not (one.what or one.date)


def _told(rule: Rule, match: re.Match[str]) -> Told:
    found = {name.rstrip("0123456789"): text for name, text in match.groupdict().items() if text}
    early = found.get("side") == "before" or "NotYetValid" in match[0] or "NOT_YET_VALID" in match[0]
    what, date = found.get("what", "").strip(), found.get("date", "").strip()
    return Told(rule, match.start(), match.end(), what, date, early)


# Characters that a cut may be moved by to lie between words.
_LONG_WORD = 30


def excerpt(text: str, start: int = 0, end: int = 0, width: int = 200) -> str:
    """Give the line that a place in a text lies on in one piece, cut around the place where it is long.

    >>> excerpt("a " * 200 + "disk is full", 400, 412, 20)
    '…a a a disk is full'
    """
    first, last = text.rfind("\n", 0, start) + 1, text.find("\n", max(start, end - 1))
    line = text[first : last if last >= 0 else len(text)]
    if len(line) > width:
        begin = max(0, min(start - first - (width - (end - start)) // 2, len(line) - width))
        stop = begin + width
        # Cut between words, where one ends near and nothing of the place is lost.
        space = line.find(" ", begin, min(begin + _LONG_WORD, start - first)) if begin else -1
        begin = space + 1 if space >= 0 else begin
        space = line.rfind(" ", max(stop - _LONG_WORD, end - first), stop) if stop < len(line) else -1
        stop = space if space >= 0 else stop
        line = ("…" if begin else "") + line[begin:stop] + ("…" if stop < len(line) else "")
    return " ".join(line.split())
