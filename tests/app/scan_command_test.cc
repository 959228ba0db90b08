// `weir scan`: files, folders, standard input and manifests through the detector.
#include <gmock/gmock.h>
#include <zlib.h>

#include <array>
#include <set>

#include "tests/app/weir_cli.h"
#include "tests/support/json_schema.h"

namespace weir::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string gzip(const std::string& text) {
  std::string out(compressBound(text.size()) + 64, '\0');
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string in = text;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string lines_between(const std::string& path, size_t first, size_t last) {
  std::string out;
  const auto lines = lines_of(read_text(kOrchard + "/" + path));
  for (size_t i = first; i <= last; ++i) out += lines.at(i - 1) + "\n";
  return out;
}

std::string chat(const std::string& content) {
  return Json({{"model", "m"}, {"messages", {{{"role", "user"}, {"content", content}}}}}).dump();
}

ProgramResult scan(std::vector<std::string> arguments, const ProgramStreams& streams = {}) {
  arguments.insert(arguments.begin(), "scan");
  return weir(lab_files().with_index(std::move(arguments)), streams);
}

TEST(ScanCommand, TellsTheDocumentedFields) {
  const TempFolder folder;
  const std::string leak =
      folder.write("leak.json", chat("Explain:\n" + lines_between("tools/bin_tracker.c", 20, 55)));
  const std::string clean = folder.write("clean.json", chat("How do I bake bread?"));
  const ProgramResult result = scan({leak, clean, "--jsonl"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const std::vector<Json> lines = json_lines(result.out);
  ASSERT_EQ(lines.size(), 2U);
  for (const Json& line : lines) {
    std::set<std::string> keys;
    for (const auto& item : line.items()) keys.insert(item.key());
    EXPECT_THAT(keys, ElementsAre("file", "findings", "first_line", "last_line", "leak", "lines",
                                  "path", "repository", "score"));
  }
  EXPECT_EQ(lines[0]["file"], leak);
  EXPECT_EQ(lines[0]["leak"], true);
  EXPECT_GT(lines[0]["score"], 0.9);
  EXPECT_LE(lines[0]["score"], 1.0);
  EXPECT_EQ(lines[0]["repository"], "orchard");
  EXPECT_EQ(lines[0]["path"], "tools/bin_tracker.c");
  EXPECT_LE(lines[0]["first_line"], 22);
  EXPECT_GE(lines[0]["first_line"], 18);
  EXPECT_GE(lines[0]["last_line"], 53);
  EXPECT_LE(lines[0]["last_line"], 57);
  EXPECT_GT(lines[0]["lines"], 25);
  const Json evidence = schema("alert.schema.json");
  for (const Json& finding : lines[0]["findings"]) {
    std::vector<std::string> problems;
    check_schema(evidence, evidence["$defs"]["evidence"], finding, "", problems);
    EXPECT_THAT(problems, ::testing::IsEmpty()) << finding;
  }
  EXPECT_THAT(lines[0]["findings"][0]["where"].get<std::string>(),
              HasSubstr("messages[0].content"));
  EXPECT_EQ(lines[1], Json({{"file", clean},
                            {"leak", false},
                            {"score", 0.0},
                            {"repository", ""},
                            {"path", ""},
                            {"first_line", 0},
                            {"last_line", 0},
                            {"lines", 0},
                            {"findings", Json::array()}}));
}

TEST(ScanCommand, ReadsFilesFoldersAndStandardInput) {
  const LeanSignatures lean;
  const std::string file = kOrchard + "/tools/yield_chart.ts";
  const Json direct = Json::parse(scan({file, "--jsonl"}).out);
  EXPECT_EQ(direct["path"], "tools/yield_chart.ts");
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"-", "--jsonl"}, {"--jsonl"}}) {
    Json input = Json::parse(scan(arguments, {file, ""}).out);
    EXPECT_EQ(input["file"], "-");
    input["file"] = direct["file"];
    EXPECT_EQ(input, direct);
  }
  const std::vector<Json> all = json_lines(scan({kOrchard, "--jsonl"}).out);
  EXPECT_EQ(all.size(), 6U);
  std::vector<std::string> names;
  for (const Json& line : all) {
    EXPECT_EQ(line["leak"], true) << line;
    EXPECT_EQ(line["first_line"], 1) << line;
    EXPECT_EQ(line["file"], kOrchard + "/" + line["path"].get<std::string>());
    names.push_back(line["file"]);
  }
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
}

