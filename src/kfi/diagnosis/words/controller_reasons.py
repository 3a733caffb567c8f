"""
What the words mean that controllers print of workloads, claims, routes, autoscalers and namespaces.

Source of the names: `pkg/controller`, `k8s.io/api`, the external CSI sidecars, Gateway API; releases 1.25 to 1.34.
"""

from __future__ import annotations

from kfi.diagnosis.words.kubernetes import words

_REFUSED = (
    "quota-exceeded limit-range-violated missing-service-account pod-security-violated admission-denied webhook-failing"
)

OF_WORKLOADS = words(
    ("FailedCreate", _REFUSED,
     "Of the controller of a ReplicaSet, StatefulSet, DaemonSet or Job: the API server refused to create a Pod (or "
     "claim) for it; the message says why: quota, limits, a missing ServiceAccount, policy, or a webhook."),
    ("FailedDelete", "object-stuck-deleting", "Of a controller: it could not delete a Pod or Job of its own."),
    ("SuccessfulCreate", "", "Of a controller: it created a Pod or Job."),
    ("SuccessfulDelete", "", "Of a controller: it deleted a Pod or Job."),
    ("ReplicaFailure", _REFUSED, "A condition of Deployments and ReplicaSets: Pods cannot be created or deleted."),
    ("ReplicaSetCreateError", "admission-denied quota-exceeded",
     "The reason of a Deployment's Progressing=False: its new ReplicaSet could not be created."),
    ("ScalingReplicaSet", "",
     "Of the Deployment controller: it changes the size of a ReplicaSet, as in every rollout."),
    ("ProgressDeadlineExceeded", "rollout-stuck",
     "The reason of a Deployment's Progressing=False: no new Pod became available for progressDeadlineSeconds (600). "
     "The rollout goes on; nothing is rolled back by itself."),
    ("MinimumReplicasUnavailable", "workload-unavailable",
     "The reason of a Deployment's Available=False: fewer Pods are available than its strategy must keep."),
    ("MinimumReplicasAvailable", "", "The reason of a Deployment's Available=True."),
    ("NewReplicaSetAvailable", "", "The reason of a Deployment's Progressing=True: the last rollout was completed."),
    ("ReplicaSetUpdated", "", "The reason of a Deployment's Progressing=True: a rollout is going on."),
    ("DeploymentPaused", "rollout-paused", "The reason of Progressing=Unknown: the Deployment was paused."),
    ("SelectingAll", "workload-selector-mismatch", "Of a controller: the selector is empty and would match every Pod."),
    ("FailedDaemonPod", "container-crash pod-evicted",
     "Of the DaemonSet controller: a Pod of it failed and is replaced."),
    ("RecreatingFailedPod", "container-crash", "Of the StatefulSet controller: it replaces a Pod that failed."),
    ("BackoffLimitExceeded", "job-failed",
     "The reason of a failed Job: its Pods failed more often than backoffLimit (6) allows; those still running are "
     "ended. The Pods' own logs and exit codes say why they failed."),
    ("DeadlineExceeded", "job-deadline-exceeded",
     "The reason of a failed Job, or Pod: it ran longer than its activeDeadlineSeconds and was ended. (Of a "
     "Deployment the word is ProgressDeadlineExceeded.)"),
    ("PodFailurePolicy", "job-failed",
     "The reason of a failed Job: a Pod failed in a way its podFailurePolicy ends it for."),
    ("FailedIndexes", "job-failed", "The reason of a failed Job: some of its indexes failed for good."),
    ("MaxFailedIndexesExceeded", "job-failed", "The reason of a failed Job: more indexes failed than it allows."),
    ("TooManyMissedTimes", "cron-job-start-missed",
     "Of the CronJob controller: more than 100 starts were missed, as after a long stop; set startingDeadlineSeconds."),
    ("MissSchedule", "cron-job-start-missed",
     "Of the CronJob controller: a start was missed for longer than startingDeadlineSeconds, and is left out."),
    ("JobAlreadyActive", "cron-job-blocked",
     "Of the CronJob controller: concurrencyPolicy is Forbid and the last Job still runs, so none is started."),
    ("InvalidSchedule", "cron-job-schedule-invalid",
     "Of the CronJob controller: no next time follows from the schedule."),
    ("UnparseableSchedule", "cron-job-schedule-invalid", "Of the CronJob controller: the schedule cannot be read."),
    ("UnParseableCronJobSchedule", "cron-job-schedule-invalid",
     "Of the CronJob controller: the schedule, as just changed, cannot be read."),
    ("FailedNeedsStart", "cron-job-start-missed",
     "Of the CronJob controller (before 1.21): it could not work out whether a start is due."),
    ("UnknownTimeZone", "cron-job-schedule-invalid", "Of the CronJob controller: it does not know the timeZone."),
    ("SawCompletedJob", "", "Of the CronJob controller: a Job of it has ended."),
)  # fmt: skip

