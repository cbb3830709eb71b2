"""CloudWatch: PutCompositeAlarm is missing, though moto's alarms know rules (`aws_cloudwatch_composite_alarm`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.cloudwatch.responses import CloudWatchResponse

from emulator.gap import Gap

if TYPE_CHECKING:
    from moto.core.responses import ActionResult

GAP = Gap("cloudwatch")


@GAP.action(CloudWatchResponse)
def put_composite_alarm(self: CloudWatchResponse) -> ActionResult:
    return self.put_metric_alarm()
