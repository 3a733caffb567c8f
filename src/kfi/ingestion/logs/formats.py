"""
How programs write their log lines: JSON, logfmt, klog, and the dozen ways to put a level before a sentence.

Decides a line's level from the field that holds it; only where there is none, from words at the line's beginning or
the status of an HTTP access log.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from kfi.ingestion.base import storable

_NAMES_OF_LEVELS = {
    "debug": ("trace", "debug", "dbug", "dbg", "trce", "fine", "finer", "finest", "verbose", "v", "d", "all"),
    "info": ("info", "information", "informational", "notice", "log", "config", "i", "default", "inf"),
    "warning": ("warn", "warning", "wrn", "w"),
    "error": ("error", "err", "eror", "severe", "fail", "failed", "failure", "e"),
    "fatal": ("fatal", "critical", "crit", "crtc", "panic", "dpanic", "alert", "emerg", "emergency", "ftl", "f"),
}
LEVELS = {name: level for level, names in _NAMES_OF_LEVELS.items() for name in names}
"""What programs call a level, in lower case, to what we call it."""

_BUNYAN = ((60, "fatal"), (50, "error"), (40, "warning"), (30, "info"), (0, "debug"))
_LETTERS = {"I": "info", "W": "warning", "E": "error", "F": "fatal", "D": "debug", "N": "info", "C": "fatal"}
_REDIS = {"#": "warning", "*": "info", "-": "info", ".": "debug"}

_KLOG = re.compile(r"([IWEF])(\d{4} \d\d:\d\d:\d\d(?:\.\d{1,9})?)\s+\d+ [^\s\]]{1,200}:\d+\] ?")
_DATED = re.compile(
    r"[\[(]?(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"
    r"|\d\d:\d\d:\d\d[.,]\d{3,9})[\])]?[ \t:|-]*"
)
_REDIS_LINE = re.compile(r"\d+:[A-Z] (\d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3}) ([#*.-]) ")
# Redis has no level above warning.
_REDIS_ERROR = re.compile(r"Fatal|Error|Failed|Can't|=== REDIS BUG|Out Of Memory", re.IGNORECASE)
_CAPNSLOG = re.compile(r"([DINWEC]) \| ")
_LOUD = re.compile(
    r"(?<![\w./-])(TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|SEVERE|FATAL|CRITICAL|PANIC|ERR!?)(?![\w-])"
)
_QUIET = re.compile(
    r"\[(trace|debug|info|notice|warn(?:ing)?|error|err|crit(?:ical)?|alert|emerg|fatal|panic)\]"
    r"|^[<(]?(trce|dbug|debug|info|notice|warn(?:ing)?|error|fail|crit|critical|fatal|panic|fatal error)[>)]?\s?:",
    re.IGNORECASE,
)
_EXCEPTION = re.compile(
    r"(?:Exception in thread |Uncaught |Unhandled |Error from server|Traceback \(most recent)"
    r"|(?:[A-Za-z_][\w$]{0,80}\.){0,20}[A-Za-z_]\w{0,80}(?:Error|Exception)(?::|$)"
)
_STATUS = re.compile(r'HTTP/\d(?:\.\d)?" (\d{3})(?!\d)|\| +(\d{3}) \|')
_ACCESS_TIME = re.compile(r"\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]")
_IS_LOGFMT = re.compile(r"(?:^|\s)(?:level|lvl|severity|msg)=")
_PAIR = re.compile(r'([A-Za-z_@][\w.@/-]{0,100})=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))')

_TIME_KEYS = ("ts", "time", "@timestamp", "timestamp", "@t", "eventTime", "datetime", "date", "asctime", "start_time")
_LEVEL_KEYS = ("level", "severity", "lvl", "log.level", "levelname", "loglevel", "logLevel", "@l", "severity_text")
_MESSAGE_KEYS = ("msg", "message", "event", "@m", "@mt", "log", "body", "text", "Message")
_ERROR_KEYS = ("err", "error", "exception", "cause", "reason", "error.message", "exc_info", "@x", "exception.message")
_STACK_KEYS = ("stack", "stacktrace", "stack_trace", "stackTrace", "error.stack_trace", "errorVerbose", "traceback")
_STATUS_KEYS = (
    "status", "status_code", "statusCode", "http.resp.status", "http.status_code", "response_code",
    "http.response.status_code", "responseCode",
)  # fmt: skip
_ERROR_SET, _STATUS_SET = frozenset(_ERROR_KEYS), frozenset(_STATUS_KEYS)
# Seen for a level in the first part of a line only: later words belong to the sentence.
_HEAD_CHARS = 100
_MAX_MESSAGE_CHARS = 4 * 1024
_MAX_JSON_CHARS = 64 * 1024
_MAX_STACK_CHARS = 4 * 1024


@dataclass(slots=True)
class Content:
    """What a program wrote in one line."""

    message: str
    level: str = ""
    stamp: object = None
    stack: str = ""


def read_content(text: str) -> Content:
    """Give the message, level and time of a line as the program wrote it."""
    first = text[:1]
    content = None
    if first == "{":
        content = _read_json(text)
    elif first in "IWEF" and (match := _KLOG.match(text)):
        content = Content(text[match.end() :], _LETTERS[match[1]], match[2])
    elif "=" in text and _IS_LOGFMT.search(text[:4096]):
        content = _read_logfmt(text)
    content = content or _read_plain(text)
    if len(content.message) > _MAX_MESSAGE_CHARS:
        content.message = content.message[:_MAX_MESSAGE_CHARS]
    return content


def level_of(value: object) -> str:
    """Give our name for a level in any program's words or numbers (bunyan's and pino's), or nothing."""
    if isinstance(value, str):
        return LEVELS.get(value.lower(), "")
    if isinstance(value, int) and not isinstance(value, bool) and 10 <= value <= 69:
        return next(name for least, name in _BUNYAN if value >= least)
    return ""


