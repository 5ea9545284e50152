"""The colours of every theme and scheme, as most people see them and as the colour-blind do.

Three kinds of colour blindness are simulated at full strength with the matrices of Machado, Oliveira and Fernandes
(2009), on linear RGB.
"""

import math
from itertools import combinations, product

import pytest

from services.wall import palette

MACHADO = {
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
SEEN = [*product(palette.THEMES, ("light", "dark"), MACHADO)]
TEXTS = ("ink", "dim", "down-text", "wait-text", "act-text", "attention-text")
AREAS = ("run", "down", "wait", "act")
"""Areas that stand side by side in a ribbon."""
APART = 12.0
"""ΔE*ab between two areas: some five times what is just noticed."""


@pytest.mark.parametrize(("theme", "scheme", "sight"), SEEN)
def test_texts_are_read_by_everyone(theme: str, scheme: palette.Scheme, sight: str) -> None:
    tokens = palette.THEMES[theme][scheme]
    for text, ground in product(TEXTS, ("ground", "card")):
        light, dark = sorted((luminance(seen(tokens[each], sight)) for each in (text, ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


@pytest.mark.parametrize(("theme", "scheme", "sight"), SEEN)
def test_areas_side_by_side_are_distinguished_by_everyone(theme: str, scheme: palette.Scheme, sight: str) -> None:
    tokens = palette.THEMES[theme][scheme]
    for one, other in combinations(AREAS, 2):
        assert apart(seen(tokens[one], sight), seen(tokens[other], sight)) >= APART, (one, other)


Rgb = tuple[float, float, float]


def seen(colour: str, sight: str) -> Rgb:
    """Return a colour as it is seen, linear RGB."""
    linear = [linearised(int(colour[place : place + 2], 16) / 255) for place in (1, 3, 5)]
    rows = MACHADO[sight]
    red, green, blue = (
        min(1.0, max(0.0, sum(each * share for each, share in zip(linear, row, strict=True)))) for row in rows
    )
    return red, green, blue


def linearised(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def luminance(colour: Rgb) -> float:
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]


def apart(one: Rgb, other: Rgb) -> float:
    """Return ΔE*ab (CIE 1976)."""
    return math.dist(lab(one), lab(other))


def lab(colour: Rgb) -> Rgb:
    red, green, blue = colour
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = luminance(colour)
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    root_x, root_y, root_z = (cube_root(each) for each in (x, y, z))
    return 116 * root_y - 16, 500 * (root_x - root_y), 200 * (root_y - root_z)


def cube_root(value: float) -> float:
    return float(value ** (1 / 3)) if value > 0.008856 else 7.787 * value + 16 / 116
