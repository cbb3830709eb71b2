"""The `/redis` page: the cluster, or the single server, answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis import Redis, RedisCluster, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from .failure import CheckError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .. import config

_TIMEOUT_SECONDS = 2
_OPTIONS: Mapping[str, Any] = {
    "socket_connect_timeout": _TIMEOUT_SECONDS,
    "socket_timeout": _TIMEOUT_SECONDS,
    "retry": Retry(NoBackoff(), 0),
}


def check_redis(settings: config.RedisConfig) -> None:
    """Ask the server whether it is part of a cluster; then every primary node, or that one server, must answer.

    Raises CheckError; also when slots of the cluster are served by nobody.
    """
    options = {**_OPTIONS, "password": settings.auth_token or None}
    if settings.tls:
        options |= {"ssl": True, "ssl_cert_reqs": "required", "ssl_check_hostname": True}
    try:
        with Redis(host=settings.host, port=settings.port, **options) as server:
            in_cluster = server.info("cluster").get("cluster_enabled") == 1
            if not in_cluster:
                server.ping()
                return
            state = server.execute_command("CLUSTER INFO")["cluster_state"]
        if state != "ok":
            raise CheckError(f"{settings.host}:{settings.port}: cluster_state is {state}")
        with RedisCluster(host=settings.host, port=settings.port, **options) as cluster:
            cluster.ping(target_nodes=RedisCluster.PRIMARIES)
    except (RedisError, OSError) as error:
        raise CheckError(f"{settings.host}:{settings.port}: {error}") from error
