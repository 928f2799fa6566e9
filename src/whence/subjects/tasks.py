"""The tasks that are explained, and which models and subjects belong to each."""

import difflib
from dataclasses import dataclass

from whence.errors import LoadError


@dataclass(frozen=True)
class Task:
    """A task's model classes by the endings of their names, the auto class that loads one, what explains it.

    `reader` is the auto class of what turns the input into what the model takes.
    """

    endings: tuple[str, ...]
    auto: str
    subject: str
    reader: str = "AutoTokenizer"


TASKS: dict[str, Task] = {
    "text-generation": Task(
        ("ForCausalLM", "LMHeadModel"), "AutoModelForCausalLM", "whence.subjects.causal_lm:CausalLM"
    ),
    "text-classification": Task(
        ("ForSequenceClassification",),
        "AutoModelForSequenceClassification",
        "whence.subjects.classifier:SequenceClassifier",
    ),
    "fill-mask": Task(("ForMaskedLM",), "AutoModelForMaskedLM", "whence.subjects.masked_lm:MaskedLM"),
    "token-classification": Task(
        ("ForTokenClassification",),
        "AutoModelForTokenClassification",
        "whence.subjects.token_classifier:TokenClassifier",
    ),
    "question-answering": Task(
        ("ForQuestionAnswering", "ForQuestionAnsweringSimple"),
        "AutoModelForQuestionAnswering",
        "whence.subjects.question_answering:QuestionAnswering",
    ),
    "text2text-generation": Task(
        ("ForConditionalGeneration", "MTModel", "ForTextToText", "EncoderDecoderModel"),
        "AutoModelForSeq2SeqLM",
        "whence.subjects.seq2seq:Seq2SeqLM",
    ),
    "image-classification": Task(
        ("ForImageClassification", "ForImageClassificationWithTeacher"),
        "AutoModelForImageClassification",
        "whence.subjects.image_classifier:ImageClassifier",
        "AutoImageProcessor",
    ),
}
"""What is explained, by the task's transformers name."""

ALIASES = {
    "causal-lm": "text-generation",
    "sentiment-analysis": "text-classification",
    "sequence-classification": "text-classification",
    "masked-lm": "fill-mask",
    "ner": "token-classification",
    "pos": "token-classification",
    "qa": "question-answering",
    "seq2seq": "text2text-generation",
    "seq2seq-lm": "text2text-generation",
    "summarization": "text2text-generation",
    "translation": "text2text-generation",
}
"""Other names that tasks go by."""


def known_task(task: str | None) -> str | None:
    """The task by its transformers name, None for None; `LoadError` names the nearest there are."""
    if task is None or task in TASKS:
        return task
    if task.startswith("translation_"):
        return ALIASES["translation"]
    if task not in ALIASES:
        near = difflib.get_close_matches(task, [*TASKS, *ALIASES], n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise LoadError(f"Unknown task {task!r}.{hint} Tasks are: {', '.join(TASKS)}.")
    return ALIASES[task]


def task_of(architectures: list[str], name: str) -> str:
    """The task that model classes of these names are made for; `LoadError` says which there are."""
    for architecture in architectures:
        for name_of_task, task in TASKS.items():
            if architecture.endswith(task.endings):
                return name_of_task
    raise LoadError(
        f"{name} is a {' or '.join(architectures) or 'model of no stated architecture'}. whence explains "
        f"{', '.join(f'*{task.endings[0]}' for task in TASKS.values())}; give task= if it is one of these."
    )
