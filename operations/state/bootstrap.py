"""Makes what keeps the state of an environment, the state bucket and the lock table, and mends what drifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations.aws import Aws, check_account, refusals_explained
from operations.state.bucket import StateBucket
from operations.state.hcp_terraform import state_in_s3
from operations.state.lock_table import LockTable
from operations.state.mending import SettledItem, settle

if TYPE_CHECKING:
    from config.environment import Environment


def bootstrap(aws: Aws, environment: Environment, *, dry_run: bool = False) -> list[SettledItem]:
    """Bring the bucket and the table of the environment to what is wanted; safe to run again.

    Says for each item what was found and done; with `dry_run` nothing is written. Raises OperatorError before anything
    is written when HCP Terraform keeps the environment's state, the credentials are for another account, the bucket is
    somebody else's or in another region, or the table has other keys.
    """
    state = state_in_s3(environment)
    tags = {"Project": "quintet", "Purpose": "terraform-state", "Environment": environment.name, **environment.tags}
    with refusals_explained():
        check_account(aws, environment.account_id, region=state.region)
        bucket = StateBucket(aws, state.bucket, account_id=environment.account_id, region=state.region, tags=tags)
        bucket.refuse_if_unfit()
        if state.locking == "lockfile":
            unused = SettledItem("lock table", "not looked at", 'none, as locking = "lockfile"', "")
            return [*settle(bucket.items(), dry_run=dry_run), unused]
        table = LockTable(aws, state.lock_table, region=state.region, tags=tags)
        table.refuse_if_unfit()
        return [*settle(bucket.items(), dry_run=dry_run), *settle(table.items(), dry_run=dry_run)]
