// See learn.h.
#include "inspect/engine/learn.h"

namespace weir::inspect {

void learn_handshake(FlowDossier& dossier, const TlsInfo& info, HostSource sni_source) noexcept {
  FlowIdentity& id = dossier.id();
  const bool hidden =
      info.ech == EchSeen::kLikely ||
      (info.ech == EchSeen::kPossible && dossier.services().names.is_ech_public_name(info.sni));
  if (hidden) {
    id.ech = true;
    dossier.note_hidden_name();
    dossier.note_outer_name(sni_source, info.sni);
  } else {
    dossier.learn_name(sni_source, info.sni);
    dossier.check_tunnel(info.sni);
    // Behind ECH the certificate is not that of the visible name.
    dossier.learn_certificate(info.certificate_names);
  }
  if (id.ja4.empty() && !info.ja4.empty()) dossier.learn_ja(info.ja3, info.ja4);
  if (!info.alpn.empty()) {
    id.alpn = info.alpn;
  } else if (id.alpn.empty() && !info.alpn_offered.empty()) {
    id.alpn = info.alpn_offered.front();
  }
  dossier.judge_flow();
}

void learn_dns(FlowDossier& dossier, const DnsMessage& message) noexcept {
  dossier.raise_visibility(Visibility::kClear);
  for (const DnsQuestion& question : message.questions) dossier.note_question(question.name);
  if (message.response) {
    EngineServices& services = dossier.services();
    services.names.add(dossier.id().client.ip, message, services.now);
  }
}

VisibilityReason missing_of(TlsSight sight, DecryptFault fault) noexcept {
  switch (sight) {
    case TlsSight::kDecrypted:
    case TlsSight::kPending:
      return VisibilityReason::kNone;
    case TlsSight::kWaiting:
    case TlsSight::kNoKey:
      return VisibilityReason::kNoKey;
    case TlsSight::kNoHandshake:
      return VisibilityReason::kMidStream;
    case TlsSight::kUnknownVersion:
    case TlsSight::kUnknownCipher:
      return VisibilityReason::kUnsupportedCipher;
    case TlsSight::kPartly:
      if (fault == DecryptFault::kNone || fault == DecryptFault::kNoKey) {
        return VisibilityReason::kKeysLate;
      }
      break;
    case TlsSight::kFailed:
      break;
  }
  return fault == DecryptFault::kLostRecords ? VisibilityReason::kLost
                                             : VisibilityReason::kDecryptFailed;
}

}  // namespace weir::inspect
