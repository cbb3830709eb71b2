"""Every kind of wrong value is refused with the file, the key, the value and what is allowed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config.environment import load_environment
from config.schedules import schedule
from config.settings import ROOT, SettingsError, checked
from config.types import BucketName, DatabaseName, UserName
from tests.settings.conftest import Files

APP = "suai_cloud_app/environments/dev.toml"
PROD = "suai_cloud_app/environments/prod.toml"
ENV = "environments/dev.toml"
BEAVER = "beaver_contest/environments/dev.toml"
BEAVER_PROD = "beaver_contest/environments/prod.toml"
CANVAS = "canvas_data_2/environments/dev.toml"
AQUAMARK = "aquamark/environments/dev.toml"
SYNC_PROD = "sync_storage/environments/prod.toml"

LONG_HOST = f"{'s' * 53}.example.org"
OWN = """cidr_block = "10.50.0.0/16"
availability_zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
nat = "single"
"""
ADOPTED = """vpc_id = "vpc-0a1b2c3d4e5f60718"
public_subnet_ids = {{ "{0}" = "subnet-0cccccccccccccccc" }}
private_subnet_ids = {{ "eu-central-1a" = "subnet-0aaaaaaaaaaaaaaaa", "eu-central-1b" = "subnet-0{1}aaaaaaaaaaaaaaa" }}
"""

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
    (APP, 'region = "eu-central-1"', 'region = "eu-central-1"\napplication_user = "admin"', 'application_user = "admin"', "must differ from application.database_user"),
    (APP, 'engine_version = "8.4"', 'engine_version = "9.7"', 'database.engine_version = "9.7"', "must be 8.4 or 8.0"),
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
    (BEAVER, "min_size = 1\nmax_size = 2", "min_size = 3\nmax_size = 2", "admin.max_size = 2", "below min_size = 3"),
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
    (ENV, "[state]", "[state", "environments/dev.toml", "at line 6"),
    (APP, '"10.50.0.0/16"', '"10.50.0.0/255.255.0.0"', 'network.cidr_block = "10.50.0.0/255.255.0.0"', "address and prefix length"),
    (APP, '"10.50.0.0/16"', '"10.50.0.0"', 'network.cidr_block = "10.50.0.0"', "example: 10.20.0.0/16"),
    (APP, "[load_balancer]\n", '[load_balancer]\nsource_cidr_blocks = ["192.0.2.1"]\n', 'load_balancer.source_cidr_blocks[0] = "192.0.2.1"', "address and prefix length"),
    (APP, "[load_balancer]\n", '[load_balancer]\nsource_cidr_blocks = ["0.0.0.0/0", "0.0.0.0/0"]\n', "load_balancer.source_cidr_blocks[1]", "named twice"),
    (APP, '"t3.micro"', '"t٣.micro"', 'fleet.instance_type = "t٣.micro"', "example: t3.micro"),
    (ENV, '"111122223333"', '"11112222333٣"', "account_id", "twelve digits"),
    (APP, '"quintet-suai-cloud-app-dev"', "2026-11-28", "bucket.name = 2026-11-28", "is a date or time"),
    (APP, 'storage_encrypted = "The', 'storage_encrypted = 2026-11-28 # "The', "database.reasons.storage_encrypted = 2026-11-28", 'a text is written "2026-11-28"'),
    (APP, '"quintet-suai-cloud-app-dev"', f'"{"q" * 52}"', "bucket.name", "has 52 characters; at most 51, as its logs go to NAME-access-logs"),
    (APP, 'database_user = "admin"', 'database_user = "rdsadmin"', 'application.database_user = "rdsadmin"', "is reserved by RDS"),
    (APP, 'database_name = "suai"', 'database_name = "mysql"', 'application.database_name = "mysql"', "is a database of RDS or the engine"),
    (CANVAS, "[aurora]\n", '[database]\nadmin_user = "admin"\n\n[aurora]\n', 'database.admin_user = "admin"', "reserved word of RDS for PostgreSQL"),
    (CANVAS, "[aurora]\n", '[database]\nadmin_user = "user"\n\n[aurora]\n', 'database.admin_user = "user"', "reserved word of PostgreSQL"),
    (CANVAS, "[aurora]\n", '[database]\nname = "Order"\n\n[aurora]\n', 'database.name = "Order"', "reserved word of PostgreSQL"),
    (APP, "[database]\n", '[database]\nparameters.require_secure_transport = "0"\n', 'database.parameters.require_secure_transport = "0"', "say require_tls = true or false"),
    (AQUAMARK, "[database]\n", '[database]\nparameters."rds.force_ssl" = "0"\n', 'database.parameters.rds.force_ssl = "0"', "say require_tls = true or false"),
    (PROD, "[load_balancer.dns]\n", "[load_balancer]\nhttp_port = 443\n\n[load_balancer.dns]\n", "load_balancer.http_port = 443", "is https_port too"),
    (ENV, "[state]", '[tags]\n"aws:owner" = "x"\n\n[state]', "tags.aws:owner", "begins with aws:"),
    (ENV, "[state]", '[tags]\ndeployment = "x"\n\n[state]', "tags.deployment", "its own are Project, Deployment, Environment, Name"),
    (ENV, "[state]", '[tags]\nowner = "x"\nOwner = "y"\n\n[state]', "tags", "differ in upper and lower case only"),
    (ENV, "[state]", f'[tags]\n{"k" * 129} = "x"\n\n[state]', "tags.", "1 to 128 letters"),
    (ENV, "[state]", f'[tags]\nk = "{"v" * 257}"\n\n[state]', "tags.k", "up to 256 letters"),
    (APP, "max_size = 4", f"max_size = {'9' * 5000}", "max_size", "has a number that no setting can have"),
    (APP, "max_size = 4", f"max_size = {'9' * 300}", "fleet.max_size", "is a number that no setting can have"),
    (APP, 'storage_encrypted = "The', 'storage_encrypted = "a\\u001b[31m', "database.reasons.storage_encrypted", "holds the control character U+001B"),
    (APP, 'storage_encrypted = "The', 'storage_encrypted = "${TfToken[TOKEN.1]}', "database.reasons.storage_encrypted", "TfToken["),
    (APP, "[bucket]\n", f"x = {'[' * 3000}{']' * 3000}\n[bucket]\n", APP, "is nested more than 16 deep"),
    (APP, "[bucket]\n", f"{'.'.join(['a'] * 3000)} = 1\n[bucket]\n", "application.reasons.a", "is nested more than 16 deep"),
    (APP, "[bucket]\n", f"{'.'.join(['a'] * 40)} = 1\n[bucket]\n", "application.reasons.a", "is nested more than 16 deep"),
    (APP, "[bucket]\n", f"# {'x' * 300_000}\n[bucket]\n", APP, "settings have at most 262144"),
    *(
        (APP, '"quintet-suai-cloud-app-dev"', f'"{name}"', f'bucket.name = "{name}"', f"has {word} at its {place}, which S3 keeps")
        for name, word, place in [
            ("xn--suai", "xn--", "beginning"), ("sthree-suai", "sthree-", "beginning"),
            ("amzn-s3-demo-suai", "amzn-s3-demo-", "beginning"), ("suai-s3alias", "-s3alias", "end"),
            ("suai--ol-s3", "--ol-s3", "end"), ("suai.mrap", ".mrap", "end"), ("suai--x-s3", "--x-s3", "end"),
            ("suai--table-s3", "--table-s3", "end"),
        ]
    ),
    (ENV, "[state]", '[tags]\nowner = "AWS:x"\n\n[state]', 'tags.owner = "AWS:x"', "begins with aws:"),
    (ENV, "[state]", '[tags]\n"rds:owner" = "x"\n\n[state]', "tags.rds:owner", "begins with rds:"),
    (APP, '"db.t3.micro"', '"db.serverless"', 'database.instance_class = "db.serverless"', "example: db.t4g.micro"),
    (APP, "[database]\n", "[database]\nperformance_insights_enabled = true\n", "database.performance_insights_enabled = true", "must be false with db.t3.micro"),
    (APP, '"t3.micro"', '"t4g.micro"', 'fleet.instance_type = "t4g.micro"', "is an arm64 instance, and image.ssm_parameter names an x86_64 image"),
    (APP, "[fleet]\n", '[fleet]\nimage.ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"\n', 'fleet.instance_type = "t3.micro"', "is an x86_64 instance"),
    (AQUAMARK, "[mail]\n", '[daemons]\ninstance_type = "m7g.medium"\n\n[mail]\n', 'daemons.instance_type = "m7g.medium"', "is an arm64 instance"),
    (BEAVER_PROD, '"c6i.large"', '"c7g.large"', 'contest.instance_type = "c7g.large"', "is an arm64 instance"),
    (SYNC_PROD, "[image_bake]\n", '[image_bake]\ninstance_type = "t4g.medium"\n', 'image_bake.instance_type = "t4g.medium"', "is an arm64 instance"),
    (PROD, '"suai.example.org"', f'"{LONG_HOST}"', "load_balancer.dns.host_name", "has 65 characters; ACM makes certificates for names of at most 64"),
    (BEAVER_PROD, '"concours.castor', f'"{"c" * 46}.castor', "contest.host_name", "has 65 characters"),
    (BEAVER_PROD, '"static.castor', f'"{"s" * 46}.castor', "static.host_name", "has 65 characters"),
    (PROD, '"suai.example.org"', '"suai.example.org"\ncertificate_arn = "arn:aws:acm:us-east-1:444455556666:certificate/0"', "load_balancer.dns.certificate_arn", "is in us-east-1; a load balancer takes certificates of its own region, eu-central-1"),
    (APP, OWN, ADOPTED.format("eu-west-1a", "b"), "network.public_subnet_ids.eu-west-1a", "eu-west-1a is not in eu-central-1"),
    (APP, OWN, ADOPTED.format("eu-central-1a", "a"), "network.private_subnet_ids.eu-central-1b", "is the subnet of eu-central-1a too"),
    (PROD, "[redis]\n", '[redis]\nengine_version = "6.2"\ntransit_encryption_mode = "preferred"\nreasons.transit_encryption_mode = "Clients learn TLS one by one"\n', 'redis.transit_encryption_mode = "preferred"', "must be required with engine_version"),
    (APP, "num_node_groups = 1", "num_node_groups = 251", "redis.num_node_groups = 251", "makes 502 nodes with replicas_per_node_group = 1; a cluster has at most 500"),
    (APP, 'region = "eu-central-1"', 'region = "us-gov-west-1"', 'region = "us-gov-west-1"', "is a region of AWS GovCloud"),
    (APP, 'region = "eu-central-1"', 'region = "cn-north-1"', 'region = "cn-north-1"', "is a region of AWS China"),
]  # fmt: skip

SCHEDULES = {
    "cron(0 3 * * *)": "has 5 fields, AWS takes six",
    "cron(hello)": "has 1 fields",
    "cron(0 3 * * * *)": "must have ? as exactly one of day-of-month and day-of-week",
    "cron(0 3 ? * ? *)": "must have ? as exactly one",
    "cron(60 3 * * ? *)": "has minutes 60; allowed: 0 to 59",
    "cron(0 24 * * ? *)": "has hours 24",
    "cron(0 3 32 * ? *)": "has day-of-month 32",
    "cron(0 3 0 * ? *)": "has day-of-month 0",
    "cron(0 3 * 13 ? *)": "has month 13; allowed: 1 to 12 or JAN to DEC",
    "cron(0 3 ? * 0 *)": "has day-of-week 0; allowed: 1 to 7 or SUN to SAT",
    "cron(0 3 ? * MO *)": "has day-of-week MO",
    "cron(0 3 * * ? 1969)": "has year 1969",
    "cron(5-3 3 * * ? *)": "has minutes 5-3",
    "cron(*/0 3 * * ? *)": "has minutes */0",
    "cron(0 3 1,L,W * ? *)": "has day-of-month 1,L,W",
    "cron(٣ 3 * * ? *)": "has minutes",
    "cron(0  3 * * ? *)": "has 7 fields",
    "rate(99999999999999999999 hours)": "must be between a minute and 366 days",
    "rate(367 days)": "must be between a minute and 366 days",
    "rate(0 hours)": "must be between a minute and 366 days",
    "rate(1 hours)": "must be rate(1 hour)",
    "rate(2 hour)": "must be rate(2 hours)",
    "rate(2 weeks)": "is neither a rate nor a cron expression",
    "at(2026-11-28T00:00:00)": "is neither a rate nor a cron expression",
}


@pytest.mark.parametrize(("expression", "said"), SCHEDULES.items())
def test_a_schedule_that_aws_would_refuse_is_refused(expression: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        schedule(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 3 * * ? *)", "cron(0/15 8-18 ? JAN-MAR,DEC MON-FRI 2026-2030)", "cron(5,10,59 */2 L * ? *)",
        "cron(0 3 LW * ? *)", "cron(0 3 15W * ? *)", "cron(0 3 ? * 6L *)", "cron(0 3 ? * FRI#3 *)", "cron(0 3 L-3 2 ? *)",
        "rate(1 minute)", "rate(366 days)", "rate(3 hours)",
    ],
)  # fmt: skip
def test_a_schedule_that_aws_takes_is_accepted(expression: str) -> None:
    assert schedule(expression) == expression


def test_a_pipe_a_device_and_a_folder_in_place_of_a_file_are_refused_and_not_waited_for(files: Files) -> None:
    path = files.path(APP)
    path.unlink()
    os.mkfifo(path)
    assert files.refusals() == [f"{APP}: is not a file that holds text"]
    path.unlink()
    path.symlink_to("/dev/zero")
    assert files.refusals() == [f"{APP}: is not a file that holds text"]
    path.unlink()
    path.mkdir()
    assert files.refusals() == [f"{APP}: is not a file that holds text"]
    path.rmdir()
    path.symlink_to("nowhere")
    assert files.refusals() == [f"{APP}: cannot be read: No such file or directory"]


def test_more_mistakes_than_anybody_reads_are_cut_off(files: Files) -> None:
    path = files.path(APP)
    path.write_text("".join(f"k{number} = 1\n" for number in range(20_000)))
    assert len(files.refusals()) == 50


def test_a_stack_may_have_forty_tags_with_those_of_its_environment(files: Files) -> None:
    files.replace(ENV, "[state]", "[tags]\n" + "".join(f'e{n} = "x"\n' for n in range(20)) + "\n[state]")
    path = files.path(APP)
    before = path.read_text()
    path.write_text(before + "\n[tags]\n" + "".join(f'd{n} = "x"\n' for n in range(20)))
    assert files.load()
    path.write_text(before + "\n[tags]\n" + "".join(f'd{n} = "x"\n' for n in range(21)))
    assert files.refusals() == [f"{APP}: tags: 41 tags with those of dev; at most 40, as AWS takes 50"]


def test_keys_cannot_write_to_the_terminal(files: Files) -> None:
    path = files.path(APP)
    path.write_text(path.read_text().replace("[bucket]\n", '"odd key\\n" = 1\n[bucket]\n', 1))
    assert any('bucket."odd key\\n" = 1' in line or '"odd key\\n" = 1' in line for line in files.refusals())


@pytest.mark.parametrize(
    ("expression", "argument", "value"),
    [(UserName, "username", "rdsadmin"), (DatabaseName, "database_name", "sys"), (BucketName, "bucket", "q" * 64)],
)
def test_values_in_code_are_checked_as_settings_are(expression: object, argument: str, value: str) -> None:
    with pytest.raises(ValueError, match=f'^{argument} = "{value}": is '):
        checked(expression, argument, value)


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
    files.replace(CANVAS, '"10.58.0.0/16"', '"10.50.16.0/20"')
    assert files.refusals() == [f'{APP}: network.cidr_block = "10.50.0.0/16": overlaps 10.50.16.0/20 of {CANVAS}']


def test_settings_without_an_environment_are_refused(files: Files) -> None:
    other = files.path("suai_cloud_app/environments")
    (other / "stage.toml").write_text(files.path(APP).read_text())
    assert any("there is no environment stage" in line for line in files.refusals())


def test_a_file_that_is_not_text_is_refused(files: Files) -> None:
    files.path(APP).write_bytes(b"region = \xff\xfe")
    assert files.refusals() == [f"{APP}: is not UTF-8 text: byte 9"]


def test_the_committed_settings_are_accepted(files: Files) -> None:
    assert {plan.stack_name for plan in files.load()} >= {"suai-cloud-app-dev", "suai-cloud-app-prod"}


def test_a_parameter_may_have_hyphens(files: Files) -> None:
    files.replace(APP, "[database]\n", '[database]\nparameters.gtid-mode = "ON_PERMISSIVE"\n')
    assert files.load()


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
