# shellcheck shell=bash
# ./dev fresh: the two commands of the README in a new Debian 12 root that has only git and
# ca-certificates, at the commit checked out here. Needs root and a network; takes several minutes.
# The root lives in a mount and PID namespace of its own, so mounts and processes end with it.

# The host's Debian mirror, as apt knows it.
fresh_mirror() {
    apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
        awk '$1 == "bookworm" { print $2; exit }'
}

# fresh_root DIR: a minimal Debian 12 with this host's apt sources.
fresh_root() {
    local root=$1 mirror part
    mirror=$(fresh_mirror)
    [ -n "$mirror" ] || die "fresh: apt knows no bookworm mirror; hint: apt-get update"
    quietly .quarry/log/debootstrap.log debootstrap --variant=minbase --include=git,ca-certificates \
        bookworm "$root" "$mirror" || exit 1
    rm -f "$root/etc/apt/sources.list"
    for part in sources.list sources.list.d apt.conf.d preferences.d keyrings trusted.gpg.d; do
        [ ! -e "/etc/apt/$part" ] || cp -a "/etc/apt/$part" "$root/etc/apt/"
    done
    cp -an /usr/share/keyrings/. "$root/usr/share/keyrings/"
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
    fresh_certificates "$root"
}

# fresh_certificates DIR: what this host trusts beyond Debian's own (a proxy's, say) is trusted there too.
fresh_certificates() {
    local own=/usr/local/share/ca-certificates
    [ -n "$(ls -A "$own" 2>/dev/null)" ] || return 0
    cp -aL "$own/." "$1$own/"
    quietly .quarry/log/certificates.log chroot "$1" update-ca-certificates
}

# fresh_run DIR COMMAND: in the root, as its init would see it. Clean environment.
fresh_run() {
    local root=$1
    # shellcheck disable=SC2016  # expanded inside
    unshare --mount --pid --fork --kill-child -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 \
        NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt bash -ec '
        root=$1 command=$2
        mount -t proc proc "$root/proc"
        mount -t sysfs -o ro sysfs "$root/sys"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
        exec chroot "$root" bash -lc "$command"' fresh "$root" "$2"
}

# fresh_step NAME COMMAND: run it in the root and print how long it took.
fresh_step() {
    local start=$SECONDS rc=0
    fresh_run "$fresh_dir/root" "cd $fresh_home/quarry && $2" || rc=$?
    fresh_report+=("$(printf '%-28s exit %d  %4d s' "$1" "$rc" $((SECONDS - start)))")
    [ "$rc" -eq 0 ] || fresh_failed=1
}

verb_fresh() {
    local user="" keep=0 prefix=""
    while [ $# -gt 0 ]; do
        case $1 in
            --user) user=quarry ;;
            --keep) keep=1 ;;
            *) usage "fresh: unknown argument '$1' (--user: as an ordinary user with sudo; --keep: leave the root)" ;;
        esac
        shift
    done
    is_root || die "fresh: needs root for debootstrap and chroot; hint: sudo ./dev fresh"
    setup_need fresh
    git diff --quiet HEAD || say "fresh: takes HEAD; changes not committed are left out"
    SECONDS=0
    fresh_failed=0
    fresh_report=()
    fresh_dir=$(mktemp -d /var/tmp/quarry-fresh.XXXXXX)
    chmod 755 "$fresh_dir"
    [ "$keep" -eq 1 ] || trap 'rm -rf --one-file-system -- "$fresh_dir"' EXIT
    say "fresh: Debian 12 in $fresh_dir/root"
    fresh_root "$fresh_dir/root"
    fresh_home=/root
    if [ -n "$user" ]; then
        fresh_home=/home/$user
        fresh_run "$fresh_dir/root" "apt-get -qq update && apt-get -qq install -y --no-install-recommends sudo >/dev/null
            useradd -m -s /bin/bash $user && echo '$user ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/$user"
        prefix="runuser -u $user -- "
    fi
    git clone -q --no-local . "$fresh_dir/root$fresh_home/quarry"
    [ -z "$user" ] || fresh_run "$fresh_dir/root" "chown -R $user: $fresh_home"
    fresh_report+=("$(printf '%-28s exit 0  %4d s' 'debootstrap, clone' "$SECONDS")")
    fresh_step "./dev up --once" "$prefix./dev up --once"
    fresh_step "./dev test" "$prefix./dev test"
    fresh_step "./dev setup (again)" "$prefix./dev setup --test"
    printf '%s\n' "${fresh_report[@]}"
    [ "$fresh_failed" -eq 0 ] || die "fresh: failed"
}
