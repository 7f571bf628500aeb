"""How far apart the schema and the programs that run beside the upgrade may be. Pure.

Versions first expand: programs of the version before run on. What takes something away says in its module
`needs = "0005"`: every program that runs must know at least that version, since from there on none uses what
goes. Programs know at least the version that the database had when they were deployed.
"""

from collections.abc import Mapping, Sequence

from munshi.errors import UserMistake


class TooFarApart(UserMistake):
    """An upgrade would take away what running programs may still use."""

    def __init__(self, found: str, refused: str, needs: str) -> None:
        super().__init__(
            f"schema {found} cannot go to {refused} in one step while programs run: it takes away what "
            f"programs before {needs} use. Nothing was changed. Upgrade to a version of Munshi with schema "
            f"{needs} first, let all its pods start, then come here; or stop all pods and say --nothing-runs."
        )


def refuse_too_far(found: str | None, revisions: Sequence[str], needs: Mapping[str, str]) -> None:
    """Stops an upgrade that running programs would not survive.

    Args:
        found: the database's version; `None` where it is empty, and nothing runs on it.
        revisions: all versions that this program knows, oldest first.
        needs: version to the one that every running program must know.

    Raises:
        TooFarApart: it would; names the version to go to first.
    """
    if found is None or found not in revisions:
        return
    for revision in revisions[revisions.index(found) + 1 :]:
        needed = needs.get(revision)
        if needed is not None and revisions.index(found) < revisions.index(needed):
            raise TooFarApart(found, revision, needed)
