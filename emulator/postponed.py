"""Objects that moto makes before anything needs them, made when something does.

It gives every account 1,600 policies of AWS, every region of an account 1,300 images with a snapshot each, and every
key of KMS a pair of RSA keys, which a symmetric key has no use for: a tenth of a second each.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

_OF_IMAGES: Final = ("amis", "snapshots")


def install() -> None:
    """Postpone them from now on. AttributeError: moto does not make one of them any more, so this is to be dropped."""
    from moto.ec2.models.amis import AmiBackend
    from moto.ec2.models.elastic_block_store import EBSBackend
    from moto.iam.models import IAMBackend
    from moto.kms import models as kms

    for name in ("aws_managed_policies", "managed_policies"):
        setattr(IAMBackend, name, _Attribute(name))
    for name in ("_init_aws_policies", "_init_managed_policies"):
        setattr(IAMBackend, name, _postponed(getattr(IAMBackend, name)))
    images: Any = AmiBackend
    volumes: Any = EBSBackend
    for owner, name in zip((images, volumes), _OF_IMAGES, strict=True):
        setattr(owner, name, _Attribute(name))
    images._load_amis = _with_images(images._load_amis)
    keys: Any = kms
    keys.generate_private_key = _with_pair_for_signing(keys.generate_private_key)


@dataclass(frozen=True)
class _Later:
    """A value that `make` returns once somebody asks for it."""

    make: Callable[[], Any]


class _Attribute:
    """An attribute that may be given a `_Later`: its first reader has the value made, the others wait for that."""

    _one_maker = threading.RLock()

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, backend: Any, _owner: type) -> Any:
        with self._one_maker:
            found = backend.__dict__[self._name]
            if isinstance(found, _Later):
                found = backend.__dict__[self._name] = found.make()
            return found

    def __set__(self, backend: Any, value: Any) -> None:
        backend.__dict__[self._name] = value


def _postponed(make: Callable[[Any], Any]) -> Callable[[Any], _Later]:
    return lambda backend: _Later(functools.partial(make, backend))


def _with_images(load: Callable[[Any], None]) -> Callable[[Any], None]:
    """Images, and the snapshots that belong to them, come together."""

    def postpone(backend: Any) -> None:
        for name in _OF_IMAGES:
            setattr(backend, name, _Later(functools.partial(_loaded, load, backend, name)))

    return postpone


def _loaded(load: Callable[[Any], None], backend: Any, asked: str) -> Any:
    for name in _OF_IMAGES:
        setattr(backend, name, {})
    load(backend)
    return getattr(backend, asked)


class _SigningPair:
    """The key pair of a symmetric key, which only calls that AWS refuses would use."""

    def __init__(self, generate: Callable[[], Any]) -> None:
        self._generate = generate

    @functools.cached_property
    def _pair(self) -> Any:
        return self._generate()

    def sign(self, *what: Any) -> bytes:
        signature: bytes = self._pair.sign(*what)
        return signature

    def verify(self, *what: Any) -> bool:
        genuine: bool = self._pair.verify(*what)
        return genuine

    def public_key(self) -> bytes:
        key: bytes = self._pair.public_key()
        return key


def _with_pair_for_signing(generate: Callable[[str], Any]) -> Callable[[str], Any]:
    def generated(key_spec: str) -> Any:
        make = functools.partial(generate, key_spec)
        return _SigningPair(make) if key_spec == "SYMMETRIC_DEFAULT" else make()

    return generated
