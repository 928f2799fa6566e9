"""A language model behind a server is explained as the same model at hand is, over real HTTP, and fails in words."""

import json
import math
import socket

import jaxtyping
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import tiny
import whence
from assets import asset
from whence import CallError, InputError, LoadError, LogProb, Prob, TargetError, UnsupportedError
from whence.cli.app import app

from .api_server import KEY, Server, chat_text, serving

PROMPT, CONTINUATION = "The film was good", " not in the"
CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Is Paris\nin France?"},
]


@pytest.fixture(scope="module")
def running():
    model, tokenizer = tiny.llama_lm()
    with serving(Server(model, tokenizer)) as server:
        yield server


@pytest.fixture
def server(running):
    """The server as new: it answers everything, echoes, and wants no key."""
    fresh = Server(running.model, running.tokenizer)
    for name in vars(fresh).keys() - {"model", "tokenizer", "url"}:
        setattr(running, name, getattr(fresh, name))
    return running


@pytest.fixture
def lm(server):
    return whence.load_api(server.url, "tiny", max_retries=0)


@pytest.fixture
def as_users_run():
    """Types are not checked, as they are not outside of tests, so that it is our own errors that are seen."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


@pytest.fixture
def offline():
    """The address of a port of this machine at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{free.getsockname()[1]}/v1"


def without(text, word):
    """The text with the first occurrence of a word gone, and the space in front of it (or behind the first)."""
    return text.replace(f" {word}", "", 1) if not text.startswith(word) else text.removeprefix(word).lstrip()


def log_probabilities(model, tokenizer, prompt, continuation):
    """Of the continuation's tokens, from a plain forward of the model on the text's ids."""
    ids = tokenizer(prompt + continuation)["input_ids"]
    behind = len(tokenizer(prompt)["input_ids"])
    with torch.no_grad():
        logs = torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), dim=-1)
    return [logs[i - 1, ids[i]].item() for i in range(behind, len(ids))]


# ---------------------------------------------------------------------- what is explained


def scores_equal_those_at_hand(url, model, tokenizer, prompt, continuation, tolerance):
    record = whence.explain(
        whence.load_api(url, "tiny", max_retries=0), prompt, continuation=continuation, method="leave_one_out"
    )
    words = prompt.split()
    assert [token.text for token in record.tokens] == words
    whole = log_probabilities(model, tokenizer, prompt, continuation)
    by_hand = [
        np.subtract(whole, log_probabilities(model, tokenizer, without(prompt, word), continuation)) for word in words
    ]
    np.testing.assert_allclose(record.scores, np.array(by_hand).T, rtol=tolerance, atol=tolerance)
    here = whence.explain(
        whence.load((model, tokenizer)), prompt, continuation=continuation, method="random", target=LogProb
    )
    assert [t.label for t in record.targets] == [t.label for t in here.targets]
    assert [t.value for t in record.targets] == pytest.approx([t.value for t in here.targets], abs=tolerance)
    assert {t.unit for t in record.targets} == {"log-probability"}
    assert record.provenance["resolved"] == {"strategy": "delete"}


def test_scores_of_a_continuation_are_those_of_the_model_at_hand(server):
    scores_equal_those_at_hand(server.url, server.model, server.tokenizer, PROMPT, CONTINUATION, 1e-6)


def test_scores_through_a_server_of_a_real_model_are_its_own():
    local = whence.load(asset("stories260k"), dtype="float32", device="cpu")
    with serving(Server(local.model, local.tokenizer)) as server:
        text = "Once upon a time there was one little girl named"
        scores_equal_those_at_hand(server.url, local.model, local.tokenizer, text, " Lily. She", 1e-4)


def test_one_request_holds_a_masked_prompt_and_the_continuation(server, lm):
    record = whence.explain(lm, PROMPT, continuation=CONTINUATION, method="leave_one_out")
    sent = [body["prompt"] for body in server.asked]
    assert sent[:2] == [PROMPT + CONTINUATION] * 2
    assert sorted(sent[2:]) == sorted(without(PROMPT, word) + CONTINUATION for word in PROMPT.split())
    assert record.provenance["forwards"] == len(sent) - 1 == len(record.tokens) + 1
    assert (lm.model.sent, lm.provenance()["calls"]) == (len(sent), len(sent))
    assert {(body["max_tokens"], body["echo"], body["temperature"]) for body in server.asked} == {(1, True, 0)}


