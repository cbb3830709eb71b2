from __future__ import annotations

from modules.naming import physical_name


def test_a_name_that_fits_is_the_words_joined():
    assert physical_name("sync-storage", "prod", "database", max_length=26) == "sync-storage-prod-database"


def test_a_name_that_is_too_long_ends_in_a_hash_that_never_changes():
    assert physical_name("sync-storage", "prod", "database", max_length=25) == "sync-storage-prod-1126820"
    assert physical_name("sync-storage", "prod", "databases", max_length=25) == "sync-storage-prod-9f14d4c"
    assert physical_name("a" * 70) == "a" * 55 + "-6bd5e50"
