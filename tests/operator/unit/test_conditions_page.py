"""docs/conditions.md explains every reason that the operator's code can give, and no other."""

import ast
import re
from pathlib import Path

import munshi.provision
import munshi_operator

SOURCES = Path(munshi_operator.__file__).parent
SHARED = Path(munshi.provision.__path__[0])
"""What the operator and one machine make outside in the same way."""
PAGE = Path(__file__).parents[3] / "docs" / "conditions.md"
WORD = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z]+)*")
CONDITIONS = {"CredentialsValid", "WebhookVerified", "DatabaseReady", "StreamsReady", "StorageReady"}
CONDITIONS |= {"Ready", "Progressing", "Paused", "Degraded"}
TRUTHS = {"True", "False", "Unknown"}
EVENTS = {"Normal", "Warning"}
OF_OTHERS = {
    *("Action", "Allow", "Condition", "Effect", "Resource", "Sid", "Statement", "StringLike", "Version"),
    *("List", "Objects", "NoSuch"),
    *("Authorization", "Background", "Apply", "DeleteOptions", "Deployment", "Event", "Opaque", "Secret"),
}
"""Words of S3's policies, of HTTP and of Kubernetes."""


def words_of(tree: ast.AST) -> set[str]:
    """Texts that are one word of this form, without the names that a module gives out or annotates with."""
    annotations = {
        id(inner)
        for node in ast.walk(tree)
        for note in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if note is not None
        for inner in ast.walk(note)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in annotations
        if WORD.fullmatch(node.value)
    }


def reasons() -> set[str]:
    """All of the code's reasons and phases."""
    found: set[str] = set()
    for file in SOURCES.rglob("*.py"):
        if file.name not in {"__init__.py", "kinds.py"} and file.parent.name != "builders":
            tree = ast.parse(file.read_text())
            types = {
                str(node.args[0].value)
                for node in ast.walk(tree)
                if isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in {"TypeVar", "NewType"}
                and isinstance(node.args[0], ast.Constant)
            }
            found |= words_of(tree) - types
    for file in SHARED.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Permanent":
                found |= words_of(node)
    return found - TRUTHS - EVENTS - OF_OTHERS


def explained() -> set[str]:
    return set(re.findall(r"`([A-Z][A-Za-z]+)`", PAGE.read_text())) - TRUTHS


def test_every_reason_is_explained_and_no_other() -> None:
    found = reasons()
    assert len(found) > 60, "the code was read"
    assert found - explained() - CONDITIONS == set()
    assert explained() - found - CONDITIONS == set()


def test_every_reason_of_a_table_says_what_to_do() -> None:
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 3:
            assert all(cells[:2]), line
