"""Rights a call needs: actions on resources, those of other services among them, with what conditions can ask about.

Services whose resources have policies or keys have a function here; the others are in `emulator.resource_names`. A call
whose resource neither knows is refused when a role or user signed it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from emulator.dependent_rights import passed_roles, tagging
from emulator.identities import parsed
from emulator.resource_names import named_resources
from iam.reference import resource_patterns

if TYPE_CHECKING:
    from emulator.call import Call
    from iam.document import PolicyDocument

Values: TypeAlias = Mapping[str, str | tuple[str, ...] | None]


@dataclass(frozen=True)
class Right:
    """One action on one resource, as policies name them."""

    action: str
    resource: str = "*"
    context: Values = field(default_factory=dict)
    """Condition keys of this service and resource."""
    policy: PolicyDocument | None = None
    """The policy of the resource itself."""
    policy_decides: bool = False
    """Without the resource's policy no identity policy counts: keys of KMS, roles that are assumed."""
    owner: str = ""
    """The account of the resource where it is not the caller's."""


def rights_of(call: Call) -> Iterator[Right]:
    """The rights that a call needs. Raises NotImplementedError when its action's resource is not known here."""
    found = _RIGHTS.get(call.service)
    rights = found(call) if found else None
    yield from rights if rights is not None else _by_names(call)
    for role, service in passed_roles(call):
        yield Right("iam:PassRole", role, {"iam:passedtoservice": service, "iam:associatedresourcearn": None})


def _by_names(call: Call) -> Iterator[Right]:
    """The action on what the parameters name, and the right to tag that."""
    service = _PREFIXES.get(call.service, call.service)
    action = f"{service}:{_ACTIONS.get((call.service, call.action), call.action)}"
    resources = tuple(named_resources(call, service, action)) if resource_patterns(action) else ("*",)
    for resource in resources:
        yield Right(action, resource, _tags_of_id(call, resource))
    if tags := tagging(call):
        of_tags = resources if resource_patterns(action) else named_resources(call, service, tags)
        above, created = _BELOW.get((call.service, call.action), ("", ""))
        for resource in of_tags:
            arn = resource.replace(above, created, 1)
            yield Right(tags, arn, _tags_of_id(call, arn))


def _tags_of_id(call: Call, arn: str) -> Values:
    """Tags of EC2's resources as conditions ask about them; none of what does not exist yet, as new keys of KMS."""
    from moto.ec2.models import ec2_backends

    if call.service != "ec2":
        return _tagged({}) if call.service == "kms" else {}
    return _tagged(ec2_backends[call.account_id][call.region].tags.get(arn.rpartition("/")[2], {}))


def _tagged(tags: Mapping[str, str]) -> Values:
    return {"aws:resourcetag/*": None, **{f"aws:resourcetag/{key}": value for key, value in list(tags.items())}}


_ACTIONS: Final = {
    ("cloudfront", "CreateDistributionWithTags"): "CreateDistribution",
    ("lambda", "Invoke"): "InvokeFunction",
}
"""Calls whose action has another name."""
_BELOW: Final = {
    ("elbv2", "CreateListener"): (":loadbalancer/", ":listener/"),
    ("elbv2", "CreateRule"): (":listener/", ":listener-rule/"),
}
"""Calls that name the resource above the one they create and tag."""

_PREFIXES: Final = {"elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing", "stepfunctions": "states"}
"""Services whose actions have another prefix than botocore's name."""


def _arn(call: Call, service: str, rest: str) -> str:
    return f"arn:aws:{service}:{call.region}:{call.account_id}:{rest}"


def _several(values: Iterator[Right] | list[Right]) -> Iterator[Right]:
    yield from values


def _key(call: Call, key_id: str, actions: tuple[str, ...], context: Values | None = None) -> Iterator[Right]:
    """Rights on a customer's key; AWS's own keys serve everybody who may use the resource."""
    from moto.kms.models import kms_backends

    backend = kms_backends[call.account_id][call.region]
    name = key_id.rpartition(":")[2] if ":alias/" in key_id else key_id
    if name.startswith("alias/aws/"):
        return
    found = backend.get_key_id_from_alias(name) if name.startswith("alias/") else backend.get_key_id(name)
    key = backend.keys.get(str(found))
    if key is None:
        raise NotImplementedError(f"no key {key_id} in account {call.account_id} and region {call.region}")
    tags = _tagged(backend.tagger.get_tag_dict_for_resource(key.id))
    values = {"kms:calleraccount": call.account_id, "kms:viaservice": None, **tags, **(context or {})}
    for action in actions:
        yield Right(f"kms:{action}", key.arn, values, parsed(key.policy, "the key's policy"), policy_decides=True)


