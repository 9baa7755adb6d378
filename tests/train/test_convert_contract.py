from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("transformers", reason="the extra `train` is not installed")

import torch
import transformers
from benchmarks.architectures import TINY_CATEGORIES
from scipy.ndimage import gaussian_filter

from maquette.errors import ModelError
from maquette.labels import from_name
from maquette.models.entry import read_entry
from maquette.models.options import ExportOptions
from maquette.models.types import PanopticContract
from maquette.perception.network import to_input
from maquette.perception.panoptic import from_query_masks
from maquette.train.convert import card
from maquette.train.convert.contract import input_fields, output_fields
from maquette.train.convert.source import Source

pytestmark = pytest.mark.train

ONEFORMER, EOMT, DETR = "OneFormerForUniversalSegmentation", "EomtForUniversalSegmentation", "DetrForSegmentation"
GLPN, DPT, ZOE, ANYTHING = (f"{name}ForDepthEstimation" for name in ("GLPN", "DPT", "ZoeDepth", "DepthAnything"))


def source(tmp_path, architecture, config=None, **processor):
    return Source("network", tmp_path, None, architecture, config or {}, processor, {})


def named(names):
    return {"id2label": {str(i): name for i, name in enumerate(names)}}


@pytest.mark.parametrize(
    ("architecture", "config", "processor", "size"),
    [
        (ONEFORMER, {}, {"size": {"shortest_edge": 800, "longest_edge": 1333}}, [800, 1056]),
        (ONEFORMER, {}, {"size": {"shortest_edge": 800, "longest_edge": 1024}}, [800, 1024]),
        (DETR, {}, {"size": 800, "max_size": 1333}, [800, 1056]),  # as older versions wrote it
        (EOMT, {"image_size": 640}, {"size": {"shortest_edge": 512, "longest_edge": None}}, [640, 640]),
        (GLPN, {}, {"size_divisor": 32}, [480, 640]),
        (DPT, {"image_size": 384}, {"size": {"height": 384, "width": 384}}, [384, 384]),
        (ZOE, {}, {"size": {"height": 384, "width": 512}, "keep_aspect_ratio": True}, [384, 512]),
        (ANYTHING, {}, {"size": {"height": 518, "width": 518}, "keep_aspect_ratio": True}, [518, 686]),
        (ANYTHING, {}, {}, [518, 686]),
    ],
)
def test_the_size_is_what_the_network_was_made_for(tmp_path, architecture, config, processor, size):
    assert input_fields(source(tmp_path, architecture, config, **processor), ExportOptions())["size"] == size


def test_the_size_asked_for(tmp_path):
    options = ExportOptions(height=96, width=160, fit="stretch")
    fields = input_fields(source(tmp_path, ONEFORMER, size=800), options)
    assert (fields["size"], fields["fit"]) == ([96, 160], "stretch")
    for options in (ExportOptions(height=96), ExportOptions(width=96)):
        with pytest.raises(ModelError, match="give both the height and the width"):
            input_fields(source(tmp_path, GLPN), options)
    with pytest.raises(ModelError, match="-3 x 96: not the size of a picture"):
        input_fields(source(tmp_path, GLPN), ExportOptions(height=-3, width=96))


@pytest.mark.parametrize(
    ("architecture", "processor"),
    [
        (GLPN, transformers.GLPNImageProcessorPil),
        (DPT, transformers.DPTImageProcessorPil),
        (ZOE, transformers.ZoeDepthImageProcessorPil),
        (ONEFORMER, transformers.OneFormerImageProcessorPil),
        (DETR, transformers.DetrImageProcessorPil),
    ],
)
def test_pixels_reach_the_network_as_its_own_processor_makes_them(tmp_path, architecture, processor):
    """At the network's own size, where neither of the two has to resize."""
    rgb = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    options = ExportOptions(height=64, width=96)
    further = {"task_inputs": ["panoptic"]} if architecture == ONEFORMER else {}
    made = processor(do_resize=False)
    theirs = made(images=rgb, return_tensors="np", do_pad=False, **further)["pixel_values"]
    for given in (made.to_dict(), {}):
        network = source(tmp_path, architecture, named(TINY_CATEGORIES), **given)
        contract = {"input": input_fields(network, options), "output": output_fields(network, options)}
        entry = {"name": "network", **card.fields(network, contract)}
        image, _ = to_input(rgb, read_entry(entry, tmp_path, tmp_path).input)
        assert np.allclose(image, theirs, atol=1e-5)


