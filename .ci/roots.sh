# Sourced by what tries the project on a Debian that holds next to nothing. Where packages come from is taken from this
# machine's apt, whatever it is, and written nowhere. As root, with mmdebstrap and unshare.

debian_targets() { apt-get indextargets --format "$1" 'Created-By: Packages' 'Origin: Debian' | sort -u; }

bookworm_sources() { debian_targets 'deb $(REPO_URI) $(CODENAME) $(COMPONENT)' | grep bookworm; }

# Where this machine has its Debian from, which may have other suites as well.
mirror() { debian_targets '$(CODENAME) $(REPO_URI)' | sed -n '/^[a-z]* /{ s/.* //; p; q }'; }

# usage: mirror_has SUITE. One that holds only one release gives nothing to try: this says so.
mirror_has()
{
    /usr/lib/apt/apt-helper -q download-file "$(mirror | sed 's,/*$,,')/dists/$1/Release" "$work/release" >/dev/null 2>&1 ||
        { echo "no $1 where this machine's packages come from"; return 1; }
}

# usage: fresh_root SUITE SOURCES: makes $work/SUITE, Debian's minimum and this checkout.
fresh_root()
{
    local suite=$1 sources=$2 here=$work/$1
    rm -rf --one-file-system "$here" # of a try before
    apt-config dump | grep -E '^Acquire::(http|https|Check-Valid-Until|Check-Date)\b' >"$work/apt.conf" || true
    # A root that is thrown away need not survive a power cut: dpkg waits for no disk.
    mmdebstrap --quiet --variant=minbase --mode=root --aptopt="$work/apt.conf" --dpkgopt=force-unsafe-io \
        "$suite" "$here" - <<<"$sources"
    cp -L /etc/resolv.conf /etc/hosts "$here/etc/"
    mkdir "$here/checkout"
    tar --exclude=./build --exclude=./.git -cf - -C "$root" . | tar -xf - -C "$here/checkout"
}

# usage: in_root ROOT COMMAND...: in namespaces of its own: the mounts and whatever a test leaves running are gone when it
# ends, however it ends.
in_root()
{
    unshare --mount --propagation private --pid --fork --kill-child bash -euc '
        here=$1
        shift
        mount -t proc proc "$here/proc"
        mount --rbind /dev "$here/dev"
        exec chroot "$here" env -u LIO_BUILD_DIR -u TMPDIR HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"
    ' in_root "$@"
}

# usage: in_copy SUITE NAME COMMAND...: the same, in a copy of $work/SUITE that is gone afterwards.
in_copy()
{
    local suite=$1 name=$2 status=0
    shift 2
    cp -a "$work/$suite" "$work/$name"
    in_root "$work/$name" "$@" || status=$?
    rm -rf --one-file-system "${work:?}/$name"
    return "$status"
}
