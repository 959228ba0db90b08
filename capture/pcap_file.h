// pcap files through libpcap: micro- and nanoseconds, both byte orders, its modified variants.
#pragma once

#include <memory>

#include "capture/input_file.h"
#include "capture/packet_source.h"

namespace weir::capture {

Result<std::unique_ptr<CaptureFile>> open_pcap(InputFile file);

}  // namespace weir::capture
