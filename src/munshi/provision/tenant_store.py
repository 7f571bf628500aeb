"""The tenants of one machine, as files: one YAML file a tenant, with its Secret."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from munshi.contracts.ids import TenantKey
from munshi.errors import UserMistake
from munshi.provision.documents import Documents, read_documents
from munshi.provision.key_ring import write_private
from munshi.provision.tenants import ServedTenant, as_yaml, tenant_document

_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class TenantStore:
    """A folder of tenants, each as it was applied last."""

    folder: Path

    def load(self) -> dict[TenantKey, ServedTenant]:
        """All of them.

        Raises:
            UserMistake: a file was changed by hand and is no longer usable.
        """
        held: dict[TenantKey, ServedTenant] = {}
        for path in sorted(self.folder.glob("*.yaml")):
            documents = read_documents([(str(path), path.read_text(encoding="utf-8"))])
            for key, tenant in documents.tenants.items():
                named = (tenant.metadata.namespace, tenant.spec.whatsapp.secret_ref.name)
                if named not in documents.secrets:
                    raise UserMistake(f"{path} holds no Secret {'/'.join(named)}; apply the tenant again")
                extra = tenant.metadata.model_extra or {}
                created = extra.get("creationTimestamp")
                held[key] = ServedTenant(
                    tenant,
                    documents.secrets[named],
                    int(extra.get("generation", 1)),
                    datetime.fromisoformat(str(created)) if created else None,
                )
        return held

    def save(self, served: ServedTenant) -> None:
        """Keeps a tenant, readable by the owner only."""
        write_private(self._path(served.key), as_yaml(served))

    def remove(self, key: TenantKey) -> None:
        """Forgets a tenant."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: TenantKey) -> Path:
        return self.folder / f"{key}.yaml"


def tenant_files(path: Path) -> list[Path]:
    """The file itself, or the YAML files of a folder in the order of their names."""
    if path.is_dir():
        return sorted(entry for entry in path.iterdir() if entry.suffix in _SUFFIXES and entry.is_file())
    return [path]


def read_files(paths: list[Path]) -> list[tuple[str, str]]:
    """Names and contents.

    Raises:
        UserMistake: a file cannot be read.
    """
    texts: list[tuple[str, str]] = []
    for path in paths:
        try:
            texts.append((str(path), path.read_text(encoding="utf-8")))
        except OSError as error:
            raise UserMistake(f"{path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise UserMistake(f"{path}: this is no usable YAML: it is not UTF-8 text") from error
    return texts


class Seen:
    """Which tenants of a folder were applied by an earlier start, so that a later `apply` or `delete` stays.

    A file counts again as soon as its content changes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digests: dict[str, str] = orjson.loads(path.read_bytes()) if path.exists() else {}

    def new_of(self, documents: Documents) -> Documents:
        """Without the tenants that an earlier start has applied just so."""
        fresh = {
            key: tenant
            for key, tenant in documents.tenants.items()
            if self._digests.get(key) != _digest(documents, key)
        }
        return Documents(fresh, documents.secrets if fresh else {})

    def remember(self, documents: Documents) -> None:
        """Notes all of them."""
        self._digests |= {key: _digest(documents, key) for key in documents.tenants}
        write_private(self._path, orjson.dumps(self._digests).decode())


def _digest(documents: Documents, key: TenantKey) -> str:
    tenant = documents.tenants[key]
    secret = documents.secrets.get((tenant.metadata.namespace, tenant.spec.whatsapp.secret_ref.name))
    content: list[Any] = [tenant_document(tenant), sorted(secret.values.items()) if secret else None]
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
