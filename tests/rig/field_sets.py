"""The fields of an object as server-side apply sees them: a path for each leaf, lists by their keys. Pure."""

import copy
import json
from typing import Any

Path = tuple[str, ...]
_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "ownerReferences": ("uid",),
    "conditions": ("type",),
}
_DEFAULTS = {"protocol": "TCP"}


def _keys_of(name: str, element: Any) -> tuple[str, ...] | None:
    if not isinstance(element, dict):
        return None
    if name == "ports":
        return ("containerPort", "protocol") if "containerPort" in element else ("port", "protocol")
    return _KEYS.get(name)


def _step(element: dict[str, Any], keys: tuple[str, ...]) -> str:
    chosen = {key: element.get(key, _DEFAULTS.get(key)) for key in keys}
    return "k:" + json.dumps(
        {k: v for k, v in chosen.items() if v is not None}, sort_keys=True, separators=(",", ":")
    )


def leaves(value: Any, name: str = "", at: Path = ()) -> dict[Path, Any]:
    """Every leaf of an object with its value; list elements by their keys where their list is a map."""
    if isinstance(value, dict) and value:
        found: dict[Path, Any] = {}
        for key, below in value.items():
            found |= leaves(below, key, (*at, f"f:{key}"))
        return found
    if isinstance(value, list) and value and name == "finalizers":
        return {(*at, f"v:{json.dumps(one)}"): one for one in value}
    if isinstance(value, list) and value and (keys := _keys_of(name, value[0])) is not None:
        found = {}
        for element in value:
            here = (*at, _step(element, keys))
            found[(*here, ".")] = {key: element[key] for key in keys if key in element}
            found |= leaves(element, "", here)
        return found
    return {at: value} if at else {}


def build(found: dict[Path, Any]) -> Any:
    """The object that has just these leaves."""
    whole: dict[str, Any] = {}
    for path, value in found.items():
        _put(whole, path, value)
    return _lists(whole)


def _put(tree: dict[str, Any], path: Path, value: Any) -> None:
    for step in path[:-1]:
        below = tree.setdefault(step, {})
        tree = below if isinstance(below, dict) else tree.setdefault(step, {})
    if path[-1] == ".":
        tree.setdefault(".", value)
    else:
        tree[path[-1]] = copy.deepcopy(value)


def _lists(tree: Any) -> Any:
    if (
        not isinstance(tree, dict)
        or not tree
        or not all(key[:2] in ("f:", "k:", "v:") or key == "." for key in tree)
    ):
        return tree
    if any(key.startswith("v:") for key in tree):
        return list(tree.values())
    if any(key.startswith("k:") for key in tree):
        return [
            {**below.get(".", {}), **_lists({k: v for k, v in below.items() if k != "."})}
            for key, below in tree.items()
        ]
    return {key[2:]: _lists(below) for key, below in tree.items() if key != "."}


def tree_of(paths: set[Path]) -> dict[str, Any]:
    """Paths as `fieldsV1` spells them."""
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        here = tree
        for step in path:
            here = here.setdefault(step, {})
    return tree


def paths_in(tree: dict[str, Any], at: Path = ()) -> set[Path]:
    if not tree:
        return {at}
    return {path for step, below in tree.items() for path in paths_in(below, (*at, step))}
