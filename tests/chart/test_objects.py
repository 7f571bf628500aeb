"""What the chart makes, over a table of values: judged by helm, by Kubernetes' schemas, by a linter, by the
profile `restricted`, and by the operator's own reader of the blueprint."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from chart.cases import CASES
from chart.programs import CHART, run
from chart.rendering import EXISTING, Rendered, merged, render, write
from munshi_operator.builders import parse_blueprint

pytestmark = pytest.mark.timeout(180)
VERSIONS = ("1.30.0", "1.34.0")
_KUBERNETES = "{{.NormalizedKubernetesVersion}}/{{.ResourceKind}}{{.KindSuffix}}.json"
_CUSTOM = "{{.ResourceKind}}_{{.Group}}_{{.ResourceAPIVersion}}.json"


@pytest.fixture(params=list(CASES.values()), ids=list(CASES))
def rendered(request: pytest.FixtureRequest) -> Rendered:
    """Each case."""
    return render(request.param)


@pytest.mark.parametrize("name", CASES)
def test_lint_finds_nothing(name: str) -> None:
    done = run(
        "helm",
        *("lint", CHART, "--strict", "--kube-version", "1.34.0", "--values", "-"),
        input=json.dumps(CASES[name]),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout, done.stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_fits_its_schema(schemas: Path, tmp_path: Path, version: str) -> None:
    for name, values in CASES.items():
        for how in ((), ("--is-upgrade",)):
            path = tmp_path / f"{name.replace(' ', '-')}{''.join(how)}.yaml"
            path.write_text(render(values, *how).text)
    done = run(
        "kubeconform",
        *("-strict", "-summary", "-kubernetes-version", version),
        *("-schema-location", f"{schemas}/{_KUBERNETES}"),
        *("-schema-location", f"{schemas}/{_CUSTOM}"),
        tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{2 * len(CASES)} files" in done.stdout, done.stdout
    assert "Skipped: 0" in done.stdout, "a kind is not judged"


def test_a_mistake_in_any_project_s_kind_is_seen(schemas: Path, tmp_path: Path) -> None:
    """kubeconform is silent of what it has no schema for, unless told otherwise."""
    kinds = {}
    for values in CASES.values():
        for one in render(values).objects:
            kinds[one["kind"]] = one
    for kind, one in kinds.items():
        path = tmp_path / f"{kind}.yaml"
        path.write_text(json.dumps({**one, "nobodyKnows": 1}))
    done = run(
        "kubeconform",
        *("-strict", "-kubernetes-version", VERSIONS[-1]),
        *("-schema-location", f"{schemas}/{_KUBERNETES}"),
        *("-schema-location", f"{schemas}/{_CUSTOM}"),
        tmp_path,
    )
    unseen = [kind for kind in kinds if f"{kind}.yaml" not in done.stdout]
    assert {"Cluster", "ScaledObject", "PodMonitor", "HTTPRoute"} <= kinds.keys()
    assert not unseen


_LINTER_IGNORES = {
    "container-ephemeral-storage-request-and-limit": "nothing is written but a /tmp with a bound of its own",
    "container-image-pull-policy": "a tag of ours never changes its content",
    "deployment-has-host-podantiaffinity": "spread by topologySpreadConstraints instead",
    "statefulset-has-servicename": "the demo's clients go by the Service, not by the pod",
    "pod-networkpolicy": "tests are short and have no policy of their own",
}
_CASE_IGNORES: dict[str, str | tuple[str, ...]] = {
    "demo": "deployment-replicas",  # one of each is what a demo is
    "demo without volumes": "deployment-replicas",
    "demo with Triton": "deployment-replicas",
    "model servers": "deployment-replicas",  # a GPU may be there once only
    "model servers on GPUs, scaled": "deployment-replicas",
    "model servers on the CPU, scaled": "deployment-replicas",
    "language models everywhere": ("deployment-replicas", "container-security-context-user-group-id"),
    "autoscaling by KEDA": "deployment-replicas",  # the linter does not know that a ScaledObject gives them
    "OpenShift": "container-security-context-user-group-id",  # the cluster gives it
}


@pytest.mark.parametrize("name", CASES)
def test_the_linter_has_nothing_to_say(name: str, tmp_path: Path) -> None:
    own = _CASE_IGNORES.get(name, ())
    ignored = [*_LINTER_IGNORES, *((own,) if isinstance(own, str) else own)]
    done = run(
        "kube-score",
        *("score", "--output-format", "ci", "--kubernetes-version", "v1.30"),
        "--ignore-container-cpu-limit",  # throttling would only make replies slow
        *(flag for one in ignored for flag in ("--ignore-test", one)),
        write(tmp_path, render(CASES[name])),
    )
    bad = [line for line in done.stdout.splitlines() if line.startswith(("[CRITICAL]", "[WARNING]"))]
    assert not bad, "\n".join(bad)


def test_pods_keep_the_profile_restricted(rendered: Rendered) -> None:
    pods = rendered.pods()
    assert pods
    for name, pod in pods:
        assert _breaches(pod) == [], name


def _breaches(pod: dict[str, Any]) -> list[str]:
    """What Pod Security's `restricted` would refuse, by its own list of controls; and what we ask beyond."""
    found = [field for field in ("hostNetwork", "hostPID", "hostIPC") if pod.get(field)]
    security = pod.get("securityContext", {})
    if security.get("runAsNonRoot") is not True or security.get("runAsUser") == 0:
        found.append("may be root")
    if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
        found.append("seccomp")
    allowed = {"configMap", "secret", "emptyDir", "projected", "persistentVolumeClaim"}
    found += [
        f"volume {volume['name']}"
        for volume in pod.get("volumes", ())
        if not allowed & (volume.keys() - {"name"})
    ]
    for container in (*pod["containers"], *pod.get("initContainers", ())):
        own = container.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
            found.append("privileges")
        if own.get("capabilities") != {"drop": ["ALL"]}:
            found.append("capabilities")
        if own.get("readOnlyRootFilesystem") is not True:
            found.append("writes to its root")
        if any("hostPort" in port for port in container.get("ports", ())):
            found.append("host port")
        if not {"cpu", "memory"} <= container.get("resources", {}).get("requests", {}).keys():
            found.append("asks for nothing")
    return found


