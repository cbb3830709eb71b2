"""Limits of AWS that do not age, from `config/aws/limits.json`: regions and their zones, lengths, allowed values.

Only this file of `config/aws` is read while synthesising; the others hold what AWS changes without a commit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from config.settings import ROOT

FACTS = ROOT / "config" / "aws"
FILE = FACTS / "limits.json"

_GROUPS = json.loads(FILE.read_text(encoding="utf-8"))

AVAILABILITY_ZONES: Mapping[str, str] = _GROUPS["availability_zones"]["values"]
"""Regions of the partition `aws` and the letters of their availability zones. An account may see a subset."""
OTHER_PARTITIONS: Mapping[str, str] = _GROUPS["other_partitions"]["values"]
"""Beginnings of the regions of AWS's other partitions → the partition's name."""
LOG_RETENTION_DAYS: tuple[int, ...] = tuple(_GROUPS["log_retention_days"]["values"])
MONITORING_INTERVAL_SECONDS: tuple[int, ...] = tuple(_GROUPS["monitoring_interval_seconds"]["values"])
SECURITY_GROUP_DESCRIPTION: str = _GROUPS["description_pattern"]["values"]["security_group"]
"""Pattern of the descriptions of security groups and their rules."""
POSTGRESQL_RESERVED_WORDS: frozenset[str] = frozenset(_GROUPS["postgresql_reserved_words"]["values"])
"""Words that RDS takes neither for a database nor for the master user of PostgreSQL."""
NAME_LENGTHS: Mapping[str, int] = _GROUPS["name_lengths"]["values"]
"""Terraform's resource type → longest name."""
LONGEST_CERTIFICATE_NAME: int = _GROUPS["certificate_name_length"]["values"]
"""Characters of the first host name of a certificate of ACM."""
SIZES: Mapping[str, int] = _GROUPS["size_bytes"]["values"]
"""Text that AWS limits → its largest size in bytes."""
