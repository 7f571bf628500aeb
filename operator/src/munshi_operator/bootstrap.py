"""What NATS must trust before the operator can make accounts on it: one Secret, derived from the master key.

`operator.conf` is a part of a nats-server's configuration: operator, system account, and the server's own
resolver, where the operator puts the accounts. The single values stand beside it, for a chart that wants
them.
"""

import base64
from pathlib import Path

import structlog
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from munshi.errors import UserMistake
from munshi.provision.derived_keys import MasterKey
from munshi.provision.nats_accounts import Operator
from munshi_operator.api import Cluster
from munshi_operator.types import Manifest

NAME = "munshi-nats"

_log = structlog.get_logger()


class BootstrapSettings(BaseSettings):
    """What `munshi_operator bootstrap` takes from its environment, named as the operator's own."""

    model_config = SettingsConfigDict(env_prefix="MUNSHI_OPERATOR_", frozen=True, extra="ignore")

    namespace: str = Field(default="munshi", description="Where the Secret is written.")
    master_key_file: Path = Field(
        default=Path("/etc/munshi/keys/master-key"), description="File with 32 bytes in hex."
    )
    nats_resolver_dir: str = Field(
        default="/data/accounts",
        description="Folder in which NATS keeps the accounts; on a volume that outlives its pod.",
    )


def nats_secret(operator: Operator, namespace: str, resolver_dir: str) -> Manifest:
    """The Secret. Pure, and the same each time."""
    account, account_jwt = operator.system_account.public, operator.system_account_jwt()
    conf = "\n".join(
        [
            f"operator: {operator.jwt()}",
            f"system_account: {account}",
            "resolver {",
            "  type: full",
            f'  dir: "{resolver_dir}"',
            "  allow_delete: true",
            '  interval: "2m"',
            "}",
            "resolver_preload {",
            f"  {account}: {account_jwt}",
            "}",
            "",
        ]
    )
    values = {
        "operator.conf": conf,
        "operator.jwt": operator.jwt(),
        "system-account": account,
        "system-account.jwt": account_jwt,
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": NAME,
            "namespace": namespace,
            "labels": {
                "app.kubernetes.io/name": NAME,
                "app.kubernetes.io/part-of": "munshi",
                "app.kubernetes.io/managed-by": "munshi-operator",
            },
        },
        "type": "Opaque",
        "data": {name: base64.b64encode(text.encode()).decode() for name, text in values.items()},
    }


async def bootstrap(cluster: Cluster, settings: BootstrapSettings) -> None:
    """Writes the Secret; may run any number of times.

    Raises:
        UserMistake: the master key is unusable.
    """
    try:
        master = MasterKey.from_hex(settings.master_key_file.read_text())
    except OSError as error:
        raise UserMistake(f"the master key cannot be read: {error.strerror}") from error
    secret = nats_secret(master.operator(), settings.namespace, settings.nats_resolver_dir)
    await cluster.apply(secret)
    _log.info("bootstrapped", secret=NAME, namespace=settings.namespace)
