"""``predict`` and ``choices``: say what you expect before you look; ``verdict`` when you did.

Both are radio buttons in a notebook and text everywhere else, and never wait: a cell returns at
once, with or without an answer. ``answer=`` answers from code. The first choice counts, and what
was right is not said before the experiment has run: its cell calls ``verdict``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from vocx.course import display, passport
from vocx.course.catalogue import PROTOCOLS, STRATEGIES, lesson
from vocx.errors import BadInput, optional_parts
from vocx.text import fold

_open: dict[str, list[Any]] = {}
"""Widgets on the page by question: asked again, the old ones are closed."""
_asked: dict[str, Prediction] = {}
"""Questions of this kernel that wait for their experiment, or have had it."""
_KEPT = "Kept. The experiment will tell."


# What is right stands here and not in the notebooks, so that nobody reads it above the buttons.
RIGHT: dict[str, tuple[str, str]] = {
    "00.1": (
        "b",
        "News travels half the round trip, whether it answers a question or not.",
    ),
    "01.1": (
        "c",
        "TCP and TLS have said hello already. What remains is the question and its answer.",
    ),
    "02.1": (
        "b",
        "The answer says that the name is well formed, not that such a stream exists.",
    ),
    "02b.1": (
        "b",
        "A kernel is an asyncio program itself: its loop runs while your cell does, and "
        "asyncio.run does not start a second one in the same thread.",
    ),
    "03.1": (
        "b",
        "A level that the lost message deleted is never deleted again. It waits for the price.",
    ),
    "04.1": (
        "b",
        "The exchange makes the HMAC over the bytes that it received. Other bytes, other HMAC.",
    ),
    "05.1": (
        "b",
        "quotes speak at each change: half a round trip, 10 ms. REST every 250 ms: 10 + 125. "
        "ticker speaks once a second, pushed or not: 10 + 500.",
    ),
    "05.2": (
        "c",
        "Most updates change only a quantity, and the price moves in bursts: on the recorded "
        "session half of all seconds had no change of it. Such a poll was wrong 31 % of the time.",
    ),
    "05b.1": (
        "c",
        "One message is less than a third of a call, but more than a hundred came each second of "
        "the recorded session: 16.5 KiB/s against 0.54.",
    ),
    "05b.2": (
        "b",
        "Who buys at random meets a price that has fallen as often as one that has risen. Who "
        "quotes does not choose the moment: the others come exactly when the quote is wrong.",
    ),
    "06.1": (
        "c",
        "Half the round trip, 10 ms, and then the change waits for the next look: 50 ms of 100 on "
        "average. The way from the exchange was the shorter part.",
    ),
    "07.1": (
        "c",
        "The pong proves the socket and a server at its other end. REST proves that there was "
        "something to say. What is left is the feed.",
    ),
    "08.1": (
        "c",
        "Where the first one had arrived there are two now, where it had not there is one, and "
        "you were told the same both times. Without an id there is nothing to ask for.",
    ),
    "09.1": (
        "b",
        "Coinbase prints the side of the order that waited in the book, the maker's. The others "
        "print the taker's; Binance says it as a yes or no.",
    ),
    "10.1": (
        "d",
        "It is 40 new orders a second, and an account may place 100 in ten seconds, by whichever "
        "way they come and however short it is.",
    ),
    "11.1": (
        "c",
        "A level is a queue. The older order gets all it wants, and the newer one what is left: "
        "price first, then time. (Some futures markets do share by size.)",
    ),
}
"""By question: the right letter, and what is said after the experiment."""


class Prediction:
    """A question and, once given, its answer.

    Attributes
    ----------
    choice : str or None
        The letter that was chosen first.
    told : bool
        Whether the experiment has run: only then is it said what is right.
    """

    def __init__(self, key: str, question: str, options: Mapping[str, str]) -> None:
        self.key, self.question, self.options = key, question, options
        self.right, self._why = RIGHT[key]
        self.choice: str | None = None
        self.told = False

    @property
    def correct(self) -> bool | None:
        """Whether it was right; ``None`` while unanswered."""
        return None if self.choice is None else self.choice == self.right

    def choose(self, letter: str) -> None:
        """Answer, and keep it in the passport. The first answer counts, any later one does not,
        nor one that is given when the experiment has told."""
        wanted = str(letter).strip().strip("()").lower()
        if wanted not in self.options:
            raise BadInput(f"there is no option {letter!r}; there are {', '.join(self.options)}")
        if self.choice is None and not self.told:
            self.choice = wanted
            passport.save(passport.Passport(predictions={self.key: wanted}))

    def verdict(self) -> str:
        """What was chosen, what is right, and why."""
        right = f"({self.right}) {self.options[self.right]}".rstrip(".")
        if self.choice is None:
            said = f"You made no prediction. It is {right}."
        elif self.correct:
            said = f"You said {right}, and so it is."
        else:
            said = f"You said ({self.choice}). It is {right}."
        return f"{said} {self._why}"

    def state(self) -> str:
        """What is known of it: nothing, that it is kept, or after the experiment the verdict."""
        if self.told:
            return self.verdict()
        return "" if self.choice is None else _KEPT

    def text(self) -> str:
        """The text twin: question, options and what is known."""
        lines = [self.question]
        lines += [
            f"  ({letter}) {option}{' <- yours' if letter == self.choice else ''}"
            for letter, option in self.options.items()
        ]
        lines.append(self.state() or 'Answer with the buttons, or with answer="a".')
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Prediction {self.key}: {self.choice or 'not answered yet'}>"

    def _ipython_display_(self) -> None:
        """Nothing: it is on the page already."""


def predict(
    name: str,
    question: str,
    options: Sequence[str],
    *,
    answer: str | None = None,
) -> Prediction:
    """Ask for a prediction. What was right is said by :func:`verdict`, after the experiment.

    Parameters
    ----------
    name : str
        Lesson and number, ``"02.1"``; the lesson alone means its first question. What is right
        stands in :data:`RIGHT`.
    question : str
        What will happen?
    options : sequence of str
        Two to seven of them; they get the letters a, b, c, ...
    answer : str, optional
        A letter: answers at once, without buttons. The first answer counts.
    """
    key = question_key(name)
    letters = dict(zip(passport.LETTERS, map(str, options), strict=False))
    if not 2 <= len(options) <= len(passport.LETTERS):
        raise BadInput(f"give two to {len(passport.LETTERS)} options, not {len(options)}")
    if key not in RIGHT or RIGHT[key][0] not in letters:
        raise BadInput(f"what is right of {key} stands not in RIGHT of vocx/course/predictions.py")
    asked = _asked[key] = Prediction(key, question, letters)
    earlier = passport.load().predictions.get(key)
    asked.choice = earlier if earlier in letters else None
    if answer is not None:
        asked.choose(answer)
    if answer is None and display.in_notebook():
        _show_prediction(asked)
    else:
        print(asked.text())
    return asked


def verdict(name: str) -> None:
    """Say what was right, in the cell of the experiment that has shown it.

    Later choices do not count any more. Where the question was not asked in this kernel there is
    nothing to say.
    """
    key = question_key(name)
    asked = _asked.get(key)
    if asked is None:
        print(f"Prediction {key}: run its cell first, to be told.")
        return
    asked.told = True
    print(fold(f"Prediction {key}: {asked.verdict()}"))
    for widget in _open.get(key, ()):
        if hasattr(widget, "disabled"):
            widget.disabled = True
    _keep(key, asked.text())


def question_key(name: str) -> str:
    """``"02.1"`` of ``"02"`` or ``"02.1"``."""
    head, _, number = str(name).partition(".")
    place = number or "1"
    if place not in ("1", "2"):
        raise BadInput(f"{name!r}: a lesson has at most two predictions, .1 and .2")
    return f"{lesson(head).id}.{place}"


def _show_prediction(asked: Prediction) -> None:
    with optional_parts():
        import ipywidgets as widgets

    said = widgets.HTML(_paragraph(asked.state()))

    def tell(text: str) -> None:
        said.value = _paragraph(text)

    buttons = widgets.RadioButtons(
        options=[(f"({letter}) {text}", letter) for letter, text in asked.options.items()],
        value=asked.choice,
        disabled=asked.choice is not None,
        layout=widgets.Layout(width="max-content"),
    )

    def chosen(change: Any) -> str:
        if change["new"] is not None:
            asked.choose(change["new"])
        buttons.disabled = asked.choice is not None
        _keep(asked.key, asked.text())
        return asked.state()

    buttons.observe(display.callback(chosen, tell), names="value")
    head = widgets.HTML(f"<b>{escape(asked.question)}</b>")
    _put(asked.key, f"Prediction {asked.key}", [head, buttons, said], asked.text())


def _paragraph(text: str) -> str:
    return f'<div style="max-width: 46em; line-height: 1.4">{escape(text)}</div>' if text else ""


def _put(key: str, title: str, widgets: Sequence[Any], text: str) -> None:
    """Show a box in place of the one that asked the same before, with text for other readers."""
    with optional_parts():
        from vocx.views.twin import BoxWithText, show

    for old in _open.pop(key, []):
        old.close()
    box = BoxWithText(widgets, title, text)
    _open[key] = [*widgets, box]
    show(box)


def _keep(key: str, text: str) -> None:
    """Have the text below a box say what is known now."""
    if key in _open:
        _open[key][-1].keep_text(text)


_CHOOSE = "Which protocol would you take? Your answers come back in lesson 10."


class Choices(dict[str, str]):
    """Protocol by strategy, ``{"dca": "rest"}``; it grows while buttons are pressed."""

    def _ipython_display_(self) -> None:
        """Nothing: it is on the page already."""


def choices(answer: Mapping[str, str] | None = None) -> Choices:
    """Choose a protocol for each of the seven strategies; kept in the passport for lesson 10.

    Parameters
    ----------
    answer : mapping of str to str, optional
        Answers from code: ``{"dca": "rest", "scalp": "ws", "maker": "both"}``.

    Returns
    -------
    Choices
        A dict: what is chosen so far, ``"rest"``, ``"ws"`` or ``"both"`` by strategy.
    """
    kept = Choices(passport.load().choices)
    if answer is not None:
        for strategy, protocol in answer.items():
            _check_choice(strategy, protocol)
        kept |= answer
        passport.save(passport.Passport(choices=dict(answer)))
    if answer is None and display.in_notebook():
        _show_choices(kept)
    else:
        print(choices_text(kept))
    return kept


def choices_text(kept: Mapping[str, str]) -> str:
    """The text twin of the table."""
    lines = [_CHOOSE]
    for key, text in STRATEGIES.items():
        chosen = PROTOCOLS.get(kept.get(key, ""), "?")
        lines.append(f"  {key:<11}{text:<48}{chosen}")
    return "\n".join(lines)


def _check_choice(strategy: str, protocol: str) -> None:
    if strategy not in STRATEGIES:
        raise BadInput(f"no strategy {strategy!r}; there are {', '.join(STRATEGIES)}")
    if protocol not in PROTOCOLS:
        raise BadInput(f"no protocol {protocol!r}; there are {', '.join(PROTOCOLS)}")


def _show_choices(kept: dict[str, str]) -> None:
    with optional_parts():
        import ipywidgets as widgets

    said = widgets.HTML(_paragraph(_tally(kept)))

    def tell(text: str) -> None:
        said.value = _paragraph(text)

    rows = []
    for key, text in STRATEGIES.items():
        buttons = widgets.ToggleButtons(
            options=[(name, protocol) for protocol, name in PROTOCOLS.items()],
            value=kept.get(key),
            tooltips=[text] * len(PROTOCOLS),
        )
        buttons.style.button_width = "auto"

        def chosen(change: Any, strategy: str = key) -> str:
            if change["new"] is not None:
                kept[strategy] = change["new"]
                passport.save(passport.Passport(choices={strategy: change["new"]}))
            _keep("choices", choices_text(kept))
            return _tally(kept)

        buttons.observe(display.callback(chosen, tell), names="value")
        label = widgets.HTML(escape(text), layout=widgets.Layout(width="24em"))
        rows.append(widgets.HBox([label, buttons]))
    head = widgets.HTML(f"<b>{escape(_CHOOSE)}</b>")
    _put("choices", "Your choices", [head, *rows, said], choices_text(kept))


def _tally(kept: Mapping[str, str]) -> str:
    done = sum(key in kept for key in STRATEGIES)
    return f"{done} of {len(STRATEGIES)} chosen; kept for lesson 10."
