"""Policies, images and key pairs that moto makes when something asks for them."""

from __future__ import annotations

import threading
from typing import Any
from unittest.mock import Mock

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from moto.core.config import default_user_config
from moto.ec2.models import EC2Backend
from moto.ec2.models.amis import Ami, AmiBackend
from moto.ec2.models.elastic_block_store import EBSBackend
from moto.iam.models import AWSManagedPolicy, IAMBackend
from moto.kms import models as kms

from emulator import postponed

PLACE = ("eu-central-1", "111122223333")


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Postponed in the tests of this file only."""
    monkeypatch.setitem(default_user_config["iam"], "load_aws_managed_policies", True)
    changed: tuple[tuple[Any, tuple[str, ...]], ...] = (
        (IAMBackend, ("_init_aws_policies", "_init_managed_policies", "aws_managed_policies", "managed_policies")),
        (AmiBackend, ("_load_amis", "amis")),
        (EBSBackend, ("snapshots",)),
        (kms, ("generate_private_key",)),
    )
    for owner, names in changed:
        for name in names:
            monkeypatch.setattr(owner, name, getattr(owner, name, None), raising=False)
    postponed.install()


def made(kind: Any) -> int:
    """The number of objects of a class that were ever made; moto keeps a list of them."""
    return len(kind.instances_tracked)


def test_an_account_has_awss_policies_once_something_asks_for_one() -> None:
    before = made(AWSManagedPolicy)
    backend = IAMBackend("aws", "111122223333")
    assert made(AWSManagedPolicy) == before
    assert backend.get_policy("arn:aws:iam::aws:policy/ReadOnlyAccess").name == "ReadOnlyAccess"
    assert backend.managed_policies == {policy.arn: policy for policy in backend.aws_managed_policies}
    assert made(AWSManagedPolicy) == before + len(backend.managed_policies)


@pytest.mark.parametrize("first", ["amis", "snapshots"])
def test_a_region_has_images_and_their_snapshots_once_something_asks_for_either(first: str) -> None:
    before = made(Ami)
    backend = EC2Backend(*PLACE)
    backend.create_vpc("10.0.0.0/16")
    assert made(Ami) == before
    assert getattr(backend, first)
    assert {image.ebs_snapshot.id for image in backend.amis.values()} == set(backend.snapshots)
    assert made(Ami) == before + len(backend.amis)


def test_a_region_that_is_reset_has_its_images_again() -> None:
    backend = EC2Backend(*PLACE)
    image = next(iter(backend.amis))
    del backend.amis[image]
    backend.reset()
    assert image in backend.amis


def test_images_are_made_once_and_whole_when_several_ask_at_once() -> None:
    before = made(Ami)
    backend, seen = EC2Backend(*PLACE), set()
    asking = [threading.Thread(target=lambda: seen.add(len(backend.amis))) for _ in range(4)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert seen == {made(Ami) - before}


def test_a_symmetric_key_has_a_key_pair_only_when_one_is_asked_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    generate = Mock(side_effect=rsa.generate_private_key)
    monkeypatch.setattr(rsa, "generate_private_key", generate)

    keys: Any = kms

    def key(spec: str) -> Any:
        return keys.Key(None, "ENCRYPT_DECRYPT", spec, "", "111122223333", "eu-central-1")

    symmetric = key("SYMMETRIC_DEFAULT")
    generate.assert_not_called()
    assert symmetric.private_key.public_key() == symmetric.private_key.public_key()
    generate.assert_called_once()
    key("RSA_2048")
    assert generate.call_count == 2
