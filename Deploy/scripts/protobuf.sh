#!/usr/bin/env bash
# protobuf.sh: writes the Swift of the Protobuf schema anew, after a change of the schema or of the version of
# swift-protobuf. Needs protoc (Debian's protobuf-compiler); builds the generator that belongs to the library.
set -euo pipefail
cd "$(dirname "$0")/../.."

command -v protoc >/dev/null || { echo "protoc is needed: apt-get install protobuf-compiler" >&2; exit 69; }
swift package resolve
scratch=.build/protobuf
swift build --package-path .build/checkouts/swift-protobuf --scratch-path "$scratch" --product protoc-gen-swift
generator=$(swift build --package-path .build/checkouts/swift-protobuf --scratch-path "$scratch" --show-bin-path)

folder=Sources/MartletProtocol/Centrifuge/Protobuf
protoc --plugin="$generator/protoc-gen-swift" --proto_path="$folder" --swift_out="$folder" \
    --swift_opt=Visibility=Internal "$folder/centrifuge.proto"
# The generator vouches for its shared empty storage, but does not say so in the word that strict memory safety wants.
sed -i 's/ = _StorageClass\.defaultInstance$/ = unsafe _StorageClass.defaultInstance/' "$folder/centrifuge.pb.swift"
