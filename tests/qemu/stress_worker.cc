#include "tests/qemu/stress_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace pagemapd {
namespace {

constexpr int kThreads = 3;
constexpr int kHugePages = 512;
constexpr int kPagesACheck = 16;

// Linux 6.1.
constexpr int kMadvCollapse = 25;

// How often which is done, in relation to the others.
constexpr struct {
  Op op;
  int weight;
} kWeights[] = {
    {Op::kWrite, 60},      {Op::kRead, 60},        {Op::kFileWrite, 4},  {Op::kFileRead, 4},
    {Op::kPageOut, 18},    {Op::kDontNeed, 6},     {Op::kCold, 3},       {Op::kCollapse, 2},
    {Op::kPopulate, 1},    {Op::kWriteProtect, 8}, {Op::kWriteAllow, 5}, {Op::kPagemapRead, 14},
    {Op::kPagemapScan, 6}, {Op::kFork, 2},         {Op::kPunch, 4},      {Op::kShrink, 3},
};

Op RollOp(Dice& dice) {
  int sum = 0;
  for (const auto& choice : kWeights) sum += choice.weight;
  int roll = dice.Roll(sum);
  for (const auto& choice : kWeights) {
    roll -= choice.weight;
    if (roll < 0) return choice.op;
  }
  return Op::kRead;
}

// A range within a slot: first page and length.
struct Range {
  int first;
  int pages;
};

Range RollRange(Dice& dice, int first, int pages, int longest) {
  const int length = 1 + dice.Roll(std::min(pages, longest));
  return {first + dice.Roll(pages - length + 1), length};
}

// Whether the kernel may read the page, or write to it, on this process's behalf.
bool Accessible(char* page, bool write_it) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  char byte = 0;
  const bool accessible = write_it ? write(ends[1], &byte, 1) == 1 && read(ends[0], page, 1) == 1
                                   : write(ends[1], page, 1) == 1;
  close(ends[0]);
  close(ends[1]);
  return accessible;
}

}  // namespace

int Dice::Roll(int sides) {
  state_ = state_ * 6364136223846793005 + 1442695040888963407;
  return static_cast<int>((state_ >> 33) % sides);
}

void Worker::Run(uint64_t seed) {
  if (protections_[0].Open(false, ledger_)) {
    protection_count_ = protections_[1].Open(true, ledger_) ? 2 : 1;
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this, seed, i] { Loop(seed * kThreads + i); });
  }
  for (std::thread& thread : threads) thread.join();
}

void Worker::Loop(uint64_t seed) {
  // On the heap: it holds a buffer for the longest read.
  auto thread = std::make_unique<Thread>(seed);
  if (!thread->pagemap.Open("self", ledger_)) return Fail("pagemap", -1, -1);
  while (!end_ && !ledger_->stop) {
    const int number = thread->dice.Roll(kSlots);
    Slot& slot = slots_[number];
    if (thread->dice.OneIn(40)) {
      std::unique_lock lock(slot.mutex);
      Change(number, *thread);
    } else {
      std::shared_lock lock(slot.mutex);
      if (slot.address != nullptr) Use(slot, *thread);
    }
    if (thread->dice.OneIn(20000)) {
      ledger_->Count(Op::kExit);
      end_ = true;
    }
  }
}