def _via(call: Call, service: str) -> Values:
    return {"kms:viaservice": f"{service}.{call.region}.amazonaws.com"}


def _kms(call: Call) -> Iterator[Right] | None:
    key_id = call.parameters.get("KeyId") or call.parameters.get("TargetKeyId")
    if call.action == "DeleteAlias":
        key_id = call.parameters["AliasName"]
    if not key_id:
        return None
    alias = call.parameters.get("AliasName")
    of_alias = [Right(f"kms:{call.action}", _arn(call, "kms", alias), _tagged({}))] if alias else []
    return _several([*of_alias, *_key(call, key_id, (call.action,))])


def _secretsmanager(call: Call) -> Iterator[Right] | None:
    given = call.parameters
    if call.action == "BatchGetSecretValue":
        rights = [Right("secretsmanager:BatchGetSecretValue")]
        rights += [Right("secretsmanager:ListSecrets")] if given.get("Filters") else []
        return _several(
            [*rights, *(r for each in given.get("SecretIdList", ()) for r in _secret(call, each, "GetSecretValue"))]
        )
    return _secret(call, given["SecretId"], call.action) if "SecretId" in given else None


def _secret(call: Call, secret_id: str, action: str) -> Iterator[Right]:
    from moto.secretsmanager.models import secretsmanager_backends

    secrets = secretsmanager_backends[call.account_id][call.region].secrets
    secret: Any = secrets[secret_id] if secret_id in secrets else None  # noqa: SIM401  # `in` takes ARNs, `get` does not
    unknown = secret_id if secret_id.startswith("arn:") else _arn(call, "secretsmanager", f"secret:{secret_id}")
    tags = {tag["Key"]: tag["Value"] for tag in getattr(secret, "tags", None) or ()}
    tags |= _tags_of_rds(secret, call) if secret else {}
    context: dict[str, str | None] = {"aws:resourcetag/*": None, "secretsmanager:resourcetag/*": None}
    context |= {
        f"{prefix}:resourcetag/{key}": value for key, value in tags.items() for prefix in ("aws", "secretsmanager")
    }
    policy = getattr(secret, "policy", None)
    yield Right(
        f"secretsmanager:{action}",
        secret.arn if secret else unknown,
        context,
        parsed(policy, "the secret's policy") if policy else None,
    )
    uses = {"GetSecretValue": ("Decrypt",), "PutSecretValue": ("GenerateDataKey", "Decrypt")}.get(action, ())
    if getattr(secret, "kms_key_id", None) and uses:
        yield from _key(call, secret.kms_key_id, uses, _via(call, "secretsmanager"))


def _tags_of_rds(secret: Any, call: Call) -> dict[str, str]:
    """Tags that RDS gives the secrets it manages; moto gives them none."""
    from moto.rds.models import rds_backends

    backend = rds_backends[call.account_id][call.region]
    kinds = (
        ("aws:rds:primaryDBInstanceArn", backend.databases, "db_instance_arn"),
        ("aws:rds:primaryDBClusterArn", backend.clusters, "db_cluster_arn"),
    )
    for tag, databases, arn in kinds:
        for database in list(databases.values()):
            managed = getattr(database, "master_user_secret", None)
            if managed is not None and managed.secret_arn == secret.arn:
                return {tag: getattr(database, arn), "aws:secretsmanager:owningService": "rds"}
    return {}


def _ssm(call: Call) -> Iterator[Right] | None:
    from moto.ssm.models import ssm_backends

    given = call.parameters
    names = given.get("Names") or [given[name] for name in ("Name", "Path") if name in given]
    if "ResourceType" in given and call.action.endswith(("TagsForResource", "TagsToResource", "TagsFromResource")):
        kind = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in given["ResourceType"])
        return _several(
            [Right(f"ssm:{call.action}", _arn(call, "ssm", f"{kind[1:]}/{given['ResourceId'].lstrip('/')}"))]
        )
    if not call.action.startswith(("GetParameter", "PutParameter", "DeleteParameter")) or not names:
        return None
    stored = ssm_backends[call.account_id][call.region]
    if call.action == "GetParametersByPath":
        found = [name for name in stored._parameters if name.startswith(names[0].rstrip("/") + "/")]
    else:
        found = names
    rights = [Right(f"ssm:{call.action}", _arn(call, "ssm", f"parameter/{name.lstrip('/')}")) for name in names]
    rights += [Right("ssm:AddTagsToResource", right.resource) for right in rights if given.get("Tags")]
    if given.get("WithDecryption"):
        secrets = [each for each in stored.get_parameters(found).values() if each.parameter_type == "SecureString"]
        rights += [
            r for each in secrets for r in _key(call, each.keyid or "alias/aws/ssm", ("Decrypt",), _via(call, "ssm"))
        ]
    return _several(rights)


