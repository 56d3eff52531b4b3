"""The contrast of colours, compared with published values, and the nearest readable shade."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.declaration.contrast import LEAST_CONTRAST, WHITE, Color, contrast, nearest_dark

CHANNELS = st.integers(0, 255)


@pytest.mark.parametrize(
    ("color", "expected"),
    [("#000000", 21), ("#ffffff", 1), ("#767676", 4.54), ("#777777", 4.48), ("#ff0000", 4.0)],
)
def test_the_contrast_with_white_is_that_of_wcag(color: str, expected: float) -> None:
    assert contrast(Color.parse(color), WHITE) == pytest.approx(expected, abs=0.005)


@given(st.builds(Color, CHANNELS, CHANNELS, CHANNELS))
def test_the_nearest_shade_is_readable_and_not_darker_than_needed(color: Color) -> None:
    shade = nearest_dark(color)
    assert contrast(shade, WHITE) >= LEAST_CONTRAST
    assert Color.parse(str(shade)) == shade
    if contrast(color, WHITE) >= LEAST_CONTRAST:
        assert shade == color
