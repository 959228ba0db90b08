// Which worker a packet goes to, decided in the kernel: a classic BPF program for
// PACKET_FANOUT_CBPF. The kernel's own hash would part a client's DNS answers from its connections,
// and both ways of a flow inside VXLAN. This one takes the address that most likely is the
// client's, with the rules that replay spreads by (port 53, private addresses, higher port), of the
// innermost IP header behind one tunnel: GRE, ERSPAN I, II and III, VXLAN, Geneve, IP in IP. Frames
// without IP go to the first worker. Fragments are told by addresses alone, so that all of a
// datagram meet.
#pragma once

#include <linux/filter.h>

#include <vector>

namespace weir::capture {

// The kernel takes the result modulo the number of handles.
[[nodiscard]] std::vector<sock_filter> fanout_program();

}  // namespace weir::capture