_ON_TABLES: Final = {
    "ConditionCheck": "ConditionCheckItem",
    "Put": "PutItem",
    "Delete": "DeleteItem",
    "Update": "UpdateItem",
    "Get": "GetItem",
}


_FILL_A_TABLE: Final = ("BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem")
"""Reads and writes of the table that a restore creates, with the caller's own rights."""


def _dynamodb(call: Call) -> Iterator[Right] | None:
    given = call.parameters
    if "TransactItems" in given:
        parts = [
            (_ON_TABLES[kind], each["TableName"]) for item in given["TransactItems"] for kind, each in item.items()
        ]
        return _several([Right(f"dynamodb:{action}", _table(call, name)) for action, name in parts])
    if "RequestItems" in given:
        return _several([Right(f"dynamodb:{call.action}", _table(call, name)) for name in given["RequestItems"]])
    if call.action == "RestoreTableToPointInTime" and "SourceTableName" in given:
        # AWS, DynamoDB Developer Guide, "Using IAM with DynamoDB backup and restore", read 2026-11-29
        target = _table(call, given["TargetTableName"])
        filling = [Right(f"dynamodb:{action}", target) for action in _FILL_A_TABLE]
        return _several([Right(f"dynamodb:{call.action}", _table(call, given["SourceTableName"])), *filling])
    if "TableName" not in given:
        return None
    index = f"/index/{given['IndexName']}" if given.get("IndexName") else ""
    table = _table(call, given["TableName"])
    tags = [Right("dynamodb:TagResource", table)] if given.get("Tags") else []
    return _several([Right(f"dynamodb:{call.action}", table + index, _leading_key(call)), *tags])


def _leading_key(call: Call) -> dict[str, tuple[str, ...]]:
    """The partition key that a call on one item names, as conditions ask about it."""
    from moto.dynamodb.models import dynamodb_backends

    given = call.parameters
    item = given.get("Key") or given.get("Item")
    tables = dynamodb_backends[call.account_id][call.region].tables
    if not item or given["TableName"] not in tables:
        return {}
    value = item.get(tables[given["TableName"]].hash_key_attr, {})
    return {"dynamodb:leadingkeys": tuple(str(each) for each in value.values())}


def _table(call: Call, name: str) -> str:
    return name if name.startswith("arn:") else _arn(call, "dynamodb", f"table/{name}")


_OF_BUCKETS: Final = {
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutBucketReplication": "PutReplicationConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "GetBucketLocation": "GetBucketLocation",
    "GetBucketVersioning": "GetBucketVersioning",
}
_OF_OBJECTS: Final = {
    "GetObject": ("GetObject",),
    "HeadObject": ("GetObject",),
    "GetObjectAttributes": ("GetObject", "GetObjectAttributes"),
    "GetObjectAcl": ("GetObjectAcl",),
    "GetObjectTagging": ("GetObjectTagging",),
    "ListParts": ("ListMultipartUploadParts",),
    "PutObject": ("PutObject",),
    "CopyObject": ("PutObject",),
    "CreateMultipartUpload": ("PutObject",),
    "UploadPart": ("PutObject",),
    "UploadPartCopy": ("PutObject",),
    "CompleteMultipartUpload": ("PutObject",),
    "PutObjectAcl": ("PutObjectAcl",),
    "PutObjectTagging": ("PutObjectTagging",),
    "DeleteObject": ("DeleteObject",),
    "DeleteObjectTagging": ("DeleteObjectTagging",),
    "AbortMultipartUpload": ("AbortMultipartUpload",),
}
"""S3's calls and the actions that allow them. Source: AWS, "Actions, resources, and condition keys for Amazon S3" and
"Required permissions for Amazon S3 API operations", read 2026-11-28."""
_VERSIONED: Final = (
    "GetObject",
    "DeleteObject",
    "GetObjectAcl",
    "GetObjectTagging",
    "PutObjectTagging",
    "PutObjectAcl",
)