void Worker::Use(Slot& slot, Thread& thread) {
  Dice& dice = thread.dice;
  switch (const Op op = RollOp(dice); op) {
    case Op::kWrite:
    case Op::kRead:
      return Touch(slot, thread, op == Op::kWrite);
    case Op::kFileWrite:
    case Op::kFileRead:
      return TouchFile(slot, dice, op == Op::kFileWrite);
    case Op::kPageOut:
      return Advise(slot, dice, op, MADV_PAGEOUT, 256);
    case Op::kDontNeed:
      return Advise(slot, dice, op, MADV_DONTNEED, 256);
    case Op::kCold:
      return Advise(slot, dice, op, MADV_COLD, 256);
    case Op::kCollapse:
      return Advise(slot, dice, op, kMadvCollapse, 2 * kHugePages);
    case Op::kPopulate:
      return Advise(slot, dice, op, dice.OneIn(2) ? MADV_POPULATE_READ : MADV_POPULATE_WRITE, 64);
    case Op::kWriteProtect:
    case Op::kWriteAllow:
      return SetProtection(slot, dice, op == Op::kWriteProtect);
    case Op::kPagemapRead:
      return Look(slot, thread);
    case Op::kPagemapScan:
      return ScanSlot(slot, thread);
    case Op::kFork:
      return Fork(slot, thread);
    case Op::kPunch:
      return Punch(slot, dice);
    default:
      return Resize(slot.object, dice);
  }
}

void Worker::Fail(const char* what, int object, int index) {
  ledger_->failures.fetch_add(1);
  dprintf(STDERR_FILENO, "stress: %s: object %d index %d: %m\n", what, object, index);
}

bool Worker::Check(const char* way, const char* at, int object, int index) {
  return CheckPage(ledger_, way, reinterpret_cast<const uint64_t*>(at), object, index,
                   ledger_->pages[object][index].generation);
}

void Worker::Touch(const Slot& slot, Thread& thread, bool write) {
  const int index = slot.first + thread.dice.Roll(slot.pages);
  char* page = slot.page(index);
  PageState& state = ledger_->pages[slot.object][index];
  PageLock lock(&state);
  if (state.generation == PageState::kBeyondEnd) return;
  // Before a write, too, if it is not to be the first access.
  if (!write || thread.dice.OneIn(2)) Check("mapping", page, slot.object, index);
  if (write) {
    ++state.generation;
    FillPage(reinterpret_cast<uint64_t*>(page), slot.object, index, state.generation);
  }
  ledger_->Count(write ? Op::kWrite : Op::kRead);
  if (thread.pagemap.Read(reinterpret_cast<uintptr_t>(page), 1) != 1) {
    return Fail("pagemap of a page", slot.object, index);
  }
  const uint64_t entry = thread.pagemap.entries()[0];
  if ((InSwapArea(entry) || (entry & kEntryPresent)) && !(entry & kEntryFile)) {
    errno = 0;
    Fail("entry without the file bit", slot.object, index);
  }
}

void Worker::TouchFile(const Slot& slot, Dice& dice, bool write) {
  const int fd = objects_[slot.object].fd();
  const int index = slot.first + dice.Roll(slot.pages);
  PageState& state = ledger_->pages[slot.object][index];
  if (fd < 0) return;
  PageLock lock(&state);
  if (state.generation == PageState::kBeyondEnd) return;
  alignas(8) char page[kPageBytes];
  if (write) {
    ++state.generation;
    FillPage(reinterpret_cast<uint64_t*>(page), slot.object, index, state.generation);
    if (pwrite(fd, page, sizeof(page), index * kPageBytes) != sizeof(page)) {
      return Fail("pwrite", slot.object, index);
    }
  } else {
    if (pread(fd, page, sizeof(page), index * kPageBytes) != sizeof(page)) {
      return Fail("pread", slot.object, index);
    }
    Check("file", page, slot.object, index);
  }
  ledger_->Count(write ? Op::kFileWrite : Op::kFileRead);
}

void Worker::Advise(const Slot& slot, Dice& dice, Op op, int advice, int longest) {
  const Range range = RollRange(dice, slot.first, slot.pages, longest);
  // Refused for a kernel's or a moment's reasons, such as an end of file in the range.
  if (madvise(slot.page(range.first), range.pages * kPageBytes, advice) == 0) ledger_->Count(op);
}

void Worker::SetProtection(const Slot& slot, Dice& dice, bool protect) {
  if (slot.protection == nullptr) return;
  const Range range = RollRange(dice, slot.first, slot.pages, kHugePages);
  slot.protection->Set(slot.page(range.first), range.pages * kPageBytes, protect);
  ledger_->Count(protect ? Op::kWriteProtect : Op::kWriteAllow);
}

