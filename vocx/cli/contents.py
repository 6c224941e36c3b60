"""Notebooks as JupyterLab would write them, so that one that was only read needs no saving.

A lesson is kept without the version of Python that runs it. JupyterLab adds that as soon as a
kernel has started, and then asks on leaving whether to save a notebook that nobody edited. Here it
is added when the notebook is read: the file stays as it is until the reader changes something.
"""

from __future__ import annotations

import platform
from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
"""As ipykernel calls itself."""


def language() -> dict[str, Any]:
    """What ipykernel says of its language."""
    return {
        "name": "python",
        "version": platform.python_version(),
        "mimetype": "text/x-python",
        "codemirror_mode": {"name": "ipython", "version": 3},
        "pygments_lexer": "ipython3",
        "nbconvert_exporter": "python",
        "file_extension": ".py",
    }


class Contents(AsyncLargeFileManager):
    """Files of a folder, as JupyterLab's own; notebooks of Python come with its version."""

    async def get(
        self,
        path: Any,
        content: Any = True,
        type: Any = None,
        format: Any = None,
        require_hash: Any = False,
    ) -> Any:
        """As the base class does."""
        model = await super().get(path, content, type, format, require_hash)  # type: ignore[no-untyped-call]
        if content and model["type"] == "notebook":
            metadata = model["content"]["metadata"]
            if metadata.get("kernelspec", {}).get("name") == KERNEL["name"]:
                metadata.update(kernelspec=dict(KERNEL), language_info=language())
        return model
