#!/bin/sh
# The Debian package on a copy of this machine: an overlay of / in a mount namespace, so nothing of
# it stays. It installs, the user and the modes are right, the program finds its signatures, a
# changed configuration outlives an upgrade and a removal, and a purge leaves nothing but the user.
# Usage: package_test.sh BUILD_DIR. Does not start the service: systemd does not run in there.
set -e
skip() { echo "SKIPPED: $1"; exit 77; }

if [ "$1" = --inside ]; then
  mount --make-rprivate /
  mount -t tmpfs tmpfs "$2"
  mkdir "$2/up" "$2/work" "$2/root"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$2/up,workdir=$2/work" "$2/root" || exit 77
  mount -t proc proc "$2/root/proc"
  mount --bind /dev "$2/root/dev"
  cp "$3" "$2/root/weir.deb"
  exec chroot "$2/root" /bin/sh -s <<'INSIDE'
fail() { echo "FAILED: $1"; exit 1; }
files() {
  find /etc /usr /var/lib /var/log -xdev \( -path /var/lib/dpkg -o -path '/etc/*-' \) -prune -o -print | sort
}
if dpkg-query -W weir >/dev/null 2>&1; then echo "Weir is installed here"; exit 77; fi
files >/before
dpkg -i /weir.deb || { echo "what it depends on is not here"; exit 77; }
modes=$(stat -c '%a %U:%G %n' /etc/weir /etc/weir/weir.yaml /var/lib/weir /var/log/weir)
[ "$modes" = "750 root:weir /etc/weir
640 root:weir /etc/weir/weir.yaml
700 weir:weir /var/lib/weir
750 weir:weir /var/log/weir" ] || fail "modes: $modes"
weir --version || fail "it does not run"
(cd / && weir rules check) || fail "its rules are not found"
# The user of the service can read the configuration, which names no interface yet.
setpriv --reuid=weir --regid=weir --clear-groups weir run --check -c /etc/weir/weir.yaml 2>/said
grep -q 'names no interface' /said || fail "the service cannot check: $(cat /said)"
echo '# ours' >>/etc/weir/weir.yaml
dpkg -i --force-confold /weir.deb >/dev/null || fail "it does not upgrade"
dpkg -r weir >/dev/null || fail "it is not removed"
[ "$(tail -1 /etc/weir/weir.yaml)" = '# ours' ] || fail "the configuration is lost"
[ ! -e /usr/bin/weir ] && [ -d /var/lib/weir ] || fail "removal takes too much or too little"
dpkg -P weir >/dev/null || fail "it is not purged"
files >/after
diff /before /after || fail "a purge leaves something"
echo "1 passed, 0 failed"
INSIDE
fi

[ "$(id -u)" -eq 0 ] || skip "needs root"
for tool in unshare cpack dpkg dpkg-shlibdeps systemd-sysusers setpriv; do
  command -v $tool >/dev/null || skip "needs $tool"
done
unshare -m true 2>/dev/null || skip "no mount namespaces here"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/mnt" "$folder/package"
cpack -G DEB --config "$1/CPackConfig.cmake" -B "$folder/package" >"$folder/log" 2>&1 ||
  { cat "$folder/log"; exit 1; }
unshare -m sh "$0" --inside "$folder/mnt" "$folder"/package/weir_*.deb