OF_SCALING = words(
    ("FailedGetResourceMetric", "hpa-metrics-unavailable hpa-missing-requests",
     "Of the HorizontalPodAutoscaler: CPU or memory of its Pods could not be read: no metrics server, no sample of "
     "these Pods yet, or a share of requests that they do not set."),
    ("FailedGetContainerResourceMetric", "hpa-metrics-unavailable hpa-missing-requests",
     "Of the HorizontalPodAutoscaler: the same for one container of the Pods."),
    ("FailedGetPodsMetric", "hpa-metrics-unavailable",
     "Of the HorizontalPodAutoscaler: a custom metric is not served."),
    ("FailedGetObjectMetric", "hpa-metrics-unavailable",
     "Of the HorizontalPodAutoscaler: a custom metric is not served."),
    ("FailedGetExternalMetric", "hpa-metrics-unavailable",
     "Of the HorizontalPodAutoscaler: an external metric is not served."),
    ("FailedComputeMetricsReplicas", "hpa-metrics-unavailable hpa-missing-requests",
     "Of the HorizontalPodAutoscaler: none of its metrics could be read, so it changes nothing."),
    ("FailedGetScale", "hpa-target-missing", "Of the HorizontalPodAutoscaler: what it is to scale cannot be found."),
    ("FailedUpdateScale", "workload-not-scaled", "Of the HorizontalPodAutoscaler: the target's size could not be set."),
    ("FailedRescale", "workload-not-scaled", "Of the HorizontalPodAutoscaler: the target's size could not be set."),
    ("SuccessfulRescale", "", "Of the HorizontalPodAutoscaler: it changed the target's size."),
    ("AmbiguousSelector", "hpa-conflict",
     "Of the HorizontalPodAutoscaler: another one controls Pods of the same labels."),
    ("InvalidSelector", "hpa-target-missing", "Of the HorizontalPodAutoscaler: the target's selector cannot be used."),
    ("ScalingDisabled", "deployment-zero-replicas",
     "The reason of ScalingActive=False: the target is at zero replicas, which the autoscaler leaves alone."),
    ("ScalingLimited", "hpa-at-maximum",
     "A condition of autoscalers: what they wanted was cut to minReplicas or maxReplicas."),
    ("TooManyReplicas", "hpa-at-maximum", "The reason of ScalingLimited: more were wanted than maxReplicas."),
    ("TooFewReplicas", "", "The reason of ScalingLimited: fewer were wanted than minReplicas."),
    ("ScalingActive", "hpa-metrics-unavailable", "A condition of autoscalers: whether they can compute a size."),
    ("AbleToScale", "hpa-target-missing",
     "A condition of autoscalers: whether they can read and set the target's size."),
    ("DisruptionAllowed", "eviction-blocked", "A condition of PodDisruptionBudgets: whether a Pod may be evicted now."),
    ("InsufficientPods", "eviction-blocked",
     "The reason of DisruptionAllowed=False: as many Pods are healthy as must be, or fewer."),
    ("DisruptionBlocked", "eviction-blocked", "Of Karpenter: it may not remove a node; the message says for whom."),
)  # fmt: skip

OF_STORAGE = words(
    ("FailedBinding", "claim-unbound claim-storage-class-missing claim-capacity-mismatch",
     "Of the volume controller: no volume matches the claim, and no storage class makes one for it."),
    ("WaitForFirstConsumer", "",
     "Of the volume controller: the storage class waits until a Pod that uses the claim is scheduled. Normal for a "
     "claim that nobody uses yet."),
    ("WaitForPodScheduled", "unschedulable", "Of the volume controller: the claim waits for its Pod to get a node."),
    ("ExternalProvisioning", "provisioning-failed",
     "Of the volume controller: it waits for the provisioner to make the volume; one that lasts means that the "
     "provisioner does not run or does not get it done."),
    ("Provisioning", "", "Of a provisioner: it begins to make the volume."),
    ("ProvisioningFailed", "provisioning-failed claim-storage-class-missing",
     "Of a provisioner or the volume controller: the volume could not be made, or its storage class is not there."),
    ("ClaimLost", "claim-lost", "Of the volume controller: the claim's volume is gone, and the data with it."),
    ("ClaimMisbound", "claim-volume-taken", "Of the volume controller: the claim's volume belongs to another claim."),
    ("VolumeMismatch", "claim-capacity-mismatch claim-access-mode-mismatch claim-volume-mode-mismatch",
     "Of the volume controller: the volume that the claim names does not have the size, class or modes it asks for."),
    ("VolumeFailedDelete", "object-stuck-deleting",
     "Of the volume controller: a released volume could not be deleted."),
    ("VolumeResizeFailed", "volume-full", "The volume could not be made larger."),
    ("FileSystemResizeFailed", "volume-full", "Of the kubelet: the volume is larger, its file system could not be."),
    ("FileSystemResizeRequired", "", "The volume is larger; its file system grows when a Pod mounts it."),
    ("Bound", "", "A phase of claims and volumes: they belong to each other."),
    ("Lost", "claim-lost", "A phase of claims: the volume that it was bound to is gone."),
    ("Released", "claim-volume-taken",
     "A phase of volumes: the claim was deleted, and nobody may use the volume until its claimRef is removed."),
    ("Available", "",
     "A phase of volumes: free for a claim. As a condition of Deployments: enough Pods are available."),
)  # fmt: skip

