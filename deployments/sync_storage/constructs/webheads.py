"""Webheads, and the images they start from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from deployments.sync_storage.constructs.application import Application
from deployments.sync_storage.constructs.configuration import Configuration
from deployments.sync_storage.settings import SyncStorageSettings
from modules.fleet import Fleet, log_group_name
from modules.image_pipeline import ImagePipeline
from modules.network import Network
from modules.stack import DeploymentStack
from modules.template import template_file
from modules.user_data import render

_RUNTIME = Path(__file__).parents[1] / "runtime"


@dataclass(frozen=True)
class Webheads:
    """One application, installed by webheads when they start or baked into the image they start from."""

    stack: DeploymentStack
    settings: SyncStorageSettings
    network: Network
    configuration: Configuration

    def fleet(self) -> Fleet:
        """The webheads, which render their files from `configuration`."""
        name, settings = self.stack.physical_name("webheads"), self.settings.webheads
        return Fleet(
            self.stack,
            "webheads",
            name=name,
            network=self.network,
            settings=settings,
            security_group_name="syncstorage-sg-web",
            log_roles=("nginx", "gunicorn", "boot"),
            compressed_user_data=True,
            user_data=template_file(
                self.stack,
                _RUNTIME / "user_data.sh",
                **self._application.template_values(region=self.stack.region),
                parameter_path=self.configuration.path,
                application_secret=self.configuration.application_secret.name,
                gunicorn_workers=str(settings.gunicorn_workers),
                nginx_log_group=log_group_name(name, "nginx"),
                gunicorn_log_group=log_group_name(name, "gunicorn"),
                boot_log_group=log_group_name(name, "boot"),
            ),
        )

    def image_bake(self) -> ImagePipeline | None:
        """The pipeline that bakes an image with the application; None unless the settings ask for one."""
        if self.settings.image_bake is None:
            return None
        values = self._application.template_values(region=self.stack.region)
        return ImagePipeline(
            self.stack,
            "image_bake",
            name=self.stack.physical_name("webhead-image"),
            network=self.network,
            install=render(_RUNTIME / "bake.sh", **values),
            instance_type=self.settings.image_bake.instance_type,
            root_volume_size_gib=self.settings.webheads.root_volume_size_gib,
        )

    def grant_pull(self, *hosts: Fleet | ImagePipeline | None) -> None:
        """Lets those of `hosts` that exist fetch the application."""
        for host in hosts:
            if host is not None:
                self._application.grant_pull(self.stack, host)

    @cached_property
    def _application(self) -> Application:
        return Application(self.settings.webheads.application)
