"""The frame of a picture: what is drawn, on white, as one stand-alone SVG file."""

from collections.abc import Sequence


def framed(width: float, height: float, drawn: Sequence[str]) -> str:
    """A picture of `width` by `height` pixels, which shows the elements `drawn`."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" font-family="system-ui, sans-serif" font-size="12">'
    )
    return "\n".join([head, f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>', *drawn, "</svg>", ""])
