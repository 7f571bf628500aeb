"""Tenants as YAML: the same documents as kubectl takes, read with errors a person can act on. Pure."""

import base64
import binascii
import difflib
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from munshi.contracts.ids import TenantKey
from munshi.contracts.tenant import GROUP, KIND, REPLICAS_LEAST, SHAPES, VERSION, WhatsAppTenant
from munshi.errors import UserMistake

API_VERSION = f"{GROUP}/{VERSION}"
_SECRET_KIND = "Secret"  # noqa: S105 (the name of a kind)
_LIST = "List"
_QUOTE = "must be text; put the value in quotes"
_PLAIN_MESSAGES = {
    "missing": "is missing",
    "string_type": _QUOTE,
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "too_short": "needs at least one entry",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "must be at least {}"),
    "less_than_equal": ("le", "must be at most {}"),
    "string_too_long": ("max_length", "must be at most {} characters"),
    "string_too_short": ("min_length", "must not be empty"),
    "too_long": ("max_length", "must be at most {} entries"),
}
_SHOWN_MISTAKES = 10


@dataclass(frozen=True, slots=True)
class Secret:
    """A Kubernetes Secret, decoded."""

    name: str
    namespace: str
    values: Mapping[str, str] = field(repr=False)

    @property
    def title(self) -> str:
        """How messages call it."""
        return f"Secret {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Documents:
    """What was read, in the order given; later ones of the same name replace earlier ones."""

    tenants: Mapping[TenantKey, WhatsAppTenant]
    secrets: Mapping[tuple[str, str], Secret] = field(repr=False)
    """By namespace and name."""


