"""What a file does not say is asked in one message, with a command that answers it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pandas as pd

from whychurn.errors import StudyError
from whychurn.sources.names import shown
from whychurn.sources.roles import OpenQuestion, churn_values

Answer = TypeVar("Answer")
OPTIONS = {"--tenure": "COLUMN", "--churned": "COLUMN", "--churned-when": "VALUE"}


@dataclass
class Answers:
    """Options given for a data file, and the questions that stay open.

    Attributes
    ----------
    folder : Path
    file : str
        Name of the data file.
    given : Mapping of str to str, sequence of str or None
        Option -> what was given for it.
    """

    folder: Path
    file: str
    given: Mapping[str, str | Sequence[str] | None]
    questions: list[OpenQuestion] = field(default_factory=list)

    def ask(self, find: Callable[[], Answer]) -> Answer | None:
        """Return what `find` finds; keep the question that it leaves open."""
        try:
            return find()
        except OpenQuestion as question:
            self.questions.append(question)
            return None

    def open_questions(self, text: pd.DataFrame) -> StudyError:
        """Return one error with every open question, and a command that answers them with likely guesses.

        Parameters
        ----------
        text : pandas.DataFrame
            The file as text: if the column of churn is only guessed, so is the value that means "left".
        """
        guesses = {question.option: question.guess for question in self.questions}
        guess = guesses.get("--churned")
        if guess and not self.given["--churned-when"]:
            try:
                churn_values(text[guess], guess, None)
            except OpenQuestion as question:
                guesses[question.option] = question.guess
        command = f"For example: {self._command(guesses)}"
        asked = [str(question) for question in self.questions]
        if len(asked) == 1:
            return StudyError(f"{asked[0]} {command}")
        title = f"{len(asked)} things cannot be told from {shown(self.file)}:"
        return StudyError("\n".join([title, *(f"- {question}" for question in asked), command]))

    def _command(self, guesses: Mapping[str, str]) -> str:
        words = ["whychurn", "new", str(self.folder), "--file", self.file]
        for option, placeholder in OPTIONS.items():
            given = self.given[option]
            value = given if isinstance(given, str) else given[0] if given else guesses.get(option, "")
            if value or option in guesses:
                words += [option, value or placeholder]
        return shlex.join(words)
