"""Questions about windows that wait for their answers, which the hub gives in the order asked. Pure but for futures."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from hub.client.errors import HubError, HubRefused
from hub.client.messages import Error, Explained


@dataclass(eq=False, slots=True)
class Question:
    """What is the window that stops then made of?"""

    stop: int
    answer: "asyncio.Future[Explained]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Questions:
    """Those of one subscription, over all its connections."""

    def __init__(self) -> None:
        self._waiting: deque[Question] = deque()

    def ask(self, stop: int) -> Question:
        """One more."""
        question = Question(stop)
        self._waiting.append(question)
        return question

    def again(self) -> list[Question]:
        """Those to ask on a new connection; nobody waits for the others any more."""
        self._waiting = deque(question for question in self._waiting if not question.answer.done())
        return [*self._waiting]

    def answered(self, message: Explained) -> None:
        """An answer has come."""
        found = next((question for question in self._waiting if question.stop == message.stop), None)
        if found is not None:
            self._waiting.remove(found)
            if not found.answer.done():
                found.answer.set_result(message)

    def failed(self, error: Error) -> bool:
        """An error has come; whether it was the answer to a question."""
        if not self._waiting:
            return False
        question = self._waiting.popleft()
        if not question.answer.done():
            passes = error.retry_after_ms is not None
            question.answer.set_exception(HubError(error.message) if passes else HubRefused(error.message, error.code))
        return True
