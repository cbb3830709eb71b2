"""Master secrets: the file's format, and a rotation that no interruption breaks."""

from __future__ import annotations

import csv
import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deployments.sync_storage.day2.master_secrets import MasterSecrets
from deployments.sync_storage.day2.secrets_file import MasterSecret, file_text, new_secret, parse
from operations.errors import OperatorError
from tests.deployments.sync_storage.day2.sync_storage_support import (
    Account,
    Fault,
    World,
    labels_of,
    lines_of,
    make_account,
    make_world,
    secret_name,
)

if TYPE_CHECKING:
    from emulator.server import Emulator

HEX = "ab" * 32
GRACE = timedelta(hours=2)


def mozsvc(text: str) -> dict[str, list[str]]:
    """The file as mozsvc.secrets.Secrets reads it: the secrets of each node, the one that signs last."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in csv.reader(text.splitlines()):
        node, secrets = row[0], [tuple(field.split(":")) for field in row[1:]]
        if node in found:
            raise ValueError(f"two lines for {node}")
        found[node] = sorted(secrets)  # type: ignore[arg-type]
    return {node: [secret for _, secret in secrets] for node, secrets in found.items()}


def test_the_file_is_what_mozsvc_reads_with_the_newest_secret_last() -> None:
    text = file_text({
        "https://b.example.org": (MasterSecret(1700000002, "cd" * 32), MasterSecret(1700000001, HEX)),
        "https://a.example.org": (MasterSecret(1700000000, HEX),),
    })  # fmt: skip
    assert text == (
        f"https://a.example.org,1700000000:{HEX}\nhttps://b.example.org,1700000001:{HEX},1700000002:{'cd' * 32}\n"
    )
    assert mozsvc(text)["https://b.example.org"][-1] == "cd" * 32
    assert file_text(parse(text, source="it")) == text


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"a.example.org,1:{HEX}", "does not begin with a node"),
        (f"https://a b,1:{HEX}", "does not begin with a node"),
        ("https://a.example.org", "has no secret"),
        (f"https://a.example.org,{HEX}", "secret 1 of https://a.example.org is not timestamp:hexadecimal"),
        ("https://a.example.org,1:xyz", "is not timestamp:hexadecimal"),
        ("https://a.example.org,1:abc", "is not timestamp:hexadecimal"),
        (f"https://a.example.org,1:{HEX},", "secret 2 of https://a.example.org"),
        (f"https://a.example.org,2:{HEX},1:{HEX}", "not in the order of their timestamps"),
        (f"https://a.example.org,1:{HEX},1:{HEX}", "each its own"),
        (f"https://a.example.org,9:{HEX},10:{HEX}", "not in the order of their timestamps"),
        ("", "does not begin with a node"),
    ],
)
def test_a_malformed_line_is_refused_with_its_number_and_without_the_secret(line: str, reason: str) -> None:
    with pytest.raises(OperatorError) as refusal:
        parse(f"https://z.example.org,1:{HEX}\n{line}\n", source="master-secrets-a")
    assert reason in refusal.value.message
    assert "master-secrets-a, line 2" in refusal.value.message
    assert HEX not in str(refusal.value)


def test_a_second_line_for_a_node_is_refused() -> None:
    with pytest.raises(OperatorError, match=r"https://a\.example\.org has a line already"):
        parse(f"https://a.example.org,1:{HEX}\nhttps://a.example.org,2:{HEX}\n", source="it")


def test_secrets_are_long_random_and_never_shown_by_accident() -> None:
    made = {new_secret(1).secret for _ in range(100)}
    assert len(made) == 100
    assert {len(secret) for secret in made} == {256}
    assert not [secret for secret in made if secret in repr(MasterSecret(1, secret))]


@pytest.fixture(scope="module")
def shared(emulator: Emulator) -> Account:
    return make_account(emulator, "310000000001")


@pytest.fixture
def world(tmp_path: Path, shared: Account) -> World:
    """Two nodes in service."""
    made = make_world(shared, tmp_path, nodes=("a", "b"))
    for node in made.deployed.nodes().values():
        made.rotation().create(node)
    made.rotation().bring_to_webheads(made.deployed.chosen([]))
    publish(made, tmp_path)
    return made


def publish(world: World, folder: Path, *, confirmed: bool = True) -> str:
    file = folder / "secrets"
    world.rotation().publish(file, confirm=lambda: confirmed)
    return file.read_text()


def test_a_new_node_has_one_secret_for_each_host_name_all_different(world: World) -> None:
    held = MasterSecrets(world.deployed, world.deployed.nodes()["a"]).held()
    assert held is not None
    secrets = [secret for found in held.secrets.values() for secret in found]
    assert len(secrets) == len({secret.secret for secret in secrets}) == 10
    assert list(held.secrets) == [f"https://a-{number}.sync.example.org" for number in range(10)]


def test_while_it_changes_old_and_new_secret_are_accepted_and_the_new_one_signs(world: World, tmp_path: Path) -> None:
    old = mozsvc("\n".join(lines_of(world, "a")))
    world.later(days=90)
    world.rotation().add(world.deployed.chosen(["a"]))
    both = mozsvc("\n".join(lines_of(world, "a")))
    for name, (secret,) in old.items():
        assert both[name][0] == secret
        assert len(both[name]) == 2
    assert labels_of(world, "a") == {"webheads"}
    text = publish(world, tmp_path)
    assert {name: secrets[-1] for name, secrets in mozsvc(text).items() if "//a-" in name} == {
        name: secrets[-1] for name, secrets in both.items()
    }
    world.later(hours=3)
    world.rotation().retire(world.deployed.chosen(["a"]), grace=GRACE)
    assert mozsvc("\n".join(lines_of(world, "a"))) == {name: secrets[-1:] for name, secrets in both.items()}


def test_another_node_is_left_alone(world: World) -> None:
    before = lines_of(world, "b")
    world.rotation().add(world.deployed.chosen(["a"]))
    assert lines_of(world, "b") == before


def test_the_token_server_never_has_a_secret_before_the_webheads(world: World, tmp_path: Path) -> None:
    world.later(days=90)
    with pytest.raises(Fault), world.failing_after(1):  # the secret is there, no webhead has it
        world.rotation().add(world.deployed.chosen(["a"]))
    (tmp_path / "secrets").unlink()
    with pytest.raises(OperatorError, match="webheads have not read the secrets of node a"):
        publish(world, tmp_path)
    assert not (tmp_path / "secrets").exists()


def test_the_old_secret_stays_until_the_grace_period_is_over(world: World, tmp_path: Path) -> None:
    world.later(days=90)
    world.rotation().add(world.deployed.chosen(["a"]))
    before = lines_of(world, "a")
    with pytest.raises(OperatorError, match="token server does not have the newest secret of node a"):
        world.rotation().retire(world.deployed.chosen(["a"]), grace=GRACE)
    publish(world, tmp_path)
    world.later(minutes=119)
    with pytest.raises(OperatorError, match=r"until 2026-04-01 02:00:00 UTC \(120 minutes after"):
        world.rotation().retire(world.deployed.chosen(["a"]), grace=GRACE)
    assert lines_of(world, "a") == before
    world.later(minutes=1)
    world.rotation().retire(world.deployed.chosen(["a"]), grace=GRACE)
    assert {line.count(":") for line in lines_of(world, "a")} == {2}


def test_publishing_again_does_not_prolong_the_grace_period(world: World, tmp_path: Path) -> None:
    world.rotation().add(world.deployed.chosen(["a"]))
    publish(world, tmp_path)
    world.later(hours=2)
    publish(world, tmp_path)
    world.rotation().retire(world.deployed.chosen(["a"]), grace=GRACE)


def test_nothing_is_noted_until_the_token_server_has_the_file(world: World, tmp_path: Path) -> None:
    world.rotation().add(world.deployed.chosen(["a"]))
    with pytest.raises(OperatorError, match="Nothing is noted"):
        publish(world, tmp_path, confirmed=False)
    assert labels_of(world, "a") == {"webheads"}


def test_the_file_is_for_its_owner_alone(world: World, tmp_path: Path) -> None:
    text = publish(world, tmp_path)
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o600
    assert len(text.splitlines()) == 20
    assert [path.name for path in tmp_path.iterdir() if "secrets" in path.name] == ["secrets"]


def test_no_secret_is_printed(world: World, tmp_path: Path) -> None:
    world.rotation().add(world.deployed.chosen([]))
    text = publish(world, tmp_path)
    secrets = {secret for found in mozsvc(text).values() for secret in found}
    assert len(secrets) == 40
    assert not [secret for secret in secrets if secret in world.printed.getvalue()]


def test_a_dry_run_changes_nothing(world: World, tmp_path: Path) -> None:
    before = {node: lines_of(world, node) for node in ("a", "b")}
    with world.failing_after(99) as calls:
        world.rotation(dry_run=True).add(world.deployed.chosen([]))
        world.rotation(dry_run=True).retire(world.deployed.chosen([]), grace=GRACE)
        world.rotation(dry_run=True).publish(tmp_path / "dry", confirm=lambda: True)
    assert calls == []
    assert not (tmp_path / "dry").exists()
    assert before == {node: lines_of(world, node) for node in ("a", "b")}


def test_of_two_changes_at_the_same_time_one_is_refused(world: World) -> None:
    store = MasterSecrets(world.deployed, world.deployed.nodes()["a"])
    held = store.held()
    assert held is not None
    store.replace(held, {name: (*secrets, new_secret(1800000000)) for name, secrets in held.secrets.items()})
    with pytest.raises(OperatorError, match="changed by somebody else"):
        store.replace(held, {name: (*secrets, new_secret(1800000001)) for name, secrets in held.secrets.items()})


def test_lines_for_other_host_names_are_refused(world: World) -> None:
    manager = world.client("secretsmanager")
    manager.put_secret_value(SecretId=secret_name(world, "a"), SecretString="\n".join(lines_of(world, "b")))
    with pytest.raises(OperatorError, match="is not for the host names of node a"):
        world.rotation().add(world.deployed.chosen(["a"]))


def whole_rotation(world: World, folder: Path) -> Iterator[Callable[[], object]]:
    """The commands of a rotation, in the order of the document."""
    chosen = world.deployed.chosen(["a"])
    yield lambda: world.rotation().add(chosen)
    yield lambda: publish(world, folder)
    world.later(hours=3)
    yield lambda: world.rotation().retire(chosen, grace=GRACE)
    yield lambda: publish(world, folder)


def test_a_rotation_interrupted_after_any_change_ends_well_when_it_is_run_again(world: World, tmp_path: Path) -> None:
    world.later(days=90)
    with world.failing_after(99) as changes:
        for command in whole_rotation(world, tmp_path):
            command()
    assert len(changes) >= 8
    for number in range(1, len(changes) + 1):
        old = mozsvc("\n".join(lines_of(world, "a")))
        world.later(days=90)
        interrupted = []
        with world.failing_after(number):
            for command in whole_rotation(world, tmp_path):
                try:
                    command()
                except Fault as fault:
                    interrupted.append(str(fault))
                    command()
        assert interrupted == [changes[number - 1]]
        now = mozsvc("\n".join(lines_of(world, "a")))
        assert {len(secrets) for secrets in now.values()} == {1}
        assert not {s for found in now.values() for s in found} & {s for found in old.values() for s in found}
        assert labels_of(world, "a") == {"webheads", "token"}
        handed_over = mozsvc((tmp_path / "secrets").read_text())
        assert {name: found for name, found in handed_over.items() if "//a-" in name} == now
