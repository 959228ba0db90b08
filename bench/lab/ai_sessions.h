// What AI clients send: whole conversations as lists of HTTP requests, each request repeating the
// history, with code as each client renders it. Shapes follow the clients' public APIs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/lab/code_pool.h"
#include "bench/lab/http_messages.h"
#include "bench/lab/lab_random.h"

namespace weir::lab {

struct AiSession {
  std::string host;
  uint16_t port = 443;
  std::string api;
  std::string form;  // how the code stands; empty without code
  std::vector<HttpRequest> requests;
};

// How many kinds of client there are.
inline constexpr size_t kAiClients = 12;

// A session of client number `client`; `code` is null for a session of prose alone.
AiSession make_ai_session(size_t client, LabRandom& random, const CodeExcerpt* code);

}  // namespace weir::lab
