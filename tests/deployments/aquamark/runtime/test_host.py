"""The work of a host, done for real: the environment file, the daemons' files, one daemon host, the watchdog's mails."""

from __future__ import annotations

import http.server
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from deployments.aquamark.releases import SUPPORTED, AquamarkRelease
from deployments.aquamark.runtime.host import PROGRAMS
from tests.deployments.aquamark.runtime.conftest import HOSTILE, REPOSITORY, SMTP_PASSWORD, AquamarkHost
from tests.http_server import serving

pytestmark = pytest.mark.engines


def web_variables(host: AquamarkHost) -> dict[str, str]:
    return {
        "ANALYTICS_ID": "UA-1", "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "s/e+c=r et#",
        "AWS_REGION_NAME": "eu-central-1", "AWS_BUCKET": "attachments", "DEV_MODE": "False", "AQ_XSRF": "True",
        "FORCE_HTTPS": "True", "PORT": "8000", **database_variables(host),
    }  # fmt: skip


def database_variables(host: AquamarkHost) -> dict[str, str]:
    address, port = host.settings["database_host"], host.settings["database_port"]
    return {
        "DATABASE_URL": f"postgresql://master@{address}:{port}/aquamark", "PGHOST": address, "PGPORT": port,
        "PGUSER": "master", "PGDATABASE": "aquamark", "PGPASSWORD": HOSTILE,
    }  # fmt: skip


def test_the_documented_release_gets_every_variable_and_signs_in_with_a_hostile_password(host: AquamarkHost) -> None:
    done = host.host("start")
    assert done.returncode == 0, done.stderr
    assert host.arrived["variables"] == web_variables(host)
    assert (host.arrived["user"], host.arrived["error"]) == ("master", "")
    options = host.containers["aquamark"]["Options"]
    assert options["-p"] == ["80:8000"]
    assert options["--restart"] == ["always"]
    assert (host.root / "etc/aquamark/aq.conf").stat().st_mode & 0o777 == 0o600
    assert "größe" not in (host.root / "calls").read_text()


def test_the_age_of_the_storage_key_is_reported_and_hinders_nothing(host: AquamarkHost) -> None:
    assert host.host("start").returncode == 0
    cloudwatch, now = host.aws("cloudwatch"), datetime.now(UTC)
    (metric,) = cloudwatch.list_metrics(Namespace="Quintet/AccessKeys")["Metrics"]
    assert metric["Dimensions"] == [{"Name": "Secret", "Value": "storage"}]
    (point,) = cloudwatch.get_metric_statistics(
        Namespace="Quintet/AccessKeys", MetricName="AgeDays", Dimensions=metric["Dimensions"], Period=86400,
        StartTime=now - timedelta(days=1), EndTime=now + timedelta(days=1), Statistics=["Maximum"],
    )["Datapoints"]  # fmt: skip
    assert point["Maximum"] == 0
    broken = host.program.read_text().replace('"put-metric-data", *where, "--value", days', '"no-such-command"')
    host.program.write_text(broken)
    done = host.host("start")
    assert done.returncode == 0
    assert "the age of the storage key is not reported" in done.stderr


@pytest.mark.parametrize("release", SUPPORTED, ids=lambda release: release.name)
@pytest.mark.parametrize(("generation", "file"), [("documented", "aq.conf"), ("current", "upmark.conf")])
def test_every_supported_release_finds_its_variables_whatever_the_generation(
    host: AquamarkHost, release: AquamarkRelease, generation: str, file: str
) -> None:
    host.told(generation=generation)
    done = host.host("start")
    assert done.returncode == 0, done.stderr
    assert set(release.variables) <= set(host.arrived["variables"])
    assert host.arrived["variables"] == web_variables(host)
    assert release.daemons == tuple(PROGRAMS.values())
    assert host.settings["config_directory"] == f"{release.app_directory}/config"
    assert (host.root / "etc/aquamark" / file).exists()


