"""From the address of a server to the subject that explains its model."""

from numbers import Real
from urllib.parse import urlsplit

from whence.errors import LoadError
from whence.subjects.api_client import ApiClient
from whence.subjects.api_lm import ApiLM, Unlisted

_ROUNDS = 8
"""How many requests a batch holds for each that is under way at once."""


def load_api(
    base_url: str,
    model: str,
    *,
    api_key: str | None = None,
    timeout: float = 60.0,
    max_retries: int = 2,
    max_requests: int | None = None,
    concurrency: int = 4,
    top_logprobs: int = 20,
    unlisted: Unlisted = "error",
    mask: str | None = None,
) -> ApiLM:
    """The language model that an OpenAI-compatible server offers under the name `model`, ready to be explained.

    - `base_url`: where the server is, such as "http://localhost:8000/v1".
    - `api_key`: the server's key, where it wants one; none is read from the environment.
    - `timeout`, `max_retries`: seconds to wait for one answer, and how often to ask again when the server is busy,
      failing or silent.
    - `max_requests`: a hard limit on requests, retries counted: a `CallError` comes before it is exceeded.
    - `concurrency`: how many requests are under way at once.
    - `top_logprobs`: how many of the likeliest tokens the server is asked to list for the next token.
    - `unlisted`: what to do where the explained token is not among them for a masked input: "error", or "bound", which
      takes the lowest log-probability listed, an upper bound; the provenance says so.
    - `mask`: the text that stands in a masked word's place; by default the word is deleted.

    Nothing is sent before the first explanation. Raises `LoadError` for settings that cannot be, `MissingExtraError`
    without the package `openai`. See `ApiLM` for what can be explained.
    """
    _refuse_address(base_url)
    if not isinstance(model, str) or not model:
        raise LoadError(f"model={model!r} is no name. Wanted: the name the server gives its model.")
    if isinstance(timeout, bool) or not isinstance(timeout, Real) or not 0 < timeout < float("inf"):
        raise LoadError(f"timeout={timeout!r} is no number of seconds above 0.")
    _refuse_count("max_retries", max_retries, 0)
    _refuse_count("concurrency", concurrency, 1)
    _refuse_count("top_logprobs", top_logprobs, 1)
    if max_requests is not None:
        _refuse_count("max_requests", max_requests, 1)
    if unlisted not in ("error", "bound"):
        raise LoadError(f"unlisted={unlisted!r} is not known. Wanted: 'error' or 'bound'.")
    client = ApiClient(base_url, model, api_key, timeout, max_retries, max_requests, concurrency)
    return ApiLM(client, top_logprobs, unlisted, mask, concurrency * _ROUNDS)


def _refuse_address(base_url: object) -> None:
    wanted = "Wanted: an address such as 'http://localhost:8000/v1'"
    try:
        parts = urlsplit(base_url) if isinstance(base_url, str) else urlsplit("")
    except ValueError as error:
        raise LoadError(f"base_url is no address: {error}. {wanted}.") from error
    if parts.username is not None or parts.password is not None or parts.query:
        raise LoadError(f"base_url holds a user, password or query, which records would show. {wanted}, and api_key=.")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise LoadError(f"base_url={base_url!r} is no address. {wanted}.")


def _refuse_count(name: str, count: object, least: int) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or count < least:
        raise LoadError(f"{name}={count!r} is no whole number of at least {least}.")
