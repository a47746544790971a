// Intrusive reference counting for what publishers, workers and handles share.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace mycelium::runtime {

template <class T>
class counted {
public:
  void retain() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() const noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      delete static_cast<const T*>(this);
  }

protected:
  counted() = default;
  ~counted() = default;
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;

private:
  mutable std::atomic<std::uint32_t> references_{1};
};

template <class T>
class counted_ptr {
public:
  counted_ptr() = default;
  // Adopts the reference that a new object begins with.
  static counted_ptr adopt(T* p) noexcept {
    counted_ptr owner;
    owner.p_ = p;
    return owner;
  }
  static counted_ptr share(T* p) noexcept {
    if (p != nullptr)
      p->retain();
    return adopt(p);
  }
  counted_ptr(const counted_ptr& other) noexcept : p_(other.p_) {
    if (p_ != nullptr)
      p_->retain();
  }
  counted_ptr(counted_ptr&& other) noexcept : p_(std::exchange(other.p_, nullptr)) {}
  counted_ptr& operator=(counted_ptr other) noexcept {
    std::swap(p_, other.p_);
    return *this;
  }
  ~counted_ptr() {
    if (p_ != nullptr)
      p_->release();
  }

  T* get() const noexcept { return p_; }
  T* operator->() const noexcept { return p_; }
  T& operator*() const noexcept { return *p_; }
  explicit operator bool() const noexcept { return p_ != nullptr; }
  friend bool operator==(const counted_ptr& a, const counted_ptr& b) noexcept { return a.p_ == b.p_; }

private:
  T* p_ = nullptr;
};

template <class T, class... Args>
counted_ptr<T> new_counted(Args&&... args) {
  return counted_ptr<T>::adopt(new T(std::forward<Args>(args)...));
}

} // namespace mycelium::runtime
