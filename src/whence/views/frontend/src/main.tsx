/** The entry: draws every view whose data the page holds; in a notebook, those a widget is given. */
import "./style.css";
import { mountAll, mountOne } from "./mount.tsx";
import type { View } from "./spec.ts";

/** What a notebook's widget is, as far as is used here (anywidget's). */
interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
}

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const views = model.get("views") as View[];
  el.classList.add("whence", `whence-${views[0].palette.name}`);
  const ends = views.map((view, i) => {
    const select = (selected: object | null) => {
      model.set("selected", selected && { view: i, ...selected });
      model.save_changes();
    };
    const place = el.appendChild(document.createElement("div"));
    return mountOne(place, view, select);
  });
  return () => ends.forEach((end) => end());
}

mountAll(document);
export default { render };
