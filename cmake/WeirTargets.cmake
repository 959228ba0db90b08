# The four kinds of target: library, test, fuzz target, benchmark.

# weir_library(NAME [SOURCES ...] [HEADERS ...] [DEPS ...] [PRIVATE_DEPS ...])
# A static library weir_NAME (alias weir::NAME); header-only when SOURCES is empty.
# HEADERS stand in a file set, so that each is also compiled alone.
function(weir_library NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;HEADERS;DEPS;PRIVATE_DEPS" ${ARGN})
  if(ARG_SOURCES)
    add_library(weir_${NAME} STATIC ${ARG_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(weir_${NAME} PRIVATE ${ARG_PRIVATE_DEPS})
  else()
    add_library(weir_${NAME} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(weir::${NAME} ALIAS weir_${NAME})
  target_link_libraries(weir_${NAME} ${scope} weir_options ${ARG_DEPS})
  if(ARG_HEADERS)
    target_sources(weir_${NAME} ${scope} FILE_SET HEADERS
      BASE_DIRS "${PROJECT_SOURCE_DIR}" FILES ${ARG_HEADERS})
  endif()
endfunction()

# weir_test(NAME SOURCES ... [DEPS ...] [LABEL unit] [TIMEOUT 120])
# A GoogleTest binary whose cases ctest runs one by one; WEIR_SOURCE_DIR names the checkout.
function(weir_test NAME)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${NAME} ${ARG_SOURCES})
  target_link_libraries(${NAME} PRIVATE weir_options ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${NAME} PRIVATE WEIR_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
    WEIR_BINARY_DIR="${PROJECT_BINARY_DIR}")
  gtest_discover_tests(${NAME} DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT})
endfunction()

# weir_fuzz(NAME SOURCES ... [DEPS ...])
# A target with LLVMFuzzerTestOneInput. In ordinary builds it is linked with a main that replays
# tests/fuzz/corpus/NAME (and mutations of it with a fixed seed), and ctest runs that. All of them:
# the target fuzz_targets.
add_custom_target(fuzz_targets)
function(weir_fuzz NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  if(WEIR_LIBFUZZER)
    add_executable(${NAME} ${ARG_SOURCES})
    target_link_options(${NAME} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(${NAME} ${ARG_SOURCES} "${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.cc")
  endif()
  target_link_libraries(${NAME} PRIVATE weir_options ${ARG_DEPS})
  add_dependencies(fuzz_targets ${NAME})
  if(NOT WEIR_LIBFUZZER)
    add_test(NAME fuzz_replay.${NAME}
      COMMAND ${NAME} "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${NAME}")
    set_tests_properties(fuzz_replay.${NAME} PROPERTIES LABELS fuzz-replay TIMEOUT 120)
  endif()
endfunction()

# weir_bench(NAME SOURCES ... [DEPS ...])
# A Google Benchmark binary; ctest runs it for a moment, so that its own answer checks always run.
function(weir_bench NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${NAME} ${ARG_SOURCES})
  target_link_libraries(${NAME} PRIVATE weir_options ${ARG_DEPS} benchmark::benchmark_main)
  target_compile_definitions(${NAME} PRIVATE WEIR_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME bench_smoke.${NAME} COMMAND ${NAME} --benchmark_min_time=0.001)
  set_tests_properties(bench_smoke.${NAME} PROPERTIES LABELS bench-smoke TIMEOUT 180
    FAIL_REGULAR_EXPRESSION "ERROR OCCURRED")
endfunction()
