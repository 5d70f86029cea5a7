#!/usr/bin/env python3
"""Sets what the kernel's selftests say on a stock kernel against what they say on a patched one.

usage: selftests_table.py VERSION STOCK PATCHED

STOCK and PATCHED are files of selftests_in_guest.sh's lines. Exits with 1 if a test does worse on the
patched kernel, or is missing there, or if pagemap_shmem_swap does not pass.
"""

import sys

SKIPPED = 4
TOO_SLOW = 124
OUR_OWN = "pagemap_shmem_swap"


class Result:
    def __init__(self, numbers):
        self.status, self.passed, self.failed, self.skipped, self.seconds = map(int, numbers)

    def __str__(self):
        verdict = {0: "pass", SKIPPED: "skip", TOO_SLOW: "too slow"}.get(
            self.status, f"fail ({self.status})")
        counts = f", {self.passed}/{self.failed}/{self.skipped}" if (
            self.passed + self.failed + self.skipped) else ""
        return verdict + counts

    def rank(self):
        return {0: 0, SKIPPED: 1}.get(self.status, 2)

    def worse_than(self, other):
        # A test that was cut off says nothing by what it had counted so far.
        if TOO_SLOW in (self.status, other.status):
            return self.rank() > other.rank()
        return (self.rank() > other.rank() or self.failed > other.failed or
                self.passed < other.passed)


def read(path):
    results, notes = {}, []
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("selftest "):
                name, numbers = line[len("selftest "):].split(" | ")
                results[name] = Result(numbers.split())
            else:
                notes.append(line.rstrip())
    return results, notes


def main():
    version = sys.argv[1]
    stock, _ = read(sys.argv[2])
    patched, notes = read(sys.argv[3])
    width = max(len(name) for name in stock | patched)
    print(f"Linux {version}: {'test':{width}}  {'stock':24} {'patched':24} passed/failed/skipped")
    worse = not patched
    for name in stock | patched:
        before, after = stock.get(name), patched.get(name)
        bad = after is None or (before is not None and after.worse_than(before))
        if name == OUR_OWN:
            bad = after is None or after.status != 0
        worse |= bad
        print(f"  {name:{width}}  {str(before):24} {str(after):24}{' WORSE' if bad else ''}")
    print(f"  {'seconds':{width}}  {sum(r.seconds for r in stock.values()):<24} "
          f"{sum(r.seconds for r in patched.values())}")
    if worse:
        print("\n".join(notes))
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
