# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""The chart as Helm renders it."""

import functools
import pathlib
import subprocess

import kubernetes_validate
import jsonschema
import yaml

import kit

CASES = sorted(kit.CHART.glob("ci/*-values.yaml")) + [kit.ROOT / "Helm" / "try-out-values.yaml"]
NAMES = [case.name.removesuffix("-values.yaml") for case in CASES]
# The oldest that Chart.yaml allows, and newer ones.
KUBERNETES = ["1.27", "1.33", "1.37"]


def helm(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([kit.HELM, *arguments], capture_output=True, text=True, timeout=60)


@functools.cache
def rendered(case: pathlib.Path) -> list[dict]:
    return kit.render("--values", str(case))


def one(documents: list[dict], kind: str, suffix: str = "") -> dict:
    """The only document of a kind; with a suffix, the one whose name ends so."""
    found = [item for item in documents if item["kind"] == kind and item["metadata"]["name"].endswith(suffix)]
    assert len(found) == 1, f"{kind} {suffix}: {len(found)}"
    return found[0]


def kinds(documents: list[dict]) -> list[str]:
    return sorted(document["kind"] for document in documents)


@functools.cache
def custom_schemas() -> dict:
    text = (kit.ROOT / "Tests" / "DeployTests" / "schemas" / "custom.yaml").read_text()
    return yaml.safe_load(text)["definitions"]


def validate(document: dict):
    """Against Kubernetes' schemas of each version, or ours of a custom resource."""
    definitions = custom_schemas()
    own = definitions.get(document["kind"])
    if own is None:
        for version in KUBERNETES:
            kubernetes_validate.validate(document, version, strict=True)
        return
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": own["apiVersion"],
            "kind": {"const": document["kind"]},
            "metadata": {"$ref": "#/definitions/metadata"},
            "spec": {"type": "object", "additionalProperties": False} | own["spec"],
        },
        "definitions": {name: value for name, value in definitions.items() if "apiVersion" not in value},
    }
    jsonschema.Draft7Validator(schema).validate(document)


def important(documents: list[dict]) -> dict:
    """What an operator would notice if it changed."""
    deployment = one(documents, "Deployment")
    spec, pod = deployment["spec"], deployment["spec"]["template"]["spec"]
    container = pod["containers"][0]
    found = {
        "kinds": kinds(documents),
        "deployment": {
            "name": deployment["metadata"]["name"],
            "replicas": spec.get("replicas", "the autoscaler's"),
            "strategy": spec["strategy"]["rollingUpdate"],
            "minReadySeconds": spec["minReadySeconds"],
            "progressDeadlineSeconds": spec["progressDeadlineSeconds"],
            "terminationGracePeriodSeconds": pod["terminationGracePeriodSeconds"],
            "image": container["image"],
            "env": [variable["name"] for variable in container["env"]],
            "secret": [source["secretRef"]["name"] for source in container.get("envFrom", [])],
            "spread": [constraint["topologyKey"] for constraint in pod["topologySpreadConstraints"]],
        },
        "configuration": yaml.safe_load(
            one(documents, "ConfigMap", deployment["metadata"]["name"])["data"]["martlet.yaml"]
        ),
        "services": {
            item["metadata"]["name"]: {
                key: item["spec"].get(key) for key in ("type", "clusterIP", "publishNotReadyAddresses", "ports")
            }
            for item in documents
            if item["kind"] == "Service"
        },
    }
    for item in documents:
        if item["kind"] in (
            "HorizontalPodAutoscaler",
            "ScaledObject",
            "HTTPRoute",
            "PodMonitor",
            "ServiceMonitor",
            "PodDisruptionBudget",
            "NetworkPolicy",
        ):
            found[item["kind"]] = item["spec"]
        if item["kind"] == "Role":
            found["Role"] = item["rules"]
        if item["kind"] == "CronJob":
            pod = item["spec"]["jobTemplate"]["spec"]["template"]["spec"]
            found["CronJob"] = {
                "schedule": item["spec"]["schedule"],
                "concurrencyPolicy": item["spec"]["concurrencyPolicy"],
                "image": pod["containers"][0]["image"],
                "serviceAccountName": pod["serviceAccountName"],
            }
        if item["kind"] == "Ingress":
            found["Ingress"] = {"annotations": item["metadata"].get("annotations"), "spec": item["spec"]}
    return found
