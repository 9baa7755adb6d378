"""The model card, generated from measured numbers."""

from __future__ import annotations

from typing import Any

from maquette.train import evaluate

_DATA = """\
| what | how it was used | terms |
|---|---|---|
| ADE20K-31 DeepLabV3+ MobileNetV2 (weights) | starting point of one trunk, and teacher | weights Apache-2.0; \
learned from ADE20K, whose pictures carry research and education terms of their own owners |
| VOC-21 DeepLabV3 MobileNetV2 (weights) | starting point of the other trunk, and teacher | weights Apache-2.0; \
learned from PASCAL VOC 2012 (Flickr pictures, terms of Flickr) and, by the usual recipe, ImageNet and COCO, whose \
pictures' terms are their owners'; which of them took part is unknown |
| NanoDet-m (weights) | boxes as pseudo-labels of things | weights Apache-2.0; learned from COCO and ImageNet pictures |
| {photos} photos and paintings | unlabelled: distillation, pseudo-labels, weak geometric depth; {held_photos} more \
held out | MIT |
| Object Segmentation Database, {osd} `learn` scenes | depth and instances; {held_osd} more for validation, {test_osd} \
`test` scenes for one report | BSD |
| aims, {aims} RealSense frames of a laboratory floor | depth up to 5 m | MIT |
"""

_LIMITS = """\
- Depth was measured on table tops (0.5 to 1.7 m) and one laboratory floor only. Everywhere else it rests on a weak
  prior (a ground plane, what stands on it, a sky at the back): take its order, not its metres, and look at the
  predicted scale.
- Pictures are taken to have a focal length equal to their longer side unless the caller rescales depth.
- Semantics are two small teachers', merged and averaged. Their mistakes remain: macro shots, fruit and underwater
  pictures come out as `object`, `plant` or `water`; `fence` is hardly ever predicted, because no teacher knows it.
- Instances of one category that overlap heavily are told apart poorly; pseudo-labels are the only truth for people,
  furniture and vehicles, and they were not checked by hand.
- Held-out photos come from the same collections as those trained on (neighbouring frames of one trail are in both).
"""


