"""IAM: what is asked of a user before it goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Aws = Callable[..., Any]


def test_a_user_has_no_service_specific_credentials(aws: Aws) -> None:
    iam = aws("iam")
    iam.create_user(UserName="storage")
    assert iam.list_service_specific_credentials(UserName="storage")["ServiceSpecificCredentials"] == []
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.list_service_specific_credentials(UserName="nobody")
