/** A toggle for each head, in its colour and with its number. One stop of the tab key; arrow keys go from head to head. */
import { useRef, useState } from "preact/hooks";
import { along } from "../cells.ts";
import { headColor } from "./head_color.ts";

interface HeadsProps {
  count: number;
  chosen: number[];
  isOne: boolean;
  dark: boolean;
  onChoose: (heads: number[]) => void;
}

export function Heads({ count, chosen, isOne, dark, onChoose }: HeadsProps) {
  const [wanted, reach] = useState(chosen[0] ?? 0);
  const reached = Math.min(wanted, count - 1);
  const bar = useRef<HTMLDivElement>(null);
  const all = Array.from({ length: count }, (_, head) => head);
  const only = (head: number) => onChoose([head]);
  const turn = (head: number) => onChoose(all.filter((one) => chosen.includes(one) !== (one === head)));
  const move = (event: KeyboardEvent) => {
    const to = along(event, reached, count);
    if (to === null) return;
    reach(to);
    bar.current?.querySelectorAll<HTMLElement>("[data-head]")[to].focus();
  };
  return (
    <div class="whence-attn-heads">
      <div class="whence-attn-toggles" ref={bar} role="toolbar" aria-label="Heads" onKeyDown={move}>
        <span aria-hidden="true">{isOne ? "Head" : "Heads"}</span>
        {all.map((head) => (
          <button
            type="button"
            class="whence-attn-toggle"
            style={{ "--whence-head": headColor(head, dark) }}
            data-head={head}
            aria-label={`Head ${head}`}
            aria-pressed={chosen.includes(head)}
            title={isOne ? `Head ${head}` : `Head ${head}; double click for this one only`}
            tabIndex={head === reached ? 0 : -1}
            onFocus={() => reach(head)}
            onClick={() => (isOne ? only(head) : turn(head))}
            onDblClick={() => only(head)}
          >
            {head}
          </button>
        ))}
      </div>
      {isOne || count === 1 ? null : (
        <span>
          <button type="button" class="whence-attn-plain" onClick={() => onChoose(all)}>all</button>
          <button type="button" class="whence-attn-plain" onClick={() => onChoose([])}>none</button>
        </span>
      )}
    </div>
  );
}
