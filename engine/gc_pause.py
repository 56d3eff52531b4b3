"""A pause of the garbage collector."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_paused() -> Iterator[None]:
    """Disable the cyclic garbage collector during a block, or (as a decorator) a call.

    A large declaration, or its plan, consists of a million objects of which none is garbage.
    The collector would scan them again and again, which takes longer than creating them. Do not
    await in the block, because the pause affects the whole process.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
