"""RDS: versions, classes and parameters that AWS offers, passwords, and zones of subnet groups.

Sources: RDS API Reference, CreateDBInstance, CreateDBCluster, ModifyDBParameterGroup, CreateDBSubnetGroup (2026-11-28);
the versions, classes and parameters are dated facts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.call import Refusal
from emulator.rules.rule import Rules
from emulator.versions import newer, resolve

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.facts import Facts

RULES = Rules("rds")

_PASSWORD_CHARACTERS = {"mysql": 41, "mariadb": 41, "aurora-mysql": 41, "postgres": 128, "aurora-postgresql": 99}
_FEWEST_PASSWORD_CHARACTERS = 8
_NOT_IN_PASSWORDS = frozenset('/"@ ')
_RESERVED_USERS = {"mysql": {"rdsadmin"}, "postgres": {"admin", "rdsadmin"}, "aurora-postgresql": {"admin", "rdsadmin"}}
_MONITORING_SECONDS = (0, 1, 5, 10, 15, 30, 60)
_MOST_BACKUP_DAYS = 35
_LEAST_STORAGE_GIB = 20
_MOST_PARAMETERS = 20
"""In one request."""

_CREATE = ("CreateDBInstance", "CreateDBCluster")
_CHANGE = ("ModifyDBInstance", "ModifyDBCluster")


@RULES.by_facts_on(*_CREATE)
def a_version_can_be_created(call: Call, facts: Facts) -> None:
    engine, asked = call.parameters.get("Engine", ""), call.parameters.get("EngineVersion")
    offered = facts.database_versions.get(engine)
    if asked and offered is not None and resolve(asked, offered) is None:
        raise Refusal("InvalidParameterCombination", f"Cannot find version {asked} for {engine}")


@RULES.on(*_CHANGE)
def a_version_only_rises(call: Call) -> None:
    asked, database = call.parameters.get("EngineVersion"), _database(call)
    if asked and database is not None and newer(database.engine_version, asked):
        raise Refusal(
            "InvalidParameterCombination",
            f"Cannot upgrade {database.engine} from {database.engine_version} to {asked}",
        )


@RULES.by_facts_on(*_CHANGE)
def a_new_version_can_be_had(call: Call, facts: Facts) -> None:
    asked, database = call.parameters.get("EngineVersion"), _database(call)
    if not asked or database is None or database.engine_version == asked:
        return
    offered = facts.database_versions.get(database.engine)
    if offered is not None and resolve(asked, offered) is None:
        raise Refusal("InvalidParameterCombination", f"Cannot find version {asked} for {database.engine}")


@RULES.by_facts_on("CreateDBInstance", "ModifyDBInstance")
def a_class_is_offered_for_the_engine(call: Call, facts: Facts) -> None:
    asked = call.parameters.get("DBInstanceClass")
    database = _database(call) if call.action == "ModifyDBInstance" else None
    engine = database.engine if database is not None else call.parameters.get("Engine", "")
    families = facts.database_classes.get(engine)
    if not asked or families is None:
        return
    family, _, size = asked.rpartition(".")
    if asked == "db.serverless" and engine.startswith("aurora"):
        return
    if size not in families.get(family, ()):
        raise Refusal(
            "InvalidParameterCombination",
            f"RDS does not support creating a DB instance with the following combination: DBInstanceClass={asked},"
            f" Engine={engine}",
        )


@RULES.on(*_CREATE, *_CHANGE)
def a_password_has_a_length_and_characters_that_engines_take(call: Call) -> None:
    password = call.parameters.get("MasterUserPassword")
    if password is None:
        return
    database = _database(call) if call.action in _CHANGE else None
    engine = database.engine if database is not None else call.parameters.get("Engine", "")
    bad = "The parameter MasterUserPassword is not a valid password because it"
    if len(password) < _FEWEST_PASSWORD_CHARACTERS:
        raise Refusal("InvalidParameterValue", f"{bad} is shorter than {_FEWEST_PASSWORD_CHARACTERS} characters.")
    most = _PASSWORD_CHARACTERS.get(engine, max(_PASSWORD_CHARACTERS.values()))
    if len(password) > most:
        raise Refusal("InvalidParameterValue", f"{bad} is longer than {most} characters.")
    if _NOT_IN_PASSWORDS & set(password) or not (password.isascii() and password.isprintable()):
        raise Refusal(
            "InvalidParameterValue",
            f"{bad} contains other characters than printable ASCII without '/', '@', '\"' and ' '.",
        )


@RULES.on(*_CREATE)
def the_master_user_is_not_the_engines_own(call: Call) -> None:
    user, engine = call.parameters.get("MasterUsername", ""), call.parameters.get("Engine", "")
    if user.lower() in _RESERVED_USERS.get(engine, ()):
        raise Refusal(
            "InvalidParameterValue", f"MasterUsername {user} cannot be used as it is a reserved word used by the engine"
        )


@RULES.on(*_CREATE, *_CHANGE)
def numbers_are_those_that_can_be_chosen(call: Call) -> None:
    monitoring = call.parameters.get("MonitoringInterval", 0)
    if monitoring not in _MONITORING_SECONDS:
        raise Refusal("InvalidParameterValue", f"The specified MonitoringInterval {monitoring} is invalid")
    days = call.parameters.get("BackupRetentionPeriod", 1)
    if not 0 <= days <= _MOST_BACKUP_DAYS:
        raise Refusal("InvalidParameterValue", f"Invalid backup retention period: {days}. Must be between 0 and 35")
    storage = call.parameters.get("AllocatedStorage", _LEAST_STORAGE_GIB)
    if call.action == "CreateDBInstance" and storage < _LEAST_STORAGE_GIB:
        engine = call.parameters.get("Engine", "")
        raise Refusal("InvalidParameterValue", f"Invalid storage size for engine name {engine}: {storage}")


@RULES.on("ModifyDBParameterGroup", "ModifyDBClusterParameterGroup")
def few_parameters_are_changed_at_once(call: Call) -> None:
    if len(call.parameters.get("Parameters", ())) > _MOST_PARAMETERS:
        raise Refusal("InvalidParameterValue", f"The number of parameters exceeds {_MOST_PARAMETERS} in one request")


@RULES.by_facts_on("ModifyDBParameterGroup", "ModifyDBClusterParameterGroup")
def parameters_are_those_that_can_be_set(call: Call, facts: Facts) -> None:
    family = _family(call)
    fixed, absent = facts.fixed_parameters.get(family, ()), facts.absent_parameters.get(family, ())
    for parameter in call.parameters.get("Parameters", ()):
        name = parameter.get("ParameterName")
        if name in fixed:
            raise Refusal("InvalidParameterValue", f"The parameter {name} cannot be modified.")
        if name in absent:
            raise Refusal("InvalidParameterValue", f"Could not find parameter with name: {name}")


@RULES.on("CreateDBSubnetGroup", "ModifyDBSubnetGroup")
def a_subnet_group_is_in_two_zones(call: Call) -> None:
    from moto.ec2.models import ec2_backends

    found = ec2_backends[call.account_id][call.region].subnets
    asked = call.parameters.get("SubnetIds", ())
    zones = {zone for zone, subnets in found.items() for subnet in asked if subnet in subnets}
    if len(zones) < 2 and all(any(subnet in subnets for subnets in found.values()) for subnet in asked):
        raise Refusal(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage:"
            f" {', '.join(sorted(zones))}. Add subnets to cover at least 2 AZs.",
        )


def _database(call: Call) -> Any:
    """Moto's instance or cluster that the call names; None when there is none, which moto refuses."""
    if "DBClusterIdentifier" in call.parameters and call.action.endswith("Cluster"):
        return _backend(call).clusters.get(call.parameters["DBClusterIdentifier"].lower())
    return _backend(call).databases.get(call.parameters.get("DBInstanceIdentifier", "").lower())


def _family(call: Call) -> str:
    backend = _backend(call)
    if call.action == "ModifyDBClusterParameterGroup":
        of_clusters = backend.db_cluster_parameter_groups.get(call.parameters["DBClusterParameterGroupName"])
        return str(of_clusters.db_parameter_group_family) if of_clusters else ""
    group = backend.db_parameter_groups.get(call.parameters["DBParameterGroupName"])
    return str(group.family) if group else ""


def _backend(call: Call) -> Any:
    from moto.rds.models import rds_backends

    return rds_backends[call.account_id][call.region]
