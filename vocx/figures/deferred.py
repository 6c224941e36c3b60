"""Loading ``nbformat`` only when somebody uses it.

plotly imports it with its first figure and looks at nothing but its version (plotly 7.1,
``plotly/io/_renderers.py``). It loads ``jsonschema``, and that, in any environment with JupyterLab,
a grammar of internationalised addresses that takes more than a second of computing (jsonschema
4.26, ``_format.py``): every first chart of a kernel would come that much later.
"""

from __future__ import annotations

import sys
from importlib import import_module, metadata
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class Deferred(ModuleType):
    """Stands for a package, knows its version and its place, and loads it when asked for more."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def defer(name: str) -> None:
    """Let a package be loaded by its first use instead of by its import, if it is there."""
    if name in sys.modules:
        return
    try:
        version, spec = metadata.version(name), find_spec(name)
    except metadata.PackageNotFoundError:
        return
    if spec is not None:
        stand_in = Deferred(name)
        stand_in.__dict__.update(__version__=version, __spec__=spec, __file__=spec.origin)
        sys.modules[name] = stand_in
