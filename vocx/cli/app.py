"""Commands and their options. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from vocx.cli import output
from vocx.errors import BadInput

app = typer.Typer(
    name="vocx",
    help="Learn REST and WebSocket market APIs by measuring them. Without a command: opens the "
    "lessons in JupyterLab.",
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
lesson = typer.Typer(help="For those who write lessons.", no_args_is_help=True)
app.add_typer(lesson, name="lesson")

NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Only serve, for a remote machine.")]
Port = Annotated[
    int | None,
    typer.Option(min=1, max=65535, help="Port of JupyterLab; by default the first free one."),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        help="Where your copy of the lessons lies; your edits are never overwritten.",
        show_default="./vocx-lessons, or the notebooks of a checkout",
    ),
]
VenueName = Annotated[
    str | None,
    typer.Option(
        "--venue", metavar="NAME", help="Which exchange.", show_default="the first by name"
    ),
]

VenueNames = Annotated[
    list[str] | None,
    typer.Option(
        "--venue",
        metavar="NAME",
        help="binance, okx, bybit or coinbase; again for more.",
        show_default="binance",
    ),
]


def main() -> NoReturn:
    """The console command: errors in a line or two, no traceback."""
    output.run(app)


@app.callback(invoke_without_command=True)
def vocx(
    context: typer.Context,
    no_browser: NoBrowser = False,
    port: Port = None,
    folder: Folder = None,
) -> None:
    if context.invoked_subcommand is None:
        open_lessons(no_browser, port, folder)


@app.command()
def start(no_browser: NoBrowser = False, port: Port = None, folder: Folder = None) -> None:
    """Open the lessons in JupyterLab (what `vocx` alone does)."""
    open_lessons(no_browser, port, folder)


def open_lessons(no_browser: bool, port: int | None, folder: Path | None) -> None:
    """Bring the lessons to where the learner may write, then become JupyterLab."""
    from vocx import distribution
    from vocx.cli import lessons, notebooks

    notebooks.require_jupyter()
    if port is not None:
        notebooks.require_free(port)
    here = distribution.checkout()
    if folder is not None or here is None:
        here = (folder or Path("vocx-lessons")).expanduser().resolve()
        for path, action in lessons.copy(lessons.packaged(), here):
            if action == "beside":
                print(f"your {path.name.split('-version-')[0]} is kept; new version: {path}")
    print(f"Lessons: {here} (stop with Ctrl-C)", flush=True)
    notebooks.become_jupyter(here, browser=not no_browser, port=port)


@app.command()
def exchange(
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="More files for --replay.")
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            min=0,
            max=65535,
            help="Of the first venue, and the next ones of the others; 0: any free ones.",
        ),
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="The path of the invented market.")] = 7,
    pace: Annotated[float, typer.Option(min=0.0, help="Its speed; 0 starts it paused.")] = 1.0,
    replay: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Recordings to play as the market.")
    ] = None,
    speed: Annotated[str, typer.Option(help="Of a replay: 1, 10, ... or max.")] = "1",
    skip_bad: Annotated[bool, typer.Option(help="Leave out unreadable lines.")] = False,
    loop: Annotated[
        bool, typer.Option("--loop", help="Play a recording again when it is over.")
    ] = False,
    venue: VenueNames = None,
    tls: Annotated[
        bool,
        typer.Option(help="Also over https and wss; prints its certificate."),
    ] = False,
) -> None:
    """Run an exchange in a box until Ctrl-C, for clients in any language.

    When it is ready it prints one JSON line:

    \b
      urls         by venue and purpose: rest, ws, ws_public, ...
      credentials  by venue: key, secret, and a passphrase at okx
      control      url and token of its owner's port
      tls_urls     with --tls, and the path of the certificate to trust

    Give your client these URLs instead of the venue's, with the paths,
    signatures and messages that the venue documents. The keys are new each
    time and worth nothing elsewhere.

    The clock of a replay is the recording's: it stands at the first frame
    until somebody subscribes, and orders signed with the time of today are
    refused. With --loop each end closes all connections with 1012, and ids
    and clock begin anew.

    What is true, dials and faults are for its owner: POST to the control url,
    with the token in the header X-Vocx-Token.

    \b
      {"op": "truth.book", "arguments": {"symbol": "BTC/USDT"}}
      {"op": "truth.events", "arguments": {"since": 1, "kind": "order"}}
      {"op": "network.set", "arguments":
          {"dial": "latency", "values": {"rtt_ms": 80}}}
      {"op": "fault", "arguments": {"name": "overloaded", "count": 1}}

    In the same way: pause, resume, step, pace, limits, keepalive, shutdown,
    skew, account, status. What is wrong is answered with status 400 and a
    text that says what there is.
    """
    from vocx.lab import Config, factories, recording_paths, serve

    if more and not replay:
        raise typer.BadParameter("files are for --replay: vocx exchange --replay FILE...")
    config = Config(
        seed=seed,
        pace=pace,
        replay=recording_paths([*(replay or []), *(more or [])] or None),
        speed=_speed(speed),
        skip_bad=skip_bad,
        loop=loop,
        port=port,
        tls=tls,
        venues=factories(venue),
    )
    raise typer.Exit(serve(config))


def _venue(name: str | None) -> str:
    from vocx import venues

    return name or venues.names()[0]


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        return float(text)
    except ValueError:
        raise BadInput(f'--speed is {text!r}; write a number such as 10, or "max"') from None


@app.command()
def compare(
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[MS]...", help="More distances for --rtt.")
    ] = None,
    rtt: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MS...", help="Distances, there and back.", show_default="0 20 80 200"
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(help="For the feeds at each distance.", show_default="4, with --full 20"),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="More samples, narrower intervals, p99; minutes.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="The path of the invented market.")] = 7,
    venue: VenueName = None,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object instead of a table.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Keep it for vocx.measure.load."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
) -> None:
    """REST against WebSocket: what an article says, what is documented, what is measured here.

    Opens a lab of its own: no account, no network. About a minute.
    """
    from vocx.cli import compare as comparison

    if more and not rtt:
        raise typer.BadParameter("numbers are for --rtt: vocx compare --rtt 0 20 80 200")
    distances = [*(rtt or []), *(more or [])]
    plan = comparison.plan(distances, seconds, full=full, seed=seed, venue=_venue(venue))
    path = comparison.output_path(output, overwrite=overwrite)
    try:
        found = comparison.run(plan)
    except KeyboardInterrupt:
        print("vocx: stopped; the lab is closed, nothing was written", file=sys.stderr)
        raise typer.Exit(130) from None
    not_kept: BadInput | None = None
    if path is not None:
        try:
            print(f"kept in {found.save(path, overwrite=True)}", file=sys.stderr)
        except BadInput as error:  # what took a minute is shown all the same
            not_kept = error
    if json:
        print(comparison.as_json(found, plan))
    else:
        comparison.show(found, full=full)
    if not_kept is not None:
        raise not_kept


@app.command()
def doctor(
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object instead of a table.")
    ] = False,
) -> None:
    """What works from here, and why not: the lab, the notebooks, each venue."""
    from vocx.doctor import check

    report = check()
    if json or not sys.stdout.isatty():
        print(report.json() if json else report)
    else:
        show(report)
    raise typer.Exit(0 if report.ok else 1)


def show(report: Any) -> None:
    """The doctor's report in colour; the words alone say it too."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from vocx.doctor.report import MARKS

    styles = {"ok": "green", "unreachable": "bright_black", "broken": "bold red"}
    table = Table(box=None, show_header=False, pad_edge=False)
    for one in report.findings:
        style = styles[one.status]
        words = Text(one.detail, style="" if one.status == "ok" else style)
        table.add_row(one.name, Text(MARKS[one.status], style=style), words)
    console = Console()
    console.print(table)
    console.print(report.verdict, style="bold")