void Worker::Look(const Slot& slot, Thread& thread) {
  const Range range = RollRange(thread.dice, slot.first, slot.pages, slot.pages);
  thread.pagemap.Read(reinterpret_cast<uintptr_t>(slot.page(range.first)), range.pages);
}

void Worker::ScanSlot(const Slot& slot, Thread& thread) {
  static constexpr uint64_t kCategories[] = {0, kScanWritten, kScanPresent, kScanSwapped};
  const Range range = RollRange(thread.dice, slot.first, slot.pages, slot.pages);
  const bool protect = slot.protection != nullptr && slot.protection->asynchronous();
  thread.pagemap.Scan(reinterpret_cast<uintptr_t>(slot.page(range.first)), range.pages,
                      kCategories[thread.dice.Roll(4)], protect && thread.dice.OneIn(2));
}

void Worker::Fork(const Slot& slot, Thread& thread) {
  const pid_t child = fork();
  if (child < 0) return Fail("fork", slot.object, 0);
  if (child == 0) {
    // Other threads' locks are in whatever state: no allocation, no streams, no slots.
    const uint64_t before = ledger_->failures;
    Look(slot, thread);
    CheckSome("forked child", slot, slot.address, thread.dice);
    const bool opened = thread.pagemap.Open("self", ledger_);
    Look(slot, thread);
    _exit(opened && ledger_->failures == before ? 0 : 1);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) Fail("forked child", slot.object, status);
  ledger_->Count(Op::kFork);
}

void Worker::Punch(const Slot& slot, Dice& dice) {
  const Range range = RollRange(dice, slot.first, slot.pages, kHugePages + 100);
  PageState* states = &ledger_->pages[slot.object][range.first];
  PageLock lock(states, range.pages);
  if (madvise(slot.page(range.first), range.pages * kPageBytes, MADV_REMOVE) != 0) {
    return Fail("MADV_REMOVE", slot.object, range.first);
  }
  for (int i = 0; i < range.pages; ++i) {
    if (states[i].generation != PageState::kBeyondEnd) states[i].generation = 0;
  }
  ledger_->Count(Op::kPunch);
}

void Worker::Resize(int object, Dice& dice) {
  const int fd = objects_[object].fd();
  if (fd < 0 || ledger_->resizing[object].exchange(true)) return;
  int& size = ledger_->size_pages[object];
  // Most of the time it has its full size.
  const bool grow = size < kObjectPages;
  const int new_size = grow ? kObjectPages : kObjectPages / 4 + dice.Roll(kObjectPages * 3 / 4);
  {
    const int from = std::min(size, new_size);
    PageState* states = &ledger_->pages[object][from];
    PageLock lock(states, kObjectPages - from);
    if (ftruncate(fd, new_size * kPageBytes) != 0) {
      Fail("ftruncate", object, new_size);
    } else {
      for (int i = 0; i < kObjectPages - from; ++i) {
        states[i].generation = grow ? 0 : PageState::kBeyondEnd;
      }
      size = new_size;
    }
  }
  ledger_->resizing[object] = false;
  ledger_->Count(grow ? Op::kGrow : Op::kShrink);
}

void Worker::CheckSome(const char* way, const Slot& slot, const char* address, Dice& dice) {
  for (int i = 0; i < kPagesACheck; ++i) {
    const int offset = dice.Roll(slot.pages);
    PageState& state = ledger_->pages[slot.object][slot.first + offset];
    PageLock lock(&state);
    if (state.generation == PageState::kBeyondEnd) continue;
    Check(way, address + offset * kPageBytes, slot.object, slot.first + offset);
  }
}

void Worker::Change(int number, Thread& thread) {
  Slot& slot = slots_[number];
  const int roll = thread.dice.Roll(10);
  if (slot.address == nullptr || roll < 3) {
    Map(slot, thread.dice);
  } else if (roll < 5) {
    Move(slot, thread, false);
  } else if (roll < 7) {
    Move(slot, thread, true);
  } else {
    ProtectAndTry(slot, thread.dice);
  }
  Publish(number);
}

