"""Scripts: text becomes actions, or a `Rejected` that says at which line and column it is none."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from robot.v1.robot_pb2 import Action, CleaningMode, CommandError, Move, ScriptPosition, SetMode, Start, Stop, Turn

MODES = {
    "water": CleaningMode.CLEANING_MODE_WATER,
    "soap": CleaningMode.CLEANING_MODE_SOAP,
    "brush": CleaningMode.CLEANING_MODE_BRUSH,
}
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
# A word or the end of a statement, which is empty at the end of the script. A comment belongs to the end of its line.
TOKEN = re.compile(r"[ \t\r]*(?P<token>[^ \t\r\n;#]+|;|(?:#[^\n]*)?\n|#[^\n]*|\Z)")
QUOTED_CHARACTERS_MAX = 24
QUOTED_BYTES_MAX = 60


class Rejected(Exception):
    """Why a command has no state."""

    def __init__(self, error: CommandError) -> None:
        super().__init__(error.message)
        self.error = error


class Token(NamedTuple):
    text: str
    line: int
    column: int

    @property
    def is_word(self) -> bool:
        return self.text[:1] not in ("", ";", "#", "\n")

    @property
    def position(self) -> ScriptPosition:
        return ScriptPosition(line=self.line, column=self.column)

    def unexpected(self, allowed: str) -> Rejected:
        found = ascii(self.text[:QUOTED_CHARACTERS_MAX])[:QUOTED_BYTES_MAX] if self.is_word else "an end"
        message = f"line {self.line}, column {self.column}: found {found}, expected {allowed}"
        reason = CommandError.REASON_SCRIPT_SYNTAX
        return Rejected(CommandError(reason=reason, message=message, script_position=self.position))


def statements(script: str) -> Iterator[tuple[ScriptPosition, Action]]:
    """Each action with the place of its first word, up to the first error."""
    rest = _tokens(script)
    while (token := next(rest)).text != "":
        if token.is_word:
            yield token.position, _action(token, rest)


def _tokens(script: str) -> Iterator[Token]:
    at, line, line_start = 0, 1, 0
    while found := TOKEN.match(script, at):
        yield Token(found["token"], line, found.start("token") - line_start + 1)
        at = found.end()
        if found["token"].endswith("\n"):
            line, line_start = line + 1, at


def _action(word: Token, rest: Iterator[Token]) -> Action:
    match word.text:
        case "move":
            action = Action(move=Move(distance=_number(next(rest))))
        case "turn":
            action = Action(turn=Turn(angle_degrees=_number(next(rest))))
        case "set":
            action = Action(set_mode=SetMode(mode=_mode(next(rest))))
        case "start":
            action = Action(start=Start())
        case "stop":
            action = Action(stop=Stop())
        case _:
            raise word.unexpected("move, turn, set, start or stop")
    after = next(rest)
    if after.is_word:
        raise after.unexpected('end of line or ";"')
    return action


def _number(token: Token) -> float:
    number = float(token.text) if NUMBER.fullmatch(token.text) else math.inf
    if not math.isfinite(number):
        raise token.unexpected("a finite number such as 90, -12.5 or 1e3")
    return number


def _mode(token: Token) -> CleaningMode.ValueType:
    if token.text not in MODES:
        raise token.unexpected("water, soap or brush")
    return MODES[token.text]
