"""Texts of a picture that lie on one another or leave it."""

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text


def found(figure) -> list[str]:
    """What is wrong with the texts of a figure; nothing where all can be read.

    Args:
        figure: drawn, but not written.
    """
    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    renderer = canvas.get_renderer()
    boxes, outside = [], _outside(figure)
    for text in figure.findobj(Text):
        if text.get_text().strip() and text.get_visible() and id(text) not in outside:
            # A pixel of air belongs to the letters.
            boxes.append((text.get_text(), text.get_window_extent(renderer).padded(-1)))
    width, height = canvas.get_width_height()
    wrong = [
        f"{text!r} leaves the picture"
        for text, box in boxes
        if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height
    ]
    for i, (text, box) in enumerate(boxes):
        wrong += [f"{text!r} on {other!r}" for other, its in boxes[:i] if box.overlaps(its)]
    for axes in figure.axes:
        if axes.get_label() == "<colorbar>":
            scale = axes.get_window_extent(renderer)
            wrong += [f"{text!r} on the scale" for text, box in boxes if box.overlaps(scale)]
    return wrong


def _outside(figure) -> set[int]:
    """The labels of ticks that are outside of their axis, which matplotlib keeps, by their ids."""
    found = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                if not low <= tick.get_loc() <= high:
                    found |= {id(tick.label1), id(tick.label2)}
    return found
