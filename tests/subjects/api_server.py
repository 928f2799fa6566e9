"""A server that speaks OpenAI's completions and chats over HTTP: an ASGI app around a local language model.

It is a twin, not a part, of what it tests: log-probabilities are torch's own, of the whole text in one plain forward.
"""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
import uvicorn

KEY = "sk-secret-1234"


@dataclass
class Server:
    """What the app answers with, how it is told to fail, and what it was asked.

    `failures` holds a status for each of the next requests, 0 for one that is answered. `together` is how many
    requests must have arrived before any is answered. `hangs` requests are never answered.
    """

    model: torch.nn.Module
    tokenizer: object
    echoes: bool = True
    logprobs: bool = True
    listed: int = 20
    key: str | None = None
    failures: list[int] = field(default_factory=list)
    hangs: bool = False
    tells_parts: bool = True
    together: int = 1
    answers: list = field(default_factory=list)
    asked: list[dict] = field(default_factory=list)
    headers: list[dict] = field(default_factory=list)
    waiting: int = 0
    url: str = ""

    # ------------------------------------------------------------------ the model

    def log_probabilities(self, text: str) -> tuple[list[str], torch.Tensor]:
        """The tokens of a text, control tokens in front too, and after each the log-probability of every next one."""
        encoded = self.tokenizer(text, return_offsets_mapping=True)
        names = [
            text[start:end] if end > start else self.tokenizer.convert_ids_to_tokens(i)
            for i, (start, end) in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
        ]
        with torch.no_grad():
            logits = self.model(torch.tensor([encoded["input_ids"]])).logits[0]
        self.ids = encoded["input_ids"]
        return names, torch.log_softmax(logits.double(), dim=-1)

    def name(self, token: int) -> str:
        """A token's text, with the space in front of it; a part of a character by its number."""
        text = self.tokenizer.convert_tokens_to_string(["x", self.tokenizer.convert_ids_to_tokens(token)])[1:]
        return f"bytes:{token}" if "\ufffd" in text and self.tells_parts else text

    def top(self, row: torch.Tensor, count: int) -> dict[str, float]:
        values, ids = row.topk(min(count, self.listed, len(row)))
        named: dict[str, float] = {}
        for token, value in zip(ids.tolist(), values.tolist(), strict=True):
            named.setdefault(self.name(token), value)
        return named

    def likeliest(self, row: torch.Tensor) -> str:
        """The likeliest token that is a text by itself."""
        named = (self.name(token) for token in row.argsort(descending=True).tolist())
        return next(name for name in named if name.isprintable() and name.strip() and not name.startswith("bytes:"))

    # ------------------------------------------------------------------ the answers

    def completion(self, body: dict) -> dict:
        prompt, text = body["prompt"], body["prompt"]
        for _ in range(body["max_tokens"]):
            text += self.likeliest(self.log_probabilities(text)[1][-1])
        shown = text if self.echoes and body.get("echo") else text[len(prompt) :]
        choice = {"index": 0, "text": shown, "finish_reason": "length", "logprobs": None}
        if self.logprobs and "logprobs" in body:
            names, logs = self.log_probabilities(prompt)
            ids = self.ids
            names = [*names, self.likeliest(logs[-1])]
            values = [None, *(logs[i, ids[i + 1]].item() for i in range(len(ids) - 1)), logs[-1].max().item()]
            tops = [None, *(self.top(row, body["logprobs"]) for row in logs)]
            first = 0 if shown == text else len(names) - 1
            offsets = [sum(map(len, names[:i])) for i in range(len(names))]
            table = {"tokens": names, "token_logprobs": values, "top_logprobs": tops, "text_offset": offsets}
            choice["logprobs"] = {column: entries[first:] for column, entries in table.items()}
        return {"id": "1", "object": "text_completion", "created": 0, "model": body["model"], "choices": [choice]}

    def chat(self, body: dict) -> dict:
        row = self.log_probabilities(chat_text(body["messages"]))[1][-1]
        listed = [{"token": t, "logprob": v, "bytes": list(t.encode())} for t, v in self.top(row, 10**6).items()]
        first = listed[0] | {"top_logprobs": listed[: min(self.listed, body["top_logprobs"])]}
        message = {"role": "assistant", "content": first["token"]}
        choice = {"index": 0, "message": message, "finish_reason": "length", "logprobs": {"content": [first]}}
        return {"id": "1", "object": "chat.completion", "created": 0, "model": body["model"], "choices": [choice]} | {
            "system_fingerprint": "build-7"
        }

    def answer(self, path: str, headers: dict, body: dict) -> tuple[int, dict]:
        self.asked.append(body)
        self.headers.append(headers)
        status = self.failures.pop(0) if self.failures else 0
        if self.key is not None and headers.get("authorization") != f"Bearer {self.key}":
            return 401, {"error": {"message": f"wrong key: {headers.get('authorization')}"}}
        if status:
            return status, {"error": {"message": f"told to fail with {status}"}}
        if body["model"] != "tiny":
            return 404, {"error": {"message": f"no model {body['model']}"}}
        if self.answers:
            return 200, self.answers.pop(0)
        return 200, self.completion(body) if path == "/v1/completions" else self.chat(body)

    async def __call__(self, scope: dict, receive, send) -> None:
        raw, more = b"", True
        while more:
            event = await receive()
            raw, more = raw + event.get("body", b""), event.get("more_body", False)
        if self.hangs:
            await receive()
            return
        self.waiting += 1
        while self.waiting < self.together:
            await asyncio.sleep(0.001)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, answer = self.answer(scope["path"], headers, json.loads(raw))
        sent = [(b"content-type", b"application/json"), (b"retry-after-ms", b"1")]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        await send({"type": "http.response.body", "body": content})


def chat_text(messages: list[dict]) -> str:
    """How the server lays out a chat."""
    return "".join(f"{m['role']}: {m['content']}\n" for m in messages) + "assistant:"


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """The app on a free port of this machine, in a thread, until the end of the `with`."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        config = uvicorn.Config(server, log_level="critical", lifespan="off", ws="none", http="h11", loop="asyncio")
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield server
        finally:
            running.should_exit = running.force_exit = True
            thread.join()
