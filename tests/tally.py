#!/usr/bin/env python3
"""Counts test cases in the event files of `bazel test --build_event_json_file`.

Prints "PASSED FAILED SKIPPED"; names what failed or was skipped on stderr. A target that was to be
tested and has no result, or fails without a failed case, counts as one failure.
"""

import json
import sys
import urllib.parse
import urllib.request
import xml.etree.ElementTree


def cases_of(path):
    """The (name, outcome) of every case in a test.xml, GoogleTest's or Bazel's own."""
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
        if case.find("failure") is not None or case.find("error") is not None:
            yield name, "failed"
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            yield name, "skipped"
        else:
            yield name, "passed"


def tally(events):
    counts = {"passed": 0, "failed": 0, "skipped": 0}

    def count(outcome, what):
        counts[outcome] += 1
        if outcome != "passed":
            print(f"{outcome}: {what}", file=sys.stderr)

    wanted, passed, failures, cases = set(), set(), set(), set()
    for event in events:
        label = next(iter(event["id"].values()), {}).get("label")
        if event.get("configured", {}).get("targetKind", "").endswith("_test rule"):
            wanted.add(label)
        if event.get("testSummary", {}).get("overallStatus") == "PASSED":
            passed.add(label)
        for output in event.get("testResult", {}).get("testActionOutput", []):
            if output["name"] != "test.xml":
                continue
            path = urllib.request.url2pathname(urllib.parse.urlparse(output["uri"]).path)
            for name, outcome in cases_of(path):
                cases.add(label)
                if outcome == "failed":
                    failures.add(label)
                count(outcome, f"{label} {name}")
    for label in sorted(wanted - failures):
        if label not in passed:
            count("failed", f"{label} (not built, timed out, or crashed)")
        elif label not in cases:
            count("failed", f"{label} (no test case in it)")
    return counts


def main():
    totals = {}
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as lines:
            counts = tally(json.loads(line) for line in lines)
        totals = {key: totals.get(key, 0) + value for key, value in counts.items()}
    print(totals["passed"], totals["failed"], totals["skipped"])


if __name__ == "__main__":
    main()