def starts_exception(text: str) -> bool:
    """Tell whether a line begins with the name of an exception or announces one."""
    return bool(_EXCEPTION.match(text))


def _read_json(text: str) -> Content | None:
    if not text.rstrip().endswith("}") or len(text) > _MAX_JSON_CHARS:
        return None
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or not fields:
        return None
    if "attr" in fields or "ctx" in fields:
        fields = _plain_mongo(fields)
    message, level = _first_text(fields, _MESSAGE_KEYS), _json_level(fields)
    status = _json_status(fields)
    if status >= 400 and message:
        message = f"{message} status={status}"
    if status >= 500 and level not in ("error", "fatal"):
        level = "error"
    stack = _first_text(fields, _STACK_KEYS)
    error = _json_error(fields)
    if "\n" in error:
        stack = stack or error
        error = _telling_line(error)
    return Content(_joined(message, error) or text, level, _json_time(fields), stack[:_MAX_STACK_CHARS])


def _plain_mongo(fields: dict[str, Any]) -> dict[str, Any]:
    """Give a line of MongoDB 4.4 or later with its level, its time and what it says of an error under common names.

    Source: mongodb.com/docs/manual/reference/log-messages: t.$date, s (F, E, W, I, D1 to D5), c, ctx, msg, attr.
    """
    time, severity, attr = fields.get("t"), fields.get("s"), fields.get("attr")
    if not isinstance(time, dict) or not isinstance(severity, str) or "$date" not in time:
        return fields
    attr = attr if isinstance(attr, dict) else {}
    said = (attr.get(key) for key in ("error", "message", "errmsg", "reason"))
    texts = (one.get("errmsg") or one.get("message") if isinstance(one, dict) else one for one in said)
    error = next((text for text in texts if isinstance(text, str) and text), "")
    return {**fields, "ts": time["$date"], "level": severity[:1], "error": error}


def _json_level(fields: dict[str, Any]) -> str:
    for key in _LEVEL_KEYS:
        if level := level_of(fields.get(key)):
            return level
    log = fields.get("log")
    return level_of(log.get("level")) if isinstance(log, dict) else ""


def _json_time(fields: dict[str, Any]) -> object:
    for key in _TIME_KEYS:
        value = fields.get(key)
        if isinstance(value, str | int | float):
            return value
    instant = fields.get("instant")  # log4j's JSON layout
    return instant.get("epochSecond") if isinstance(instant, dict) else None


def _json_status(fields: dict[str, Any]) -> int:
    # Most lines have none of these keys; this is asked of every line.
    if _STATUS_SET.isdisjoint(fields):
        return 0
    return next((s for s in map(fields.get, _STATUS_KEYS) if type(s) is int and 100 <= s <= 599), 0)


def _json_error(fields: dict[str, Any]) -> str:
    if _ERROR_SET.isdisjoint(fields):
        return ""
    for key in _ERROR_KEYS:
        value = fields.get(key)
        if isinstance(value, dict):
            value = value.get("message") or value.get("msg")
        if isinstance(value, str) and value:
            return storable(value)
    return ""


def _telling_line(trace: str) -> str:
    """Give the line of a stack trace that names the exception: Python's last, everyone else's first."""
    lines = [line for line in trace.splitlines() if line.strip()] or [""]
    return lines[-1 if lines[0].startswith("Traceback") else 0].strip()


def _first_text(fields: dict[str, Any], keys: tuple[str, ...]) -> str:
    for key in keys:
        value = fields.get(key)
        if isinstance(value, str) and value:
            # JSON may escape NULs and halves of characters, so a clean line may still hold them.
            return storable(value)
    return ""


def _joined(message: str, error: str) -> str:
    if not error or error in message:
        return message
    return f"{message}: {error}" if message else error


def _read_logfmt(text: str) -> Content | None:
    pairs = {key: _unquoted(quoted) or bare for key, quoted, bare in _PAIR.findall(text)}
    level = next((level for level in map(level_of, map(pairs.get, _LEVEL_KEYS)) if level), "")
    message = next(filter(None, map(pairs.get, ("msg", "message", "event"))), "")
    if not level and not message:
        return None
    error = next(filter(None, map(pairs.get, ("err", "error"))), "")
    stamp = next(filter(None, map(pairs.get, ("ts", "time", "t", "timestamp"))), None)
    return Content(_joined(message or text, error), level, stamp)


def _unquoted(text: str) -> str:
    return text.replace('\\"', '"').replace("\\n", " ").replace("\\t", " ") if "\\" in text else text


def _read_plain(text: str) -> Content:
    stamp: object = None
    message = text
    if match := _DATED.match(text):
        stamp, message = match[1], text[match.end() :]
        if letter := _CAPNSLOG.match(message):
            return Content(message[letter.end() :], _LETTERS[letter[1]], stamp)
    elif match := _REDIS_LINE.match(text):
        message = text[match.end() :]
        level = "error" if match[2] == "#" and _REDIS_ERROR.match(message) else _REDIS[match[2]]
        return Content(message, level, match[1])
    elif match := _ACCESS_TIME.search(text[:200]):
        stamp = match[1]
    return Content(message or text, _plain_level(message), stamp)


def _plain_level(text: str) -> str:
    if ("HTTP/" in text or " | " in text) and (match := _STATUS.search(text)):
        return "error" if (match[1] or match[2]) >= "500" else "info"
    head = text[:_HEAD_CHARS]
    if match := _LOUD.search(head) or _QUIET.search(head):
        return LEVELS.get(match[match.lastindex or 1].lower().split()[0].rstrip("!"), "error")
    return "error" if _EXCEPTION.match(text) else ""
