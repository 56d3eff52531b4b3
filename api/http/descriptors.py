"""The limit of file descriptors of the process: each connection needs one."""

import resource
from typing import Final

_UNLIMITED: Final = resource.RLIM_INFINITY


def raise_descriptor_limit(wanted: int) -> int:
    """Raise the limit to the wanted number, or as far as allowed; return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == _UNLIMITED else min(wanted, hard)
    if soft == _UNLIMITED or soft >= allowed:
        return wanted if soft == _UNLIMITED else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError):  # macOS has another maximum
        return soft
    return allowed
