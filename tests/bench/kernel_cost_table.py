#!/usr/bin/env python3
"""Lays out what tests/qemu/cost measured on one kernel version, and checks it against the bars.

usage: kernel_cost_table.py VERSION < lines of "cost KERNEL MARKERS MODE CASE BATCH VALUE"

KERNEL is stock, patched or bench. Without lines of bench, what only that kernel shows is left out.
Exits with 1 if a figure misses its bar.
"""

import sys

CASES = ["no_table", "table", "cached", "cached_but_one", "present", "swapped", "mix", "runs"]
BATCHES = ["1", "512", "32768"]
OTHERS = ["write_fault", "read_fault_around", "page_out", "swap_in_fault", "munmap", "fork"]
# Nothing of the object is in swap.
WITHOUT_SWAP = ["no_table", "table", "cached", "present"]

# The linux-mm threads of 2021: seconds, of a scan by one entry a read, half of 16 GiB touched and
# a 4 GiB limit, so that of all pages a quarter is present and a quarter in swap.
ROWS_2021 = [
    ("stock", ("stock", "-", "stock"), 11.82),
    ("look-up, a page at a time", ("bench", "0", "full_each"), 38.44),
    ("markers, without locations", ("bench", "1", "marker_bit"), 13.28),
    ("markers, and look-up a page at a time", ("bench", "1", "marker_each"), 22.34),
    ("this series, without markers", ("patched", "0", "full"), None),
    ("this series", ("patched", "1", "full"), None),
]

NEAR_STOCK = 1.1
MIX_TO_STOCK = 2.2
MIX_TO_EACH = 0.7
FAULT_TO_STOCK = 1.03


def read_figures(lines):
    figures = {}
    for line in lines:
        words = line.split()
        if len(words) == 7 and words[0] == "cost":
            kernel, markers, mode, case, batch, value = words[1:]
            figures[kernel, markers, mode, case, batch] = float(value)
    return figures


class Report:
    def __init__(self, version, figures):
        self.version = version
        self.figures = figures
        self.missed = 0

    def get(self, column, case, batch):
        return self.figures.get((*column, case, batch))

    def columns(self):
        # Of the bench kernel, what the patched one has not.
        seen = dict.fromkeys(key[:3] for key in self.figures
                             if key[2] != "-" and (key[0] != "bench" or "_" in key[2]))
        return list(seen)

    def table(self, title, head, rows):
        print(f"\n{title}")
        widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]
        for row in [head] + rows:
            cells = [cell.ljust(widths[i]) if i == 0 else cell.rjust(widths[i])
                     for i, cell in enumerate(row)]
            print("  ".join(cells).rstrip())

    def reads(self):
        for batch in BATCHES:
            rows = []
            for column in self.columns():
                label = f"{column[0]} {column[2]}"
                if column[1] != "-":
                    label += ", markers" if column[1] == "1" else ", no markers"
                rows.append([label] + [f"{self.get(column, case, batch):.1f}" for case in CASES])
            self.table(f"Linux {self.version}: instructions a page, {batch} entries a read",
                       [""] + CASES, rows)

    def others(self):
        rows = []
        stock = {case: self.figures["stock", "-", "-", case, "-"] for case in OTHERS}
        for kernel, markers in [("stock", "-"), ("patched", "0"), ("patched", "1")]:
            row = [kernel + {"-": "", "0": ", no markers", "1": ", markers"}[markers]]
            for case in OTHERS:
                value = self.figures[kernel, markers, "-", case, "-"]
                row.append(f"{value:.1f} ({value / stock[case]:.3f})")
            rows.append(row)
        self.table(f"Linux {self.version}: instructions a page elsewhere (of stock)",
                   [""] + OTHERS, rows)

    def then_and_now(self):
        for case in ["runs", "mix"]:
            rows = []
            for label, column, seconds in ROWS_2021:
                if self.get(column, case, "1") is None:
                    continue
                row = [label]
                for batch in BATCHES:
                    value = self.get(column, case, batch)
                    of_stock = value / self.get(ROWS_2021[0][1], case, batch)
                    row.append(f"{value:.1f} ({of_stock:.2f})")
                row.append(f"{seconds:.2f} s ({seconds / ROWS_2021[0][2]:.2f})" if seconds else "")
                rows.append(row)
            self.table(f"Linux {self.version}: the table of 2021, case {case}: instructions a page "
                       "(of stock), by entries a read",
                       [""] + BATCHES + ["2021, 1"], rows)

    def bar(self, what, value, reference, most):
        ratio = value / reference
        right = ratio <= most
        self.missed += not right
        print(f"{'ok  ' if right else 'MISS'} {ratio:6.3f} <= {most:5.3f}  {what}")

    def bars(self):
        print(f"\nLinux {self.version}: bars")
        stock = ("stock", "-", "stock")
        for markers in ["0", "1"]:
            full = ("patched", markers, "full")
            with_markers = "markers" if markers == "1" else "no markers"
            for batch in BATCHES[1:]:
                for case in WITHOUT_SWAP:
                    self.bar(f"{case}, {batch} entries, {with_markers}: of stock",
                             self.get(full, case, batch), self.get(stock, case, batch), NEAR_STOCK)
                for case in ["mix", "runs"]:
                    value = self.get(full, case, batch)
                    self.bar(f"{case}, {batch} entries, {with_markers}: of stock", value,
                             self.get(stock, case, batch), MIX_TO_STOCK)
                    each = self.get(("bench", markers, "full_each"), case, batch)
                    if each is not None:
                        self.bar(f"{case}, {batch} entries, {with_markers}: of a page at a time",
                                 value, each, MIX_TO_EACH)
            for case in ["write_fault", "read_fault_around", "page_out", "swap_in_fault"]:
                self.bar(f"{case}, {with_markers}: of stock",
                         self.figures["patched", markers, "-", case, "-"],
                         self.figures["stock", "-", "-", case, "-"], FAULT_TO_STOCK)


def main():
    report = Report(sys.argv[1], read_figures(sys.stdin))
    report.reads()
    report.others()
    report.then_and_now()
    report.bars()
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
