"""Every kind of wrong value is refused with the file, the key, the value and what is allowed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from config.environment import load_environment
from config.settings import ROOT, SettingsError
from tests.settings.conftest import Files

APP = "suai_cloud_app/environments/dev.toml"
PROD = "suai_cloud_app/environments/prod.toml"
ENV = "environments/dev.toml"

BAD = [
    (APP, 'nat = "single"', 'natt = "single"', 'network.natt = "single"', "did you mean nat?"),
    (APP, 'nat = "single"', 'nat = "two"', 'network.nat = "two"', "'none', 'single' or 'per_az'"),
    (APP, 'nat = "single"', 'nat = "none"', 'network.nat = "none"', "must be single or per_az"),
    (APP, '"10.50.0.0/16"', '"10.50.0.1/16"', 'network.cidr_block = "10.50.0.1/16"', "has host bits set"),
    (APP, '"10.50.0.0/16"', '"8.8.0.0/16"', "network.cidr_block", "is not a private range"),
    (APP, '"10.50.0.0/16"', '"10.50.0.0/24"', "network.cidr_block", "between /16 and /22"),
    (APP, '"eu-central-1c"', '"eu-central-1f"', "network.availability_zones[2]", "eu-central-1f is not in eu-central-1"),
    (APP, '"eu-central-1c"', '"eu-central-1b"', "network.availability_zones[2]", "named twice"),
    (APP, '"eu-central-1c"', "3", "network.availability_zones[2] = 3", "string"),
    (APP, 'region = "eu-central-1"', 'region = "eu-central-9"', 'region = "eu-central-9"', "eu-central-1, eu-central-2"),
    (APP, "port = 8080\ndata", "port = 70000\ndata", "application.port = 70000", "less than or equal to 65535"),
    (APP, "port = 8080\ndata", 'port = "8080"\ndata', 'application.port = "8080"', "integer"),
    (APP, "port = 8080\ndata", "port = 80\ndata", "application.port = 80", "below 1024"),
    (APP, '"quintet-suai-cloud-app-dev"', '"Quintet"', 'bucket.name = "Quintet"', "is not an S3 bucket name"),
    (APP, '"db.t3.micro"', '"t3.micro"', 'database.instance_class = "t3.micro"', "example: db.t4g.micro"),
    (APP, "allocated_storage_gib = 20", "allocated_storage_gib = 5", "database.allocated_storage_gib = 5", "equal to 20"),
    (APP, "allocated_storage_gib = 20", "allocated_storage_gib = 100\nmax_allocated_storage_gib = 109", "database.max_allocated_storage_gib = 109", "a tenth above allocated_storage_gib = 100"),
    (APP, "allocated_storage_gib = 20", "allocated_storage_gb = 20", "database.allocated_storage_gb = 20", "did you mean allocated_storage_gib?"),
    (APP, "backup_retention_days = 0", "backup_retention_days = 36", "database.backup_retention_days = 36", "equal to 35"),
    (APP, 'storage_encrypted = "The', 'storage_encryption = "The', "database.storage_encrypted = false", "needs a reason"),
    (APP, "[database]\n", "[database]\nrequire_tls = false\n", "database.require_tls = false", "needs a reason"),
    (APP, "[database]\n", '[alarms]\nemails = ["a@b.org", "a@b.org"]\n\n[database]\n', 'alarms.emails[1] = "a@b.org"', "named twice"),
    (APP, "transit_encryption_enabled = false", "transit_encryption_enabled = true", "redis.reasons.transit_encryption_enabled", "gives a reason for nothing"),
    (APP, "num_node_groups = 1", "num_node_groups = 0", "redis.num_node_groups = 0", "equal to 1"),
    (APP, "max_size = 4", "max_size = 1", "fleet.max_size = 1", "below min_size = 2"),
    (APP, '"t3.micro"', '"t3.tiny"', 'fleet.instance_type = "t3.tiny"', "example: t3.micro"),
    (APP, 'partition_key = "id"', 'partition_key = ""', 'dynamodb.partition_key = ""', "is not an attribute name"),
    (APP, "[bucket]\n", '[adopt]\n"database" = "x"\n\n[bucket]\n', "adopt.database", "is not the address of a resource"),
    (APP, "[bucket]\n", '[adopt]\n"aws_s3_bucket.bucket" = ""\n\n[bucket]\n', 'adopt.aws_s3_bucket.bucket = ""', "at least 1 character"),
    (APP, "[bucket]\n", "[buckets]\n", "bucket", "is required and missing"),
    (PROD, '"Z00EXAMPLE0SUAI0ZONE"', '"example.org"', 'load_balancer.dns.zone_id = "example.org"', "hosted zone id"),
    (PROD, '"suai.example.org"', '"Suai"', 'load_balancer.dns.host_name = "Suai"', "lower-case host name"),
    (PROD, "10.51.0.0/16", "10.50.0.0/15", "network.cidr_block", "between /16 and /22"),
    (ENV, '"111122223333"', '"1111"', 'account_id = "1111"', "twelve digits"),
    (ENV, '"111122223333"', "111122223333", "account_id = 111122223333", "string"),
    (ENV, 'locking = "dynamodb"', 'locking = "none"', 'state.locking = "none"', "'dynamodb', 'both' or 'lockfile'"),
    (ENV, 'locking = "dynamodb"', 'backend = "gcs"', 'state.backend = "gcs"', "'s3' or 'cloud'"),
    (ENV, 'locking = "dynamodb"', 'backend = "cloud"', "state.organization", "is required and missing"),
    (ENV, 'locking = "dynamodb"', 'backend = "cloud"\norganization = "a b"', 'state.organization = "a b"', "3 to 40 letters"),
    (ENV, 'locking = "dynamodb"', 'backend = "cloud"', 'state.bucket = "quintet-dev-terraform-state"', "is not a known key"),
    (ENV, 'locking = "dynamodb"', 'backend = "cloud"\nworkspaces = { "suai-cloud-app" = "a/b" }', 'state.workspaces.suai-cloud-app = "a/b"', "is not the name of an HCP Terraform workspace"),
    (ENV, 'name = "dev"', 'name = "test"', 'name = "test"', 'must be the name of the file, "dev"'),
    (ENV, "protect_data = false", "protect_data = 0", "protect_data = 0", "boolean"),
    (ENV, "[state]", "[state", "environments/dev.toml", "at line 5"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "found", "allowed"), BAD, ids=[f"{case[3]}-{index}" for index, case in enumerate(BAD)]
)
def test_a_wrong_value_is_refused_with_file_key_value_and_what_is_allowed(
    files: Files, file: str, old: str, new: str, found: str, allowed: str
) -> None:
    files.replace(file, old, new)
    refusals = files.refusals()
    assert [line for line in refusals if line.startswith(file) and found in line and allowed in line], refusals


def test_all_problems_of_all_files_are_told_at_once(files: Files) -> None:
    files.replace(ENV, '"111122223333"', '"1"')
    files.replace(APP, "max_size = 4", "max_size = 0")
    files.replace(PROD, 'nat = "per_az"', 'nat = "x"')
    assert {line.split(":")[0] for line in files.refusals()} == {ENV, APP, PROD}


def test_networks_of_one_environment_may_not_overlap(files: Files) -> None:
    other = files.path("suai_cloud_app/environments")
    (other / "stage.toml").write_text(files.path(APP).read_text())
    assert any("there is no environment stage" in line for line in files.refusals())


def test_a_file_that_is_not_text_is_refused(files: Files) -> None:
    files.path(APP).write_bytes(b"region = \xff\xfe")
    assert files.refusals() == [f"{APP}: is not UTF-8 text: byte 9"]


def test_the_committed_settings_are_accepted(files: Files) -> None:
    assert {plan.stack_name for plan in files.load()} >= {"suai-cloud-app-dev", "suai-cloud-app-prod"}


def test_storage_may_grow_by_a_tenth(files: Files) -> None:
    files.replace(APP, "allocated_storage_gib = 20", "allocated_storage_gib = 100\nmax_allocated_storage_gib = 110")
    assert files.load()


def test_checking_settings_imports_neither_cdktf_nor_boto3() -> None:
    program = (
        "import sys; from operations.cli import run; code = run(['settings', 'check']);"
        "print(sorted({'cdktf', 'constructs', 'jsii', 'boto3', 'botocore', 'moto'} & set(sys.modules))); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_main_refuses_wrong_settings_before_writing_anything(tmp_path: Path, files: Files) -> None:
    files.replace(APP, "max_size = 4", "max_size = 0")
    program = (
        "import sys, main, config.stack_settings as stack_settings; from pathlib import Path; root = Path(sys.argv[1]);"
        "main.load_all = lambda: stack_settings.load_all(folder=root, environments=root / 'environments'); sys.exit(main.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, files.root],
        cwd=ROOT, env={"CDKTF_OUTDIR": str(tmp_path / "out"), "PATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "fleet.max_size = 0" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "\ufeff", "begins with a byte order mark: save it as UTF-8 without one"),
        ('name = "dev"', "name = “dev”", 'has a typographic quote (“): write "'),
    ],
)
def test_what_an_editor_does_not_show_is_named(files: Files, old: str, new: str, said: str) -> None:
    path = files.path(ENV)
    path.write_text(path.read_text().replace(old, new, 1), encoding="utf-8")
    (refusal,) = (line for line in files.refusals() if line.startswith(ENV))
    assert "is not valid TOML" in refusal
    assert said in refusal


def test_an_environment_without_a_file_is_answered_with_those_that_have_one(files: Files) -> None:
    with pytest.raises(SettingsError, match="there is no environment qa; environments: dev, prod"):
        load_environment("qa", files.root / "environments")