class _Loader(yaml.SafeLoader):
    """Refuses a key given twice, as kubectl does; YAML itself would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} is given twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_documents(texts: Sequence[tuple[str, str]]) -> Documents:
    """Reads files given as (name, content).

    Raises:
        UserMistake: what is wrong, in which file and field, and what to do.
    """
    tenants: dict[TenantKey, WhatsAppTenant] = {}
    secrets: dict[tuple[str, str], Secret] = {}
    for name, text in texts:
        for number, document in _documents(name, text):
            where = f"{name}, document {number}"
            kind = _kind(where, document)
            if kind == KIND:
                tenant = _tenant(where, document)
                tenants[tenant.key] = tenant
            elif kind == _SECRET_KIND:
                secret = _secret(where, document)
                secrets[secret.namespace, secret.name] = secret
    return Documents(tenants, secrets)


def _documents(name: str, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        loaded = list(yaml.load_all(text, _Loader))
    except yaml.YAMLError as error:
        raise UserMistake(f"{name}: this is no usable YAML: {_yaml_problem(error)}") from error
    except (UnicodeError, ValueError) as error:
        raise UserMistake(f"{name}: this is no usable YAML: {error}") from error
    for number, document in enumerate(loaded, start=1):
        if document is None:
            continue
        if not isinstance(document, dict):
            raise UserMistake(f"{name}, document {number}: must be a mapping with apiVersion, kind, metadata")
        if document.get("kind") == _LIST and isinstance(document.get("items"), list):
            for item in document["items"]:
                yield number, item
        else:
            yield number, document


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}" if mark else str(problem)


def _kind(where: str, document: Mapping[str, Any]) -> str:
    kind, api = document.get("kind"), document.get("apiVersion")
    if kind == KIND:
        if api != API_VERSION:
            raise UserMistake(f"{where}: apiVersion is {api!r}; Munshi takes {API_VERSION}")
        return KIND
    if kind == _SECRET_KIND:
        return _SECRET_KIND
    raise UserMistake(f"{where}: kind is {kind!r}; Munshi takes {KIND} ({API_VERSION}) and Secret (v1)")


def _tenant(where: str, document: Mapping[str, Any]) -> WhatsAppTenant:
    try:
        return WhatsAppTenant.model_validate(document, by_alias=True, by_name=False)
    except ValidationError as error:
        mistakes = [_mistake(one) for one in _innermost(error)]
        shown = mistakes[:_SHOWN_MISTAKES]
        if len(mistakes) > len(shown):
            shown.append(f"and {len(mistakes) - len(shown)} more")
        separator = "\n  " if len(shown) > 1 else " "
        raise UserMistake(f"{where} ({_title(document)}):{separator}{separator.join(shown)}") from error


def _innermost(error: ValidationError) -> list[Mapping[str, Any]]:
    """The mistakes without those that merely follow from one further inside (a list that came out empty)."""
    found = error.errors(include_url=False)
    places = [one["loc"] for one in found]
    return [
        one
        for one in found
        if not any(
            len(place) > len(one["loc"]) and place[: len(one["loc"])] == one["loc"] for place in places
        )
    ]


def _title(document: Mapping[str, Any]) -> str:
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        return KIND
    return f"{KIND} {metadata.get('namespace', 'default')}/{metadata.get('name', '?')}"


def _mistake(error: Mapping[str, Any]) -> str:
    """One pydantic error as `path: what is wrong; what to do`."""
    path = _path(error["loc"])
    kind = str(error["type"])
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(
            str(error["loc"][-1]), _fields_at(error["loc"][:-1]), n=1, cutoff=0.5
        )
        return f"{path}: unknown field" + (f"; did you mean {near[0]}?" if near else "; remove it")
    if kind == "value_error":
        message = str(error["msg"]).removeprefix("Value error, ")
        return message if message.startswith("spec.") else f"{path}: {message}"
    if kind == "string_pattern_mismatch":
        words = SHAPES[error["ctx"]["pattern"]]
        return f"{path}: {words}; it is {error.get('input')!r}"
    if kind in _BOUNDS:
        if (path, kind) == ("spec.replicas", "greater_than_equal"):
            return f"{path}: {REPLICAS_LEAST}"
        bound, words = _BOUNDS[kind]
        return f"{path}: {words.format(error['ctx'][bound])}"
    return f"{path}: {_PLAIN_MESSAGES.get(kind, error['msg'])}"


def _path(location: Sequence[str | int]) -> str:
    parts: list[str] = []
    for part in location:
        if isinstance(part, int):
            parts[-1] += f"[{part}]"
        else:
            parts.append(part)
    return ".".join(parts)


def _fields_at(location: Sequence[str | int]) -> list[str]:
    """Names of the fields that are known at a place of the document."""
    model: Any = WhatsAppTenant
    for part in location:
        if isinstance(part, int):
            continue
        found = _field_type(model, part)
        if found is None:
            return []
        model = found
    return [info.alias or name for name, info in model.model_fields.items()]


def _field_type(model: type[BaseModel], alias: str) -> type[BaseModel] | None:
    for name, info in model.model_fields.items():
        if (info.alias or name) == alias:
            return next(_models_in(info.annotation), None)
    return None


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _models_in(argument)


def _secret(where: str, document: Mapping[str, Any]) -> Secret:
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        raise UserMistake(f"{where}: metadata.name of the Secret is missing")
    name, namespace = metadata["name"], str(metadata.get("namespace", "default"))
    title = f"{where} (Secret {namespace}/{name})"
    values: dict[str, str] = {}
    for block in ("data", "stringData"):  # the second wins, as with kubectl
        given = document.get(block) or {}
        if not isinstance(given, dict):
            raise UserMistake(f"{title}: {block} must be a mapping")
        for key, value in given.items():
            if not isinstance(value, str):
                raise UserMistake(f"{title}: {block}.{key}: {_QUOTE}")
            values[str(key)] = value if block == "stringData" else _decoded(f"{title}: data.{key}", value)
    return Secret(name, namespace, values)


def _decoded(where: str, value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise UserMistake(
            f"{where}: is no base64; encode it, or put the plain text under stringData"
        ) from error
