"""The operator's rights are what its code uses, and no more."""

from typing import Any

import pytest

from chart.rendering import EXISTING, merged, render
from munshi_operator import kinds
from munshi_operator.kinds import Kind

Rights = set[tuple[str, str, str]]
"""Group, resource, verb."""

_READ = ("list", "watch")


def used() -> Rights:
    """What the operator asks of the API server about tenants, by its own list of kinds."""
    rights: Rights = set()
    for child in kinds.CHILDREN:
        rights |= _on(child, *_READ, "create", "patch", "delete")  # an apply is a patch that may create
    rights |= _on(kinds.TENANT, *_READ, "patch")
    rights |= {(kinds.TENANT.group, f"{kinds.TENANT.plural}/status", "patch")}
    rights |= {(kinds.TENANT.group, f"{kinds.TENANT.plural}/finalizers", "update")}
    return rights | _on(kinds.EVENT, "create")


def _on(kind: Kind, *verbs: str) -> Rights:
    return {(kind.group, kind.plural, verb) for verb in verbs}


def given(role: dict[str, Any]) -> Rights:
    """What a role gives without naming objects."""
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_the_cluster_role_is_what_the_code_uses() -> None:
    assert given(render(EXISTING).one("ClusterRole", "munshi-operator-munshi")) == used()


def test_named_namespaces_leave_no_right_elsewhere() -> None:
    rendered = render(merged(EXISTING, {"operator": {"namespaces": ["shops", "stores"]}}))
    assert not rendered.of("ClusterRole", "munshi-operator-munshi")
    roles = rendered.of("Role", "munshi-tenants")
    assert [role["metadata"]["namespace"] for role in roles] == ["shops", "stores"]
    assert all(given(role) == used() for role in roles)
    assert not [
        binding
        for binding in rendered.of("ClusterRoleBinding")
        if binding["roleRef"]["name"].startswith("munshi-operator")
    ]


def test_in_its_own_namespace_only_what_is_named() -> None:
    role = render(EXISTING).one("Role", "munshi-operator")
    unnamed = {
        (group, resource, verb)
        for rule in role["rules"]
        if "resourceNames" not in rule
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert unnamed == {("coordination.k8s.io", "leases", "create"), ("", "secrets", "create")}
    lease = next(rule for rule in role["rules"] if rule.get("resourceNames") == ["munshi-operator"])
    assert set(lease["verbs"]) == {"get", "update"}


@pytest.mark.parametrize("forbidden", ["*", "escalate", "bind", "impersonate", "pods/exec"])
def test_nothing_dangerous(forbidden: str) -> None:
    for role in (*render(EXISTING).of("ClusterRole"), *render(EXISTING).of("Role")):
        for group, resource, verb in given(role):
            assert forbidden not in (group, resource, verb)


def test_people_who_may_view_or_edit_a_namespace_may_do_so_with_tenants() -> None:
    rendered = render(EXISTING)
    view = rendered.one("ClusterRole", "munshi-tenants-view-munshi")
    assert view["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-view"] == "true"
    assert {verb for _, _, verb in given(view)} == {"get", "list", "watch"}
    edit = rendered.one("ClusterRole", "munshi-tenants-edit-munshi")
    assert "rbac.authorization.k8s.io/aggregate-to-view" not in edit["metadata"]["labels"]
    assert ("munshi.dev", "whatsapptenants", "delete") in given(edit)
    assert not [one for one in given(edit) if one[1].endswith("/status")], "the status is the operator's"
    assert not render(merged(EXISTING, {"rbac": {"aggregate": False}})).of(
        "ClusterRole", "munshi-tenants-edit-munshi"
    )


def test_every_rule_says_why() -> None:
    text = render(EXISTING).text
    role = text[text.index("name: munshi-operator-munshi") :].partition("\n---")[0]
    rules = role[role.index("rules:") :].splitlines()[1:]
    groups = [index for index, line in enumerate(rules) if line.lstrip().startswith("- apiGroups")]
    unexplained = 0
    for index in groups:
        explained = rules[index - 1].lstrip().startswith("#")
        unexplained = 0 if explained else unexplained + 1
        assert unexplained < 7, f"no reason above {rules[index : index + 3]}"
