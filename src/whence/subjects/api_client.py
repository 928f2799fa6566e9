"""Requests to an OpenAI-compatible server: several at once, retried, counted and limited."""

import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any

from whence.errors import CallError, MissingExtraError

Request = tuple[str, dict[str, Any]]
"""An endpoint, "completions" or "chat/completions", and what is sent to it."""

_SHOWN = 300
"""How many characters of a server's message an error repeats."""


class ApiClient:
    """Sends requests for one model by the `openai` package, which waits and retries.

    `sent` counts the requests, each retry as one more; there are never more than `max_requests`. The key is sent to
    this server and nowhere else, and neither key, organisation nor address is taken from the environment.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str | None,
        timeout: float,
        max_retries: int,
        max_requests: int | None,
        concurrency: int,
    ) -> None:
        try:
            import openai
        except ImportError as error:
            raise MissingExtraError("openai", "llm", "whence.load_api") from error
        self.base_url = base_url
        self.model = model
        self.sent = 0
        self.version = str(openai.__version__)
        self._key = api_key
        self._timeout = timeout
        self._max_retries = max_retries
        self._max_requests = max_requests
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self._openai = openai
        unsaid: Any = {"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit()}
        self._client = openai.OpenAI(
            base_url=base_url, api_key=api_key or "none", timeout=timeout, default_headers=unsaid
        )

    def ask(self, requests: Sequence[Request]) -> list[dict[str, Any]]:
        """The server's answers, in order, some requests at a time; `CallError` for the first that fails."""
        self._reserve(len(requests))
        with ThreadPoolExecutor(min(self._concurrency, len(requests))) as pool:
            futures = [pool.submit(self._answer, *request) for request in requests]
            try:
                for failed in wait(futures, return_when=FIRST_EXCEPTION).done:
                    failed.result()
            finally:
                self._give_back(sum(future.cancel() for future in futures))
            return [future.result() for future in futures]

    def _answer(self, endpoint: str, body: dict[str, Any]) -> dict[str, Any]:
        """One answer; of the retries it may take, those not taken are given back."""
        allowed = self._reserve_retries()
        client = self._client.with_options(max_retries=allowed)
        asked = client.completions if endpoint == "completions" else client.chat.completions
        taken = 0
        try:
            raw = asked.with_raw_response.create(model=self.model, **body)
            taken = raw.retries_taken
            answer = raw.http_response.json()
        except self._openai.OpenAIError as error:
            taken = allowed if self._is_retried(error) else 0
            hidden = self._key is not None and self._key in f"{error} {getattr(error, 'body', '')}"
            raise CallError(self._reason(error, endpoint, taken)) from (None if hidden else error)
        except ValueError as error:
            raise CallError(f"{self._where(endpoint)} answered something that is not JSON: {error}.") from error
        finally:
            self._give_back(allowed - taken)
        if not isinstance(answer, dict):
            raise CallError(f"{self._where(endpoint)} answered a {type(answer).__name__}, wanted an object of JSON.")
        return answer

    def _reserve(self, count: int) -> None:
        with self._lock:
            if self._max_requests is not None and self.sent + count > self._max_requests:
                raise CallError(
                    f"This would send {count} more requests to {self.base_url}, and {self.sent} of "
                    f"max_requests={self._max_requests} are sent. Raise it: leave-one-out sends one request a word, "
                    f"one for the prompt, and one for a continuation's tokens."
                )
            self.sent += count

    def _reserve_retries(self) -> int:
        with self._lock:
            left = self._max_retries if self._max_requests is None else self._max_requests - self.sent
            allowed = min(self._max_retries, left)
            self.sent += allowed
            return allowed

    def _give_back(self, count: int) -> None:
        with self._lock:
            self.sent -= count

    def _is_retried(self, error: Exception) -> bool:
        status = getattr(error, "status_code", None)
        return isinstance(error, self._openai.APIConnectionError) or status in (408, 409, 429) or (status or 0) >= 500

    def _where(self, endpoint: str) -> str:
        return f"{self.base_url.rstrip('/')}/{endpoint}"

    def _reason(self, error: Exception, endpoint: str, retries: int) -> str:
        """What went wrong, in the server's words where it has any, and what to do."""
        where, after = self._where(endpoint), f" after {retries} retries" if retries else ""
        if isinstance(error, self._openai.APITimeoutError):
            return f"{where} did not answer within {self._timeout:g} s{after}. Raise timeout=, or lower concurrency=."
        if isinstance(error, self._openai.APIConnectionError):
            return (
                f"Cannot reach {where}{after}: {self._said(error.__cause__ or error)}. Is the server running, and does "
                f"base_url end as it should (often in /v1)?"
            )
        status = getattr(error, "status_code", None)
        return f"{where} answered {status}{after}: {self._said(error)}. {_NEXT.get(status or 0, _NEXT_OF_OTHERS)}"

    def _said(self, error: BaseException) -> str:
        body = getattr(error, "body", None)
        text = str(body.get("message") or error) if isinstance(body, dict) else str(error)
        text = " ".join(text.split())[:_SHOWN].rstrip(".") or type(error).__name__
        return text if not self._key else text.replace(self._key, "***")


_REFUSED_KEY = "Give the server's key as api_key=; none is read from the environment."
_REFUSED_FIELDS = (
    "If it is the number of log-probabilities, lower top_logprobs=; if the server cannot echo a prompt, leave the "
    "continuation out."
)
_NEXT = {
    400: _REFUSED_FIELDS,
    401: _REFUSED_KEY,
    403: _REFUSED_KEY,
    404: "Does the server have this model and endpoint? One that only chats is given a list of messages, not a text.",
    422: _REFUSED_FIELDS,
    429: "Lower concurrency=, raise max_retries=, or wait.",
}
_NEXT_OF_OTHERS = "The server's own log may say why."
