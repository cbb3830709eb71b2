"""TLS certificates that renew themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cdktf import TerraformProvider, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.acm_certificate import AcmCertificate, AcmCertificateOptions
from cdktf_cdktf_provider_aws.acm_certificate_validation import AcmCertificateValidation
from cdktf_cdktf_provider_aws.route53_record import Route53Record
from constructs import Construct

from modules.dns import id_of
from modules.refusals import exempt


class Certificate(Construct):
    """A certificate for `host_names`, proved through records in the hosted zone and renewed as long as they stand.

    A wildcard and the name below it (`*.example.org`, `example.org`) are proved by one record. CloudFront takes
    certificates from us-east-1 only: give its provider.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        host_names: Sequence[str],
        zone_id: str,
        provider: TerraformProvider | None = None,
    ) -> None:
        super().__init__(scope, id_)
        if not host_names:
            raise ValueError(f"{self.node.path} needs at least one host name")
        certificate = AcmCertificate(
            self,
            "Default",
            domain_name=host_names[0],
            subject_alternative_names=list(host_names[1:]),
            validation_method="DNS",
            options=AcmCertificateOptions(certificate_transparency_logging_preference="ENABLED"),
            # a listener must not lose its certificate before it has the next one
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
            provider=provider,
        )
        if any(name.startswith("*.") for name in host_names):
            exempt(certificate, "CKV2_AWS_71", reason="names below it come and go while the certificate stays")
        records = [
            Route53Record(
                self,
                f"proof_of_{id_of(name)}",
                zone_id=zone_id,
                name=_option(certificate, name, "resource_record_name"),
                type="CNAME",
                records=[_option(certificate, name, "resource_record_value")],
                ttl=300,
                # certificates for one name in two regions, or an old and a new one, are proved by the same record
                allow_overwrite=True,
            )
            for name in dict.fromkeys(name.removeprefix("*.") for name in host_names)
        ]
        validation = AcmCertificateValidation(
            self,
            "validation",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn for record in records],
            provider=provider,
        )
        self.arn: Final[str] = validation.certificate_arn
        """The ARN of the certificate once it is issued: what uses it waits for that."""


def _option(certificate: AcmCertificate, name: str, attribute: str) -> str:
    """The validation record of `name`: ACM's options are a set known after apply, so Terraform looks it up."""
    address = f"aws_acm_certificate.{certificate.friendly_unique_id}"
    options = f"{address}.domain_validation_options : option.{attribute}"
    return f'${{[for option in {options} if trimprefix(option.domain_name, "*.") == "{name}"][0]}}'
