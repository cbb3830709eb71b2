"""IAM.

* ListServiceSpecificCredentials is missing, which `aws_iam_user` with `force_destroy` asks for before it goes
* a key that a caller with the right to run code creates has that right as well (`emulator.code_rights`)
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.iam.models import AccessKey
from moto.iam.responses import IamResponse

from emulator.code_rights import RIGHTS, caller_may_run_code
from emulator.gap import Gap

GAP = Gap("iam")


@GAP.action(IamResponse)
def list_service_specific_credentials(self: IamResponse) -> ActionResult:
    """None: nothing here can make one. Raises as AWS does for a user who is not there."""
    self.backend.get_user(self._get_param("UserName"))
    return ActionResult({"ServiceSpecificCredentials": []})


@GAP.around(AccessKey, "__init__")
def key_with_the_right_of_its_maker(original: Any, key: AccessKey, *args: Any, **kwargs: Any) -> None:
    original(key, *args, **kwargs)
    if caller_may_run_code():
        RIGHTS.include(key.access_key_id)