def render(numbers: dict[str, Any]) -> str:
    """Return the card in Markdown.

    Args:
        numbers: What the evaluation wrote: the content of ``maquette-small.json``.
    """
    training, data = numbers["training"], numbers["data"]
    file = numbers["file"]
    lines = [
        "# maquette-small",
        "",
        "Semantics, depth and instances of one photo. Generated from `maquette-small.json`; do not edit.",
        "",
        f"- File: `maquette-small.onnx`, {file['bytes']:,} bytes, sha256 `{file['sha256']}`",
        f"- Parameters: {file['parameters']:,}, stored as float16, computed as float32, ONNX opset {file['opset']}",
        f"- ONNX Runtime against PyTorch, sizes {file['parity_sizes']}: at most {file['parity']:.1e} apart",
        "- Licence of the weights: Apache-2.0; what they learned from is listed below",
        "",
        "## Contract",
        "",
        "Input `image`: float32 (1, 3, H, W), RGB in [-1, 1], H and W multiples of 32, about 512 x 512 pixels in all.",
        "Outputs, at a quarter of the size, cell (i, j) covering the 4 x 4 pixels from (4 i, 4 j):",
        "",
        "- `semantic` (1, 45, H/4, W/4): logits, channel i is label id i + 1.",
        "- `depth` (1, 2, H/4, W/4): log of z-depth in metres for a camera whose focal length equals the longer side,",
        "  and the log of its Laplace scale b (in log-depth). Multiply depth by focal_px / longer side: 0.82 for a",
        "  Kinect (525 px at 640), 0.5 for a wide RealSense (320 px at 640).",
        "- `instance` (1, 3, H/4, W/4): probability of a thing's centre, then (dx, dy) in input pixels to the centre",
        "  of the thing that a pixel belongs to.",
        "",
        "## What it learned from, all the way down",
        "",
        _DATA.format(**data),
        "## Training",
        "",
        f"{training['steps']} steps, seed {training['seed']}, AdamW, averaged weights. The trunks' stages above 1/8 "
        f"learn from step {training['frozen_steps']} to {training['trunk_until']} and then keep "
        f"{training['trunk_share']:.0%} of what they learned; {training['correction']:.0%} of the learned "
        "correction of the merged semantics is "
        "exported. (Both shares were chosen by the agreement with the teachers on held-out photos.)",
        f"Wall time on {training['machine']}: {training['minutes']}.",
        "",
        "    python -m maquette.train perception all --photos DIR --rgbd DIR --teachers DIR --work DIR",
        "",
        "## Depth on OSD",
        "",
        "Mean over pictures of each picture's own. `scaled`: after median scaling, `plain`: metres as predicted.",
        "",
        *_depth_table(numbers["depth"]),
        "",
        "The ramp has two parameters, fitted to the `learn` scenes of the same tables. On the test scenes the "
        f"network's abs_rel is {_ratio(numbers['depth'], 'abs_rel_median_scaled'):.2f} times the ramp's after median "
        f"scaling and {_ratio(numbers['depth'], 'abs_rel'):.2f} times in metres as predicted (below 1 is better).",
        "",
        f"Median predicted log-depth scale: {numbers['confidence']['scale_osd']:.3f} on OSD validation, "
        f"{numbers['confidence']['scale_photos']:.3f} on held-out photos. Mean error over mean scale on OSD "
        f"validation: {numbers['confidence']['error_over_scale_osd']:.2f} (1 is calibrated).",
        "",
        "## Semantics: agreement with the teachers on photos",
        "",
        "`student`: with a teacher where the merged target is that teacher's. `self`: the teacher with itself after a",
        "move of 8 px and an enlargement of 5%. `student_ensemble`: with the teachers' merged ensemble;",
        "`initial_ensemble`: one merged pass of both teachers with it, which is where the network started.",
        "Agreement with teachers is no accuracy: there is no ground truth for these photos.",
        "",
        *_agreement_table(numbers["agreement"]),
        "",
        "## Things on OSD (no category; table and objects)",
        "",
        f"Grouped as in Panoptic-DeepLab: peaks above {evaluate.PEAK_LEAST} that are the highest of "
        f"{evaluate.PEAK_WINDOW} x {evaluate.PEAK_WINDOW} cells, each cell of a thing to the peak that its "
        "offset points to. Most of what is lost is semantic: table and objects are taken for what is no thing.",
        "",
        "| scenes | PQ | SQ | RQ | PQ of connected regions of equal label | PQ of objects, their pixels given |",
        "|---|---|---|---|---|---|",
        *(
            f"| {name} | {row['pq']:.3f} | {row['sq']:.3f} | {row['rq']:.3f} | {row['pq_regions']:.3f} "
            f"| {row['pq_given_objects']:.3f} |"
            for name, row in numbers["instances"].items()
        ),
        "",
        "## Limits",
        "",
        _LIMITS,
    ]
    return "\n".join(lines)


def _depth_table(rows: dict[str, dict[str, float]]) -> list[str]:
    names = ("abs_rel", "rmse_m", "silog_1", "silog_half", "delta1", "delta2", "delta3")
    titles = {
        "validation": "network, validation",
        "test": "network, test",
        "test_constant": "constant depth, test",
        "test_ramp": "linear ramp of inverse depth, test",
    }
    lines = ["| | | " + " | ".join(names) + " |", "|---" * (len(names) + 2) + "|"]
    for key, title in titles.items():
        for kind, suffix in (("scaled", "_median_scaled"), ("plain", "")):
            if key == "test_constant" and kind == "plain":
                continue
            values = " | ".join(f"{rows[key][name + suffix]:.4f}" for name in names)
            lines.append(f"| {title} | {kind} | {values} |")
    return lines


def _ratio(rows: dict[str, dict[str, float]], name: str) -> float:
    return rows["test"][name] / rows["test_ramp"][name]


def _agreement_table(rows: dict[str, dict[str, float]]) -> list[str]:
    names = ("student_ade", "self_ade", "student_voc", "self_voc", "student_ensemble", "initial_ensemble")
    lines = ["| photos | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for key, row in rows.items():
        lines.append(f"| {key} | " + " | ".join(f"{row[name]:.3f}" for name in names) + " |")
    return lines
