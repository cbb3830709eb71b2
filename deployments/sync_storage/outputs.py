"""The outputs of an applied Sync Storage."""

from __future__ import annotations

from config.outputs import DeploymentOutputs


class SyncStorageOutputs(DeploymentOutputs):
    """Names and addresses: the stack writes them, `quintet sync-storage` and the checks read them."""

    url: str
    """Where clients are let in, whatever their node."""
    load_balancer_name: str
    """The load balancer that the nodes' host names lead to."""
    group: str
    """The Auto Scaling group of the webheads."""
    parameter_path: str
    """Below which webheads look up what to serve."""
    application_secret: str
    """The secret of the webheads' login on the nodes."""
    application_user: str
    """That user's name."""
    zone_id: str
    """The hosted zone of the nodes' host names."""
    databases_function: str
    """Makes the databases of a node."""
    purge_function: str
    """Deletes expired rows."""
    render_document: str
    """Has webheads render their files anew."""
    image_pipeline_arn: str | None = None
    """Makes images that webheads start from."""
    nginx_log_group: str
    """Where webheads send the log of nginx."""
    gunicorn_log_group: str
    """Where webheads send the log of gunicorn."""
    boot_log_group: str
    """Where webheads send the log of boot."""
