"""The vocabularies of settings: AWS names and values, checked by pattern and bounds."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from config.limits import (
    AVAILABILITY_ZONES,
    LOG_RETENTION_DAYS,
    MONITORING_INTERVAL_SECONDS,
    NAME_LENGTHS,
    OTHER_PARTITIONS,
    POSTGRESQL_RESERVED_WORDS,
)
from config.schedules import cron, schedule

PRIVATE_RANGES = tuple(
    ipaddress.IPv4Network(r) for r in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)


OWN_TAGS = ("Project", "Deployment", "Environment", "Name")
"""Tags that Quintet gives."""
MOST_TAGS = 40
"""Tags of operators in all: AWS takes 50 of a resource, services add some of their own."""
ACCESS_LOGS = "-access-logs"
"""End of the name of the bucket that holds a bucket's access logs."""


_ENGINES_DATABASES = [
    "information_schema",
    "innodb",
    "mysql",
    "performance_schema",
    "postgres",
    "rdsadmin",
    "sys",
    "template0",
    "template1",
]


@dataclass(frozen=True)
class Sharing:
    """Marks a type whose value another environment cannot have as well, and says what that one gets.

    `suffix` and `domain`: a name with the environment's in it, at its end or as a label before the domain; `network`:
    the next free block; `choice`: another of the values allowed; `given`: the same value, which names something that
    exists and has to be looked at.
    """

    kind: Literal["suffix", "domain", "network", "choice", "given"]


@dataclass(frozen=True)
class ValueCheck(AfterValidator):
    """A check of one value, and the words for what it lets through."""

    allowed: str = ""


def _room_for_access_logs(value: str) -> str:
    if len(value) + len(ACCESS_LOGS) > NAME_LENGTHS["aws_s3_bucket"]:
        longest = NAME_LENGTHS["aws_s3_bucket"] - len(ACCESS_LOGS)
        raise ValueError(f"has {len(value)} characters; at most {longest}, as its logs go to NAME{ACCESS_LOGS}")
    return value


def _region(value: str) -> str:
    partition = next((name for start, name in OTHER_PARTITIONS.items() if value.startswith(start)), None)
    if partition is not None:
        raise ValueError(
            f"is a region of {partition}, another partition, whose ARNs and services Quintet does not write"
        )
    if value not in AVAILABILITY_ZONES:
        raise ValueError(f"is not an AWS region Quintet knows; allowed: {', '.join(sorted(AVAILABILITY_ZONES))}")
    return value


def _network(value: str) -> ipaddress.IPv4Network:
    if not re.fullmatch(r"[0-9.]+/[0-9]{1,2}", value):
        raise ValueError("is not an IPv4 CIDR block: address and prefix length; example: 10.20.0.0/16")
    try:
        return ipaddress.IPv4Network(value)
    except ValueError as error:
        raise ValueError(f"is not an IPv4 CIDR block ({error}); example: 10.20.0.0/16") from None


def _cidr_block(value: str) -> str:
    return str(_network(value))


def _vpc_cidr_block(value: str) -> str:
    network = _network(value)
    if not any(network.subnet_of(private) for private in PRIVATE_RANGES):
        ranges = ", ".join(str(private) for private in PRIVATE_RANGES)
        raise ValueError(f"is not a private range; allowed: a part of {ranges}")
    if not 16 <= network.prefixlen <= 22:
        raise ValueError(
            "must be between /16 and /22: a VPC may not be larger, and its sixteen subnets need 64 addresses each"
        )
    return value


def _free_user(value: str) -> str:
    """RDS signs in with users of its own, and both engines have some (RDS User Guide, 2026-11-28)."""
    if value.lower().startswith(("rds", "pg_", "mysql")) or value.lower() in ("public", "none", "root"):
        raise ValueError("is reserved by RDS or the engine; take a name that begins otherwise")
    return value


def _free_database(value: str) -> str:
    if value.lower() in _ENGINES_DATABASES:
        raise ValueError("is a database of RDS or the engine; take another name")
    return value


