#include "inspect/identify/certificate_names.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/byte_reader.h"
#include "inspect/identify/tls_client_hello.h"

namespace weir::inspect {
namespace {

enum Tag : uint8_t {
  kBoolean = 0x01,
  kOctetString = 0x04,
  kOid = 0x06,
  kBmpString = 0x1e,
  kSequence = 0x30,
  kSet = 0x31,
  kDnsName = 0x82,     // [2] of GeneralName
  kVersion = 0xa0,     // [0] of TBSCertificate
  kExtensions = 0xa3,  // [3] of TBSCertificate
};

constexpr std::array<uint8_t, 3> kCommonName{0x55, 0x04, 0x03};      // 2.5.4.3
constexpr std::array<uint8_t, 3> kSubjectAltName{0x55, 0x1d, 0x11};  // 2.5.29.17

struct Element {
  uint8_t tag = 0;
  ByteSpan content;
};

// One tag-length-value with a definite length and a one-byte tag; fails the reader otherwise.
Element next(ByteReader& in) {
  Element out;
  out.tag = in.u8();
  size_t size = in.u8();
  if (size >= 0x80) {
    const size_t count = size & 0x7f;
    if (count == 0 || count > 3) {
      in.fail();
      return out;
    }
    size = 0;
    for (size_t i = 0; i < count; ++i) size = size << 8 | in.u8();
  }
  out.content = in.take(size);
  return out;
}

// The content of the next element, which must have this tag.
ByteReader enter(ByteReader& in, uint8_t tag) {
  const Element element = next(in);
  if (element.tag != tag) in.fail();
  ByteReader out(element.content);
  if (!in.ok()) out.fail();
  return out;
}

bool is(ByteSpan oid, ByteSpan expected) {
  return std::equal(oid.begin(), oid.end(), expected.begin(), expected.end());
}

class Collector {
 public:
  Collector(CertificateNames& out, size_t most) : out_(out), most_(most) {}
  void add(ByteSpan raw) {
    std::string name = safe_host(raw);
    if (name.empty() || std::find(out_.names.begin(), out_.names.end(), name) != out_.names.end()) {
      return;
    }
    if (out_.names.size() == most_) {
      out_.limited = true;
      return;
    }
    out_.names.push_back(std::move(name));
  }

 private:
  CertificateNames& out_;
  size_t most_;
};

void add_alternative_names(ByteSpan value, Collector& names) {
  ByteReader in(value);
  ByteReader list = enter(in, kSequence);
  while (!list.empty()) {
    const Element entry = next(list);
    if (list.ok() && entry.tag == kDnsName) names.add(entry.content);
  }
}

void add_common_names(ByteReader subject, Collector& names) {
  while (!subject.empty()) {
    ByteReader set = enter(subject, kSet);
    while (!set.empty()) {
      ByteReader pair = enter(set, kSequence);
      const Element oid = next(pair);
      const Element value = next(pair);
      if (!pair.ok() || oid.tag != kOid || !is(oid.content, kCommonName)) continue;
      if (value.tag != kBmpString) {
        names.add(value.content);
        continue;
      }
      std::vector<uint8_t> narrow;  // BMPString: two bytes a character
      for (size_t i = 1; i < value.content.size(); i += 2) {
        narrow.push_back(value.content[i - 1] == 0 ? value.content[i] : uint8_t{0xff});
      }
      names.add(narrow);
    }
  }
}

}  // namespace

CertificateNames certificate_names(ByteSpan der, size_t most) {
  CertificateNames out;
  Collector names(out, most);
  ByteReader in(der);
  ByteReader certificate = enter(in, kSequence);
  ByteReader tbs = enter(certificate, kSequence);
  Element element = next(tbs);
  if (element.tag == kVersion) element = next(tbs);  // then `element` is the serial number
  next(tbs);                                         // signature algorithm
  next(tbs);                                         // issuer
  next(tbs);                                         // validity
  const ByteReader subject = enter(tbs, kSequence);
  next(tbs);  // public key
  if (!tbs.ok()) {
    add_common_names(subject, names);
    return out;
  }
  out.well_formed = true;
  while (!tbs.empty()) {
    const Element field = next(tbs);
    if (!tbs.ok() || field.tag != kExtensions) continue;
    ByteReader wrapper(field.content);
    ByteReader list = enter(wrapper, kSequence);
    while (!list.empty()) {
      ByteReader extension = enter(list, kSequence);
      const Element oid = next(extension);
      Element value = next(extension);
      if (value.tag == kBoolean) value = next(extension);
      if (extension.ok() && oid.tag == kOid && is(oid.content, kSubjectAltName) &&
          value.tag == kOctetString) {
        add_alternative_names(value.content, names);
      }
    }
    if (!list.ok()) out.well_formed = false;
  }
  if (!tbs.ok()) out.well_formed = false;
  add_common_names(subject, names);
  return out;
}

}  // namespace weir::inspect
