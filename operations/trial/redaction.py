"""Text of AWS, Terraform and checks, made fit for strangers: only words that are known to be nobody's are kept."""

from __future__ import annotations

import functools
import gzip
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from config.settings import ROOT

REDACTED = "…"
_NAMED = re.compile(r"arn:[\w-]*:[\w-]*:[\w-]*:\d*:([^\s\"',;)]+)|([\w.+-]+)@[\w-]+\.")
"""ARNs and addresses of mail, whose parts may stand alone elsewhere."""
_SERVICES = (
    "acm",
    "autoscaling",
    "cloudfront",
    "cloudwatch",
    "dynamodb",
    "ec2",
    "ecr",
    "ecs",
    "elasticache",
    "elasticbeanstalk",
    "elbv2",
    "iam",
    "kms",
    "lambda",
    "logs",
    "rds",
    "route53",
    "s3",
    "scheduler",
    "secretsmanager",
    "service-quotas",
    "sns",
    "sqs",
    "ssm",
    "stepfunctions",
    "sts",
)
"""Services whose models, as botocore has them, lend their words."""
_COMMON = 4
"""Services whose models have to use a word: the people in AWS's examples are in one or two."""
_OWN = ("operations/review/preflight/*.py", "operations/demo/*.py", "deployments/*/day2/*.py")
_IDENTIFIERS = re.compile(r'"(?:name|shape|serviceId|endpointPrefix|signingName)":"(\w+)"')
"""Names of operations, types and the service itself in a service's model."""
_SPLIT = re.compile(r"([\s\"'`()\[\]{},;=<>|]+)")
_PLAIN = re.compile(
    r"\d{1,4}|\d+\.\d+(\.\d+)?|\d{4}-\d\d-\d\d"  # numbers, versions, days
    r"|db\.[a-z]\w*\.\w+|cache\.[a-z]\w*\.\w+|[a-z]\d[a-z]*\.(nano|micro|small|medium|\d*x?large)"
    r"|[a-z]{2}(-[a-z]+)+-\d[a-z]?",  # regions and zones
)


def names_in(texts: Iterable[str]) -> Iterator[str]:
    """Names of users, roles and resources in the ARNs, and of people in the addresses of mail, that the texts hold.

    >>> [*names_in(["User: arn:aws:sts::111122223333:assumed-role/admins/jane.doe may not", "ask ops@example.org"])]
    ['admins', 'jane.doe', 'ops']
    """
    for text in texts:
        for resource, person in _NAMED.findall(text):
            yield from resource.rstrip(".").split("/")[1:] if resource else [person]


class ReportRedaction:
    """Keeps words that AWS's service models have in common, and `public` ones; everything else becomes `…`.

    Numbers, versions, sizes and regions are kept as well. Account ids, ARNs, addresses, hosts, names, keys and ids have
    no form that is kept. A word of `private` texts never is, whoever else uses it.
    """

    def __init__(self, *, public: Iterable[str], private: Iterable[str]) -> None:
        self._public = frozenset(public)
        self._private = frozenset(
            part.lower() for text in private for part in (text, *re.split(r"[^A-Za-z0-9]+", text)) if len(part) > 1
        )

    def text(self, text: str) -> str:
        """The text with all that is not known to be nobody's left out.

        >>> redaction = ReportRedaction(public=["aws_sns_topic.alarms"], private=["jane"])
        >>> redaction.text("aws_sns_topic.alarms: user jane of 111122223333 is not authorized on arn:aws:sns:x:1:y")
        'aws_sns_topic.alarms: user … of … is not authorized on …'
        """
        parts = _SPLIT.split(text)
        words = [self._word(part) if number % 2 == 0 else part for number, part in enumerate(parts)]
        return re.sub(rf"{REDACTED}(?:[^\w.:]*{REDACTED})+", REDACTED, re.sub(r"\s+", " ", "".join(words))).strip()

    def everything(self, value: Any) -> Any:
        """A structure of mappings, lists and texts with every text in it redacted; keys are not."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.everything(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.everything(item) for item in value]
        return value

    def _word(self, word: str) -> str:
        if word in self._public:
            return word
        core = word.strip(".:!?*")
        if not core or core in self._public:
            return word
        parts = re.split(r"[-/:]", core.lower())
        private = {core.lower(), *parts} & self._private or core.startswith(("/", "arn:"))
        aws, own = _vocabulary()
        kept = not private and (_PLAIN.fullmatch(core) or core.lower() in own or all(part in aws for part in parts))
        return word if kept else word.replace(core, REDACTED)


@functools.cache
def _vocabulary() -> tuple[frozenset[str], frozenset[str]]:
    """Words, lower case: AWS's with the names of its services and operations, and this repository's own.

    The latter are those of preflight and of checks.
    """
    import botocore

    data = Path(botocore.__file__).parent / "data"
    services: Counter[str] = Counter()
    names: set[str] = {*_SERVICES, "ipv4", "ipv6"}
    for service in _SERVICES:
        (*_, model) = sorted(data.glob(f"{service}/*/service-2.json.gz"))
        text = gzip.decompress(model.read_bytes()).decode()
        services.update(_words(text))
        names.update(name.lower() for name in _IDENTIFIERS.findall(text))
    common = {word for word, number in services.items() if number >= _COMMON}
    own = {word for folder in _OWN for file in ROOT.glob(folder) for word in _words(file.read_text(encoding="utf-8"))}
    return frozenset(common | names), frozenset(own)


def _words(text: str) -> set[str]:
    return {word.lower() for word in re.findall("[A-Za-z]+", text)}
