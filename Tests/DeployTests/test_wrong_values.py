# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Wrong values of the chart are refused before anything is installed, with words."""

import pytest
import yaml

import chart
import kit

# What is wrong, and the words by which one sees it.
WRONG = {
    "misspelt key": ({"replcas": 3}, "additional properties 'replcas' not allowed"),
    "misspelt configuration": (
        {"config": {"drain": {"windows": "20s"}}},
        "at '/config/drain': additional properties 'windows' not allowed",
    ),
    "no duration": ({"config": {"drain": {"window": "20"}}}, "at '/config/drain/window': '20' does not match pattern"),
    "text for a number": (
        {"config": {"limits": {"connections_max": "many"}}},
        "at '/config/limits/connections_max': got string, want integer",
    ),
    "no connection": ({"config": {"limits": {"connections_max": 0}}}, "minimum: got 0, want 1"),
    "too many threads": ({"config": {"reactor": {"threads": 65}}}, "maximum: got 65, want 64"),
    "no rate": ({"config": {"limits": {"connects_per_second": 0}}}, "exclusiveMinimum: got 0, want 0"),
    "no address": (
        {"config": {"listen": {"trusted_proxies": ["proxy.internal"]}}},
        "at '/config/listen/trusted_proxies/0': 'proxy.internal' does not match pattern",
    ),
    "unknown choice": (
        {"autoscaling": {"kind": "cpu"}},
        "at '/autoscaling/kind': value must be one of 'none', 'hpa', 'keda'",
    ),
    "unknown subscribe": (
        {"config": {"namespaces": [{"subscribe": "everybody"}]}},
        "at '/config/namespaces/0/subscribe': value must be one of 'token', 'authenticated'",
    ),
    "unknown secret": (
        {"existingSecret": "", "secrets": {"HMAC": "x"}},
        "secrets names HMAC: its keys are environment",
    ),
    "misspelt secret": (
        {"existingSecret": "", "secrets": {"MARTLET_API_KEY": "x"}},
        "MARTLET_API_KEY, which no node knows",
    ),
    "misspelt variable": (
        {"extraEnv": [{"name": "MARTLET_LOG_LEVELS", "value": "x"}]},
        "MARTLET_LOG_LEVELS, which no node knows",
    ),
    "the chart's own": ({"config": {"listen": {"public": ":80"}}}, "additional properties 'public' not allowed"),
    "no keys": ({"existingSecret": ""}, "No client could connect: give secrets.MARTLET_AUTH_HMAC_SECRET"),
    "no API key": ({"existingSecret": "", "config": {"auth": {"anonymous": True}}}, "The API has no key"),
    "no Redis": (
        {"existingSecret": "", "config": {"auth": {"anonymous": True}, "api": {"enabled": False}}},
        "Several nodes hear each other through Redis only",
    ),
    "two sources": ({"secrets": {"MARTLET_API_KEYS": "x"}}, "existingSecret and secrets: give one of them"),
    "secret in the open": (
        {"config": {"auth": {"hmac_secret": "x"}}},
        "give it as secrets.MARTLET_AUTH_HMAC_SECRET instead",
    ),
    "password in the open": (
        {"config": {"redis": {"urls": ["redis://:pass@redis"]}}},
        "give secrets.MARTLET_REDIS_URLS instead",
    ),
    "drain behind its back": (
        {"extraEnv": [{"name": "MARTLET_DRAIN_WINDOW", "value": "5m"}]},
        "give it as config.drain.window",
    ),
    "drain in a secret": (
        {"existingSecret": "", "secrets": {"MARTLET_DRAIN_DELAY": "1m"}},
        "give it as config.drain.delay",
    ),
    "capacity behind its back": (
        {"extraEnv": [{"name": "MARTLET_LIMITS_CONNECTIONS_MAX", "value": "9"}]},
        "give it as config.limits.connections_max",
    ),
    "capacity in a secret": (
        {"existingSecret": "", "secrets": {"MARTLET_LIMITS_CONNECTIONS_MAX": "9"}},
        "give it as config.limits.connections_max",
    ),
    "slow start behind its back": (
        {"extraEnv": [{"name": "MARTLET_SLOW_START_DURATION", "value": "5m"}]},
        "give it as config.slow_start.duration",
    ),
    "a protocol behind its back": (
        {"extraEnv": [{"name": "MARTLET_LISTEN_PROXY_PROTOCOL", "value": "required"}]},
        "give it as config.listen.proxy_protocol",
    ),
    "an address behind its back": (
        {"extraEnv": [{"name": "MARTLET_LISTEN_PUBLIC", "value": ":80"}]},
        "give it as bindAddress",
    ),
    "fewest above most": (
        {"autoscaling": {"kind": "hpa", "min": 9, "max": 3}},
        "autoscaling.min (9) is more than autoscaling.max (3)",
    ),
    "nobody to ask": ({"autoscaling": {"kind": "keda"}}, "give autoscaling.keda.serverAddress"),
    "nothing to keep costs with": (
        {"deletionCost": {"enabled": True}},
        "name an image that holds kubectl and bash in deletionCost.image",
    ),
    "no schedule": (
        {"deletionCost": {"schedule": "hourly"}},
        "at '/deletionCost/schedule': 'hourly' does not match pattern",
    ),
    "more than all": (
        {"config": {"rebalance": {"tolerance": 5}}},
        "at '/config/rebalance/tolerance': maximum: got 5, want 1",
    ),
    "nobody more during an upgrade": ({"rollout": {"maxSurge": 0}}, "at '/rollout/maxSurge': minimum: got 0, want 1"),
    "no share more during an upgrade": (
        {"rollout": {"maxSurge": "0%"}},
        "at '/rollout/maxSurge': '0%' does not match pattern",
    ),
    "a name of the chart's": (
        {"extraEnv": [{"name": "MARTLET_NODE_NAME", "value": "edge"}]},
        "MARTLET_NODE_NAME, which the chart gives every node itself",
    ),
    "an address of the chart's": (
        {"extraEnv": [{"name": "MARTLET_NODE_ADDRESS", "value": "edge:80"}]},
        "MARTLET_NODE_ADDRESS, which the chart gives every node itself",
    ),
    "a variable of the chart's": (
        {"extraEnv": [{"name": "POD_IP", "value": "10.0.0.1"}]},
        "POD_IP, which the chart gives every node itself",
    ),
    "another file": (
        {"extraEnv": [{"name": "MARTLET_CONFIG", "value": "/etc/mine.yaml"}]},
        "MARTLET_CONFIG, which the chart gives every node itself",
    ),
    "another file in a secret": (
        {"existingSecret": "", "secrets": {"MARTLET_CONFIG": "/etc/mine.yaml"}},
        "MARTLET_CONFIG, which the chart gives every node itself",
    ),
    "a variable twice": (
        {"extraEnv": [{"name": "ZONE", "value": "a"}, {"name": "ZONE", "value": "b"}]},
        "extraEnv names ZONE twice",
    ),
    "a name with a dot": ({"fullnameOverride": "my.edge"}, "at '/fullnameOverride': 'my.edge' does not match pattern"),
    "a name with a digit in front": ({"nameOverride": "1edge"}, "at '/nameOverride': '1edge' does not match pattern"),
    "an address with a port": ({"bindAddress": "0.0.0.0:80"}, "at '/bindAddress': '0.0.0.0:80' does not match pattern"),
    "half a bracket": ({"bindAddress": "[::"}, "at '/bindAddress': '[::' does not match pattern"),
    "a label of the selector": (
        {"podLabels": {"app.kubernetes.io/component": "edge"}},
        "podLabels names app.kubernetes.io/component, by which Services and the Deployment find the pods",
    ),
    "an annotation of the chart's": (
        {"podAnnotations": {"checksum/config": "0"}},
        "podAnnotations names checksum/config",
    ),
    "no configuration": ({"config": None}, "at '': missing property 'config'"),
    "no limits to scale by": (
        {"config": {"limits": None}, "autoscaling": {"kind": "hpa"}},
        "Scaling needs to know what a node holds: give config.limits.connections_max",
    ),
    "no section": ({"autoscaling": {"keda": None}}, "at '/autoscaling': missing property 'keda'"),
    "no number": ({"replicas": None}, "at '': missing property 'replicas'"),
    "no host": ({"ingress": {"enabled": True}}, "name the hosts that clients use in ingress.hosts"),
    "no Gateway": ({"httpRoute": {"enabled": True}}, "name the Gateway in httpRoute.parentRefs"),
    "PROXY behind an Ingress": (
        {
            "config": {"listen": {"proxy_protocol": "required"}},
            "ingress": {"enabled": True, "hosts": ["a.example.com"]},
        },
        "proxy_protocol: required refuses what Ingress and HTTPRoute send",
    ),
}


@pytest.mark.parametrize("values, words", WRONG.values(), ids=WRONG.keys())
def test_wrong_values_are_refused_with_words(values, words, tmp_path):
    path = tmp_path / "values.yaml"
    path.write_text(yaml.safe_dump({"existingSecret": "martlet"} | values))
    result = chart.helm("template", "martlet", kit.CHART, "--values", path)
    assert result.returncode != 0
    assert words in result.stderr, result.stderr
    # The sentence, not a trace of templates around it for each nested include.
    assert len(result.stderr) < 1500


def test_a_release_whose_name_no_service_can_have_is_refused():
    arguments = [kit.CHART, "--set", "existingSecret=martlet"]
    result = chart.helm("template", "1edge", *arguments)
    assert "No Service can be called 1edge-martlet" in result.stderr
    assert chart.helm("template", "1edge", *arguments, "--set", "fullnameOverride=edge-1").returncode == 0
