// What could not be seen and why, and the facts of the capture.
#include <algorithm>
#include <array>
#include <cstdio>

#include "app/report/explain_sections.h"

namespace weir::app {
namespace {

std::string why(VisibilityReason reason) {
  switch (reason) {
    case VisibilityReason::kNone:
      break;
    case VisibilityReason::kNoData:
      return "Nothing was sent, or a handshake only";
    case VisibilityReason::kNoKey:
      return "Encrypted (TLS), and no key log has the keys";
    case VisibilityReason::kKeysLate:
      return "Encrypted; the keys came when some of it was gone already";
    case VisibilityReason::kEch:
      return "Encrypted, and even the name of the server is hidden (ECH)";
    case VisibilityReason::kQuic:
      return "QUIC (HTTP/3) that was not decrypted";
    case VisibilityReason::kUnsupportedCipher:
      return "Encrypted in a way that Weir does not decrypt";
    case VisibilityReason::kDecryptFailed:
      return "There were keys, but they did not fit, or data was damaged";
    case VisibilityReason::kOpaque:
      return "Seen, but nothing in it is readable text: images, archives, further encryption";
    case VisibilityReason::kNotInspected:
      return "Left unread at a limit, or of no interest";
    case VisibilityReason::kUnknownProtocol:
      return "A protocol that Weir does not know";
    case VisibilityReason::kLost:
      return "Packets are missing from the capture";
    case VisibilityReason::kMidStream:
      return "The capture began in the middle of the connection";
  }
  return "Not known";
}

}  // namespace

PageSection unseen_section(const ReplayFacts& replay, const ExplainFacts& facts,
                           const ExplainContext& context) {
  PageSection out;
  out.title = "What could not be seen, and why";
  const auto& by = facts.usage.flows_by_visibility;
  const uint64_t read =
      by[static_cast<size_t>(Visibility::kClear)] + by[static_cast<size_t>(Visibility::kDecrypted)];
  const uint64_t partly = by[static_cast<size_t>(Visibility::kPartly)];
  const uint64_t blind = by[static_cast<size_t>(Visibility::kMetadata)];
  if (facts.usage.ai_flows > 0) {
    uint64_t bytes = 0;
    uint64_t hidden = 0;
    for (const auto& [id, use] : facts.usage.services) {
      bytes += use.bytes_up;
      hidden += use.bytes_up_unseen;
    }
    out.paragraphs.push_back("Of " + counted(facts.usage.ai_flows, "connection") +
                             " to AI services " + human_count(read) + " could be read, " +
                             human_count(partly) + " in part, " + human_count(blind) +
                             " not at all: " + human_bytes(hidden) + " of the " +
                             human_bytes(bytes) + " that clients sent there.");
  }
  PageTable table;
  table.columns = {{"Why"}, {"Where"}, {"How far"}, {"Connections", true}, {"Sent", true}};
  bool no_key = false;
  std::string last;
  // AI services first.
  for (auto it = facts.unseen.rbegin(); it != facts.unseen.rend(); ++it) {
    const auto& [ai, reason, visibility, name] = it->first;
    no_key = no_key || reason == VisibilityReason::kNoKey || reason == VisibilityReason::kQuic;
    if (table.rows.size() == kMaxRows) {
      table.more = "and more of these";
      continue;
    }
    const std::string words = why(reason);
    table.rows.push_back(
        {{words == last ? "" : words, ai ? name_of(facts, name) : "elsewhere (no AI service)",
          visibility == Visibility::kMetadata ? "not read"
          : visibility == Visibility::kPartly ? "in part"
                                              : "nearly whole",
          human_count(it->second.flows), human_bytes(it->second.bytes_up)},
         ai && it->second.bytes_up > 0 ? Tone::kWarning : Tone::kPlain});
    last = words;
  }
  if (table.rows.empty()) {
    out.paragraphs.push_back("Everything that clients sent could be read.");
  } else {
    out.tables.push_back(std::move(table));
    if (no_key) {
      out.paragraphs.push_back(
          std::string("Of what stays encrypted, names, sizes, times and the kind of client are "
                      "known. ") +
          (context.has_keys ? "The key log that was given does not have all keys."
                            : "With the keys of the clients (--keylog) it could be read."));
    }
  }
  if (const uint64_t opaque = counter(replay, "engine.requests_opaque"); opaque > 0) {
    out.paragraphs.push_back(counted(opaque, "request body held", "request bodies held") +
                             " nothing readable.");
  }
  return out;
}

PageSection capture_section(const ReplayFacts& replay, const ExplainFacts& facts,
                            const ExplainContext& context) {
  PageSection out;
  out.title = "Facts of the capture";
  PageTable table;
  table.columns = {{""}, {""}};
  const auto add = [&table](const std::string& name, const std::string& value,
                            Tone tone = Tone::kPlain) {
    table.rows.push_back({{name, value}, tone});
  };
  for (const std::string& file : replay.files) add("File", file == "-" ? "standard input" : file);
  if (replay.packets > 0) {
    std::array<char, 48> seconds{};
    std::snprintf(seconds.data(), seconds.size(), " (%.1f s)",
                  (replay.last - replay.first).as_seconds());
    add("Time", span_of_time(replay.first, replay.last) + seconds.data());
  }
  add("Packets", human_count(replay.packets) + ", " + human_bytes(replay.packet_bytes));
  add("Connections",
      human_count(facts.usage.flows) + ", with " + counted(facts.usage.requests, "request"));
  add("Sent by clients", human_bytes(facts.usage.bytes_up) + "; " +
                             human_bytes(facts.usage.inspected_bytes) + " of text were read in it");
  const uint64_t undecoded =
      replay.packets - std::min(replay.packets, counter(replay, "engine.packets"));
  if (undecoded > 0) {
    add("Not decoded", counted(undecoded, "packet") + " (not IP, fragments, tunnels, malformed)");
  }
  add("Missing",
      facts.usage.gap_bytes_up == 0
          ? "nothing that clients sent"
          : human_bytes(facts.usage.gap_bytes_up) + " that clients sent are not in the capture",
      facts.usage.gap_bytes_up == 0 ? Tone::kPlain : Tone::kWarning);
  const uint64_t limited =
      counter(replay, "engine.unread_limit_bytes") + counter(replay, "engine.unread_slot_bytes");
  if (limited > 0) add("Over a limit", human_bytes(limited) + " were not read", Tone::kWarning);
  for (const std::string& error : replay.errors) add("Error", error, Tone::kDanger);
  add("Looked for",
      (context.indexes == 0 ? std::string("no protected code (no index)")
                            : "protected code of " + counted(context.indexes, "fingerprint index",
                                                             "fingerprint indexes")) +
          ", content rules, data about machine and person");
  out.tables.push_back(std::move(table));
  return out;
}

}  // namespace weir::app