def test_a_mask_stands_in_the_words_place(server):
    lm = whence.load_api(server.url, "tiny", mask="_")
    record = whence.explain(lm, PROMPT, continuation=CONTINUATION, method="leave_one_out")
    assert {b["prompt"] for b in server.asked[2:]} == {
        PROMPT.replace(w, "_") + CONTINUATION for w in ("The", "film", "was", "good")
    }
    assert (record.provenance["mask"], record.provenance["resolved"]) == ("_", {"strategy": "mask"})


def test_a_list_is_explained_as_one_by_one(lm):
    prompts = [PROMPT, "I did not like the"]
    together = whence.explain(lm, prompts, continuation=CONTINUATION, method="leave_one_out")
    for prompt, record in zip(prompts, together, strict=True):
        alone = whence.explain(lm, prompt, continuation=CONTINUATION, method="leave_one_out")
        assert (record.scores.tolist(), record.targets) == (alone.scores.tolist(), alone.targets)


def test_what_the_server_writes_is_explained(server, lm):
    record = whence.explain(lm, PROMPT, max_new_tokens=3, method="leave_one_out")
    written = "".join(target.label for target in record.targets)
    assert server.asked[0]["max_tokens"] == 3
    assert record.text == PROMPT + written
    assert record.provenance["generated"] == len(record.targets) > 0
    same = whence.explain(lm, PROMPT, continuation=written, method="leave_one_out")
    assert (same.targets, same.scores.tolist()) == (record.targets, record.scores.tolist())


@pytest.mark.parametrize("text", ["😀 مرحبا, good\n\n film", "  The film ", "?! was"])
def test_odd_prompts_are_sent_as_they_are(server, lm, text):
    whence.explain(lm, text, continuation=" not", method="random")
    assert {body["prompt"] for body in server.asked} == {text + " not"}


# ---------------------------------------------------------------------- the next token


def everything_listed(server, **options):
    server.listed = 10**6
    return whence.load_api(server.url, "tiny", top_logprobs=10**6, max_retries=0, **options)


def test_without_echo_the_next_token_is_explained_by_what_is_listed(server):
    server.echoes = False
    lm = everything_listed(server)
    record = whence.explain(lm, PROMPT, method="leave_one_out")
    label = record.targets[0].label
    _, logs = server.log_probabilities(PROMPT)
    best = logs[-1].argmax()
    assert label == server.name(int(best))
    assert record.targets[0].value == pytest.approx(logs[-1].max().item(), rel=1e-12)
    assert record.targets[0].position == len(record.tokens)
    by_hand = [logs[-1, best] - server.log_probabilities(without(PROMPT, w))[1][-1, best] for w in PROMPT.split()]
    np.testing.assert_allclose(record.scores, [by_hand], rtol=1e-6)


def test_a_target_is_named_by_its_text(server):
    lm = everything_listed(server)
    targets = [" the", Prob(" the"), whence.Contrast(" the", " not")]
    record = whence.explain(lm, PROMPT, target=targets, method="leave_one_out")
    (the,) = log_probabilities(server.model, server.tokenizer, PROMPT, " the")
    (negation,) = log_probabilities(server.model, server.tokenizer, PROMPT, " not")
    assert [t.value for t in record.targets] == pytest.approx([the, math.exp(the), the - negation], rel=1e-9)
    assert [t.unit for t in record.targets] == ["log-probability", "probability", "log-probability difference"]
    with pytest.raises(TargetError, match=r"no logits. Use target=Prob\(\)"):
        whence.explain(lm, PROMPT, target=whence.Logit, method="random")
    with pytest.raises(TargetError, match="no ids here"):
        whence.explain(lm, PROMPT, target=3, method="random")
    with pytest.raises(TargetError, match=r"With a continuation.*target=LogProb\(\)"):
        whence.explain(lm, PROMPT, target=" the", continuation=" not", method="random")


def test_a_token_that_is_not_listed_is_no_target(server):
    server.listed = 2
    with pytest.raises(TargetError, match=r"does not list ' the' among the 20.*continuation=' the'"):
        whence.explain(whence.load_api(server.url, "tiny"), PROMPT, target=" the", method="random")


