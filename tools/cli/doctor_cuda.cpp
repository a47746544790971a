// CUDA devices, by the driver's own interface: no CUDA toolkit is needed to build or run this.
#include "tools/cli/doctor.hpp"

#include <array>
#include <dlfcn.h>
#include <memory>

namespace mycelium::cli {
namespace {

struct close_library {
  void operator()(void* library) const noexcept { dlclose(library); }
};

// The four functions of libcuda.so.1 that a look needs; their types are stable since CUDA 4.
struct driver {
  int (*init)(unsigned flags) = nullptr;
  int (*version)(int* version) = nullptr;
  int (*device_count)(int* count) = nullptr;
  int (*device_name)(char* name, int length, int device) = nullptr;
};

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name)); // POSIX: data and function pointers convert
  return function != nullptr;
}

} // namespace

findings check_cuda() {
  const std::unique_ptr<void, close_library> library(dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL));
  if (!library)
    return {{verdict::ok, "CUDA", "no driver on this machine; nothing here needs one", ""}};
  driver cuda;
  if (!find(library.get(), "cuInit", cuda.init) || !find(library.get(), "cuDriverGetVersion", cuda.version) ||
      !find(library.get(), "cuDeviceGetCount", cuda.device_count) ||
      !find(library.get(), "cuDeviceGetName", cuda.device_name))
    return {{verdict::warn, "CUDA", "libcuda.so.1 lacks functions of the driver interface",
             "reinstall the NVIDIA driver: this file is not its library"}};
  if (const int error = cuda.init(0); error != 0)
    return {{verdict::warn, "CUDA",
             "a driver is installed but does not start: cuInit returned " + std::to_string(error),
             error == 100 ? "the driver sees no device; in a container, give it one (--gpus all)"
                          : "compare the versions of the kernel module and of libcuda.so.1 with nvidia-smi"}};
  int version = 0;
  int count = 0;
  cuda.version(&version);
  if (const int error = cuda.device_count(&count); error != 0)
    return {{verdict::warn, "CUDA", "cuDeviceGetCount returned " + std::to_string(error), "look at nvidia-smi"}};
  findings found;
  for (int device = 0; device < count; ++device) {
    std::array<char, 256> name{};
    cuda.device_name(name.data(), static_cast<int>(name.size()) - 1, device);
    found.push_back({verdict::ok, "CUDA",
                     "device " + std::to_string(device) + ": " + name.data() + ", driver for CUDA " +
                         std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10),
                     ""});
  }
  if (found.empty())
    found.push_back({verdict::ok, "CUDA", "a driver, but no device", ""});
  return found;
}

} // namespace mycelium::cli
