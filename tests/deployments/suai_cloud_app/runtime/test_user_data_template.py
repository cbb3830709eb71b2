"""The user data as a text: what may go into it, and what comes out."""

from __future__ import annotations

import ast
import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.suai_cloud_app import runtime
from modules.user_data import render

RUNTIME = Path(runtime.__file__).parent
USER_DATA = RUNTIME / "user_data.sh"
LONGEST = {
    "region": "ap-northeast-1",
    "bucket": "b" * 63,
    "release_prefix": "releases/",
    "server_port": "65535",
    "database_secret_arn": f"arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:{'d' * 63}-AbCdEf",
    "database_host": f"{'d' * 63}.c9akciq32rgh.ap-northeast-1.rds.amazonaws.com",
    "database_port": "3306",
    "database_name": "d" * 64,
    "redis_host": f"clustercfg.{'r' * 40}.abcdef.apne1.cache.amazonaws.com",
    "redis_port": "6379",
    "redis_secret_arn": "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:suai-cloud-app-prod-redis-auth-AbCdEf",
    "table": "t" * 64,
    "partition_key": "k" * 64,
    "app_log_group": f"/quintet/{'w' * 63}/application",
    "boot_log_group": f"/quintet/{'w' * 63}/boot",
}
"""Values about as long as they get."""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    return tmp_path / "script.sh"


def shellcheck(path: Path) -> str:
    program = Path(sys.executable).with_name("shellcheck")  # the pinned one, whatever else the machine has
    options = ["--enable=all", "--exclude=SC2250,SC2310,SC2312"]  # braces Terraform would read; `if` around functions
    return subprocess.run([program, *options, path], check=False, capture_output=True, text=True).stdout


def test_shellcheck_finds_nothing_in_the_scripts() -> None:
    assert shellcheck(RUNTIME / "header.sh") == ""


def test_shellcheck_finds_nothing_in_the_rendered_user_data(template: Path) -> None:
    template.write_text(render(USER_DATA, **LONGEST))
    assert shellcheck(template) == ""


def test_compressed_the_user_data_fits_into_ec2s_16_kilobytes() -> None:
    assert len(gzip.compress(render(USER_DATA, **LONGEST).encode())) <= 12_000


def test_the_user_data_has_nothing_terraform_would_interpolate() -> None:
    text = render(USER_DATA, **LONGEST)
    assert "${" not in text
    assert "%{" not in text


def test_the_values_arrive_as_json_and_the_files_as_they_are() -> None:
    text = render(USER_DATA, **LONGEST)
    written = text.split("boot.json\" <<'END_OF_FILE'\n")[1].split("END_OF_FILE")[0]
    assert json.loads(written) == LONGEST
    for path in [RUNTIME / "boot.py", *RUNTIME.glob("*.tmpl"), *(RUNTIME / "systemd").iterdir()]:
        content = path.read_text()
        assert f"<<'END_OF_FILE'\n{content}END_OF_FILE\n" in text, path.name


def test_the_boot_program_is_python_of_amazon_linux_2() -> None:
    ast.parse((RUNTIME / "boot.py").read_text(), feature_version=(3, 7))


def test_the_unit_restarts_the_application_as_its_own_user_in_its_folder() -> None:
    unit = (RUNTIME / "systemd" / "suaicloudapp.service").read_text().splitlines()
    expected = {
        "Restart=always",
        "User=suaicloudapp",
        "WorkingDirectory=/suaicloudapp",
        "ExecStart=/suaicloudapp/suaicloudapp",
    }
    assert expected <= set(unit)


def test_render_fills_in_values_once(template: Path) -> None:
    template.write_text("a='@{a}' $b \"$@\" @{a}@{json:c}")
    assert render(template, a="1", c="@{a}") == "a='1' $b \"$@\" 1@{a}"


def test_render_refuses_names_only_one_side_has(template: Path) -> None:
    template.write_text("@{one} @{two}")
    with pytest.raises(
        ValueError, match=rf"{template} wants values that are not given: @\{{two\}}; given: @\{{one\}}, @\{{three\}}"
    ):
        render(template, one="1", three="3")
    with pytest.raises(ValueError, match=rf"{template} has no place for @\{{three\}}; it has @\{{one\}}, @\{{two\}}"):
        render(template, one="1", two="2", three="3")


@pytest.mark.parametrize("value", ["it's", 'a"b', "a\\b", "a`b", "a\nb", "a\x7fb", "$HOME", "a;b", "٣"])
def test_render_refuses_values_that_are_not_plain_where_no_language_is_named(template: Path, value: str) -> None:
    template.write_text("'@{name}'")
    with pytest.raises(ValueError, match=r"the value of @\{name\} cannot stand there: .* such as @\{json:name\}"):
        render(template, name=value)


def test_render_refuses_a_language_that_it_does_not_know(template: Path) -> None:
    template.write_text("'@{perl:name}'")
    with pytest.raises(ValueError, match="perl is no language of templates; these are: json, shell, ini"):
        render(template, name="x")


def test_render_lets_expressions_of_terraform_through(template: Path) -> None:
    template.write_text("'@{name}'")
    assert render(template, name="${aws_s3_bucket.bucket.id}") == "'${aws_s3_bucket.bucket.id}'"


@pytest.mark.parametrize("interpolation", ["${x:-1}", "%{http_code}"])
@pytest.mark.parametrize("file", ["script.sh", "other.txt"])
def test_render_refuses_what_terraform_would_interpolate_naming_file_and_line(
    template: Path, interpolation: str, file: str
) -> None:
    template.write_text("@{file:other.txt}\n")
    (template.parent / "other.txt").write_text("fine\n")
    with (template.parent / file).open("a") as text:
        text.write(f"echo {interpolation}\n")
    with pytest.raises(ValueError, match=rf"{file}, line 2: Terraform would read [$%]{{ as its own; write \$name"):
        render(template)
