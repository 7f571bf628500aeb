"""An upgrade beside running programs is refused where they would lose what they use."""

import pytest

from munshi_migrations.distance import TooFarApart, refuse_too_far

VERSIONS = ["0001", "0002", "0003", "0004", "0005"]
NEEDS = {"0004": "0003"}
"""0004 drops what nothing uses since 0003."""


@pytest.mark.parametrize("found", [None, "0003", "0004", "0005", "9999"])
def test_goes_where_every_running_program_knows_enough(found: str | None) -> None:
    refuse_too_far(found, VERSIONS, NEEDS)


@pytest.mark.parametrize("found", ["0001", "0002"])
def test_names_the_version_to_go_to_first(found: str) -> None:
    with pytest.raises(TooFarApart, match="schema 0003 first"):
        refuse_too_far(found, VERSIONS, NEEDS)


def test_expanding_versions_are_never_refused() -> None:
    refuse_too_far("0001", VERSIONS, {})
