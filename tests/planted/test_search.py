"""The search finds a secret in every form, in archives, in processes and in what AWS tells; it never shows one."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from tests.planted.held import PLANTED, known_secrets, plant
from tests.planted.processes import Processes
from tests.planted.readable import ReadableTexts
from tests.planted.search import SecretSearch

SECRET = PLANTED.format(role="smtp", stack="aquamark-dev")
SEARCH = SecretSearch({"smtp": SECRET})
SPELLINGS = {
    "as it is": SECRET,
    "escaped in JSON": json.dumps({"password": SECRET}),
    "escaped in JSON in UTF-8": json.dumps({"password": SECRET}, ensure_ascii=False),
    "escaped in JSON of Terraform": json.dumps(SECRET)
    .replace("<", "\\u003c")
    .replace("&", "\\u0026")
    .replace(">", "\\u003e"),
    "escaped in JSON twice": json.dumps(json.dumps({"password": SECRET})),
    "URL-quoted": f"mysql://app:{quote(SECRET, safe='')}@host/db",
    "URL-quoted path": quote(SECRET),
    "URL-quoted form": f"password={quote_plus(SECRET)}",
    "in hex": SECRET.encode().hex(),
    "in capital hex": SECRET.encode().hex().upper(),
    **{
        f"in base64 after {before} before {after}": base64.b64encode(
            b"a" * before + SECRET.encode() + b"z" * after
        ).decode()
        for before in range(4)
        for after in range(4)
    },
    "in base64 for URLs": base64.urlsafe_b64encode(f"?{SECRET}?".encode()).decode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_is_found_in_every_form_and_not_shown(spelling: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(f"before {SPELLINGS[spelling]} after")
    (found,) = {place.partition(": smtp")[0] for place in SEARCH.in_files(tmp_path)}
    assert found == str(tmp_path / "log")
    assert not SecretSearch({"smtp": "another secret"}).in_files(tmp_path)
    assert "pl" not in "".join(SEARCH.in_files(tmp_path)).replace(str(tmp_path), "")


def test_a_secret_is_found_in_archives_and_in_names_of_files(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "plan", "w", zipfile.ZIP_DEFLATED) as plan:
        plan.writestr("tfstate", json.dumps({"value": SECRET}))
    packed = gzip.compress(f"#!/bin/bash\nPASSWORD='{SECRET}'\n".encode())
    (tmp_path / "user-data").write_bytes(base64.b64encode(packed))
    (tmp_path / quote(SECRET, safe="")).touch()
    places = {place.partition(": smtp")[0] for place in SEARCH.in_files(tmp_path)}
    assert places == {
        f"{tmp_path}/plan!tfstate",
        f"{tmp_path}/user-data!base64!gzip",
        f"{tmp_path}/{quote(SECRET, safe='')}",
    }


def test_an_archive_that_is_being_written_is_read_when_it_is_whole_and_one_that_stays_cut_off_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, whole = tmp_path / "plan", io.BytesIO()
    with zipfile.ZipFile(whole, "w") as plan:
        plan.writestr("tfstate", SECRET)
    file.write_bytes(whole.getvalue()[:-30])
    rest = threading.Timer(0.3, file.write_bytes, [whole.getvalue()])
    rest.start()
    assert f"{file}!tfstate: smtp as it is" in SEARCH.in_files(tmp_path)
    rest.join()
    file.write_bytes(whole.getvalue()[:-30])
    monkeypatch.setattr("tests.planted.search._WRITTEN_SECONDS", 0.1)
    with pytest.raises(zipfile.BadZipFile):
        SEARCH.in_files(tmp_path)


def test_arguments_and_environments_are_seen_of_children_and_of_their_children() -> None:
    processes = Processes()
    grandchild = (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(1)', 'inner-argument'])"
    )
    with processes.watched():
        given = {**os.environ, "PASSWORD": "in-the-environment"}
        subprocess.run([sys.executable, "-c", grandchild, "outer-argument"], env=given, check=True)
    search = SecretSearch({name: name for name in ("in-the-environment", "inner-argument", "outer-argument")})
    found = set(search.in_texts(processes.texts()))
    assert found == {
        "variable PASSWORD of a process: in-the-environment as it is",
        "arguments of a process: inner-argument as it is",
        "arguments of a process: outer-argument as it is",
    }


def test_what_was_seen_so_far_is_told_while_more_is_seen() -> None:
    processes = Processes()
    processes.arguments = {"first", "second"}
    processes.environments = {"A=1", "B=2"}
    told = processes.texts()
    seen = [next(told)]
    processes.arguments.add("third")
    seen += [next(told), next(told)]
    processes.environments.add("C=3")
    assert {text for _, text in [*seen, *told]} == {"first", "second", "A=1", "B=2"}


def test_an_object_is_read_once_and_again_when_it_holds_something_else(aws: Callable[..., Any]) -> None:
    s3, readable, read = aws("s3"), ReadableTexts(), []
    s3.meta.events.register("before-call.s3.GetObject", lambda params, **_: read.append(params["url_path"]))

    def texts() -> dict[str, bytes]:
        return dict(readable.read(lambda name: s3 if name == "s3" else aws(name)))

    s3.create_bucket(Bucket="notes", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="notes", Key="one", Body=b"first")
    s3.put_object(Bucket="notes", Key="two", Body=b"second")
    assert texts()["s3://notes/one"] == texts()["s3://notes/one"] == b"first"
    assert len(read) == 2
    s3.put_object(Bucket="notes", Key="one", Body=b"third")
    assert texts()["s3://notes/one"] == b"third"
    assert len(read) == 3
    s3.delete_object(Bucket="notes", Key="one")
    assert "s3://notes/one" not in texts()


def test_all_secrets_of_an_account_are_known_and_found_where_aws_tells_them(aws: Callable[..., Any]) -> None:
    secrets_manager, ssm = aws("secretsmanager"), aws("ssm")
    tags = [{"Key": "Deployment", "Value": "example"}, {"Key": "Environment", "Value": "dev"}]
    secrets_manager.create_secret(Name="empty", Tags=tags)
    secrets_manager.create_secret(Name="of-another-stack")
    secrets_manager.create_secret(
        Name="login", SecretString=json.dumps({"username": "app", "password": "first-password"})
    )
    secrets_manager.put_secret_value(SecretId="login", SecretString=json.dumps({"username": "app", "password": SECRET}))
    ssm.put_parameter(Name="/token", Type="SecureString", Value="token-of-the-api")
    ssm.put_parameter(Name="/public", Type="String", Value="not-a-secret-at-all")
    plant(secrets_manager, "example-dev")
    assert secrets_manager.list_secret_version_ids(SecretId="of-another-stack")["Versions"] == []
    known = known_secrets(secrets_manager, ssm)
    planted = PLANTED.format(role="empty", stack="example-dev")
    assert {"first-password", SECRET, "token-of-the-api", planted} <= set(known.values())
    assert "app" not in known.values()
    assert "not-a-secret-at-all" not in known.values()

    search, readable = SecretSearch(known), ReadableTexts()
    assert not [one for place, data in readable.read(aws) for one in search.in_bytes(place, data)]
    user_data = base64.b64encode(f"token={SECRET}".encode()).decode()
    aws("ec2").create_launch_template(LaunchTemplateName="web", LaunchTemplateData={"UserData": user_data})
    aws("s3").create_bucket(Bucket="states", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    aws("s3").put_object(Bucket="states", Key="terraform.tfstate", Body=json.dumps({"v": "first-password"}))
    ssm.put_parameter(Name="/config", Type="String", Value="key=token-of-the-api")
    aws("logs").create_log_group(logGroupName="boot")
    aws("logs").create_log_stream(logGroupName="boot", logStreamName="i")
    aws("logs").put_log_events(
        logGroupName="boot", logStreamName="i", logEvents=[{"timestamp": int(time.time() * 1000), "message": planted}]
    )
    places = {one.partition(":")[0] for place, data in readable.read(aws) for one in search.in_bytes(place, data)}
    assert places == {"user data of web", "user data of web!base64", "s3", "parameter /config", "log group boot"}
