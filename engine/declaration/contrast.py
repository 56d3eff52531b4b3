"""Contrast of colours, as the Web Content Accessibility Guidelines (WCAG 2.2) define it. Pure."""

from typing import Final, NamedTuple

COLOR_PATTERN: Final = r"#[0-9a-fA-F]{6}"
LEAST_CONTRAST: Final = 4.5
"""The least contrast of text and background at level AA."""
_CHANNEL_MOST: Final = 255
_LINEAR_BELOW: Final = 0.04045


class Color(NamedTuple):
    """A colour in sRGB; each channel is from 0 to 255."""

    red: int
    green: int
    blue: int

    @classmethod
    def parse(cls, text: str) -> "Color":
        """Return the colour in a text such as `#1b6a57`, which matches `COLOR_PATTERN`."""
        return cls(*bytes.fromhex(text.removeprefix("#")))

    def __str__(self) -> str:
        return f"#{bytes(self).hex()}"

    @property
    def luminance(self) -> float:
        """The relative luminance, from 0 for black to 1 for white."""
        red, green, blue = map(_linear, self)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue


WHITE: Final = Color(_CHANNEL_MOST, _CHANNEL_MOST, _CHANNEL_MOST)


def contrast(one: Color, other: Color) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    darker, lighter = sorted((one.luminance, other.luminance))
    return (lighter + 0.05) / (darker + 0.05)


def nearest_dark(color: Color) -> Color:
    """Return the lightest shade of a colour on which white text has enough contrast."""
    for parts in range(_CHANNEL_MOST, 0, -1):
        shade = Color(*(round(channel * parts / _CHANNEL_MOST) for channel in color))
        if contrast(shade, WHITE) >= LEAST_CONTRAST:
            return shade
    return Color(0, 0, 0)


def _linear(channel: int) -> float:
    """Return the linear light of a channel, from 0 to 1."""
    share = channel / _CHANNEL_MOST
    return share / 12.92 if share <= _LINEAR_BELOW else ((share + 0.055) / 1.055) ** 2.4
