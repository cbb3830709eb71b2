from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from config.settings import ROOT, SettingsError
from config.stack_settings import load_all
from operations.cli import run
from operations.environments.new_environment import Creation
from operations.errors import OperatorError

SUAI = "deployments/suai_cloud_app/environments"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The settings of this repository, in a place where others may be written."""
    shutil.copytree(ROOT / "config" / "environments", tmp_path / "config" / "environments")
    for folder in (ROOT / "deployments").glob("*/environments"):
        shutil.copytree(folder, tmp_path / folder.relative_to(ROOT))
    return tmp_path


def settings_files(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*.toml")}


@pytest.mark.parametrize("source", ["dev", "prod"])
def test_a_new_environment_of_every_deployment_is_accepted_beside_its_source_in_the_same_account(
    root: Path, source: str
) -> None:
    before = settings_files(root)
    written = Creation("trial", source, root).run()
    stacks = {s.stack_name: s for s in load_all(folder=root / "deployments", environments=root / "config/environments")}
    assert sum(name.endswith("-trial") for name in stacks) == 5
    assert all(
        stack.environment.account_id == stacks[f"aquamark-{source}"].environment.account_id
        for name, stack in stacks.items()
        if name.endswith("-trial")
    )
    assert {file: text for file, text in settings_files(root).items() if file in before} == before
    assert len(written.files) == 6


def test_each_kind_of_name_becomes_the_new_environments(root: Path) -> None:
    written = Creation("trial", "dev", root).run()
    after = {(Path(line.file).parts[1], line.key): line.after for line in written.renamed}
    assert after["environments", "state.bucket"] == "quintet-trial-terraform-state"
    assert after["environments", "state.lock_table"] == "quintet-trial-terraform-locks"
    assert after["aquamark", "attachments.bucket"] == "quintet-aquamark-trial-attachments"
    assert after["beaver_contest", "dns.domain"] == "trial.castor.example.org"
    assert after["beaver_contest", "admin.host_name"] == "coordinateur.trial.castor.example.org"
    assert after["beaver_contest", "admin.name"] == "adminEnv-trial"
    assert after["canvas_data_2", "stage"] == "stg"
    assert after["suai_cloud_app", "dynamodb.name"] == "suaicloudtable-trial"
    assert after["suai_cloud_app", "role_name"] == "ec2_iam_role-trial"
    blocks = [value for (_, key), value in after.items() if key == "network.cidr_block"]
    assert blocks == [f"10.{number}.0.0/16" for number in range(60, 65)]
    assert ("aquamark", "mail.smtp_server") not in after


def test_host_names_without_the_sources_name_get_a_label_below_their_common_domain(root: Path) -> None:
    written = Creation("stage", "prod", root, deployments=["beaver"]).run()
    after = {line.key: line.after for line in written.renamed}
    assert after["dns.domain"] == "stage.castor.example.org"
    assert after["contest.host_name"] == "concours.stage.castor.example.org"
    assert after["static.host_name"] == "static.stage.castor.example.org"


def test_comments_and_the_order_of_lines_are_kept(root: Path) -> None:
    source = root / SUAI / "dev.toml"
    source.write_text(source.read_text().replace('nat = "single"', 'nat = "single"  # dev saves money'))
    Creation("trial", "dev", root, deployments=["suai"]).run()
    before, after = source.read_text().splitlines(), (root / SUAI / "trial.toml").read_text().splitlines()
    added = 'role_name = "ec2_iam_role-trial"'
    assert [line for line in after if "=" not in line] == [line for line in before if "=" not in line]
    assert 'nat = "single"  # dev saves money' in after
    assert [line.split("=")[0] for line in after if line != added] == [line.split("=")[0] for line in before]


def test_another_account_is_put_wherever_the_sources_stands(root: Path) -> None:
    Creation("trial", "dev", root, account_id="999988887777", deployments=["sync-storage"]).run()
    environment = tomllib.loads((root / "config/environments/trial.toml").read_text())
    assert environment["account_id"] == "999988887777"
    text = (root / "deployments/sync_storage/environments/trial.toml").read_text()
    assert 'container_image = "999988887777.dkr.ecr.us-east-1.amazonaws.com/syncstorage:1.8.0"' in text


def test_what_the_source_has_taken_over_is_left_out(root: Path) -> None:
    path = root / SUAI / "dev.toml"
    path.write_text(path.read_text() + '\n[adopt]\n"aws_vpc.network" = "vpc-0a1b2c3d"\n\n[tags]\nTeam = "suai"\n')
    Creation("trial", "dev", root, deployments=["suai"]).run()
    document = tomllib.loads((root / SUAI / "trial.toml").read_text())
    assert "adopt" not in document
    assert document["tags"] == {"Team": "suai"}


def test_values_that_name_what_exists_are_kept_and_listed(root: Path) -> None:
    written = Creation("trial", "dev", root, deployments=["aquamark"]).run()
    assert [(line.key, line.value) for line in written.kept] == [
        ("mail.send_from", "aquamark-dev@example.org"),
        ("mail.error_send_to", "operators@example.org"),
        ("load_balancer.dns.zone_id", "Z00EXAMPLE0AQUAMARK0D"),
    ]


@pytest.mark.parametrize(
    ("creation", "said"),
    [
        ({"name": "Trial_1"}, 'name = "Trial_1": is not a name: lower-case words joined by hyphens'),
        ({"name": "../trial"}, "is not a name"),
        ({"name": "dev"}, "The environment dev exists; nothing was written.\nOthers than: dev, prod"),
        ({"name": "trial", "source": "test"}, "There is no environment test; environments: dev, prod"),
        ({"name": "trial", "account_id": "12"}, "is not an AWS account id: twelve digits"),
        ({"name": "trial", "deployments": ["moodle"]}, "dev has no deployment moodle; it has aquamark"),
    ],
)
def test_what_cannot_be_written_is_refused_with_what_is_allowed(
    root: Path, creation: dict[str, object], said: str
) -> None:
    before = settings_files(root)
    with pytest.raises(OperatorError) as refused:
        Creation(**{"source": "dev", "root": root, **creation}).run()  # type: ignore[arg-type]
    assert said in str(refused.value)
    assert settings_files(root) == before


def test_a_file_that_exists_is_never_written_to_and_nothing_else_remains(root: Path) -> None:
    mine = root / "deployments/sync_storage/environments/trial.toml"
    mine.write_text("# mine\n")
    before = settings_files(root)
    with pytest.raises(OperatorError, match=r"sync_storage/environments/trial\.toml exists; nothing was written"):
        Creation("trial", "dev", root).run()
    assert settings_files(root) == before


def test_a_file_that_somebody_writes_meanwhile_stays_and_nothing_else_remains(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = root / SUAI / "trial.toml"

    def load_while_somebody_writes(**where: Path) -> object:
        found = load_all(**where)
        mine.write_text("# mine\n")
        return found

    monkeypatch.setattr("operations.environments.new_environment.load_all", load_while_somebody_writes)
    with pytest.raises(OperatorError, match=r"trial\.toml exists; nothing was written"):
        Creation("trial", "dev", root, deployments=["suai"]).run()
    assert mine.read_text() == "# mine\n"
    assert not (root / "config/environments/trial.toml").exists()


def test_settings_that_are_refused_leave_no_file(root: Path) -> None:
    before = settings_files(root)
    with pytest.raises(SettingsError, match="beaver_contest"):
        # a Beanstalk environment's name has at most 40 characters
        Creation("a-name-that-is-much-too-long-for-anybody", "dev", root, deployments=["beaver"]).run()
    assert settings_files(root) == before


def test_a_choice_that_every_environment_of_the_account_has_taken_is_refused(root: Path) -> None:
    Creation("one", "dev", root, deployments=["canvas"]).run()
    Creation("two", "dev", root, deployments=["canvas"]).run()
    with pytest.raises(OperatorError, match="stage: dev, stg, prod are all taken in account 111122223333"):
        Creation("three", "dev", root, deployments=["canvas"]).run()
    Creation("three", "dev", root, account_id="999988887777", deployments=["canvas"]).run()


def test_the_command_says_in_one_sentence_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["new", "environment", "Trial"]) == 1
    assert capsys.readouterr().err == (
        'Error: name = "Trial": is not a name: lower-case words joined by hyphens.\nExample: quintet new environment trial\n'
    )
    assert run(["new", "environment", "trial", "--from", "moon"]) == 2
