"""Interactive shells on a terminal of their own, to complete command lines in."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

_LINE = re.compile(rb"<<(.*?)>>", re.DOTALL)
# Until a shell that hangs is given up.
_PATIENCE_SECONDS = 60
_TAKE_LINE, _COMPLETE, _INSERT_ALL = b"\x18p", b"\t", b"\x18a"


class InteractiveShell:
    """A shell that was told, by `setup`, to give these keys their meaning."""

    def __init__(self, argv, environment, directory, setup):
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(directory)
            os.execve(argv[0], argv, environment)
        # Wider than any line, so that the shell breaks none.
        size = struct.pack("HHHH", 50, 30000, 0, 0)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, size)
        self._send(setup.encode() + b"\nprintf '<<%s>>\\n' \"rea\"'dy'\n")
        self._read_until("ready")

    def close(self):
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)

    def completed(self, line):
        """The line after it was typed, up to its cursor at the end, and the Tab key was pressed."""
        return self._edit(line, _COMPLETE)

    def candidates(self, line):
        """All that the last word of the line could become, as a set."""
        last = line.rpartition(" ")[2]
        edited = self._edit(line, _INSERT_ALL)
        # What zsh takes away again if no more follows.
        return {word.rstrip("=,") for word in edited[len(line) - len(last):].split()}

    def _edit(self, line, key):
        self._send(line.encode() + key + _TAKE_LINE)
        return self._read_until()

    def _send(self, data):
        # A terminal takes no more at once.
        while data:
            data = data[os.write(self._terminal, data[:512]):]

    def _read_until(self, wanted=None):
        """What the shell next prints between << and >>, or `wanted` once it does."""
        seen = b""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            for found in _LINE.findall(seen):
                text = found.decode()
                if wanted is None or text == wanted:
                    return text
            ready, _, _ = select.select([self._terminal], [], [], deadline - time.monotonic())
            if not ready:
                raise TimeoutError(f"the shell prints nothing more: {seen!r}")
            seen += os.read(self._terminal, 65536)


_BASH_SETUP = r"""
PS1= PS2=
bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; bind 'set page-completions off'
bind '"\C-xa": insert-completions'
bind -x '"\C-xp": printf "<<%s>>\n" "$READLINE_LINE"; READLINE_LINE='
. /usr/share/bash-completion/bash_completion
"""

_ZSH_SETUP = r"""
PS1= PS2= RPS1= PROMPT_EOL_MARK=
unsetopt zle_bracketed_paste beep prompt_cr; unset zle_bracketed_paste
take-line() { zle -I; print -r -- "<<$BUFFER>>"; BUFFER= }
zle -N take-line; bindkey '^Xp' take-line
fpath=($COMPLETIONS $fpath); autoload -U compinit; compinit -u -D
zle -C all-matches complete-word _generic; bindkey '^Xa' all-matches
zstyle ':completion:all-matches::::' completer _all_matches _complete
zstyle ':completion:all-matches:*' insert true
"""


def start_bash(completions, directory):
    """bash that loads, as bash-completion does, from a directory bash-completion/completions."""
    environment = {"PATH": "/usr/bin:/bin", "TERM": "dumb", "HOME": directory, "LANG": "C.UTF-8",
                   "XDG_DATA_DIRS": completions}
    return InteractiveShell(["/bin/bash", "--noprofile", "--norc", "-i"], environment, directory,
                            _BASH_SETUP)


def start_zsh(completions, directory):
    """zsh with this directory first among those where it looks for functions."""
    environment = {"PATH": "/usr/bin:/bin", "TERM": "dumb", "HOME": directory, "LANG": "C.UTF-8",
                   "COMPLETIONS": completions}
    return InteractiveShell(["/bin/zsh", "-f", "-i"], environment, directory, _ZSH_SETUP)