TEST(ScanCommand, KeepsTheOrderWithSeveralWorkers) {
  const LeanSignatures lean;
  const TempFolder folder;
  std::vector<std::string> arguments = {"--jsonl"};
  for (int i = 0; i < 40; ++i) {
    const size_t size = i % 4 == 0 ? 200'000 : 10;
    const std::string text = i % 3 == 0 ? lines_between("planner/ripeness_model.py", 1, 60) : "";
    std::string filler;
    while (filler.size() < size) filler += "nothing to see in line " + std::to_string(i) + "\n";
    arguments.push_back(folder.write(std::to_string(i), filler + text));
  }
  const ProgramResult one = scan(arguments);
  EXPECT_EQ(one.exit_code, 0) << one.err;
  arguments.insert(arguments.end(), {"--workers", "2"});
  EXPECT_EQ(one.out, scan(arguments).out);
  const std::vector<Json> lines = json_lines(one.out);
  ASSERT_EQ(lines.size(), 40U);
  for (size_t i = 0; i < 40; ++i) {
    EXPECT_EQ(lines[i]["file"], folder / std::to_string(i));
    EXPECT_EQ(lines[i]["leak"], i % 3 == 0);
  }
}

TEST(ScanCommand, ManifestNamesTypesAndCodings) {
  const TempFolder folder;
  const std::string code = lines_between("gateway/coldstore.go", 30, 70);
  folder.write("bodies/a.json", chat(code));
  folder.write("bodies/b.gz", gzip(chat(code)));
  folder.write("bodies/c.form",
               "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.go\"\r\n\r\n" +
                   code + "\r\n--B--\r\n");
  folder.write("bodies/d.txt", "nothing");
  const std::string manifest = folder.write(
      "bodies/manifest.jsonl",
      "{\"file\": \"a.json\", \"content_type\": \"application/json\"}\n"
      "\n"
      "{\"file\": \"b.gz\", \"content_type\": \"application/json\", \"content_encoding\": "
      "\"gzip\"}\n"
      "{\"file\": \"c.form\", \"content_type\": \"multipart/form-data; boundary=B\"}\n"
      "{\"file\": \"" +
          (folder / "bodies/d.txt") + "\", \"label\": 0}\n");
  const ProgramResult result = scan({"--manifest", manifest, "--jsonl"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const std::vector<Json> lines = json_lines(result.out);
  ASSERT_EQ(lines.size(), 4U);
  const std::array<std::string, 4> names = {"a.json", "b.gz", "c.form", folder / "bodies/d.txt"};
  const std::array<std::string, 3> where = {"json:messages[0].content", "gzip>json", "multipart"};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(lines[i]["file"], names.at(i)) << "as the manifest names it";
    EXPECT_EQ(lines[i]["leak"], i < 3) << lines[i];
    if (i == 3) continue;
    EXPECT_EQ(lines[i]["path"], "gateway/coldstore.go");
    EXPECT_THAT(lines[i]["findings"][0]["where"].get<std::string>(), HasSubstr(where.at(i)));
  }
  folder.write("bodies/manifest.jsonl", "{\"file\": \"a.json\"}\n{\"path\": \"b\"}\n");
  const ProgramResult bad = scan({"--manifest", manifest, "--jsonl"});
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_EQ(bad.out, "");
  EXPECT_THAT(bad.err, HasSubstr(manifest + ":2: expected"));
}

TEST(ScanCommand, OptionsNameTypeAndCodingOfPaths) {
  const TempFolder folder;
  const std::string body =
      folder.write("b", gzip(chat(lines_between("tools/bin_tracker.c", 5, 40))));
  const Json line = Json::parse(
      scan({"-", "--content-encoding", "gzip", "--content-type", "application/json", "--jsonl"},
           {body, ""})
          .out);
  EXPECT_EQ(line["leak"], true);
  EXPECT_THAT(line["findings"][0]["where"].get<std::string>(), HasSubstr("gzip>json"));
}

TEST(ScanCommand, WhatCannotBeReadIsToldInItsPlace) {
  const LeanSignatures lean;
  const TempFolder folder;
  const std::string leak = kOrchard + "/planner/crew_schedule.h";
  const std::string manifest =
      folder.write("m.jsonl", "{\"file\": \"missing\"}\n{\"file\": \"" + leak +
                                  "\"}\n{\"file\": \"" + kOrchard + "\"}\n");
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"--manifest", manifest, "--jsonl", "--fail-on-leak"},
           {"--manifest", manifest, "--jsonl", "--workers", "2"}}) {
    const ProgramResult result = scan(arguments);
    EXPECT_EQ(result.exit_code, 4) << "goes before 3";
    const std::vector<Json> lines = json_lines(result.out);
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_THAT(lines[0]["error"].get<std::string>(), HasSubstr("missing"));
    EXPECT_EQ(lines[0]["leak"], false);
    EXPECT_EQ(lines[1]["leak"], true);
    EXPECT_FALSE(lines[1].contains("error"));
    EXPECT_TRUE(lines[2].contains("error")) << "a folder is no file: " << lines[2];
    EXPECT_THAT(result.err, HasSubstr("missing"));
  }
  EXPECT_EQ(scan({folder / "missing"}).exit_code, 4);
}

