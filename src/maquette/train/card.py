"""The model card, generated from measured numbers."""

from __future__ import annotations

from typing import Any

from maquette.train import evaluate, evaluate_worlds

HARDLY_FOUND = 0.05
"""PQ below which a category counts among the failures."""

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
`test` scenes for reports | BSD |
| aims, {aims} RealSense frames of a laboratory floor | depth up to 5 m | MIT |
"""

_DEPTH_LIMITS = """\
- Depth was measured on table tops (0.5 to 1.7 m) and one laboratory floor only. {elsewhere} Take its order there, not
  its metres, and look at the predicted scale.
"""
_PRIOR = "Everywhere else it rests on a weak prior (a ground plane, what stands on it, a sky at the back)."
_RENDERED = "Of rooms, streets and landscapes it knows rendered ones, and of real ones a weak prior from geometry."

_LIMITS = """\
- Pictures are taken to have a focal length equal to their longer side unless the caller rescales depth.
- Semantics are two small teachers', merged and averaged. Their mistakes remain: macro shots, fruit and underwater
  pictures come out as `object`, `plant` or `water`; `fence` is hardly ever predicted, because no teacher knows it.
- Instances of one category that overlap heavily are told apart poorly; pseudo-labels are the only truth for people,
  furniture and vehicles, and they were not checked by hand.
