"""Checks of `make demo` on an applied Beaver Contest: what the PHP code relies on, and what must stay closed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from deployments.beaver_contest.outputs import BeaverContestOutputs
from operations.demo.check import Check, CheckContext, expect

CORS = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "AllowedHeaders": ["*"], "MaxAgeSeconds": 3000}
ROOTS = {"admin": "/teacherInterface", "contest": "/contestInterface"}


def checks() -> Sequence[Check]:
    """The checks, quick ones first."""
    return (
        Check("environments", environments_serve_their_folders_through_apache),
        Check("properties", environments_know_the_database_and_no_secret),
        Check("tables", tables_have_the_keys_the_code_asks_for),
        Check("password index", teams_are_found_by_their_password),
        Check("static files", static_bucket_has_the_documented_cors_and_website),
        Check("hidden files", solutions_are_hidden_from_strangers),
        Check("database", database_lets_triggers_be_made_and_has_no_public_address),
        Check("network", only_the_environments_and_the_function_reach_the_database),
        Check("php user", php_user_is_scoped_and_has_no_key_of_terraforms),
    )


def environments_serve_their_folders_through_apache(context: CheckContext) -> str:
    """Both environments are ready, each with its document root, Apache and a load balancer."""
    for role, root in ROOTS.items():
        environment = _environment(context, role)
        expect(environment["Status"] == "Ready", f"{role} is {environment['Status']}")
        found = options(context, role)
        expect(found["aws:elasticbeanstalk:container:php:phpini", "document_root"] == root, f"{role} serves another")
        expect(found["aws:elasticbeanstalk:environment:proxy", "ProxyServer"] == "apache", f"{role} has no Apache")
        expect(found["aws:elasticbeanstalk:environment", "EnvironmentType"] == "LoadBalanced", f"{role} stands alone")
    return "admin and contest are ready"


def environments_know_the_database_and_no_secret(context: CheckContext) -> str:
    """The program's environment names the database; the master user's password stands nowhere."""
    outputs = context.read(BeaverContestOutputs)
    secret = context.client("secretsmanager").get_secret_value(SecretId=outputs.database_secret_arn)
    password = json.loads(secret["SecretString"])["password"]
    for role in ROOTS:
        found = options(context, role)
        host = found["aws:elasticbeanstalk:application:environment", "RDS_HOSTNAME"]
        expect(host == outputs.database_address, f"{role} looks for its database at {host}")
        expect(password not in json.dumps(list(found.values())), f"{role} has the password in its options")
    return "names and ARNs only"


def tables_have_the_keys_the_code_asks_for(context: CheckContext) -> str:
    """The three tables' keys, the index's name and its projection are those the code has built in."""
    outputs = context.read(BeaverContestOutputs)
    team = _keys(context, outputs.team_table)
    expect(team["keys"] == [("ID", "N")], f"team has the keys {team['keys']}")
    expect(
        team["indexes"] == {"password-index": ([("password", "S")], "ALL")}, f"team has the indexes {team['indexes']}"
    )
    answers = _keys(context, outputs.team_question_table)["keys"]
    expect(answers == [("teamID", "N"), ("questionID", "N")], f"team_question has the keys {answers}")
    sessions = _keys(context, outputs.sessions_table)["keys"]
    expect(sessions == [("id", "S")], f"sessions has the keys {sessions}")
    ttl = context.client("dynamodb").describe_time_to_live(TableName=outputs.sessions_table)
    expect(ttl["TimeToLiveDescription"].get("AttributeName") == "expires", "sessions do not expire")
    return "team, team_question, sessions"


def teams_are_found_by_their_password(context: CheckContext) -> str:
    """A team that is written is found by the index as the code asks for it."""
    dynamodb, table = context.client("dynamodb"), context.read(BeaverContestOutputs).team_table
    item = {"ID": {"N": "1"}, "password": {"S": "quintet-check"}, "nbMinutes": {"N": "45"}}
    dynamodb.put_item(TableName=table, Item=item)
    try:
        found = dynamodb.query(
            TableName=table,
            IndexName="password-index",
            KeyConditionExpression="password = :password",
            ExpressionAttributeValues={":password": {"S": "quintet-check"}},
        )["Items"]
        expect(found == [item], f"the index finds {found}")
    finally:
        dynamodb.delete_item(TableName=table, Key={"ID": {"N": "1"}})
    return "found with every attribute"


def static_bucket_has_the_documented_cors_and_website(context: CheckContext) -> str:
    """Every origin may GET, for 3000 seconds; the website is on; the name is the host's where a CNAME leads there."""
    outputs = context.read(BeaverContestOutputs)
    s3, bucket = context.client("s3"), outputs.static_bucket
    (rule,) = s3.get_bucket_cors(Bucket=bucket)["CORSRules"]
    expect({key: rule.get(key) for key in CORS} == CORS, f"its CORS rule is {rule}")
    expect("IndexDocument" in s3.get_bucket_website(Bucket=bucket), "it is no website")
    host = outputs.static_url.split("//")[1]
    distribution_id = outputs.distribution_id
    if not distribution_id:
        expect(bucket == host, f"a CNAME from {host} cannot lead to a bucket called {bucket}")
        return f"CNAME from {host}"
    distribution = context.client("cloudfront").get_distribution(Id=distribution_id)["Distribution"]
    aliases = distribution["DistributionConfig"]["Aliases"]["Items"]
    expect(aliases == [host], f"CloudFront serves {aliases}")
    expect(distribution["DistributionConfig"]["Logging"]["Enabled"], "CloudFront logs nothing")
    return f"CloudFront as {host}"


