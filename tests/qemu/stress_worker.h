#ifndef PAGEMAPD_TESTS_QEMU_STRESS_WORKER_H_
#define PAGEMAPD_TESTS_QEMU_STRESS_WORKER_H_

#include <atomic>
#include <cstdint>
#include <shared_mutex>

#include "tests/qemu/stress_ledger.h"
#include "tests/qemu/stress_object.h"
#include "tests/qemu/stress_pagemap.h"
#include "tests/qemu/stress_protection.h"

namespace pagemapd {

// Not a good generator, a quick one.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed * 2 + 1) {}
  // From 0 to `sides` - 1.
  int Roll(int sides);
  bool OneIn(int sides) { return Roll(sides) == 0; }

 private:
  uint64_t state_;
};

// A process whose threads do everything at once to memory that other workers share.
class Worker {
 public:
  Worker(int number, Ledger* ledger, const SharedObject* objects)
      : number_(number), ledger_(ledger), objects_(objects) {}

  // Returns when the ledger says stop, or the dice say that this process is to end.
  void Run(uint64_t seed);

 private:
  // A mapping of a part of an object. What changes the mapping itself holds the mutex alone; what
  // uses it holds it with others. It is taken before locks of pages, never after.
  struct Slot {
    std::shared_mutex mutex;
    int object = 0;
    int first = 0;
    int pages = 0;
    char* address = nullptr;
    const WriteProtection* protection = nullptr;

    char* page(int index) const { return address + (index - first) * kPageBytes; }
  };

  // What a thread has of its own.
  struct Thread {
    explicit Thread(uint64_t seed) : dice(seed) {}
    Dice dice;
    StressPagemap pagemap;
  };

  void Loop(uint64_t seed);

  // The slot's mutex is held, shared.
  void Use(Slot& slot, Thread& thread);
  void Touch(const Slot& slot, Thread& thread, bool write);
  void TouchFile(const Slot& slot, Dice& dice, bool write);
  void Advise(const Slot& slot, Dice& dice, Op op, int advice, int longest);
  void SetProtection(const Slot& slot, Dice& dice, bool protect);
  void Look(const Slot& slot, Thread& thread);
  void ScanSlot(const Slot& slot, Thread& thread);
  void Fork(const Slot& slot, Thread& thread);
  void Punch(const Slot& slot, Dice& dice);
  void Resize(int object, Dice& dice);

  // The slot's mutex is held by no other.
  void Change(int number, Thread& thread);
  void Map(Slot& slot, Dice& dice);
  void Move(Slot& slot, Thread& thread, bool keep);
  void ProtectAndTry(const Slot& slot, Dice& dice);
  void Publish(int number);

  // Whether the page, seen at `at`, holds what it has to. Its lock is held.
  bool Check(const char* way, const char* at, int object, int index);
  void CheckSome(const char* way, const Slot& slot, const char* address, Dice& dice);
  void Fail(const char* what, int object, int index);

  const int number_;
  Ledger* const ledger_;
  const SharedObject* const objects_;
  Slot slots_[kSlots];
  // Sync and async; null where there is none.
  WriteProtection protections_[2];
  int protection_count_ = 0;
  std::atomic<bool> end_{false};
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_QEMU_STRESS_WORKER_H_
