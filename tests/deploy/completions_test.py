#!/usr/bin/python3 -B
"""The completions, in bash and zsh on a terminal, against what the programs say of themselves."""

import os
import tempfile
import unittest

import help_text
import interactive_shell


class CompletionTest:
    """Of one shell, which `start` gives."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        for name in ("recording.jsonl", "record"):
            with open(os.path.join(self.directory.name, name), "w", encoding="ascii"):
                pass
        self.shell = self.start(self.directory.name)
        self.addCleanup(self.shell.close)

    def test_options_of_the_daemon(self):
        options = help_text.options_of(help_text.DAEMON)
        self.assertEqual(self.shell.candidates("pagemapd -"), options)
        for option, values in help_text.choices_of(help_text.DAEMON).items():
            self.assertEqual(self.shell.candidates(f"pagemapd {option} "), values, option)

    def test_commands(self):
        self.assertEqual(self.shell.candidates("pagemapctl "),
                         set(help_text.commands_of(help_text.CTL)))
        self.assertEqual(self.shell.candidates("pagemapctl -o csv vm "),
                         set(help_text.commands_of(help_text.CTL, "vm")))
        self.assertEqual(self.shell.completed("pagemapctl --output=json sta"),
                         "pagemapctl --output=json status ")

    def test_options_of_every_command(self):
        top = help_text.options_of(help_text.CTL)
        self.assertEqual(self.shell.candidates("pagemapctl -"), top)
        for command in help_text.ctl_commands():
            line = f"pagemapctl -a unix:///x {' '.join(command)} "
            # What stands before the command is not offered once more by zsh.
            offered = self.shell.candidates(line + "-") | {"-a", "--address"}
            wanted = help_text.options_of(help_text.CTL, *command) | top - {"--version"}
            self.assertEqual(offered, wanted, line)

    def test_values(self):
        states = {"hole", "mapped", "cached", "swapped", "special", "unknown"}
        candidates = self.shell.candidates
        for line, values in (
                ("pagemapctl -o ", {"table", "json", "jsonl", "csv"}),
                ("pagemapctl pages 1 --view ", {"process", "object"}),
                ("pagemapctl pages 1 --state ", states),
                ("pagemapctl vm pages --qmp x --state ", states),
                ("pagemapctl pages 1 --state hole,s", {"hole,swapped", "hole,special"}),
        ):
            self.assertEqual(candidates(line), values, line)
        self.assertIn("1", candidates("pagemapctl pages "))
        self.assertIn(str(os.getpid()), candidates("pagemapctl summary 1 --folios "))
        self.assertEqual(self.shell.completed("pagemapctl pageout 1 --from recording"),
                         "pagemapctl pageout 1 --from recording.jsonl ")
        self.assertEqual(candidates("pagemapctl vm ram --qmp rec"), {"record", "recording.jsonl"})
        self.assertEqual(self.shell.completed("pagemapctl --address unix:///pro"),
                         "pagemapctl --address unix:///proc/")


class BashTest(CompletionTest, unittest.TestCase):

    def start(self, directory):
        data = os.path.join(directory, "share")
        os.makedirs(os.path.join(data, "bash-completion"))
        os.symlink(os.path.abspath("deploy/completions/bash"),
                   os.path.join(data, "bash-completion", "completions"))
        return interactive_shell.start_bash(data, directory)


class ZshTest(CompletionTest, unittest.TestCase):

    def start(self, directory):
        return interactive_shell.start_zsh(os.path.abspath("deploy/completions/zsh"), directory)


if __name__ == "__main__":
    unittest.main()
