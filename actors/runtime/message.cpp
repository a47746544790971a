#include "actors/runtime/message.hpp"

#include "actors/runtime/request.hpp"

#include <new>

namespace mycelium::runtime {

static_assert(sizeof(message) == 64, "a payload of 64 bytes fits a block of 128");
static_assert(alignof(message_extras) <= 8);

message* message::retain() const {
  if (!borrowed_) {
    references_.fetch_add(1, std::memory_order_relaxed);
    return const_cast<message*>(this);
  }
  auto* copy = make(type_id_, size_, false);
  if (size_ != 0)
    std::memcpy(copy->data(), data(), size_);
  copy->priority = priority;
  copy->sequence = sequence;
  copy->publisher_id = publisher_id;
  copy->stamp = stamp;
  copy->correlation_id = correlation_id;
  return copy;
}

void message::keep(std::size_t offset, std::size_t size) noexcept {
  const auto aligned = offset & ~std::size_t{15};
  if (offset != aligned && size != 0)
    std::memmove(data() + aligned, data() + offset, size);
  offset_ += static_cast<std::uint32_t>(aligned);
  size_ = static_cast<std::uint32_t>(size);
}

void message::abandon_request() const noexcept {
  if (auto* pending = request()) {
    pending->abandon(); // every server let go of it
    pending->release();
  }
}

} // namespace mycelium::runtime
