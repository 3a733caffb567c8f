"""Jobs past their deadline, and CronJobs that start none now: what happened since counts."""

from datetime import timedelta
from typing import Any

import pytest

from kfi.diagnosis.rules import jobs
from kfi.models.schemas import Document
from tests.cluster import NOW, codes, event, obj, snapshot

JOB = "Job/orchard/export-1"
CRON = "CronJob/orchard/export"


def job(*conditions: dict[str, str], **status: Any) -> Document:
    return obj(JOB, spec={"activeDeadlineSeconds": 600}, status={"conditions": list(conditions), **status})


FAILED = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "Job was active longer than ..."}


def test_a_job_past_its_deadline_names_the_limit():
    found = next(jobs.check(snapshot(job(FAILED))))

    assert (found.code, str(found.ref)) == ("job-deadline-exceeded", JOB)
    assert "activeDeadlineSeconds of 600 s" in found.message
    assert any("activeDeadlineSeconds" in line.text for line in found.evidence)


def test_a_job_that_failed_otherwise_or_completed_is_not_past_its_deadline():
    assert codes(jobs, job({**FAILED, "reason": "BackoffLimitExceeded"})) == []
    assert codes(jobs, job({"type": "Complete", "status": "True"})) == []


def cron(last: timedelta | None = None, *, applied: bool = False, **spec: Any) -> Document:
    status = {"lastScheduleTime": (NOW - last).isoformat()} if last else {}
    return obj(CRON, applied=applied, spec={"schedule": "0 * * * *", **spec}, status=status)


def test_a_suspended_cron_job_is_a_lead_if_it_ran_not_long_ago():
    found = next(jobs.check(snapshot(cron(timedelta(days=2), suspend=True))))

    assert (found.code, str(found.ref), found.strength) == ("cron-job-suspended", CRON, 0.5)
    assert codes(jobs, cron(timedelta(days=90), suspend=True)) == []
    assert codes(jobs, cron(suspend=True)) == []
    assert codes(jobs, cron(timedelta(hours=1))) == []


def test_a_cron_job_that_was_suspended_by_hand_is_surer():
    found = next(jobs.check(snapshot(cron(suspend=True), cron(applied=True))))

    assert found.strength == 0.75


@pytest.mark.parametrize(
    ("reason", "message", "code"),
    [
        ("MissSchedule", "Missed scheduled time to start a job: Fri, 20 Nov 2026", "cron-job-start-missed"),
        ("FailedNeedsStart", "Cannot determine if job needs to be started: too many missed start time (> 100)",
         "cron-job-start-missed"),
        ("JobAlreadyActive", "Not starting job because prior execution is running and concurrency policy is Forbid",
         "cron-job-blocked"),
        ("UnparseableSchedule", 'unparseable schedule: "0 0 * *"', "cron-job-schedule-invalid"),
        ("UnknownTimeZone", 'invalid timeZone: "CEST"', "cron-job-schedule-invalid"),
    ],
)  # fmt: skip
def test_the_newest_event_says_why_no_job_is_started(reason: str, message: str, code: str):
    said = event(CRON, reason, message, ago=120)
    since = event(CRON, "SuccessfulCreate", "Created job export-2", type="Normal", ago=10)

    assert codes(jobs, cron(timedelta(hours=3)), said) == [(code, CRON)]
    assert codes(jobs, said) == [(code, CRON)]  # Events alone
    assert codes(jobs, cron(timedelta(hours=3)), said, since) == []
    assert codes(jobs, cron(timedelta(minutes=1)), said) == []


def test_the_job_that_blocks_is_named():
    said = event(CRON, "JobAlreadyActive", "Not starting job because prior execution is running", ago=20)
    owner = [{"kind": "CronJob", "name": "export", "controller": True}]
    running = obj(JOB, metadata={"ownerReferences": owner}, status={"active": 1, "startTime": "2026-11-20T10:00:00Z"})

    found = next(jobs.check(snapshot(cron(concurrencyPolicy="Forbid"), running, said)))

    assert "while Job export-1 is active since 2026-11-20 10:00 UTC" in found.message