def test_only_what_asks_the_api_server_has_a_token(rendered: Rendered) -> None:
    with_token = {
        name.split("/")[1] for name, pod in rendered.pods() if pod.get("automountServiceAccountToken")
    }
    asking = ("munshi-operator", "munshi-demo-front", "munshi-bootstrap-")
    assert all(name.startswith(asking) for name in with_token)
    assert "munshi-operator" in with_token
    assert all(pod.get("automountServiceAccountToken") is not None for _, pod in rendered.pods())


def test_the_operator_can_read_the_blueprint(rendered: Rendered) -> None:
    text = rendered.one("ConfigMap", "munshi-blueprint")["data"]["blueprint.yaml"]
    blueprint = parse_blueprint(text)
    assert blueprint.ingress.image.rpartition("/")[2].startswith("ingress")


def test_selectors_hit_their_pods_and_no_others(rendered: Rendered) -> None:
    pods = {}
    for one in rendered.objects:
        labels = one.get("spec", {}).get("template", {}).get("metadata", {}).get("labels")
        if labels:
            pods[f"{one['kind']}/{one['metadata']['name']}"] = labels
    for one in rendered.objects:
        if one["kind"] not in {"Service", "NetworkPolicy", "PodDisruptionBudget"}:
            continue
        spec = one["spec"]
        selector = spec.get("selector") or spec["podSelector"]
        wanted = selector.get("matchLabels", selector).items()
        hit = [name for name, labels in pods.items() if wanted <= labels.items()]
        assert len(hit) == 1, (one["kind"], one["metadata"]["name"], hit)
        name = re.sub(r"^(Job/.*)-[0-9a-f]{8}$", r"\1", hit[0])  # what cannot be changed bears a digest
        assert name.split("/")[1] == one["metadata"]["name"]


def test_probes_ask_what_the_services_answer(rendered: Rendered) -> None:
    for name in ("munshi-operator", *(f"munshi-pool-{one}" for one in ("ingress", "orchestrator", "media"))):
        for deployment in rendered.of("Deployment", name):
            (container,) = deployment["spec"]["template"]["spec"]["containers"]
            assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
            assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


def test_replicas_are_left_to_the_autoscaler() -> None:
    for case in ("autoscaling by CPU", "autoscaling by KEDA"):
        for service in ("ingress", "orchestrator", "media"):
            deployment = render(CASES[case]).one("Deployment", f"munshi-pool-{service}")
            assert "replicas" not in deployment["spec"]
    assert render(EXISTING).one("Deployment", "munshi-pool-ingress")["spec"]["replicas"] == 2


def test_images_come_from_the_mirror_by_digest() -> None:
    rendered = render(CASES["digests and a mirror"])
    images = {container["image"] for _, pod in rendered.pods() for container in pod["containers"]}
    blueprint = rendered.blueprint()
    for image in images | {blueprint.ingress.image, blueprint.orchestrator.image}:
        assert image.startswith("mirror.example:5000/munshi/")
        assert image.endswith("@sha256:" + "ab" * 32)
    assert all(pod["imagePullSecrets"] == [{"name": "mirror"}] for _, pod in rendered.pods())


def test_definitions_and_keys_outlive_the_release() -> None:
    rendered = render(CASES["demo"])
    kept = {"helm.sh/resource-policy": "keep"}
    (definition,) = rendered.of("CustomResourceDefinition")
    assert kept.items() <= definition["metadata"]["annotations"].items()
    for secret in ("munshi-keys", "munshi-database"):
        assert kept.items() <= rendered.one("Secret", secret)["metadata"]["annotations"].items()
    assert not render(merged(EXISTING, {"crds": {"install": False}})).of("CustomResourceDefinition")