@app.command()
def record(
    symbols: Annotated[
        list[str] | None, typer.Argument(metavar="[SYMBOL]...", show_default="BTC/USDT")
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Again for more.", show_default="trades, quotes, book"),
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, show_default="until Ctrl-C")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", show_default="<venue>-<symbols>-<time>.gz")
    ] = None,
    venue: VenueName = None,
    where: Annotated[str, typer.Option(help="lab, testnet or real.")] = "lab",
    lab: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A lab that runs: the url of control that it printed."),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(help="The token that stood beside that url."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
) -> None:
    """Record what a venue says, to be played by `vocx exchange --replay`."""
    from datetime import UTC, datetime
    from typing import cast

    from vocx import venues
    from vocx.exchange import connect
    from vocx.exchange.connect import Where
    from vocx.record import check_names
    from vocx.record import record as run
    from vocx.recording import check_path

    adapter = venues.get(_venue(venue))
    channels, wanted = check_names(
        adapter, channel or ["trades", "quotes", "book"], symbols or ["BTC/USDT"]
    )
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    name = "-".join(symbol.replace("/", "").lower() for symbol in wanted)
    path = output or Path(f"{adapter.name}-{name}-{stamp}.gz")
    check_path(path, overwrite=overwrite)
    if lab is None:
        if token is not None:
            raise BadInput("--token is for --lab: give the url of that lab's control too")
        running = None
    elif token is None:
        raise BadInput("--lab needs the token that stood beside the url, as --token")
    else:
        from vocx.lab import attach

        running = attach(lab, token)
    with connect(adapter.name, cast(Where, where), lab=running) as source:
        print("Recording; Ctrl-C ends it." if seconds is None else "Recording.", flush=True)
        print(run(source, channels, wanted, seconds, path, overwrite=overwrite))


