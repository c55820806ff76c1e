#!/bin/sh
# Make .venv with everything in it, on a machine that has Python 3.11 and nothing else; root or not.
# At once when nothing has changed since the last time. Called by make setup.
set -eu
cd "$(dirname "$0")/.."
umask 022 # root's services run under an account that must be able to read the programs
UV_VERSION=0.13.9
stamp=.venv/.setup-stamp

say() { echo "setup: $*" >&2; }

fingerprint() {
    {
        pwd
        cat pyproject.toml requirements.lock hatch_build.py scripts/bootstrap.sh
        echo "${CITYHALL_SKIP_WEB:-}"
        [ ! -d web ] || find web -name node_modules -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
    } | sha256sum
}

# What pip needs to run once, without installing it: Debian leaves pip out, and refuses it as a stranger's.
borrow_pip() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
    say "borrowing pip from a Debian package"
    borrowed=$PWD/.uv/debian
    mkdir -p "$borrowed/lists/partial" "$borrowed/archives/partial"
    set -- -qq -o "Dir::State::Lists=$borrowed/lists" -o "Dir::Cache=$borrowed" -o APT::Sandbox::User=
    apt-get "$@" update >&2 && (cd "$borrowed" && apt-get "$@" download python3-pip-whl >&2) || return 1
    dpkg-deb -x "$borrowed"/python3-pip-whl_*.deb "$borrowed/root" || return 1
    pip_wheel=$(ls "$borrowed"/root/usr/share/python-wheels/pip-*.whl)
}

install_uv() {
    export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
    if python3 -m pip --version >/dev/null 2>&1; then
        python3 -m pip install --quiet --target .uv "uv==$UV_VERSION"
    elif borrow_pip; then
        PYTHONPATH=$pip_wheel python3 -m pip install --quiet --target .uv "uv==$UV_VERSION"
        rm -rf .uv/debian
    else
        return 1
    fi
}

find_uv() {
    if command -v uv >/dev/null; then
        uv=$(command -v uv)
        return
    fi
    uv=$PWD/.uv/bin/uv
    [ "$("$uv" --version 2>/dev/null | cut -d ' ' -f 2)" = "$UV_VERSION" ] && return
    say "installing uv $UV_VERSION into .uv"
    rm -rf .uv
    install_uv || {
        say "there is neither uv nor pip here. Install one of them and try again:"
        say "    apt-get install python3-pip        (Debian, Ubuntu)"
        exit 1
    }
}

wanted=$(fingerprint)
if [ "${1:-}" != --uv ] && [ -x .venv/bin/cityhall-bms ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    say "Python 3.11 or newer is needed as python3. On Debian 12: apt-get install python3"
    exit 1
}
# A service account's home does not exist; pip, uv and npm keep their caches there.
if [ ! -w "${HOME:-/nonexistent}" ]; then
    HOME=$PWD/.cache/home
    mkdir -p "$HOME"
    export HOME
fi
find_uv
if [ "${1:-}" = --uv ]; then
    echo "$uv"
    exit 0
fi
rm -f "$stamp"
export UV_NO_PROGRESS="${UV_NO_PROGRESS-1}" UV_PYTHON_DOWNLOADS=never
.venv/bin/python -c 'import sys; sys.exit(sys.prefix == sys.base_prefix)' 2>/dev/null || {
    rm -rf .venv
    "$uv" venv --quiet --python python3 .venv
}
say "installing the locked dependencies into .venv"
"$uv" pip install --quiet --python .venv/bin/python --require-hashes -r requirements.lock
say "building the dashboard, if it has changed"
.venv/bin/python hatch_build.py >&2
"$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --reinstall-package cityhall-bms -e .
echo "$wanted" >"$stamp"
say "done"
