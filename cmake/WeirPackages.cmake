# Third-party libraries, each as an imported target weir_ext::NAME. Which folder may include which
# is checked by tests/layering_test.py.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)

# weir_package(NAME PKG): weir_ext::NAME from pkg-config module PKG.
function(weir_package NAME PKG)
  pkg_check_modules(WEIR_${NAME} REQUIRED IMPORTED_TARGET GLOBAL ${PKG})
  add_library(weir_ext::${NAME} ALIAS PkgConfig::WEIR_${NAME})
endfunction()

weir_package(pcap libpcap)
weir_package(hyperscan libhs)
weir_package(ndpi libndpi)
weir_package(yaml yaml-cpp)
weir_package(zmq libzmq)
weir_package(sqlite sqlite3)
weir_package(zstd libzstd)
weir_package(brotli libbrotlidec)
weir_package(brotlienc libbrotlienc)
weir_package(xxhash libxxhash)
weir_package(nghttp2 libnghttp2)
weir_package(nghttp3 libnghttp3)
weir_package(nfqueue libnetfilter_queue)
