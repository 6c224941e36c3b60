"""The passport: what a learner has done, in a small file and in a code of 39 characters.

The file lies next to the notebooks, so that it travels with them; where that folder cannot be
written it lies in the user's data folder. ``VOCX_PASSPORT`` names another place. Several notebooks
may be open at once: saving reads, merges and replaces the file as one step for all kernels, and a
kernel writes an answer once, so that an old one never comes back over a newer one.
"""

from __future__ import annotations

import fcntl
import os
import sys
import tempfile
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from pathlib import Path

import msgspec

from vocx.course.catalogue import CHECKS, LESSONS, PROTOCOLS, STRATEGIES, counted
from vocx.errors import BadInput

FILE = ".vocx_passport.json"

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Base 32 without I, L, O and U, which are misread."""
_LOOKALIKES = str.maketrans("ILO", "110")
_VERSION = 1
_QUESTIONS = 2
"""Predictions a lesson has at most."""
LETTERS = "abcdefg"
_BITS = 160

_lock = threading.RLock()


class Passport(msgspec.Struct, kw_only=True):
    """What was done.

    Attributes
    ----------
    lessons : list of str
        Ids of lessons that were ended with ``course.end``.
    checks : list of str
        Ids of checks that were passed.
    failures : dict of str to int
        Failed tries of checks since the last pass.
    predictions : dict of str to str
        Letter by question, such as ``{"02.1": "a"}``.
    choices : dict of str to str
        Protocol by strategy.
    quiz : bool
        Whether the final quiz was passed.
    """

    lessons: list[str] = []
    checks: list[str] = []
    failures: dict[str, int] = {}
    predictions: dict[str, str] = {}
    choices: dict[str, str] = {}
    quiz: bool = False

    def merge(self, other: Passport) -> None:
        """Add what ``other`` knows; on a contradiction it is the newer one."""
        self.lessons = [*dict.fromkeys([*self.lessons, *other.lessons])]
        self.checks = [*dict.fromkeys([*self.checks, *other.checks])]
        self.failures |= other.failures
        self.predictions |= other.predictions
        self.choices |= other.choices
        self.quiz |= other.quiz

    def progress(self, known_checks: Mapping[str, object]) -> str:
        """``"3 of 12 lessons, 4 of 9 checks"``."""
        ids = [one.id for one in counted()]
        lessons = sum(name in self.lessons for name in ids)
        checks = sum(name in self.checks for name in known_checks)
        return f"{lessons} of {len(ids)} lessons, {checks} of {len(known_checks)} checks"

    def code(self) -> str:
        """39 characters that restore it anywhere: ``course.resume("...")``."""
        number = _pack(self)
        number = number << 16 | _sum(number)
        digits = [_ALPHABET[number >> shift & 31] for shift in range(_BITS - 5, -1, -5)]
        return "-".join("".join(digits[start : start + 4]) for start in range(0, 32, 4))

    @classmethod
    def from_code(cls, code: str) -> Passport:
        """The passport of a code; case, blanks and dashes do not matter.

        Raises
        ------
        BadInput
            When a character is missing or misread: the code carries a check sum.
        """
        clean = "".join(str(code).upper().split()).replace("-", "").translate(_LOOKALIKES)
        number = 0
        for letter in clean:
            number = number << 5 | max(_ALPHABET.find(letter), 0)
        known = len(clean) == _BITS // 5 and all(letter in _ALPHABET for letter in clean)
        if not known or _sum(number >> 16) != number & 0xFFFF:
            raise BadInput(
                f"{code!r} is no resume code: copy all 8 groups of 4 that course.begin printed"
            )
        return _unpack(number >> 16)


def _sum(number: int) -> int:
    return zlib.crc32(number.to_bytes(_BITS // 8, "big")) & 0xFFFF


def _fields(found: Passport) -> list[tuple[int, int]]:
    """(value, bits) of everything in the order of the code, most significant first."""
    fields = [(_VERSION, 4)]
    fields += [(int(one.id in found.lessons), 1) for one in LESSONS]
    fields += [(0, 1)] * (15 - len(LESSONS)) + [(int(found.quiz), 1)]
    fields += [(int(name in found.checks), 1) for name in CHECKS]
    fields += [(0, 1)] * (24 - len(CHECKS))
    for question in _questions():
        fields.append((LETTERS.find(found.predictions.get(question, "?")) + 1, 3))
    protocols = list(PROTOCOLS)
    for strategy in STRATEGIES:
        chosen = found.choices.get(strategy)
        fields.append((protocols.index(chosen) + 1 if chosen in protocols else 0, 2))
    return fields


def _questions() -> list[str]:
    asking = [one.id for one in LESSONS if not one.exam]
    return [f"{one}.{n}" for one in asking for n in range(1, _QUESTIONS + 1)]


def _pack(found: Passport) -> int:
    number = 0
    for value, bits in _fields(found):
        number = number << bits | value
    return number


def _unpack(number: int) -> Passport:
    values: list[int] = []
    for _, bits in reversed(_fields(Passport())):
        values.append(number & ((1 << bits) - 1))
        number >>= bits
    rest = reversed(values)
    if next(rest) != _VERSION:
        raise BadInput("this resume code was made by another version of the course")
    lessons, quiz, checks = [*islice(rest, 15)], next(rest), [*islice(rest, 24)]
    found = Passport(quiz=bool(quiz))
    found.lessons = [one.id for one, bit in zip(LESSONS, lessons, strict=False) if bit]
    found.checks = [name for name, bit in zip(CHECKS, checks, strict=False) if bit]
    for question in _questions():
        if letter := next(rest):
            found.predictions[question] = LETTERS[letter - 1]
    protocols = list(PROTOCOLS)
    for strategy in STRATEGIES:
        if place := next(rest):
            found.choices[strategy] = protocols[place - 1]
    return found


def path() -> Path:
    """Where the passport is kept."""
    named = os.environ.get("VOCX_PASSPORT")
    if named:
        return Path(named)
    here = Path.cwd()
    if any(here.glob("*.ipynb")) and os.access(here, os.W_OK):
        return here / FILE
    return _data_folder() / "passport.json"


def _data_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home()) / "vocx"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "vocx"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "vocx"


def load() -> Passport:
    """The passport on disk; an empty one where there is none. An unreadable file is set aside."""
    file = path()
    try:
        return msgspec.json.decode(file.read_bytes(), type=Passport)
    except OSError:
        return Passport()
    except (msgspec.DecodeError, UnicodeDecodeError):
        with _lock:
            file.replace(file.with_suffix(".unreadable"))
        print(f"The passport was unreadable; it is kept as {file.with_suffix('.unreadable').name}.")
        return Passport()


def save(change: Passport) -> Passport:
    """Merge ``change`` into the file; the whole passport. Where nothing can be written the
    change lives as long as the kernel."""
    with _lock, _alone(path().parent):
        _unsaved.merge(change)
        whole = load()
        whole.merge(_unsaved)
        for name in whole.checks:
            whole.failures.pop(name, None)
        with suppress(OSError):
            _write(path(), msgspec.json.format(msgspec.json.encode(whole), indent=1))
            _unsaved.failures, _unsaved.predictions, _unsaved.choices = {}, {}, {}
    return whole


_unsaved = Passport()
"""What this kernel changed and could not write. Lessons and checks stay in it for good: they are
only ever added, and come back when somebody puts an older file in this one's place."""


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a lock on the folder, which leaves no file behind. Without one where there can be
    none: a place that nobody can write to."""
    with ExitStack() as stack:
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            number = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, number)
            fcntl.flock(number, fcntl.LOCK_EX)
        yield


def forget() -> None:
    """Start a new passport: the file and what this kernel knows."""
    with _lock:
        with suppress(OSError):
            path().unlink(missing_ok=True)
        _unsaved.lessons, _unsaved.checks, _unsaved.quiz = [], [], False
        _unsaved.failures, _unsaved.predictions, _unsaved.choices = {}, {}, {}


def _write(file: Path, text: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".vocx_")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(text)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
