"""The Helm chart: rendered by helm where it is here, else by the part of Go's templates that the chart uses.

Covers: settings.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from gateway.settings import from_environment

ROOT = Path(__file__).parent.parent
CHART = ROOT / "deploy" / "helm" / "whatif-gateway"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
OPEN = r"(\{\{-?) *"
# From Go's templates to Jinja's. What is not here is an error of Jinja's, so that the chart stays within it.
RULES = (
    (OPEN + r'if eq (\S+) ("[^"]*") *\}\}', r"\1% if \2 == \3 %}"),
    (OPEN + r"if (\S+) *\}\}", r"\1% if \2 %}"),
    (OPEN + r"else *\}\}", r"\1% else %}"),
    (OPEN + r"range (\S+) *\}\}", r"\1% for item in \2 %}"),
    (OPEN + r'printf "%s:%s" (\S+) (\S+) \| quote *\}\}', r'\1 (\2 ~ ":" ~ \3) | quote }}'),
    (OPEN + r'join "," (\S+) \| quote *\}\}', r'\1 \2 | join(",") | quote }}'),
    (OPEN + r"(toYaml|toJson) (\S+)", r"\1 \3 | \2"),
    (r"nindent (\d+)", r"nindent(\1)"),
    (r"\{\{ \. \|", "{{ item |"),
    (r"\$\.", ""),
    (r"([ (])\.(?=[A-Z])", r"\1"),
)


def to_jinja(text: str) -> str:
    for pattern, to in RULES:
        text = re.sub(pattern, to, text)
    text = re.sub(r"\{\{(-?)% ", r"{%\1 ", text)
    opened: list[str] = []

    def end(found: re.Match[str]) -> str:
        if found[2] == "end":
            return f"{{%{found[1]} end{opened.pop()} %}}"
        opened.append(found[2])
        return found[0]

    text = re.sub(r"\{[{%](-?) *(if|for|end)\b[^}]*\}\}?", end, text)
    assert not opened
    return text


def rendered(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    if helm := shutil.which("helm"):
        words = [helm, "template", "demo", str(CHART), "--values", "-"]
        done = subprocess.run(
            words, input=yaml.safe_dump(values), capture_output=True, text=True, check=True, timeout=60
        )
        return [one for one in yaml.safe_load_all(done.stdout) if one]
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=False, autoescape=False)
    environment.filters |= {
        "quote": json.dumps, "toJson": json.dumps,
        "toYaml": lambda value: yaml.safe_dump(value, default_flow_style=False).rstrip("\n"),
        "nindent": lambda text, by: "".join(f"\n{' ' * by}{line}" if line else "\n" for line in text.splitlines()),
    }  # fmt: skip
    found = []
    for file in sorted((CHART / "templates").glob("*.yaml")):
        text = environment.from_string(to_jinja(file.read_text("utf-8"))).render(
            Values=values, Release={"Name": "demo"}
        )
        found += [one for one in yaml.safe_load_all(text) if one]
    return found


FILE = {**VALUES, "routesFrom": "file", "ingress": {**VALUES["ingress"], "enabled": False}}
OTHERS = {
    **VALUES, "replicas": 3, "hosts": ["a.example", "b.example"], "storage": {"size": "9Gi", "className": "fast"},
    "ingress": {**VALUES["ingress"], "tlsSecret": "cert"},
}  # fmt: skip
EACH = pytest.mark.parametrize("values", [VALUES, FILE, OTHERS], ids=["as it is", "routes from file", "others"])


def of_kind(found: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (one,) = (each for each in found if each["kind"] == kind and not each["metadata"]["name"].endswith("-gateways"))
    return one


@EACH
def test_what_it_renders_fits_together(values: Mapping[str, Any]) -> None:
    found = rendered(values)
    gateways, service, budget = (of_kind(found, kind) for kind in ("StatefulSet", "Service", "PodDisruptionBudget"))
    labels = gateways["spec"]["template"]["metadata"]["labels"]
    for selector in (
        gateways["spec"]["selector"]["matchLabels"], service["spec"]["selector"],
        budget["spec"]["selector"]["matchLabels"],
    ):  # fmt: skip
        assert selector.items() <= labels.items()
    assert gateways["spec"]["replicas"] == values["replicas"] >= 2 and budget["spec"]["maxUnavailable"] == 1
    assert yaml.safe_load(of_kind(found, "ConfigMap")["data"]["routes.yaml"]) == yaml.safe_load(values["routes"])
    pod = gateways["spec"]["template"]["spec"]
    volumes = {
        one["name"] for one in (*pod["volumes"], *(c["metadata"] for c in gateways["spec"]["volumeClaimTemplates"]))
    }
    for container in (*pod["containers"], *pod.get("initContainers", ())):
        assert {one["name"] for one in container["volumeMounts"]} <= volumes
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["securityContext"]["runAsNonRoot"] is True
    ingress = [one for one in found if one["kind"] == "Ingress"]
    assert [rule["host"] for one in ingress for rule in one["spec"]["rules"]] == (
        values["hosts"] if values["ingress"]["enabled"] else []
    )


@EACH
def test_its_variables_are_settings_and_no_secret_is_among_them(values: Mapping[str, Any]) -> None:
    (container,) = of_kind(rendered(values), "StatefulSet")["spec"]["template"]["spec"]["containers"]
    plain = {one["name"]: one["value"] for one in container["env"] if "value" in one}
    secret = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in container["env"] if "valueFrom" in one}
    assert secret.keys() == {"PGPASSWORD", "GATEWAY_SECRET_KEY", "GATEWAY_SERVE_PASSWORD"}
    settings = from_environment("serve", plain)
    assert settings.keys() == {"recordings", "routes", "routes_from", "allow_host", "trust_proxy"}
    assert (settings["routes_from"], list(settings["allow_host"])) == (values["routesFrom"], values["hosts"])
    mounts = {one["mountPath"]: one.get("readOnly", False) for one in container["volumeMounts"]}
    folder = next(path for path in mounts if settings["routes"].is_relative_to(path))
    assert mounts[folder] is (values["routesFrom"] == "file")


@EACH
def test_its_objects_are_kubernetes(values: Mapping[str, Any]) -> None:
    schemas = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    for one in rendered(values):
        schemas.validate(one, schemas.latest_version(), strict=True)


def test_helm_finds_no_fault() -> None:
    helm = shutil.which("helm") or pytest.skip("helm is not installed")
    subprocess.run([helm, "lint", "--strict", str(CHART)], check=True, capture_output=True, timeout=60)