void Worker::Publish(int number) {
  const Slot& slot = slots_[number];
  ledger_->slots[number_][number].address = reinterpret_cast<uintptr_t>(slot.address);
  ledger_->slots[number_][number].pages = slot.pages;
}

void Worker::Map(Slot& slot, Dice& dice) {
  if (slot.address != nullptr) munmap(slot.address, slot.pages * kPageBytes);
  slot.object = dice.Roll(kObjects);
  slot.first = 0;
  slot.pages = kObjectPages;
  const SharedObject& object = objects_[slot.object];
  if (object.maps_in_parts() && dice.OneIn(2)) {
    slot.pages = 1 + dice.Roll(kObjectPages);
    slot.first = dice.Roll(kObjectPages - slot.pages + 1);
  }
  slot.address = object.Map(slot.first, slot.pages);
  slot.protection = nullptr;
  if (slot.address == nullptr) return Fail("map", slot.object, slot.first);
  const size_t bytes = slot.pages * kPageBytes;
  madvise(slot.address, bytes, dice.OneIn(2) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  if (protection_count_ > 0 && dice.Roll(3) > 0) {
    const WriteProtection& protection = protections_[dice.Roll(protection_count_)];
    if (protection.Register(slot.address, bytes)) slot.protection = &protection;
  }
  ledger_->Count(Op::kRemap);
}

void Worker::Move(Slot& slot, Thread& thread, bool keep) {
  char* to = ReserveAligned(slot.first + (thread.dice.OneIn(2) ? 0 : 1), slot.pages);
  if (to == nullptr) return;
  const size_t bytes = slot.pages * kPageBytes;
  const int flags = MREMAP_MAYMOVE | MREMAP_FIXED | (keep ? MREMAP_DONTUNMAP : 0);
  if (mremap(slot.address, bytes, bytes, flags, to) != to) {
    munmap(to, bytes);
    return Fail(keep ? "MREMAP_DONTUNMAP" : "mremap", slot.object, slot.first);
  }
  CheckSome("moved", slot, to, thread.dice);
  if (keep) {
    CheckSome("left behind", slot, slot.address, thread.dice);
    thread.pagemap.Read(reinterpret_cast<uintptr_t>(slot.address), slot.pages);
    munmap(slot.address, bytes);
  }
  slot.address = to;
  // A move ends the registration.
  if (slot.protection != nullptr && !slot.protection->Register(to, bytes)) {
    slot.protection = nullptr;
  }
  ledger_->Count(keep ? Op::kMoveAndKeep : Op::kMove);
}

void Worker::ProtectAndTry(const Slot& slot, Dice& dice) {
  Range range = RollRange(dice, slot.first, slot.pages, slot.pages);
  // What mprotect splits of SysV memory stays split, and cannot be moved then.
  if (!objects_[slot.object].maps_in_parts()) range = {slot.first, slot.pages};
  const size_t bytes = range.pages * kPageBytes;
  const bool readable = dice.OneIn(2);
  if (mprotect(slot.page(range.first), bytes, readable ? PROT_READ : PROT_NONE) != 0) {
    return Fail("mprotect", slot.object, range.first);
  }
  for (int i = 0; i < kPagesACheck; ++i) {
    const int index = range.first + dice.Roll(range.pages);
    PageState& state = ledger_->pages[slot.object][index];
    PageLock lock(&state);
    if (state.generation == PageState::kBeyondEnd) continue;
    if (readable) Check("read-only mapping", slot.page(index), slot.object, index);
    if (Accessible(slot.page(index), readable)) Fail("access allowed", slot.object, index);
  }
  mprotect(slot.page(range.first), bytes, PROT_READ | PROT_WRITE);
  ledger_->Count(Op::kProtect);
}

}  // namespace pagemapd
