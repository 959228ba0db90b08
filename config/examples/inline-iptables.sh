#!/bin/sh
# The rules of inline.nft for iptables and ip6tables; see there. Run as root.
set -e
bit=0x01000000
for tables in iptables ip6tables; do
  "$tables" -t mangle -N WEIR
  "$tables" -t mangle -A WEIR -m mark --mark "$bit/$bit" -j RETURN
  "$tables" -t mangle -A WEIR -m connmark --mark "$bit/$bit" -j RETURN
  "$tables" -t mangle -A WEIR -p tcp -j NFQUEUE --queue-balance 0:1 --queue-bypass
  "$tables" -t mangle -A WEIR -p udp -j NFQUEUE --queue-balance 0:1 --queue-bypass
  "$tables" -t mangle -A FORWARD -j WEIR
  # After the verdict: remember for the rest of the flow. In another table, as a packet goes on after
  # its verdict with the next table, not with the next rule of this one. Forwarded packets only: the
  # resets that Weir sends have the mark too, and must not open the connection that they end.
  "$tables" -t filter -I FORWARD -m mark --mark "$bit/$bit" \
    -j CONNMARK --save-mark --nfmask "$bit" --ctmask "$bit"
done
