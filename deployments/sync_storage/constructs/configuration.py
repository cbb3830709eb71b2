"""Values from which webheads render their files: looked up while they run, never edited into files."""

from __future__ import annotations

from typing import Final

from constructs import Construct

from modules.access import Grantable
from modules.memcached import Memcached
from modules.parameter import Parameter
from modules.policy import allow, document
from modules.secret import Secret
from modules.stack import DeploymentStack


class Configuration(Construct):
    """The cache's address, the nodes' entries, and the secrets of both kinds, by names that begin alike.

    A further node is a further name: neither the webheads' role nor their user data changes for it.
    """

    def __init__(self, scope: Construct, id_: str, *, application_user: str) -> None:
        super().__init__(scope, id_)
        self._stack = DeploymentStack.of_construct(self)
        environment = self._stack.environment.name
        self.path: Final[str] = f"/{self._stack.deployment}/{environment}"
        """Below which all parameters stand."""
        self.nodes_path: Final[str] = f"{self.path}/nodes"
        self.secret_prefix: Final[str] = self._stack.physical_name("master-secrets-")
        """Beginning of the names of secrets with the nodes' master secrets; the node's name follows."""
        self.entries: Final[list[str]] = []
        """Addresses of what webheads look up while they boot."""
        self.application_secret: Final[Secret] = Secret(
            self,
            "application_user",
            name=self._stack.physical_name("application-user"),
            description=f"Who webheads are for the nodes: {application_user} and the password",
        )

    def name_cache(self, cache: Memcached) -> None:
        """Makes the cache's address known."""
        parameter = Parameter(
            self,
            "cache",
            name=f"{self.path}/cache",
            description="The cache webheads share, as host:port",
            value=f"{cache.address}:{cache.port}",
        )
        self.entries.append(parameter.address)

    def grant_read_nodes(self, grantee: Grantable) -> None:
        """Lets `grantee` read the nodes' entries."""
        place = f"{self._stack.region}:{self._stack.environment.account_id}"
        entries = [f"arn:aws:ssm:{place}:parameter{self.nodes_path}"]
        policy = document(allow("ReadNodes", actions=["ssm:GetParametersByPath"], resources=entries))
        grantee.attach_policy(self, f"nodes_read_by_{grantee.grantee_role}", policy)

    def grant_read(self, grantee: Grantable) -> None:
        """Lets `grantee` read all of it."""
        place = f"{self._stack.region}:{self._stack.environment.account_id}"
        grantee.attach_policy(
            self,
            f"read_by_{grantee.grantee_role}",
            document(
                allow(
                    "ReadParameters",
                    actions=["ssm:GetParameter", "ssm:GetParametersByPath"],
                    resources=[f"arn:aws:ssm:{place}:parameter{self.path}/*"],
                ),
                allow(
                    "ReadSecrets",
                    actions=["secretsmanager:GetSecretValue"],
                    resources=[
                        self.application_secret.arn,
                        f"arn:aws:secretsmanager:{place}:secret:{self.secret_prefix}*",
                    ],
                ),
                # only gathers: each value needs the statement above as well
                allow("ReadSeveralAtOnce", actions=["secretsmanager:BatchGetSecretValue"], resources=["*"]),
            ),
        )
