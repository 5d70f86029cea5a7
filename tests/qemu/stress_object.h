#ifndef PAGEMAPD_TESTS_QEMU_STRESS_OBJECT_H_
#define PAGEMAPD_TESTS_QEMU_STRESS_OBJECT_H_

namespace pagemapd {

enum class ObjectKind { kMemfd, kSysV, kSharedAnon, kTmpfs };

// Shared memory of kObjectPages pages, made before the workers are forked and theirs, too.
class SharedObject {
 public:
  // kTmpfs is a file without a name in `directory`. False, with a message, if it cannot be had.
  bool Create(ObjectKind kind, const char* directory);

  ObjectKind kind() const { return kind_; }
  // -1 for kSysV and kSharedAnon.
  int fd() const { return fd_; }
  // Only a part of SysV memory cannot be mapped.
  bool maps_in_parts() const { return kind_ != ObjectKind::kSysV; }

  // Maps pages anew, so that huge ones fit. nullptr, with a message, if that fails.
  char* Map(int first_page, int pages) const;

 private:
  ObjectKind kind_ = ObjectKind::kMemfd;
  int fd_ = -1;
  int shm_id_ = -1;
  char* origin_ = nullptr;
};

// Free address space that begins `page` pages behind where a huge page could.
char* ReserveAligned(int page, int pages);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_QEMU_STRESS_OBJECT_H_
