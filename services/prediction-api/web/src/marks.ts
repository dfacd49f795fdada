// The marks of earlier predictions: the shape says what came of one, the way it points what it said.

import type { Point } from "./market.ts";
import type { Palette } from "./palette.ts";

/** Draw a mark around (x, y): filled triangle right, cross wrong, dash flat, ring abstained. */
export function drawMark(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  size: number,
  { direction, verdict }: Pick<Point, "direction" | "verdict">,
  colour: Palette,
): void {
  context.lineWidth = 1.6;
  context.beginPath();
  if (direction === "abstain") {
    context.strokeStyle = colour.muted;
    context.arc(x, y, size * 0.7, 0, 2 * Math.PI);
    context.stroke();
  } else if (verdict === "wrong") {
    context.strokeStyle = colour.wrong;
    context.moveTo(x - size, y - size);
    context.lineTo(x + size, y + size);
    context.moveTo(x + size, y - size);
    context.lineTo(x - size, y + size);
    context.stroke();
  } else if (verdict === "flat") {
    context.strokeStyle = colour.muted;
    context.moveTo(x - size, y);
    context.lineTo(x + size, y);
    context.stroke();
  } else {
    const tip = direction === "up" ? -size : size;
    context.moveTo(x, y + tip);
    context.lineTo(x + size, y - tip);
    context.lineTo(x - size, y - tip);
    context.closePath();
    if (verdict === "right") {
      context.fillStyle = colour.right;
      context.fill();
    } else {
      context.strokeStyle = colour.accent; // its moment is still to come
      context.stroke();
    }
  }
}

/** Draw the legend's canvases, each of which names the mark it shows. */
export function drawLegend(root: ParentNode, colour: Palette): void {
  for (const canvas of root.querySelectorAll<HTMLCanvasElement>("canvas[data-verdict]")) {
    const context = canvas.getContext("2d");
    if (!context) continue;
    const ratio = window.devicePixelRatio;
    canvas.width = canvas.height = 14 * ratio;
    context.scale(ratio, ratio);
    const said = canvas.dataset.verdict;
    const direction = said === "abstained" ? "abstain" : "up";
    const verdict = said === "waiting" ? null : (said as Point["verdict"]);
    drawMark(context, 7, 7, 4.5, { direction, verdict }, colour);
  }
}
