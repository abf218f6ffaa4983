# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""What the codec of the node is compared with is what the SDK writes today."""

from cluster import ROOT
from protobuf_fixtures import swift


def test_fixtures():
    assert (ROOT / "Tests/MartletProtocolTests/ProtobufFixtures.swift").read_text() == swift()
