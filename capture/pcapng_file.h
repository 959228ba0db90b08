// pcapng files (draft-ietf-opsawg-pcapng): sections of either byte order, any number of interfaces
// with their own link types, snaplens and clocks; enhanced, simple and (obsolete) packet blocks;
// decryption secrets of TLS. Other blocks are stepped over.
#pragma once

#include <memory>

#include "capture/input_file.h"
#include "capture/packet_source.h"

namespace weir::capture {

Result<std::unique_ptr<CaptureFile>> open_pcapng(InputFile file);

}  // namespace weir::capture