@app.command()
def grade(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A folder for each student, or notebooks.")
    ],
    wanted: Annotated[
        list[str] | None,
        typer.Option(
            "--lesson", metavar="ID", help="Again for more.", show_default="those handed in"
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of the labs.", show_default="a new one")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1.0, help="For one answer.")] = 60.0,
    memory_mb: Annotated[int, typer.Option(min=16, help="For one answer.")] = 1024,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", show_default="grades.csv in FOLDER"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
) -> None:
    """Judge the answers in a class's notebooks again, in labs with a new seed; writes CSV.

    Each answer runs alone: limits on time and memory, an empty environment, a temporary home. That
    is no protection against malice: answers run with your rights. Grade what you would also open
    in Jupyter, or grade in a container.
    """
    from collections import Counter
    from secrets import randbelow

    from vocx.course.grade import NO_PROTECTION, write
    from vocx.course.grade import grade as judge_all
    from vocx.measure.result import writable

    path = writable(output or folder / "grades.csv", overwrite=overwrite, how="--overwrite")
    chosen = randbelow(2**31) if seed is None else seed
    print(NO_PROTECTION, file=sys.stderr)
    results: Counter[str] = Counter()

    def tell(one: Any) -> None:
        results[one.result] += 1
        print(f"{one.student}: {one.check or one.file} {one.result}", file=sys.stderr)

    grades = judge_all(
        folder, lessons=wanted or (), seed=chosen, seconds=seconds, memory_mb=memory_mb
    )
    write(grades, path, chosen, tell)
    print(f"{path}: {', '.join(f'{count} {name}' for name, count in results.items())}")


@lesson.command("check")
def lesson_check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Notebooks.")],
) -> None:
    """Whether a notebook keeps the page contract: size, opening, set-up, musts, pictures, ...

    Nothing is run. Prints a line for each problem, with the id of its cell; code 1 if there is one.
    """
    from vocx.course import catalogue
    from vocx.course.page import problems, rules_of

    found = {file: problems(file) for file in files}
    for file, broken in found.items():
        for problem in broken:
            print(f"{file.name}: {problem}")
        if not broken:
            count = len(rules_of(catalogue.lesson(file.name)))
            print(f"{file.name}: keeps the page contract ({count} rules)")
    raise typer.Exit(1 if any(found.values()) else 0)


@lesson.command("student")
def lesson_student(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new one.", file_okay=False)],
) -> None:
    """Write the student edition: all lessons, their solutions cut out; hints and pictures stay."""
    from vocx.cli import lessons
    from vocx.course.student_edition import write

    written = write(lessons.packaged(), folder)
    print(f"{len(written)} lessons without solutions: {folder}")


@app.command()
def version() -> None:
    """Print the version."""
    from vocx import __version__

    print(__version__)
