import json
import os
import shutil
import subprocess
import sys

import pytest

pytest.importorskip("transformers", reason="the extra `train` is not installed")

from benchmarks import architectures
from safetensors.torch import load_file, save_file

from maquette.errors import ModelError
from maquette.models.options import ExportOptions
from maquette.train.convert import card
from maquette.train.convert.source import find, load, task_tokens

pytestmark = pytest.mark.train


@pytest.fixture(scope="session")
def glpn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source") / "glpn"
    architectures.save("glpn-b0", "tiny", folder)
    return folder


@pytest.fixture
def copy(glpn, tmp_path):
    return shutil.copytree(glpn, tmp_path / "network")


def one_line(error):
    return str(error.value).count("\n") == 0


def change(folder, **fields):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_folder_is_loaded_as_it_is(glpn):
    source = find(str(glpn))
    network = load(source)
    assert (source.commit, source.processor, source.card) == (None, {}, {})
    assert not network.training
    truth = load_file(glpn / "model.safetensors")
    assert all((weight == truth[key]).all() for key, weight in network.state_dict().items())


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
        (lambda folder: (folder / "config.json").write_text('{"archi'), "not a readable JSON file"),
        (lambda folder: (folder / "config.json").write_text("[]"), "must hold one JSON object"),
        (lambda folder: change(folder, architectures=["BertModel"]), "BertModel cannot be exported; these can:"),
        (lambda folder: change(folder, architectures=None), "architecture not named cannot be exported"),
        (lambda folder: change(folder, model_type="metric3d"), "maquette models pull metric3d-v2-small"),
        (
            lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"),
            r"has no \*.safetensors; pickled weights",
        ),
    ],
)
def test_folders_that_are_no_network(copy, harm, message):
    harm(copy)
    with pytest.raises(ModelError, match=message) as error:
        find(str(copy))
    assert one_line(error)
    assert str(copy) in str(error.value)


def truncate(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def lose_a_weight(folder):
    weights = load_file(folder / "model.safetensors")
    del weights["decoder.stages.0.convolution.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (truncate, "its weights cannot be loaded"),
        (lambda folder: change(folder, hidden_sizes=[16, 16, 40, 64]), "its weights cannot be loaded"),
        (lose_a_weight, "1 weights of GLPNForDepthEstimation are missing, the first is decoder.stages.0"),
    ],
)
def test_weights_that_are_not_all_there(copy, harm, message):
    harm(copy)
    with pytest.raises(ModelError, match=message) as error:
        load(find(str(copy)))
    assert one_line(error)


def test_a_backbone_of_timm(tmp_path):
    folder = tmp_path / "detr"
    architectures.save("detr-resnet-50", "tiny", folder)
    change(folder, backbone_config=None, use_timm_backbone=True, backbone="resnet50")
    with pytest.raises(
        ModelError, match=r"needs a package that is not installed .*timm.*detr-resnet-50-panoptic"
    ) as error:
        load(find(str(folder)))
    assert one_line(error)


@pytest.mark.parametrize("name", ["nonsense", "a/b/c", "../none", "me/net work"])
def test_names_that_are_neither_folder_nor_repository(name):
    with pytest.raises(ModelError, match="no such folder, and no owner/name"):
        find(name)


def test_the_cache_of_the_hub_is_enough(glpn, tmp_path):
    """In a process of its own: the Hub's client reads its environment once."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "hub" / "models--someone--glpn"
    shutil.copytree(glpn, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    code = """
from maquette.errors import ModelError
from maquette.train.convert.source import find
print(find("someone/glpn").commit)
try:
    find("someone/other")
except ModelError as error:
    print(error)
"""
    environment = os.environ | {"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    found, refused = done.stdout.splitlines()
    assert found == commit
    assert refused.startswith("someone/other: no such folder here, not in the cache")


def test_the_card_of_the_source_gives_the_licence(copy):
    (copy / "README.md").write_text("---\nlicense: cc-by-nc-4.0\ndatasets:\n- coco\n- nyu\n---\n# A network\n")
    fields = card.fields(find(str(copy)), {})
    assert (fields["licence_weights"], fields["training_data"]) == ("cc-by-nc-4.0", "coco, nyu")
    (copy / "README.md").write_text("---\nlicense: other\nlicense_name: sample-licence\n---\n")
    assert card.fields(find(str(copy)), {})["licence_weights"] == "sample-licence"
    (copy / "README.md").write_text("---\nlicense: [broken\n---\n")
    assert card.fields(find(str(copy)), {})["licence_weights"] == "unknown"


def test_the_command_names_the_commit(glpn):
    import dataclasses

    source = dataclasses.replace(find(str(glpn)), name="someone/glpn", commit="abc")
    options = ExportOptions(height=64, width=96, precision="int8", revision="main", overwrite=True)
    assert card.command(source, options) == (
        "maquette models export someone/glpn --height 64 --width 96 --precision int8 --revision abc"
    )


def test_the_words_of_the_task(tmp_path):
    architectures.save("oneformer-swin-t", "tiny", tmp_path)
    tokens = task_tokens(find(str(tmp_path)))
    vocabulary = json.loads((tmp_path / "vocab.json").read_text())
    letters = [
        c if i + 1 < len(word) else f"{c}</w>" for word in "the task is panoptic".split() for i, c in enumerate(word)
    ]
    assert tokens.shape == (1, 77)
    expected = [vocabulary[word] for word in ("<|startoftext|>", *letters, "<|endoftext|>")]
    assert tokens[0].tolist() == expected + [0] * (77 - len(expected))
    (tmp_path / "vocab.json").unlink()
    with pytest.raises(ModelError, match="its tokenizer cannot be read") as error:
        task_tokens(find(str(tmp_path)))
    assert one_line(error)
