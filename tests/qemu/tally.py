#!/usr/bin/env python3
"""Counts the test cases of run.sh's guests, from a folder with one folder for each kernel.

In each of those are GoogleTest's XML files, and a file "failed" with the names of the programs that
did not end with status 0. Prints "PASSED FAILED SKIPPED"; names what failed or was skipped on
stderr. A program that failed without a failed case, such as one that crashed, counts as one failure.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from tally import cases_of  # pylint: disable=wrong-import-position


def main():
    counts = {"passed": 0, "failed": 0, "skipped": 0}

    def count(outcome, what):
        counts[outcome] += 1
        if outcome != "passed":
            print(f"{outcome}: {what}", file=sys.stderr)

    for kernel in sorted(pathlib.Path(sys.argv[1]).iterdir()):
        failures = set()
        for path in sorted(kernel.glob("*.xml")):
            for name, outcome in cases_of(path):
                if outcome == "failed":
                    failures.add(path.stem)
                count(outcome, f"{kernel.name} {path.stem} {name}")
        failed = kernel / "failed"
        for name in failed.read_text(encoding="utf-8").split() if failed.exists() else []:
            if name.replace("/", ".") not in failures:
                count("failed", f"{kernel.name} {name} (no case; it crashed?)")
    print(counts["passed"], counts["failed"], counts["skipped"])


if __name__ == "__main__":
    main()
