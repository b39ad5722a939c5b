#!/bin/sh
# Makes sure that the system packages for a purpose are there: installs what is missing (as root, on Debian), or names
# the command that does. A thing is looked for by what it does, so that a Python or compiler from elsewhere counts.
#
#   tools/packages.sh build    what compiles the kernel
#   tools/packages.sh test     what the tests start: Open MPI, redis-server, sshd, network namespaces
set -eu

PYTHON=${PYTHON:-python3}
missing=""

need() { # need PACKAGE TEST...: the Debian package that provides what TEST looks for
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

has() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1"; }

compiles() { echo '#include <math.h>' | cc -E -x c - ; }

build_packages() {
    need python3 has "$PYTHON"
    need python3-venv "$PYTHON" -c 'import venv, ensurepip'
    need python3-dev "$PYTHON" -c \
        'import pathlib, sysconfig; pathlib.Path(sysconfig.get_path("include"), "Python.h").stat()'
    need gcc has cc
    need libc6-dev compiles
}

test_packages() {
    need openmpi-bin has mpirun
    need openssh-server has sshd
    need openssh-client has ssh
    need redis-server has redis-server
    need iproute2 has ip
    need procps has ps
    need util-linux has nsenter
    need binutils has nm
    need git has git
}

case "${1:-}" in
build) build_packages ;;
test) build_packages && test_packages ;;
*)
    echo "usage: tools/packages.sh build|test" >&2
    exit 2
    ;;
esac

[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Missing system packages. On Debian or Ubuntu, install them with:" >&2
    echo "    sudo apt-get install$missing" >&2
    exit 1
fi

echo "Installing the system packages that are missing:$missing"
# A package that brings a server must not start it: the tests start their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # the list is words
if ! { apt-get -q update && apt-get -q install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "apt-get could not install$missing; its last words stand above." >&2
    exit 1
fi
rm -f "$log"
