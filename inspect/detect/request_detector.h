// The detector of one request: gathers decoded text into blocks, runs every channel over each
// block, and collects evidence. Reused from request to request; keeps its memory.
// begin (on_piece on_text* on_piece_end | flush | has_news | collect)* finish collect
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/evidence.h"
#include "core/limits.h"
#include "core/result.h"
#include "inspect/detect/code_channel.h"
#include "inspect/detect/company_accounts.h"
#include "inspect/detect/detect_counters.h"
#include "inspect/detect/template_memory.h"
#include "inspect/detect/text_blocks.h"
#include "inspect/text_sink.h"
#include "signatures/content_rules.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/pattern_database.h"

namespace weir::inspect {

// What is looked for; immutable, shared by all workers, part of the snapshot.
struct DetectorSet {
  std::shared_ptr<const signatures::RuleSet> rules;                   // may be null
  std::vector<std::shared_ptr<const signatures::CodeIndex>> indexes;  // may be empty
  CompanyAccounts accounts;
  bool environment = true;  // look for environment data under names, and for marks
  std::shared_ptr<TemplateMemory> templates;  // null: prompts are not compared with each other
  uint32_t min_lines = 5;  // code evidence of fewer lines is dropped, critical lines apart
  CodeOptions code;        // `number` apart: that of each index is its place in `indexes`
};

class RequestDetector final : public TextSink, private BlockSink {
 public:
  // Prepares `scratch` for what the set needs; it must outlive the detector and serve no other scan
  // meanwhile. Counters, where given, must outlive the detector too and are shared by the detectors
  // of one worker.
  static Result<std::unique_ptr<RequestDetector>> make(std::shared_ptr<const DetectorSet> set,
                                                       const Limits& limits,
                                                       signatures::PatternScratch& scratch,
                                                       DetectCounters* counters = nullptr,
                                                       CodeCounters* code_counters = nullptr);
  // With channels of the caller's.
  RequestDetector(std::vector<std::unique_ptr<DetectionChannel>> channels, uint32_t min_lines,
                  const Limits& limits, DetectCounters* counters = nullptr);
  RequestDetector(const RequestDetector&) = delete;
  RequestDetector& operator=(const RequestDetector&) = delete;

  void begin() noexcept;                                  // a new request
  void describe(const RequestContext& context) noexcept;  // directly after begin(), if at all
  void on_piece(const PieceStart& start) noexcept override;
  void on_text(ByteSpan text) noexcept override;
  void on_piece_end(EndReason reason) noexcept override;

  // Evidence arose since the last collect(). The block in progress is not read yet: flush() does.
  [[nodiscard]] bool has_news() const noexcept;
  void flush() noexcept;   // read what is gathered now (end of a packet, inline mode)
  void finish() noexcept;  // end of the request
  // Appends all evidence of the request so far, the surest first where it has to be cut.
  void collect(std::vector<Evidence>& out);
  // Of this request, without the glue between pieces.
  [[nodiscard]] uint64_t text_bytes() const noexcept { return blocks_.text_bytes(); }
  [[nodiscard]] const DetectCounters& counters() const noexcept { return *counters_; }

 private:
  void on_block(const TextBlock& block) noexcept override;
  void drop_names_beside_code(std::vector<Evidence>& out, size_t first) noexcept;

  std::vector<std::unique_ptr<DetectionChannel>> channels_;
  uint32_t min_lines_;
  size_t max_evidence_;
  DetectCounters own_counters_;
  CodeCounters own_code_counters_;
  DetectCounters* counters_;
  TextBlocks blocks_;
  uint64_t counted_bytes_ = 0;  // of text_bytes(), already in the counter
  // What the last collect() dropped: evidence is complete each time, but counted once.
  uint64_t few_lines_ = 0;
  uint64_t over_limit_ = 0;
  uint64_t names_beside_code_ = 0;
};

}  // namespace weir::inspect
