"""How a subscriber's questions about single windows are answered, while everything else goes on."""

import asyncio
import logging
from collections.abc import Callable

from hub.messages import Error, Explain, Explained, SentRevision
from hub.outbound import Outbound
from hub.topics import Topic
from streams.engine import Engine, Explanation
from streams.errors import StoreUnavailable, StreamsError

log = logging.getLogger(__name__)

MOST_QUESTIONS = 32
"""Questions of one socket that may wait for an answer; each costs the database a query of its own."""
RETRY_MS = 1_000


class Explainer:
    """Answers one socket's questions, one at a time, in the order asked."""

    __slots__ = ("_engine", "_outbound", "_questions", "_refuse", "_turn")

    def __init__(self, engine: Engine, outbound: Outbound, refuse: Callable[[Error], None]) -> None:
        """`refuse` tells an error."""
        self._engine = engine
        self._outbound = outbound
        self._refuse = refuse
        self._questions: dict[asyncio.Task[None], str] = {}
        self._turn = asyncio.Lock()

    def ask(self, request: Explain, topic: Topic) -> None:
        """Answer later, with `explained` or `error`."""
        if len(self._questions) >= MOST_QUESTIONS:
            message = f"{MOST_QUESTIONS} explanations are under way on this socket; ask again when they have come"
            self._refuse(Error(request.id, "too_many_questions", message, RETRY_MS))
            return
        task = asyncio.get_running_loop().create_task(self._answer(request, topic))
        self._questions[task] = request.id
        task.add_done_callback(lambda task: self._questions.pop(task, None))

    def forget(self, name: str) -> None:
        """The subscription of this name has ended: nobody waits for what was asked of it."""
        for task in [task for task, named in self._questions.items() if named == name]:
            task.cancel()

    async def _answer(self, request: Explain, topic: Topic) -> None:
        try:
            async with self._turn:
                explanation = await self._engine.explain(topic.plan, request.stop)
                await self._outbound.drained()
            self._outbound.message(_explained(request.id, topic.key, explanation))
        except StreamsError as error:
            self._refuse(error_message(request.id, error))
        except Exception:
            log.exception("a window of %s could not be explained", topic.plan.query)
            self._refuse(Error(request.id, "internal", "the hub failed at this; its log says why"))


def error_message(name: str, error: StreamsError) -> Error:
    """The message that a request has failed for this reason."""
    retry_after = round((error.retry_after or 1) * 1_000) if isinstance(error, StoreUnavailable) else None
    return Error(id=name, code=error.code, message=str(error), retry_after_ms=retry_after)


def _explained(name: str, plan_key: str, explanation: Explanation) -> Explained:
    window = explanation.window
    return Explained(
        id=name,
        plan=plan_key,
        start=window.start,
        stop=window.stop,
        way=explanation.way,
        query=explanation.query,
        query_ms=explanation.query_ms,
        points=window.points,
        first=window.first,
        last=window.last,
        late=explanation.late,
        revisions=[SentRevision(*sending) for sending in explanation.sendings],
        rows=window.rows,
    )