def _free_postgresql_word(value: str) -> str:
    if value.lower() in POSTGRESQL_RESERVED_WORDS:
        raise ValueError("is a reserved word of PostgreSQL, which RDS refuses; take another name")
    return value


def _free_postgresql_master(value: str) -> str:
    if value.lower() == "admin":
        raise ValueError("is a reserved word of RDS for PostgreSQL; take another name")
    return _free_postgresql_word(value)


def _free_bucket(value: str) -> str:
    """S3 User Guide, general purpose bucket naming rules (2026-11-30)."""
    starts, ends = ("xn--", "sthree-", "amzn-s3-demo-"), ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
    for word in (*filter(value.startswith, starts), *filter(value.endswith, ends)):
        raise ValueError(f"has {word} at its {'beginning' if word in starts else 'end'}, which S3 keeps for itself")
    return value


def _free_tag_text(value: str) -> str:
    """ACM and ECS refuse aws: in values too, RDS rds: in both (API references, Tag, 2026-11-30)."""
    for prefix in ("aws:", "rds:"):
        if value.lower().startswith(prefix):
            raise ValueError(f"begins with {prefix}, which AWS keeps for itself")
    return value


def _tag_key(value: str) -> str:
    if not re.fullmatch(r"[\w .:/=+@-]{1,128}", value):
        raise ValueError("is not a tag key: 1 to 128 letters, digits, spaces and _.:/=+-@")
    _free_tag_text(value)
    # IAM takes keys that differ in case only for the same key
    if value.casefold() in {tag.casefold() for tag in OWN_TAGS}:
        raise ValueError(f"is a tag that Quintet gives; its own are {', '.join(OWN_TAGS)}")
    return value


def _tags(tags: dict[str, str]) -> dict[str, str]:
    if len({key.casefold() for key in tags}) < len(tags):
        raise ValueError("has keys that differ in upper and lower case only, which IAM refuses")
    return tags


def _one_of(allowed: Sequence[int], what: str) -> ValueCheck:
    """Unlike Literal, which takes false for 0 and true for 1."""

    def check(value: int) -> int:
        if value not in allowed:
            raise ValueError(f"is not {what}; allowed: {', '.join(map(str, allowed))}")
        return value

    return ValueCheck(check, ", ".join(map(str, allowed)))


def _pattern(pattern: str, what: str) -> ValueCheck:
    compiled = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(what)
        return value

    return ValueCheck(check, re.sub(r"^is not (the )?(an? )?", "", what))


def architecture(instance_type: str) -> str:
    """The processor of an EC2 instance type: a `g` after the generation is Graviton, as in all of AWS's names but a1.

    >>> architecture("t4g.small"), architecture("g5.xlarge"), architecture("im4gn.large")
    ('arm64', 'x86_64', 'arm64')
    """
    family = instance_type.split(".")[0]
    return "arm64" if family == "a1" or re.match(r"[a-z]+\d+[a-z]*g", family) else "x86_64"


