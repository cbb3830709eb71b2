"""All questions about one stack, eight at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from operations.review.preflight import names, offers, place, quotas
from operations.review.preflight.account import Account, NotAnswered, code_of
from operations.review.preflight.findings import Preflight, PreflightFinding, Question, not_checked
from operations.review.preflight.planned import PlannedDocument

if TYPE_CHECKING:
    from operations.aws import Aws
    from operations.stacks import Stack

QUESTIONS: Sequence[Question] = (
    place.account,
    place.region,
    place.state,
    offers.platforms,
    offers.databases,
    offers.parameters,
    offers.caches,
    offers.cache_node_types,
    offers.instance_types,
    offers.images,
    offers.container_images,
    quotas.elastic_addresses,
    quotas.networks,
    quotas.nat_gateways,
    quotas.virtual_cpus,
    names.hosted_zones,
    names.certificates,
    names.taken_names,
    names.alternate_names,
    place.service_linked_roles,
    place.mail,
)
"""In the order of the report."""
AT_ONCE = 8


def preflight(aws: Aws, stack: Stack, *, more: Sequence[Question] = ()) -> Preflight:
    """The findings about a stack; `more` are its deployment's questions. Raises OperatorError without credentials."""
    account, planned = Account(aws, region=stack.region), PlannedDocument(stack)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda question: _asked(question, account, planned), (*QUESTIONS, *more)))
    return Preflight(stack.name, [finding for answer in answers for finding in answer], account.calls)


def _asked(question: Question, account: Account, planned: PlannedDocument) -> list[PreflightFinding]:
    found: list[PreflightFinding] = []
    subject = question.__name__.replace("_", " ")
    try:
        found.extend(question(account, planned))
    except NotAnswered as why:
        found.append(not_checked(subject, str(why)))
    except ClientError as error:
        reason = error.response.get("Error", {}).get("Message", "")
        found.append(not_checked(subject, f"AWS refused {error.operation_name}: {reason} ({code_of(error)})"))
    return found
