"""The landlord's colour made readable, by the contrast of WCAG 2.2."""

import colorsys

#: WCAG 1.4.3 asks for 4.5 on these backgrounds; the rest is for the tints of cards and alerts.
LIGHT_GROUND, DARK_GROUND = "#f7f4ee", "#1c2425"
CONTRAST_MIN = 5.5


def readable(colour: str, ground: str) -> str:
    """Return the colour, darkened or lightened until it is readable on that background."""
    goal = 0 if _luminance(ground) > 0.5 else 1
    hue, lightness, saturation = colorsys.rgb_to_hls(*(c / 255 for c in _channels(colour)))
    for step in range(51):
        moved = colorsys.hls_to_rgb(hue, lightness + (goal - lightness) * step / 50, saturation)
        candidate = "#" + "".join(f"{round(c * 255):02x}" for c in moved)
        if contrast(candidate, ground) >= CONTRAST_MIN:
            break
    return candidate


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def ink(colour: str) -> str:
    """Return black or white, whichever is more readable on the colour."""
    return max("#ffffff", "#000000", key=lambda candidate: contrast(candidate, colour))


def _channels(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def _luminance(colour: str) -> float:
    parts = [c / 255 for c in _channels(colour)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
