#!/usr/bin/python3 -B
"""The man pages against what the programs say of themselves, and against man's own warnings."""

import os
import re
import subprocess
import tempfile
import unittest

import help_text

PAGES = {"pagemapd.8", "pagemapctl.1", "pagemapd.policy.5"}


def _source(page):
    with open(f"deploy/man/{page}.scd", encoding="utf-8") as file:
        return file.read()


def _sections(text):
    """The sections and subsections by heading."""
    parts = re.split(r"^##? (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def _described(text):
    """The options that have a paragraph of their own: a line that begins with them in bold."""
    lines = re.findall(r"^\*-.*$", text, re.MULTILINE)
    return {name for line in lines for name in re.findall(r"\*(--?[a-z][a-z-]*)\*", line)}


class ManPagesTest(unittest.TestCase):

    def test_daemon_has_all_options_and_no_others(self):
        page = _source("pagemapd.8")
        self.assertEqual(_described(page), help_text.options_of(help_text.DAEMON))
        for option, values in help_text.choices_of(help_text.DAEMON).items():
            line = re.search(rf"^\*{option}\* (.*)$", page, re.MULTILINE).group(1)
            self.assertEqual(set(re.findall(r"\*([a-z-]+)\*", line)), values, option)
        for option, value in help_text.defaults_of(help_text.DAEMON).items():
            if option == "--workers":
                continue  # As many as there are CPUs.
            text = re.search(rf"^\*{option}\* .*\n((?:\t.*\n)+)", page, re.MULTILINE).group(1)
            shown = f"{value >> 20} MiB" if value and value % (1 << 20) == 0 else str(value)
            self.assertRegex(text, rf"(^|[^0-9]){shown}([^0-9]|$)", option)

    def test_ctl_has_all_commands_and_options_and_no_others(self):
        sections = _sections(_source("pagemapctl.1"))
        top = help_text.options_of(help_text.CTL)
        self.assertEqual(_described(sections["OPTIONS"]), top)
        wanted = {}
        for command in help_text.ctl_commands():
            wanted.setdefault(command[0], set()).update(
                help_text.options_of(help_text.CTL, *command) - {"-h", "--help"} - top)
            if command[1:]:
                self.assertIn(f"\n*{command[1]}*\n", sections["vm COMMAND --qmp PATH"])
        described = {heading.split()[0]: _described(text)
                     for heading, text in sections.items() if heading[0].islower()}
        self.assertEqual(described, wanted)

    def test_exit_codes(self):
        codes = re.findall(r"^\*(\d)\*$", _sections(_source("pagemapctl.1"))["EXIT STATUS"],
                           re.MULTILINE)
        self.assertEqual(codes, ["0", "1", "2", "3", "4", "5"])
        result = subprocess.run([help_text.CTL, "-a", "unix:///nowhere", "status"], check=False,
                                stderr=subprocess.DEVNULL)
        self.assertEqual(result.returncode, 5)

    def test_man_has_nothing_to_complain_of(self):
        self.assertEqual({name[:-4] for name in os.listdir("deploy/man")}, PAGES)
        for page in PAGES:
            with tempfile.NamedTemporaryFile() as roff:
                subprocess.run(["scdoc"], input=_source(page).encode(), stdout=roff, check=True)
                shown = subprocess.run(
                    ["man", "--warnings", "-E", "UTF-8", "-l", roff.name], check=True,
                    env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "MANWIDTH": "80"},
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                self.assertEqual(shown.stderr.decode(), "", page)
                self.assertIn(b"NAME", shown.stdout)


if __name__ == "__main__":
    unittest.main()
