"""
Typed workloads: what makes Pods, and the revisions of their templates.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from pydantic import Field

from kfi.snapshot.objects import Condition, Kube, LabelSelector, Resource
from kfi.snapshot.pod import PodTemplate

_REVISION = re.compile(r"\d{1,9}", re.ASCII)


class WorkloadSpec(Kube):
    """`spec` of Deployment, ReplicaSet, StatefulSet, DaemonSet, Job; fields a kind lacks stay unset."""

    replicas: int | None = None
    selector: LabelSelector = LabelSelector()
    template: PodTemplate = PodTemplate()
    paused: bool = False
    service_name: str = ""
    volume_claim_templates: list[dict[str, Any]] = Field(default_factory=list)
    progress_deadline_seconds: int | None = None
    backoff_limit: int | None = None
    active_deadline_seconds: int | None = None
    completions: int | None = None
    parallelism: int | None = None
    suspend: bool = False
    pod_management_policy: str = ""


class WorkloadStatus(Kube):
    """`status` of the same kinds."""

    replicas: int | None = None
    ready_replicas: int | None = None
    available_replicas: int | None = None
    unavailable_replicas: int | None = None
    updated_replicas: int | None = None
    desired_number_scheduled: int | None = None
    number_ready: int | None = None
    observed_generation: int | None = None
    active: int | None = None
    succeeded: int | None = None
    failed: int | None = None
    start_time: datetime | None = None
    completion_time: datetime | None = None
    current_revision: str = ""
    update_revision: str = ""
    """Names of ControllerRevisions: of the Pods that still run, and of the present template (StatefulSet)."""
    kfi_new_replica_set: list[dict[str, Any]] = Field(default_factory=list)
    """The ReplicaSet of the present template, as `describe` of a Deployment names it."""
    conditions: list[Condition] = Field(default_factory=list)


class Workload(Resource):
    """Deployment, ReplicaSet, StatefulSet, DaemonSet, ReplicationController or Job."""

    spec: WorkloadSpec = WorkloadSpec()
    status: WorkloadStatus = WorkloadStatus()

    def condition(self, condition_type: str) -> Condition | None:
        """Give one condition by type."""
        return next((c for c in self.status.conditions if c.type == condition_type), None)

    @property
    def revision(self) -> int | None:
        """Which revision of its Deployment it is at, or, for a ReplicaSet, was made for; None where no text says."""
        shown = self.metadata.annotations.get("deployment.kubernetes.io/revision", "")
        return int(shown) if _REVISION.fullmatch(shown) else None

    @property
    def desired(self) -> int | None:
        """How many Pods should be ready, where the text said so."""
        if self.kind == "DaemonSet":
            return self.status.desired_number_scheduled
        return self.spec.replicas

    @property
    def ready_count(self) -> int:
        """How many Pods are ready (the API leaves a zero out)."""
        return (self.status.number_ready if self.kind == "DaemonSet" else self.status.ready_replicas) or 0


class RevisionSpec(Kube):
    """`data.spec` of a ControllerRevision."""

    template: PodTemplate | None = None


class RevisionData(Kube):
    """`data` of a ControllerRevision: what of the workload the revision keeps."""

    spec: RevisionSpec = RevisionSpec()


class ControllerRevision(Resource):
    """A ControllerRevision: one state of a StatefulSet's or DaemonSet's template."""

    revision: int | None = None
    data: RevisionData = RevisionData()

    @property
    def template(self) -> PodTemplate | None:
        """The Pod template of this revision, or None where the text did not show it."""
        return self.data.spec.template


class JobTemplate(Kube):
    """`spec.jobTemplate`."""

    spec: WorkloadSpec = WorkloadSpec()


class CronJobSpec(Kube):
    """`spec` of a CronJob."""

    schedule: str = ""
    suspend: bool = False
    concurrency_policy: str = ""
    starting_deadline_seconds: int | None = None
    job_template: JobTemplate = JobTemplate()


class CronJobStatus(Kube):
    """`status` of a CronJob."""

    last_schedule_time: datetime | None = None
    last_successful_time: datetime | None = None


class CronJob(Resource):
    """A CronJob."""

    spec: CronJobSpec = CronJobSpec()
    status: CronJobStatus = CronJobStatus()