def test_a_token_that_falls_out_of_the_list_is_given_no_number(server, lm):
    server.listed = 2
    with pytest.raises(TargetError, match=r"not among the likeliest.*top_logprobs=.*continuation=.*unlisted='bound'"):
        whence.explain(lm, PROMPT, method="leave_one_out")


def test_an_upper_bound_is_taken_only_where_asked_for_and_said(server):
    server.listed = 2
    lm = whence.load_api(server.url, "tiny", unlisted="bound")
    record = whence.explain(lm, PROMPT, method="leave_one_out")
    best = server.log_probabilities(PROMPT)[1][-1].argmax()
    expected, fell_out = [], 0
    for word in PROMPT.split():
        row = server.log_probabilities(without(PROMPT, word))[1][-1]
        lowest = row.topk(2).values[-1]
        fell_out += bool(row[best] < lowest)
        expected.append(record.targets[0].value - max(row[best], lowest).item())
    assert fell_out
    np.testing.assert_allclose(record.scores, [expected], rtol=1e-6)
    assert "upper bound" in record.provenance["unlisted"]
    assert whence.load_api(server.url, "tiny").provenance()["unlisted"] is None


def test_a_token_written_that_is_none_of_the_likeliest_is_no_bound(server):
    lm = whence.load_api(server.url, "tiny", unlisted="bound")
    listed = {"a": -1.0, "b": -2.0}
    rows = [
        {"tokens": ["a"], "top_logprobs": [listed | {"c": -3.0}]},
        {"tokens": ["x"], "top_logprobs": [listed | {"x": -9.0}]},
    ]
    server.answers = [{"choices": [{"text": "", "logprobs": row}]} for row in rows]
    item = lm.encode(PROMPT)
    lm.logits(lm.collate([item]))
    values = dict(zip("abcx", lm.logits(lm.collate([item]))[0, 0].tolist(), strict=True))
    assert values == {"a": -1.0, "b": -2.0, "c": -2.0, "x": -9.0}


def test_a_chat_is_sent_as_messages_and_keeps_its_roles(server):
    lm = everything_listed(server)
    record = whence.explain(lm, CHAT, method="leave_one_out")
    words = [("Be", "system"), ("brief", "system"), (".", "system"), ("Is", "user"), ("Paris", "user"), ("in", "user")]
    assert [(t.text, t.role) for t in record.tokens] == [*words, ("France", "user"), ("?", "user")]
    assert all(record.text[t.start : t.end] == t.text for t in record.tokens)
    assert server.asked[0]["messages"] == CHAT
    shorter = [[m["content"] for m in body["messages"]] for body in server.asked[1:]]
    assert ["Be brief.", "Is Paris\nin?"] in shorter
    assert ["Be brief.", "Paris\nin France?"] in shorter
    assert ["brief.", "Is Paris\nin France?"] in shorter
    assert len(shorter) == len(record.tokens)
    best = server.log_probabilities(chat_text(CHAT))[1][-1].argmax()
    last = [CHAT[0], {"role": "user", "content": "Is Paris\nin France"}]
    expected = record.targets[0].value - server.log_probabilities(chat_text(last))[1][-1, best].item()
    assert record.scores[0, -1] == pytest.approx(expected, rel=1e-6)
    assert record.provenance["revision"] == "build-7"


def test_a_message_may_lose_all_its_words(server):
    lm = everything_listed(server)
    whence.explain(lm, [{"role": "user", "content": "Hi"}, {"role": "user", "content": "a b"}], method="leave_one_out")
    assert ["", "a b"] in [[m["content"] for m in body["messages"]] for body in server.asked]


def test_a_part_of_a_character_that_is_not_told_from_others_is_no_target(server):
    server.tells_parts = False
    lm = everything_listed(server)
    with pytest.raises(TargetError, match="part of a character"):
        whence.explain(lm, PROMPT, method="random")
    with pytest.raises(TargetError, match="part of a character"):
        whence.explain(lm, PROMPT, target="\ufffd", method="random")


@pytest.mark.parametrize("options", [{"continuation": " x"}, {"max_new_tokens": 2}], ids=str)
def test_of_a_chat_only_the_next_token_is_scored(lm, options):
    with pytest.raises(InputError, match="only the next token"):
        whence.explain(lm, CHAT, method="random", **options)


