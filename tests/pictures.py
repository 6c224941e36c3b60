"""Make the "you should see" pictures of the lessons: ``python tests/pictures.py [02 ...]``.

Opens each notebook in a real JupyterLab, runs it from the top, and takes what a cell shows
last, wherever the text behind it has a picture ``images/NN_name.png`` (or ``.gif``: the same,
moving). The lab's seed is fixed, so the market is the same each time; arrival times are not.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
from browser.conftest import FLAGS, find_chromium
from browser.jupyter import Server
from browser.notebook import Notebook
from PIL import Image
from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
PICTURE = re.compile(r"!\[[^\]]*\]\((images/[^)]+)\)")
SETTLE_MS = 8_000
"""A live view gets so long to have something to show."""
FRAMES, FRAME_MS = 32, 250
WIDTH = {".png": 880, ".gif": 640}
COLORS = {".png": 64, ".gif": 48}
NO_TOOLS = ".modebar { display: none !important; }"
"""The page's style for pictures: no tool bar that happens to be under the mouse."""


def wanted(path: Path) -> dict[int, list[str]]:
    """Pictures by the number of the code cell that shows them."""
    found: dict[int, list[str]] = {}
    number = -1
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            number += 1
        elif pictures := PICTURE.findall(cell.source):
            found.setdefault(number, []).extend(pictures)
    return found


def take(output: Any, picture: Path, page: Any) -> None:
    """One output area as a picture, or as a short film of it."""
    picture.parent.mkdir(exist_ok=True)
    count = FRAMES if picture.suffix == ".gif" else 1
    width, frames, times = WIDTH[picture.suffix], [], []
    for number in range(count):
        shot = Image.open(io.BytesIO(output.screenshot())).convert("RGB")
        if shot.width > width:
            shot = shot.resize((width, round(shot.height * width / shot.width)), Image.LANCZOS)
        frames.append(shot)
        times.append(time.monotonic())
        if number < count - 1:
            page.wait_for_timeout(FRAME_MS)
    # One palette and no dithering: what does not move is the same in each frame and costs nothing.
    palette = frames[-1].quantize(COLORS[picture.suffix], Image.Quantize.MAXCOVERAGE)
    frames = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in frames]
    film: dict[str, Any] = {}
    if count > 1:
        # Frames last as long as they took: the film is no faster than the market.
        spans = [round(1000 * (later - before)) for before, later in pairwise(times)]
        film = {"save_all": True, "append_images": frames[1:], "loop": 0}
        film["duration"] = [*spans, 2000]
    frames[0].save(picture, optimize=True, **film)
    print(f"{picture.relative_to(FOLDER)}: {picture.stat().st_size / 1024:.0f} KB")


def shoot(notebook: Notebook, pictures: dict[int, list[str]]) -> None:
    """Run the cells in order as far as the last picture."""
    for number in range(max(pictures) + 1):
        notebook.cell(number).scroll_into_view_if_needed()
        notebook.run(number)
        if names := pictures.get(number):
            output = notebook.cell(number).locator(".jp-OutputArea-output:visible").last
            output.scroll_into_view_if_needed()
            notebook.page.wait_for_timeout(SETTLE_MS)
            for name in names:
                take(output, FOLDER / name, notebook.page)


def lessons(chosen: Sequence[str]) -> Iterator[tuple[Path, dict[int, list[str]]]]:
    for path in sorted(FOLDER.glob("*.ipynb")):
        if not chosen or path.stem.split("_")[0] in chosen:
            yield path, wanted(path)


def main(chosen: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="vocx-pictures-") as home:
        server = Server(Path(home))
        server.start()
        try:
            with sync_playwright() as playwright:
                chromium = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
                for path, pictures in lessons(chosen):
                    if not pictures:
                        continue
                    shutil.copy(path, server.root)
                    url = f"{server.url}/lab/tree/{path.name}?token={server.token}&reset"
                    notebook = Notebook(chromium, url)
                    notebook.page.add_style_tag(content=NO_TOOLS)
                    shoot(notebook, pictures)
                    notebook.close()
                chromium.close()
        finally:
            server.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
