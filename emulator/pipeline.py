"""Everything between a request and its answer, in order: door → account → request model → authorise → rules → moto.

A stage is a function that takes a call and raises Refusal when AWS would not carry it out. A call that no stage refuses
is answered by moto and its gaps.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping, Set
from typing import TYPE_CHECKING, TypeAlias

from emulator.accounts import ACCOUNT_HEADER, account_of
from emulator.authorise import Authorise, Decisions
from emulator.call import Call, Refusal, read_call, refuse
from emulator.code_rights import RIGHTS
from emulator.door import Door
from emulator.pages import Page, Pages
from emulator.replays import Replays
from emulator.request_models import check_request_model
from emulator.rules.registry import rules_stage
from emulator.virtual_hosts import name_bucket_in_path

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from emulator.facts import Facts
    from emulator.shortcomings import Shortcomings

Stage: TypeAlias = Callable[[Call], None]
_ONE_AT_A_TIME: Mapping[str, str] = {
    **dict.fromkeys(("autoscaling", "ec2", "elb", "elbv2"), "instances"),
    **{service: service for service in ("cloudwatch", "dynamodb", "elasticache", "iam", "kms")},
}
"""Services whose calls are answered one after the other, by what they change; none of them waits or runs code.

moto has no locks: descriptions failed when another thread took an address away, or added an alarm, while they read.
"""


def chain(
    moto_and_gaps: WSGIApplication,
    *,
    default_account_id: str,
    pages: Mapping[str, Page],
    shortcomings: Shortcomings,
    decisions: Decisions,
    facts: Facts | None = None,
    without: Set[str] = frozenset(),
) -> WSGIApplication:
    """The emulator's application, from the outside in; stages are left out while `without` names them."""
    stages: dict[str, Stage] = {
        "keys": RIGHTS.check_key,
        "request-models": check_request_model,
        "authorise": Authorise(decisions),
        "rules": rules_stage(facts),
    }
    calls = Calls(moto_and_gaps, stages, without, default_account_id, shortcomings)
    return Door(Replays(Pages(calls, pages)))


class Calls:
    """Takes a request apart, asks the stages in order, and passes it on when none refuses."""

    def __init__(
        self,
        moto_and_gaps: WSGIApplication,
        stages: Mapping[str, Stage],
        without: Set[str],
        default_account_id: str,
        shortcomings: Shortcomings,
    ) -> None:
        self._moto_and_gaps = moto_and_gaps
        self._stages = stages
        self._without = without
        self._default_account_id = default_account_id
        self._shortcomings = shortcomings
        self._locks = {name: threading.Lock() for name in _ONE_AT_A_TIME.values()}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the refusal of the first stage that refuses, or what moto answers."""
        name_bucket_in_path(environ)
        environ[ACCOUNT_HEADER] = account_of(environ, self._default_account_id)
        call = read_call(environ, environ[ACCOUNT_HEADER])
        try:
            with self._locks.get(_ONE_AT_A_TIME.get(call.service, ""), contextlib.nullcontext()):
                for name, stage in self._stages.items():
                    if name not in self._without:
                        stage(call)
                return self._moto_and_gaps(environ, start_response)
        except Refusal as stated:
            refusal = stated
        except NotImplementedError as missing:
            refusal = self._shortcomings.not_there(call, missing)
        except Exception as failure:  # any failure of moto's would be retried for minutes otherwise
            refusal = self._shortcomings.broken(call, failure)
        return refuse(call, refusal, start_response)
