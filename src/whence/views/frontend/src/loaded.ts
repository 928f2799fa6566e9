/** Numbers of a page's data for a component to draw, inflated first where they are deflated. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { inflate, read } from "./numbers.ts";
import type { Numbers } from "./spec.ts";

type Table = Float32Array | Uint8Array;

/** The numbers of each table; null until all are there. What is not deflated is there at once. */
export function useNumbers(tables: Numbers[]): Table[] | null {
  const ready = useMemo(() => (tables.some((one) => one.deflated) ? null : tables.map(read)), [tables]);
  const [inflated, keep] = useState<Table[] | null>(null);
  useEffect(() => {
    if (!ready) void Promise.all(tables.map(inflate)).then(keep);
  }, [tables]);
  return ready ?? inflated;
}
