#!/usr/bin/env bash
# Sets up a fresh machine and runs a command: scripts/bootstrap.sh nox -s integration
#
# Needs a Python 3.8 or newer and nothing else. Makes .venv in the project, installs
# requirements.lock into it (once per checksum) and runs the command there. Without a command it
# says how to activate .venv. PYTHON=/path/to/python chooses the interpreter.
# Works with bash 3.2 and without GNU tools.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
trap 'exit 130' INT

log=.venv/bootstrap.log
details=.venv/pip.log
stamp=.venv/requirements.sha256
begun=.venv/installation-begun # there while packages are installed: what was killed then is made anew

fail() { # MESSAGE HINT
    printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
    exit 3
}

find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    fail "no Python 3.8 or newer found (tried ${PYTHON:+$PYTHON, }python3, python3.13 ... python3.8, python)" \
        "Install one (Debian, Ubuntu: sudo apt install python3 python3-venv), or set PYTHON=/path/to/python."
}

make_venv() {
    local python version
    python=$(find_python) || exit
    version=$("$python" -c 'import sys; print("{}.{}".format(*sys.version_info))')
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python ($version) cannot make environments: its ensurepip is not installed" \
            "Debian, Ubuntu: sudo apt install python$version-venv"
    "$python" -m venv --clear .venv || fail "could not make .venv with $python" "See the lines above."
}

install_lock() {
    local known
    echo "setting up .venv: $(sed -n 's/^# download: //p' requirements.lock)"
    pip_install && return
    # A pip before 24.2 does not know the system's certificates, where a company's own are.
    if grep -q CERTIFICATE_VERIFY_FAILED "$log" && [ -z "${PIP_CERT:-}${REQUESTS_CA_BUNDLE:-}${CURL_CA_BUNDLE:-}" ]; then
        for known in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem; do
            [ ! -f "$known" ] || break
        done
        if [ -f "$known" ]; then
            echo "  the certificate is not trusted, trying again with $known"
            PIP_CERT=$known pip_install && return
        fi
    fi
    grep '^ERROR' "$log" >&2 || tail -n 5 "$log" >&2
    fail "the packages of requirements.lock could not be installed (log: $log)" "$(what_helps)"
}

pip_install() {
    rm -f "$details"
    .venv/bin/python -m pip install --require-hashes --no-compile --no-input --disable-pip-version-check \
        --progress-bar off --log "$details" -r requirements.lock 2>&1 | tee "$log" | show_downloads && return
    sed -n 's/.*Could not fetch URL/ERROR: cannot fetch/p' "$details" >>"$log" # why, which pip does not always print
    return 1
}

what_helps() { # by what pip said
    PYTHONSAFEPATH='' .venv/bin/python -m scripts.environments.installation <"$log" 2>/dev/null ||
        printf '%s\n' "\`$PWD/.venv/bin/python -m pip config list\` shows which package index is asked."
}

show_downloads() { # of pip's lines, those that say what it is doing for so long
    local line waiting=
    while IFS= read -r line; do
        case $line in
        *Retrying*)
            [ "$waiting" ] || echo '  the package index does not answer, trying again'
            waiting=yes
            ;;
        *Downloading*\(*) printf '  %s\n' "${line#*Downloading }" ;;
        esac
    done
}

checksum() { # what noxfile.py looks for, too
    .venv/bin/python -c 'import hashlib; print(hashlib.sha256(open("requirements.lock", "rb").read()).hexdigest(), end="")'
}

is_usable() { # its programs name their interpreter by its path: in a moved or copied project, that is another one
    .venv/bin/python -c '' && [ ! -e "$begun" ] && [ -x .venv/bin/pip ] && grep -qF "$(pwd -P)/.venv/" .venv/bin/pip
}

is_usable 2>/dev/null || make_venv
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$(checksum)" ]; then
    : >"$begun"
    install_lock
    checksum >"$stamp"
    rm "$begun"
fi

.venv/bin/python scripts/environments/safe_path.py # `python -m scripts` works under PYTHONSAFEPATH too

if [ $# -eq 0 ]; then
    echo "ready. Activate it: . .venv/bin/activate    Then: nox -l"
    exit 0
fi
# What the person's own shell finds, so that hints print commands as that shell can run them.
export SHARDLINE_SHELL_PATH="${SHARDLINE_SHELL_PATH:-$PATH}"
export PATH="$PWD/.venv/bin:$PATH"
export HOME="${HOME:-$(unset HOME; echo ~)}" # nox does not start without one; a nameless user (docker run -u) has "/"
exec "$@"
