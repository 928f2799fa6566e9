/** Which component draws which view, and where on a page they go. */
import { type ComponentType, render } from "preact";
import { Attention } from "./attention/attention.tsx";
import { Flow } from "./flow/flow.tsx";
import { Charts } from "./chart.tsx";
import { Comparison } from "./comparison.tsx";
import { Heat } from "./heat.tsx";
import type { Props, View } from "./spec.ts";

const COMPONENTS: { [K in View["view"]]: ComponentType<Props<Extract<View, { view: K }>>> } = {
  heat: Heat,
  attention: Attention,
  flow: Flow,
  charts: Charts,
  comparison: Comparison,
};

type Select = Props<View>["select"];

/** Draws one view into an element; the function returned takes it out again. */
export function mountOne(place: HTMLElement, view: View, select?: Select): () => void {
  const Component = COMPONENTS[view.view] as ComponentType<Props<View>>;
  render(<Component view={view} select={select} />, place);
  return () => render(null, place);
}

/** Draws each view whose data stands in the page, in the place beside it, and hides what stood for it until now. */
export function mountAll(page: ParentNode): void {
  for (const data of page.querySelectorAll<HTMLScriptElement>("script.whence-data")) {
    const whole = data.closest<HTMLElement>(".whence-view");
    const place = whole?.querySelector<HTMLElement>(".whence-live");
    if (!whole || !place) continue;
    mountOne(place, JSON.parse(data.textContent ?? "") as View);
    whole.classList.add("whence-mounted");
  }
}
