"""The Data API of Aurora clusters.

* statements are never executed; here PostgreSQL executes them where `emulator.behind` names a server for the
  cluster, signed in as the request's secret says, one statement at a time and within 45 seconds, as on AWS
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from moto.rdsdata.responses import RDSDataServiceResponse
from moto.secretsmanager.models import secretsmanager_backends

from emulator.behind import database_behind
from emulator.code_rights import require
from emulator.gap import Gap
from emulator.store import Record

GAP = Gap("rdsdata")

_SECONDS = 45
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]\w*)")


@GAP.around(RDSDataServiceResponse, "execute_statement")
def executed_by_postgresql(original: Any, response: RDSDataServiceResponse) -> str:
    cluster = str(response._get_param("resourceArn")).rpartition(":")[2]
    server = database_behind(cluster)
    if server is None:
        answer: str = original(response)
        return answer
    require(f"The statement for {cluster}")
    secrets = secretsmanager_backends[response.current_account][response.region]
    login = json.loads(secrets.get_secret_value(response._get_param("secretArn"), "", "")["SecretString"])
    asked = {**server, "database": response._get_param("database") or server["database"]}
    parameters = {entry["name"]: _value(entry["value"]) for entry in response._get_param("parameters") or []}
    return json.dumps(asyncio.run(_execute(response._get_param("sql"), parameters, asked, login)))


async def _execute(sql: str, parameters: dict[str, Any], server: Any, login: Record) -> Record:
    import asyncpg

    names = list(dict.fromkeys(_PARAMETER.findall(sql))) if parameters else []
    for number, name in enumerate(names, start=1):
        sql = re.sub(rf"(?<![:\w]):{name}\b", f"${number}", sql)
    try:
        connection = await asyncpg.connect(
            host=server["host"],
            port=server["port"],
            user=login["username"],
            password=login["password"],
            database=server["database"],
            timeout=10,
        )
    except (OSError, asyncpg.PostgresError) as error:
        raise GAP.error("BadRequestException", f"FATAL: {error}") from error
    try:
        # prepared, which takes a single statement only
        statement = await connection.prepare(sql, timeout=_SECONDS)
        rows = await statement.fetch(*(parameters[name] for name in names), timeout=_SECONDS)
        columns = [{"name": column.name, "typeName": column.type.name} for column in statement.get_attributes()]
    except asyncpg.PostgresError as error:
        raise GAP.error("BadRequestException", f"ERROR: {error}; SQLState: {error.sqlstate}") from error
    finally:
        await connection.close()
    return {
        "records": [[_field(value) for value in row] for row in rows],
        "columnMetadata": columns,
        "numberOfRecordsUpdated": 0 if columns else len(rows),
    }


def _value(field: Record) -> Any:
    return None if field.get("isNull") else next(iter(field.values()))


def _field(value: Any) -> Record:
    match value:
        case None:
            return {"isNull": True}
        case bool():
            return {"booleanValue": value}
        case int():
            return {"longValue": value}
        case float():
            return {"doubleValue": value}
        case _:
            return {"stringValue": str(value)}