@pytest.mark.parametrize(
    ("content", "known"),
    [
        ([{"token": " a", "logprob": -0.5, "bytes": [32, 97]}], {" a": -0.5}),
        ([{"token": "\ufffd", "logprob": -0.5, "bytes": [0xF0, 0x9F]}], {"<0xF09F>": -0.5}),
        ([{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -9999.0}], {"a": -0.5}),
        ([{"token": "a", "logprob": -0.5}, {"token": "a", "logprob": -3.0}], {"a": -0.5}),
    ],
    ids=["bytes", "part of a character", "marker of the unlikely", "twice"],
)
def test_lists_of_entries_are_read_in_completions_too(server, lm, content, known):
    entry = content[0] | {"top_logprobs": content}
    server.answers = [{"choices": [{"text": "", "logprobs": {"content": [entry]}}]}]
    logits = lm.logits(lm.collate([lm.encode(PROMPT)]))[0, 0]
    assert {lm.output_label(i): value for i, value in enumerate(logits.tolist())} == known


# ---------------------------------------------------------------------- what a server cannot do


def test_a_server_that_does_not_echo_scores_no_continuation(server, lm):
    server.echoes = False
    with pytest.raises(UnsupportedError, match=r"does not echo.*Leave it out to explain the next token"):
        whence.explain(lm, PROMPT, continuation=CONTINUATION, method="leave_one_out")


def test_a_server_that_returns_no_log_probabilities_is_refused(server, lm):
    server.logprobs = False
    for options in ({}, {"continuation": CONTINUATION}):
        with pytest.raises(UnsupportedError, match="returned no log-probabilities"):
            whence.explain(lm, PROMPT, method="random", **options)


def echo(tokens, numbers, offsets=None, text=None):
    table = {"tokens": tokens, "token_logprobs": numbers, "text_offset": offsets}
    return {"choices": [{"text": "".join(tokens) if text is None else text, "logprobs": table}]}


def test_another_division_of_the_continuation_is_refused(server, lm):
    whole = echo(["a", " b", " cd", "."], [None, -1.0, -2.0, -3.0])
    server.answers = [whole, whole, echo(["b", " c", "d", "."], [None, -1.0, -1.0, -3.0])]
    with pytest.raises(InputError, match=r"takes the continuation apart into \[' c', 'd'\], and not into \[' cd'\]"):
        whence.explain(lm, "a b", continuation=" cd", method="leave_one_out", batch_size=1)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (echo(["<s>", "a", " b", " c", "d", "."], [None, -1.0, -2.0, -3.0, -4.0, -5.0], text="a b cd."), [-3.0, -4.0]),
        (echo(["a", " b", " c", "d"], [None, -2.0, -3.0, -4.0]), [-3.0, -4.0]),
        (echo(["a", " b", "?", "?", "."], [None, -2.0, -3.0, -4.0, -5.0], [0, 1, 3, 3, 6], "a b cd."), [-3.0, -4.0]),
    ],
    ids=["control token in front", "nothing written", "parts of characters"],
)
def test_the_continuations_tokens_are_found(server, lm, answer, found):
    server.answers = [answer, answer]
    record = whence.explain(lm, "a b", continuation=" cd", method="random")
    assert [target.value for target in record.targets] == found


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (echo(["a b c", "d", "."], [None, -1.0, -2.0]), r"do not begin and end where the continuation ' cd' does"),
        (echo(["a b", " cd", "."], [None, None, -2.0]), "no log-probability to a first token"),
    ],
    ids=["across the border", "first"],
)
def test_a_continuation_that_cannot_be_told_apart_is_refused(server, lm, answer, said):
    server.answers = [answer]
    with pytest.raises(InputError, match=said):
        whence.explain(lm, "a b", continuation=" cd", method="random")


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"choices": []},
        {"choices": [{}]},
        {"choices": [{"text": "x", "logprobs": {"content": [{}]}}]},
        [1],
        b"<html>",
    ],
    ids=str,
)
def test_an_answer_of_another_kind_is_refused(server, lm, answer):
    server.answers = [answer, answer]
    with pytest.raises((CallError, UnsupportedError), match=r"answered something that is no|wanted an obj|no log-prob"):
        whence.explain(lm, PROMPT, method="random")


