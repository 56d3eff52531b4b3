"""The garbage collector at rest, while much is built that is kept."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_paused() -> Iterator[None]:
    """Let the garbage collector rest during a block, or (as a decorator) during every call.

    A large declaration, or a plan of one, is a million objects, none of them garbage: the collector
    goes through all of them each time that a quarter more are there, which takes longer than
    building them. What is freed by counting references is freed as ever. Nothing may wait in the
    block, so that the rest is short.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
