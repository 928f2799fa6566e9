/** Numbers of a page's data for a component to draw, inflated when they are first looked at. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { inflate, read } from "./numbers.ts";
import type { Numbers } from "./spec.ts";

export type Bytes = Float32Array | Uint8Array;

const MOST_BYTES = 96_000_000;

/** Numbers that were inflated; those not looked at for long are forgotten. */
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

/** The numbers of each table; null until all are there. What is not deflated is there at once. */
export function useNumbers(tables: Numbers[], load = inflate): Bytes[] | null {
  const ready = useMemo(() => (tables.some((one) => one.deflated) ? null : tables.map(read)), [tables]);
  const [loaded, keep] = useState<{ of: Numbers[]; found: Bytes[] } | null>(null);
  useEffect(() => {
    let wanted = !ready;
    if (wanted) void Promise.all(tables.map(load)).then((found) => wanted && keep({ of: tables, found }));
    return () => {
      wanted = false;
    };
  }, [tables]);
  return ready ?? (loaded?.of === tables ? loaded.found : null);
}

/** The numbers of one table out of a store, null until they are there. */
export function useUnpacked(store: Unpacked, numbers: Numbers | null): Bytes | null {
  const tables = useMemo(() => (numbers ? [numbers] : []), [numbers]);
  return useNumbers(tables, (one) => store.of(one))?.[0] ?? null;
}