def test_the_web_container_has_no_root_no_capabilities_and_writes_nowhere_but_in_tmp(host: AquamarkHost) -> None:
    host.host("start")
    options = host.containers["aquamark"]["Options"]
    assert options["--user"] == ["10001:10001"]
    assert (options["--cap-drop"], options["--security-opt"]) == (["ALL"], ["no-new-privileges"])
    assert options["--tmpfs"] == ["/tmp"]
    assert "docker run -d" in (calls := (host.root / "calls").read_text())
    assert "--read-only" in calls.split("docker run -d")[1].split("\n")[0].split()


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("storage", {"access_key_id": "", "secret_access_key": "x"}),
        ("login", {"username": "master", "password": "two\nlines"}),
        ("login", {"username": "master"}),
    ],
)
def test_nothing_starts_with_a_secret_that_could_not_arrive(
    host: AquamarkHost, name: str, fields: dict[str, str]
) -> None:
    host.keep(name, **fields)
    done = host.host("start")
    assert done.returncode == 1
    assert f"{host.settings[f'{name}_secret_arn']} is not JSON with" in done.stderr
    assert not (host.root / "arrived.json").exists()


def test_a_container_is_replaced_when_a_secret_changed_and_left_alone_otherwise(host: AquamarkHost) -> None:
    host.host("start")
    first = host.containers["aquamark"]["State"]["StartedAt"]
    assert host.host("start").returncode == 0
    assert host.containers["aquamark"]["State"]["StartedAt"] == first
    host.keep("storage", access_key_id="AKIANEXT", secret_access_key="next")
    assert host.host("start").returncode == 0
    assert host.containers["aquamark"]["State"]["StartedAt"] != first
    assert host.arrived["variables"]["AWS_ACCESS_KEY_ID"] == "AKIANEXT"


def test_before_the_first_version_a_host_waits(host: AquamarkHost) -> None:
    host.told(version="")
    done = host.host("start")
    assert done.returncode == 0
    assert "quintet aquamark upgrade" in done.stderr
    assert not (host.root / "docker.json").exists()


@pytest.fixture
def metadata() -> Iterator[tuple[str, dict[str, str]]]:
    """The instance's metadata service: its address, and what it says."""
    said = {"/latest/meta-data/instance-id": "i-0"}

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.answer("token")

        def do_GET(self) -> None:
            self.answer(said[self.path] if self.headers["X-aws-ec2-metadata-token"] == "token" else "")

        def answer(self, text: str) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

    with serving(Answers) as port:
        yield f"http://127.0.0.1:{port}", said


