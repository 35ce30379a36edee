# Sourced by tests/run, examples/run and .ci/run: brings the tools that are missing, by apt where there is apt,
# and otherwise names them and stops. What is there already is left as it is.

# The Debian package of a command, where the name is not the same.
package_of()
{
    case $1 in
        ninja) echo ninja-build ;;
        nm | readelf | strip) echo binutils ;;
        clang++) echo clang ;;
        *-g++) echo "g++-${1%-g++}" ;;
        *-linux-gnu*-strip) echo "binutils-${1%-strip}" ;;
        dpkg-deb) echo dpkg ;;
        qemu-*-static) echo qemu-user-static ;;
        qemu-system-x86_64 | qemu-system-i386) echo qemu-system-x86 ;;
        qemu-system-aarch64) echo qemu-system-arm ;;
        # From Debian 13 on these CPUs have packages of their own.
        qemu-system-riscv64 | qemu-system-s390x)
            if apt-cache show "${1%64}" 2>/dev/null | grep -q .; then echo "${1%64}"; else echo qemu-system-misc; fi
            ;;
        *) echo "$1" ;;
    esac
}

install_packages()
{
    local as_root=(env)
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo env)
    fi
    if ! command -v apt-get >/dev/null || ! command -v "${as_root[0]}" >/dev/null; then
        echo "missing here: $* (the names of Debian's packages); please install them and try again" >&2
        exit 1
    fi
    echo "installing $*"
    local try
    for try in 1 2 3; do
        if "${as_root[@]}" apt-get -qq update &&
            "${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
                -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600 "$@" </dev/null >/dev/null; then
            return 0
        fi
        sleep $((try * 5))
    done
    echo "apt-get could not install: $*" >&2
    exit 1
}

missing_packages=()

# Notes the packages of those commands that are not here, for one install_missing.
need_commands()
{
    local command
    for command in "$@"; do
        command -v "$command" >/dev/null || missing_packages+=("$(package_of "$command")")
    done
}

install_missing()
{
    [ ${#missing_packages[@]} -eq 0 ] || install_packages "${missing_packages[@]}"
    missing_packages=()
}

# Sets up a build directory, or leaves one that is there with the same arguments as it is.
configure()
{
    local build=$1 key
    shift
    key=$(printf '%s\n' "${CXX:-}" "$@")
    if [ -f "$build/build.ninja" ] && [ "$(cat "$build/configured-with" 2>/dev/null)" = "$key" ]; then
        return 0
    fi
    rm -rf "$build"
    meson setup "$build" "$root" "$@"
    printf '%s\n' "$key" >"$build/configured-with"
}
