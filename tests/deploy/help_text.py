"""What the two programs say of themselves with --help."""

import re
import subprocess

DAEMON, CTL = "daemon/pagemapd", "cli/pagemapctl"


def _help(command):
    return subprocess.run(command + ["--help"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def _section(text, heading):
    """The lines of the section that begin an entry: two blanks, then its name."""
    found = re.search(rf"^{heading}:\n((?:  .*\n|\n(?=  ))*)", text, re.MULTILINE)
    return re.findall(r"^  (\S.*)$", found.group(1), re.MULTILINE) if found else []


def options_of(*command):
    """Every spelling of every option: {"-h", "--help", ...}."""
    names = set()
    for line in _section(_help(list(command)), "Options"):
        names.update(line.split()[0].split(","))
    if not names:
        raise ValueError(f"{command}: no options in its help")
    return names


def choices_of(*command):
    """By option, the values it takes, where help lists them as {a,b}."""
    lines = _section(_help(list(command)), "Options")
    return {line.split()[0]: set(found.group(1).split(","))
            for line in lines if (found := re.search(r"TEXT:\{(.*?)\}", line))}


def defaults_of(*command):
    """By option, the number that it is where it is not given."""
    lines = _section(_help(list(command)), "Options")
    return {line.split()[0]: int(found.group(1))
            for line in lines if (found := re.search(r" U?INT:.*\]=(\d+)", line))}


def commands_of(*command):
    return [line.split()[0] for line in _section(_help(list(command)), "Subcommands")]


def ctl_commands():
    """All commands of pagemapctl that do something, as words: ["pages"], ["vm", "ram"]..."""
    commands = []
    for name in commands_of(CTL):
        below = commands_of(CTL, name)
        commands += [[name, word] for word in below] if below else [[name]]
    if len(commands) < 2:
        raise ValueError("no commands in the help of pagemapctl")
    return commands