def test_depth_is_of_the_kind_that_the_configuration_says(tmp_path):
    def kind(architecture, config, **options):
        return output_fields(source(tmp_path, architecture, config), ExportOptions(**options))["kind"]

    assert kind(GLPN, {}) == kind(ZOE, {}) == "metric"
    assert kind(DPT, {}) == kind(ANYTHING, {}) == kind(ANYTHING, {"depth_estimation_type": "relative"}) == "inverse"
    assert kind(ANYTHING, {"depth_estimation_type": "metric"}) == "metric"
    assert kind(DPT, {}, kind="metric") == "metric"


@pytest.mark.parametrize(
    ("names", "vocabulary", "categories"),
    [
        (["person", "dining table", "tree-merged"], "coco", ["person", "dining table", "tree-merged"]),
        (["wall", "road, route", "painting, picture", "stool"], "ade20k", ["wall", "road", "painting", "stool"]),
        (
            ["road", "vegetation", "terrain", "guard rail"],
            "cityscapes",
            ["road", "vegetation", "terrain", "guard rail"],
        ),
        (["LABEL_0", "person", "LABEL_2", "potted plant"], "coco", ["void", "person", "void", "potted plant"]),
        (["gizmo", "widget", "wall"], None, ["gizmo", "widget", "wall"]),
    ],
)
def test_classes_get_their_names_and_vocabulary(tmp_path, names, vocabulary, categories):
    fields = output_fields(source(tmp_path, ONEFORMER, named(names)), ExportOptions())
    assert fields.get("vocabulary") == vocabulary
    assert fields["categories"] == categories


@pytest.mark.parametrize("config", [{}, named(["LABEL_0", "LABEL_1"])])
def test_classes_without_names_are_refused(tmp_path, config):
    with pytest.raises(ModelError, match="does not name its classes"):
        output_fields(source(tmp_path, EOMT, config), ExportOptions())


def scene(seed, size=96, regions=6, queries=12):
    """Class and mask logits (numpy) of a picture in ``regions`` parts, each the mask of one sure query."""
    rng = np.random.default_rng(seed)
    classes = rng.normal(0, 0.3, (queries, len(TINY_CATEGORIES) + 1)).astype(np.float32)
    masks = np.full((queries, size, size), -8, np.float32)
    classes[:, -1] += 8
    rows, columns = np.mgrid[:size, :size]
    centres = rng.uniform(0, size, (regions, 2))
    nearest = ((rows - centres[:, :1, None]) ** 2 + (columns - centres[:, 1:, None]) ** 2).argmin(0)
    for region, query in enumerate(rng.choice(queries, regions, replace=False)):
        classes[query, rng.integers(len(TINY_CATEGORIES))] += 16
        masks[query] = 16 * gaussian_filter((nearest == region).astype(np.float32), 1) - 8
    return classes, masks


@pytest.mark.parametrize("family", ["OneFormer", "Mask2Former", "Eomt", "Detr"])
@pytest.mark.parametrize("seed", range(3))
def test_segments_are_those_of_the_networks_own_library(family, seed):
    """``post_process_panoptic_segmentation`` of each processor on the same outputs, with the same thresholds."""
    classes, masks = scene(seed)
    theirs_of = {"OneFormer": "class_queries_logits masks_queries_logits", "Detr": "logits pred_masks"}
    names = theirs_of.get(family, theirs_of["OneFormer"]).split()
    outputs = SimpleNamespace(**dict(zip(names, (torch.from_numpy(x)[None] for x in (classes, masks)), strict=True)))
    processor = getattr(transformers, f"{family}ImageProcessorPil")()
    labels = [from_name(name, "coco") for name in TINY_CATEGORIES]
    stuff = {i for i, label in enumerate(labels) if not label.isthing}
    further = {"stuff_classes": list(stuff)} if family == "Eomt" else {"label_ids_to_fuse": stuff}
    if family != "OneFormer":  # whose resizing needs torchvision; without a target it stays at the masks' own size
        further["target_sizes"] = [(96, 96)]
    (theirs,) = processor.post_process_panoptic_segmentation(outputs, threshold=0.5, **further)
    contract = PanopticContract("query_masks", *names, TINY_CATEGORIES, "coco")
    ours = from_query_masks(classes, masks, contract)
    of_theirs = {info["id"]: labels[info["label_id"]] for info in theirs["segments_info"]}
    of_ours = {segment.id: segment.label for segment in ours.segments}
    ids = theirs["segmentation"].numpy().astype(int)
    assert sorted(label.name for label in of_ours.values()) == sorted(label.name for label in of_theirs.values())
    both = (ours.ids > 0) & np.isin(ids, list(of_theirs))
    assert both.mean() > 0.9
    agreed = 0
    for number, label in of_ours.items():
        found, counts = np.unique(ids[both & (ours.ids == number)], return_counts=True)
        assert of_theirs[found[counts.argmax()]] == label
        agreed += counts.max()
    assert agreed > 0.99 * both.sum()
