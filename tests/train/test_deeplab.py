import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")

from maquette.train.nets.deeplab import DeepLab, load_teachers, upsample_from_corner  # noqa: E402

pytestmark = pytest.mark.train


def smooth_picture(side):
    """Of low contrast: the teachers' files limit some activations to their quantiser's range, and the trunks do not."""
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    planes = [np.sin(5 * x + 2 * y), np.cos(4 * y - x), np.sin(3 * x * y)]
    return torch.from_numpy(np.stack(planes)[None].astype(np.float32) * 0.3)


def test_the_ade_trunk_is_its_teacher(teachers):
    ade, _ = load_teachers(teachers)
    image = smooth_picture(512)
    path = teachers / "ade20k31_deeplabv3_mobilenetv2.onnx"
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        ours = upsample_from_corner(ade(image), 4)
    theirs = session.run(None, {session.get_inputs()[0].name: image.numpy()})[0]
    assert np.abs(ours.numpy() - theirs).max() < 1e-3


def test_the_voc_trunk_is_its_teacher(teachers):
    """An even picture with a row and a column of zeros is what the trunk makes of it by itself."""
    _, voc = load_teachers(teachers)
    image = smooth_picture(512)
    path = teachers / "voc21_deeplabv3_mobilenetv2.onnx"
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        cells = voc(image)
        ours = torch.nn.functional.interpolate(cells, size=(513, 513), mode="bilinear", align_corners=True)
    padded = torch.nn.functional.pad(image, (0, 1, 0, 1))
    theirs = session.run(None, {session.get_inputs()[0].name: padded.numpy()})[0]
    assert np.abs(ours.numpy() - theirs).max() < 1e-3


def test_a_file_of_another_architecture_is_refused(teachers):
    with pytest.raises(ValueError, match="convolutions"):
        DeepLab(21, even=False, decoder=True).load_onnx(teachers / "voc21_deeplabv3_mobilenetv2.onnx")


def test_upsampling_from_the_corner_in_closed_form():
    cells = torch.tensor([[[[0.0, 4.0], [8.0, 12.0]]]])
    up = upsample_from_corner(cells, 4)[0, 0]
    y, x = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    assert torch.allclose(up, 2 * y.clamp(max=4) + x.clamp(max=4), atol=1e-5)
