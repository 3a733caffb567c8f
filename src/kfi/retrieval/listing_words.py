"""
A list in a sentence: how much there is of what, and which part of it is shown.
"""

from __future__ import annotations

from kfi.models.listing import Listed, Listing, Selection, State

_NOUNS = {
    Listed.EVENTS: "Event",
    Listed.LOGS: "log message",
    Listed.ALERTS: "alert",
    Listed.PROBLEMS: "Warning Event or error message",
}
_MANY = {
    Listed.PROBLEMS: "Warning Events and error messages",
}
_STATES = {
    State.FAILING: ("is failing", "are failing"),
    State.CRASHING: ("is crashing", "are crashing"),
    State.PENDING: ("is pending", "are pending"),
    State.READY: ("is ready", "are ready"),
    State.NOT_READY: ("is not ready", "are not ready"),
    State.RESTARTED: ("restarted", "restarted"),
    State.RUNNING: ("is running", "are running"),
    State.FINISHED: ("is finished", "are finished"),
}
_MOST_NAMED = 3


def summary_of(listing: Listing) -> str:
    """Give the list in a sentence or two."""
    chosen = listing.selection
    if chosen.names:
        return f"Nothing in the evidence is named {chosen.names[0]!r}, so there is nothing to list."
    if chosen.what is Listed.OBJECTS:
        return f"{_objects(listing)}{_shown(listing)}"
    told = _counted(listing.total, _NOUNS[chosen.what], _MANY.get(chosen.what, ""))
    often = f", {listing.times} times in all" if listing.times > listing.total else ""
    order = f", {listing.order}" if listing.total > 1 else ""
    return f"{_type(chosen, told)}{_about(chosen)}{_when(chosen)}{often}{order}{_shown(listing)}"


def _type(chosen: Selection, told: str) -> str:
    number, _, rest = told.partition(" ")
    kind = f"{chosen.event_type} " if chosen.event_type and chosen.what is Listed.EVENTS else ""
    words = f"{' or '.join(chosen.words)} " if chosen.words else ""
    return f"{number} {kind}{words}{rest}"


def _objects(listing: Listing) -> str:
    chosen = listing.selection
    noun = " or ".join(chosen.kinds) or "object"
    if listing.out_of is None:
        return f"{_counted(listing.total, noun)}{_about(chosen, kinds=False)}"
    if not listing.out_of:
        return f"No {noun}{_about(chosen, kinds=False)} is in the evidence"
    verb = _verb(listing)
    of = f"of {_counted(listing.out_of, noun)}{_about(chosen, kinds=False)}"
    often = f", {listing.times} times in all" if chosen.state is State.RESTARTED and listing.total else ""
    when = _when(chosen) if chosen.state is State.RESTARTED else ""
    return f"{listing.total or 'None'} {of} {verb}{when}{often}"


def _verb(listing: Listing) -> str:
    chosen = listing.selection
    one, many = ("is", "are") if chosen.status else _STATES[chosen.state or State.FAILING]
    verb = many if listing.total > 1 else one
    return f"{verb} {chosen.status}" if chosen.status else verb


def _about(chosen: Selection, kinds: bool = True) -> str:
    parts = []
    if kinds and chosen.kinds:
        parts.append(f"about {' or '.join(f'{kind}s' for kind in chosen.kinds)}")
    if chosen.objects:
        named = ", ".join(str(ref) for ref in chosen.objects[:_MOST_NAMED])
        more = f" and {len(chosen.objects) - _MOST_NAMED} more" if len(chosen.objects) > _MOST_NAMED else ""
        parts.append(f"of {named}{more}")
    if chosen.labels:
        parts.append(f"with {', '.join(f'{key}={value}' for key, value in chosen.labels.items())}")
    if chosen.labels_excluded:
        without = (f"{key}={value}" for key, values in chosen.labels_excluded.items() for value in values)
        parts.append(f"without {' or '.join(without)}")
    if chosen.node:
        parts.append(f"on node {chosen.node}")
    if chosen.namespace:
        parts.append(f"in namespace {chosen.namespace}")
    if chosen.cluster:
        parts.append(f"in cluster {chosen.cluster}")
    return "".join(f" {part}" for part in parts)


def _when(chosen: Selection) -> str:
    since = f" since {chosen.since:%Y-%m-%d %H:%M:%S} UTC" if chosen.since else ""
    until = f" until {chosen.until:%Y-%m-%d %H:%M:%S} UTC" if chosen.until else ""
    return f"{since}{until}"


def _shown(listing: Listing) -> str:
    if not listing.total:
        return "."
    if not listing.rows:
        return f"; there is no page {listing.page}, the last one is {listing.pages}."
    if listing.pages == 1:
        return "."
    size = len(listing.rows)
    begin = listing.total - size if listing.page == listing.pages else (listing.page - 1) * size
    return f"; showing {begin + 1}-{begin + size} (page {listing.page} of {listing.pages})."


def _counted(number: int, noun: str, many: str = "") -> str:
    return f"{number or 'No'} {noun if number == 1 else many or f'{noun}s'}"
