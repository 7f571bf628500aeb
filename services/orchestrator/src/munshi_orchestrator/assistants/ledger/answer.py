"""One message's answer while it is put together: lines, and at most one question with its buttons."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from munshi.contracts.assistant import Button, Reply, Row
from munshi.contracts.ids import MessageID

LONGEST = 4096
LONGEST_WITH_BUTTONS = 1024
_TITLE = 20
_ROW_TITLE = 24


@dataclass
class Question:
    """A line that waits for an answer, by buttons, by a list or typed."""

    text: str
    buttons: tuple[Button, ...] = ()
    rows: tuple[Row, ...] = ()
    list_label: str | None = None


@dataclass
class Answer:
    """Becomes one bubble where one serves."""

    quotes: MessageID
    lines: list[str] = field(default_factory=list)
    question: Question | None = None
    spoken: str | None = None
    """Language in which it is spoken; what has buttons is written all the same."""
    _written: dict[int, str] = field(default_factory=dict)
    """Lines that are others in writing, by their place."""

    def add(self, line: str, written: str | None = None) -> None:
        """One more line; `written` stands in its place where the answer cannot be spoken."""
        if written is not None:
            self._written[len(self.lines)] = written
        self.lines.append(line)

    def ask(self, question: Question) -> None:
        """The question at the end. One at a time: the first one stands."""
        if self.question is None:
            self.question = question

    def replies(self) -> list[Reply]:
        """The bubbles: one, or two where buttons leave too little room for the text."""
        text = "\n".join(self.lines)
        if self.question is None:
            return [self._saying(_cut(text, LONGEST))] if text else []
        asked = self.question
        whole = f"{text}\n{asked.text}" if text else asked.text
        interactive = bool(asked.buttons or asked.rows)
        if len(whole) <= (LONGEST_WITH_BUTTONS if interactive else LONGEST):
            return [self._asking(whole)]
        out = [Reply(text=_cut(text, LONGEST), quotes=self.quotes)] if text else []
        return [*out, self._asking(_cut(asked.text, LONGEST_WITH_BUTTONS))]

    def _saying(self, text: str) -> Reply:
        written = None
        if self.spoken is not None and self._written:
            lines = (self._written.get(place, line) for place, line in enumerate(self.lines))
            written = _cut("\n".join(lines), LONGEST)
        return Reply(text=text, quotes=self.quotes, spoken=self.spoken, written=written)

    def _asking(self, text: str) -> Reply:
        asked = self.question
        assert asked is not None  # noqa: S101  # only called with one
        return Reply(
            text=text,
            buttons=asked.buttons,
            rows=asked.rows,
            list_label=asked.list_label,
            quotes=self.quotes,
            spoken=None if asked.buttons or asked.rows else self.spoken,
        )


def button(button_id: str, title: str) -> Button:
    """A button whose title fits."""
    return Button(id=button_id, title=_cut(title, _TITLE))


def choices(named: Iterable[tuple[str, str]]) -> tuple[Button, ...]:
    """Buttons of names, by id. Meta refuses equal titles, so names that are cut to the same are numbered."""
    buttons: list[Button] = []
    for place, (button_id, name) in enumerate(named, start=1):
        made = button(button_id, name)
        if any(made.title == other.title for other in buttons):
            made = button(button_id, f"{place}. {name}")
        buttons.append(made)
    return tuple(buttons)


def row(row_id: str, title: str) -> Row:
    """A row of a list whose title fits."""
    return Row(id=row_id, title=_cut(title, _ROW_TITLE))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