# ---------------------------------------------------------------------- failures


def test_a_server_that_is_not_there(offline):
    with pytest.raises(CallError, match=r"Cannot reach http://127.0.0.1:\d+/v1/completions.*Is the server running"):
        whence.explain(whence.load_api(offline, "tiny", max_retries=0), PROMPT, method="random")


def test_a_busy_or_failing_server_is_asked_again(server):
    server.failures = [500, 429, 0]
    lm = whence.load_api(server.url, "tiny", max_retries=2)
    whence.explain(lm, PROMPT, method="random")
    assert len(server.asked) == lm.model.sent == 3


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, r"answered 400: told to fail with 400. If it is the number.*top_logprobs="),
        (401, r"answered 401.*Give the server's key as api_key="),
        (403, r"answered 403.*api_key="),
        (404, r"answered 404.*Does the server have this model"),
        (429, r"answered 429 after 1 retries.*Lower concurrency="),
        (500, r"answered 500 after 1 retries: told to fail with 500\. The server's own log"),
    ],
)
def test_what_the_server_refuses_is_said_with_what_to_do(server, status, said):
    server.failures = [status, status]
    with pytest.raises(CallError, match=said) as raised:
        whence.explain(whence.load_api(server.url, "tiny", max_retries=1), PROMPT, method="random")
    assert raised.value.__cause__ is not None


def test_a_model_the_server_has_not(server):
    with pytest.raises(CallError, match=r"404.*no model large"):
        whence.explain(whence.load_api(server.url, "large"), PROMPT, method="random")


def test_an_answer_that_does_not_come_in_time(server):
    server.hangs = True
    with pytest.raises(CallError, match=r"did not answer within 0\.2 s\. Raise timeout="):
        whence.explain(whence.load_api(server.url, "tiny", timeout=0.2, max_retries=0), PROMPT, method="random")


def test_the_key_is_sent_and_never_shown(server, monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "from-the-environment")
    server.key = KEY
    lm = whence.load_api(server.url, "tiny", api_key=KEY, unlisted="bound")
    record = whence.explain(lm, PROMPT, method="leave_one_out")
    for shown in (repr(lm), str(record.to_dict()), record.to_html(), str(vars(lm)), repr(lm.model)):
        assert KEY not in shown
    assert "from-the-environment" not in str(server.headers)
    with pytest.raises(CallError, match="401"):
        whence.explain(whence.load_api(server.url, "tiny"), PROMPT, method="random")
    server.key = "another"
    with pytest.raises(CallError, match=r"401: wrong key: Bearer \*\*\*") as raised:
        whence.explain(lm, PROMPT, method="random")
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_the_limit_on_requests_is_never_exceeded(server):
    lm = whence.load_api(server.url, "tiny", max_requests=6)
    whence.explain(lm, PROMPT, continuation=CONTINUATION, method="leave_one_out")
    assert len(server.asked) == lm.model.sent == 6
    with pytest.raises(CallError, match=r"send 1 more requests to .*6 of max_requests=6 are sent\. Raise it"):
        whence.explain(lm, PROMPT, method="random")
    assert len(server.asked) == 6


def test_a_batch_over_the_limit_is_not_begun(server):
    lm = whence.load_api(server.url, "tiny", max_requests=5, unlisted="bound")
    with pytest.raises(CallError, match="send 5 more requests"):
        whence.explain(lm, "The film was not good", method="leave_one_out")
    assert len(server.asked) == 1


def test_retries_count_towards_the_limit(server):
    server.failures = [500] * 9
    lm = whence.load_api(server.url, "tiny", max_requests=2, max_retries=5)
    with pytest.raises(CallError, match="answered 500 after 1 retries"):
        whence.explain(lm, PROMPT, method="random")
    assert len(server.asked) == lm.model.sent == 2


def test_requests_of_a_batch_are_under_way_together(server):
    server.listed = 10**6
    lm = whence.load_api(server.url, "tiny", concurrency=4, top_logprobs=10**6, timeout=30, max_retries=0)
    inputs = [lm.encode(text) for text in ("The", "film", "was", "good")]
    server.together = 4
    together = lm.logits(lm.collate(inputs))
    server.together = 1
    for row, item in zip(together, inputs, strict=True):
        assert torch.equal(lm.logits(lm.collate([item]))[0], row)


