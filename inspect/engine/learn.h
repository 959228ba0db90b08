// What protocol decoders learnt, written into a flow's dossier.
#pragma once

#include "inspect/decrypt/tls_decryptor.h"
#include "inspect/engine/flow_dossier.h"
#include "inspect/identify/dns.h"
#include "inspect/identify/tls_info.h"

namespace weir::inspect {

// Names, fingerprints and ALPN of a handshake; asks policy about the flow afterwards.
void learn_handshake(FlowDossier& dossier, const TlsInfo& info, HostSource sni_source) noexcept;

// The names asked for, and for an answer the addresses that its client now knows by name.
void learn_dns(FlowDossier& dossier, const DnsMessage& message) noexcept;

// What of a decrypted connection could not be seen, and why; kNone: nothing is missing.
[[nodiscard]] VisibilityReason missing_of(TlsSight sight, DecryptFault fault) noexcept;

}  // namespace weir::inspect
