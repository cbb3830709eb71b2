"""The one thing operators let webheads do."""

from __future__ import annotations

import json
from typing import Final

from cdktf_cdktf_provider_aws.ssm_document import SsmDocument
from constructs import Construct

TIMEOUT_SECONDS = 600


class RenderCommand(Construct):
    """A Run Command document that has webheads render their files anew and reload what changed; it takes no arguments.

    Whoever may send it alone cannot run anything else on them.
    """

    def __init__(self, scope: Construct, id_: str, *, name: str) -> None:
        super().__init__(scope, id_)
        step = {
            "action": "aws:runShellScript",
            "name": "render",
            "inputs": {
                "timeoutSeconds": str(TIMEOUT_SECONDS),
                "runCommand": ["/usr/local/sbin/syncstorage-render --reload"],
            },
        }
        content = {"schemaVersion": "2.2", "description": "Render and reload a webhead", "mainSteps": [step]}
        document = SsmDocument(
            self,
            "Default",
            name=name,
            document_type="Command",
            document_format="JSON",
            target_type="/AWS::EC2::Instance",
            content=json.dumps(content),
        )
        self.name: Final[str] = document.name
