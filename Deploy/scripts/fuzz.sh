#!/usr/bin/env bash
# fuzz.sh [SECONDS] [NAME...]: gives each codec of the wire and the protocols so many seconds (default 20) of libFuzzer.
# Ends with an error at the first find, whose input it leaves in .build/fuzz/NAME-*.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${1:-20}
shift || true
out=.build/fuzz
mkdir -p "$out"
# libFuzzer reports a trap and keeps its input; the backtracer would come first.
export SWIFT_BACKTRACE=enable=no

flags=(-O -wmo -parse-as-library -sanitize=fuzzer -swift-version 6 -package-name martlet -I "$out"
    -strict-memory-safety -enable-upcoming-feature ExistentialAny -enable-upcoming-feature MemberImportVisibility
    -enable-upcoming-feature InternalImportsByDefault -enable-upcoming-feature NonisolatedNonsendingByDefault)

# A library that the protocols need, instrumented with them, by its own rules.
protobuf=.build/checkouts/swift-protobuf/Sources/SwiftProtobuf
[[ -d $protobuf ]] || swift package resolve
if [[ ! -e $out/SwiftProtobuf.o || -n $(find "$protobuf" "$0" -newer "$out/SwiftProtobuf.o" -print -quit) ]]; then
    echo "compiling SwiftProtobuf"
    swiftc -O -wmo -parse-as-library -sanitize=fuzzer -swift-version 6 -package-name SwiftProtobuf -suppress-warnings \
        -module-name SwiftProtobuf -emit-module -emit-module-path "$out/SwiftProtobuf.swiftmodule" \
        -c "$protobuf"/*.swift -o "$out/SwiftProtobuf.o"
fi

# The modules of the node that read what comes from outside, instrumented; in the order of their imports.
objects=("$out/SwiftProtobuf.o")
for module in MartletCore MartletWire MartletProtocol; do
    object=$out/$module.o
    objects+=("$object")
    mapfile -t sources < <(find "Sources/$module" -name '*.swift' | sort)
    if [[ ! -e $object || -n $(find "${sources[@]}" "Sources/MartletCore" "$0" -newer "$object" -print -quit) ]]; then
        echo "compiling $module"
        swiftc "${flags[@]}" -module-name "$module" -emit-module -emit-module-path "$out/$module.swiftmodule" \
            -c "${sources[@]}" -o "$object"
    fi
done

names=("$@")
if [[ ${#names[@]} -eq 0 ]]; then
    mapfile -t names < <(find Tests/Fuzz -name '*Fuzz.swift' -printf '%f\n' | sed 's/Fuzz\.swift$//' | sort)
fi
for name in "${names[@]}"; do
    echo "fuzzing $name for $seconds s"
    swiftc "${flags[@]}" -module-name "${name}Fuzz" "Tests/Fuzz/${name}Fuzz.swift" "${objects[@]}" -o "$out/${name}Fuzz"
    mkdir -p "$out/corpus/$name"
    options=(-max_total_time="$seconds" -max_len=1024 -timeout=5 -rss_limit_mb=1024 -artifact_prefix="$out/$name-"
        -print_final_stats=1 -verbosity=0)
    [[ ! -e Tests/Fuzz/$name.dict ]] || options+=(-dict="Tests/Fuzz/$name.dict")
    if ! "$out/${name}Fuzz" "${options[@]}" "$out/corpus/$name" >"$out/$name.log" 2>&1; then
        tail -n 25 "$out/$name.log"
        echo "a find in $name: its input is in $out, $name-*" >&2
        exit 1
    fi
    sed -n 's/^stat::number_of_executed_units: */    inputs: /p; s/^stat::average_exec_per_sec: */    a second: /p' \
        "$out/$name.log"
done
