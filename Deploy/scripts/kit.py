# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""What is derived from something else in the repository. As a program it writes all of it (`Deploy/scripts/kit.sh`);
the tests compare.

    Docs/Configuration.md, Helm/values.schema.yaml  → Helm/martlet/values.schema.json, files/variables.yaml
    Helm/martlet/values.yaml                        → Helm/martlet/README.md
    Helm/martlet                                    → Deploy/kubernetes/*.yaml
    Deploy/grafana/dashboard.py                     → Deploy/grafana/martlet.json, and the chart's copy
    Deploy/prometheus/alerts.yaml                   → the chart's copy, and the table in Docs/Operations.md
"""

import json
import pathlib
import re
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "Helm" / "martlet"
HELM = ROOT / ".cache" / "helm" / "helm"
sys.path.insert(0, str(ROOT / "Deploy" / "grafana"))
import dashboard  # noqa: E402

HEADER = "# This source file is part of the Martlet project.\n# SPDX-License-Identifier: Apache-2.0\n"
# What the chart decides itself.
OWN_KEYS = {"node.name", "node.address", "listen.public", "listen.internal"}


def configuration_keys() -> tuple[dict[str, str], dict[str, str], dict[str, dict[str, str]]]:
    """From Docs/Configuration.md: the kind of every key, its environment variable, and by section the kinds of the keys
    of lists' entries."""
    keys, variables, entries, section = {}, {}, {}, ""
    for line in (ROOT / "Docs" / "Configuration.md").read_text().splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        row = [part.strip() for part in line.strip("|").split(" | ")]
        if found := re.match(r"\| `([a-z_.]+)` \| `(MARTLET_[A-Z0-9_]+)` \|", line):
            keys[found[1]], variables[found[1]] = row[2], found[2]
        elif found := re.match(r"\| `([a-z_]+)` \| [^`]|\| `([a-z_]+)` \| `[a-z]", line):
            entries.setdefault(section, {})[found[1] or found[2]] = row[1]
    return keys, variables, entries


def fraction(bounds: dict) -> dict:
    """A number, or text that is one: `--set` makes text of what has a point."""
    return {"anyOf": [{"type": "number"} | bounds, {"type": "string", "pattern": r"^[0-9]+\.[0-9]+$"}]}


def kind_schema(kind: str) -> dict:
    """The schema of a value that the reference calls, for instance, `list of URL`."""
    if kind.startswith("`"):
        return {"enum": re.findall(r"`([^`]+)`", kind)}
    if kind.startswith("list of "):
        return {"type": "array", "items": kind_schema(kind.removeprefix("list of "))}
    if kind.startswith("map of "):
        return {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
    if found := re.fullmatch(r"whole number, (\d+) (?:or more|to (\d+))", kind):
        least, most = found.groups()
        return {"type": "integer", "minimum": int(least)} | ({"maximum": int(most)} if most else {})
    return {
        "duration": {"$ref": "#/definitions/duration"},
        "number above 0": fraction({"exclusiveMinimum": 0}),
        "address block": {"type": "string", "pattern": "^[0-9a-fA-F:.]+(/[0-9]{1,3})?$"},
        "part of 1": fraction({"exclusiveMinimum": 0, "maximum": 1}),
        "bytes": {"anyOf": [{"$ref": "#/definitions/count"}, {"type": "string", "pattern": "^[0-9]+([KMG]iB)?$"}]},
        "true or false": {"type": "boolean"},
        "URL": {"type": "string", "pattern": "^[a-z]+://"},
    }.get(kind, {"type": "string"})


def closed(schema: dict) -> dict:
    """Forbids what is not named, in every object that names its keys."""
    found = dict(schema)
    if found.pop("open", False):
        return found
    for members in ("properties", "definitions"):
        if members in found:
            found[members] = {name: closed(member) for name, member in found[members].items()}
    if isinstance(found.get("items"), dict):
        found["items"] = closed(found["items"])
    if "properties" in found:
        found = {"type": "object", "additionalProperties": False} | found
    return found


def required(schema: dict, values: dict) -> dict:
    """Demands what values.yaml has: a value that is set to null would be gone, and the templates use it."""
    given = [name for name in sorted(schema.get("properties", {})) if values.get(name) is not None]
    if not given:
        return schema
    sections = [name for name in given if isinstance(values[name], dict)]
    members = {name: required(schema["properties"][name], values[name]) for name in sections}
    return schema | {"properties": schema["properties"] | members, "required": given}


def schema() -> str:
    keys, _, entries = configuration_keys()
    base = yaml.safe_load((ROOT / "Helm" / "values.schema.yaml").read_text())
    config: dict = {"properties": {}}
    for key, kind in keys.items():
        if key in OWN_KEYS:
            continue
        *sections, name = key.split(".")
        place = config
        for section in sections:
            place = place["properties"].setdefault(section, {"properties": {}})
        place["properties"][name] = kind_schema(kind)
    def entry(section: str) -> dict:
        return {"properties": {name: kind_schema(kind) for name, kind in entries[section].items()}}

    config["properties"]["namespaces"] = {"type": "array", "items": entry("namespaces")}
    # A text, or a section.
    topic = closed(entry("Entries of kafka.topics") | {"required": ["name"]})
    config["properties"]["kafka"]["properties"]["topics"]["items"] = {"anyOf": [{"type": "string"}, topic]}
    base["properties"]["config"] = config
    base["properties"]["secrets"] = {"type": "object", "additionalProperties": {"type": "string"}}
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    # The nodes have defaults for what config does not say.
    base = required(base, values | {"config": {}})
    return json.dumps(closed(base), indent=2, sort_keys=True) + "\n"


def described_values() -> list[tuple[str, str, str]]:
    """Path, default and description of every value in values.yaml that has a description."""
    lines = (CHART / "values.yaml").read_text().splitlines()
    values = yaml.safe_load("\n".join(lines))
    path: list[tuple[int, str]] = []
    found, comment = [], []
    for line in lines:
        if text := re.match(r"\s*# -- (.*)", line):
            comment = [text[1]]
        elif comment and (text := re.match(r"\s*# (.*)", line)):
            comment.append(text[1])
        elif key := re.match(r"(\s*)([A-Za-z]+):", line):
            path = [(depth, name) for depth, name in path if depth < len(key[1])] + [(len(key[1]), key[2])]
            if comment:
                value = values
                for _, name in path:
                    value = value[name]
                default = json.dumps(value, ensure_ascii=False)
                shown = f"`{default}`" if len(default) <= 60 else "see values.yaml"
                found.append((".".join(name for _, name in path), shown, " ".join(comment)))
            comment = []
    return found


def readme() -> str:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    rows = "".join(
        f"| `{path}` | {default} | {text} |\n"
        for path, default, text in described_values()
    )
    return f"""<!-- Written by Deploy/scripts/kit.sh from values.yaml. -->

# {chart["name"]} {chart["version"]}

{chart["description"]} For Kubernetes 1.27 and newer. Redis and Kafka are yours: give their addresses.

```sh
kubectl create secret generic martlet \\
  --from-literal=MARTLET_AUTH_HMAC_SECRET="$(head -c 32 /dev/urandom | base64)" \\
  --from-literal=MARTLET_API_KEYS="$(head -c 16 /dev/urandom | base64)" \\
  --from-literal=MARTLET_REDIS_URLS=redis://redis:6379
helm install martlet Helm/martlet --set existingSecret=martlet --set image.repository=registry.example.com/martlet
helm test martlet
```

To try it out on your own machine: `Helm/try-out-values.yaml`. To operate it: `Docs/Operations.md`, `Docs/Scaling.md`.
Values that cannot work are refused before anything is installed, and say why; `ci/` holds values that do.

| value | default | meaning |
| --- | --- | --- |
{rows}"""


def render(*arguments: str) -> list[dict]:
    """The documents that the chart makes."""
    command = [HELM, "template", "martlet", CHART, "--namespace", "default", *arguments]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [document for document in yaml.safe_load_all(output) if document]


def plain(document: dict) -> dict:
    """Without what only Helm needs."""
    for holder in [document, document.get("spec", {}).get("template", {})]:
        metadata = holder.get("metadata", {})
        metadata.pop("namespace", None)
        metadata.get("labels", {}).pop("helm.sh/chart", None)
        metadata.get("labels", {}).pop("app.kubernetes.io/managed-by", None)
    return document


class Dumper(yaml.SafeDumper):
    """Multi-line text as a block, lists indented."""

    def increase_indent(self, flow=False, indentless=False):
        return super().increase_indent(flow, False)


Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def manifests() -> dict[str, str]:
    note = (
        HEADER
        + "\n# Written by Deploy/scripts/kit.sh from Helm/martlet; what is argued there is argued in its templates.\n"
    )
    files = {
        "martlet.yaml": (note + "# Needs a Secret named martlet, see README.md beside this file.\n", [], None),
        "hpa.yaml": (
            note
            + "# Instead of replicas: README.md beside this file says how to give those up without losing nodes.\n"
            + "# Needs prometheus-adapter with Deploy/prometheus/adapter-values.yaml.\n",
            ["--set", "autoscaling.kind=hpa"],
            "HorizontalPodAutoscaler",
        ),
        "keda.yaml": (
            note
            + "# Instead of hpa.yaml, where there is KEDA 2.17 or newer (else take fallback.behavior out).\n"
            + "# Give the address of your Prometheus, and in the query your namespace instead of default:\n"
            + "# of another one it would count nothing.\n",
            [
                "--set",
                "autoscaling.kind=keda",
                "--set",
                "autoscaling.keda.serverAddress=http://prometheus.monitoring:9090",
            ],
            "ScaledObject",
        ),
        "monitoring.yaml": (
            note + "# For Prometheus' operator.\n",
            ["--set", "metrics.monitor=pod", "--set", "metrics.rules=true"],
            "PodMonitor,PrometheusRule",
        ),
    }
    result = {}
    for name, (note_text, arguments, kinds) in files.items():
        documents = [
            plain(document)
            for document in render("--set", "existingSecret=martlet", "--skip-tests", *arguments)
            if kinds is None or document["kind"] in kinds.split(",")
        ]
        body = "---\n".join(yaml.dump(document, Dumper=Dumper, sort_keys=False, width=1000) for document in documents)
        result[f"Deploy/kubernetes/{name}"] = note_text + "\n" + body
    return result


def operations() -> str:
    """Docs/Operations.md with the table of alerts as they are."""
    rules = yaml.safe_load((ROOT / "Deploy" / "prometheus" / "alerts.yaml").read_text())
    rows = "".join(
        f"| `{rule['alert']}` | {rule['labels']['severity']} | {rule['annotations']['runbook']} |\n"
        for group in rules["groups"]
        for rule in group["rules"]
    )
    text = (ROOT / "Docs" / "Operations.md").read_text()
    table = f"| alert | severity | what to do |\n| --- | --- | --- |\n{rows}"
    return re.sub(r"(<!-- alerts[^>]*-->\n).*?(<!-- end -->)", lambda m: f"{m[1]}{table}{m[2]}", text, flags=re.DOTALL)


def derived() -> dict[str, str]:
    """Text of every derived file, by its path. What others are derived from comes first."""
    board = dashboard.text()
    alerts = (ROOT / "Deploy" / "prometheus" / "alerts.yaml").read_text()
    return {
        "Helm/martlet/values.schema.json": schema(),
        "Helm/martlet/files/variables.yaml": f"{HEADER}\n# What a node reads from the environment.\nknown:\n"
        + "".join(f"  - {variable}\n" for variable in sorted(configuration_keys()[1].values())),
        "Helm/martlet/README.md": readme(),
        "Helm/martlet/files/alerts.yaml": alerts,
        "Helm/martlet/files/dashboard.json": board,
        "Deploy/grafana/martlet.json": board,
        "Docs/Operations.md": operations(),
    }


def main():
    for files in (derived, manifests):
        for path, text in files().items():
            place = ROOT / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists() or place.read_text() != text:
                place.write_text(text)
                print(f"kit: {path}")


if __name__ == "__main__":
    main()
