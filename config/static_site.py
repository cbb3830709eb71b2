"""The knobs of a bucket whose objects the world may read, and of how they get there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from config.components import GuardedSettings, refuse_long_certificate_name
from config.settings import Settings
from config.types import BucketName, HostName


class CloudFrontDelivery(Settings):
    """Readers come through CloudFront, over HTTPS, under a name of our own."""

    kind: Literal["cloudfront"]
    """CloudFront, over HTTPS."""
    price_class: Literal["PriceClass_100", "PriceClass_200", "PriceClass_All"] = "PriceClass_100"
    """`PriceClass_100` is Europe and North America."""
    log_retention_days: Annotated[int, Field(ge=1, le=3650)] = 90
    """How long the logs of requests are kept."""


class CnameDelivery(GuardedSettings):
    """Readers come to the bucket's website endpoint by a CNAME, over plain HTTP; the bucket is named like the host."""

    kind: Literal["cname"]
    """A CNAME to the bucket's website, over HTTP."""

    guarded: ClassVar[Mapping[str, object]] = {"kind": "cname"}


Delivery = Annotated[CloudFrontDelivery | CnameDelivery, Field(discriminator="kind")]


class StaticSiteSettings(GuardedSettings):
    """A bucket of static files.

    `access` says who decides what is public. `policy`: the bucket's policy; object ACLs are accepted, since programs
    send them, and mean nothing; what it hides is hidden from everybody. `acl`: the ACL of each object, as the program
    that writes it chose; one wrong ACL publishes one object.
    """

    bucket_name: BucketName
    """Unique among all of AWS's buckets."""
    host_name: HostName
    """The site's public name."""
    access: Literal["policy", "acl"] = "policy"
    """`policy`: the bucket's policy decides what is public; `acl`: the ACL of each object."""
    delivery: Delivery

    guarded: ClassVar[Mapping[str, object]] = {"access": "acl"}

    @model_validator(mode="after")
    def _acm_takes_the_name(self) -> Self:
        if isinstance(self.delivery, CloudFrontDelivery):
            refuse_long_certificate_name(self.host_name)
        return self
