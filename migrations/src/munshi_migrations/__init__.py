"""The database schema, and the way from one version to the next."""

from munshi_migrations.bootstrap import Bootstrap, bootstrap
from munshi_migrations.schema import NewerDatabase, UpgradeFailed, current, head, revisions, upgrade

__all__ = [
    "Bootstrap",
    "NewerDatabase",
    "UpgradeFailed",
    "bootstrap",
    "current",
    "head",
    "revisions",
    "upgrade",
]
