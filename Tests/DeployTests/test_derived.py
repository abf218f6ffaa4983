# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""What is derived is current: Deploy/scripts/kit.sh writes it."""

import pytest

import kit


@pytest.fixture(scope="module")
def derived() -> dict[str, str]:
    return kit.derived() | kit.manifests()


def test_derived_files_are_current(derived):
    for path, text in derived.items():
        assert (kit.ROOT / path).read_text() == text, f"{path} is not current: run Deploy/scripts/kit.sh"


def test_every_value_is_described():
    described = {path for path, _, _ in kit.described_values()}
    import yaml

    values = yaml.safe_load((kit.CHART / "values.yaml").read_text())

    def leaves(value, path=""):
        if path in described:
            return
        if isinstance(value, dict) and value:
            for name, member in value.items():
                yield from leaves(member, f"{path}.{name}".lstrip("."))
        else:
            yield path

    assert list(leaves(values)) == []


def test_the_configuration_is_understood():
    keys, variables, entries = kit.configuration_keys()
    namespace = entries["namespaces"]
    assert keys["drain.window"] == "duration" and variables["drain.window"] == "MARTLET_DRAIN_WINDOW"
    assert keys["validation.kind"].startswith("`none`")
    assert namespace["subscribe"].startswith("`token`") and namespace["history_size"] == "whole number, 0 to 100000"
    assert len(keys) > 60 and len(namespace) > 9
