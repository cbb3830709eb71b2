"""IAM: ListServiceSpecificCredentials is missing, which `aws_iam_user` with `force_destroy` asks for before it goes."""

from __future__ import annotations

from moto.core.responses import ActionResult
from moto.iam.responses import IamResponse

from emulator.gap import Gap

GAP = Gap("iam")


@GAP.action(IamResponse)
def list_service_specific_credentials(self: IamResponse) -> ActionResult:
    """None: nothing here can make one. Raises as AWS does for a user who is not there."""
    self.backend.get_user(self._get_param("UserName"))
    return ActionResult({"ServiceSpecificCredentials": []})
