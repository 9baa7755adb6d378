"""The label set: categories, their colours, and what they do in a scene.

Networks and data sets speak COCO panoptic, ADE20K, Cityscapes, NYU40 or VOC; ``from_name`` brings each of
their category names to one of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["ground", "ceiling", "sky", "upright", "object"]
Vocabulary = Literal["coco", "ade20k", "cityscapes", "nyu40", "voc"]

VOID = 0
"""Id of a pixel that belongs to no segment."""


@dataclass(frozen=True)
class Label:
    """One category.

    Attributes:
        id: Position in the label set, 1 to ``len(LABELS)``; 0 is void.
        name: Lower case English, as it appears in node names.
        isthing: Countable, so that every instance is a segment of its own (COCO's meaning).
        role: What the category does in a scene: it lies flat (``ground``, ``ceiling``), stands up as
            part of the surroundings (``upright``), stands on something (``object``), or is ``sky``.
        color: sRGB, 0 to 255.
    """

    id: int
    name: str
    isthing: bool
    role: Role
    color: tuple[int, int, int]


# name, isthing, role, colour, then the names of the same thing in other vocabularies (voc shares COCO's words).
_TABLE: tuple[tuple[str, bool, Role, tuple[int, int, int]], ...] = (
    ("wall", False, "upright", (174, 164, 148)),
    ("building", False, "upright", (156, 102, 84)),
    ("sky", False, "sky", (112, 178, 230)),
    ("floor", False, "ground", (196, 160, 110)),
    ("tree", False, "upright", (44, 122, 58)),
    ("ceiling", False, "ceiling", (222, 218, 206)),
    ("road", False, "ground", (98, 98, 106)),
    ("window", False, "upright", (150, 206, 214)),
    ("grass", False, "ground", (124, 186, 70)),
    ("sidewalk", False, "ground", (180, 150, 170)),
    ("earth", False, "ground", (140, 104, 66)),
    ("door", False, "upright", (120, 72, 44)),
    ("mountain", False, "upright", (104, 116, 132)),
    ("curtain", False, "upright", (206, 92, 130)),
    ("water", False, "ground", (46, 108, 176)),
    ("mirror", False, "upright", (190, 220, 236)),
    ("rug", False, "ground", (178, 60, 76)),
    ("field", False, "ground", (190, 190, 84)),
    ("fence", False, "upright", (164, 128, 92)),
    ("bed", True, "object", (232, 156, 176)),
    ("cabinet", True, "object", (150, 90, 160)),
    ("person", True, "object", (226, 54, 54)),
    ("table", True, "object", (214, 134, 52)),
    ("plant", True, "object", (30, 160, 96)),
    ("chair", True, "object", (244, 190, 40)),
    ("car", True, "object", (32, 74, 210)),
    ("painting", True, "upright", (236, 112, 200)),
    ("sofa", True, "object", (128, 62, 204)),
    ("shelf", True, "object", (104, 70, 30)),
    ("armchair", True, "object", (252, 214, 120)),
    ("airplane", True, "object", (88, 204, 236)),
    ("bicycle", True, "object", (136, 222, 44)),
    ("bird", True, "object", (250, 128, 96)),
    ("boat", True, "object", (16, 58, 120)),
    ("bottle", True, "object", (0, 150, 136)),
    ("bus", True, "object", (66, 30, 150)),
    ("cat", True, "object", (255, 152, 0)),
    ("cow", True, "object", (124, 84, 84)),
    ("dog", True, "object", (198, 82, 20)),
    ("horse", True, "object", (108, 40, 40)),
    ("motorcycle", True, "object", (170, 0, 110)),
    ("sheep", True, "object", (226, 226, 180)),
    ("train", True, "object", (84, 132, 20)),
    ("tv", True, "object", (24, 24, 60)),
    ("object", True, "object", (200, 200, 60)),
)

LABELS: tuple[Label, ...] = tuple(
    Label(index, name, isthing, role, color) for index, (name, isthing, role, color) in enumerate(_TABLE, start=1)
)
"""Every label, in the order of its id (``LABELS[i].id == i + 1``)."""

BY_NAME: dict[str, Label] = {label.name: label for label in LABELS}

# ours -> theirs. A name that is ours in their vocabulary too need not be listed.
_ALIASES: dict[Vocabulary, dict[str, str]] = {
    "coco": {
        "wall": "wall-brick wall-stone wall-tile wall-wood wall-other-merged",
        "building": "building-other-merged house bridge roof tent",
        "sky": "sky-other-merged",
        "floor": "floor-wood floor-other-merged platform",
        "tree": "tree-merged",
        "ceiling": "ceiling-merged",
        "road": "road railroad",
        "window": "window-blind window-other",
        "grass": "grass-merged",
        "sidewalk": "pavement-merged",
        "earth": "dirt-merged gravel sand snow playingfield",
        "door": "door-stuff",
        "mountain": "mountain-merged rock-merged",
        "water": "water-other river sea",
        "mirror": "mirror-stuff",
        "rug": "rug-merged",
        "fence": "fence-merged net",
        "cabinet": "cabinet-merged counter refrigerator oven microwave",
        "table": "dining_table table-merged",
        "plant": "potted_plant flower",
        "car": "car truck",
        "sofa": "couch",
        "chair": "chair bench",
        "bottle": "bottle vase wine_glass cup",
        "tv": "tv laptop",
        "sheep": "sheep",
        "cow": "cow elephant",
        "dog": "dog bear",
        "horse": "horse zebra giraffe",
        "object": (
            "traffic_light fire_hydrant stop_sign parking_meter backpack umbrella handbag tie suitcase "
            "frisbee skis snowboard sports_ball kite baseball_bat baseball_glove skateboard surfboard "
            "tennis_racket fork knife spoon bowl banana apple sandwich orange broccoli carrot hot_dog "
            "pizza donut cake toilet mouse remote keyboard cell_phone toaster sink book clock scissors "
            "teddy_bear hair_drier toothbrush banner blanket cardboard fruit light pillow stairs towel "
            "paper-merged food-other-merged"
        ),
        "shelf": "shelf",
    },
    "ade20k": {
        "building": "house skyscraper tower hovel bridge grandstand booth canopy",
        "floor": "floor stage step stairs stairway escalator pier",
        "road": "road runway path dirt_track",
        "window": "windowpane blind screen_door",
        "earth": "earth sand land hill",
        "mountain": "mountain rock",
        "water": "water sea river lake swimming_pool waterfall fountain",
        "fence": "fence railing bannister",
        "bed": "bed cradle",
        "cabinet": (
            "cabinet wardrobe chest_of_drawers refrigerator counter buffet countertop kitchen_island stove "
            "oven dishwasher washer microwave fireplace bar"
        ),
        "table": "table desk coffee_table pool_table",
        "plant": "plant flower palm",
        "tree": "tree",
        "chair": "chair seat bench swivel_chair stool ottoman",
        "car": "car truck van",
        "bicycle": "bicycle",
        "motorcycle": "minibike",
        "boat": "boat ship",
        "painting": "painting poster signboard bulletin_board",
        "shelf": "shelf bookcase case",
        "tv": "television_receiver monitor crt_screen computer screen projection_screen",
        "bottle": "bottle vase glass",
        "dog": "animal",
        "object": (
            "column lamp bathtub cushion base box sink toilet pillow streetlight book light awning "
            "chandelier apparel pole arcade_machine hood towel barrel basket bag plaything ball food "
            "trade_name pot sculpture sconce traffic_light tray ashcan fan plate shower radiator clock "
            "flag tank conveyer_belt bannister"
        ),
    },
    "cityscapes": {
        "fence": "guard_rail",
        "building": "bridge tunnel",
        "tree": "vegetation",
        "grass": "terrain",
        "road": "ground parking rail_track lane",
        "person": "rider",
        "car": "truck caravan trailer",
        "object": "pole polegroup traffic_light traffic_sign",
    },
    "nyu40": {
        "window": "blinds",
        "rug": "floor_mat",
        "shelf": "shelves bookshelf",
        "painting": "picture whiteboard",
        "table": "desk",
        "cabinet": "counter dresser refridgerator night_stand",
        "tv": "television",
        "object": (
            "pillow clothes books paper towel shower_curtain box toilet sink lamp bathtub bag "
            "otherstructure otherfurniture otherprop"
        ),
    },
    "voc": {
        "airplane": "aeroplane",
        "bicycle": "bicycle",
        "table": "diningtable",
        "motorcycle": "motorbike",
        "plant": "pottedplant",
        "tv": "tvmonitor",
    },
}


def _spell(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


_LOOKUP: dict[str, dict[str, Label]] = {
    vocabulary: {
        **BY_NAME,
        **{_spell(theirs): BY_NAME[ours] for ours, names in table.items() for theirs in names.split()},
    }
    for vocabulary, table in _ALIASES.items()
}


def from_name(name: str, vocabulary: Vocabulary | None = None) -> Label | None:
    """Return our label for a category name of another vocabulary.

    Args:
        name: Theirs, in any case, with spaces, hyphens or underscores as the data set writes them.
        vocabulary: Whose name it is. ``None`` takes the first vocabulary that knows it, ours first.

    Returns:
        The label, or None where the vocabulary has no such name.
    """
    spelled = _spell(name)
    if vocabulary is not None:
        return _LOOKUP[vocabulary].get(spelled)
    for table in (BY_NAME, *_LOOKUP.values()):
        if spelled in table:
            return table[spelled]
    return None
