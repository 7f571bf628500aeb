"""Fixtures on a real Kubernetes. A test that uses one bears the marker `cluster` by itself.

- `control_plane`: API server, controllers and five fake nodes, whose pods are Ready but no processes.
- `namespace`: one of the test's own on `control_plane`.
- `node`: a real node.
- `images`: the same node, with the images of this tree on it.
- `node_namespace`: one of the test's own on `node`, Pod Security `restricted`.
- `installed`: Munshi on that node, by the chart.
- `shops`: tenants that it serves, dedicated and pooled ones.
"""

from collections.abc import Iterator

import pytest

from rig.installed import SECONDS, Installed, Shops, apply_shops
from rig.kubernetes import (
    RESTRICTED,
    Cluster,
    Node,
    Unavailable,
    build_images,
    control_plane_by,
    node_by,
    slot,
    up,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs a cluster and gives it the time that one takes; the end of `installed` comes last."""
    for item in items:
        fixtures = _fixtures(item)
        if "node" in fixtures:
            item.add_marker("node")
        if "node" in fixtures or "control_plane" in fixtures:
            item.add_marker("cluster")
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(3 * SECONDS if "installed" in fixtures else 300))
    users = [item for item in items if "installed" in _fixtures(item)]
    ordered = iter(sorted(users, key=lambda item: item.get_closest_marker("uninstalls") is not None))
    items[:] = [next(ordered) if "installed" in _fixtures(item) else item for item in items]


def _fixtures(item: pytest.Item) -> tuple[str, ...]:
    return tuple(getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A real API server of this session."""
    try:
        with slot() as name:
            by = control_plane_by()
            kubeconfig = up(name, by, "--control-plane-only", "--kwok", "5")
            cluster = Cluster(name, by, kubeconfig, tmp_path_factory.mktemp("control-plane"))
            try:
                yield cluster
            finally:
                cluster.down()
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def namespace(control_plane: Cluster) -> Iterator[str]:
    """A namespace of the test's own."""
    with control_plane.namespace() as name:
        yield name


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A real node of this session. `node.load` gives it images."""
    try:
        with slot() as name:
            by = node_by()
            made = Node(name, by, up(name, by, "--metrics"), tmp_path_factory.mktemp("node"))
            try:
                yield made
            finally:
                made.down()
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def images(node: Node) -> Node:
    """The node with every image of this tree, built where something changed."""
    names = build_images()
    node.load(*names)
    return node


@pytest.fixture
def node_namespace(node: Node) -> Iterator[str]:
    """A namespace of the test's own that takes restricted pods only."""
    with node.namespace(labels=RESTRICTED) as name:
        yield name


@pytest.fixture(scope="session")
def installed(images: Node) -> Iterator[Installed]:
    """Munshi as docs/install.md installs it for a try. Tests leave it as they found it: whole."""
    made = Installed(images)
    with made.provisioner():
        made.install()
        yield made


@pytest.fixture(scope="session")
def shops(installed: Installed) -> Shops:
    """Four tenants that are Ready: those of `examples/` and a second dedicated one."""
    return apply_shops(installed)
