"""Waiting: by looking again, until a deadline. What was seen last is told when it passes."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# For what takes seconds. On a machine that does much else it takes longer, and only a failure waits until the end.
LONG = 180


class Unmet(Exception):
    """What is waited for is not so yet; the text says what is there instead."""


def until(what: str, look: Callable[[], T], seconds: float = LONG, pause: float = 0.2) -> T:
    """Looks until `look` raises nothing that may pass, and gives back what it then gave."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return look()
        except (Unmet, OSError) as error:
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s in vain for {what}; last seen: {error}") from None
        time.sleep(pause)


def check(holds: bool, otherwise: str) -> None:
    """Fails unless it holds. `assert` could be turned off."""
    if not holds:
        raise AssertionError(otherwise)
