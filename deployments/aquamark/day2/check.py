"""Checks of an Aquamark, from outside and from its own hosts."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployments.aquamark.day2.admin_login import default_login_works
from operations.aws import refusals_explained
from operations.errors import OperatorError

if TYPE_CHECKING:
    from deployments.aquamark.day2.site import Site

UP = "Web services are UP"


@dataclass(frozen=True)
class SiteFinding:
    """One thing that was looked at."""

    name: str
    fine: bool
    said: str


@dataclass(frozen=True)
class SiteCheck:
    """Looks at everything, whatever else fails. `url` is asked in place of the stack's own when given."""

    site: Site
    url: str | None = None

    def run(self) -> list[SiteFinding]:
        """Every finding. Raises OperatorError when the stack is not applied."""
        with refusals_explained():
            self.site.outputs()
        looks = {
            "ping": self._ping,
            "login page": self._login_page,
            "default login": self._default_login,
            "web": self._web,
            "daemons": self._daemons,
            "storage key": self._storage_key,
            "database": self._database,
        }
        return [self._look(name, look) for name, look in looks.items()]

    def _look(self, name: str, look: Callable[[], str]) -> SiteFinding:
        try:
            with refusals_explained():
                return SiteFinding(name, fine=True, said=look())
        except (OperatorError, OSError) as error:
            return SiteFinding(name, fine=False, said=str(error).splitlines()[0])

    def _address(self) -> str:
        return self.url or self.site.outputs().url

    def _ping(self) -> str:
        with urllib.request.urlopen(f"{self._address()}/ping", timeout=20) as answer:  # noqa: S310 - the stack's or the operator's own URL
            said: str = answer.read(200).decode(errors="replace").strip()
        return _demand(said == UP, said, f"/ping says {said!r}, not {UP!r}")

    def _login_page(self) -> str:
        """Looks for what /ping does not show: templates and the files that they name, which are read here first."""
        page = f"{self._address()}/login/"
        try:
            with urllib.request.urlopen(page, timeout=20) as answer:  # noqa: S310 - the stack's or the operator's own URL
                return f"answers {answer.status}"
        except urllib.error.HTTPError as answer:
            raise OperatorError(f"/login/ answers {answer.code} although /ping may be fine: read the log") from None

    def _default_login(self) -> str:
        works = default_login_works(self._address())
        return _demand(not works, "turned away", "admin signs in with the password admin: change it now")

    def _web(self) -> str:
        outputs = self.site.outputs()
        groups, targets = self.site.web_groups(), self.site.targets()
        current = outputs.web_group
        others = sorted(set(groups) - {current})
        mine = {instance["InstanceId"] for instance in groups.get(current, {}).get("Instances", [])}
        ill = sorted(instance for instance, state in targets.items() if state != "healthy")
        strangers = sorted(set(targets) - mine)
        _demand(not others, "", f"groups of other versions are left: {', '.join(others)}")
        _demand(not strangers, "", f"the load balancer knows strangers: {', '.join(strangers)}")
        _demand(not ill, "", f"not healthy: {', '.join(ill)}")
        return _demand(bool(targets), f"{len(targets)} of {outputs.version}", "nobody serves")

    def _daemons(self) -> str:
        version = self.site.outputs().version
        running = json.loads(self.site.task("status", what="looking at the daemons") or "{}")
        wrong = [f"{name} runs {image}" for name, image in running.items() if not str(image).endswith(f":{version}")]
        return _demand(
            running and not wrong, f"both run {version}", "; ".join(wrong) or "the host says nothing of them"
        )

    def _storage_key(self) -> str:
        outputs = self.site.outputs()
        keys = self.site.client("iam").list_access_keys(UserName=outputs.storage_user)["AccessKeyMetadata"]
        active = [key["AccessKeyId"] for key in keys if key["Status"] == "Active"]
        found = self.site.client("secretsmanager").get_secret_value(SecretId=outputs.storage_secret_arn)
        current = json.loads(found["SecretString"])["access_key_id"]
        return _demand(active == [current], "one, and it is the one in use", f"{len(active)} keys are active")

    def _database(self) -> str:
        identifier = self.site.outputs().database_identifier
        (found,) = self.site.client("rds").describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"]
        days, status = found["BackupRetentionPeriod"], found["DBInstanceStatus"]
        return _demand(status == "available" and days, f"available, {days} days of backups", f"it is {status}")


def _demand(condition: object, said: str, otherwise: str) -> str:
    if not condition:
        raise OperatorError(otherwise)
    return said
