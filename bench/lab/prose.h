// Words, sentences and questions of nobody in particular.
#pragma once

#include <string>

#include "bench/lab/lab_random.h"

namespace weir::lab {

const std::string& random_word(LabRandom& random);
std::string random_sentence(LabRandom& random);
// Sentences up to about `bytes` characters, in paragraphs.
std::string random_prose(LabRandom& random, size_t bytes);
// What a person asks an assistant, code or not.
std::string random_question(LabRandom& random);
// What a person says beside code.
std::string code_request(LabRandom& random);

}  // namespace weir::lab
