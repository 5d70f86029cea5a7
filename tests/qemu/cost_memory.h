#ifndef PAGEMAPD_TESTS_QEMU_COST_MEMORY_H_
#define PAGEMAPD_TESTS_QEMU_COST_MEMORY_H_

#include <cstddef>
#include <cstdint>

namespace pagemapd {

inline constexpr size_t kCostPageBytes = 4096;

// A memfd and one mapping of it, whose pages can be brought into any state. Ends the program with a
// message where the kernel does not do as it is told: there is no figure then.
class CostMemory {
 public:
  explicit CostMemory(int pages);
  CostMemory(const CostMemory&) = delete;
  ~CostMemory();

  int pages() const { return pages_; }
  char* page(int index) const { return address_ + index * kCostPageBytes; }

  // Writes a word of each page of [first, end): a fault where it is not mapped.
  void Write(int first, int end) const;
  // Reads a byte of each.
  void Read(int first, int end) const;
  void WritePage(int index) const;
  // MADV_PAGEOUT of a run, once; it may miss some.
  void AskPageOut(int first, int end) const;
  // Until as many pages of the object as expected are in swap, as the kernel counts them.
  void PageOutAll(int first, int end, int expected) const;
  // Takes pages out of the page table, not out of the object.
  void Unmap(int first, int end) const;
  // Takes all pages out of the object; the page tables stay.
  void Empty() const;
  int SwappedPages() const;

 private:
  const int pages_;
  int fd_ = -1;
  char* address_ = nullptr;
};

// Ends the program: "cost: WHAT: the errno".
[[noreturn]] void CostFails(const char* what);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_QEMU_COST_MEMORY_H_
