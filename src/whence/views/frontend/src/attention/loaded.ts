/** A layer's numbers, unpacked when they are first looked at; those not looked at for long are forgotten. */
import { useEffect, useState } from "preact/hooks";
import { inflate } from "../numbers.ts";
import type { Numbers } from "../spec.ts";

export type Bytes = Float32Array | Uint8Array;

const MOST_BYTES = 96_000_000;

export class Unpacked {
  private kept = new Map<Numbers, Promise<Bytes>>();

  /** The numbers, the same promise for the same numbers while they are kept. */
  of(numbers: Numbers): Promise<Bytes> {
    const known = this.kept.get(numbers) ?? inflate(numbers);
    this.kept.delete(numbers);
    this.kept.set(numbers, known);
    this.forget();
    return known;
  }

  private forget() {
    const size = (numbers: Numbers) => numbers.shape.reduce((product, side) => product * side, 1);
    let total = [...this.kept.keys()].reduce((bytes, numbers) => bytes + size(numbers), 0);
    for (const oldest of this.kept.keys()) {
      if (total <= MOST_BYTES || this.kept.size === 1) return;
      this.kept.delete(oldest);
      total -= size(oldest);
    }
  }
}

/** The numbers once they are unpacked, null until then. */
export function useUnpacked(store: Unpacked, numbers: Numbers | null): Bytes | null {
  const [loaded, load] = useState<{ of: Numbers; bytes: Bytes } | null>(null);
  useEffect(() => {
    let wanted = true;
    if (numbers) void store.of(numbers).then((bytes) => wanted && load({ of: numbers, bytes }));
    return () => {
      wanted = false;
    };
  }, [store, numbers]);
  return loaded && loaded.of === numbers ? loaded.bytes : null;
}
