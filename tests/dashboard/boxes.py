"""A font of which every letter is the same box, so that no picture depends on a system's fonts."""

from __future__ import annotations

import base64
import io

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

_EM, _WIDE, _HIGH = 1_000, 560, 560
_LETTERS = (*range(0x21, 0x300), *range(0x2000, 0x2C00))
_SPACES = (0x20, 0xA0)


def boxes() -> str:
    """Return a script that has the page write all it writes in boxes, on canvases too."""
    return _SCRIPT.replace("FONT", base64.b64encode(_font()).decode())


def _font() -> bytes:
    builder = FontBuilder(_EM, isTTF=True)
    builder.setupGlyphOrder([".notdef", "space", "box"])
    builder.setupCharacterMap(dict.fromkeys(_SPACES, "space") | dict.fromkeys(_LETTERS, "box"))
    nothing, box = TTGlyphPen(None), TTGlyphPen(None)
    corners = ((60, 0), (60, _HIGH), (_WIDE - 60, _HIGH), (_WIDE - 60, 0))
    box.moveTo(corners[0])
    for corner in corners[1:]:
        box.lineTo(corner)
    box.closePath()
    drawn = box.glyph()
    builder.setupGlyf({".notdef": drawn, "space": nothing.glyph(), "box": drawn})
    builder.setupHorizontalMetrics({
        ".notdef": (_WIDE, 60), "space": (_WIDE // 2, 0), "box": (_WIDE, 60),
    })  # fmt: skip
    builder.setupHorizontalHeader(ascent=900, descent=-250)
    builder.setupNameTable({"familyName": "Boxes", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=900, sTypoDescender=-250, usWinAscent=900, usWinDescent=250)
    builder.setupPost()
    file = io.BytesIO()
    builder.save(file)
    return file.getvalue()


_SCRIPT = """
const bytes = Uint8Array.from(atob("FONT"), (each) => each.charCodeAt(0));
const face = new FontFace("Boxes", bytes.buffer);
document.fonts.add(face);
face.load();
const canvas = CanvasRenderingContext2D.prototype;
const font = Object.getOwnPropertyDescriptor(canvas, "font");
Object.defineProperty(canvas, "font", {
  ...font,
  set(value) { font.set.call(this, value.replace(/px .*/, "px Boxes")); },
});
const sheet = new CSSStyleSheet();
sheet.replaceSync(`* {
  font-family: Boxes !important; font-synthesis: none !important; caret-color: transparent;
}`);
document.adoptedStyleSheets.push(sheet);
"""
