#!/bin/sh
# What the service may do, rated by systemd: at most 2.0 of 10. Usage: service_test.sh SOURCE_DIR
set -e
command -v systemd-analyze >/dev/null || { echo "SKIPPED: needs systemd-analyze"; exit 77; }
unit="$1/systemd/weir.service"
rating=$(systemd-analyze security --offline=true --no-pager "$unit" 2>&1 | tail -1)
echo "$rating"
echo "$rating" | grep -q 'exposure level for weir.service' ||
  { echo "SKIPPED: this systemd cannot rate a file"; exit 77; }
systemd-analyze security --offline=true --no-pager --threshold=20 "$unit" >/dev/null
# A key that systemd does not know would be ignored when it counts.
if systemd-analyze verify "$unit" 2>&1 | grep -v 'is not executable' | grep -i 'weir.service'; then
  exit 1
fi
