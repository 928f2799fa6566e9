/** Attention at three levels: one layer's heads, all layers and heads, and the vectors behind one token's weights. */
import "./attention.css";
import { useMemo, useRef, useState } from "preact/hooks";
import { useDark } from "../canvas.ts";
import { Check } from "../controls.tsx";
import { Unpacked, useUnpacked } from "../loaded.ts";
import { percent } from "../numbers.ts";
import type { AttentionLayer, AttentionView, Props } from "../spec.ts";
import { Heads } from "./heads.tsx";
import { HeadView } from "./head_view.tsx";
import { ModelView } from "./model_view.tsx";
import { NeuronView } from "./neuron_view.tsx";
import { counts, type Point } from "./weights.ts";

const TABS = ["head", "model", "neuron"] as const;
const TAB_NAMES = { head: "Head view", model: "Model view", neuron: "Neuron view" };
const KIND_NAMES = { self: "self-attention", encoder: "encoder", decoder: "decoder", cross: "cross: decoder to encoder" };
const LIMITS = [0.001, 0.01, 0.05, 0.2];

/** First one head of one layer is shown: the last layer's first, of those that cross where there are any. */
function firstShown(view: AttentionView): AttentionLayer {
  return view.layers.findLast((layer) => layer.kind === "cross") ?? view.layers[view.layers.length - 1];
}

export function Attention({ view, select }: Props<AttentionView>) {
  const store = useMemo(() => new Unpacked(), [view]);
  const dark = useDark();
  const [tab, setTab] = useState<(typeof TABS)[number]>("head");
  const [layer, setLayer] = useState(() => firstShown(view));
  const [heads, setHeads] = useState([0]);
  const [hidden, hide] = useState({ first: false, special: false });
  const [least, setLeast] = useState(0.01);
  const [pinned, setPinned] = useState<Point | null>(null);
  const bytes = useUnpacked(store, layer.weights);
  const tabs = useRef<HTMLDivElement>(null);
  const layers = view.layers.filter((one) => one.kind === layer.kind);
  const show = (to: AttentionLayer) => {
    setLayer(to);
    setHeads(heads.filter((head) => head < to.heads));
    if (to.kind !== layer.kind) setPinned(null);
  };
  const pin = (point: Point | null) => {
    setPinned(point);
    select?.(point && { layer: layer.number, kind: layer.kind, heads, side: point.side, token: layer[point.side === "query" ? "queries" : "keys"][0] + point.at });
  };
  const enlarge = (to: AttentionLayer, head: number) => {
    setLayer(to);
    setHeads([head]);
    setTab("head");
    tabs.current?.querySelector<HTMLElement>("[role=tab]")?.focus();
  };
  const enter = (to: (typeof TABS)[number]) => {
    setTab(to);
    if (to !== "neuron" || layer.vectors) return;
    const [nearest] = layers.filter((one) => one.vectors).sort((a, b) => Math.abs(a.number - layer.number) - Math.abs(b.number - layer.number));
    if (nearest) show(nearest);
  };
  const query = pinned?.side === "query" ? pinned.at : counts(layer).queries - 1;
  const head = heads[0] ?? 0;
  return (
    <div class="whence-attn">
      <Tabs tab={tab} place={tabs} onTab={enter} />
      <div role="tabpanel" aria-label={TAB_NAMES[tab]}>
        <div class="whence-attn-controls">
          <KindChoice view={view} kind={layer.kind} onKind={(kind) => show(view.layers.findLast((one) => one.kind === kind)!)} />
          {tab === "model" ? null : <LayerChoice layers={layers} layer={layer} onLayer={show} />}
          {tab === "head" ? <LimitChoice least={least} onLeast={setLeast} /> : null}
          <Check name="hide the first token" on={hidden.first} onTurn={(first) => hide({ ...hidden, first })} />
          {view.tokens.some((token) => token.special) ? <Check name="hide special tokens" on={hidden.special} onTurn={(special) => hide({ ...hidden, special })} /> : null}
          {tab === "model" ? null : <Heads count={layer.heads} chosen={tab === "head" ? heads : [head]} isOne={tab === "neuron"} dark={dark} onChoose={setHeads} />}
        </div>
        {tab === "head" ? <HeadView {...{ view, layer, bytes, heads, hidden, least, dark, pinned }} onPin={pin} /> : null}
        {tab === "model" ? <ModelView {...{ view, layers, store, hidden, dark }} shown={{ layer, heads }} onEnlarge={enlarge} /> : null}
        {tab === "neuron" ? <NeuronView {...{ view, layer, bytes, head, query, hidden, store, dark }} onQuery={(at) => pin({ side: "query", at })} /> : null}
      </div>
      <p class="whence-legend">
        {layer.left ? `Of ${layer.heads + layer.left} heads, those from ${layer.heads} on are left out for the page’s size. ` : ""}
        {tab === "head" ? `Lines under ${percent(least)} are left out${heads.length === 1 ? ", of a token pointed at those under 0.1%" : ""}. ` : ""}
        {hidden.first || hidden.special ? "Weights of hidden tokens are not shared out among the others. " : ""}
        Weights are rounded to 256 steps, by 0.4 percentage points at most.
      </p>
    </div>
  );
}

function Tabs({ tab, place, onTab }: { tab: string; place: { current: HTMLDivElement | null }; onTab: (tab: (typeof TABS)[number]) => void }) {
  const move = (event: KeyboardEvent) => {
    const now = TABS.findIndex((one) => one === tab);
    const to = { ArrowRight: (now + 1) % 3, ArrowLeft: (now + 2) % 3, Home: 0, End: 2 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    onTab(TABS[to]);
    place.current?.querySelectorAll<HTMLElement>("[role=tab]")[to].focus();
  };
  return (
    <div class="whence-attn-tabs" ref={place} role="tablist" aria-label="Levels of attention" onKeyDown={move}>
      {TABS.map((one) => (
        <button type="button" role="tab" aria-selected={one === tab} tabIndex={one === tab ? 0 : -1} onClick={() => onTab(one)}>
          {TAB_NAMES[one]}
        </button>
      ))}
    </div>
  );
}

function KindChoice({ view, kind, onKind }: { view: AttentionView; kind: AttentionLayer["kind"]; onKind: (kind: AttentionLayer["kind"]) => void }) {
  const kinds = [...new Set(view.layers.map((layer) => layer.kind))];
  if (kinds.length < 2) return null;
  return (
    <label>
      Kind{" "}
      <select value={kind} onChange={(event) => onKind(event.currentTarget.value as AttentionLayer["kind"])}>
        {kinds.map((one) => <option value={one}>{KIND_NAMES[one]}</option>)}
      </select>
    </label>
  );
}

function LayerChoice({ layers, layer, onLayer }: { layers: AttentionLayer[]; layer: AttentionLayer; onLayer: (layer: AttentionLayer) => void }) {
  return (
    <label>
      Layer{" "}
      <select value={layers.indexOf(layer)} onChange={(event) => onLayer(layers[Number(event.currentTarget.value)])}>
        {layers.map((one, i) => <option value={i}>{one.number}</option>)}
      </select>
    </label>
  );
}

function LimitChoice({ least, onLeast }: { least: number; onLeast: (least: number) => void }) {
  return (
    <label>
      Lines from{" "}
      <select value={least} onChange={(event) => onLeast(Number(event.currentTarget.value))}>
        {LIMITS.map((limit) => <option value={limit}>{percent(limit)}</option>)}
      </select>
    </label>
  );
}