TEST(ScanCommand, FailsOnLeaksWhenAsked) {
  const TempFolder folder;
  const std::string leak = kOrchard + "/planner/crew_schedule.h";
  const std::string secret = folder.write(
      "secret", "export AWS_ACCESS_KEY_ID=" + std::string("AKIA") + "Q4TZW7YKX2MB" + "5RNC\n");
  const std::string clean = folder.write("clean", "good morning\n");
  EXPECT_EQ(scan({leak}).exit_code, 0);
  EXPECT_EQ(scan({clean, leak, "--fail-on-leak"}).exit_code, 3);
  EXPECT_EQ(scan({clean, "--fail-on-leak"}).exit_code, 0);
  const ProgramResult found = scan({secret, "--fail-on-leak", "--jsonl"});
  EXPECT_EQ(found.exit_code, 3);
  const Json line = Json::parse(found.out);
  EXPECT_EQ(line["leak"], false) << "leak speaks of code";
  ASSERT_EQ(line["findings"].size(), 1U);
  EXPECT_EQ(line["findings"][0]["kind"], "secret");
  EXPECT_EQ(found.out.find("Q4TZW7YKX2MB"), std::string::npos) << "secrets are masked";
}

TEST(ScanCommand, MinScoreBoundsWhatIsTold) {
  const LeanSignatures lean;
  const TempFolder folder;
  // Two lines among others: some evidence, not enough for the default.
  const std::string weak =
      folder.write("weak.txt", "int main() { return run(a, b, c); }\n" +
                                   lines_between("tools/bin_tracker.c", 40, 41) +
                                   "int other(int x) { return x * (x + 1) / 2; }\n");
  const auto score = [&](const std::string& least) {
    return Json::parse(scan({weak, "--jsonl", "--min-score", least}).out)["score"].get<double>();
  };
  const double all = score("0");
  EXPECT_GT(all, 0.0);
  EXPECT_LT(all, 0.5);
  EXPECT_EQ(score("0.5"), 0.0);
  EXPECT_EQ(score(std::to_string(all - 0.001)), all);
  EXPECT_EQ(score(std::to_string(all + 0.001)), 0.0);
  EXPECT_EQ(scan({weak, "--min-score", "1.5"}).exit_code, 2);
  EXPECT_EQ(scan({weak, "--min-score", "high"}).exit_code, 2);
}

// Requests of one client, a line of protected code in each.
TEST(ScanCommand, AddsUpWhatLeavesDropByDrop) {
  const LeanSignatures lean;
  const TempFolder folder;
  const auto told = [&](size_t first, bool together, std::string_view before) {
    std::vector<std::string> arguments = {"--jsonl", "--min-lines", "5"};
    if (together) arguments.emplace_back("--together");
    for (size_t i = 0; i < 24; ++i) {
      arguments.push_back(folder.write(
          "r" + std::to_string(i),
          chat("Our nightly build is red again, what is this good for?\n" + std::string(before) +
               lines_between("tools/bin_tracker.c", first + i, first + i))));
    }
    std::vector<Json> drips;
    for (const Json& line : json_lines(scan(arguments).out)) {
      for (const Json& finding : line["findings"]) {
        // Beside a drip, what its own request holds of the file is told, too.
        const bool code = finding["kind"] == "code";
        if (code && (finding["rule"] == "drip" || !together)) drips.push_back(finding);
      }
    }
    return drips;
  };
  const std::vector<Json> drips = told(36, true, "");
  ASSERT_FALSE(drips.empty());
  for (const Json& drip : drips) {
    EXPECT_EQ(drip["path"], "tools/bin_tracker.c");
    EXPECT_GE(drip["first_line"], 36);
    EXPECT_LE(drip["last_line"], 60);
    EXPECT_THAT(drip["title"].get<std::string>(), HasSubstr("requests"));
  }
  EXPECT_GE(drips.back()["lines"], 10);
  EXPECT_TRUE(told(36, false, "").empty());
}

TEST(ScanCommand, MinLinesBoundsWhatIsTold) {
  const LeanSignatures lean;
  const TempFolder folder;
  const std::string few = folder.write("few", lines_between("tools/bin_tracker.c", 30, 37));
  const Json line = Json::parse(scan({few, "--jsonl"}).out);
  ASSERT_EQ(line["leak"], true);
  const int lines = line["lines"];
  const auto leak = [&](int least) {
    return Json::parse(scan({few, "--jsonl", "--min-lines", std::to_string(least)}).out)["leak"];
  };
  EXPECT_EQ(leak(lines), true);
  EXPECT_EQ(leak(lines + 1), false);
}

TEST(ScanCommand, PrintsATableForPeople) {
  const ProgramResult result = scan({kOrchard});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("orchard/tools/bin_tracker.c:1-90"));
  EXPECT_THAT(result.out, HasSubstr("6 of 6 hold protected code"));
}

}  // namespace
}  // namespace weir::test
