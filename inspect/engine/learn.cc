// See learn.h.
#include "inspect/engine/learn.h"

namespace weir::inspect {

void learn_handshake(FlowDossier& dossier, const TlsInfo& info, HostSource sni_source) noexcept {
  FlowIdentity& id = dossier.id();
  dossier.learn_name(sni_source, info.sni);
  for (const std::string& name : info.certificate_names) {
    dossier.learn_name(HostSource::kCertificate, name);
  }
  if (id.ja4.empty() && !info.ja4.empty()) dossier.learn_ja(info.ja3, info.ja4);
  if (!info.alpn.empty()) {
    id.alpn = info.alpn;
  } else if (id.alpn.empty() && !info.alpn_offered.empty()) {
    id.alpn = info.alpn_offered.front();
  }
  id.ech = id.ech || info.ech == EchSeen::kLikely;
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

}  // namespace weir::inspect
