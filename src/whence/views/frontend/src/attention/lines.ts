/** Lines between two columns of tokens, as curves on a canvas: the stronger a weight, the wider and the more opaque. */
import type { AttentionLayer } from "../spec.ts";
import { byteAt } from "./weights.ts";

const LEVELS = 32;
const MOST_LINES = 12_000;

/** For each head and level (a byte's upper five bits) the heights of lines' two ends, one after the other. */
export class Lines {
  private ends = new Map<number, number[][]>();
  private counts = new Array<number>(LEVELS).fill(0);

  /** Adds the lines of a layer between queries and keys that weigh at least a byte; heights by place. */
  add(
    bytes: ArrayLike<number>, layer: AttentionLayer, heads: number[], queries: number[], keys: number[], least: number,
    height: { query: (at: number) => number; key: (at: number) => number },
  ) {
    for (const head of heads) {
      const levels = this.ends.get(head) ?? Array.from({ length: LEVELS }, () => []);
      this.ends.set(head, levels);
      for (const query of queries) {
        for (const key of keys) {
          const byte = byteAt(bytes, layer, head, query, key);
          if (byte < least) continue;
          levels[byte >> 3].push(height.query(query), height.key(key));
          this.counts[byte >> 3]++;
        }
      }
    }
  }

  get count(): number {
    return this.counts.reduce((total, some) => total + some, 0);
  }

  /** The least byte from which on lines are not too many to draw; 0 where all of them can be. */
  get drawnFrom(): number {
    let total = 0;
    for (let level = LEVELS - 1; level >= 0; level--) {
      total += this.counts[level];
      if (total > MOST_LINES) return Math.min(level + 1, LEVELS - 1) << 3;
    }
    return 0;
  }

  /** Opacity grows with the root of a weight, or in a crowd with the weight itself. */
  draw(
    context: CanvasRenderingContext2D, left: number, right: number, widest: number, isCrowd: boolean,
    look: (head: number) => { color: string; shift: number },
  ) {
    const middle = (left + right) / 2;
    for (let level = this.drawnFrom >> 3; level < LEVELS; level++) {
      const root = (level + 0.5) / LEVELS;
      context.globalAlpha = 0.06 + 0.84 * (isCrowd ? root * root : root);
      context.lineWidth = Math.max(0.75, widest * root * root);
      for (const [head, levels] of this.ends) {
        const ends = levels[level];
        if (!ends.length) continue;
        const { color, shift } = look(head);
        context.strokeStyle = color;
        context.beginPath();
        for (let i = 0; i < ends.length; i += 2) {
          const [from, to] = [ends[i] + shift, ends[i + 1] + shift];
          context.moveTo(left, from);
          context.bezierCurveTo(middle, from, middle, to, right, to);
        }
        context.stroke();
      }
    }
  }
}