def _s3(call: Call) -> Iterator[Right] | None:
    given = call.parameters
    if call.action == "ListBuckets":
        return _several([Right("s3:ListAllMyBuckets")])
    bucket = given.get("Bucket", "")
    if call.action in _OF_BUCKETS:
        asked = {f"s3:{key.lower()}": str(given[key]) if key in given else None for key in ("Prefix", "Delimiter")}
        asked["s3:max-keys"] = str(given["MaxKeys"]) if "MaxKeys" in given else None
        return _several([_in_bucket(call, _OF_BUCKETS[call.action], bucket, "", asked)])
    if call.action == "DeleteObjects":
        keys = [each["Key"] for each in given["Delete"]["Objects"]]
        return _several([_in_bucket(call, "DeleteObject", bucket, key) for key in keys])
    if call.action in _OF_OBJECTS:
        return _object(call, bucket, given["Key"])
    return _several([_in_bucket(call, call.action, bucket, "")]) if bucket and "Key" not in given else None


def _object(call: Call, bucket: str, key: str) -> Iterator[Right]:
    given = call.parameters
    headers = {"s3:x-amz-acl": given.get("ACL"), "s3:x-amz-server-side-encryption": given.get("ServerSideEncryption")}
    actions = list(_OF_OBJECTS[call.action])
    if call.action in ("PutObject", "CopyObject", "CreateMultipartUpload"):
        actions += ["PutObjectAcl"] if given.get("ACL") else []
        actions += ["PutObjectTagging"] if given.get("Tagging") else []
    for action in actions:
        version = "Version" if given.get("VersionId") and action in _VERSIONED else ""
        yield _in_bucket(call, action.replace("Object", f"Object{version}", 1), bucket, key, headers)
    if "CopySource" in given:
        source = given["CopySource"]
        source = f"{source['Bucket']}/{source['Key']}" if isinstance(source, dict) else source.lstrip("/")
        from_bucket, _, from_key = source.partition("?")[0].partition("/")
        yield _in_bucket(call, "GetObject", from_bucket, from_key, headers)
    if call.action in ("GetObject", "HeadObject") and not _exists(call, bucket, key):
        # to those who may not list a bucket, S3 does not tell that an object is not there
        yield _in_bucket(call, "ListBucket", bucket, "", {"s3:prefix": None, "s3:delimiter": None, "s3:max-keys": None})
    uses: tuple[str, ...] = {"GetObject": ("Decrypt",), "PutObject": ("GenerateDataKey",)}.get(actions[0], ())
    if call.action in ("CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload"):
        uses = ("GenerateDataKey", "Decrypt")
    if key_id := given.get("SSEKMSKeyId") or _key_of_bucket(bucket):
        yield from _key(call, key_id, uses, _via(call, "s3"))


def _in_bucket(call: Call, action: str, bucket: str, key: str, context: Values | None = None) -> Right:
    from moto.s3.models import s3_backends

    _, owner = s3_backends.bucket_accounts.get(bucket, ("", call.account_id))
    found = s3_backends[owner]["aws"].buckets.get(bucket)
    policy = found.policy if found else None
    return Right(
        f"s3:{action}",
        f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}",
        context or {},
        parsed(policy if isinstance(policy, str) else policy.decode(), "the bucket's policy") if policy else None,
        owner=owner if owner != call.account_id else "",
    )


def _bucket(name: str) -> Any:
    from moto.s3.models import s3_backends

    _, owner = s3_backends.bucket_accounts.get(name, ("", ""))
    return s3_backends[owner]["aws"].buckets.get(name) if owner else None


def _exists(call: Call, bucket: str, key: str) -> bool:
    found = _bucket(bucket)
    return found is not None and key in found.keys


def _key_of_bucket(name: str) -> str | None:
    found = _bucket(name)
    rule = ((found.encryption if found else None) or {}).get("Rule") or {}
    rule = rule[0] if isinstance(rule, list) else rule
    key: str | None = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
    return key


_TOPICS: Final = ("TopicArn", "TargetArn", "ResourceArn", "SubscriptionArn")


def _sns(call: Call) -> Iterator[Right] | None:
    from moto.sns.models import sns_backends

    arn = next((call.parameters[name] for name in _TOPICS if name in call.parameters), "")
    if call.action == "CreateTopic":
        arn = _arn(call, "sns", call.parameters["Name"])
    if not arn:
        return None
    topic = sns_backends[call.account_id][call.region].topics.get(arn)
    if call.action in ("GetSubscriptionAttributes", "SetSubscriptionAttributes", "Unsubscribe"):
        arn = call.parameters["SubscriptionArn"].rpartition(":")[0]
    action = "sns:Publish" if call.action == "PublishBatch" else f"sns:{call.action}"
    policy = parsed(topic.policy, "the topic's policy") if topic else None
    rights = [Right(action, arn, {"aws:sourceowner": call.account_id}, policy)]
    rights += [Right("sns:TagResource", arn)] if call.action == "CreateTopic" and call.parameters.get("Tags") else []
    if topic and topic.kms_master_key_id and action == "sns:Publish":
        rights += _key(call, topic.kms_master_key_id, ("GenerateDataKey", "Decrypt"), _via(call, "sns"))
    return _several(rights)


