# Compile and link settings shared by every target, in one interface target.
find_program(WEIR_CCACHE ccache)
if(WEIR_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${WEIR_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${WEIR_CCACHE}")
endif()

add_library(weir_options INTERFACE)
target_include_directories(weir_options INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_definitions(weir_options INTERFACE WEIR_VERSION="${PROJECT_VERSION}")
# x86-64-v2 is what Hyperscan needs at the least; wider paths are chosen at run time.
target_compile_options(weir_options INTERFACE
  -march=x86-64-v2 -fno-omit-frame-pointer
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports false overflows inside its own inlined string code at -O2.
  target_compile_options(weir_options INTERFACE -Wno-restrict)
endif()

find_program(WEIR_MOLD mold)
if(WEIR_MOLD)
  target_link_options(weir_options INTERFACE -fuse-ld=mold)
endif()

if(WEIR_SANITIZE_ADDRESS)
  target_compile_options(weir_options INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all)
  target_compile_definitions(weir_options INTERFACE _GLIBCXX_ASSERTIONS)
  target_link_options(weir_options INTERFACE -fsanitize=address,undefined)
endif()
if(WEIR_SANITIZE_THREAD)
  target_compile_options(weir_options INTERFACE -fsanitize=thread)
  target_link_options(weir_options INTERFACE -fsanitize=thread)
endif()
if(WEIR_LIBFUZZER)
  target_compile_options(weir_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
