// Tells ThreadSanitizer that an absl::Status counts its references: Debian builds the function that
// drops one without it, so that the last owner's free would pass for a race with what the owners
// before did. Put in the library function's place by the linker, as in absl_mutex.cc.

#include <sanitizer/tsan_interface.h>

#include <cstdint>

extern "C" {

void __real__ZN4absl7debian36Status15UnrefNonInlinedEm(uintptr_t);
void __wrap__ZN4absl7debian36Status15UnrefNonInlinedEm(uintptr_t rep) {
  void* const counted = reinterpret_cast<void*>(rep);
  __tsan_release(counted);
  __tsan_acquire(counted);
  __real__ZN4absl7debian36Status15UnrefNonInlinedEm(rep);
}

}  // extern "C"
