"""
Jobs and CronJobs: Jobs that took longer than they may, and CronJobs that start none.

A Job that failed for other reasons is the crash family's. What a CronJob did not do shows in its newest Event only: one
that has started a Job since is well.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from kfi.diagnosis.catalogue import Rule
from kfi.diagnosis.conditions.containers import event_citations, repeated_since
from kfi.diagnosis.words.rollout import (
    CRON_JOB_BLOCKED,
    CRON_JOB_INVALID,
    CRON_JOB_START_MISSED,
    CRON_JOB_SUSPENDED,
    JOB_DEADLINE_EXCEEDED,
)
from kfi.models.schemas import Finding, ObjectRef
from kfi.snapshot.resources import CronJob, Workload
from kfi.snapshot.view import Event, Snapshot

RULES: tuple[Rule, ...] = (
    JOB_DEADLINE_EXCEEDED, CRON_JOB_SUSPENDED, CRON_JOB_START_MISSED, CRON_JOB_BLOCKED, CRON_JOB_INVALID
)  # fmt: skip

# Reasons of Events. Source: kubernetes pkg/controller/cronjob.
_MISSED = ("MissSchedule", "TooManyMissedTimes", "FailedNeedsStart")
_BLOCKED = ("JobAlreadyActive",)
_INVALID = ("UnparseableSchedule", "UnParseableCronJobSchedule", "InvalidSchedule", "UnknownTimeZone")
# Of a CronJob that has not run for longer than this nobody expects it to.
_ABANDONED = timedelta(days=31)


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield Jobs past their deadline and CronJobs that start no Job."""
    for job in snapshot.live(Workload, "Job"):
        yield from _past_deadline(snapshot, job)
    known = {cron_job.ref: cron_job for cron_job in snapshot.live(CronJob)}
    heard = {e.ref.object for e in snapshot.events if e.ref.kind == "CronJob"}
    for ref in sorted({*known, *heard}, key=str):
        cron_job = known.get(ref)
        if cron_job and cron_job.spec.suspend:
            yield from _suspended(snapshot, cron_job)
        elif not snapshot.absent(ref):
            yield from _not_started(snapshot, ref, cron_job)


def _past_deadline(snapshot: Snapshot, job: Workload) -> Iterator[Finding]:
    failed = next((c for c in (job.condition("Failed"), job.condition("FailureTarget")) if c), None)
    event = next(iter(snapshot.events_of(job.ref, "DeadlineExceeded")), None)
    told = failed.status == "True" and failed.reason == "DeadlineExceeded" if failed and failed.reason else bool(event)
    complete = job.condition("Complete") is not None
    if not told or complete or repeated_since(snapshot, job):
        return
    limit = job.spec.active_deadline_seconds
    allowed = f" of {limit} s" if limit is not None else ""
    message = f"Job {job.name} ran longer than its activeDeadlineSeconds{allowed} and was stopped."
    lines = (
        *snapshot.cite(job.ref, ("status", "conditions", failed.type if failed else "Failed", "message")),
        *event_citations(event),
        *snapshot.cite(job.ref, ("spec", "activeDeadlineSeconds"), ("status", "startTime")),
    )
    since = failed.last_transition_time if failed else event.first if event else None
    yield JOB_DEADLINE_EXCEEDED.found(job.ref, message, lines[:5], strength=0.87, since=since)


def _suspended(snapshot: Snapshot, cron_job: CronJob) -> Iterator[Finding]:
    """Yield a CronJob that is suspended although it ran not long ago, or although its manifest says otherwise."""
    declared = snapshot.declared.get(cron_job.ref)
    by_hand = isinstance(declared, CronJob) and not declared.spec.suspend
    last = cron_job.status.last_schedule_time
    if not by_hand and (last is None or snapshot.as_of - last > _ABANDONED):
        return
    ran = f"; it ran last at {last:%Y-%m-%d %H:%M} UTC" if last else ""
    unlike = " in the cluster, which its applied manifest does not say" if by_hand else ""
    message = f"CronJob {cron_job.name} (schedule {cron_job.spec.schedule or '?'}) is suspended{unlike}{ran}."
    lines = snapshot.cite(cron_job.ref, ("spec", "suspend"), ("status", "lastScheduleTime"))
    proof = lines or snapshot.cite_row(cron_job.ref)
    yield CRON_JOB_SUSPENDED.found(cron_job.ref, message, proof, strength=0.75 if by_hand else 0.5)


def _not_started(snapshot: Snapshot, ref: ObjectRef, cron_job: CronJob | None) -> Iterator[Finding]:
    newest = next(iter(snapshot.events_of(ref)), None)
    if newest is None or _started_since(cron_job, newest):
        return
    schedule = snapshot.cite(ref, ("spec", "schedule"), ("spec", "timeZone"))
    if newest.reason in _INVALID:
        message = f"The schedule of CronJob {ref.name} cannot be read: {newest.message[:300]}"
        lines = (newest.citation, *schedule)
        yield CRON_JOB_INVALID.found(ref, message, lines, strength=0.93, since=newest.first)
    elif newest.reason in _MISSED:
        message = f"CronJob {ref.name} did not start a Job: {newest.message[:300]}"
        lines = (newest.citation, *snapshot.cite(ref, ("spec", "startingDeadlineSeconds")), *schedule)
        yield CRON_JOB_START_MISSED.found(ref, message, lines, strength=0.85, since=newest.first)
    elif newest.reason in _BLOCKED:
        yield _blocked(snapshot, ref, newest)


def _started_since(cron_job: CronJob | None, event: Event) -> bool:
    """Tell whether a CronJob has started a Job after an Event."""
    last = cron_job.status.last_schedule_time if cron_job else None
    return last is not None and event.last is not None and last > event.last


def _blocked(snapshot: Snapshot, ref: ObjectRef, event: Event) -> Finding:
    running = next((job for job in snapshot.live(Workload, "Job") if _runs_for(snapshot, job, ref)), None)
    since = running.status.start_time or running.metadata.creation_timestamp if running else None
    which = f"Job {running.name}" if running else "an earlier Job"
    long = f" since {since:%Y-%m-%d %H:%M} UTC" if since else ""
    message = f"CronJob {ref.name} starts no Job while {which} is active{long}: its concurrencyPolicy is Forbid."
    lines = [event.citation, *snapshot.cite(ref, ("spec", "concurrencyPolicy"))]
    lines += snapshot.cite(running.ref, ("status", "startTime"), ("status", "active")) if running else ()
    return CRON_JOB_BLOCKED.found(ref, message, lines, strength=0.8, since=event.first)


def _runs_for(snapshot: Snapshot, job: Workload, cron_job: ObjectRef) -> bool:
    ended = any(c.status == "True" and c.type in ("Complete", "Failed") for c in job.status.conditions)
    return snapshot.topology.owner(job.ref) == cron_job and not ended