def _sqs(call: Call) -> Iterator[Right] | None:
    name = call.parameters.get("QueueName") or call.parameters.get("QueueUrl", "").rpartition("/")[2]
    return _several([Right(f"sqs:{call.action}", _arn(call, "sqs", name))]) if name else None


def _logs(call: Call) -> Iterator[Right] | None:
    given = call.parameters
    group = given.get("logGroupName") or given.get("logGroupIdentifier", "").rpartition("log-group:")[2]
    if not group or not resource_patterns(f"logs:{call.action}"):
        return None
    arn = _arn(call, "logs", f"log-group:{group}:log-stream:{given.get('logStreamName', '')}")
    tags = [Right("logs:TagResource", arn)] if given.get("tags") else []
    return _several([Right(f"logs:{call.action}", arn), *tags])


def _ecr(call: Call) -> Iterator[Right] | None:
    from moto.ecr.models import ecr_backends

    name = call.parameters.get("repositoryName")
    if not name:
        return None
    repository = ecr_backends[call.account_id][call.region].repositories.get(name)
    policy = getattr(repository, "policy", None)
    named = parsed(policy, "the repository's policy") if policy else None
    arn = _arn(call, "ecr", f"repository/{name}")
    tags = [Right("ecr:TagResource", arn)] if call.parameters.get("tags") else []
    return _several([Right(f"ecr:{call.action}", arn, {}, named), *tags])


def _states(call: Call) -> Iterator[Right] | None:
    arn = next((call.parameters[name] for name in ("stateMachineArn", "executionArn") if name in call.parameters), None)
    return _several([Right(f"states:{call.action}", arn)]) if arn else None


def _ecs(call: Call) -> Iterator[Right] | None:
    from moto.ecs.models import ecs_backends

    given = call.parameters
    if call.action != "RunTask":
        return None
    definition = ecs_backends[call.account_id][call.region].describe_task_definition(given["taskDefinition"])
    cluster = given.get("cluster", "default")
    arn = cluster if cluster.startswith("arn:") else _arn(call, "ecs", f"cluster/{cluster}")
    to = {"iam:passedtoservice": "ecs-tasks.amazonaws.com", "iam:associatedresourcearn": None}
    passed = [role for role in (definition.task_role_arn, getattr(definition, "execution_role_arn", None)) if role]
    rights = [Right("ecs:RunTask", definition.arn, {"ecs:cluster": arn})]
    return _several([*rights, *(Right("iam:PassRole", role, to) for role in passed)])


def _cloudwatch(call: Call) -> Iterator[Right] | None:
    if call.action != "PutMetricData":
        return None
    return _several(
        [Right("cloudwatch:PutMetricData", context={"cloudwatch:namespace": call.parameters.get("Namespace")})]
    )


def _sts(call: Call) -> Iterator[Right] | None:
    from moto.iam.models import iam_backends

    if call.action == "GetCallerIdentity":
        return _several([])  # nobody needs a right for it
    if call.action != "AssumeRole":
        return None
    arn = call.parameters["RoleArn"]
    owner = arn.split(":")[4]
    role = next((role for role in list(iam_backends[owner]["aws"].roles.values()) if role.arn == arn), None)
    trust = parsed(role.assume_role_policy_document, "the role's trust policy") if role else None
    context = {"sts:externalid": call.parameters.get("ExternalId")}
    other = owner if owner != call.account_id else ""
    return _several([Right("sts:AssumeRole", arn, context, trust, policy_decides=True, owner=other)])


def _rds_data(call: Call) -> Iterator[Right] | None:
    given = call.parameters
    if "resourceArn" not in given or "secretArn" not in given:
        return None
    database = Right(f"rds-data:{call.action}", given["resourceArn"])
    return _several([database, *_secret(call, given["secretArn"], "GetSecretValue")])


_RIGHTS: Final[Mapping[str, Callable[[Call], Iterator[Right] | None]]] = {
    "cloudwatch": _cloudwatch,
    "dynamodb": _dynamodb,
    "ecr": _ecr,
    "ecs": _ecs,
    "kms": _kms,
    "logs": _logs,
    "rds-data": _rds_data,
    "s3": _s3,
    "secretsmanager": _secretsmanager,
    "sns": _sns,
    "sqs": _sqs,
    "ssm": _ssm,
    "stepfunctions": _states,
    "sts": _sts,
}
"""The resource of a service's calls; None for calls that need no resource, or whose resource is not known here."""
