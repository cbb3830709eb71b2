from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from iam.patterns import covers, matches, overlap

PATTERNS = st.text("ab*?", max_size=4)
TEXTS = ["".join(signs) for length in range(7) for signs in itertools.product("abz", repeat=length)]
"""Long enough to tell apart any two patterns of at most four signs, as `aaa*` and `*bbb`; z stands for what no pattern names."""


@settings(deadline=None)
@given(st.lists(PATTERNS, min_size=1, max_size=3), PATTERNS)
def test_a_pattern_is_covered_exactly_when_no_text_shows_the_contrary(wide: list[str], narrow: str) -> None:
    contrary = [text for text in TEXTS if matches(narrow, text) and not any(matches(each, text) for each in wide)]
    assert covers(wide, narrow) is not bool(contrary)


@settings(deadline=None)
@given(st.lists(PATTERNS, min_size=1, max_size=3), PATTERNS)
def test_patterns_overlap_exactly_when_a_text_fits_both(patterns: list[str], other: str) -> None:
    common = [text for text in TEXTS if matches(other, text) and any(matches(each, text) for each in patterns)]
    assert overlap(patterns, other) is bool(common)


def test_signs_of_regular_expressions_are_letters_like_others() -> None:
    assert matches("a.b[c]+", "a.b[c]+")
    assert not matches("a.b", "axb")
    assert matches("a*b", "a\nb")
    assert not matches("a", "a\n")
