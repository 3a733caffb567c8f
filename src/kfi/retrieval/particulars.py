"""
What a question says exactly: exit codes, HTTP codes, images.

A number is a code only where words beside it say so, or where it can hardly be anything else: "500 pods" and "port 443"
are none.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import NamedTuple

from kfi.retrieval.error_families import ErrorFamily, ErrorName

_EXIT_CODE = re.compile(
    r"(?<![\w-])(?:exit(?:ed|s|ing)?[ _-]?(?:code|status)?s?(?: (?:was|is|with|of|code|status|an?)){0,4}|"
    r"(?:return|termination) (?:code|status)|rc|code|status|c\u00f3digo de salida|"
    r"salida|beendet mit(?: code)?|exitcode|\u9000\u51fa\u7801|\u7d42\u4e86\u30b3\u30fc\u30c9)[ :=#]{0,3}"
    r"(?P<code>[0-9]{1,3})(?![\w.%-]*[0-9a-z])",
    re.I | re.A,
)
# Codes that end a process; `code 404` is none.
_MOST_EXIT_CODE = 255
_SAYS_HTTP = r"HTTPS?(?:/[0-9](?:\.[0-9])?)?(?: ?(?:status|response|error))?(?: ?code)?[ :=]{0,3}"
_GIVES = (
    r"(?:return|throw|get|see|give|show|answer|serve|respond|report|fail|log|emit|receiv|send|produc|spit)"
    r"(?:s|ed|e|es|ing|ting|n)?(?: (?:back|us|me|out|up|with|an?|the|many|lots of|only|random|some|sporadic)){0,3} |"
    r"(?:gave|got|saw|seen|threw|sent|with|gets|status(?: code)?|error|errors?:|code) (?:an? )?"
)
_MEANING = (
    r"(?:errors?|responses?|status(?:es)?|Internal Server Error|Not Implemented|Bad Gateway|Service Unavailable|"
    r"Gateway Time-?out|Too Many Requests|Not Found|Forbidden|Unauthorized|Bad Request|Conflict|Request Timeout|"
    r"Method Not Allowed|Payload Too Large|Fehler|errores|\u9519\u8bef|\u30a8\u30e9\u30fc)"
)
_HTTP_CODE = re.compile(
    rf"(?<![\w./:-])(?:{_SAYS_HTTP}(?P<said>[1-5][0-9]{{2}})s?|(?P<many>[45][0-9]{{2}})(?:'?s|er)|"
    rf"(?P<meant>[45][0-9]{{2}})[ :-]{{1,3}}{_MEANING}|(?:{_GIVES})(?P<given>[45][0-9]{{2}})s?)"
    r"(?![\w%-]|[.:/][0-9]| (?:pods?|times|nodes?|replicas?|ms|seconds?|MB|Mi|GB|Gi|m)\b)",
    re.I | re.A,
)
# A number that stands alone is a code where it can hardly be anything else: "ing/shop 404", "checkout 502 since 14:00".
_USUAL = "400|401|403|404|405|408|409|413|422|429|499|500|501|502|503|504"
_BARE_CODE = re.compile(
    rf"(?:\A|(?P<before>[^\s,;:]{{1,80}})[ ,;]{{1,3}}|(?P<other>[\u3040-\u30ff\u3400-\u9fff])\s?)(?P<code>{_USUAL})"
    r"(?=\s*(?:\Z|[?!,.;\uff1f\u3002\u3040-\u30ff\u3400-\u9fff]|-{1,2}[a-z]|"
    r"(?:in|on|for|from|since|when|after|while|again|and|or|all|but|why|during|every|with|today|now|sometimes|randomly|"
    r"at|as|the|en|seit|desde|bei|von)\b))(?![.,:/][0-9]| ?%)",
    re.I | re.A,
)
_COUNTS = frozenset(
    "port ports exit exited exits code line lines pid uid gid user size count counts max maximum min minimum top first "
    "last past next than over under about around at by to of for in on after since before every and or limit limits "
    "replicas replica request requests cpu memory restarts age the our room ticket issue bug pr rfc took has have had "
    "are is was were only roughly nearly almost up rev revision build version".split()
)
_FAMILIES = {
    401: ErrorFamily.PERMISSION,
    403: ErrorFamily.PERMISSION,
    408: ErrorFamily.TIMEOUT,
    429: ErrorFamily.QUOTA,
    504: ErrorFamily.TIMEOUT,
}

_PART = r"[a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_HOST = r"(?:[a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9-]{1,63}){1,6}(?::[0-9]{1,5})?|localhost(?::[0-9]{1,5})?)"
_PATH = rf"{_PART}(?:/{_PART}){{0,5}}"
_DIGEST = r"@sha256:[0-9a-f]{8,64}"
_BEGINS = r"(?<![\w./:@=-])"
_ENDS = r"(?![\w:@/])"
# A host and a path, or a digest, is an image wherever it stands; `cart:v3` only where an image is spoken of, or where
# what follows the colon is a version: `ledger:5432` is a port.
_IMAGES = (
    re.compile(rf"{_BEGINS}({_HOST}/{_PATH}(?::{_TAG}(?:{_DIGEST})?|{_DIGEST})){_ENDS}", re.A),
    re.compile(rf"{_BEGINS}({_PATH}(?::{_TAG})?{_DIGEST}){_ENDS}", re.A),
    re.compile(rf"(?<![\w-])(?i:images?|imagen|tag|pull(?:ing|ed)?)[ :=\"'`]{{1,3}}({_PATH}:{_TAG}){_ENDS}", re.A),
    re.compile(rf"{_BEGINS}({_PATH}:(?:v?[0-9]+\.[0-9][A-Za-z0-9._-]{{0,60}}|v[0-9]{{1,6}}|latest)){_ENDS}", re.A),
)


# Numbers that are weighed; a question has one or two.
_MOST_NUMBERS = 16


class HttpCode(NamedTuple):
    """A code, and the words that say it is one."""

    code: int
    words: str

    @property
    def error(self) -> ErrorName:
        """What the code says is wrong."""
        return ErrorName(self.words, _FAMILIES.get(self.code, ErrorFamily.APPLICATION))


def find_exit_code(query: str) -> int | None:
    """Give the exit code that a question names.

    >>> find_exit_code("cart exited with code 137"), find_exit_code("status 404"), find_exit_code("137 pods")
    (137, None, None)
    """
    for match in _EXIT_CODE.finditer(query):
        code = int(match["code"])
        if code <= _MOST_EXIT_CODE:
            return code
    return None


def find_http_code(query: str) -> HttpCode | None:
    """Give the HTTP code that a question names.

    >>> find_http_code("checkout gives 503s").code, find_http_code("500 pods"), find_http_code("exit code 143")
    (503, None, None)
    """
    match = _HTTP_CODE.search(query)
    if not match:
        return _bare_code(query)
    digits = match["said"] or match["many"] or match["meant"] or match["given"]
    return HttpCode(int(digits), match[0])


def _bare_code(query: str) -> HttpCode | None:
    for match in islice(_BARE_CODE.finditer(query), _MOST_NUMBERS):
        before = (match["before"] or "").lower().strip("'\"`(")
        if before not in _COUNTS and not before.endswith(("=", ">", "<", "#", "~")):
            return HttpCode(int(match["code"]), match["code"])
    return None


def find_image(query: str) -> str | None:
    """Give the image that a question names, with its tag or digest.

    >>> find_image("cart:v3 does not start"), find_image("connection refused to ledger:5432")
    ('cart:v3', None)
    """
    for pattern in _IMAGES:
        match = pattern.search(query)
        if match:
            return match[1].rstrip(".")
    return None
