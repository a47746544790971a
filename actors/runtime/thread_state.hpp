// Thread-local variables of the publishing path. The library is usually loaded with dlopen, where a thread-local costs
// a function call at each use unless it has the initial-exec model: that takes its place in the static block that glibc
// reserves for such libraries, which is small. So: few, and small.
#pragma once

#define MYCELIUM_HOT_THREAD_LOCAL [[gnu::tls_model("initial-exec")]] constinit thread_local
