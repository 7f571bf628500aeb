"""What the builders make, byte for byte. A difference here is what every cluster would see: `make golden`."""

import pytest

from munshi_operator.builders import build_children, parse_blueprint
from rig.golden import FULL, GOLDEN, SMALL, access, as_yaml, cases, children, tenant


@pytest.mark.parametrize("name", sorted(cases()))
def test_the_objects_are_those_of_the_golden_file(name: str) -> None:
    assert as_yaml(cases()[name]) == (GOLDEN / f"{name}.yaml").read_text()


def test_every_golden_file_has_a_case() -> None:
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == set(cases())


@pytest.mark.parametrize("blueprint", [SMALL, FULL])
def test_the_same_input_gives_the_same_objects(blueprint: str) -> None:
    one = tenant(labels={"team": "grocers"})
    parsed = parse_blueprint(blueprint)
    first = build_children(one, access(one.cell), parsed, orchestrator_replicas=None)
    assert first == build_children(one, access(one.cell), parsed, orchestrator_replicas=None)
    assert as_yaml(children(one, blueprint)) == as_yaml(first)