def test_the_master_key_is_32_bytes_in_hex() -> None:
    import base64

    secret = render(EXISTING).one("Secret", "munshi-keys")
    assert len(bytes.fromhex(base64.b64decode(secret["data"]["master-key"]).decode())) == 32
    own = render(merged(EXISTING, {"keys": {"existingSecret": "my-keys"}}))
    assert not own.of("Secret", "munshi-keys")
    volumes = own.one("Deployment", "munshi-operator")["spec"]["template"]["spec"]["volumes"]
    assert {"name": "keys", "secret": {"secretName": "my-keys"}} in volumes


def test_no_secret_value_stands_in_plain_objects() -> None:
    case = CASES["an address instead of a Secret"]
    for one in render(case).objects:
        if one["kind"] != "Secret":
            assert "munshi_admin:x@" not in json.dumps(one), one["metadata"]["name"]


def test_migrations_run_before_the_pods_of_a_new_version() -> None:
    hooks = "pre-install,pre-upgrade"
    before = render(EXISTING).one("Job", "munshi-migrations")
    assert before["metadata"]["annotations"]["helm.sh/hook"] == hooks
    first = [job for job in render(CASES["demo"]).of("Job") if "migrations" in job["metadata"]["name"]]
    assert [job["metadata"].get("annotations") for job in first] == [
        None
    ]  # its database comes with the release
    upgrade = render(CASES["demo"], "--is-upgrade").one("Job", "munshi-migrations")
    assert upgrade["metadata"]["annotations"]["helm.sh/hook"] == hooks
    assert not [one for one in render(merged(EXISTING, {"migrations": {"enabled": False}})).of("Job")
                if "migrations" in one["metadata"]["name"]]  # fmt: skip


def test_the_demo_needs_no_gateway() -> None:
    rendered = render(CASES["demo"], has=())
    assert not rendered.of("HTTPRoute")
    blueprint = rendered.blueprint()
    assert blueprint.route.kind == "None"
    assert render(CASES["demo"]).of("HTTPRoute")


def test_a_new_chart_alone_replaces_no_pod() -> None:
    for name, pod in render(EXISTING).pods():
        assert name
        assert "helm.sh/chart" not in json.dumps(pod)
    for one in render(EXISTING).objects:
        labels = one.get("spec", {}).get("template", {}).get("metadata", {}).get("labels", {})
        assert not {"helm.sh/chart", "app.kubernetes.io/version"} & labels.keys()


def test_no_media_service_without_an_object_store_that_has_users() -> None:
    for case in ("existing servers", "a bucket without its server"):
        rendered = render(CASES[case])
        assert not rendered.of("Deployment", "munshi-pool-media")
        assert rendered.blueprint().media is None
    rendered = render(CASES["an object store"])
    assert rendered.pod_of("munshi-pool-media")["volumes"][0]["secret"]["secretName"] == "munshi-pool-media"
    assert rendered.blueprint().media is not None
    told = rendered.settings_of("munshi-operator")
    assert told["MUNSHI_OPERATOR_OBJECT_STORE_URL"] == "s3://munshi"
    assert told["MUNSHI_OPERATOR_OBJECT_STORE_ENDPOINT"] == "https://s3.example"


@pytest.mark.parametrize("case", ["demo", "demo without volumes"])
def test_the_demo_keeps_files_on_the_media_pods_volume(case: str) -> None:
    rendered = render(CASES[case])
    url = rendered.settings_of("munshi-operator")["MUNSHI_OPERATOR_OBJECT_STORE_URL"]
    spec = rendered.pod_of("munshi-pool-media")
    (mount,) = (one for one in spec["containers"][0]["volumeMounts"] if one["name"] == "objects")
    assert url == f"pod://{mount['mountPath']}"
    assert rendered.one("Deployment", "munshi-pool-media")["spec"]["replicas"] == 1, "one pod has the volume"
    claims = [one["metadata"]["name"] for one in rendered.of("PersistentVolumeClaim")]
    assert claims == ([] if case == "demo without volumes" else ["munshi-pool-media"])


def test_policies_let_through_what_is_needed_and_no_more() -> None:
    rendered = render(CASES["all of it narrow"])
    ingress = rendered.one("NetworkPolicy", "munshi-pool-ingress")["spec"]
    ports = {port["port"] for rule in ingress["egress"] for port in rule["ports"]}
    assert ports == {53, 4222, 4318}, "ingress has no way to the database nor to the world"
    orchestrator = rendered.one("NetworkPolicy", "munshi-pool-orchestrator")["spec"]
    ports = {port["port"] for rule in orchestrator["egress"] for port in rule["ports"]}
    assert ports == {53, 4222, 5432, 443, 4318}
    media = rendered.one("NetworkPolicy", "munshi-pool-media")["spec"]
    assert {port["port"] for rule in media["egress"] for port in rule["ports"]} == {53, 4222, 443, 9000, 4318}
    world = [rule for rule in orchestrator["egress"] if {"port": 443, "protocol": "TCP"} in rule["ports"]]
    assert all("169.254.0.0/16" in rule["to"][0]["ipBlock"]["except"] for rule in world)
