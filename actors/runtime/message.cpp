#include "actors/runtime/message.hpp"

#include "actors/runtime/request.hpp"

#include <new>

namespace mycelium::runtime {

static_assert(sizeof(message) == 64, "a payload of 64 bytes fits a block of 128");
static_assert(alignof(message_extras) <= 8);
static_assert(sizeof(message::borrowed) == sizeof(message) + (8 + sizeof(message_extras) + 15) / 16 * 16);

message* message::retain() const {
  if (borrowed_)
    return copy(has_extras_);
  references_.fetch_add(1, std::memory_order_relaxed);
  return const_cast<message*>(this);
}

message* message::retain_without_receipt() const {
  const auto* mine = extras();
  if (mine == nullptr || mine->due == nullptr)
    return retain();
  auto* other = copy(true);
  other->extras()->due = nullptr;
  other->extras()->request = nullptr; // who keeps it does not answer
  return other;
}

message* message::copy(bool with_extras) const {
  auto* other = make(type_id_, size_, with_extras);
  if (size_ != 0)
    std::memcpy(other->data(), data(), size_);
  other->priority = priority;
  other->sequence = sequence;
  other->publisher_id = publisher_id;
  other->stamp = stamp;
  other->correlation_id = correlation_id;
  if (with_extras)
    *other->extras() = *extras();
  return other;
}

void message::keep(std::size_t offset, std::size_t size) noexcept {
  const auto aligned = offset & ~std::size_t{15};
  if (offset != aligned && size != 0)
    std::memmove(data() + aligned, data() + offset, size);
  offset_ += static_cast<std::uint32_t>(aligned);
  size_ = static_cast<std::uint32_t>(size);
}

void message::end_extras() const noexcept {
  const auto* mine = extras();
  if (mine->request != nullptr) {
    mine->request->abandon(); // every server let go of it
    mine->request->release();
  }
  if (mine->due != nullptr)
    mine->due->release();
}

} // namespace mycelium::runtime
