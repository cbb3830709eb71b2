"""Provisioned DynamoDB capacity that follows its use."""

from __future__ import annotations

from typing import Literal

from cdktf_cdktf_provider_aws.appautoscaling_policy import (
    AppautoscalingPolicy,
)
from cdktf_cdktf_provider_aws.appautoscaling_policy import (
    AppautoscalingPolicyTargetTrackingScalingPolicyConfiguration as TargetTracking,
)
from cdktf_cdktf_provider_aws.appautoscaling_policy import (
    AppautoscalingPolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecification as PredefinedMetric,
)
from cdktf_cdktf_provider_aws.appautoscaling_target import AppautoscalingTarget
from constructs import Construct

from config.components import ProvisionedCapacity


class TableAutoscaling(Construct):
    """Keeps reads and writes of a table, or of one of its indexes, at a share of what is provisioned."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        resource_id: str,
        kind: Literal["table", "index"],
        capacity: ProvisionedCapacity,
    ) -> None:
        super().__init__(scope, id_)
        self._resource_id = resource_id
        self._kind = kind
        self._target_percent = capacity.target_utilization_percent
        self._follow("read", capacity.min_read_capacity, capacity.max_read_capacity)
        self._follow("write", capacity.min_write_capacity, capacity.max_write_capacity)

    def _follow(self, what: Literal["read", "write"], least: int, most: int) -> None:
        unit = what.title()
        target = AppautoscalingTarget(
            self,
            f"{what}_target",
            service_namespace="dynamodb",
            resource_id=self._resource_id,
            scalable_dimension=f"dynamodb:{self._kind}:{unit}CapacityUnits",
            min_capacity=least,
            max_capacity=most,
        )
        AppautoscalingPolicy(
            self,
            f"{what}_policy",
            name=f"{what}-utilization",
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            resource_id=target.resource_id,
            scalable_dimension=target.scalable_dimension,
            target_tracking_scaling_policy_configuration=TargetTracking(
                target_value=self._target_percent,
                predefined_metric_specification=PredefinedMetric(
                    predefined_metric_type=f"DynamoDB{unit}CapacityUtilization"
                ),
            ),
        )