def solutions_are_hidden_from_strangers(context: CheckContext) -> str:
    """The bucket's policy denies solutions and .htaccess to whoever is not of this account."""
    outputs = context.read(BeaverContestOutputs)
    policy = json.loads(context.client("s3").get_bucket_policy(Bucket=outputs.static_bucket)["Policy"])
    (hidden,) = [statement for statement in policy["Statement"] if statement["Sid"] == "NeverPublic"]
    expect(hidden["Effect"] == "Deny", "NeverPublic does not deny")
    for pattern in ("*_sols.html", "*.htaccess"):
        expect(any(resource.endswith(pattern) for resource in hidden["Resource"]), f"{pattern} is not hidden")
    expect("StringNotEquals" in hidden["Condition"], "presigned URLs of this account are denied as well")
    return f"{len(hidden['Resource'])} patterns, {outputs.static_access} decides the rest"


def database_lets_triggers_be_made_and_has_no_public_address(context: CheckContext) -> str:
    """The parameter group lets triggers be made while binary logging is on; nobody outside reaches the database."""
    rds, database = context.client("rds"), _database(context)
    expect(not database["PubliclyAccessible"], "the database has a public address")
    (group,) = database["DBParameterGroups"]
    pages = rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=group["DBParameterGroupName"])
    values = {p["ParameterName"]: p.get("ParameterValue") for page in pages for p in page["Parameters"]}
    expect(values.get("log_bin_trust_function_creators") == "1", "triggers cannot be made")
    return f"{database['Engine']} {database['EngineVersion']}, {database['DBInstanceClass']}"


def only_the_environments_and_the_function_reach_the_database(context: CheckContext) -> str:
    """Port 3306, from both environments and the function that makes their user; no address, no other port."""
    rules = context.client("ec2").describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [context.read(BeaverContestOutputs).database_security_group]}]
    )["SecurityGroupRules"]
    incoming = [rule for rule in rules if not rule["IsEgress"]]
    expect(len(incoming) == 3, f"{len(incoming)} rules open the database")
    for rule in incoming:
        expect("ReferencedGroupInfo" in rule, "the database is open to addresses")
        expect((rule["FromPort"], rule["ToPort"]) == (3306, 3306), "the database is open on other ports")
    return "3306 from three security groups"


def php_user_is_scoped_and_has_no_key_of_terraforms(context: CheckContext) -> str:
    """The IAM user has its own policies only, and no access key before rotate-key makes one."""
    iam, user = context.client("iam"), context.read(BeaverContestOutputs).php_user
    expect(not iam.list_attached_user_policies(UserName=user)["AttachedPolicies"], "it has a policy of AWS's")
    names = iam.list_user_policies(UserName=user)["PolicyNames"]
    expect(len(names) == 2, f"it has the policies {names}")
    keys = iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
    expect(not keys, f"it has {len(keys)} keys already")
    return "one bucket, three tables, no key yet"


def _environment(context: CheckContext, role: str) -> dict[str, Any]:
    name = context.read(BeaverContestOutputs).environments[role]
    found = context.client("elasticbeanstalk").describe_environments(EnvironmentNames=[name], IncludeDeleted=False)[
        "Environments"
    ]
    expect(len(found) == 1, f"there is no environment {name}")
    environment: dict[str, Any] = found[0]
    return environment


def options(context: CheckContext, role: str) -> dict[tuple[str, str], str]:
    """Option settings of the environment of a role, by namespace and name."""
    outputs = context.read(BeaverContestOutputs)
    (described,) = context.client("elasticbeanstalk").describe_configuration_settings(
        ApplicationName=outputs.application, EnvironmentName=outputs.environments[role]
    )["ConfigurationSettings"]
    return {(o["Namespace"], o["OptionName"]): o.get("Value", "") for o in described["OptionSettings"]}


def _keys(context: CheckContext, name: str) -> dict[str, Any]:
    table = context.client("dynamodb").describe_table(TableName=name)["Table"]
    types = {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]}

    def named(schema: Sequence[dict[str, str]]) -> list[tuple[str, str]]:
        return [(key["AttributeName"], types[key["AttributeName"]]) for key in schema]

    return {
        "keys": named(table["KeySchema"]),
        "indexes": {
            index["IndexName"]: (named(index["KeySchema"]), index["Projection"]["ProjectionType"])
            for index in table.get("GlobalSecondaryIndexes", [])
        },
    }


def _database(context: CheckContext) -> dict[str, Any]:
    instances = context.client("rds").describe_db_instances()["DBInstances"]
    address = context.read(BeaverContestOutputs).database_address
    mine = [instance for instance in instances if instance.get("Endpoint", {}).get("Address") == address]
    expect(len(mine) == 1, f"no database answers at {address}")
    found: dict[str, Any] = mine[0]
    return found
