// `weir lab generate`: captures of lab traffic with known answers.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "app/commands/commands.h"
#include "app/exit_codes.h"
#include "app/terminal.h"
#include "bench/lab/lab_generator.h"

namespace weir::app {

namespace {

struct Options {
  lab::LabOptions lab;
  std::string out;
  std::string labels;
  uint64_t background_mib = 4;
};

int run(Options& options) {
  options.lab.background_bytes = options.background_mib << 20;
  const auto report = lab::generate_lab(options.lab, options.out, options.labels);
  if (!report) {
    complain(report.error());
    return kExitFailure;
  }
  size_t leaks = 0;
  size_t innocent = 0;
  size_t data = 0;
  for (const lab::LabLabel& label : report->labels) {
    leaks += label.kind == lab::LabKind::kLeak ? 1 : 0;
    data += label.kind > lab::LabKind::kBackground ? 1 : 0;
    innocent += label.kind == lab::LabKind::kInnocent ? 1 : 0;
  }
  const std::string told = data == 0 ? "" : human_count(data) + " with data or marks, ";
  std::printf("%s: %s packets, %s; %s AI sessions that leak, %s that do not, %s%s other\n",
              options.out.c_str(), human_count(report->packets).c_str(),
              human_bytes(report->bytes).c_str(), human_count(leaks).c_str(),
              human_count(innocent).c_str(), told.c_str(),
              human_count(report->labels.size() - leaks - innocent - data).c_str());
  return kExitOk;
}

}  // namespace

void add_lab_command(CLI::App& app, int& exit_code) {
  CLI::App* lab = app.add_subcommand("lab", "Lab traffic");
  lab->require_subcommand(1);
  auto o = std::make_shared<Options>();
  CLI::App* generate = lab->add_subcommand("generate", "Make a labelled capture of AI sessions");
  generate->add_option("--code", o->lab.code_directory, "repository whose excerpts leak")
      ->required();
  generate->add_option("--out,-o", o->out, "capture to write (pcap)")->required();
  generate->add_option("--labels", o->labels, "what it holds, as JSON lines");
  generate->add_option("--keylog", o->lab.key_log_out,
                       "with sessions over HTTP/3, whose key log goes here");
  generate->add_option("--sessions", o->lab.sessions, "AI sessions")->capture_default_str();
  generate
      ->add_option("--data", o->lab.data_rounds,
                   "rounds of sessions with data about machine and person, covert marks, "
                   "undocumented hosts, and what looks like them")
      ->capture_default_str();
  generate->add_option("--leak-share", o->lab.leak_share, "share of them that leaks")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  generate->add_option("--background", o->background_mib, "MiB of ordinary traffic besides")
      ->capture_default_str();
  generate->add_option("--seed", o->lab.seed, "another seed, another capture")
      ->capture_default_str();
  generate->callback([o, &exit_code] { exit_code = run(*o); });
}

}  // namespace weir::app