OF_NETWORK = words(
    ("SyncLoadBalancerFailed", "service-unreachable",
     "Of the service controller: the cloud did not give a load balancer."),
    ("FailedToUpdateEndpoint", "service-no-ready-endpoints",
     "Of the endpoints controller: Endpoints were not written."),
    ("FailedToUpdateEndpointSlices", "service-no-ready-endpoints",
     "Of the endpoint slice controller: the slices of a Service could not be written."),
    ("BackendNotFound", "route-backend-missing", "The reason of a route's ResolvedRefs=False: a Service is not there."),
    ("RefNotPermitted", "reference-not-granted",
     "The reason of ResolvedRefs=False: it leads into another namespace, and no ReferenceGrant there allows it."),
    ("ResolvedRefs", "route-backend-missing reference-not-granted",
     "A condition of Gateway API: whether everything that a route or listener names was found and may be used."),
    ("Accepted", "route-not-accepted", "A condition of Gateway API: whether the gateway takes the route (or itself)."),
    ("Programmed", "route-not-accepted", "A condition of Gateway API: whether the gateway's data plane was set up."),
    ("NoMatchingParent", "route-not-accepted", "The reason of Accepted=False: no listener has that name or port."),
    ("NotAllowedByListeners", "route-not-accepted",
     "The reason of Accepted=False: the listeners take no routes of this namespace or kind."),
    ("NoMatchingListenerHostname", "route-not-accepted",
     "The reason of Accepted=False: no listener has a host name that the route's match."),
    ("InvalidCertificateRef", "tls-secret-missing",
     "The reason of a listener's ResolvedRefs=False: its Secret is wrong."),
)  # fmt: skip

OF_API = words(
    ("Forbidden", "rbac-forbidden quota-exceeded admission-denied",
     "The API server's answer 403: who asked is known, and may not do that (RBAC), or admission refused the object."),
    ("Unauthorized", "image-pull-unauthorized rbac-forbidden",
     "The answer 401: who asks is not known; the token or password is missing, wrong or expired."),
    ("exceeded quota", "quota-exceeded quota-cpu-exceeded quota-memory-exceeded quota-pods-exceeded",
     "Words of the API server's refusal: the new object would take the namespace beyond a ResourceQuota; the message "
     "says what is requested, used and allowed."),
    ("failed calling webhook", "webhook-failing webhook-certificate-invalid",
     "Words of the API server's refusal: an admission webhook could not be asked, and its failurePolicy is Fail."),
    ("violates PodSecurity", "pod-security-violated",
     "Words of the API server's refusal: the Pod breaks the Pod security level that its namespace enforces."),
    ("FailedDiscoveryCheck", "api-service-unavailable",
     "The reason of an APIService's Available=False: what serves that part of the API does not answer."),
    ("MissingEndpoints", "api-service-unavailable",
     "The reason of an APIService's Available=False: its Service has no ready Pod."),
    ("ServiceNotFound", "api-service-unavailable service-missing",
     "The reason of an APIService's Available=False: its Service does not exist."),
    ("NamespaceDeletionDiscoveryFailure", "namespace-stuck-terminating api-service-unavailable",
     "A condition of namespaces: part of the API does not answer, so nobody knows what is left to delete."),
    ("NamespaceDeletionContentFailure", "namespace-stuck-terminating",
     "A condition of namespaces: deleting what is in it failed."),
    ("NamespaceContentRemaining", "namespace-stuck-terminating", "A condition of namespaces: objects are still in it."),
    ("NamespaceFinalizersRemaining", "namespace-stuck-terminating object-stuck-deleting",
     "A condition of namespaces: objects in it have finalizers that nobody removes."),
    ("SomeResourcesRemain", "namespace-stuck-terminating", "The reason of NamespaceContentRemaining=True."),
    ("SomeFinalizersRemain", "namespace-stuck-terminating", "The reason of NamespaceFinalizersRemaining=True."),
)  # fmt: skip
