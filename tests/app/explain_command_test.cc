// `weir explain`: one page about a capture. It names the right services and files, holds nothing
// that was planted, and what comes from the wire is text in it, never HTML.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "bench/lab/capture_writer.h"
#include "bench/lab/http_messages.h"
#include "bench/lab/tcp_conversation.h"
#include "tests/app/weir_cli.h"

namespace weir::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kSecret = "AKIAQ3EGRZ7XWNVKPHTB";
const std::string kZone = "Asia/Ulaanbaatar";

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::string out;
  for (const char c : text) {
    if (c != ' ' || out.empty() || out.back() != ' ') out += c;
  }
  return out;
}

// Two requests full of markup: to an AI service with code, a secret and a time zone under hostile
// keys, and with code to a host whose name is hostile.
std::string hostile_capture(const TempFolder& folder) {
  const std::string code = read_text(kOrchard + "/tools/bin_tracker.c");
  lab::LabRandom random(5);
  std::vector<lab::LabPacket> packets;
  uint16_t port = 40'000;
  const auto talk = [&](const lab::HttpRequest& request) {
    const lab::LinkPlan plan;
    lab::TcpConversation tcp(random, packets, {IpAddress::v4(0x0a000007), ++port},
                             {IpAddress::v4(0xc6120001), 80}, plan,
                             {1'780'000'000'000'000'000 + port * 1'000'000'000LL});
    tcp.open();
    tcp.send(Direction::kToServer, lab::encode_request(random, request));
    tcp.send(Direction::kToClient, lab::plain_response("text/plain", as_bytes("ok")));
    tcp.close();
  };
  lab::HttpRequest request;
  request.target = "/v1/<script>alert(1)</script>/messages";
  request.host = "api.anthropic.com";
  request.headers = {{"User-Agent", "claude-cli/2.1.0 (<img src=x onerror=alert(2)>)"}};
  request.content_type = "application/json";
  request.body = "{\"<script>alert(3)</script>\":" + lab::json_string(code) + ",\"timezone\":\"" +
                 kZone + "\",\"note\":\"aws_access_key_id = " + kSecret + "\"}";
  talk(request);
  request.host = "\"><svg/onload=alert(4)>.example";
  talk(request);
  lab::PcapWriter pcap;
  for (const lab::LabPacket& packet : packets) pcap.add(packet.time, packet.frame);
  return folder.write("<b>hostile<br>.pcap", as_chars(pcap.bytes()));
}

// No line of the planted code stands in the page, nor a secret or a value.
void expect_masked(const std::string& page, const std::string& file) {
  for (const std::string& line : lines_of(read_text(kOrchard + "/" + file))) {
    const size_t from = line.find_first_not_of(" \t");
    if (from == std::string::npos || line.size() - from < 12) continue;
    EXPECT_EQ(page.find(line.substr(from)), std::string::npos) << line;
  }
  EXPECT_THAT(page, Not(HasSubstr(kSecret)));
  EXPECT_THAT(page, Not(HasSubstr(kSecret.substr(4))));
  EXPECT_THAT(page, Not(HasSubstr(kZone)));
}

// Every '<' begins a tag that the page itself is made of.
void expect_own_tags_only(const std::string& html) {
  static const std::set<std::string> kTags = {
      "!DOCTYPE", "html", "head", "meta", "title", "style", "body",    "main",   "h1",     "h2",
      "h3",       "p",    "div",  "span", "table", "thead", "tbody",   "tr",     "th",     "td",
      "caption",  "dl",   "dt",   "dd",   "b",     "pre",   "section", "footer", "article"};
  for (size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    const size_t from = at + (html[at + 1] == '/' ? 2 : 1);
    const std::string tag = html.substr(from, html.find_first_of(" >\n", from) - from);
    EXPECT_TRUE(kTags.contains(tag)) << html.substr(at, 60);
  }
  for (const char* reference : {"http://", "https://", " src=\"", " href=", "url(", "@import"}) {
    EXPECT_THAT(html, Not(HasSubstr(reference)));
  }
}

TEST(ExplainCommand, TellsWhatALabCaptureHolds) {
  const ProgramResult result = weir(lab_files().with_index({"explain", lab_files().capture}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  for (const std::string& line : lines_of(result.out)) EXPECT_LE(line.size(), 80U) << line;
  const std::string text = one_line(result.out);
  EXPECT_THAT(text, HasSubstr("Protected content left: code of "));
  EXPECT_THAT(text, HasSubstr("Severity: critical."));
  const TempFolder folder;
  const std::string html_path = folder / "page.html";
  const ProgramResult made =
      weir(lab_files().with_index({"explain", lab_files().capture, "--html", html_path}));
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_EQ(made.out, "");
  const std::string html = read_text(html_path);
  EXPECT_THAT(html, HasSubstr("prefers-color-scheme:dark"));
  expect_own_tags_only(html);

  // Against what replay says of the same capture.
  const ProgramResult replayed = weir(lab_files().with_index(
      {"replay", "-q", lab_files().capture, "--alerts", folder / "alerts", "--stats", "-"}));
  const Json stats = Json::parse(replayed.out);
  EXPECT_GT(stats["services"].size(), 4U);
  for (const Json& service : stats["services"]) {
    EXPECT_THAT(text, HasSubstr(service["product"].get<std::string>()));
    EXPECT_THAT(html, HasSubstr(service["product"].get<std::string>()));
  }
  size_t files = 0;
  for (const Json& alert : json_lines(read_text(folder / "alerts"))) {
    for (const Json& piece : alert["evidence"]) {
      if (piece["kind"] != "code") continue;
      ++files;
      const std::string name = piece["repository"].get<std::string>() + "/" +
                               piece["path"].get<std::string>() + ":" + piece["first_line"].dump() +
                               "-" + piece["last_line"].dump();
      EXPECT_THAT(text, HasSubstr(name));
      EXPECT_THAT(html, HasSubstr(name));
    }
  }
  EXPECT_GT(files, 5U);
  for (const char* file : {"tools/bin_tracker.c", "gateway/coldstore.go", "tools/yield_chart.ts",
                           "planner/ripeness_model.py"}) {
    expect_masked(result.out, file);
    expect_masked(html, file);
  }
}

TEST(ExplainCommand, HostileNamesAreTextAndEvidenceIsMasked) {
  const TempFolder folder;
  const std::string capture = hostile_capture(folder);
  const ProgramResult text = weir(lab_files().with_index({"explain", capture}));
  const ProgramResult html = weir(lab_files().with_index({"explain", capture, "--html", "-"}));
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_EQ(html.exit_code, 0) << html.err;
  expect_own_tags_only(html.out);
  for (const char* shown : {"&lt;script&gt;alert(3)", "&lt;img src=x onerror=alert(2)&gt;",
                            "&lt;b&gt;hostile&lt;br&gt;.pcap", "&lt;svg/onload=alert(4)&gt;"}) {
    EXPECT_THAT(html.out, HasSubstr(shown));
  }
  for (const std::string& page : {one_line(text.out), html.out}) {
    EXPECT_THAT(page, HasSubstr("orchard/tools/bin_tracker.c:1-"));
    EXPECT_THAT(page, HasSubstr("time zone"));
    EXPECT_THAT(page, HasSubstr("2 secrets"));
    EXPECT_THAT(page, HasSubstr("claude-code"));
    expect_masked(page, "tools/bin_tracker.c");
  }
}

TEST(ExplainCommand, SaysWhatWasNotLookedForAndNotSeen) {
  const LeanSignatures lean;
  const ProgramResult result = weir({"explain", lab_files().capture});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const std::string text = one_line(result.out);
  EXPECT_THAT(text, HasSubstr("No fingerprint index was given"));
  EXPECT_THAT(text, HasSubstr("Nothing protected was found in what could be read, but "));
  EXPECT_THAT(text, HasSubstr("QUIC (HTTP/3) that was"));
}

TEST(ExplainCommand, ExitCodesAreThoseOfReplay) {
  const LeanSignatures lean;
  const TempFolder folder;
  const std::string whole = read_text(lab_files().capture);
  const std::string cut = folder.write("cut.pcap", whole.substr(0, whole.size() - 7));
  const ProgramResult damaged = weir(lab_files().with_index({"explain", cut}));
  EXPECT_EQ(damaged.exit_code, 4);
  EXPECT_THAT(damaged.err, HasSubstr(cut + ": the packet record at byte "));
  EXPECT_THAT(one_line(damaged.out), HasSubstr("The capture is damaged"));
  EXPECT_THAT(damaged.out, HasSubstr("Protected content left"));
  const ProgramResult missing = weir({"explain", folder / "missing.pcap"});
  EXPECT_EQ(missing.exit_code, 4);
  EXPECT_THAT(missing.err, HasSubstr("missing.pcap"));
  EXPECT_EQ(weir({"explain"}).exit_code, 2);
  EXPECT_EQ(weir({"explain", cut, "--index", lab_files().index}).exit_code, 2) << "no key";
  EXPECT_EQ(weir({"explain", cut, "-c", folder / "missing.yaml"}).exit_code, 2);
  EXPECT_EQ(weir({"explain", cut, "--keylog", folder / "missing.keys"}).exit_code, 2);
  const std::string capture = lab_files().capture;
  EXPECT_EQ(weir({"explain", capture, "--html", folder / "no/such/page.html"}).exit_code, 1);
  EXPECT_EQ(weir({"explain", capture, "--html", folder.full()}).exit_code, 1);
  EXPECT_EQ(weir({"explain", capture}, {"/dev/null", folder.full()}).exit_code, 1);
}

}  // namespace
}  // namespace weir::test
