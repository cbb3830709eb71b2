"""The database, asked through AWS's Data API: no way into the network is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from operations.errors import OperatorError

if TYPE_CHECKING:
    from deployments.canvas_data_2.day2.deployed import CanvasData2


class DataApi:
    """The cluster's database, signed in to as its master user; another cluster's where both ARNs are given."""

    def __init__(self, canvas: CanvasData2, *, cluster_arn: str | None = None, secret_arn: str | None = None) -> None:
        self._client = canvas.client("rds-data")
        self._where = {
            "resourceArn": cluster_arn or canvas.outputs.cluster_arn,
            "secretArn": secret_arn or canvas.outputs.admin_secret_arn,
            "database": canvas.outputs.database_name,
        }

    def execute(self, sql: str, **parameters: str) -> list[dict[str, Any]]:
        """The rows of one statement, by column. Raises OperatorError with what PostgreSQL said."""
        from botocore.exceptions import ClientError

        given = [{"name": name, "value": {"stringValue": value}} for name, value in parameters.items()]
        try:
            answer = self._client.execute_statement(
                **self._where,
                sql=sql,
                parameters=given,
                includeResultMetadata=True,
                continueAfterTimeout=True,  # half a change of the schema helps nobody
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in ("BadRequestException", "DatabaseErrorException", "StatementTimeoutException"):
                raise
            raise OperatorError(
                f"The database refused: {error.response['Error']['Message']}",
                hint=f"The statement began: {' '.join(sql.split())[:80]}",
            ) from None
        names = [column["name"] for column in answer.get("columnMetadata") or []]
        rows = answer.get("records") or []
        return [dict(zip(names, map(_value, row), strict=True)) for row in rows]


def _value(field: dict[str, Any]) -> Any:
    return None if field.get("isNull") else next(iter(field.values()))
