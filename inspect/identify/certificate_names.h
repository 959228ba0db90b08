// Host names of an X.509 certificate (RFC 5280): subjectAltName dNSName entries, then the subject's
// common name. A bounded walk over the DER; nothing is verified.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/bytes.h"

namespace weir::inspect {

struct CertificateNames {
  std::vector<std::string> names;  // each once, in order, lower case, safe to print
  bool well_formed = false;        // the walk reached the end of the certificate's fields
  bool limited = false;            // more names than `most`
};

[[nodiscard]] CertificateNames certificate_names(ByteSpan der, size_t most);

}  // namespace weir::inspect
