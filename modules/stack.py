"""The stack every deployment is: where its state lives, how its resources are addressed, what it may not contain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cdktf import App, CloudBackend, NamedCloudWorkspace, S3Backend, TerraformElement, TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.provider import AwsProviderDefaultTags as DefaultTags
from constructs import IConstruct, Node

from config.deployment import DeploymentSettings
from config.environment import CloudStateSettings, Environment, StateSettings
from config.outputs import DeploymentOutputs
from config.settings import ROOT
from modules.adoption import adopt
from modules.naming import physical_name
from modules.refusals import Refusals
from modules.split_state import refuse_split_state
from synth.kernel import in_kernel

TERRAFORM_VERSION = (ROOT / ".terraform-version").read_text(encoding="utf-8").strip()

_ALLOCATE = """(() => {
  const addresses = new Map();
  return (element) => {
    const path = (element.node ?? element).path, words = path.split("/").slice(1);
    if (element.constructor.name === "TerraformOutput" && words.length === 1) return words[0].replace(/^output_/, "");
    const address = words.filter((word) => word !== "Default").join("_");
    const taken = addresses.get(address) ?? path;
    if (taken !== path) {
      const clash = new Error(`${taken} and ${path} would share the address ${address}: rename one of them`);
      throw Object.assign(clash, { name: "" });  // else the message would begin with it
    }
    addresses.set(address, path);
    return address;
  };
})()"""
"""The same as `DeploymentStack._allocate_logical_id`, for the kernel."""


class DeploymentStack(TerraformStack):
    """One deployment in one environment.

    State lives in the environment's bucket under the names of both, so that environments may share a bucket and a role
    may be bounded by a prefix, or in a workspace of HCP Terraform; a run that would keep it elsewhere fails before it
    changes anything. Addresses are the construct ids joined by `_`,
    without `Default`: `aws_db_instance.database`, `aws_subnet.network_private_a`.
    """

    def __init__(self, scope: App, *, deployment: str, environment: Environment, settings: DeploymentSettings) -> None:
        super().__init__(scope, f"{deployment}-{environment.name}")
        self.deployment = deployment
        self.environment = environment
        self.region = settings.region
        self.files: dict[str, bytes] = {}
        """Files the stack's folder holds beside its JSON, by relative path; whoever synthesises writes them."""
        self._addresses: dict[str, str] = {}
        self._forgotten: list[str] = []
        match environment.state:
            case StateSettings() as place:
                self._keep_state_in_s3(place)
            case CloudStateSettings() as place:
                self._keep_state_in_the_cloud(place)
        refuse_split_state(self, environment.state)
        self.add_override("terraform.required_version", f"~> {TERRAFORM_VERSION}")
        quintet = {"Project": "quintet", "Deployment": deployment, "Environment": environment.name}
        self.tags: Final[Mapping[str, str]] = {**quintet, **environment.tags, **settings.tags}
        """Every resource has them from the provider; what AWS makes of a resource, such as an instance, has not."""
        self._providers = {settings.region: self._provider("aws", settings.region, alias=None)}
        scope.node.add_validation(Refusals(scope, self.node.id))
        adopt(scope, self, settings.adopt)

    @property
    def protect_data(self) -> bool:
        """True when what holds data is protected from deletion, as the environment's settings say."""
        return self.environment.protect_data

    def physical_name(self, role: str, *, max_length: int = 63) -> str:
        """The name in AWS of the resource in `role`: `sync-storage-prod-database`."""
        return physical_name(self.deployment, self.environment.name, role, max_length=max_length)

    def provider_in(self, region: str) -> AwsProvider:
        """The provider for resources that must be in `region`, whatever the stack's own: made once, under its name."""
        if region not in self._providers:
            self._providers[region] = self._provider(f"aws_{region.replace('-', '_')}", region, alias=region)
        return self._providers[region]

    def output(self, name: str, value: str | float, *, description: str) -> None:
        """Offers `value` to operators and to day-2 commands as the Terraform output `name`."""
        TerraformOutput(self, f"output_{name}", value=value, description=description)

    def offer(self, outputs: DeploymentOutputs) -> None:
        """Creates a Terraform output of every field that is not None; the field's docstring is the description."""
        for name, field in type(outputs).model_fields.items():
            if (value := getattr(outputs, name)) is not None:
                self.output(name, value, description=(field.description or "").rstrip("."))

    def add_file(self, name: str, content: bytes) -> str:
        """Puts a file into the stack's folder, where Terraform runs, and returns its path.

        Raises ValueError when `name` is taken by other content.
        """
        if self.files.setdefault(name, content) != content:
            raise ValueError(f"two files of {self.node.id} would be called {name}")
        return name

    def forget(self, address: str) -> None:
        """Lets states that still have the resource at `address` forget it; AWS keeps it."""
        self._forgotten.append(address)
        blocks = [{"from": each, "lifecycle": {"destroy": False}} for each in sorted(self._forgotten)]
        self.add_override("removed", blocks)

    @staticmethod
    def of_construct(construct: IConstruct) -> DeploymentStack:
        """The deployment stack that `construct` stands in. Raises TypeError outside of one."""
        stack = TerraformStack.of(construct)
        if not isinstance(stack, DeploymentStack):
            raise TypeError(f"{construct.node.path} does not stand in a DeploymentStack")
        return stack

    def _provider(self, id_: str, region: str, *, alias: str | None) -> AwsProvider:
        return AwsProvider(
            self,
            id_,
            region=region,
            alias=alias,
            allowed_account_ids=[self.environment.account_id],
            default_tags=[DefaultTags(tags=self.tags)],
        )

    def _keep_state_in_s3(self, state: StateSettings) -> None:
        S3Backend(
            self,
            bucket=state.bucket,
            key=f"{self.environment.name}/{self.deployment}/terraform.tfstate",
            region=state.region,
            encrypt=True,
            dynamodb_table=None if state.locking == "lockfile" else state.lock_table,
        )
        self.add_override("terraform.backend.s3.allowed_account_ids", [self.environment.account_id])
        if state.locking != "dynamodb":
            self.add_override("terraform.backend.s3.use_lockfile", True)

    def _keep_state_in_the_cloud(self, state: CloudStateSettings) -> None:
        workspace = state.workspace(self.deployment, self.environment.name)
        CloudBackend(
            self,
            hostname=state.hostname,
            organization=state.organization,
            workspaces=NamedCloudWorkspace(name=workspace),
        )

    @in_kernel(_ALLOCATE)
    def _allocate_logical_id(self, tf_element: Node | TerraformElement) -> str:
        path = tf_element.path if isinstance(tf_element, Node) else tf_element.to_string()
        words = path.split("/")[1:]
        if isinstance(tf_element, TerraformOutput) and len(words) == 1:  # apart from the addresses of resources
            return words[0].removeprefix("output_")
        address = "_".join(word for word in words if word != "Default")
        taken = self._addresses.setdefault(address, path)
        if taken != path:
            raise ValueError(f"{taken} and {path} would share the address {address}: rename one of them")
        return address
