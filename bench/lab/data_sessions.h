// AI clients that tell of the machine and the person they run for, each in the way and in the
// fields that are publicly known of it; and one whose prompt carries covert marks like those that
// were publicly described in June 2026. All values are made up.
#pragma once

#include <string>
#include <vector>

#include "bench/lab/http_messages.h"
#include "bench/lab/lab_random.h"

namespace weir::lab {

// A value that a session sends: its class, the field as it is told, the value itself.
struct PlantedData {
  std::string data_class;
  std::string field;
  std::string value;
};

struct DataSession {
  std::string tool;
  std::string host;
  std::vector<HttpRequest> requests;
  std::vector<PlantedData> planted;
  std::string mark;  // what marks the prompt: "U+2019", "date"; empty: nothing
};

inline constexpr size_t kDataTools = 10;

[[nodiscard]] DataSession make_data_session(size_t tool, LabRandom& random);

// A session of one client version whose date line varies with destination and time zone. Variant 0
// is the plain one, to the vendor's host; 1 to 3 put another apostrophe, to a gateway; 4 writes the
// date with '/'; 5 is plain too, with another date, path and question.
inline constexpr size_t kMarkVariants = 6;
[[nodiscard]] DataSession make_marked_session(size_t variant, LabRandom& random);

// A session whose prompt talks of such things and tells nothing; kTalks and more: plain questions.
inline constexpr size_t kTalks = 4;
[[nodiscard]] DataSession make_talk_session(size_t talk, LabRandom& random);

// Sessions whose prompts vary as those of honest tools do: French and German typography in what
// people wrote, symbols, a paragraph more, and 4 to 6, the words of a new version.
inline constexpr size_t kOrdinaryKinds = 7;
[[nodiscard]] DataSession make_ordinary_session(size_t kind, LabRandom& random);

// A session whose system prompt holds one character that looks like another or like nothing.
inline constexpr size_t kHiddenKinds = 10;
[[nodiscard]] DataSession make_hidden_session(size_t kind, LabRandom& random);

}  // namespace weir::lab