Region = Annotated[str, ValueCheck(_region, "AWS region; example: eu-central-1")]
AvailabilityZone = Annotated[
    str, _pattern(r"[a-z]{2}(-[a-z]+)+-\d[a-z]", "is not an availability zone; example: eu-central-1a")
]
AccountId = Annotated[
    str, _pattern(r"\d{12}", 'is not an AWS account id: twelve digits in quotes, example: "123456789012"')
]
CidrBlock = Annotated[str, ValueCheck(_cidr_block, "IPv4 CIDR block; example: 10.20.0.0/16")]
VpcCidrBlock = Annotated[
    str, ValueCheck(_vpc_cidr_block, "private CIDR block, /16 to /22; example: 10.20.0.0/16"), Sharing("network")
]
Port = Annotated[int, Field(ge=1, le=65535)]
LogRetentionDays = Annotated[int, _one_of(LOG_RETENTION_DAYS, "a retention CloudWatch Logs accepts")]
MonitoringIntervalSeconds = Annotated[int, _one_of(MONITORING_INTERVAL_SECONDS, "an interval RDS accepts")]
InstanceType = Annotated[
    str,
    _pattern(
        r"[a-z][a-z0-9-]*\d[a-z0-9-]*\.(nano|micro|small|medium|large|\d*xlarge|metal(-\d+xl)?)",
        "is not an EC2 instance type; example: t3.micro",
    ),
]
MysqlSeries = Annotated[
    str,
    _pattern(
        r"[89]\.\d+",
        'is not a release series of MySQL: two numbers, as AWS upgrades minor versions by itself; example: "8.4"',
    ),
]
PostgresqlSeries = Annotated[
    str,
    _pattern(
        r"1\d",
        'is not a release series of PostgreSQL: one number, as AWS upgrades minor versions by itself; example: "16"',
    ),
]
InstanceClass = Annotated[
    str,
    _pattern(
        r"db\.[a-z]\d+[a-z0-9]*\.(micro|small|medium|large|\d*xlarge)",
        "is not an RDS instance class; example: db.t4g.micro",
    ),
]
NodeType = Annotated[
    str,
    _pattern(
        r"cache\.[a-z]\d+[a-z]*\.(micro|small|medium|large|\d*xlarge)",
        "is not an ElastiCache node type; example: cache.t4g.micro",
    ),
]
BucketName = Annotated[
    str,
    _pattern(
        r"(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "is not an S3 bucket name: 3 to 63 of a-z, 0-9, dots and hyphens, beginning and ending with a letter or digit",
    ),
    AfterValidator(_free_bucket),
    Sharing("suffix"),
]
TableName = Annotated[
    str,
    _pattern(r"[A-Za-z0-9_.-]{3,255}", "is not a DynamoDB table name: 3 to 255 of A-Z, a-z, 0-9, _ . -"),
    Sharing("suffix"),
]
AttributeName = Annotated[
    str,
    _pattern(
        r"[A-Za-z_][A-Za-z0-9_.-]{0,254}",
        "is not an attribute name: a letter or _, then up to 254 letters, digits, _ . -",
    ),
]
DatabaseName = Annotated[
    str,
    _pattern(r"[A-Za-z][A-Za-z0-9_]{0,62}", "is not a database name: a letter, then up to 62 letters, digits or _"),
    AfterValidator(_free_database),
]
PostgresqlDatabaseName = Annotated[DatabaseName, AfterValidator(_free_postgresql_word)]
UserName = Annotated[
    str,
    _pattern(r"[A-Za-z][A-Za-z0-9_]{0,15}", "is not a user name: a letter, then up to 15 letters, digits or _"),
    AfterValidator(_free_user),
]
PostgresqlMasterUserName = Annotated[UserName, AfterValidator(_free_postgresql_master)]
RoleName = Annotated[
    str,
    _pattern(r"[\w+=,.@-]{1,64}", "is not an IAM role name: 1 to 64 of letters, digits and _+=,.@-"),
    Sharing("suffix"),
]
ServerName = Annotated[
    str,
    _pattern(
        r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
        "is not a lower-case host name; example: suai.example.org",
    ),
]
"""The host name of a server that others run."""
HostName = Annotated[ServerName, Sharing("domain")]
"""A host name of the deployment's own."""
EmailAddress = Annotated[
    str,
    _pattern(
        r"(?=.{3,254}$)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}",
        "is not an e-mail address; example: operators@example.org",
    ),
    Sharing("given"),
]
AmiId = Annotated[
    str,
    _pattern(r"ami-([0-9a-f]{8}|[0-9a-f]{17})", "is not an AMI id; example: ami-047e03b8591f2d48a"),
    Sharing("given"),
]
VpcId = Annotated[
    str,
    _pattern(r"vpc-([0-9a-f]{8}|[0-9a-f]{17})", "is not a VPC id; example: vpc-0a1b2c3d4e5f60718"),
    Sharing("given"),
]
SubnetId = Annotated[
    str,
    _pattern(r"subnet-([0-9a-f]{8}|[0-9a-f]{17})", "is not a subnet id; example: subnet-0a1b2c3d4e5f60718"),
    Sharing("given"),
]
ZoneId = Annotated[
    str,
    _pattern(r"Z[A-Z0-9]{5,31}", "is not a Route 53 hosted zone id; example: Z0123456789ABCDEFGHIJ"),
    Sharing("given"),
]
CertificateArn = Annotated[
    str,
    _pattern(r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[0-9a-f-]+", "is not the ARN of an ACM certificate"),
    Sharing("given"),
]
KmsKeyArn = Annotated[
    str,
    _pattern(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[0-9a-f-]+", "is not the ARN of a KMS key"),
    Sharing("given"),
]
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=40),
    _pattern(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "is not a name: lower-case words joined by hyphens"),
]
TagValue = Annotated[
    str,
    _pattern(r"(?u:[\w .:/=+@-]{0,256})", "is not a tag value: up to 256 letters, digits, spaces and _.:/=+-@"),
    AfterValidator(_free_tag_text),
]
Cron = Annotated[str, ValueCheck(cron, "cron expression; example: cron(0 3 * * ? *)")]
Schedule = Annotated[str, ValueCheck(schedule, "rate or cron expression; example: rate(3 hours)")]
Tags = Annotated[dict[Annotated[str, ValueCheck(_tag_key, "tag key")], TagValue], AfterValidator(_tags)]
LoggedBucketName = Annotated[BucketName, AfterValidator(_room_for_access_logs)]
"""A bucket beside which there is one for its access logs, named after it."""
Reason = Annotated[str, StringConstraints(min_length=10)]
BackupRetentionDays = Annotated[int, Field(ge=0, le=35)]
Percent = Annotated[int, Field(ge=1, le=100)]
PlatformBranch = Annotated[
    str,
    _pattern(
        r"PHP 8\.\d running on 64bit Amazon Linux 2023",
        "is not a PHP platform branch on Amazon Linux 2023; example: PHP 8.4 running on 64bit Amazon Linux 2023",
    ),
]
PlatformVersion = Annotated[
    str, _pattern(r"4\.\d+\.\d+", "is not a platform version of Amazon Linux 2023; example: 4.13.7")
]
BeanstalkEnvironmentName = Annotated[
    str,
    _pattern(
        r"(?=.{4,40}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])",
        "is not the name of a Beanstalk environment: 4 to 40 letters, digits and hyphens, no hyphen at an end",
    ),
    Sharing("suffix"),
]
ResourceAddress = Annotated[
    str,
    _pattern(r"aws_[a-z0-9_]+\.[a-z0-9_]+", "is not the address of a resource; example: aws_db_instance.database"),
]
ImportId = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
OrganizationName = Annotated[
    str,
    _pattern(
        r"[A-Za-z0-9][A-Za-z0-9_-]{2,39}",
        "is not the name of an HCP Terraform organization: 3 to 40 letters, digits, _ and -",
    ),
]
WorkspaceName = Annotated[
    str,
    _pattern(
        r"[A-Za-z0-9_-]{1,90}", "is not the name of an HCP Terraform workspace: up to 90 letters, digits, _ and -"
    ),
    Sharing("suffix"),
]
Locking = Literal["dynamodb", "both", "lockfile"]
TableAction = Literal[
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "DescribeTable",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "UpdateItem",
]
"""Actions of DynamoDB on a table's items, and on its description."""
DatabaseRight = Literal[
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "DROP",
    "REFERENCES",
    "INDEX",
    "ALTER",
    "LOCK TABLES",
    "CREATE TEMPORARY TABLES",
    "EXECUTE",
    "CREATE VIEW",
    "SHOW VIEW",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
    "EVENT",
    "TRIGGER",
]
"""Rights of a MySQL user on a database."""