def launch(host: AquamarkHost, name: str = "aquamark-dev-daemons") -> str:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}]
    ec2 = host.aws("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, TagSpecifications=tags)
    return str(made["Instances"][0]["InstanceId"])


def test_the_daemons_run_the_documented_programs_with_the_images_files_and_our_mail_settings(
    host: AquamarkHost, metadata: tuple[str, dict[str, str]]
) -> None:
    address, said = metadata
    host.machine.environment = {**host.machine.environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT": address}
    said["/latest/meta-data/instance-id"] = launch(host)
    host.told(role="daemons", fleet="aquamark-dev-daemons")
    done = host.host("start")
    assert done.returncode == 0, done.stderr
    assert set(host.containers) == {"recalc", "notify"}
    calls = (host.root / "calls").read_text()
    assert f"{REPOSITORY}:1.4.7 python3 ./server/recalculate.py" in calls
    assert f"{REPOSITORY}:1.4.7 python3 ./server/notifications.py" in calls
    assert host.arrived["variables"] == database_variables(host)
    options = host.containers["recalc"]["Options"]
    assert (options["--cap-drop"], options["--security-opt"]) == (["ALL"], ["no-new-privileges"])
    for file, interval in (("recalculate.yaml", 300), ("notification.yaml", 3600)):
        written = yaml.safe_load((host.root / "etc/aquamark" / file).read_text())
        assert {key: written[key] for key in written if key.startswith(("SMTP", "MESSAGE_SEND", "ERROR_SEND", "JOB"))} == {
            "SMTP_SERVER": "smtp.example.org", "SMTP_PORT": 587, "SMTP_USE_TLS": True, "SMTP_USERNAME": "AKIAMAIL",
            "SMTP_PASSWORD": SMTP_PASSWORD, "MESSAGE_SEND_FROM": "from@example.org",
            "ERROR_SEND_TO": "to@example.org", "JOB_INTERVAL_SECONDS": interval,
        }  # fmt: skip
        assert "{message}" in written["ERROR_CONTENT"]
        assert f"{file}:/usr/share/aquamark/app/config/{file}:ro" in calls


def test_a_new_daemon_host_starts_nothing_before_the_one_before_it_has_ended(
    host: AquamarkHost, metadata: tuple[str, dict[str, str]]
) -> None:
    address, said = metadata
    host.machine.environment = {**host.machine.environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT": address}
    older = launch(host)
    # the emulator's clock has seconds, and two hosts of one second are ordered by their ids
    said["/latest/meta-data/instance-id"] = younger = launch(host)
    launched = {
        i["InstanceId"]: (i["LaunchTime"], i["InstanceId"])
        for r in host.aws("ec2").describe_instances(InstanceIds=[older, younger])["Reservations"]
        for i in r["Instances"]
    }
    first, second = sorted(launched, key=lambda instance: launched[instance])
    said["/latest/meta-data/instance-id"] = second
    host.told(role="daemons", fleet="aquamark-dev-daemons")
    with host.hosting("start", until=f"waiting for {first} to end") as (process, log):
        assert not (host.root / "docker.json").exists()
        host.aws("ec2").terminate_instances(InstanceIds=[first])
        assert process.wait(60) == 0, log.read_text()
    assert set(host.containers) == {"recalc", "notify"}


def test_a_daemon_host_that_ec2_does_not_list_yet_waits_and_does_not_take_itself_for_the_only_one(
    host: AquamarkHost, metadata: tuple[str, dict[str, str]]
) -> None:
    address, said = metadata
    host.machine.environment = {**host.machine.environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT": address}
    said["/latest/meta-data/instance-id"] = own = launch(host, name="")
    host.told(role="daemons", fleet="aquamark-dev-daemons")
    with host.hosting("start", until=f"waiting for EC2 to list {own} as aquamark-dev-daemons") as (process, log):
        assert not (host.root / "docker.json").exists()
        host.aws("ec2").create_tags(Resources=[own], Tags=[{"Key": "Name", "Value": "aquamark-dev-daemons"}])
        assert process.wait(60) == 0, log.read_text()
    assert set(host.containers) == {"recalc", "notify"}


def test_a_crash_and_the_recovery_are_mailed_once_each_without_a_line_of_the_log(host: AquamarkHost) -> None:
    sqs = host.aws("sqs")
    queue = sqs.create_queue(QueueName="mails")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    host.aws("sns").subscribe(TopicArn=host.topic, Protocol="sqs", Endpoint=arn)

    def mails() -> list[tuple[str, str]]:
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        bodies = [json.loads(message["Body"]) for message in found]
        return [(body["Subject"], body["Message"]) for body in bodies]

    def running() -> list[float]:
        now = datetime.now(UTC)
        points = host.aws("cloudwatch").get_metric_statistics(
            Namespace="Quintet/Aquamark", MetricName="ContainerRunning", Statistics=["Minimum"], Period=60,
            Dimensions=[{"Name": "Fleet", "Value": "aquamark-dev-web"}, {"Name": "Container", "Value": "aquamark"}],
            StartTime=now - timedelta(minutes=5), EndTime=now + timedelta(minutes=5),
        )["Datapoints"]  # fmt: skip
        return [point["Minimum"] for point in points]

    assert host.host("watch").returncode == 0
    host.host("start")
    assert host.host("watch").returncode == 0
    assert mails() == []

    (host.root / "output").write_text("user@example.org could not sign in\n")
    host.change("aquamark", Running=False)
    for _ in range(2):
        done = host.host("watch")
        assert done.returncode == 0, done.stderr
    ((subject, text),) = mails()
    assert subject == "aquamark-dev-web: aquamark has crashed"
    assert "user@example.org" not in text
    assert "CloudWatch Logs: group /quintet/application, streams aquamark/" in text
    assert min(running()) == 0

    host.change("aquamark", Running=True, StartedAt=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000000000Z")
    host.host("watch")
    assert mails() == [], "it has not run for a minute yet"
    state = host.root / "var/lib/aquamark/watch.json"
    long_ago = f"{datetime.now(UTC) - timedelta(minutes=2):%Y-%m-%dT%H:%M:%S}.000000000Z"
    host.change("aquamark", StartedAt=long_ago)
    seen = json.loads(state.read_text())
    seen["aquamark"]["started"] = long_ago
    state.write_text(json.dumps(seen))
    for _ in range(2):
        assert host.host("watch").returncode == 0
    ((subject, text),) = mails()
    assert subject == "aquamark-dev-web: aquamark has recovered"
    assert "user@example.org" not in text
