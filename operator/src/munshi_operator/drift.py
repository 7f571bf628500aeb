"""Whether an observed child still is as the operator applied it. Pure.

The operator stamps what it applies with a digest. Where the digest is the wanted one, the object can still
have been edited, so it is compared too: a wanted value that differs and that the operator no longer owns (its
`managedFields` say so) was changed by somebody. A value that differs but is still owned was only spelled
differently by the server (`1000m` and `1`), and what others own beside it (an autoscaler's replicas, a second
manager's labels) is theirs.
"""

import hashlib
from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any

import orjson

from munshi_operator.api import FIELD_MANAGER
from munshi_operator.types import Manifest

APPLIED = "munshi.dev/applied"
CONFIG = "munshi.dev/config"
"""On a pod template: digest of what its pods must restart for."""

_OWNED: dict[str, Any] = {}
"""A leaf in `fieldsV1`: owned, with all below it."""


def digest(value: object) -> str:
    """Digest of a JSON-able value, whatever the order of its keys."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:24]


def stamped(manifest: Manifest) -> Manifest:
    """The manifest with its digests as an annotation: of the whole, and of the pod template apart.

    The first counts the template by its `munshi.dev/config` alone: a new operator that spells a template
    differently restarts no pod.
    """
    whole = copy(manifest)
    template = manifest.get("spec", {}).get("template") if manifest["kind"] == "Deployment" else None
    apart = ""
    if template is not None:
        whole["spec"] = {**manifest["spec"], "template": config_of(template)}
        apart = "." + digest(template)
    meta = manifest["metadata"]
    annotations = {**(meta.get("annotations") or {}), APPLIED: digest(whole) + apart}
    return {**manifest, "metadata": {**meta, "annotations": annotations}}


def config_of(template: Mapping[str, Any]) -> str:
    """What the pods of a template must restart for; the whole template where it is not marked."""
    marked = ((template.get("metadata") or {}).get("annotations") or {}).get(CONFIG)
    return str(marked) if marked else digest(template)


def same_pods(wanted: Manifest, found: Manifest) -> bool:
    """Whether the pods of one Deployment need not restart to become those of the other."""
    return config_of(wanted["spec"]["template"]) == config_of(found.get("spec", {}).get("template", {}))


def with_running_template(wanted: Manifest, found: Manifest, owned: Mapping[str, Any]) -> Manifest:
    """A stamped Deployment with the pod template that runs, in place of another spelling of it.

    Of what runs only what the operator owns is taken, so that an apply changes nothing of the template and
    takes nothing over. Where that is not a whole template any more (somebody took a container's image over),
    the wanted one stays.
    """
    fields = owned.get("f:spec", {}).get("f:template")
    running = found.get("spec", {}).get("template")
    if not fields or not running:
        return wanted
    kept, template = _owned_part(running, fields), wanted["spec"]["template"]
    if kept == template:
        return wanted
    containers = kept.get("spec", {}).get("containers") or []
    names = {one.get("name") for one in template["spec"]["containers"]}
    if config_of(kept) != config_of(running) or names != {c.get("name") for c in containers if "image" in c}:
        return wanted
    annotations = wanted["metadata"]["annotations"]
    mark = f"{annotations[APPLIED].partition('.')[0]}.{mark_of(found).partition('.')[2]}"
    return {
        **wanted,
        "metadata": {**wanted["metadata"], "annotations": {**annotations, APPLIED: mark}},
        "spec": {**wanted["spec"], "template": kept},
    }


def _owned_part(found: Any, fields: Mapping[str, Any]) -> Any:
    """The part of a value that `fieldsV1` names; a leaf is owned with all below it."""
    below = {name: tree for name, tree in fields.items() if name != "."}
    if isinstance(found, Mapping) and below:
        return {
            name[2:]: _owned_part(found[name[2:]], tree) for name, tree in below.items() if name[2:] in found
        }
    if isinstance(found, list) and below:
        return [part for element in found for part in _owned_elements(element, below)]
    return found


def _owned_elements(element: Any, fields: Mapping[str, Any]) -> Iterator[Any]:
    """An element of a list, by its keys (`k:{"name":"x"}`) or as a value (`v:"x"`); nothing if not owned."""
    for name, tree in fields.items():
        named = orjson.loads(name[2:])
        if name.startswith("v:") and named == element:
            yield element
        elif name.startswith("k:") and isinstance(element, Mapping) and _has(element, named):
            keys = {key: element[key] for key in named if key in element}
            yield {**keys, **_owned_part(element, tree)} if set(tree) - {"."} else keys


def mark_of(manifest: Manifest) -> str:
    """The digests that an object bears; empty without."""
    return str((manifest["metadata"].get("annotations") or {}).get(APPLIED, ""))


def owned_fields(manifest: Manifest) -> dict[str, Any]:
    """`fieldsV1` of what the operator has applied to the object itself."""
    for entry in manifest["metadata"].get("managedFields") or ():
        mine = entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"
        if mine and not entry.get("subresource"):
            fields: dict[str, Any] = entry.get("fieldsV1") or {}
            return fields
    return {}


def same_mark(wanted: str, found: str) -> bool:
    """Whether nothing but the spelling of a pod template lies between what is wanted and what was applied."""
    return bool(found) and wanted.partition(".")[0] == found.partition(".")[0]


def changed(wanted: Manifest, found: Manifest, owned: Mapping[str, Any]) -> list[str]:
    """Paths of `wanted` (stamped, with the same mark) that somebody else has changed."""
    if mark_of(wanted) != mark_of(found) and "template" in wanted.get("spec", {}):
        # The pods stay with the template that an older operator gave them.
        wanted = {**wanted, "spec": {k: v for k, v in wanted["spec"].items() if k != "template"}}
        wanted["metadata"] = {
            **wanted["metadata"],
            "annotations": {**wanted["metadata"]["annotations"], APPLIED: mark_of(found)},
        }
    body = {name: value for name, value in wanted.items() if name not in {"apiVersion", "kind", "metadata"}}
    meta = {
        name: value
        for name, value in wanted["metadata"].items()
        if name in {"labels", "annotations", "ownerReferences"}
    }
    fields = {**owned, "f:metadata": owned.get("f:metadata", {"": {}})}
    return [
        *_differing(body, found, fields, ""),
        *_differing(meta, found["metadata"], fields["f:metadata"], ".metadata"),
    ]


def _differing(
    wanted: Mapping[str, Any], found: Mapping[str, Any], owned: Mapping[str, Any] | None, path: str
) -> Iterator[str]:
    for name, value in wanted.items():
        if value is None or value in ({}, [], ""):
            continue  # the server may drop what is empty
        below = owned.get(f"f:{name}") if owned is not None else None
        yield from _compare(value, found.get(name), below, f"{path}.{name}")


def _compare(wanted: Any, found: Any, owned: Mapping[str, Any] | None, path: str) -> Iterator[str]:
    if wanted == found or owned == _OWNED:
        return
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        yield from _differing(wanted, found, owned, path)
    elif isinstance(wanted, list) and isinstance(found, list) and owned is not None:
        yield from _compare_lists(wanted, found, owned, path)
    else:
        yield path


def _compare_lists(wanted: list[Any], found: list[Any], owned: Mapping[str, Any], path: str) -> Iterator[str]:
    """Lists whose elements are owned one by one: by keys (`k:{"name":"x"}`) or by value (`v:"x"`)."""
    keyed = [(orjson.loads(name[2:]), below) for name, below in owned.items() if name.startswith("k:")]
    for place, element in enumerate(wanted):
        here = f"{path}[{place}]"
        if not isinstance(element, Mapping):
            if element not in found:
                yield here
            continue
        below = next((fields for keys, fields in keyed if _has(element, keys)), None)
        keys = next((keys for keys, _ in keyed if _has(element, keys)), None)
        there = next((one for one in found if keys is not None and _has(one, keys)), None)
        if there is None:
            if element not in found:
                yield here
        else:
            yield from _differing(element, there, below, here)


def _has(element: Any, keys: Mapping[str, Any]) -> bool:
    """Whether these keys name the element; a key that it leaves out has the server's default."""
    return (
        isinstance(element, Mapping)
        and all(element.get(name, value) == value for name, value in keys.items())
        and any(name in element for name in keys)
    )
