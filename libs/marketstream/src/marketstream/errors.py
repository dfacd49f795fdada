"""Everything that can go wrong, in one tree.

    RealtimeError                  exit code
    ├── SettingsError              2   a setting or option that makes no sense
    ├── InputError                 3   a file that cannot be read or holds nothing usable
    │   └── NotFoundError              there is nothing of the name that was asked for
    ├── StateError                 4   the state folder or database cannot be used
    │   └── TransientStateError        it does not answer for now: worth another try
    ├── NetworkError               5   a port is busy, an exchange does not answer
    │   └── RefusedError               it says for how long there is no use in asking
    └── BadMessage                     one message that makes no sense; it becomes a dead letter

Exit code 0 is success, and Ctrl-C of what runs until then; 1 a check that failed (a leak, say);
130 Ctrl-C of work that was not done. Messages name the value and
the remedy: they are printed as they are, never with a traceback.
"""

from __future__ import annotations


class RealtimeError(Exception):
    """The root of the tree; `exit_code` is what the command ends with."""

    exit_code = 1


class SettingsError(RealtimeError):
    """A setting or option that makes no sense."""

    exit_code = 2


class InputError(RealtimeError):
    """A file that cannot be read or holds nothing usable."""

    exit_code = 3


class NotFoundError(InputError):
    """There is nothing of the name that was asked for."""


class StateError(RealtimeError):
    """The state folder or database cannot be used."""

    exit_code = 4


class TransientStateError(StateError):
    """The database cannot be used for now; nothing was changed, or all of it, so try again."""


class NetworkError(RealtimeError):
    """A port is busy, or an exchange does not answer."""

    exit_code = 5


class RefusedError(NetworkError):
    """We are told to ask no more for `retry_after_s` seconds."""

    def __init__(self, text: str, retry_after_s: float) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class BadMessage(RealtimeError):  # noqa: N818 - it names the message, not the failure
    """One message that makes no sense; whoever reads messages turns it into a dead letter."""
