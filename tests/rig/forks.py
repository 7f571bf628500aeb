"""Processes from one that has the operator's modules already: for tests that kill one after the other."""

import multiprocessing

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "munshi_operator.main",
        # What the rig itself imports; the rig's own modules are not found there.
        "munshi.embedded.nats",
        "munshi.embedded.postgres",
        "munshi.provision.database",
        "munshi_migrations",
        "pytest",
    ]
)