- Held-out photos come from the same collections as those trained on (neighbouring frames of one trail are in both).
"""


_COMPARED: tuple[tuple[str, tuple[str, ...]], ...] = (
    *(
        (f"worlds, {title}", ("worlds", "all", *path))
        for title, path in (
            ("PQ", ("segments", "pq")),
            ("PQ of things", ("segments", "pq_things")),
            ("PQ of stuff", ("segments", "pq_stuff")),
            ("mean IoU", ("miou",)),
            ("SILog (lambda 1) of the network's depth", ("depth", "silog_1")),
            ("AbsRel of the network's depth", ("depth", "abs_rel")),
            ("SILog (lambda 1) of the depth joined with geometry", ("depth_joined", "silog_1")),
            ("AbsRel of the depth joined with geometry", ("depth_joined", "abs_rel")),
        )
    ),
    *(
        (f"OSD {scenes}, {title}", (report, scenes, measure))
        for scenes in ("validation", "test")
        for title, report, measure in (
            ("SILog (lambda 1)", "depth", "silog_1"),
            ("AbsRel", "depth", "abs_rel"),
            ("AbsRel after median scaling", "depth", "abs_rel_median_scaled"),
            ("PQ of things", "instances", "pq"),
            ("PQ of things as perception gives them", "instances", "pq_shipped"),
        )
    ),
    *(
        (f"photos held out, agreement with {teacher}", ("agreement", "held out", measure))
        for teacher, measure in (
            ("the ADE20K teacher", "student_ade"),
            ("the VOC teacher", "student_voc"),
            ("both, merged", "student_ensemble"),
        )
    ),
)
"""What a network is compared with its predecessor by, and where the numbers hold it."""


def render(numbers: dict[str, Any]) -> str:
    """Return the card in Markdown.

    Args:
        numbers: What the evaluation wrote: the content of ``maquette-small.json``. The reports on worlds, on OSD's test
            scenes and on the predecessor may be missing.
    """
    file, data = numbers["file"], numbers["data"]
    sections = [
        _head(file),
        _learned_from(data),
        _training(numbers["training"]),
        *([_before_and_after(numbers)] if "predecessor" in numbers else []),
        *([_worlds(numbers["worlds"], data)] if "worlds" in numbers else []),
        _osd_depth(numbers["depth"], numbers["confidence"]),
        _agreement(numbers["agreement"]),
        _instances(numbers["instances"]),
        _limits(numbers),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _head(file: dict[str, Any]) -> list[str]:
    return [
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
    ]


def _learned_from(data: dict[str, Any]) -> list[str]:
    lines = ["## What it learned from, all the way down", "", _DATA.format(**data).rstrip()]
    if "worlds" not in data:
        return lines
    sets, tests = data["worlds"], data["worlds_test"]
    width, height = data["worlds_size"]
    scenes = sum(one["scenes"] - one["held_out"] for one in sets)
    lines.append(
        f"| {scenes} rendered worlds | semantics, instances and depth, all exact | made by `maquette worlds`, "
        f"Apache-2.0; some have the {data['photos']} photos above (MIT) as textures |"
    )
    lines += ["", f"The worlds, {width} x {height} px, one picture a scene, by their options:", ""]
    lines += [
        "| set | kind | styles | textures | seed | scenes learned from | held out |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in sets + tests:
        textures = "its own and photos" if one["photos"] else "its own"
        lines.append(
            f"| {one['name']} | {one['kind']} | {one['styles']} | {textures} | {one['seed']} "
            f"| {one['scenes'] - one['held_out']} | {one['held_out']} |"
        )
    return lines


def _training(training: dict[str, Any]) -> list[str]:
    begun = ""
    if training.get("start"):
        begun = (
            f"Begun at step {training['start_step']} from the weights of the network with sha256 "
            f"`{training['start']}`, which had learned in the steps before. "
        )
    return [
        "## Training",
        "",
        f"{begun}{training['steps']} steps, seed {training['seed']}, AdamW, averaged weights. The trunks' stages above "
        f"1/8 learn from step {training['frozen_steps']} to {training['trunk_until']} and then keep "
        f"{training['trunk_share']:.0%} of what they learned. Of the learned correction of the merged semantics "
        f"{training['correction']:.0%} counts where its label has a probability up to {training['sure'][0]:g}, and all "
        f"of it from {training['sure'][1]:g} on. (These shares were chosen by the agreement with the teachers on "
        "held-out photos.)",
        f"Wall time on {training['machine']}: {training['minutes']}.",
        "",
        "    python -m maquette.train perception all --photos DIR --rgbd DIR --teachers DIR --work DIR",
    ]


def _before_and_after(numbers: dict[str, Any]) -> list[str]:
    before = numbers["predecessor"]
    lines = [
        "## Against its predecessor",
        "",
        f"The network with sha256 `{before['file']['sha256']}`, measured by the same code. SILog and AbsRel are better "
        "when lower, all else when higher.",
        "",
        "| | before | after |",
        "|---|---|---|",
    ]
    for title, path in _COMPARED:
        old, new = _find(before, path), _find(numbers, path)
        if old is not None and new is not None:
            lines.append(f"| {title} | {old:.4f} | {new:.4f} |")
    return lines


def _find(numbers: dict[str, Any], path: tuple[str, ...]) -> float | None:
    value: Any = numbers
    for name in path:
        if name not in value:
            return None
        value = value[name]
    return float(value)


def _worlds(reports: dict[str, Any], data: dict[str, Any]) -> list[str]:
    lines = [
        "## Worlds of styles that it has not seen",
        "",
        f"Sets {', '.join(one['name'] for one in data['worlds_test'])}. PQ, SQ and RQ: segments as perception gives "
        "them, in the picture's pixels, over the categories that occur. Depth: mean of the pictures' own, truth within "
        f"{evaluate_worlds.FARTHEST_M:g} m, predictions cut to that; `network` is the network's alone, `joined` that "
        "with geometry: what users get.",
        "",
        "| worlds | scenes | PQ | SQ | RQ | PQ of things | PQ of stuff | mean IoU |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for place, report in reports.items():
        segments = report["segments"]
        values = (*(segments[name] for name in ("pq", "sq", "rq", "pq_things", "pq_stuff")), report["miou"])
        lines.append(f"| {place} | {report['scenes']} | " + " | ".join(f"{value:.3f}" for value in values) + " |")
    names = ("silog_1", "silog_half", "abs_rel", "delta1", "abs_rel_median_scaled", "delta1_median_scaled")
    lines += ["", "| worlds | depth | " + " | ".join(names) + " |", "|---" * (len(names) + 2) + "|"]
    for place, report in reports.items():
        for title, kind in (("network", "depth"), ("joined", "depth_joined")):
            lines.append(f"| {place} | {title} | " + " | ".join(f"{report[kind][name]:.3f}" for name in names) + " |")
    ranked = sorted(reports["all"]["categories"].items(), key=lambda item: -item[1]["pq"])
    lines += ["", "PQ by category (number of segments): "]
    lines[-1] += ", ".join(f"{name} {one['pq']:.2f} ({one['segments']})" for name, one in ranked) + "."
    return lines


def _osd_depth(depth: dict[str, Any], confidence: dict[str, float]) -> list[str]:
    lines = [
        "## Depth on OSD",
        "",
        "Mean over pictures of each picture's own. `scaled`: after median scaling, `plain`: metres as predicted.",
        "",
        *_depth_table(depth),
        "",
    ]
    if "test" in depth:
        lines += [
            "The ramp has two parameters, fitted to the `learn` scenes of the same tables. On the test scenes the "
            f"network's abs_rel is {_ratio(depth, 'abs_rel_median_scaled'):.2f} times the ramp's after median "
            f"scaling and {_ratio(depth, 'abs_rel'):.2f} times in metres as predicted (below 1 is better).",
            "",
        ]
    return [
        *lines,
        f"Median predicted log-depth scale: {confidence['scale_osd']:.3f} on OSD validation, "
        f"{confidence['scale_photos']:.3f} on held-out photos. Mean error over mean scale on OSD "
        f"validation: {confidence['error_over_scale_osd']:.2f} (1 is calibrated).",
    ]


def _agreement(agreement: dict[str, Any]) -> list[str]:
    return [
        "## Semantics: agreement with the teachers on photos",
        "",
        "`student`: with a teacher where the merged target is that teacher's. `self`: the teacher with itself after a",
        "move of 8 px and an enlargement of 5%. `student_ensemble`: with the teachers' merged ensemble;",
        "`initial_ensemble`: one merged pass of both teachers with it, which is where the network started.",
        "Agreement with teachers is no accuracy: there is no ground truth for these photos.",
        "",
        *_agreement_table(agreement),
    ]


def _instances(instances: dict[str, Any]) -> list[str]:
    return [
        "## Things on OSD (no category; table and objects)",
        "",
        f"PQ, SQ and RQ: grouped as in Panoptic-DeepLab: peaks above {evaluate.PEAK_LEAST} that are the highest of "
        f"{evaluate.PEAK_WINDOW} x {evaluate.PEAK_WINDOW} cells, each cell of a thing to the peak that its "
        "offset points to. `as given`: as perception gives them to users. Most of what is lost is semantic: table and "
        "objects are taken for what is no thing.",
        "",
        "| scenes | PQ | SQ | RQ | PQ as given | PQ of connected regions of equal label "
        "| PQ of objects, their pixels given |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {name} | {row['pq']:.3f} | {row['sq']:.3f} | {row['rq']:.3f} | {row['pq_shipped']:.3f} "
            f"| {row['pq_regions']:.3f} | {row['pq_given_objects']:.3f} |"
            for name, row in instances.items()
        ),
    ]


def _limits(numbers: dict[str, Any]) -> list[str]:
    elsewhere = _RENDERED if "worlds" in numbers else _PRIOR
    lines = ["## Where it fails", "", _DEPTH_LIMITS.format(elsewhere=elsewhere).rstrip(), _LIMITS.rstrip()]
    if "worlds" in numbers:
        categories = numbers["worlds"]["all"]["categories"]
        lost = ", ".join(f"`{name}`" for name, one in categories.items() if one["pq"] < HARDLY_FOUND)
        lines.append(f"- In worlds of unseen styles these are hardly ever found (PQ below {HARDLY_FOUND}): {lost}.")
    return lines


def _depth_table(rows: dict[str, dict[str, float]]) -> list[str]:
    names = ("abs_rel", "rmse_m", "silog_1", "silog_half", "delta1", "delta2", "delta3")
    titles = {
        "validation": "network, validation",
        "test": "network, test",
        "test_constant": "constant depth, test",
        "test_ramp": "linear ramp of inverse depth, test",
    }
    titles = {key: title for key, title in titles.items() if key in rows}
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
