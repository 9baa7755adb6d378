"""Pictures of any size into a network, and its depth back at theirs."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

from maquette.train.nets.glpn import Glpn


def predict(net: Glpn, rgb: NDArray[np.uint8], size: tuple[int, int] | None = None) -> NDArray[np.float32]:
    """Return the depth of a picture.

    Args:
        net: The network; it is left in the mode of inference.
        rgb: (H, W, 3) uint8 sRGB.
        size: (h, w) that the network sees, multiples of 32; None for that of the picture.

    Returns:
        (H, W) float32, z in metres.
    """
    net.eval()
    shown = rgb if size is None else Image.fromarray(rgb).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    device = next(net.parameters()).device
    image = torch.from_numpy(np.array(shown)).to(device).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        depth_m = F.interpolate(net(image), rgb.shape[:2], mode="bilinear", align_corners=False)
    made: NDArray[np.float32] = depth_m[0, 0].cpu().numpy()
    return made
