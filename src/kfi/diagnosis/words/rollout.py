"""
What a person reads of rollouts that do not get on, of StatefulSets' order, and of Jobs and CronJobs.
"""

from __future__ import annotations

from kfi.diagnosis.catalogue import Layer, Rule
from kfi.models.schemas import Role

_DESCRIBE = "kubectl describe {kind} {name} -n {namespace}"

ROLLOUT_STUCK = Rule(
    code="rollout-stuck",
    title="Rollout made no progress before its deadline",
    layer=Layer.SYMPTOM,
    role=Role.SYMPTOM,
    meaning=(
        "The Pods of the new ReplicaSet do not become ready, so the Deployment keeps the old ones and reports "
        "ProgressDeadlineExceeded. That is no reason of its own: the new Pods have it. Nothing is rolled back."
    ),
    confirm=_DESCRIBE,
    fix=(
        "Follow the finding of the new Pods, or what refuses to create them.",
        "To serve from the last good revision meanwhile: kubectl rollout undo deployment/{name} -n {namespace}.",
    ),
)
ROLLOUT_PAUSED = Rule(
    code="rollout-paused",
    title="Deployment is paused with a change that is not rolled out",
    layer=Layer.CONFIG,
    meaning=(
        "spec.paused stops a Deployment from rolling out changes of its template. Its template was changed since, and "
        "its Pods are still those of the older one."
    ),
    confirm="kubectl get deployment {name} -n {namespace} -o jsonpath={.spec.paused}",
    fix=("Resume it when the change may go out: kubectl rollout resume deployment/{name} -n {namespace}.",),
)
STATEFUL_SET_WAITS = Rule(
    code="statefulset-waits-for-ordinal",
    title="The StatefulSet waits for a Pod of lower number",
    layer=Layer.SYMPTOM,
    role=Role.SYMPTOM,
    meaning=(
        "With podManagementPolicy OrderedReady, which is the default, a StatefulSet makes a Pod only when all Pods of "
        "lower number are ready. One of them is not, so the others do not exist."
    ),
    confirm="kubectl get pods -n {namespace} -o wide",
    fix=("Follow the finding of the Pod that it waits for.",),
)
STATEFUL_SET_PARALLEL = Rule(
    code="statefulset-parallel-start",
    title="The StatefulSet starts its Pods in parallel and they fail to form their cluster",
    layer=Layer.CONFIG,
    meaning=(
        "With podManagementPolicy Parallel all Pods start and restart at once, in no order. Software that expects its "
        "first member before the others can then disagree about its leader or find no quorum. The Pods' own words "
        "point to that here; they do not prove it."
    ),
    confirm="kubectl get statefulset {name} -n {namespace} -o jsonpath={.spec.podManagementPolicy}",
    fix=(
        "Use podManagementPolicy OrderedReady, so that each Pod starts when those of lower number are ready; the field "
        "cannot be changed, so recreate the StatefulSet with kubectl delete --cascade=orphan, which keeps the Pods.",
        "If the software is made for a parallel start, let its members find each other before they are ready: "
        "publishNotReadyAddresses on the headless Service.",
    ),
)
JOB_DEADLINE_EXCEEDED = Rule(
    code="job-deadline-exceeded",
    title="Job was stopped because it ran longer than it may",
    layer=Layer.CRASH,
    meaning=(
        "activeDeadlineSeconds limits how long a Job may take, all retries and waiting for a node included. When it is "
        "over, Kubernetes ends its Pods and calls the Job failed, whatever it had done so far."
    ),
    confirm="kubectl describe job {name} -n {namespace}",
    fix=(
        "See why it takes so long: Pods that waited or failed, more data than before, a slow dependency.",
        "Raise activeDeadlineSeconds if the work needs that long, and create the Job anew.",
    ),
)
CRON_JOB_SUSPENDED = Rule(
    code="cron-job-suspended",
    title="The CronJob is suspended",
    layer=Layer.CONFIG,
    meaning=(
        "suspend: true stops a CronJob from starting Jobs; it makes no Event. It ran before, so somebody stopped it, "
        "perhaps only for a time."
    ),
    confirm="kubectl get cronjob {name} -n {namespace}",
    fix=(
        'If it is meant to run: kubectl patch cronjob {name} -n {namespace} -p \'{"spec":{"suspend":false}}\'.',
        "Starts that were missed meanwhile may follow at once: check startingDeadlineSeconds first.",
    ),
)
CRON_JOB_START_MISSED = Rule(
    code="cron-job-start-missed",
    title="The CronJob missed its start",
    layer=Layer.APPLICATION,
    meaning=(
        "A Job that cannot be started within startingDeadlineSeconds of its time is left out. Without that field, a "
        "CronJob of an old cluster that missed more than a hundred starts, by a long suspension or a controller that "
        "was down, starts no more."
    ),
    confirm=_DESCRIBE,
    fix=(
        "Set startingDeadlineSeconds, long enough for the controller to be late and shorter than a hundred periods.",
        "Check that kube-controller-manager runs and that its clock is right.",
    ),
)
CRON_JOB_BLOCKED = Rule(
    code="cron-job-blocked",
    title="The CronJob starts no Job because an older one still runs",
    layer=Layer.APPLICATION,
    meaning=(
        "With concurrencyPolicy Forbid a CronJob leaves a start out as long as the Job of an earlier one is not done. "
        "A Job that hangs, or whose Pod never starts, stops all that come after it."
    ),
    confirm="kubectl get jobs -n {namespace}",
    fix=(
        "Find out why the older Job does not end, and delete it if it hangs.",
        "Give the Job template activeDeadlineSeconds, so that one that hangs is ended.",
    ),
)
CRON_JOB_INVALID = Rule(
    code="cron-job-schedule-invalid",
    title="The CronJob's schedule or time zone cannot be read",
    layer=Layer.CONFIG,
    meaning="The controller cannot compute when the CronJob is due, so it never starts a Job.",
    confirm=_DESCRIBE,
    fix=("Correct spec.schedule (five fields, no time zone in it) and spec.timeZone (a name such as Europe/Berlin).",),
)