def test_after_a_failure_no_more_requests_are_sent(server):
    server.failures = [400] * 100
    lm = whence.load_api(server.url, "tiny", concurrency=1, max_retries=0)
    inputs = [lm.encode(f"word {i}") for i in range(20)]
    with pytest.raises(CallError, match="400"):
        lm.logits(lm.collate(inputs))
    assert len(server.asked) == lm.model.sent < 20


# ---------------------------------------------------------------------- what can explain it, settings


@pytest.mark.parametrize("method", ["attnlrp", "input_x_gradient", "raw_attention"])
def test_methods_that_look_inside_are_refused(lm, method):
    with pytest.raises(UnsupportedError, match=r"which tiny does not offer.*leave_one_out"):
        whence.explain(lm, PROMPT, method=method)


@pytest.mark.parametrize(
    ("data", "options", "said"),
    [
        ("", {}, "empty"),
        ("\n", {}, "no word"),
        ([{"role": "user", "content": " "}], {}, "no word"),
        ([{"role": "user"}], {}, "Message 0"),
        (PROMPT, {"continuation": [1, 2]}, "no token ids|not token ids"),
        (PROMPT, {"continuation": ""}, "empty"),
        (PROMPT, {"continuation": " a", "max_new_tokens": 1}, "not both"),
        (PROMPT, {"max_new_tokens": 0}, "at least 1"),
        (PROMPT, {"at": 0}, "at= chooses"),
    ],
    ids=str,
)
def test_input_that_cannot_be_sent_is_refused_before_any_request(server, lm, data, options, said):
    with pytest.raises(InputError, match=said):
        whence.explain(lm, data, method="random", **options)
    assert server.asked == []


def test_a_server_that_writes_nothing_sayable_is_refused(server, lm):
    for text, said in (("", "wrote nothing"), ("a\ufffd", "make no character")):
        server.answers = [{"choices": [{"text": text}]}]
        with pytest.raises(InputError, match=said):
            whence.explain(lm, PROMPT, max_new_tokens=2, method="random")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"base_url": "localhost:8000"}, "no address"),
        ({"base_url": "http://[::1"}, "no address"),
        ({"base_url": 5}, "no address"),
        ({"base_url": "https://user:secret@host/v1"}, "user, password or query"),
        ({"base_url": "https://host/v1?key=secret"}, "user, password or query"),
        ({"model": ""}, "no name"),
        ({"timeout": 0}, "no number of seconds"),
        ({"timeout": float("inf")}, "no number of seconds"),
        ({"max_retries": -1}, "max_retries=-1 is no whole number of at least 0"),
        ({"max_requests": 0}, "max_requests=0 is no whole number of at least 1"),
        ({"concurrency": 0}, "concurrency=0"),
        ({"top_logprobs": True}, "top_logprobs=True"),
        ({"unlisted": "guess"}, "Wanted: 'error' or 'bound'"),
        ({"mask": ""}, "no text to put"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("as_users_run")
def test_settings_that_cannot_be_are_refused(options, said):
    with pytest.raises(LoadError, match=said) as raised:
        whence.load_api(**({"base_url": "http://localhost:1/v1", "model": "tiny"} | options))
    assert "secret" not in str(raised.value)


def test_without_the_package_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openai", None)
    with pytest.raises(whence.MissingExtraError, match=r"pip install openai \(it is what whence's extra 'llm'"):
        whence.load_api("http://localhost:1/v1", "tiny")


# ---------------------------------------------------------------------- the command line


def test_the_command_line_explains_what_a_server_offers(server, monkeypatch):
    monkeypatch.setenv("WHENCE_API_KEY", KEY)
    server.key = KEY
    asked = ["explain", PROMPT, "--api", server.url, "--model", "tiny", "--method", "leave_one_out", "--json"]
    shown = CliRunner().invoke(app, [*asked, "--continuation", CONTINUATION])
    lm = whence.load_api(server.url, "tiny", api_key=KEY)
    record = whence.explain(lm, PROMPT, continuation=CONTINUATION, method="leave_one_out")
    assert (shown.exit_code, json.loads(shown.output)["scores"]) == (0, record.scores.tolist())
    assert KEY not in shown.output
    assert CliRunner().invoke(app, [*asked, "--device", "cpu"]).exit_code == 2
