#!/bin/sh
# Install what the tests need from the system, where we may: a browser and Chinese fonts, the library that Playwright's
# own Node needs, and the tools that the documentation tells people to use.
set -eu
wanted="chromium fonts-noto-cjk libatomic1 tzdata git curl"
missing=""
for package in $wanted; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "test: installing$missing" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2
    # shellcheck disable=SC2086 # several words on purpose
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
    exit 0
fi
echo "test: the browser tests are skipped without$missing. To run them: sudo apt-get install$missing" >&2
[ -z "${CI:-}" ]
