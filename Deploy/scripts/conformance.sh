#!/usr/bin/env bash
# Conformance, by hand: conformance.sh [autobahn|sdk]
#   autobahn  RFC 6455 by the Autobahn testsuite, which needs a Python 2.7 of an older Debian; unpacked, not installed
#   sdk       the unmodified SDK centrifuge-js in Chromium; CENTRIFUGE_JS names a directory with its browser builds
# Without a word it runs what it can.
set -euo pipefail
cd "$(dirname "$0")/../.."

cache=$PWD/.cache/autobahn
# Where this machine takes its own packages from.
mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -v security | head -n 1)

say() { printf '%s\n' "conformance: $*" >&2; }

# Python 2.7 and what the suite needs, under .cache/autobahn.
install_autobahn() {
    [ -e "$cache/ready" ] && return
    say "unpacking Python 2.7 and the Autobahn testsuite into $cache"
    rm -rf "$cache"
    mkdir -p "$cache"/{lists,archives/partial,root,site,state}
    : > "$cache/state/status"
    printf 'deb [trusted=yes] %s bullseye main\n' "$mirror" > "$cache/sources.list"
    local options=(
        -o "Dir::Etc::SourceList=$cache/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$cache/lists" -o "Dir::State::status=$cache/state/status"
        -o "Dir::Cache::Archives=$cache/archives" -o "Dir::Cache=$cache" -o APT::Sandbox::User=root
    )
    apt-get "${options[@]}" update -q >&2
    (
        cd "$cache/archives"
        apt-get "${options[@]}" download -q python2.7 python2.7-minimal libpython2.7-minimal libpython2.7-stdlib \
            libpython2.7 libpython2.7-dev python2.7-dev libffi7 libssl1.1 >&2
        for package in *.deb; do dpkg-deb -x "$package" "$cache/root"; done
    )
    local wheels=$cache/wheels
    mkdir -p "$wheels"
    python -m pip download -q --no-deps --no-binary :none: -d "$wheels" pip==20.3.4 setuptools==44.0.0 wheel==0.36.2
    export LD_LIBRARY_PATH=$cache/root/usr/lib/x86_64-linux-gnu
    export C_INCLUDE_PATH=$cache/root/usr/include:$cache/root/usr/include/python2.7
    export PYTHONHOME=$cache/root/usr PYTHONPATH=$cache/site
    local python=$cache/root/usr/bin/python2.7
    for wheel in "$wheels"/*.whl; do unzip -q -o "$wheel" -d "$cache/site"; done
    local pip=("$python" -m pip install -q --no-build-isolation --target "$cache/site" --upgrade)
    "${pip[@]}" six==1.16.0 incremental==16.10.1 cryptography==3.3.2 pyOpenSSL==19.1.0
    "${pip[@]}" zope.interface==4.6.0 Twisted==19.10.0
    "${pip[@]}" txaio==2.1.0 jinja2==2.11.3 markupsafe==1.1.1 Werkzeug==1.0.1 klein==17.10.0 \
        service_identity==18.1.0 unittest2==1.1.0 autobahn==0.10.9
    "${pip[@]}" --no-deps autobahntestsuite==25.10.1
    touch "$cache/site/zope/__init__.py" "$cache/ready"
}

autobahn() {
    install_autobahn
    python Tests/ConformanceTests/autobahn.py "$cache"
}

sdk() {
    [ -n "${CENTRIFUGE_JS:-}" ] || { say "CENTRIFUGE_JS names no directory: centrifuge-js is left out"; return; }
    python -m pytest Tests/ConformanceTests
}

Deploy/scripts/setup.sh test
PATH=$PWD/.cache/venv/bin:$PATH
for product in martlet kafka-broker echo-server; do swift build --product "$product" >&2; done
for lane in "${@:-autobahn sdk}"; do for step in $lane; do "$step"; done; done
