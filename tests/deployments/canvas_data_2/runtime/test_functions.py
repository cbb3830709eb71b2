"""The functions that need no library: the list of tables, the summary, and what is left out of logs."""

from __future__ import annotations

import asyncio
import doctest
import json
from collections import Counter
from typing import Any

import pytest

from deployments.canvas_data_2.day2.rehearsal.dap_api import CLIENT_ID, CLIENT_SECRET, DapApi
from deployments.canvas_data_2.runtime.cd2 import dap_http, log
from deployments.canvas_data_2.runtime.cd2.dap_http import Api, ApiError
from deployments.canvas_data_2.runtime.cd2.database import Login
from deployments.canvas_data_2.runtime.cd2.list_tables import handler
from deployments.canvas_data_2.runtime.cd2.parameters import ApiCredentials, CredentialsMissingError, api_credentials
from deployments.canvas_data_2.runtime.cd2.replication import ReplicatedTable
from deployments.canvas_data_2.runtime.cd2.summarise import summarise
from deployments.canvas_data_2.runtime.cd2.sync_table import _within

CREDENTIALS = ApiCredentials(CLIENT_ID, CLIENT_SECRET)


class Parameters:
    """The Parameter Store with these parameters."""

    class exceptions:  # noqa: N801  # as boto3 spells it
        ParameterNotFound = LookupError

    def __init__(self, **values: str) -> None:
        self._values = values

    def get_parameter(self, Name: str, WithDecryption: bool) -> dict[str, Any]:  # noqa: N803  # as boto3 spells it
        assert WithDecryption
        if Name.rpartition("/")[2] not in self._values:
            raise self.exceptions.ParameterNotFound
        return {"Parameter": {"Value": self._values[Name.rpartition("/")[2]]}}


@pytest.fixture
def listed(api: DapApi, monkeypatch: pytest.MonkeyPatch) -> DapApi:
    monkeypatch.setenv("SSM_PATH", "/dev/canvas_data_2")
    monkeypatch.setenv("NAMESPACES", "canvas")
    filled = Parameters(dap_client_id=CLIENT_ID, dap_client_secret=CLIENT_SECRET)
    monkeypatch.setattr("deployments.canvas_data_2.runtime.cd2.list_tables.boto3.client", lambda _: filled)
    return api


def test_every_table_is_an_item_that_needs_sync(listed: DapApi) -> None:
    items = [{"namespace": "canvas", "table_name": name, "state": "needs_sync"} for name in ("courses", "users")]
    assert handler({}, None) == {"tables": items}


def test_skipped_tables_are_left_out(listed: DapApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKIP_TABLES", "users,no_such_table")
    assert [item["table_name"] for item in handler({}, None)["tables"]] == ["courses"]


def test_an_execution_may_name_its_tables(listed: DapApi) -> None:
    assert [item["table_name"] for item in handler({"tables": ["users"]}, None)["tables"]] == ["users"]


def test_a_throttled_list_is_asked_for_again(api: DapApi) -> None:
    api.faults.throttled["/dap/query/canvas/table"] = 2
    pauses: list[float] = []
    assert Api(api.url, CREDENTIALS, sleep=pauses.append).tables("canvas") == ["courses", "users"]
    assert len(pauses) == 2


def test_wrong_credentials_are_not_tried_twice(api: DapApi) -> None:
    wrong = Api(api.url, ApiCredentials("id", "wrong"), sleep=pytest.fail)
    with pytest.raises(ApiError, match="/ids/auth/login answered 401"):
        wrong.tables("canvas")


def test_an_api_that_stays_away_is_an_error_that_says_how_often_it_was_asked(api: DapApi) -> None:
    api.faults.throttled["/ids"] = 1000
    with pytest.raises(ApiError, match="429 Too Many Requests, 6 times"):
        Api(api.url, CREDENTIALS, sleep=lambda _: None).tables("canvas")


@pytest.mark.parametrize("secret", [{}, {"dap_client_secret": "not set"}])
def test_credentials_nobody_filled_in_name_the_command(monkeypatch: pytest.MonkeyPatch, secret: dict[str, str]) -> None:
    monkeypatch.setenv("SSM_PATH", "/prod/canvas_data_2")
    with pytest.raises(
        CredentialsMissingError, match="/prod/canvas_data_2/dap_client_secret is not set: quintet canvas"
    ):
        api_credentials(Parameters(dap_client_id="x", **secret))


class Interrupted(ReplicatedTable):
    """A table whose sync takes long, and ends with `error` when it is interrupted."""

    def __init__(self, error: type[BaseException]) -> None:
        super().__init__("canvas", "users", credentials=CREDENTIALS, login=Login("h", 1, "d", "u", "p"))
        self._error = error

    async def sync(self) -> dict[str, Any]:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise self._error from None
        raise AssertionError("nobody interrupted it")


@pytest.mark.parametrize("error", [asyncio.CancelledError, TimeoutError, ConnectionResetError, ValueError])
def test_a_sync_that_is_out_of_time_needs_the_task_however_it_ends(error: type[BaseException]) -> None:
    result = asyncio.run(_within(0.01, Interrupted(error)))
    assert (result["state"], result["error"]) == ("needs_task", "not done within 0 s")


def test_a_sync_that_fails_in_time_has_failed() -> None:
    result = asyncio.run(_within(60, Failed(ValueError)))
    assert (result["state"], result["error"]) == ("failed", "ValueError: ")


class Failed(Interrupted):
    async def sync(self) -> dict[str, Any]:
        raise self._error


def results(**states: int) -> list[dict[str, Any]]:
    return [
        {"namespace": "canvas", "table_name": f"{state}_{n}", "step": "sync", "state": state, "error": ""}
        for state, number in states.items()
        for n in range(number)
    ]


def test_the_summary_counts_every_table_once() -> None:
    summary = summarise(results(complete=3, complete_with_update=2, failed=1), "e", "now", "dev")
    assert Counter(summary["counts"]) >= Counter(tables=6, complete=3, complete_with_update=2, failed=1, failed_sync=1)
    assert summary["subject"] == "Canvas Data 2 (dev): 5 of 6 tables refreshed, 1 failed"


def test_a_state_that_is_no_end_counts_as_failed() -> None:
    summary = summarise(results(needs_init=1, needs_task=1, complete=1), "e", "now", "dev")
    assert summary["counts"]["failed"] == 2
    assert {failure["error"] for failure in json.loads(summary["message"])["failed"]} == {"needs_init", "needs_task"}


def test_a_long_message_is_shortened_and_its_counts_stay() -> None:
    many = [{**result, "error": "ä" * 300} for result in results(failed=1000)]
    summary = summarise(many, "e", "now", "dev")
    message = json.loads(summary["message"])
    assert len(summary["message"].encode()) < 256 * 1024
    assert message["counts"]["failed"] == 1000
    assert len(message["failed"]) + message["failed_left_out"] == 1000


def test_a_subject_is_as_short_as_sns_wants_it() -> None:
    assert len(summarise(results(failed=1), "e", "now", "d" * 200)["subject"]) == 100


def test_no_secret_passes_the_log() -> None:
    log.hide("known-secret")
    text = log.redacted(
        "postgresql://u:pw0rd@host known-secret Bearer abc.def https://f/x?X-Amz-Signature=s password='p'"
    )
    for secret in ("pw0rd", "known-secret", "abc.def", "Signature", "'p'"):
        assert secret not in text
    assert doctest.testmod(log).failed == 0
    assert dap_http.ATTEMPTS == 6
