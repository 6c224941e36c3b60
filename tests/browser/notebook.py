"""Drive one notebook in JupyterLab as a reader does: by keyboard, looking at what is shown."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

_CELL = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-CodeCell"


class Notebook:
    """A page with one open notebook.

    ``errors`` are console errors and uncaught exceptions; ``received`` counts the bytes of all
    WebSocket frames from the server, ``sent`` those to it.
    """

    def __init__(self, browser: Any, url: str, *, dark: bool = False) -> None:
        scheme = "dark" if dark else "light"
        self.page = browser.new_page()
        self.page.set_viewport_size({"width": 1280, "height": 900})
        self.page.emulate_media(color_scheme=scheme)
        self.errors: list[str] = []
        self.received = 0
        self.sent = 0
        self.frames_sent = 0
        self.page.on("websocket", self._count)
        self.page.on("console", self._note)
        self.page.on(
            "pageerror", lambda error: self.errors.append(f"{error} {getattr(error, 'stack', '')}")
        )
        self.page.goto(url, timeout=60_000)
        self._idle()
        self.until(lambda: self.theme() == f"JupyterLab {scheme.title()}", f"a {scheme} page")

    def theme(self) -> str:
        """The name of JupyterLab's theme on this page."""
        return str(self.page.locator("body").get_attribute("data-jp-theme-name"))

    def _count(self, socket: Any) -> None:
        def received(payload: Any) -> None:
            self.received += len(payload)

        def sent(payload: Any) -> None:
            self.sent += len(payload)
            self.frames_sent += 1

        socket.on("framereceived", received)
        socket.on("framesent", sent)

    def _note(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _idle(self) -> None:
        self.page.locator(_CELL).first.wait_for(timeout=60_000)
        self.page.get_by_text("Python 3 (ipykernel) | Idle").first.wait_for(timeout=60_000)

    def cell(self, number: int) -> Any:
        """The locator of code cell ``number``, from 0."""
        return self.page.locator(_CELL).nth(number)

    def run(self, number: int, *, wait_s: float = 60.0) -> None:
        """Run a cell with Ctrl+Enter; wait until it is done unless ``wait_s`` is 0."""
        before = self.prompt(number)
        self.cell(number).locator(".cm-content").first.click()
        self.page.keyboard.press("Control+Enter")
        self.until(lambda: self.prompt(number) != before, f"cell {number} starts", 10)
        if wait_s:
            self.until(lambda: self._done(number, before), f"cell {number} ends", wait_s)

    def _done(self, number: int, before: str) -> bool:
        now = self.prompt(number)
        return now != before and now.strip("[]: ").isdigit()

    def prompt(self, number: int) -> str:
        return str(self.cell(number).locator(".jp-InputPrompt").first.inner_text())

    def look_at(self, number: int) -> None:
        """Scroll to a cell: what is out of sight has no text."""
        self.cell(number).scroll_into_view_if_needed()

    def output(self, number: int) -> str:
        """The text that a cell shows below it."""
        return str(self.cell(number).locator(".jp-Cell-outputArea").inner_text())

    def until(self, true: Callable[[], object], what: str, deadline_s: float = 30.0) -> None:
        """Wait until ``true()``; names ``what`` in the failure."""
        end = time.monotonic() + deadline_s
        while not true():
            if time.monotonic() > end:
                raise AssertionError(f"not within {deadline_s} s: {what}; errors: {self.errors}")
            self.page.wait_for_timeout(50)

    def interrupt(self, number: int) -> None:
        """End a cell that runs, as a reader does: Kernel menu, Interrupt."""
        self.page.get_by_role("menuitem", name="Kernel", exact=True).click()
        self.page.locator('[data-command="kernelmenu:interrupt"]').click()
        self.until(lambda: "*" not in self.prompt(number), f"cell {number} ends")

    def restart_kernel(self, *, clear: bool = True) -> None:
        """As a reader does: Kernel menu, Restart and Clear Outputs (or only Restart), yes."""
        command = "restart-and-clear" if clear else "restart"
        self.page.keyboard.press("Escape")
        self.page.get_by_role("menuitem", name="Kernel", exact=True).click()
        self.page.locator(f'[data-command="kernelmenu:{command}"]').click()
        self.page.locator(".jp-Dialog button.jp-mod-accept").click()
        self.look_at(0)
        if clear:
            self.until(lambda: self.prompt(0) == "[ ]:", "the kernel restarts")
        self._idle()

    def end_kernel(self) -> None:
        """As a reader does: Kernel menu, Shut Down Kernel."""
        self.page.keyboard.press("Escape")
        self.page.get_by_role("menuitem", name="Kernel", exact=True).click()
        self.page.locator('[data-command="kernelmenu:shutdown"]').click()
        self.page.get_by_text("No Kernel | Idle").or_(
            self.page.get_by_text("No Kernel | Unknown")
        ).first.wait_for(timeout=20_000)

    def save(self) -> None:
        """Write the notebook to its file, as Ctrl+S does."""
        self.page.keyboard.press("Control+s")
        self.until(lambda: not self.dirty, "it is saved", 10)

    @property
    def dirty(self) -> bool:
        """Whether JupyterLab would ask to save the notebook that is open."""
        return int(self.page.locator(".lm-TabBar-tab.jp-mod-dirty").count()) > 0

    def reload(self) -> None:
        """Load the page again, as the browser's reload button does."""
        self.page.evaluate("() => history.replaceState(null, '', location.href.split('?')[0])")
        self.page.reload()
        self._idle()

    def shot(self, path: str) -> None:
        self.page.screenshot(path=path)

    def close(self) -> None:
        self.page.close()
