# Is there what the first build needs? Prints "ok PYTHON", or one line that names the package.
#
# sh tools/preflight.sh [PYTHON]   without PYTHON: the first python3 on PATH that is 3.11 or later.
is_recent='import sys; sys.exit(sys.version_info < (3, 11))'
python=
for candidate in ${1:-python3 python3.15 python3.14 python3.13 python3.12 python3.11}; do
    if "$candidate" -c "$is_recent" >/dev/null 2>&1; then
        python=$("$candidate" -c 'import sys; print(sys.executable)')
        break
    fi
done
if [ -z "$python" ]; then
    if [ -n "${1:-}" ]; then
        echo "PYTHON=$1 is no Python 3.11 or later: name another one"
    else
        echo "no Python 3.11 or later: apt-get install python3 python3-dev python3-venv"
    fi
    exit 0
fi

# The distribution's python3 has packages by that name; others by their version.
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
package=python$version
case $python in */python3) package=python3 ;; esac
if ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
    echo "$python has no venv: apt-get install $package-venv"
    exit 0
fi
if ! "$python" -c 'import os, sysconfig
open(os.path.join(sysconfig.get_path("include"), "Python.h")).close()' >/dev/null 2>&1; then
    echo "$python has no Python.h: apt-get install $package-dev"
    exit 0
fi

scratch=$(mktemp -d) || exit 0
trap 'rm -rf "$scratch"' EXIT
printf '#include <stdio.h>\nint main(void) { return puts("x") < 0; }\n' > "$scratch/probe.c"
for compiler in ${CC:-cc gcc clang}; do
    if $compiler "$scratch/probe.c" -o "$scratch/probe" >/dev/null 2>&1; then
        echo "ok $python"
        exit 0
    fi
done
echo "no working C compiler: apt-get install gcc libc6-dev"
