// `weir explain`: one page about a capture for a person, as text or as an HTML file to attach to a
// ticket.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "app/commands/commands.h"
#include "app/commands/replay_input.h"
#include "app/exit_codes.h"
#include "app/report/explain_page.h"
#include "app/runtime/contact_watch.h"
#include "app/runtime/load_snapshot.h"
#include "app/runtime/replay_run.h"
#include "app/terminal.h"

namespace weir::app {

namespace {

struct Options {
  ReplayInput input;
  std::string html;
};

int run(const Options& options) {
  const auto settings = replay_settings(options.input);
  if (!settings) {
    complain(settings.error());
    return kExitUsage;
  }
  auto snapshot = load_snapshot(*settings);
  if (!snapshot) {
    complain(snapshot.error());
    return kExitUsage;
  }
  KeyLogs keys;
  if (const Status read = keys.read(settings->see_inside); !read) {
    complain(read.error());
    return kExitUsage;
  }
  ReplayFacts replay;
  ExplainFacts facts(settings->limits, settings->alerts.window);
  inspect::ToolContacts contacts(*snapshot, Duration{});
  ContactWatch watch(contacts, facts);
  ReplayRun replay_run(options.input, *settings, *snapshot, keys, watch);
  const bool all_good = replay_run.run(replay, true);
  watch.finish();
  facts.close();

  ExplainContext context;
  context.indexes = settings->protect.indexes.size();
  context.has_keys =
      !settings->see_inside.key_logs.empty() || !settings->see_inside.server_keys.empty();
  const ReportPage page = explain_page(replay, facts, context);
  for (const std::string& error : replay.errors) complain(error);
  if (options.html.empty()) {
    std::fputs(page_text(page).c_str(), stdout);
  } else if (!write_whole_file(options.html, page_html(page))) {
    return kExitFailure;
  }
  return all_good ? kExitOk : kExitBadInput;
}

}  // namespace

void add_explain_command(CLI::App& app, int& exit_code) {
  auto o = std::make_shared<Options>();
  CLI::App* explain = app.add_subcommand("explain", "One page about captures, for a person");
  add_replay_input(*explain, o->input);
  explain->add_option("--html", o->html,
                      "write the page as one HTML file, instead of text to standard output");
  explain->callback([o, &exit_code] { exit_code = run(*o); });
}

}  // namespace weir::app
