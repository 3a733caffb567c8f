"""
Typed objects that govern others: how many Pods there should be, how many may be missing, and how large each may be.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from kfi.snapshot.objects import Condition, Kube, LabelSelector, Resource

Amount = str | int | float
POLICY_GROUPS = frozenset({"autoscaling", "policy", "scheduling.k8s.io"})
"""API groups of the kinds below; a kind of the same name in another group is another kind."""


class ScaleTarget(Kube):
    """`scaleTargetRef`."""

    kind: str = ""
    name: str = ""


class MetricAmount(Kube):
    """`target` or `current` of a metric: one of its fields is set."""

    average_utilization: int | None = None
    """Percent of the Pods' requests."""
    average_value: Amount | None = None
    value: Amount | None = None


class MetricSource(Kube):
    """What a metric measures, as the spec wants it (`target`) or as the status has it (`current`)."""

    name: str = ""
    container: str = ""
    metric: dict[str, Any] = Field(default_factory=dict)
    target: MetricAmount = MetricAmount()
    current: MetricAmount = MetricAmount()


class Metric(Kube):
    """One entry of `metrics` or `currentMetrics`."""

    type: str = ""
    resource: MetricSource | None = None
    container_resource: MetricSource | None = None
    pods: MetricSource | None = None
    object: MetricSource | None = None
    external: MetricSource | None = None

    @property
    def source(self) -> MetricSource:
        """The part that is set."""
        parts = (self.resource, self.container_resource, self.pods, self.object, self.external)
        return next((part for part in parts if part), MetricSource())

    @property
    def name(self) -> str:
        """Name of the resource or of the metric."""
        return self.source.name or str(self.source.metric.get("name", ""))


class AutoscalerSpec(Kube):
    """`spec` of a HorizontalPodAutoscaler."""

    scale_target_ref: ScaleTarget = ScaleTarget()
    min_replicas: int | None = None
    max_replicas: int | None = None
    metrics: list[Metric] = Field(default_factory=list)
    target_cpu: int | None = Field(default=None, alias="targetCPUUtilizationPercentage")


class AutoscalerStatus(Kube):
    """`status` of a HorizontalPodAutoscaler; `summary` is the TARGETS column of a table."""

    current_replicas: int | None = None
    desired_replicas: int | None = None
    current_metrics: list[Metric] = Field(default_factory=list)
    current_cpu: int | None = Field(default=None, alias="currentCPUUtilizationPercentage")
    conditions: list[Condition] = Field(default_factory=list)
    summary: str = ""


class Autoscaler(Resource):
    """A HorizontalPodAutoscaler."""

    spec: AutoscalerSpec = AutoscalerSpec()
    status: AutoscalerStatus = AutoscalerStatus()

    def condition(self, condition_type: str) -> Condition | None:
        """Give one condition by type."""
        return next((c for c in self.status.conditions if c.type == condition_type), None)


class BudgetSpec(Kube):
    """`spec` of a PodDisruptionBudget; a percentage is a string."""

    min_available: str | int | None = None
    max_unavailable: str | int | None = None
    selector: LabelSelector | None = None


class BudgetStatus(Kube):
    """`status` of a PodDisruptionBudget."""

    disruptions_allowed: int | None = None
    current_healthy: int | None = None
    desired_healthy: int | None = None
    expected_pods: int | None = None
    conditions: list[Condition] = Field(default_factory=list)


class DisruptionBudget(Resource):
    """A PodDisruptionBudget."""

    spec: BudgetSpec = BudgetSpec()
    status: BudgetStatus = BudgetStatus()


class Limit(Kube):
    """One entry of a LimitRange: the least and the most of each resource, and what is filled in."""

    type: str = ""
    min: dict[str, Amount] = Field(default_factory=dict)
    max: dict[str, Amount] = Field(default_factory=dict)
    default: dict[str, Amount] = Field(default_factory=dict)
    default_request: dict[str, Amount] = Field(default_factory=dict)


class LimitRangeSpec(Kube):
    """`spec` of a LimitRange."""

    limits: list[Limit] = Field(default_factory=list)


class LimitRange(Resource):
    """A LimitRange."""

    spec: LimitRangeSpec = LimitRangeSpec()


class QuotaSpec(Kube):
    """`spec` of a ResourceQuota."""

    hard: dict[str, Amount] = Field(default_factory=dict)
    scopes: list[str] = Field(default_factory=list)
    scope_selector: dict[str, Any] | None = None


class QuotaStatus(Kube):
    """`status` of a ResourceQuota."""

    hard: dict[str, Amount] = Field(default_factory=dict)
    used: dict[str, Amount] = Field(default_factory=dict)


class ResourceQuota(Resource):
    """A ResourceQuota."""

    spec: QuotaSpec = QuotaSpec()
    status: QuotaStatus = QuotaStatus()


class PriorityClass(Resource):
    """A PriorityClass."""

    value: int | None = None
    global_default: bool | None = None
    preemption_policy: str = ""
