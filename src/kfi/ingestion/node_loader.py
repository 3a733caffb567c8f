"""
The state of systemd units on nodes (kubelet, container runtime, …), as `systemctl status` prints it.

The state and the journal's tail below it are two things: one document of the unit, and log documents of its node.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from kfi.errors import SourceError
from kfi.ingestion.base import MAX_CARD_CHARS, BaseDocumentLoader, SourceText, digest
from kfi.ingestion.log_loader import LogLoader
from kfi.models.records import NodeServiceRecord
from kfi.models.schemas import Document, DocumentKind, ObjectRef, Severity, Source
from kfi.snapshot.read.ages import timestamp

_UNIT_SUFFIX = r"(?:service|socket|target|timer|mount|path|slice|scope|device|swap)"
# The glyph is a dot, a cross or an arrow where the terminal had them, * or x where not, or what an encoding made of it.
_UNIT = re.compile(
    r"(?:Status: +)?(?:[x*o]|[^\w\s]\S{0,3}|[^\x00-\x7f]\S{0,3}) "
    rf"(?P<unit>[\w@.:\\-]{{1,200}}\.{_UNIT_SUFFIX})(?: - .*| *$)"
)
_HEADER = re.compile(r"(?P<key>Service|Unit|Node|Host|Hostname): +(?P<value>[\w@.:-]{1,253}) *$")
_LOADED = re.compile(r"\s*Loaded: (?P<state>[a-z-]+)(?: \((?P<rest>.*)\))?")
_STATES = "active|inactive|failed|activating|deactivating|reloading|refreshing|maintenance|unknown"
_ACTIVE = re.compile(
    rf"\s*(?:Active|Status): (?P<state>{_STATES})\b"
    r"(?: \((?!Result:)(?P<sub>[^()]*)\))?(?: \(Result: (?P<result>[^()]*)\))?"
    r"(?: since (?P<since>[^;]*)(?:; (?P<ago>.*) ago)?)?"
)
_MAIN_PID = re.compile(r"\s*Main PID: (?P<pid>\d{1,9})(?: \((?P<how>.*)\))?")
_NOT_FOUND = re.compile(r"Unit (?P<unit>\S{1,200}) (?:could not be found|not found|not loaded|is masked)")
_WORD = re.compile(rf"\s*({_STATES})\s*")
_JOURNAL = re.compile(
    r"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?|\d{4}-\d\d-\d\dT[\d:.,]+(?:Z|[+-]\d\d:?\d\d)?)"
    r" (?P<host>\S{1,253}) \S{1,200}?: "
)
_SPAN = re.compile(r"(\d{1,6}) ?(years?|y|months?|weeks?|w|days?|d|h|min|ms|us|s)\b")
_SECONDS = {
    "y": 31_557_600.0, "month": 2_629_800.0, "w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "min": 60.0, "s": 1.0,
    "ms": 0.001, "us": 0.000_001,
}  # fmt: skip
_QUARTER_HOUR = 900.0
_NODE_FOLDER = re.compile(r"(?:^|/)(?:nodes?|hosts?)/([^/]+)/")
_MAX_TEXT_LINES = 400


@dataclass
class _UnitText:
    """What a text says of one unit, while it is read."""

    first_line: int
    last_line: int
    unit: str = ""
    node: str = ""
    loaded: re.Match[str] | None = None
    active: re.Match[str] | None = None
    pid: re.Match[str] | None = None
    missing: bool = False
    lines: dict[str, int] = field(default_factory=dict)
    journal: list[tuple[int, str]] = field(default_factory=list)
    host: str = ""

    @property
    def known(self) -> bool:
        return bool(self.active or self.loaded or self.missing)


class NodeServiceLoader(BaseDocumentLoader):
    """Loads `systemctl status` of one or several units, with the journal lines below."""

    def load(self, source: SourceText) -> Iterator[Document]:
        """Yield a NODE_SERVICE for each unit, and the LOG documents of its journal lines.

        Raises:
            SourceError: no unit's state is in it.
        """
        lines = list(source.lines())
        units = [unit for unit in _units(lines) if unit.known]
        if not units:
            raise SourceError(
                f"{source.path!r} shows no state of a systemd unit.",
                hint="Write one with 'systemctl status kubelet --no-pager -l' on the node.",
            )
        for unit in units:
            document = _document(unit, lines, source)
            yield document
            yield from _journal(unit, document, source)


def _journal(unit: _UnitText, status: Document, source: SourceText) -> Iterator[Document]:
    name = status.payload["unit"]
    for log in LogLoader().load_lines(unit.journal, source, status.ref):
        # systemd's own lines about the unit stand in its journal as well.
        yield log.model_copy(update={"payload": {**log.payload, "unit": log.payload.get("unit") or name}})


def _units(lines: Sequence[str]) -> list[_UnitText]:
    units: list[_UnitText] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if not units or _begins_another(line, units[-1]):
            units.append(_UnitText(number, number))
        journal = _JOURNAL.match(line)
        if journal:
            units[-1].journal.append((number, line))
            units[-1].host = units[-1].host or journal["host"]
        else:
            _take(units[-1], line, number)
    return units


def _begins_another(line: str, unit: _UnitText) -> bool:
    another = _UNIT.match(line) or _NOT_FOUND.match(line) or _HEADER.match(line)
    return bool(another) and unit.known


def _take(unit: _UnitText, line: str, number: int) -> None:
    if not unit.journal:
        unit.last_line = number
    header, name, missing = _HEADER.match(line), _UNIT.match(line), _NOT_FOUND.match(line)
    if header:
        if header["key"] in ("Service", "Unit"):
            unit.unit = header["value"]
        else:
            unit.node = header["value"]
    elif name:
        unit.unit = name["unit"]
    elif missing:
        unit.unit, unit.missing = missing["unit"], True
        unit.lines["load_state"] = number
    else:
        _take_state(unit, line, number)


def _take_state(unit: _UnitText, line: str, number: int) -> None:
    if not unit.loaded and (loaded := _LOADED.match(line)):
        unit.loaded, unit.lines["load_state"] = loaded, number
    elif not unit.active and (active := _ACTIVE.match(line) or _bare_state(unit, line)):
        unit.active, unit.lines["active_state"] = active, number
    elif not unit.pid and (pid := _MAIN_PID.match(line)):
        unit.pid, unit.lines["main_pid"] = pid, number


def _bare_state(unit: _UnitText, line: str) -> re.Match[str] | None:
    # `systemctl is-active kubelet` prints one word.
    short = unit.last_line - unit.first_line < 4
    return _ACTIVE.match(f"Active: {line.strip()}") if short and _WORD.fullmatch(line) else None


def _document(unit: _UnitText, lines: Sequence[str], source: SourceText) -> Document:
    record = _record(unit, source)
    ref = ObjectRef(cluster=source.cluster, kind="Node", name=_node(unit, source.path))
    identity = digest(source.cluster, "node_service", ref.name, record.unit)
    last_line = min(unit.last_line, unit.first_line + _MAX_TEXT_LINES - 1)
    return Document(
        id=digest(identity, record.load_state, record.active_state, record.sub_state, record.result, record.main_pid),
        identity=identity,
        kind=DocumentKind.NODE_SERVICE,
        ref=ref,
        source=Source(path=source.path, first_line=unit.first_line, last_line=last_line),
        observed_at=source.observed_at,
        first_time=record.since,
        severity=_severity(unit, record),
        text="\n".join(lines[unit.first_line - 1 : last_line]),
        card=_card(unit, record, ref.name),
        payload=record.model_dump(mode="json"),
    )


def _record(unit: _UnitText, source: SourceText) -> NodeServiceRecord:
    load_state = unit.loaded["state"] if unit.loaded else "not-found" if unit.missing else ""
    active = unit.active.groupdict() if unit.active else {}
    return NodeServiceRecord(
        unit=_unit_name(unit, source.path),
        load_state=load_state,
        active_state=active.get("state") or "",
        sub_state=active.get("sub") or "",
        result=active.get("result") or "",
        since=_since(active.get("since") or "", active.get("ago") or "", source.observed_at),
        main_pid=int(unit.pid["pid"]) if unit.pid else None,
        lines=unit.lines,
    )


def _unit_name(unit: _UnitText, path: str) -> str:
    name = unit.unit or path.replace("!", "/").rpartition("/")[2].partition(".")[0]
    return name.removesuffix(".service")


def _node(unit: _UnitText, path: str) -> str:
    folder = _NODE_FOLDER.search(path.replace("!", "/"))
    if unit.node or folder or unit.host:
        return unit.node or (folder[1] if folder else unit.host)
    folders = path.replace("!", "/").split("/")[:-1]
    return folders[-1] if folders else ""


def _severity(unit: _UnitText, record: NodeServiceRecord) -> Severity:
    """Give ERROR for a unit that should run and does not; one that nobody enabled may rest."""
    wanted = "; enabled" in ((unit.loaded["rest"] if unit.loaded else "") or "")
    if record.active_state == "failed" or "auto-restart" in record.sub_state:
        return Severity.ERROR
    if record.load_state in ("not-found", "masked", "error", "bad-setting"):
        return Severity.WARNING
    if record.active_state in ("inactive", "deactivating", "maintenance"):
        ran = record.since is not None
        return Severity.ERROR if wanted else Severity.WARNING if ran else Severity.NORMAL
    return Severity.WARNING if record.active_state == "activating" else Severity.NORMAL


def _card(unit: _UnitText, record: NodeServiceRecord, node: str) -> str:
    sub = f" ({record.sub_state})" if record.sub_state else ""
    state = f"{record.active_state}{sub}" if record.active_state else record.load_state
    result = f", result {record.result}" if record.result else ""
    how = unit.pid["how"] if unit.pid else ""
    ended = f", main process {how}" if how and "=" in how else ""
    since = f" since {record.since:%Y-%m-%d %H:%M:%S}Z" if record.since else ""
    return f"Node {node}: systemd unit {record.unit} is {state or 'unknown'}{since}{result}{ended}"[:MAX_CARD_CHARS]


def _since(absolute: str, relative: str, observed_at: datetime) -> datetime | None:
    """Give when the state began.

    The zone's abbreviation is ambiguous, so the relative part decides; where it is finer than a quarter of an hour, it
    says which zone the exact time is in.
    """
    exact = timestamp(absolute)
    parts = [(int(count), _unit_seconds(name)) for count, name in _SPAN.findall(relative)]
    if not parts or absolute.rstrip().endswith(("UTC", "GMT")):
        return exact
    try:
        counted = (observed_at - timedelta(seconds=sum(count * size for count, size in parts))).astimezone(UTC)
    except OverflowError:
        return exact
    if exact is None or min(size for _, size in parts) >= _QUARTER_HOUR:
        return counted
    offset = (exact - counted).total_seconds()
    zone = round(offset / _QUARTER_HOUR) * _QUARTER_HOUR
    return exact - timedelta(seconds=zone) if abs(zone) <= 14 * 3600 else counted


def _unit_seconds(name: str) -> float:
    for unit in ("month", "min", "ms", "us"):
        if name.startswith(unit):
            return _SECONDS[unit]
    return _SECONDS[name[0]]
