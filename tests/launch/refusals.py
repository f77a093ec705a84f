"""What is said when a server cannot be started as a local process."""

from __future__ import annotations

import pytest

from kit.errors import KitError
from kit.launch.start import start


def refusal(kind: type[KitError], name: str, **options: object) -> str:
    with pytest.raises(kind) as caught:
        start(name, **{"backend": "process", **options})
    return str(caught.value)
