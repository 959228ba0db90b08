#include "inspect/http/field_list.h"

#include "inspect/http/http1_syntax.h"

namespace weir::inspect {
namespace {

constexpr size_t kKeptBytes = 4096;  // of a buffer that is not in use

}  // namespace

FieldList::FieldList(const Limits& limits, Counter& dropped, Counter& cut,
                     ByteBudget* room) noexcept
    : limits_(limits), dropped_(dropped), cut_(cut), text_(room, kKeptBytes) {}

void FieldList::clear() noexcept {
  text_.clear();
  kept_.clear();
  fields_.clear();
}

void FieldList::keep(std::string_view name, std::string_view value) noexcept {
  if (kept_.size() >= limits_.headers || text_.size() >= limits_.header_bytes) {
    dropped_.add();
    return;
  }
  if (name.size() + value.size() > limits_.header_line_bytes) {
    cut_.add();
    name = name.substr(0, limits_.header_line_bytes);
    value = value.substr(0, limits_.header_line_bytes - name.size());
  }
  const size_t begin = text_.size();
  if (!text_.append(as_bytes(name)) || !text_.append(as_bytes(value))) {
    (void)text_.resize(begin);
    dropped_.add();
    return;
  }
  for (size_t i = begin; i < begin + name.size(); ++i) {
    text_.data()[i] = static_cast<uint8_t>(lower(static_cast<char>(text_[i])));
  }
  kept_.push_back({name.size(), value.size()});
}

std::span<const HeaderField> FieldList::fields() noexcept {
  fields_.clear();
  std::string_view rest = as_chars(text_.bytes());
  for (const Kept& kept : kept_) {
    fields_.push_back(
        {rest.substr(0, kept.name_size), rest.substr(kept.name_size, kept.value_size)});
    rest.remove_prefix(kept.name_size + kept.value_size);
  }
  return fields_;
}

MessageHead& RequestFields::read(std::span<const HeaderField> all, Counter& odd,
                                 Counter& conflict) noexcept {
  head_ = {};
  protocol_ = {};
  codings_.clear();
  rest_.clear();
  std::string_view host;
  for (const HeaderField& field : all) {
    const std::string_view name = field.name;
    const std::string_view value = field.value;
    if (name.starts_with(':')) {
      std::string_view* part = name == ":method"      ? &head_.method
                               : name == ":path"      ? &head_.target
                               : name == ":authority" ? &head_.authority
                               : name == ":protocol"  ? &protocol_
                                                      : nullptr;
      if (part != nullptr && part->empty() && rest_.empty()) {
        *part = value;
        continue;
      }
      if (name == ":scheme") continue;
      odd.add();
    } else if (name == "host") {
      host = value;
    } else if (name == "user-agent") {
      head_.user_agent = value;
    } else if (name == "content-type") {
      head_.content_type = value;
    } else if (name == "content-encoding") {
      if (!codings_.empty()) codings_ += ", ";
      codings_ += value;
    } else if (name == "content-length") {
      const auto length = parse_length(value);
      if (!length || (head_.content_length && head_.content_length != length)) odd.add();
      if (!head_.content_length) head_.content_length = length;
    }
    rest_.push_back(field);
  }
  if (head_.authority.empty()) {
    head_.authority = host;
  } else if (!host.empty() && host != head_.authority) {
    conflict.add();
  }
  if (head_.target.empty() && head_.method == "CONNECT") head_.target = head_.authority;
  head_.content_encoding = codings_;
  head_.fields = rest_;
  return head_;
}

}  // namespace weir::inspect
