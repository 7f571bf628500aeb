"""What the operator makes outside Kubernetes: NATS accounts, PostgreSQL roles, places in the object store."""

from munshi_operator.outside.meta import open_meta
from munshi_operator.outside.opening import open_outside
from munshi_operator.outside.provisioned import Provisioned
from munshi_operator.outside.settings import OutsideSettings

__all__ = ["OutsideSettings", "Provisioned", "open_meta", "open_outside"]
